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
    """Return *what* for recording: as a relationship, or as the end of what is on record.

    The end is that of every relationship of the same kind and brand that began at the same instant; if none is on
    record, both dates are recorded together. Raises Refused for dates and kinds that do not go together.
    """
    if what.ended_at and what.kind not in RUNNING:
        raise Refused("ended_at", f"A {what.kind} happens once and does not end; leave ended_at out.")
    if what.ended_at and what.ended_at < what.occurred_at:
        raise Refused("ended_at", "This is before occurred_at: a relationship ends after it began.")
    if what.kind == "published_address" and what.marks.get("evidence") not in ("url+snapshot", "directory"):
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
    ended_at = min(what.ended_at, act.now) if what.ended_at else None
    running = _running(what, past, ended_at) if ended_at else []
    if running and ended_at:
        refs = [item.entry_id for item in running]
        more: dict[str, Any] = {"refs": refs, "details": {"type": what.kind, **zone}}
        return Draft("relationship.ended", act.actor, _fields(what.brand, ended_at, act, more), _evidence(what, act))
    details: dict[str, Any] = {"type": what.kind, "organization": what.brand.organization.slug, **zone, **what.marks}
    if ended_at:
        details["ended_at"] = when(ended_at)
    if what.kind in _FROM_CHARITIES:
        details["registered_charity"] = what.brand.organization.charity
    fields = _fields(what.brand, what.occurred_at, act, {"place": what.place, "details": details})
    return Draft("relationship.recorded", act.actor, fields, _evidence(what, act))


def _fields(brand: Brand, at: datetime, act: Act, more: Mapping[str, Any]) -> dict[str, Any]:
    return {"brand": brand.slug, "occurred_at": min(at, act.now), "channel": act.channel, "source": "api", **more}


def _evidence(what: Relationship, act: Act) -> dict[str, str | None]:
    return {"email": what.address.typed, **act.evidence, **what.evidence}


def _running(what: Relationship, past: History, ended_at: datetime) -> list[Item]:
    """Return the relationships on record whose end is told: same kind, brand and beginning, not ended, not voided.

    Raises Refused if one of them is on record with another end: the first end counts, until it is voided.
    """
    same = ("relationship.recorded", what.brand.slug, what.kind, what.occurred_at)
    voided, running = _voided(past), []
    ends = {ref: i for i in past.own if i.body["kind"] == "relationship.ended" for ref in i.body["refs"]}
    for item in past.own:
        kind, details = item.body["kind"], item.body["details"]
        named = (kind, item.body["brand"], details.get("type"), item.occurred_at) == same
        if not named or item.entry_id in voided:
            continue
        end = ends.get(item.entry_id)
        known = when(end.occurred_at) if end and end.entry_id not in voided else details.get("ended_at")
        if known not in (None, when(ended_at)):
            raise Refused("ended_at", f"This is on record as ended at {known}; void that entry to correct it.")
        if known is None:
            running.append(item)
    return running


def _voided(past: History) -> set[str]:
    return {ref for i in past.own if i.body["kind"] == "relationship.voided" for ref in i.body["refs"]}


def _is_relationship(item: Item) -> bool:
    return item.body["kind"] in ("relationship.recorded", "relationship.ended")


def _topics(brand: Brand) -> tuple[catalogue.Topic, ...]:
    return tuple(topic for topic in catalogue.current().topics.values() if topic.brand.slug == brand.slug)
