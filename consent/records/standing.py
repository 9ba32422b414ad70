"""Keep the cached standing equal to what the law says of the entries, in the transaction that appends them."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, exists, or_, select
from sqlalchemy.orm import aliased

from consent import catalogue
from consent.catalogue import Topic
from consent.law import decide
from consent.law.facts import Fact, Question
from consent.records.append import Head, LedgerRow
from consent.records.contacts import take_turn
from consent.records.facts import Item
from consent.records.history import History, read
from consent.store import database
from consent.store.contacts import Contact
from consent.store.database import upserting
from consent.store.standings import Standing

_FILLED_AT_ONCE = 200
_COMPUTED = ("state", "basis", "allowed_from", "allowed_until", "then_from", "then_until", "since", "entry_id")


def extend(history: History, rows: Sequence[LedgerRow]) -> History:
    """Return *history* with the entries just appended, numbered or not."""
    items = tuple(
        Item(
            r.entry.id,
            r.entry.contact or "",
            None,
            json.loads(r.body),
            r.entry.occurred_at,
            r.entry.recorded_at,
            r.leaf_hash,
        )
        for r in rows
    )
    last = rows[-1]
    head = Head(last.entry.cseq or 0, last.leaf_hash.hex(), last.entry.kind == "contact.erased")
    return replace(history, head=head, own=history.own + items)


def update(connection: Connection, history: History, topics: Sequence[Topic], now: datetime) -> None:
    """Recompute the standing of the history's contact, and of its siblings, for *topics*. One statement.

    Where a consent is shared through a collector, a "no" to one sender reaches the others: then for every topic.
    """
    if any(item.body["details"].get("collector") for item in (*history.own, *history.others)):
        topics = tuple(catalogue.current().topics.values())
    rows = []
    for contact in (history.contact, *history.siblings):
        own = history if contact == history.contact else history.seen_from(contact)
        facts = own.facts()
        rows += [_row(own, facts, topic, now) for topic in topics]
    if rows:
        connection.execute(_upsert(connection.dialect.name), rows)


def fill_in(now: datetime) -> int:
    """Make the standings that a topic set up later lacks, and return how many.

    A relationship bears on every topic of its brand, also on one that did not exist then; and in the United States
    nothing need be on record for mail to be allowed. Elsewhere no standing means no consent.
    """
    made = 0
    for topic in catalogue.current().topics.values():
        while contacts := _without(topic):
            _renew(contacts, [topic], now)
            made += len(contacts)
    return made


def recompute(organization: str, now: datetime) -> int:
    """Compute every standing of *organization* anew, as its country or zone has changed, and return for how many."""
    topics, after, done = catalogue.current().topics_of(organization), "", 0
    while contacts := _known_to(organization, after):
        _renew(contacts, topics, now)
        after, done = contacts[-1], done + len(contacts)
    return done


@database.retried
def _renew(ids: Sequence[str], topics: Sequence[Topic], now: datetime) -> None:
    with database.writing() as connection:
        for contact in ids:
            take_turn(connection, contact)
            update(connection, read(connection, contact), topics, now)


def _known_to(organization: str, after: str) -> Sequence[str]:
    wanted = select(Standing.contact_id).where(Standing.organization == organization, Standing.contact_id > after)
    with database.reading() as connection:
        return (
            connection.execute(wanted.distinct().order_by(Standing.contact_id).limit(_FILLED_AT_ONCE)).scalars().all()
        )


def _without(topic: Topic) -> Sequence[str]:
    """Return some contacts that have a standing under the brand, or are in the United States, and none for *topic*."""
    other = aliased(Standing)
    has = exists().where(other.contact_id == Standing.contact_id, other.topic == topic.slug)
    near = or_(Standing.topic.startswith(f"{topic.brand.slug}/", autoescape=True), Contact.place.startswith("US"))
    wanted = select(Standing.contact_id).join(Contact, Contact.id == Standing.contact_id).where(near, ~has)
    with database.reading() as connection:
        return connection.execute(wanted.distinct().limit(_FILLED_AT_ONCE)).scalars().all()


def question(
    topic: Topic, at: datetime, kind: str = "commercial", place: str | None = None, known_at: datetime | None = None
) -> Question:
    """Return the question whether mail of *kind* about *topic* may be sent at *at* to somebody in *place*."""
    organization = topic.brand.organization
    return Question(
        organization=organization.slug,
        brand=topic.brand.slug,
        topic=topic.slug,
        at=at,
        zone=organization.zone,
        kind=kind,
        known_at=known_at,
        sender_place=organization.country,
        place=place,
        charity=organization.charity,
    )


def agreed(topic: Topic, at: datetime, facts: Sequence[Fact], place: str | None = None) -> bool:
    """Whether an express consent to *topic* holds at the instant *at*; what is implied is not enough."""
    return decide.decide(question(topic, at, place=place), facts).state == "given"


def compute(history: History, topic: Topic, now: datetime) -> decide.Standing:
    """Return what the entries of *history* add up to for *topic*, as known at *now*."""
    return decide.standing(question(topic, now, place=history.place), history.facts())


def _row(history: History, facts: Sequence[Fact], topic: Topic, now: datetime) -> dict[str, Any]:
    found = decide.standing(question(topic, now, place=history.place), facts)
    return {
        "contact_id": history.contact,
        "topic": topic.slug,
        "organization": topic.brand.organization.slug,
        "handle": secrets.token_bytes(8),  # kept only by a new row
        "state": found.state,
        "basis": found.basis,
        "allowed_from": found.allowed_from,
        "allowed_until": found.allowed_until,
        "then_from": found.then_from,
        "then_until": found.then_until,
        "since": found.since,
        "entry_id": found.entry,
    }


@cache
def _upsert(dialect: str) -> Insert:
    statement = upserting(dialect, Standing)
    return statement.on_conflict_do_update(
        index_elements=["contact_id", "topic"], set_={name: statement.excluded[name] for name in _COMPUTED}
    )
