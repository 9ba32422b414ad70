"""Work that leaves the house: put it in with the cause, claim it with a lease, finish it or try again.

A row is claimed by moving its lease into the future, in one statement that two workers cannot both win. A worker
that dies leaves a lease that runs out. Delivery is at least once; the Message-ID is the same on every try.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from consent.store.contacts import Contact
from consent.store.outbox import OutboxRow

LEASE = timedelta(seconds=60)
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(days=1)
GIVE_UP_AFTER = timedelta(days=3)
_NEW_ROW = insert(OutboxRow)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Job(NamedTuple):
    """One claimed row."""

    id: str
    kind: str
    contact_id: str
    entry_id: str
    payload: dict[str, Any]
    attempts: int
    created_at: datetime


def put(
    connection: Connection, id: str, kind: str, contact: str, cause: str, payload: Mapping[str, Any], now: datetime
) -> None:
    """Add a row that is due at once, in the transaction of the entry *cause*. One statement."""
    connection.execute(
        _NEW_ROW,
        [
            {
                "id": id,
                "kind": kind,
                "contact_id": contact,
                "entry_id": cause,
                "payload": dict(payload),
                "state": "due",
                "attempts": 0,
                "created_at": now,
                "run_at": now,
                "leased_until": _NEVER,
            }
        ],
    )


def claim(connection: Connection, now: datetime, most: int = 20) -> list[Job]:
    """Lease up to *most* due rows for LEASE, oldest first, and return them."""
    due = (
        select(OutboxRow.id)
        .where(OutboxRow.state == "due", OutboxRow.run_at <= now, OutboxRow.leased_until <= now)
        .order_by(OutboxRow.run_at, OutboxRow.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    columns = [getattr(OutboxRow, name) for name in Job._fields]
    leased = (
        update(OutboxRow)
        .where(OutboxRow.id.in_(select(due.c.id)))
        .values(leased_until=now + LEASE, attempts=OutboxRow.attempts + 1)
        .returning(*columns)
    )
    return sorted((Job(*row) for row in connection.execute(leased)), key=lambda job: job.id)


def finish(connection: Connection, job: Job, state: str, outcome: str, now: datetime) -> None:
    """End *job* as ``done``, ``dropped`` or ``failed``."""
    connection.execute(
        update(OutboxRow).where(OutboxRow.id == job.id).values(state=state, outcome=outcome, finished_at=now)
    )


def retry(connection: Connection, job: Job, outcome: str, now: datetime) -> None:
    """Put *job* off: five minutes, doubling to a day; after three days in all it has failed."""
    wait = min(FIRST_WAIT * 2 ** (job.attempts - 1), LONGEST_WAIT)
    if now + wait > job.created_at + GIVE_UP_AFTER:
        finish(connection, job, "failed", outcome, now)
        return
    connection.execute(
        update(OutboxRow).where(OutboxRow.id == job.id).values(run_at=now + wait, leased_until=_NEVER, outcome=outcome)
    )


def queued_since(connection: Connection, kind: str, contact: str, since: datetime) -> int:
    """Return how many messages of *kind* were queued after *since* for the person, however the address is spelt."""
    abuse_key = select(Contact.abuse_key).where(Contact.id == contact).scalar_subquery()
    statement = (
        select(func.count())
        .select_from(OutboxRow)
        .join(Contact, Contact.id == OutboxRow.contact_id)
        .where(OutboxRow.kind == kind, OutboxRow.created_at > since, Contact.abuse_key == abuse_key)
    )
    return int(connection.execute(statement).scalar_one())
