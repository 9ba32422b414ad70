"""Relationships from which consent may be implied: recorded, ended, and voided when one was recorded wrongly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from consent import catalogue
from consent.addresses import Address
from consent.catalogue import Brand
from consent.law.implied import RUNNING, TYPES
from consent.ledger.entries import when
from consent.records.append import Draft
from consent.records.facts import Item
from consent.records.history import History
from consent.subscriptions.acts import Act
from consent.subscriptions.recording import Refused, Told

#: What can be recorded; a question implies nothing, but may be answered.
KINDS = (*TYPES, "question")
_FROM_CHARITIES = ("donation", "volunteering")


@dataclass(frozen=True)
class Relationship:
    """What is told: *kind* (one of KINDS) with *brand* at *occurred_at*, and what its ground needs in *marks*.

    *evidence* are personal values, kept beside the ledger and erasable.
    """

    address: Address
    brand: Brand
    kind: str
    occurred_at: datetime
    ended_at: datetime | None = None
    zone: str | None = None
    place: str | None = None
    marks: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)


def told(what: Relationship) -> Told:
    """Return *what* for recording: as a relationship, or as the end of the one on record that it names.

    The end is that of the newest relationship of the same kind and brand that began on or before *occurred_at* and
    has no end yet, provided that it began at the very instant; else both dates are recorded together.
    """
    if what.ended_at and what.kind not in RUNNING:
        raise Refused("ended_at", f"A {what.kind} happens once and does not end; leave ended_at out.")
    if what.ended_at and what.ended_at < what.occurred_at:
        raise Refused("ended_at", "This is before occurred_at: a relationship ends after it began.")
    if what.kind == "published_address" and "evidence" not in what.marks:
        raise Refused(
            "evidence", "Say where the address was published: the page's url and a snapshot of it (CASL s. 10(9)(b))."
        )
    language = what.brand.languages[0]
    return Told(what.address, lambda past, act: _draft(what, past, act), _topics(what.brand), language, what.place)


def voiding(address: Address, brand: Brand, entry: str) -> Told:
    """Return for recording that the relationship of *entry* was recorded wrongly, and counts for nothing."""

    def draft(past: History, act: Act) -> Draft:
        found = next((i for i in past.own if i.entry_id == entry and _is_relationship(i)), None)
        if found is None or found.body["brand"] != brand.slug:
            raise Refused("voids", "This is no entry of a relationship of this person with this brand.")
        if entry in _voided(past):
            raise Refused("voids", "This entry is voided already.")
        details = {"type": found.body["details"]["type"]}
        return Draft(
            "relationship.voided", act.actor, _fields(brand, act.now, act, {"refs": [entry], "details": details})
        )

    return Told(address, draft, _topics(brand), brand.languages[0])


def _draft(what: Relationship, past: History, act: Act) -> Draft:
    zone = {"zone": what.zone} if what.zone else {}
    running = _running(what, past) if what.ended_at else None
    if running and what.ended_at:
        more: dict[str, Any] = {"refs": [running.entry_id], "details": {"type": what.kind, **zone}}
        return Draft(
            "relationship.ended", act.actor, _fields(what.brand, what.ended_at, act, more), _evidence(what, act)
        )
    details: dict[str, Any] = {"type": what.kind, "organization": what.brand.organization.slug, **zone, **what.marks}
    if what.ended_at:
        details["ended_at"] = when(what.ended_at)
    if what.kind in _FROM_CHARITIES:
        details["registered_charity"] = what.brand.organization.charity
    fields = _fields(what.brand, what.occurred_at, act, {"place": what.place, "details": details})
    return Draft("relationship.recorded", act.actor, fields, _evidence(what, act))


def _fields(brand: Brand, at: datetime, act: Act, more: Mapping[str, Any]) -> dict[str, Any]:
    return {"brand": brand.slug, "occurred_at": min(at, act.now), "channel": act.channel, "source": "api", **more}


def _evidence(what: Relationship, act: Act) -> dict[str, str | None]:
    return {"email": what.address.typed, **act.evidence, **what.evidence}


def _running(what: Relationship, past: History) -> Item | None:
    """Return the relationship on record whose end is told: same kind, brand and beginning, not ended, not voided."""
    gone = _voided(past) | {ref for i in past.own if i.body["kind"] == "relationship.ended" for ref in i.body["refs"]}
    same = ("relationship.recorded", what.brand.slug, what.kind, what.occurred_at)
    for item in past.own[::-1]:
        kind, details = item.body["kind"], item.body["details"]
        open_ = item.entry_id not in gone and "ended_at" not in details
        if open_ and (kind, item.body["brand"], details.get("type"), item.occurred_at) == same:
            return item
    return None


def _voided(past: History) -> set[str]:
    return {ref for i in past.own if i.body["kind"] == "relationship.voided" for ref in i.body["refs"]}


def _is_relationship(item: Item) -> bool:
    return item.body["kind"] in ("relationship.recorded", "relationship.ended")


def _topics(brand: Brand) -> tuple[catalogue.Topic, ...]:
    return tuple(topic for topic in catalogue.current().topics.values() if topic.brand.slug == brand.slug)
