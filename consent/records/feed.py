"""The change feed: what was recorded about everybody, in the order of the ledger, a page at a time.

It goes by the entries' numbers, which have no gaps and never change: whoever goes on from the last number misses
nothing and sees nothing twice, whichever transaction commits late.
"""

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from consent.records import prove, served
from consent.records.contact_card import BadCursor, Line
from consent.store import database
from consent.store.ledger import LedgerEntry, LedgerLeaf

SPAN = 10_000  # numbers that one page looks at: a kind that is rare must not cost a walk through the whole ledger
_NUMBER = re.compile(r"[0-9]{1,15}")


class Page(NamedTuple):
    """Entries in the order of their numbers, and after which number to go on; None at the end of the ledger."""

    lines: Sequence[Line]
    next: int | None


def page(after: str, limit: int, kind: str | None, topic: str | None) -> Page:
    """Return up to *limit* numbered entries that follow *after*, of that *kind* and *topic* if given.

    *after* is an entry's id or number; an empty text is the beginning. A page may hold fewer than *limit*, and even
    none, while there are more: *next* says so. At most four statements. Raises BadCursor.
    """
    if database.has_replica():
        with suppress(BadCursor):
            if (found := _page(database.reading_late(), after, limit, kind, topic)).lines:
                return found
    return _page(database.reading(), after, limit, kind, topic)  # what the replica does not have yet


def _page(way: AbstractContextManager[Connection], after: str, limit: int, kind: str | None, topic: str | None) -> Page:
    with way as connection:
        begin = _place(connection, after)
        rows = _rows(connection, begin, limit, kind, topic)
        last = connection.execute(select(func.max(LedgerLeaf.seq))).scalar()
        head = prove.newest(connection)
    size = head.size if head else 0
    lines = [
        Line(row.entry_id, row.cseq, row.seq, row.body, row.leaf_hash, served.state(row.seq, size)) for row in rows
    ]
    seen = rows[-1].seq if len(rows) == limit else begin + SPAN
    return Page(lines, seen if last is not None and seen < last else None)


def _place(connection: Connection, after: str) -> int:
    """Return the number that *after* names; -1 is before the first."""
    if not after or _NUMBER.fullmatch(after):
        return int(after or -1)
    wanted = select(LedgerLeaf.seq).where(LedgerLeaf.entry_id == after)
    found = connection.execute(wanted).scalar() if served.ENTRY.fullmatch(after) else None
    if found is None:
        raise BadCursor
    return found


def _rows(connection: Connection, begin: int, limit: int, kind: str | None, topic: str | None) -> Sequence[Any]:
    wanted = (
        select(LedgerEntry.entry_id, LedgerEntry.cseq, LedgerLeaf.seq, LedgerEntry.body, LedgerEntry.leaf_hash)
        .join_from(LedgerLeaf, LedgerEntry, LedgerEntry.entry_id == LedgerLeaf.entry_id)
        .where(LedgerLeaf.seq > begin, LedgerLeaf.seq <= begin + SPAN)
    )
    if kind:
        wanted = wanted.where(LedgerEntry.kind == kind)
    if topic:
        wanted = wanted.where(LedgerEntry.topic == topic)
    return connection.execute(wanted.order_by(LedgerLeaf.seq).limit(limit)).all()
