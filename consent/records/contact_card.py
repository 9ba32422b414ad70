"""What is on record about one contact: who it is, how every topic stands, and the entries, oldest first."""

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, select

from consent import catalogue
from consent.addresses import Address
from consent.catalogue import Topic
from consent.law import decide
from consent.records import history, prove, served, standing
from consent.store import database
from consent.store.contacts import Contact
from consent.store.ledger import LedgerEntry, LedgerLeaf

_CONTACT = re.compile(r"[A-Za-z0-9_-]{22}")
_NUMBER = re.compile(r"[0-9]{1,9}")


class BadCursor(ValueError):
    """The place to go on from is no entry of this contact."""


@dataclass(frozen=True)
class Card:
    """One contact; *email* and *place* are None once erased. *standings* are those of which something is known."""

    id: str
    email: str | None
    language: str
    place: str | None
    created_at: datetime
    standings: tuple[tuple[Topic, decide.Standing], ...]


class Line(NamedTuple):
    """One entry: its number in the contact's chain and in the ledger, its exact bytes, and how far it has come."""

    id: str
    cseq: int | None
    sequence: int | None
    body: bytes
    leaf_hash: bytes
    state: str


def by_address(address: Address, now: datetime) -> Card | None:
    """Return the contact of exactly this *address* as it stands at *now*, or None. Two statements."""
    return _card(Contact.consent_key == address.consent_key, now)


def by_id(contact: str, now: datetime) -> Card | None:
    """Return the contact of that id as it stands at *now*, or None. Two statements."""
    return _card(Contact.id == contact, now) if _CONTACT.fullmatch(contact) else None


def entries(contact: str, after: str, limit: int) -> list[Line] | None:
    """Return up to *limit* entries of *contact* that follow *after*, oldest first; None if there is no such contact.

    *after* is an entry's id, or its number in the contact's chain; an empty text is the beginning. Three statements,
    and one more to find an id. Raises BadCursor.
    """
    if not _CONTACT.fullmatch(contact):
        return None
    if database.has_replica():
        with suppress(BadCursor):
            if found := _lines(database.reading_late(), contact, after, limit):
                return found
    return _lines(database.reading(), contact, after, limit)  # what the replica does not have yet


def _lines(way: AbstractContextManager[Connection], contact: str, after: str, limit: int) -> list[Line] | None:
    with way as connection:
        if connection.execute(select(Contact.id).where(Contact.id == contact)).first() is None:
            return None
        rows = _entries(connection, contact, _place(connection, contact, after), limit)
        head = prove.newest(connection)
    size = head.size if head else 0
    return [Line(row.entry_id, row.cseq, row.seq, row.body, row.leaf_hash, served.state(row.seq, size)) for row in rows]


def _card(which: ColumnElement[bool], now: datetime) -> Card | None:
    columns = (Contact.id, Contact.consent_key, Contact.language, Contact.place, Contact.created_at)
    with database.reading() as connection:  # a standing is a decision, and no decision is made from a replica
        row = connection.execute(select(*columns).where(which)).first()
        if row is None:
            return None
        past = history.read(connection, row.id)
    at = past.present(now)
    every = ((topic, standing.compute(past, topic, at)) for _, topic in sorted(catalogue.current().topics.items()))
    known = tuple((topic, found) for topic, found in every if found.state != "unknown" or found.basis)
    return Card(row.id, row.consent_key, row.language, row.place, row.created_at, known)


def _place(connection: Connection, contact: str, after: str) -> int:
    """Return the number in the contact's chain that *after* names."""
    if not after or _NUMBER.fullmatch(after):
        return int(after or 0)
    wanted = select(LedgerEntry.cseq).where(LedgerEntry.entry_id == after, LedgerEntry.contact == contact)
    found = connection.execute(wanted).scalar() if served.ENTRY.fullmatch(after) else None
    if found is None:
        raise BadCursor
    return found


def _entries(connection: Connection, contact: str, after: int, limit: int) -> Sequence[Any]:
    wanted = (
        select(LedgerEntry.entry_id, LedgerEntry.cseq, LedgerLeaf.seq, LedgerEntry.body, LedgerEntry.leaf_hash)
        .outerjoin(LedgerLeaf, LedgerLeaf.entry_id == LedgerEntry.entry_id)
        .where(LedgerEntry.contact == contact, LedgerEntry.cseq > after)
        .order_by(LedgerEntry.cseq)
        .limit(limit)
    )
    return connection.execute(wanted).all()
