"""Canada's anti-spam legislation (CASL, S.C. 2010, c. 23): the strictest regime we know.

It also governs a recipient whose place is unknown. :func:`commercial` is the order of precedence; what the person
said comes from :mod:`consent.law.express`, what is implied from :mod:`consent.law.implied`. Consent that was implied
for relationships from before 1 July 2014 (s. 66) ended by 1 July 2017 and is not looked at any more.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

from consent.law import answers, express, implied
from consent.law.citations import CASL, CRTC, ECPR, GIC
from consent.law.decision import Allow, Basis, Decision, Deny, Reason
from consent.law.express import latest
from consent.law.facts import MessageSent, Question, Relationship, Seen, Withdrawal
from consent.law.implied import Ground
from consent.law.periods import last_day, local_day, minus

_FLAWS = {
    "invalid_method": CRTC["2012-549"],
    "evidence_missing": CRTC["2012-548"],
    "request_incomplete": ECPR["4"],
    "conditions_not_met": GIC["5(1)"],
}
_WITHDRAWAL_WORDS = ("withdraw", "unsubscribe", "retirer", "désabonn", "désinscri")


def commercial(question: Question, seen: Seen) -> Decision:
    """Return whether a commercial message may be sent, s. 6(1)(a).

    Express consent that is later than every "no" allows. A "no" that covers the topic denies: no implied ground,
    older or newer, revives (s. 11(3) and policy). Else any ground of implied consent that is open allows, and of
    several the one that lasts longest is named; else a referral allows one message. Deliveries, opens, clicks and
    our own mail are not looked at: consent is implied "only if" a case of s. 10(9) is met, and none of them is one.
    """
    consent, refusal = express.last_word(question, seen)
    if consent:
        return answers.agreed(question, consent)
    if refusal:
        return answers.refused(question, refusal, CASL["11(3)"], _revived(question, refusal, seen))
    grounds = implied.grounds(question, seen)
    if ground := implied.longest(g for g in grounds if g.open_at(question.at)):
        return _implied(ground)
    return _referred(question, seen) or _no_consent(question, seen, grounds)


def windows(question: Question, seen: Seen) -> list[tuple[datetime, datetime | None]]:
    """Return the instants in which what is *seen* now allows commercial mail, as pairs with None for no end.

    A referral is left out: it allows one message and is no consent, so that bulk mail never rests on it.
    """
    consent, refusal = express.last_word(question, seen)
    if consent:
        return [(consent.occurred_at, None)]
    return [] if refusal else [(g.opens, g.closes) for g in implied.grounds(question, seen)]


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


def _implied(ground: Ground) -> Allow:
    fact, values = ground.fact, _values(ground)
    key = "implied"
    if ground.rule.months is None:
        key = "implied_open"
    elif ground.rule.runs:
        key = "implied_ended" if ground.ended_on else "implied_running"
    return Allow(
        state="implied",
        code="implied_consent",
        basis=_basis(ground),
        reasons=(Reason(key, ground.rule.citation, fact, values),),
    )


def _basis(ground: Ground) -> Basis:
    return Basis("casl", ground.rule.citation.section, ground.since, ground.until)


def _values(ground: Ground) -> dict[str, object]:
    return {
        "noun": ground.fact.type,
        "day": ground.since,
        "until": ground.until,
        "period": ground.rule.months or implied.TWO_YEARS,
    }


def _referred(question: Question, seen: Seen) -> Allow | None:
    """Return Allow for the first message after a referral that meets SOR/2013-221 s. 4(1); None otherwise."""
    referral = latest(
        fact
        for fact in seen.of(Relationship)
        if (fact.type, fact.brand) == ("referral", question.brand) and fact.relationships_ok and fact.named_in_message
    )
    if referral is None or any(_uses_up(sent, referral) for sent in seen.of(MessageSent)):
        return None
    reason = Reason("referral", GIC["4(1)"], referral, {"day": local_day(referral.occurred_at, question.zone)})
    return Allow(state="unknown", code="exempt_referral", reasons=(reason,))


def _uses_up(sent: MessageSent, referral: Relationship) -> bool:
    """Whether the message *sent*, under any name of the sender, was the one that the *referral* allowed."""
    return sent.organization == referral.organization and sent.occurred_at >= referral.occurred_at


def _revived(question: Question, refusal: Withdrawal, seen: Seen) -> tuple[str, ...]:
    """Return the readings without which something might still be implied after the *refusal*."""
    found = [g for g in implied.grounds(question, seen) if g.open_at(question.at)]
    names = ["purchase_revives"] if any(g.fact.occurred_at > refusal.occurred_at for g in found) else []
    if refusal.told not in (None, question.brand):
        names.append("unsubscribe_all_scope")
    return tuple(names)


def _no_consent(question: Question, seen: Seen, grounds: Sequence[Ground]) -> Deny:
    """Explain what is missing: the nearest thing on record that is no consent, or that there is nothing."""
    return answers.first_of(
        _not_yet(question, grounds),
        answers.unconfirmed(question, seen, CASL["13"]),
        _expired(question, grounds),
        answers.flawed(question, seen, _FLAWS),
        otherwise=answers.unrelated(question, seen, CASL["6(1)(a)"], CASL["10(1)(a)"], CASL["10(1)(b)"]),
    )


def _not_yet(question: Question, grounds: Sequence[Ground]) -> Deny | None:
    ground = implied.longest(g for g in grounds if question.at < g.opens)
    if ground is None:
        return None
    code = "implied_consent_not_yet"
    key = "implied_ended_not_yet" if ground.ended_on else code
    reasons = (Reason(key, ground.rule.citation, ground.fact, _values(ground)),)
    unsettled = ("same_day_counts",)
    return Deny("implied", code, reasons, "wait_a_day", _basis(ground), unsettled)


def _expired(question: Question, grounds: Sequence[Ground]) -> Deny | None:
    ground = implied.longest(grounds)
    if ground is None:
        return None
    key = "implied_ended_expired" if ground.ended_on else "implied_consent_expired"
    reason = Reason(key, ground.rule.citation, ground.fact, _values(ground))
    unsettled = _just_ended(question, ground)
    return Deny("expired", "implied_consent_expired", (reason,), "ask_elsewhere", _basis(ground), unsettled)


def _just_ended(question: Question, ground: Ground) -> tuple[str, ...]:
    """Return the readings by which an expired *ground* might still be open on the day of the question."""
    months, today = ground.rule.months or 0, local_day(question.at, question.zone)
    anchor = ground.ended_on or ground.since
    if today <= last_day(anchor, months, begins_on=ground.rule.begins_on):
        return ("zones",)
    if minus(today, months) > anchor:
        return ()
    return ("ongoing_end_inclusive",) if ground.rule.begins_on else ("month_end",)
