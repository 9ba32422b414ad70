"""The map from addresses to ids, held against the evidence, and what is left of addresses that were erased.

Whoever swaps the addresses of two contacts turns the "no" of one into the "yes" of the other, and no entry changes:
entries know ids only. But many of them commit to the address that they are about, and that is evidence.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, exists, func, select

from consent import addresses
from consent.addresses import BadAddress
from consent.ledger import entries
from consent.ledger.entries import BadEntry
from consent.records.audit_entries import raw, written
from consent.records.findings import Findings
from consent.store import database
from consent.store.contacts import Contact
from consent.store.ledger import ErasedAddress, Evidence, LedgerEntry

_LINE, _PAGE, _FETCHED = "CONTACTS", 500, 1000
_KEYS = (Contact.consent_key, Contact.deny_key, Contact.abuse_key)
_ERASED = LedgerEntry.kind == "contact.erased"


class Contacts:
    """The pass over the contacts: *shown* are live and fit their evidence, *unknown* are live and have none."""

    def __init__(self, connection: Connection, found: Findings) -> None:
        self.shown = self.unknown = self.erased = 0
        self._connection, self._found = connection, found

    def pages(self) -> Iterator[int]:
        """Check everything, and yield after each page how many contacts it had."""
        wanted, after = select(Contact.id, *_KEYS).order_by(Contact.id).limit(_PAGE), ""
        while rows := self._connection.execute(wanted.where(Contact.id > after)).all():
            self._take(rows)
            after = rows[-1].id
            yield len(rows)
        self._without_row()

    def _take(self, rows: Sequence[Any]) -> None:
        first, last = rows[0].id, rows[-1].id
        closed = select(LedgerEntry.contact).where(_ERASED, LedgerEntry.contact.between(first, last))
        erased = set(self._connection.execute(closed).scalars())
        live: dict[str, tuple[Any, ...]] = {row.id: tuple(row[1:]) for row in rows if row.id not in erased}
        proved, differ = self._compare(live, first, last)
        for row in rows:
            if row.id in erased:
                self._gone(row)
            elif None in live[row.id]:
                self._add(row.id, "It has no address, and no entry says that it was erased.")
            elif row.id in proved:
                self.shown += 1
            elif row.id in differ:
                self._add(row.id, "Its address is not the one that the evidence of its entries says.")
            else:
                self.unknown += 1

    def _compare(self, live: dict[str, tuple[Any, ...]], first: str, last: str) -> tuple[set[str], set[str]]:
        """Return which of the contacts *live* have their keys by some verified evidence, and which other ones."""
        wanted = (
            select(LedgerEntry.contact, raw(LedgerEntry.body), raw(Evidence.salt), raw(Evidence.value))
            .join(Evidence, Evidence.entry_id == LedgerEntry.entry_id)
            .where(Evidence.field == "email", LedgerEntry.contact.between(first, last))
        )
        proved: set[str] = set()
        differ: set[str] = set()
        for piece in database.pieces(self._connection, wanted, _FETCHED):
            for contact, body, salt, value in piece:
                if contact not in live or contact in proved:
                    continue
                keys = _keys_in(body, salt, value)
                if keys is not None:
                    (proved if keys == live[contact] else differ).add(contact)
        return proved, differ

    def _gone(self, row: Any) -> None:
        self.erased += 1
        if any(key is not None for key in row[1:]):
            self._add(row.id, "It was erased, and has an address.")

    def _without_row(self) -> None:
        """Find entries about a contact that is neither known nor erased. One statement."""
        known = exists().where(Contact.id == LedgerEntry.contact)
        closed = select(LedgerEntry.contact).where(_ERASED, LedgerEntry.contact.is_not(None))
        lost = select(LedgerEntry.contact).where(
            LedgerEntry.contact.is_not(None), ~known, LedgerEntry.contact.not_in(closed)
        )
        for contact in self._connection.execute(lost.distinct().order_by(LedgerEntry.contact)).scalars():
            self._add(str(contact), "There are entries about it, its row is missing, and none says that it was erased.")

    def _add(self, contact: str, text: str) -> None:
        self._found.add(_LINE, "contact", f"contact {contact}", text)


def count(connection: Connection) -> int:
    """Return how many contacts there are. One statement."""
    return int(connection.execute(select(func.count()).select_from(Contact)).scalar_one())


def check_erased(connection: Connection, found: Findings) -> int:
    """Hold the digests of erased addresses against the entries that erased them, and return how many there are."""
    gone = exists().where(ErasedAddress.entry_id == LedgerEntry.entry_id)
    lost = select(LedgerEntry.entry_id).where(_ERASED, ~gone)
    for entry in connection.execute(lost.order_by(LedgerEntry.entry_id)).scalars():
        found.add("ERASED", "erased", f"entry {entry}", "The digest of the address is gone, and with it its no.")
    columns = (
        ErasedAddress.entry_id,
        LedgerEntry.kind,
        raw(ErasedAddress.erased_at).label("erased_at"),
        raw(LedgerEntry.recorded_at).label("recorded_at"),
    )
    wanted = select(*columns).outerjoin(LedgerEntry, LedgerEntry.entry_id == ErasedAddress.entry_id)
    total = 0
    for row in connection.execute(wanted.order_by(ErasedAddress.entry_id)):
        total += 1
        if row.kind != "contact.erased":
            found.add("ERASED", "erased", f"erased_address of entry {row.entry_id}", "No such entry erased anybody.")
        elif written(row.erased_at) != written(row.recorded_at):
            text = f"It says {written(row.erased_at)}, and the entry {written(row.recorded_at)}."
            found.add("ERASED", "erased", f"erased_address of entry {row.entry_id}", text)
    return total


def _keys_in(body: Any, salt: Any, value: Any) -> tuple[str, str, str] | None:
    """Return the keys of the address that *value* spells, or None if the entry commits to no such address."""
    try:
        commitment = entries.commit("email", salt, value)
        if f'"email":"{commitment}"'.encode() not in body:
            return None
        address = addresses.parse(value.decode())
    except (BadEntry, BadAddress, UnicodeDecodeError, TypeError, AttributeError):
        return None  # that it does not fit is a finding of its own
    return address.consent_key, address.deny_key, address.abuse_key
