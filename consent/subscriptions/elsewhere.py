"""Consents that were obtained elsewhere, on paper or by telephone, and are told to us with their evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from consent import catalogue
from consent.addresses import Address
from consent.catalogue import Brand, Notice, Topic
from consent.law import express
from consent.law.facts import ExpressConsent, name_of
from consent.law.periods import start_of
from consent.law.sentences import say
from consent.records.append import Draft
from consent.records.history import History
from consent.records.standing import question
from consent.subscriptions.acts import Act
from consent.subscriptions.recording import Refused, Told

#: Words for how consent was obtained. Those that the law does not take for consent are refused with the reason.
METHODS = (
    "oral", "paper", "signed", "typed_address", "reply_agree", "checkbox_unticked", express.THIRD_PARTY,
    "prechecked_box", "terms_acceptance",
)  # fmt: skip
_CHANNELS = {"oral": "phone", "paper": "paper", "signed": "paper", "reply_agree": "mail"}
_FIELDS = {
    "invalid_method": "method",
    "evidence_missing": "evidence",
    "request_incomplete": "notice",
    "conditions_not_met": "conditions_met",
}


@dataclass(frozen=True)
class Obtained:
    """What is told: the person agreed to *topic* (None: whatever *brand* sends, through a *collector*) by *method*.

    *proof* says what proves it, as the law asks (``full_recording``, ``independent_verification``, ``document`` …), and
    *evidence* holds it. *notice* is the published one that was shown; without it the evidence must show the words.
    *pre_2014* marks a consent from before CASL was in force, whose request need not have said all that it asks for.
    """

    address: Address
    brand: Brand
    topic: Topic | None
    method: str
    occurred_at: datetime
    proof: str
    evidence: Mapping[str, str] = field(default_factory=dict)
    notice: Notice | None = None
    on_behalf_of: tuple[Brand, ...] = ()
    pre_2014: bool = False
    collector: str | None = None
    conditions_met: bool = False
    place: str | None = None


def told(what: Obtained) -> Told:
    """Return *what* for recording. Raises Refused where the law would not take it for consent."""
    brand = what.brand
    if what.pre_2014 and what.occurred_at >= start_of(express.IN_FORCE_ON, brand.organization.zone):
        raise Refused("pre_2014", "Only a consent from before 1 July 2014 can be marked so.")
    candidate = _candidate(what)
    asked = question(what.topic, what.occurred_at) if what.topic else _about(brand, what.occurred_at)
    flaw = express.flaw(asked, candidate)
    if flaw:
        on = what.occurred_at.astimezone(brand.organization.zone).date()
        text = say(flaw, day=on, method=what.method, collector=what.collector)
        raise Refused(_FIELDS[flaw], text)
    language = what.notice.language if what.notice else brand.languages[0]
    return Told(what.address, lambda past, act: _draft(what, past, act), _covered(what), language, what.place)


def _about(brand: Brand, at: datetime) -> Any:
    topics = [topic for topic in catalogue.current().topics.values() if topic.brand.slug == brand.slug]
    if not topics:
        raise Refused("brand", f"The brand {brand.slug} has no topic to consent to.")
    return question(topics[0], at)


def _candidate(what: Obtained) -> ExpressConsent:
    return ExpressConsent(
        occurred_at=what.occurred_at,
        recorded_at=what.occurred_at,
        entry="",
        brand=what.brand.slug,
        organization=what.brand.organization.slug,
        topic=what.topic.slug if what.topic else None,
        method=what.method,
        notice_complete=not what.pre_2014,  # a published notice is complete, else the evidence must show the words
        evidence=what.proof,
        imported=what.pre_2014,
        collector=what.collector,
        conditions_met=what.conditions_met,
    )


def _covered(what: Obtained) -> tuple[Topic, ...]:
    """Return the topics whose standing the consent may change: the one named, under each brand that was named."""
    topics = catalogue.current().topics
    if what.topic is None:
        return tuple(topic for topic in topics.values() if topic.brand.slug == what.brand.slug)
    slugs = {what.topic.slug, *(f"{brand.slug}/{name_of(what.topic.slug)}" for brand in what.on_behalf_of)}
    return tuple(topics[slug] for slug in sorted(slugs) if slug in topics)


def _draft(what: Obtained, past: History, act: Act) -> Draft:
    details: dict[str, Any] = {
        "method": what.method,
        "notice_complete": not what.pre_2014,
        "organization": what.brand.organization.slug,
        "evidence": what.proof,
    }
    if what.on_behalf_of:
        details["on_behalf_of"] = [brand.slug for brand in what.on_behalf_of]
    if what.pre_2014:
        details["imported"] = True
    if what.collector:
        details |= {"collector": what.collector, "conditions_met": what.conditions_met}
    fields = {
        "brand": what.brand.slug,
        "topic": what.topic.slug if what.topic else None,
        "occurred_at": min(what.occurred_at, act.now),
        "channel": _CHANNELS.get(what.method, act.channel),
        "source": "api",
        "notice": what.notice.sha256 if what.notice else None,
        "language": what.notice.language if what.notice else None,
        "place": what.place,
        "details": details,
    }
    return Draft("consent.given", act.actor, fields, {"email": what.address.typed, **act.evidence, **what.evidence})
