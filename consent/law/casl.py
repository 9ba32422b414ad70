"""Canada's anti-spam legislation (CASL, S.C. 2010, c. 23): the strictest regime we know.

It also governs a recipient whose place is unknown. Each rule returns an answer or None, and the order in
:func:`commercial` is the order of precedence.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from consent.law.citations import CASL, ECPR, GIC
from consent.law.decision import Allow, Basis, Decision, Deny, Reason
from consent.law.facts import (
    ConfirmationSent,
    ConsentRequested,
    Delivery,
    ExpressConsent,
    Fact,
    Question,
    Withdrawal,
)

#: Acts by which a person opts in, CRTC 2012-548 and 2012-549. A ticked-in-advance box and the acceptance of
#: general terms are not among them.
OPT_IN_METHODS = frozenset({"confirm_button"})
_WITHDRAWAL_WORDS = ("withdraw", "unsubscribe", "retirer", "désabonn", "désinscri")
NOT_ME_DAYS = 30  # policy: so long no form makes us mail a person who said "I did not ask for this"

F = TypeVar("F", bound=Fact)

_ASK_ELSEWHERE = (
    "Ask for express consent by another route, such as a sign-up form; "
    "an e-mail that asks for it is itself commercial (s. 1(3))."
)
_WAIT_FOR_CONFIRMATION = (
    "Wait: only the person can confirm, with the button behind the link we mailed. Do not remind them."
)
_RESPECT = "Do not write. Only a later express act of the person, such as a new confirmed sign-up, changes this."


def commercial(question: Question, facts: Sequence[Fact]) -> Decision:
    """Return whether a commercial message may be sent, s. 6(1)(a).

    Precedence: the latest "no" that covers the topic beats everything except a *later* express consent; a tie
    in time goes to the "no". Deliveries, opens and clicks are not looked at: consent is implied "only if" a
    case of s. 10(9) is met, and none of them is one.
    """
    seen = [fact for fact in facts if question.sees(fact)]
    refusal = latest(w for w in seen if isinstance(w, Withdrawal) and w.covers(question))
    consent = latest(c for c in seen if isinstance(c, ExpressConsent) and c.topic == question.topic and _valid(c))
    deliveries = tuple(fact for fact in seen if isinstance(fact, Delivery))
    if consent and (refusal is None or consent.occurred_at > refusal.occurred_at):
        return _express(consent, deliveries)
    if refusal:
        return _withdrawn(refusal, deliveries)
    return _no_consent(question, seen, deliveries)


def confirmation(question: Question, facts: Sequence[Fact]) -> Decision | None:
    """Return Allow if one confirmation mail answers a sign-up, SOR/2013-221 s. 3(b); None if no sign-up waits for it.

    One mail a sign-up and no reminder (policy, s. 1(3)): none once it was sent, none after the person said no,
    and none for NOT_ME_DAYS after they said that it was not them who asked.
    """
    seen = [fact for fact in facts if question.sees(fact)]
    sent = {answered for fact in seen if isinstance(fact, ConfirmationSent) for answered in fact.answers}
    asked = latest(fact for fact in seen if isinstance(fact, ConsentRequested) and fact.topic == question.topic)
    if asked is None or asked.entry in sent or any(_forbids(fact, asked, question) for fact in seen):
        return None
    text = f"The person's sign-up of {day(asked.occurred_at)} asked for this one mail."
    return Allow(state="requested", code="exempt_confirmation", reasons=(Reason(text, GIC["3(b)"], asked),))


def notice_gaps(words: str, *, names: Iterable[str], address: str, contacts: Iterable[str]) -> list[str]:
    """Return what the *words* of a request for consent lack under SOR/2012-36 s. 4; empty if it is complete.

    It must name who asks (*names*: the business name or the organization's), give the mailing *address* and
    one of *contacts* (phone, e-mail or web address), and say that consent can be withdrawn.
    """
    flat = _flat(words)
    needed = {
        "the name of who is asking": names,
        "the mailing address": [address],
        "a phone number, an e-mail or a web address": contacts,
        "the statement that consent can be withdrawn": _WITHDRAWAL_WORDS,
    }
    return [gap for gap, texts in needed.items() if not any(_flat(text) and _flat(text) in flat for text in texts)]


def _flat(text: str) -> str:
    """Return *text* for comparing: NFC, one space between words, no capitals."""
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()


def latest(facts: Iterable[F]) -> F | None:
    """Return the fact that occurred last, or None; of two in one instant, the one recorded last."""
    return max(facts, key=lambda fact: (fact.occurred_at, fact.recorded_at, fact.entry), default=None)


def day(at: datetime) -> str:
    """Return the day of *at* as a sentence has it: ``2 April 2026``."""
    return f"{at.day} {at:%B %Y}"


def _valid(consent: ExpressConsent) -> bool:
    """Whether the request met s. 10(1) and SOR/2012-36 s. 4, and the act was an opt-in."""
    return consent.notice_complete and consent.method in OPT_IN_METHODS


def _forbids(fact: Fact, asked: ConsentRequested, question: Question) -> bool:
    """Whether *fact* is a "no" that forbids to answer the sign-up *asked*."""
    if not isinstance(fact, Withdrawal):
        return False
    ours = fact.organization in (None, question.organization)
    if fact.not_me and ours and fact.occurred_at + timedelta(days=NOT_ME_DAYS) >= asked.occurred_at:
        return True  # whatever topic it is that somebody now asks for in this person's name
    return fact.covers(question) and fact.occurred_at >= asked.occurred_at


def _express(consent: ExpressConsent, deliveries: tuple[Delivery, ...]) -> Allow:
    text = f"The person confirmed {consent.topic} on {day(consent.occurred_at)}; express consent has no end."
    return Allow(
        state="given",
        code="express_consent",
        basis=Basis("casl", "express", consent.occurred_at),
        reasons=(Reason(text, CASL["10(1)"], consent),),
        not_consent=deliveries,
    )


def _withdrawn(refusal: Withdrawal, deliveries: tuple[Delivery, ...]) -> Deny:
    reach = refusal.topic or refusal.brand or refusal.organization or "every message"
    text = f"The person withdrew from {reach} on {day(refusal.occurred_at)}; it took effect at once."
    return Deny(
        state="withdrawn",
        code="withdrawn",
        reasons=(Reason(text, CASL["11(3)"], refusal),),
        not_consent=deliveries,
        remedy=_RESPECT,
    )


def _no_consent(question: Question, seen: Sequence[Fact], deliveries: tuple[Delivery, ...]) -> Deny:
    invalid = latest(c for c in seen if isinstance(c, ExpressConsent) and c.topic == question.topic)
    asked = latest(r for r in seen if isinstance(r, ConsentRequested) and r.topic == question.topic)
    state, remedy = "unknown", _ASK_ELSEWHERE
    if invalid:
        code = "request_incomplete" if not invalid.notice_complete else "invalid_method"
        text = f"The consent of {day(invalid.occurred_at)} is not valid: {code.replace('_', ' ')}."
        reason = Reason(text, ECPR["4"], invalid)
    elif asked:
        state, code, remedy = "requested", "unconfirmed", _WAIT_FOR_CONFIRMATION
        text = f"The sign-up of {day(asked.occurred_at)} was not confirmed; who typed the address is not known."
        reason = Reason(text, CASL["13"], asked)
    else:
        code, text = "no_consent", f"There is no consent on record for {question.topic}."
        reason = Reason(text, CASL["6(1)(a)"])
    return Deny(state=state, code=code, reasons=(reason,), not_consent=deliveries, remedy=remedy)
