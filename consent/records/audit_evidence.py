"""The evidence beside the entries: each row fits its commitment, and none is missing that no entry took away."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, exists, func, or_, select, type_coerce
from sqlalchemy.types import NullType

from consent.ledger import entries
from consent.ledger.entries import BadEntry
from consent.records.findings import Findings
from consent.store import ledger as tables
from consent.store.ledger import LedgerEntry, LedgerLeaf

_LINE = "EVIDENCE"
_ABOUT_NOBODY = 2**53  # stands for the number of an entry that has none: later than every other


_Removed = tuple[str, str, str | None]  # entry, field, and about whom the entry is that took it away


class _Missing(NamedTuple):
    """Evidence that an entry commits to and that is not there."""

    place: str
    entry: str
    contact: str | None
    cseq: int | None
    field: str


class Evidence:
    """The check of evidence, a page of entries at a time: *opened* rows fit, *erased* ones are missing rightly."""

    def __init__(self, connection: Connection, found: Findings) -> None:
        self.opened = self.erased = 0
        self._connection, self._found = connection, found
        self._rows: dict[str, dict[str, tuple[Any, Any]]] = {}
        self._missing: list[_Missing] = []

    def open(self, first: int, last: int) -> None:
        """Read the evidence of the entries from number *first* to *last*. One statement."""
        row = tables.Evidence
        salt_, value_ = (type_coerce(column, NullType()) for column in (row.salt, row.value))
        wanted = select(row.entry_id, row.field, salt_, value_).join(LedgerLeaf, LedgerLeaf.entry_id == row.entry_id)
        self._rows = {}
        for entry, field, salt, value in self._connection.execute(wanted.where(LedgerLeaf.seq.between(first, last))):
            self._rows.setdefault(entry, {})[field] = salt, value

    def take(self, row: Any, entry: dict[str, Any]) -> None:
        """Compare what *entry* commits to with the rows there are."""
        rows, place = self._rows.pop(row.entry_id, {}), f"entry {row.entry_id} ({row.seq})"
        for field, commitment in entry["commitments"].items():
            if field not in rows:
                self._missing.append(_Missing(place, entry["id"], entry["contact"], entry["cseq"], field))
            elif _commitment(field, *rows[field]) != commitment:
                text = f"The stored {field} or its salt is not what the entry commits to."
                self._found.add(_LINE, "evidence", f"evidence of {place}", text)
            else:
                self.opened += 1
        for field in rows.keys() - entry["commitments"].keys():
            self._found.add(_LINE, "evidence", f"evidence of {place}", f"The entry commits to no {field}.")

    def settle(self) -> None:
        """Find what is missing on this page without an entry that took it away."""
        if not self._missing:
            return
        contacts = sorted({one.contact for one in self._missing if one.contact is not None})
        gone, removed = self._gone(contacts), self._removed(contacts)
        for one in self._missing:
            by = [removed.get((one.entry, one.field, whose), 0) for whose in (one.contact, None)]
            until = max(gone.get(one.contact, 0), *by)
            if (one.cseq or 0) < until:
                self.erased += 1
            else:
                text = f"The {one.field} is MISSING, and no later entry says that it was erased or rectified."
                self._found.add(_LINE, "evidence", f"evidence of {one.place}", text)
        self._missing = []

    def orphans(self) -> None:
        """Find evidence of entries that do not exist. One statement."""
        row = tables.Evidence
        known = exists().where(LedgerEntry.entry_id == row.entry_id)
        for entry in self._connection.execute(select(row.entry_id).where(~known).distinct()).scalars():
            self._found.add(_LINE, "evidence", f"evidence {entry}", "There is no such entry.")

    def _gone(self, contacts: Sequence[str]) -> dict[str | None, int]:
        """Return those of *contacts* who were erased, each with the number of the entry that says so."""
        erased = select(LedgerEntry.contact, func.max(LedgerEntry.cseq)).where(LedgerEntry.kind == "contact.erased")
        rows = self._connection.execute(erased.where(LedgerEntry.contact.in_(contacts)).group_by(LedgerEntry.contact))
        return {contact: int(cseq or 0) for contact, cseq in rows}

    def _removed(self, contacts: Sequence[str]) -> dict[_Removed, int]:
        """Return the evidence that entries about *contacts* or nobody replaced or removed: of which entry, which field.

        Each with the number of that entry within its contact.
        """
        theirs = or_(LedgerEntry.contact.in_(contacts), LedgerEntry.contact.is_(None))
        wanted = select(type_coerce(LedgerEntry.body, NullType())).where(LedgerEntry.kind == "evidence.rectified")
        found: dict[_Removed, int] = {}
        for body in self._connection.execute(wanted.where(theirs).order_by(LedgerEntry.cseq)).scalars():
            found |= _rectified(body)
        return found


def _rectified(body: Any) -> dict[_Removed, int]:
    try:
        entry = json.loads(body)
        fields = {*entry["commitments"], *entry["details"].get("removed", ())}
        number = int(entry["cseq"] or _ABOUT_NOBODY)
        return {(ref, field, entry["contact"]): number for ref in entry["refs"] for field in fields}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # a body that cannot be read authorises nothing, and is a finding of its own


def _commitment(field: str, salt: Any, value: Any) -> str:
    try:
        return entries.commit(field, salt, value)
    except (BadEntry, TypeError):
        return ""
