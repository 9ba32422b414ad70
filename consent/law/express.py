"""What the person said: which "yes" is valid, which "no" covers, and which of the two holds.

The same under every regime, since each takes the person at their last word: an express consent holds until a
withdrawal, and a withdrawal until a *later* express consent. Nothing that is merely implied comes in here.
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import TypeVar

from consent.law.facts import ExpressConsent, Fact, Question, Seen, Withdrawal
from consent.law.periods import start_of

#: Acts by which a person opts in, CRTC 2012-548 and 2012-549. A box ticked in advance and the acceptance of
#: general terms are not among them, nor is anything that is not listed.
OPT_IN_METHODS = frozenset(
    {"confirm_button", "checkbox_unticked", "typed_address", "reply_agree", "signed", "paper", "oral"}
)
THIRD_PARTY = "unknown_third_party"  # s. 10(2): given to a collector for senders who were not known yet
ORAL_PROOF = frozenset({"full_recording", "independent_verification"})  # CRTC 2012-548
IN_FORCE_ON = date(2014, 7, 1)  # express consents from before need not have had the content of SOR/2012-36 s. 4

F = TypeVar("F", bound=Fact)
Valid = Callable[[Question, ExpressConsent], bool]


def latest(facts: Iterable[F]) -> F | None:
    """Return the fact that occurred last, or None; of two in one instant, the one recorded last."""
    return max(facts, key=lambda fact: fact.age, default=None)


def flaw(question: Question, consent: ExpressConsent) -> str | None:
    """Return why *consent* is no valid express consent under CASL, as the key of a sentence; None if it is one.

    The act must be one by which a person opts in; an oral one must be proven by a full recording or an independent
    verification (s. 13, CRTC 2012-548); the request must have said what SOR/2012-36 s. 4 asks for, unless it was made
    before the Act was in force and is imported with its evidence. A consent given to a collector for senders who were
    not known yet counts only under the conditions of SOR/2013-221 s. 5.
    """
    if consent.method == THIRD_PARTY:
        return None if consent.conditions_met and consent.collector else "conditions_not_met"
    if consent.method not in OPT_IN_METHODS:
        return "invalid_method"
    if consent.method == "oral" and consent.evidence not in ORAL_PROOF:
        return "evidence_missing"
    return None if consent.notice_complete or _before_the_act(question, consent) else "request_incomplete"


def valid(question: Question, consent: ExpressConsent) -> bool:
    """Whether *consent* is a valid express consent under CASL s. 10(1) and (2)."""
    return flaw(question, consent) is None


def specific(question: Question, consent: ExpressConsent) -> bool:
    """Whether *consent* is valid where it must be specific and informed (GDPR Art. 4(11)): asked for by name."""
    return consent.method != THIRD_PARTY and consent.notice_complete and valid(question, consent)


def last_word(
    question: Question, seen: Seen, is_valid: Valid = valid
) -> tuple[ExpressConsent | None, Withdrawal | None]:
    """Return the consent that holds, or else the "no" that holds; both None if the person said neither.

    The latest "no" that covers the message is held against every valid consent that covers it. A consent holds only if
    it is later: a tie in time goes to the "no", and the order in which things were recorded is irrelevant. A consent
    that was imported, or given through a collector, never lifts a "no"; nor does a confirmation whose link, or whose
    sign-up, is older than the "no".
    """
    refusal = latest(no for no in seen.of(Withdrawal) if reaches(no, question, seen))
    consent = latest(
        yes
        for yes in seen.of(ExpressConsent)
        if yes.covers(question) and is_valid(question, yes) and _lifts(yes, refusal)
    )
    return consent, (None if consent else refusal)


def _before_the_act(question: Question, consent: ExpressConsent) -> bool:
    before = consent.occurred_at < start_of(IN_FORCE_ON, question.zone)
    return consent.imported and consent.evidence is not None and before


def _lifts(consent: ExpressConsent, refusal: Withdrawal | None) -> bool:
    """Whether *consent* is an express act later than *refusal*, and not in answer to an older request.

    What came by import, or through a collector for whoever would use it, never lifts a "no" that was told to us.
    """
    if refusal is None:
        return True
    begun = consent.asked_at or consent.occurred_at  # a link that is older than the "no" raises nothing
    own = not consent.imported and consent.method != THIRD_PARTY
    return own and min(begun, consent.occurred_at) > refusal.occurred_at


def reaches(no: Withdrawal, question: Question, seen: Seen) -> bool:
    """Whether *no* covers the question, by its scope or along a chain of senders who share one consent.

    A withdrawal told to the collector of a consent for unknown third parties, or to one of its users, reaches
    the collector and every user (SOR/2013-221 s. 5(2) to (4)).
    """
    if no.covers(question):
        return True
    shared = [consent for consent in seen.of(ExpressConsent) if consent.collector]
    ours = {question.brand, question.organization}
    mine = {consent.collector for consent in shared if ours.intersection(consent.parties)}
    return any(no.reaches(party) for consent in shared if consent.collector in mine for party in consent.parties)
