"""The standings, computed anew from the entries: what the cache says must be what the law says.

A standing is computed when something happens, and stays as it is while time passes: the row of a purchase still
says "implied" long after its two years, and is right, since it says until when. So two things are asked of a row:

- from now on, it allows mail in exactly the windows that the law gives to all that is on record; and
- it is what the law said, to the letter, at some instant since the last entry that surely changed it.

Between two entries the answer changes only where a window opens or closes, so few instants need to be looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from consent.catalogue import Topic
from consent.law import decide
from consent.law.facts import Fact
from consent.records import history
from consent.records.audit_entries import raw, written
from consent.records.facts import Item
from consent.records.findings import Findings
from consent.records.history import History
from consent.records.standing import question
from consent.store import catalogue as tables
from consent.store.ledger import LedgerEntry
from consent.store.standings import Standing

_LINE, _PAGE = "STANDINGS", 1000
_OF_A_BRAND = ("consent.given", "consent.withdrawn")
_COMPUTED = ("state", "basis", "allowed_from", "allowed_until", "then_from", "then_until", "since", "entry_id")
_WINDOWS = (("allowed_from", "allowed_until"), ("then_from", "then_until"))
_SAID = "It is missing, though the person said yes or no to it."
_SAID_OF_BRAND = (
    "It is missing, though entries bear on every topic of the brand. "
    "If a set-up was cut short, `consent setup` makes it; if not, it was deleted."
)
#: What reading a history can raise if the rows it is read from were tampered with.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


def check(connection: Connection, topics: Mapping[str, Topic], now: datetime, found: Findings) -> Iterator[int]:
    """Compare every standing with the entries, and yield after each page how many it had.

    Those of topics that are not in *topics*, no longer set up, are passed over: nothing may be sent about them.
    """
    past = None
    for page in _pages(connection):
        for row in page:
            if row.topic not in topics:
                continue
            try:
                if past is None or past.contact != row.contact_id:
                    past = history.read(connection, row.contact_id)
                problem = _problem(row, past, topics[row.topic], now)
            except _UNREADABLE as error:
                problem, past = f"It cannot be computed, for an entry is broken ({type(error).__name__}).", None
            if problem:
                found.add(_LINE, "standing", _name(row.contact_id, row.topic), problem)
        yield len(page)
    _check_missing(connection, list(topics), found)


def count(connection: Connection) -> int:
    """Return how many standings there are. One statement."""
    return int(connection.execute(select(func.count()).select_from(Standing)).scalar_one())


def _problem(row: Row[Any], past: History, topic: Topic, now: datetime) -> str:
    """Return what is wrong with *row*, or nothing."""
    stored = tuple(written(getattr(row, name)) for name in _COMPUTED)
    at = past.present(now)
    lawful = decide.standing(question(topic, at, place=past.place), past.facts())
    if stored == _told(lawful):
        return ""
    if _windows(stored, at) != _windows(_told(lawful), at):
        return f"It says {row.state}, and allows mail otherwise than the entries do: they say {lawful.state}."
    if not any(stored == _told(told) for told in _since_then(past, topic, at)):
        return f"It says {row.state} ({row.basis}); the entries say {lawful.state} ({lawful.basis})."
    return ""


def _told(found: decide.Standing) -> tuple[Any, ...]:
    """Return the standing *found* as the columns of its row have it."""
    values = (found.entry if name == "entry_id" else getattr(found, name) for name in _COMPUTED)
    return tuple(written(value) for value in values)


def _windows(values: Sequence[Any], now: datetime) -> list[tuple[str, str]]:
    """Return the windows in *values* as far as they lie after *now*; no end is the end of all times."""
    named, since = dict(zip(_COMPUTED, values, strict=True)), written(now)
    found = [(named[opens], named[closes] or "z") for opens, closes in _WINDOWS if named[opens]]
    return [(max(opens, since), closes) for opens, closes in found if closes > since]


def _since_then(past: History, topic: Topic, now: datetime) -> Iterator[decide.Standing]:
    """Yield what the law said of *topic* at every instant since the last entry that surely changed the standing."""
    items = (*past.own, *past.others)
    changed = max((item.recorded_at for item in items if _reaches(item, topic)), default=None)
    moments = sorted({item.recorded_at for item in items if changed is None or item.recorded_at >= changed}) or [now]
    for moment, until in zip(moments, [*moments[1:], now], strict=True):
        known = replace(past, own=_until(past.own, moment), others=_until(past.others, moment))
        yield from _said(topic, known.facts(), past.place, moment, until)


def _said(
    topic: Topic, facts: Sequence[Fact], place: str | None, first: datetime, until: datetime
) -> Iterator[decide.Standing]:
    """Yield what the law says of *facts* at *first*, and at each instant up to *until* at which that may change."""
    at: datetime | None = first
    while at is not None:
        asked = question(topic, at, place=place)
        yield decide.standing(asked, facts)
        seen = asked.seen(facts)
        windows = [w for name in decide.governing(asked) for w in decide.REGIMES[name].windows(asked, seen)]
        edges = [edge for window in windows for edge in window if edge] + [fact.occurred_at for fact in facts]
        at = min((edge for edge in edges if at < edge <= until), default=None)


def _until(items: Sequence[Item], moment: datetime) -> tuple[Item, ...]:
    return tuple(item for item in items if item.recorded_at <= moment)


def _reaches(item: Item, topic: Topic) -> bool:
    """Whether the standing of *topic* was surely computed when *item* was appended."""
    body, kind, brand = item.body, str(item.body["kind"]), topic.brand
    if kind == "contact.erased":
        return True
    if kind.startswith("relationship."):
        return bool(body["brand"] == brand.slug)
    if kind in ("consent.given", "consent.withdrawn") and (body["topic"] or body["brand"]):
        return bool(body["topic"] == topic.slug if body["topic"] else body["brand"] == brand.slug)
    if kind == "bounce.received":
        return bool(body["details"]["stops"])
    if kind in ("consent.withdrawn", "complaint.received") or kind.startswith("suppression."):
        return body["details"].get("organization") in (None, brand.organization.slug)
    return False


def _check_missing(connection: Connection, topics: Sequence[str], found: Findings) -> None:
    """Find contacts without a standing for a topic that entries of theirs bear on. Two statements.

    Those entries name the topic itself, or only its brand: then they bear on every topic of the brand. What names
    neither says "no" to everything, and that a standing lacks which would repeat it allows nothing.
    """
    entry, later = LedgerEntry, aliased(LedgerEntry)
    erased = exists().where(later.contact == entry.contact, later.kind == "contact.erased")
    live = entry.contact.is_not(None) & ~erased
    named = entry.kind.in_(("consent.given", "consent.withdrawn")) & entry.topic.in_(topics)
    widely = or_(entry.kind.in_(_OF_A_BRAND), entry.kind.startswith("relationship."))
    of_brand = select(entry.contact, tables.Topic.slug).join(tables.Topic, tables.Topic.brand == entry.brand)
    ways = (
        (select(entry.contact, entry.topic).where(named), entry.topic, _SAID),
        (of_brand.where(widely, entry.topic.is_(None)), tables.Topic.slug, _SAID_OF_BRAND),
    )
    for wanted, topic, text in ways:
        has = exists().where(Standing.contact_id == entry.contact, Standing.topic == topic)
        for row in connection.execute(wanted.where(live, ~has).distinct()):
            found.add(_LINE, "standing", _name(*row), text)


def _pages(connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    columns = (Standing.contact_id, Standing.topic, *(raw(getattr(Standing, name)).label(name) for name in _COMPUTED))
    key = tuple_(Standing.contact_id, Standing.topic)
    wanted, after = select(*columns).order_by(Standing.contact_id, Standing.topic).limit(_PAGE), ("", "")
    while rows := connection.execute(wanted.where(key > tuple_(*after))).all():
        yield rows
        after = (rows[-1].contact_id, rows[-1].topic)


def _name(contact: str | None, topic: str | None) -> str:
    return f"standing {contact} {topic}"
