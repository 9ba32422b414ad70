"""The kinds of message: which need no consent, and the fact that each of those needs instead.

An exemption is never a bare flag: without its fact a kind is denied, naming what is missing. With it, it survives
every withdrawal, since the "no" was to commercial mail. "Solely" is taken at its strictest: one promotion more,
and the message is commercial (CASL s. 6(6)).
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from consent.law.citations import CASL, GIC, POLICY, USC, Provision
from consent.law.decision import Allow, Decision, Deny, Reason
from consent.law.express import latest
from consent.law.facts import (
    ConfirmationSent,
    ConsentRequested,
    Contacted,
    Fact,
    Question,
    Relationship,
    Seen,
    Withdrawal,
    brand_of,
)
from consent.law.implied import end_of, holders, sales_of
from consent.law.periods import local_day

#: What may be asked about. Employment, delivery and address transfers have no exemption of their own.
KINDS = (
    "commercial", "receipt", "quote", "recall", "account_notice", "employment", "delivery", "confirmation", "reply",
    "legal_notice", "fundraising", "consent_request", "receipt_with_offer", "unsubscribe_ack", "address_transfer",
    "address_transfer_to_processor",
)  # fmt: skip
NOT_ME_DAYS = 30  # policy: so long no form makes us mail a person who said "I did not ask for this"
_SALES = frozenset({"purchase", "lease", "barter"})
_INQUIRIES = frozenset({"inquiry", "quote_request", "demo_request"})
_RUNNING = frozenset({"subscription", "membership", "account", "loan"})

Finder = Callable[[Question, Seen], Fact | None]


def exempt(question: Question, seen: Seen, state: str, abroad: Provision | None) -> Decision:
    """Return whether the question's kind may go without consent; *state* is what the topic's consent stands at.

    *abroad* is the provision of the law that governs instead of Canada's, if one does.
    """
    if question.kind == "confirmation":
        return _confirmation(question, seen)
    if question.kind == "fundraising" and question.charity is False:
        return _missing(question, state, GIC["3(g)"])
    if question.kind in _WITHOUT_FACT:
        key, cite = _WITHOUT_FACT[question.kind]
        return _allow(question, state, Reason(key, cite if cite in USC.values() else abroad or cite))
    find, cite = _FACTS[question.kind]
    fact = find(question, seen)
    if fact is None:
        return _missing(question, state, cite)
    return _allow(question, state, _about(question, fact, abroad or cite))


def _about(question: Question, fact: Fact, cite: Provision) -> Reason:
    on = local_day(fact.occurred_at, question.zone)
    if question.kind == "reply":
        return Reason("exempt_reply", cite, fact, {"brand": question.brand, "day": on})
    noun = fact.type if isinstance(fact, Relationship) else "account"
    return Reason("exempt_fact", cite, fact, {"noun": noun, "day": on})


def _allow(question: Question, state: str, reason: Reason) -> Allow:
    return Allow(state, f"exempt_{question.kind}", (reason,))


def _missing(question: Question, state: str, cite: Provision) -> Deny:
    values = {"kind": question.kind, "fact": question.kind, "brand": question.brand}
    return Deny(state, "fact_missing", (Reason("fact_missing", cite, None, values),), "record_fact")


def _confirmation(question: Question, seen: Seen) -> Decision:
    """Judge the one mail that answers a sign-up, for each topic by its newest sign-up.

    One mail may answer a sign-up (SOR/2013-221 s. 3(b)), and a new sign-up earns a new one, also after a withdrawal.
    There is no reminder (CASL s. 1(3), policy), no mail for a sign-up that is older than a "no", none after a complaint
    of spam, and none for thirty days after the person said that it was not them who asked.
    """
    newest: dict[str, ConsentRequested] = {}
    for asked in sorted(seen.of(ConsentRequested), key=lambda asked: asked.age):
        if question.topic == asked.topic or (question.topic is None and brand_of(asked.topic) == question.brand):
            newest[asked.topic] = asked
    judged = [_answer(question, asked, seen) for asked in newest.values()]
    allowed = [decision for decision in judged if decision]
    return (allowed or judged or [_missing(question, "unknown", GIC["3(b)"])])[-1]


def _answer(question: Question, asked: ConsentRequested, seen: Seen) -> Decision:
    values = {"day": local_day(asked.occurred_at, question.zone)}
    if no := latest(f for f in seen.of(Withdrawal) if _forbids(f, asked, question)):
        unsettled = ("confirm_after_complaint",) if no.act == "complained" else ()
        cite = POLICY["Spamhaus Marketing FAQ"] if unsettled else CASL["11(3)"]
        reason = Reason("refused_since", cite, no, values)
        return Deny("withdrawn", "refused_since", (reason,), "respect", unsettled=unsettled)
    if any(f.uses_up(asked) for f in seen.of(ConfirmationSent)):
        reason = Reason("already_sent", CASL["1(3)"], asked, values)
        return Deny("requested", "already_sent", (reason,), "wait_for_confirmation", unsettled=("reminders",))
    return Allow("requested", "exempt_confirmation", (Reason("exempt_confirmation", GIC["3(b)"], asked, values),))


def _forbids(no: Withdrawal, asked: ConsentRequested, question: Question) -> bool:
    """Whether *no* forbids to answer the sign-up *asked*."""
    ours = no.organization in (None, question.organization)
    if no.not_me and ours and no.occurred_at + timedelta(days=NOT_ME_DAYS) >= asked.occurred_at:
        return True  # whatever topic it is that somebody now asks for in this person's name
    covered = no.topic == asked.topic if no.topic else no.covers(question)
    return covered and (no.act == "complained" or no.occurred_at >= asked.occurred_at)


def _relationship(types: frozenset[str], *, running: bool = False) -> Finder:
    """Return what finds the newest relationship of *types* with the question's brand, *running* still if so asked."""

    def counts(fact: Relationship, question: Question, seen: Seen) -> bool:
        ours = fact.type in types and _with(fact, question.brand, seen, now=running)
        return ours and not (running and end_of(fact, seen))

    def find(question: Question, seen: Seen) -> Fact | None:
        return latest(fact for fact in seen.of(Relationship) if counts(fact, question, seen))

    return find


def _with(fact: Relationship, brand: str, seen: Seen, *, now: bool) -> bool:
    """Whether the relationship is with *brand*, or passed to it by a sale; if *now*, whether it still is."""
    brands = [fact.brand, *(sale.to for sale in holders(fact, sales_of(seen)))]
    return brand in (brands[-1:] if now else brands)


def _contacted(what: str, types: frozenset[str], *, running: bool = False) -> Finder:
    """Return what finds the newest *what* (``question``, ``account``), or else a relationship of *types*."""

    def find(question: Question, seen: Seen) -> Fact | None:
        found = latest(f for f in seen.of(Contacted) if (f.what, f.brand) == (what, question.brand))
        return found or _relationship(types, running=running)(question, seen)

    return find


_FACTS: Mapping[str, tuple[Finder, Provision]] = {
    "quote": (_relationship(frozenset({"quote_request"})), CASL["6(6)(a)"]),
    "receipt": (_relationship(_SALES), CASL["6(6)(b)"]),
    "recall": (_relationship(_SALES), CASL["6(6)(c)"]),
    "account_notice": (_contacted("account", _RUNNING, running=True), CASL["6(6)(d)"]),
    "reply": (_contacted("question", _INQUIRIES), GIC["3(b)"]),
}
#: Kinds that rest on what the sender must keep a note of, with the sentence that says so.
_WITHOUT_FACT: Mapping[str, tuple[str, Provision]] = {
    "legal_notice": ("exempt_legal_notice", GIC["3(c)"]),
    "fundraising": ("exempt_fundraising", GIC["3(g)"]),
    "address_transfer_to_processor": ("exempt_processor", USC["7704(a)(4)(A)(iv)"]),
}
#: The kinds that :func:`exempt` judges; every other kind is commercial, or has a rule of its own in ``decide``.
EXEMPT = frozenset({*_FACTS, *_WITHOUT_FACT, "confirmation"})
