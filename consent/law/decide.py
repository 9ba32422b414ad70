"""The question "may I send this message to this person now?", and the windows that are cached as a standing.

Which regimes apply follows from the sender's and the recipient's place; every one must allow, and the strictest
that does not is the answer. A place that is unknown, or for which no rules are held, is Canada.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from consent.law import can_spam, casl, express, kinds, uk_eu
from consent.law.citations import CASL, EPRIVACY, GDPR, PECR, POLICY, USC, Provision
from consent.law.decision import Allow, Decision, Deny, Reason
from consent.law.express import latest
from consent.law.facts import Delivery, Erasure, ExpressConsent, Fact, Question, Seen, Suppression, Withdrawal, name_of
from consent.law.periods import local_day
from consent.law.places import SCHEDULE, country_of, law_of
from consent.law.windows import Window, both, lasting, union

RULES = "2026.12"
MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Regime:
    """One body of law: how it judges a commercial message, when it allows, and what it cites for exempt ones."""

    commercial: Callable[[Question, Seen], Decision]
    windows: Callable[[Question, Seen], list[Window]]
    exempt: Provision | None = None


#: The laws that are held here, the strictest first.
REGIMES = {
    "ca": Regime(casl.commercial, casl.windows),
    "eu": Regime(uk_eu.in_the_eu, uk_eu.windows, EPRIVACY["13(1)"]),
    "uk": Regime(uk_eu.in_the_uk, uk_eu.windows, PECR["22(2)"]),
    "us": Regime(can_spam.commercial, can_spam.windows, USC["7702(17)(A)"]),
}


@dataclass(frozen=True)
class Standing:
    """What the facts add up to for a topic: commercial mail is allowed in ``[allowed_from, allowed_until)``.

    An *allowed_until* of None is no end; an *allowed_from* of None is no window at all. Where a first window ends
    before the next one begins, as when an inquiry runs out on the night before the day after a purchase, that next
    one is ``[then_from, then_until)``; there are never more than two to come. *since* is when the state began and
    *entry* the one that it rests on.
    """

    state: str
    basis: str | None
    allowed_from: datetime | None
    allowed_until: datetime | None
    then_from: datetime | None
    then_until: datetime | None
    since: datetime | None
    entry: str | None

    def allows(self, at: datetime) -> bool:
        """Whether commercial mail is allowed at *at*, an instant not before the standing was computed."""
        first = self.allowed_from is not None and _within(at, self.allowed_from, self.allowed_until)
        return first or (self.then_from is not None and _within(at, self.then_from, self.then_until))


def decide(question: Question, facts: Sequence[Fact]) -> Decision:
    """Return the answer to *question* in the light of *facts*, in whatever order they come.

    An address that cannot be delivered to, and an erased person, are written nothing of any kind. Then an exempt
    kind with its fact may go, whatever was refused; everything else is judged as commercial.
    """
    seen = question.seen(facts)
    stopped = _stopped(question, seen)
    answer = _by_kind(question, seen) if stopped is None else stopped
    deliveries = seen.of(Delivery)
    return replace(answer, not_consent=tuple(deliveries)) if deliveries else answer


def standing(question: Question, facts: Sequence[Fact]) -> Standing:
    """Return the windows in which commercial mail about the question's topic is allowed, as known at its instant.

    Holds for every instant from the question's on, as long as no further fact is known.
    """
    question = replace(question, kind="commercial")
    answer = decide(question, facts)
    seen = question.seen(facts)
    found: list[Window] = []
    if _stopped(question, seen) is None and _put_aside(question, seen) is None:
        for number, name in enumerate(governing(question)):
            theirs = union(REGIMES[name].windows(question, seen))
            found = both(found, theirs) if number else theirs
    (first, last), (then, end) = lasting(found, question.at)
    if answer.state == "implied" and last is not None and question.at < last:
        answer = decide(replace(question, at=last - MOMENT), facts)  # named by the ground that lasts longest
    fact = answer.reasons[0].fact
    return Standing(
        state=answer.state,
        basis=str(answer.basis) if answer.basis else None,
        allowed_from=first,
        allowed_until=last,
        then_from=then,
        then_until=end,
        since=fact.occurred_at if fact else None,
        entry=fact.entry if fact else None,
    )


def governing(question: Question) -> tuple[str, ...]:
    """Return the names of the regimes that govern, strictest first: the sender's and the recipient's.

    The laws of the sender's and of the person's place govern together, and every one must allow. From Canada to a state
    of the Schedule whose law is held here, Canada's steps back (SOR/2013-221 s. 3(f)). A place that is unknown, or for
    which no rules are held, is Canada.
    """
    sender, recipient = law_of(question.sender_place), law_of(question.place)
    return tuple(name for name in REGIMES if name == recipient or (name == sender and sender != "ca"))


def _within(at: datetime, first: datetime, last: datetime | None) -> bool:
    return first <= at and (last is None or at < last)


def _stopped(question: Question, seen: Seen) -> Deny | None:
    """Return Deny if nothing of any kind may be written: the address bounces for good, or the person was erased.

    A confirmation that came back later shows that mail arrives after all.
    """
    bounce = latest(f for f in seen.of(Suppression) if f.reason != "manual")
    arrived = latest(f for f in seen.of(ExpressConsent) if f.method == "confirm_button")
    if bounce and not (arrived and arrived.occurred_at > bounce.occurred_at):
        return _deny(question, "undeliverable", POLICY["Mailbox providers' sender rules"], bounce, "mend_address")
    erased = latest(f for f in seen.of(Erasure) if f.organization in (None, question.organization))
    return _deny(question, "erased", GDPR["17(3)"], erased, "stay_away") if erased else None


def _put_aside(question: Question, seen: Seen) -> Deny | None:
    """Return Deny if the company itself has put the address on its suppression list."""
    manual = latest(f for f in seen.of(Suppression) if f.reason == "manual")
    return _deny(question, "suppressed", CASL["6(1)(a)"], manual, "lift_suppression") if manual else None


def _deny(question: Question, key: str, cite: Provision, fact: Fact, remedy: str) -> Deny:
    values = {"day": local_day(fact.occurred_at, question.zone)}
    return Deny("suppressed", key, (Reason(key, cite, fact, values),), remedy)


def _by_kind(question: Question, seen: Seen) -> Decision:
    kind = question.kind
    if kind in kinds.EXEMPT:
        abroad = REGIMES[governing(question)[0]].exempt
        return kinds.exempt(question, seen, _judge(replace(question, kind="commercial"), seen).state, abroad)
    if kind == "unsubscribe_ack":
        reason = Reason("no_acknowledgement", CASL["11(3)"])
        return Deny(_judge(question, seen).state, "no_acknowledgement", (reason,), "send_nothing")
    if kind == "address_transfer":
        return _transfer(question, seen)
    if kind == "consent_request":
        return _consent_request(question, seen)
    if kind == "receipt_with_offer":  # judged as the offers that it holds
        question = replace(question, topic=f"{question.brand}/promotions")
    return _judge(question, seen)


def _judge(question: Question, seen: Seen) -> Decision:
    """Return what every regime that governs says of a commercial message: the first Deny, or the strictest Allow."""
    aside = _put_aside(question, seen)
    if aside is not None:
        return aside
    names = governing(question)
    answers = [REGIMES[name].commercial(question, seen) for name in names]
    for answer in answers:
        if isinstance(answer, Deny):
            return _noted(question, answer, names)
    reasons = tuple(reason for answer in answers for reason in answer.reasons)
    return _noted(question, replace(answers[0], reasons=reasons), names)


def _noted(question: Question, answer: Decision, regimes: Sequence[str]) -> Decision:
    """Return *answer* with the readings that come from the places."""
    country, names = country_of(question.place), []
    if not answer and "ca" in regimes and country != "CA" and country not in SCHEDULE:
        names.append("unknown_place")
    if law_of(question.sender_place) == "ca" and country in SCHEDULE:
        names.append("foreign_state")
    if answer and answer.state == "given" and question.place == "CA-QC":
        names.append("temporary")
    return replace(answer, unsettled=(*answer.unsettled, *names)) if names else answer


def _consent_request(question: Question, seen: Seen) -> Decision:
    """Judge a mail that asks for consent.

    It is itself commercial (CASL s. 1(3)), so it needs a consent that stands; any one under the brand will do. It is
    denied for a topic that a "no" covers. If it names no topic, a consent to another topic that is later than the
    "no" will do.
    """
    own = _judge(question, seen)
    refused = own.state == "withdrawn" and question.topic is not None
    if own or refused or own.state == "suppressed":
        return own
    others = {
        f"{question.brand}/{name_of(consent.topic)}"
        for consent in seen.of(ExpressConsent)
        if consent.topic and question.brand in consent.brands
    }
    answers = [_judge(replace(question, topic=topic), seen) for topic in sorted(others)]
    return next((answer for answer in answers if answer), own)


def _transfer(question: Question, seen: Seen) -> Decision:
    """Judge passing the address on to somebody else.

    Never after a refusal of any scope (15 U.S.C. 7704(a)(4)(A)(iv), policy); and outside of the United States never at
    all, since no consent covers others than those who were named (CASL s. 10(1)(b)).
    """
    aside = _put_aside(question, seen)
    if aside is not None:
        return aside
    ours = (None, question.organization)
    no = latest(f for f in seen.of(Withdrawal) if f.organization in ours or express.reaches(f, question, seen))
    state = _judge(question, seen).state
    if no:
        reason = Reason("no_transfer", USC["7704(a)(4)(A)(iv)"], no)
        return Deny(state, "no_transfer", (reason,), "respect")
    if governing(question) != ("us",):
        return Deny(state, "no_transfer", (Reason("no_transfer_consent", CASL["10(1)(b)"]),), "send_nothing")
    return Allow(state, "opt_out_regime", (Reason("opt_out_regime", USC["7704(a)(4)(A)(iv)"]),))
