"""Keep the cached standing equal to what the law says of the entries, in the transaction that appends them."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert

from consent.catalogue import Topic
from consent.law import decide
from consent.law.facts import Question
from consent.records.append import Head, LedgerRow
from consent.records.history import History, Item
from consent.store.database import upserting
from consent.store.standings import Standing

_COMPUTED = ("state", "basis", "allowed_from", "allowed_until", "since", "entry_id")


def extend(history: History, rows: Sequence[LedgerRow]) -> History:
    """Return *history* with the entries just appended, numbered or not."""
    items = tuple(
        Item(r.entry.id, r.entry.contact or "", None, _body(r), r.entry.occurred_at, r.entry.recorded_at, r.leaf_hash)
        for r in rows
    )
    last = rows[-1]
    head = Head(last.entry.cseq or 0, last.leaf_hash.hex())
    return History(history.contact, head, history.own + items, history.others)


def update(connection: Connection, history: History, topics: Sequence[Topic], now: datetime) -> None:
    """Recompute the standing of the history's contact, and of its siblings, for *topics*. One statement."""
    rows = [
        _row(history if contact == history.contact else history.seen_from(contact), topic, now)
        for contact in (history.contact, *history.siblings)
        for topic in topics
    ]
    if rows:
        connection.execute(_upsert(connection.dialect.name), rows)


def question(topic: Topic, now: datetime, kind: str = "commercial") -> Question:
    """Return the question whether mail of *kind* about *topic* may be sent at *now*."""
    return Question(topic=topic.slug, organization=topic.brand.organization.slug, at=now, kind=kind)


def compute(history: History, topic: Topic, now: datetime) -> decide.Standing:
    """Return what the entries of *history* add up to for *topic*, as known at *now*."""
    return decide.standing(question(topic, now), history.facts())


def _row(history: History, topic: Topic, now: datetime) -> dict[str, Any]:
    found = compute(history, topic, now)
    return {
        "contact_id": history.contact,
        "topic": topic.slug,
        "organization": topic.brand.organization.slug,
        "handle": secrets.token_bytes(8),  # kept only by a new row
        "state": found.state,
        "basis": found.basis,
        "allowed_from": found.allowed_from,
        "allowed_until": found.allowed_until,
        "since": found.since,
        "entry_id": found.entry,
    }


@cache
def _upsert(dialect: str) -> Insert:
    statement = upserting(dialect, Standing)
    return statement.on_conflict_do_update(
        index_elements=["contact_id", "topic"], set_={name: statement.excluded[name] for name in _COMPUTED}
    )


def _body(row: LedgerRow) -> dict[str, Any]:
    entry = row.entry
    return {
        "kind": entry.kind,
        "brand": entry.brand,
        "topic": entry.topic,
        "refs": list(entry.refs),
        "details": dict(entry.details),
        "cseq": entry.cseq,
    }
