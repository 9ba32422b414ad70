"""Answers that every regime gives alike: the person agreed, refused, has not confirmed, or never spoke of this."""

from collections.abc import Mapping

from consent.law import express, implied
from consent.law.citations import CASL, COURT, Provision
from consent.law.decision import Allow, Basis, Deny, Reason
from consent.law.express import latest
from consent.law.facts import (
    ConsentRequested,
    Conversion,
    ExpressConsent,
    Question,
    Relationship,
    Seen,
    Withdrawal,
)
from consent.law.periods import local_day


def agreed(question: Question, consent: ExpressConsent, regime: str = "casl", cite: Provision = CASL["10(1)"]) -> Allow:
    """Return that the express *consent* allows under *regime*, by the provision *cite*."""
    on = local_day(consent.occurred_at, question.zone)
    key, ground = "agreed", "express"
    values: dict[str, object] = {"topic": consent.topic or question.topic or question.brand, "day": on}
    if consent.method == "confirm_button":
        key = "confirmed"
    elif consent.collector:
        key, ground = "agreed_through", "express_third_party"
        cite = CASL["10(2)"] if regime == "casl" else cite
        values |= {"collector": consent.collector, "brand": question.brand}
    reason = Reason(key, cite, consent, values)
    return Allow(state="given", code="express_consent", basis=Basis(regime, ground, on), reasons=(reason,))


def refused(question: Question, refusal: Withdrawal, cite: Provision, unsettled: tuple[str, ...] = ()) -> Deny:
    """Return that the person's *refusal* stands: at once, and until a later express act of theirs."""
    values = {
        "reach": refusal.topic or refusal.brand or refusal.organization,
        "day": local_day(refusal.occurred_at, question.zone),
    }
    if refusal.unspecified:
        unsettled = ("unspecified_scope", *unsettled)
    reason = Reason(refusal.act, cite, refusal, values)
    return Deny("withdrawn", refusal.act, (reason,), "respect", unsettled=unsettled)


def first_of(*explanations: Deny | None, otherwise: Deny) -> Deny:
    """Return the first of *explanations* that there is; a Deny is false, so ``or`` would pass every one by."""
    return next((deny for deny in explanations if deny is not None), otherwise)


def flawed(
    question: Question, seen: Seen, cites: Mapping[str, Provision], is_valid: express.Valid = express.valid
) -> Deny | None:
    """Return what is wrong with the newest consent that is about this message, citing by flaw; None if nothing is."""
    consent = latest(c for c in seen.of(ExpressConsent) if c.covers(question))
    if consent is None or is_valid(question, consent):
        return None
    stricter = "conditions_not_met" if consent.method == express.THIRD_PARTY else "request_incomplete"
    flaw = express.flaw(question, consent) or stricter
    values = {
        "day": local_day(consent.occurred_at, question.zone),
        "method": consent.method,
        "collector": consent.collector,
    }
    return Deny("unknown", flaw, (Reason(flaw, cites[flaw], consent, values),), "ask_elsewhere")


def unconfirmed(question: Question, seen: Seen, cite: Provision) -> Deny | None:
    """Return that a sign-up waits for its confirmation (policy: who typed the address must be proven); else None."""
    asked = latest(r for r in seen.of(ConsentRequested) if r.topic == question.topic)
    answer = latest(c for c in seen.of(ExpressConsent) if c.covers(question))
    if asked is None or (answer and answer.occurred_at >= asked.occurred_at):
        return None
    reason = Reason("unconfirmed", cite, asked, {"day": local_day(asked.occurred_at, question.zone)})
    return Deny("requested", "unconfirmed", (reason,), "wait_for_confirmation", unsettled=("confirm_required",))


def unrelated(question: Question, seen: Seen, cite: Provision, for_purpose: Provision, for_sender: Provision) -> Deny:
    """Return that nothing on record is about this message, naming what is on record for something near it.

    The nearest first: another purpose of the brand, another name of the organization, another organization.
    """
    given = [c for c in seen.of(ExpressConsent) if express.valid(question, c)]
    own = latest(c for c in given if question.brand in c.brands and c.topic)
    if own:
        values = {"other": own.topic, "topic": question.topic or question.brand}
        reason = Reason("purpose_not_covered", for_purpose, own, values)
        return Deny("unknown", "purpose_not_covered", (reason,), "ask_elsewhere")
    others: list[ExpressConsent | Relationship] = [c for c in given if question.brand not in c.brands]
    others += [r for r in seen.of(Relationship) if r.type in implied.RULES and r.brand != question.brand]
    near = latest(f for f in others if f.organization == question.organization and f.brand != question.brand)
    far = latest(others)
    if near or far:
        fact, key = (near, "brand_not_covered") if near else (far, "sender_not_covered")
        values = {"other": ", ".join(fact.brands) if fact else "", "brand": question.brand}
        reason = Reason(key, for_sender, fact, values)
        return Deny("unknown", key, (reason,), "ask_elsewhere", unsettled=("consent_scope",) if near else ())
    return _nothing(question, seen, cite)


def _nothing(question: Question, seen: Seen, cite: Provision) -> Deny:
    about = question.topic or question.brand
    published = latest(r for r in seen.of(Relationship) if (r.type, r.brand) == ("published_address", question.brand))
    cite = COURT["2020 FCA 103"] if published else cite
    curious = any(f.brand == question.brand for f in seen.of(Conversion))
    unsettled = ("download_is_inquiry",) if curious else ()
    reason = Reason("no_consent", cite, published, {"topic": about})
    return Deny("unknown", "no_consent", (reason,), "ask_elsewhere", unsettled=unsettled)
