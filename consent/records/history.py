"""A contact's history: its entries as they stand in the ledger, and as facts that the law understands.

Consent is found by the exact address, a "no" by any spelling of it (``addresses``): so the history of a contact
includes its siblings, the contacts whose address differs only in letter case, but of theirs only the "no".
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, func, select, tuple_

from consent.law.facts import Erasure, Fact, Suppression, Voiding, Withdrawal
from consent.records import contacts, facts
from consent.records.append import NEW_CHAIN, Head
from consent.records.facts import Item
from consent.store.contacts import Contact
from consent.store.ledger import LedgerEntry, LedgerLeaf


@dataclass(frozen=True)
class History:
    """Everything on record about *contact*: its own items, oldest first, and those of its siblings.

    *places* is where each of them is, as far as it is known. *erasure* is that an earlier contact of the address had
    everything about them erased.
    """

    contact: str
    head: Head
    own: tuple[Item, ...]
    others: tuple[Item, ...]
    places: Mapping[str, str | None] = field(default_factory=dict)
    erasure: Erasure | None = None

    @property
    def place(self) -> str | None:
        """Where the person is."""
        return self.places.get(self.contact)

    @property
    def siblings(self) -> tuple[str, ...]:
        """The other contacts that share the address's loose form."""
        return tuple(dict.fromkeys(item.contact for item in self.others))

    def present(self, now: datetime) -> datetime:
        """Return *now*, or the time of the newest entry if a clock that is ahead wrote it.

        What was acknowledged counts at once, on every host: asking about an earlier instant would not see it.
        """
        return max([now, *(max(item.recorded_at, item.occurred_at) for item in self.own + self.others)])

    def facts(self) -> list[Fact]:
        """Return what the law may know: every own fact, and of the siblings' every "no"."""
        theirs = [fact for contact in self.siblings for fact in self._of(contact) if isinstance(fact, _NOES)]
        return facts.of_items(self.own) + theirs + ([self.erasure] if self.erasure else [])

    def seen_from(self, contact: str) -> "History":
        """Return the same history as it looks for a sibling."""
        everything = sorted(self.own + self.others, key=lambda item: item.body["cseq"])
        own = tuple(item for item in everything if item.contact == contact)
        others = tuple(item for item in everything if item.contact != contact)
        return replace(self, contact=contact, own=own, others=others)

    def located(self, place: str) -> "History":
        """Return the same history of a person who is in *place*."""
        return replace(self, places={**self.places, self.contact: place})

    def _of(self, sibling: str) -> list[Fact]:
        """Return the facts of *sibling* that were not voided there."""
        found = facts.of_items([item for item in self.others if item.contact == sibling])
        void = {fact.voids for fact in found if isinstance(fact, Voiding)}
        return [fact for fact in found if fact.entry not in void]


#: What counts however the address is spelt.
_NOES = (Withdrawal, Suppression, Erasure)


def read(connection: Connection, contact: str) -> History:
    """Return the history of *contact*, whose turn the caller has taken if it means to append. One statement."""
    return _history(contact, connection.execute(_OF_CONTACT, {"contact": contact}).all())


def read_each(connection: Connection, contacts: Collection[str]) -> dict[str, History]:
    """Return the histories of *contacts*, each as :func:`read`. Two statements, however many they are."""
    keys = {row.id: row.deny_key for row in connection.execute(_KEYS, {"ids": list(contacts)})}
    alone = [contact for contact, key in keys.items() if key is None]
    wanted = {"keys": [key for key in keys.values() if key is not None], "ids": alone}
    rows: dict[str | None, list[Row[Any]]] = {}
    for row in connection.execute(_OF_KEYS, wanted):
        rows.setdefault(row.deny_key or row.id, []).append(row)
    return {contact: _history(contact, rows[key or contact]) for contact, key in keys.items()}


def heads(connection: Connection, contacts: Collection[str]) -> dict[str, Head]:
    """Return where the chain of each of *contacts* stands, whose turns the caller has taken. One statement."""
    rows = connection.execute(_HEADS, {"ids": list(contacts)})
    return {row.contact: Head(row.cseq, row.leaf_hash.hex(), row.kind == "contact.erased") for row in rows}


def find(connection: Connection, deny_key: str, consent_key: str) -> History | None:
    """Return the history of the contact whose address is *consent_key*, or None. One statement.

    If only a differently spelled sibling is known, its "no" still counts: the history then has no own items. So it
    is if the address was erased, which one more statement asks of an address that is not known.
    """
    rows = connection.execute(_OF_ADDRESS, {"deny_key": deny_key}).all()
    if not rows:
        erased = contacts.erasure_of(connection, deny_key)
        return History("", NEW_CHAIN, (), (), erasure=_erasure(*erased)) if erased else None
    contact = next((row.id for row in rows if row.consent_key == consent_key), "")
    return _history(contact, rows)


def _history(contact: str, rows: Sequence[Row[Any]]) -> History:
    places = {row.id: row.place for row in rows}
    erased = max(((row.erased_at, row.erased_entry) for row in rows if row.erased_at), default=None)
    rows = [row for row in rows if row.entry_id]
    items = [
        Item(row.entry_id, row.contact, row.seq, json.loads(row.body), row.occurred_at, row.recorded_at, row.leaf_hash)
        for row in rows
    ]
    last = next((row for row in reversed(rows) if row.contact == contact), None)
    return History(
        contact=contact,
        head=_head(last, items) if last else NEW_CHAIN,
        own=tuple(item for item in items if item.contact == contact),
        others=tuple(item for item in items if item.contact != contact),
        places=places,
        erasure=_erasure(*erased) if erased else None,
    )


def _head(last: Row[Any], items: Sequence[Item]) -> Head:
    closed = any(item.contact == last.contact and item.body["kind"] == "contact.erased" for item in items)
    return Head(last.cseq, last.leaf_hash.hex(), closed)


def _erasure(at: datetime, entry: str) -> Erasure:
    return Erasure(occurred_at=at, recorded_at=at, entry=entry)


_ENTRY = (
    LedgerEntry.entry_id,
    LedgerEntry.contact,
    LedgerEntry.cseq,
    LedgerEntry.body,
    LedgerEntry.leaf_hash,
    LedgerEntry.occurred_at,
    LedgerEntry.recorded_at,
    LedgerLeaf.seq,
)


def _of_address() -> Select[*tuple[Any, ...]]:
    return (
        select(Contact.id, Contact.consent_key, Contact.place, Contact.erased_at, Contact.erased_entry, *_ENTRY)
        .outerjoin_from(Contact, LedgerEntry, LedgerEntry.contact == Contact.id)
        .outerjoin(LedgerLeaf, LedgerLeaf.entry_id == LedgerEntry.entry_id)
        .order_by(Contact.id, LedgerEntry.cseq)
    )


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_KEYS = select(Contact.id, Contact.deny_key).where(Contact.id.in_(_IDS))
_OF_KEYS = (
    _of_address()
    .add_columns(Contact.deny_key)
    .where(Contact.deny_key.in_(bindparam("keys", expanding=True)) | Contact.id.in_(_IDS))
)
_LAST = select(LedgerEntry.contact, func.max(LedgerEntry.cseq)).where(LedgerEntry.contact.in_(_IDS))
_HEADS = select(LedgerEntry.contact, LedgerEntry.cseq, LedgerEntry.leaf_hash, LedgerEntry.kind).where(
    tuple_(LedgerEntry.contact, LedgerEntry.cseq).in_(_LAST.group_by(LedgerEntry.contact))
)
_OF_ADDRESS = _of_address().where(Contact.deny_key == bindparam("deny_key"))
_DENY_KEY_OF = select(func.coalesce(Contact.deny_key, "")).where(Contact.id == bindparam("contact")).scalar_subquery()
_OF_CONTACT = _of_address().where((Contact.id == bindparam("contact")) | (Contact.deny_key == _DENY_KEY_OF))
