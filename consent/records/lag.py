"""How far behind the work is: mail that is due, entries without a number, entries under no signed checkpoint.

Each function is one statement, so that a monitor may ask every few seconds.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from consent.store.ledger import LedgerCheckpoint, LedgerEntry, LedgerLeaf, LedgerPending
from consent.store.outbox import DUE, OutboxRow


class Ledger(NamedTuple):
    """How many entries are numbered, how many are under a checkpoint, and when the first that is not was recorded."""

    size: int
    published: int
    waiting_since: datetime | None


def outbox(connection: Connection, now: datetime) -> tuple[int, datetime | None]:
    """Return how many messages are due at *now* and in no worker's hands, and since when the oldest is (UTC)."""
    due = (OutboxRow.state == DUE, OutboxRow.run_at <= now, OutboxRow.leased_until <= now)
    count, oldest = connection.execute(select(func.count(), func.min(OutboxRow.run_at)).where(*due)).one()
    return int(count), oldest


def pending(connection: Connection) -> tuple[int, datetime | None]:
    """Return how many entries wait for their number, and when the oldest was recorded (UTC). On SQLite none does."""
    waiting = select(func.count(), func.min(LedgerEntry.recorded_at)).join_from(LedgerPending, LedgerEntry)
    count, oldest = connection.execute(waiting).one()
    return int(count), oldest


def ledger(connection: Connection) -> Ledger:
    """Return how far the signed checkpoints are behind the numbered entries."""
    size = select(func.coalesce(func.max(LedgerLeaf.seq) + 1, 0)).scalar_subquery()
    published = select(func.coalesce(func.max(LedgerCheckpoint.size), 0)).scalar_subquery()
    first = select(LedgerEntry.recorded_at).join_from(LedgerLeaf, LedgerEntry).where(LedgerLeaf.seq == published)
    row = connection.execute(select(size, published, first.scalar_subquery())).one()
    return Ledger(int(row[0]), int(row[1]), row[2])
