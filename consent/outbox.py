"""Work that leaves the house: put it in with the cause, claim it with a lease, finish it or try again.

A row is claimed by moving its lease into the future, in one statement that two workers cannot both win. A worker
that dies leaves a lease that runs out. What it had begun to hand over may have been taken, and goes once more, under
the same Message-ID; not a third time.

Every domain of recipients that has mail due gets an equal share of each claim, so that fifty thousand messages to one
do not hold up the one message to another.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    exists,
    func,
    insert,
    select,
    tuple_,
    update,
)  # fmt: skip
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningUpdate

from consent.store.base import Instant
from consent.store.contacts import Contact
from consent.store.outbox import DUE, OutboxRow

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
    domain: str
    entry_id: str
    payload: dict[str, Any]
    attempts: int
    unanswered: int
    created_at: datetime


def put(
    connection: Connection,
    id: str,
    kind: str,
    contact: str,
    to: str,
    cause: str,
    payload: Mapping[str, Any],
    now: datetime,
) -> None:
    """Add a row that is due at once, in the transaction of the entry *cause*. One statement.

    Of the address *to* only the domain is kept.
    """
    connection.execute(
        _NEW_ROW,
        [
            {
                "id": id,
                "kind": kind,
                "contact_id": contact,
                "domain": to.rpartition("@")[2],
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


def anything_due(connection: Connection, now: datetime) -> bool:
    """Whether a row waits to be claimed. One statement, by index."""
    return bool(connection.execute(select(exists().where(*_due(OutboxRow, now)))).scalar())


def claim(
    connection: Connection, now: datetime, most: int = 20, after: str = "", without: Collection[str] = ()
) -> list[Job]:
    """Lease up to *most* due rows for LEASE and return them, domain by domain, the oldest of each first.

    Domains take equal shares, beginning with the one that follows *after* in the alphabet: a worker that gives the
    domain it ended with goes round. Those in *without* are left alone. Two statements, and one more for each domain.
    """
    found = _due_domains(connection, now, after, most + len(without))
    domains = [domain for domain in found if domain not in without][:most]
    jobs: list[Job] = []
    for number, domain in enumerate(domains):
        share = -(-(most - len(jobs)) // (len(domains) - number))  # what is left, divided, rounded up
        jobs += _claim_of(connection, domain, now, share)
    return jobs


def _due_domains(connection: Connection, now: datetime, after: str, most: int) -> list[str]:
    """Return up to *most* domains that have rows due: those beyond *after* first, then from the beginning."""
    starts = (after, "") if after else ("",)
    rows = [row for start in starts for row in connection.execute(_DOMAINS, {"now": now, "after": start, "most": most})]
    return list(dict.fromkeys(row.domain for row in rows))[:most]


def _claim_of(connection: Connection, domain: str, now: datetime, most: int) -> list[Job]:
    leased = {"whose": domain, "now": now, "most": most, "lease": now + LEASE}
    return sorted((Job(*row) for row in connection.execute(_LEASE, leased)), key=lambda job: job.id)


def _due(row: Any, now: Any) -> tuple[ColumnElement[bool], ...]:
    return (row.state == DUE, row.run_at <= now, row.leased_until <= now)


def _next_domain(after: Any) -> Any:
    """Select the first domain beyond *after* that has a row due: one step through the index, not a scan."""
    row = aliased(OutboxRow)
    return (
        select(row.domain)
        .where(*_due(row, bindparam("now", type_=Instant)), row.domain > after)
        .order_by(row.domain)
        .limit(1)
        .scalar_subquery()
    )


def _every_domain() -> Select[tuple[str]]:
    found = select(_next_domain(bindparam("after", type_=Text)).label("domain")).cte("domains", recursive=True)
    found = found.union_all(select(_next_domain(found.c.domain)).where(found.c.domain.is_not(None)))
    return select(found.c.domain).where(found.c.domain.is_not(None)).limit(bindparam("most", type_=Integer))


_DOMAINS = _every_domain()


def _lease() -> ReturningUpdate[Any]:
    due = (
        select(OutboxRow.id)
        .where(OutboxRow.domain == bindparam("whose", type_=Text), *_due(OutboxRow, bindparam("now", type_=Instant)))
        .order_by(OutboxRow.run_at, OutboxRow.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return (
        update(OutboxRow)
        .where(OutboxRow.id.in_(select(due.c.id)))
        .values(leased_until=bindparam("lease", type_=Instant), attempts=OutboxRow.attempts + 1)
        .returning(*(getattr(OutboxRow, name) for name in Job._fields))
    )


_LEASE = _lease()
_OURS = (OutboxRow.state == DUE, tuple_(OutboxRow.id, OutboxRow.attempts).in_(bindparam("ours", expanding=True)))
_BEGIN = update(OutboxRow).where(*_OURS).values(unanswered=OutboxRow.unanswered + 1)
_FINISH = (
    update(OutboxRow)
    .where(*_OURS)
    .values(
        state=bindparam("end", type_=Text),
        outcome=bindparam("code", type_=Text),
        finished_at=bindparam("now", type_=Instant),
    )
    .returning(OutboxRow.id)
)


def begin(connection: Connection, jobs: Sequence[Job]) -> None:
    """Note that *jobs* are handed over next: until its end is written down, each counts as not answered for."""
    if jobs:
        connection.execute(_BEGIN, {"ours": _ours(jobs)})


def give_back(connection: Connection, jobs: Sequence[Job], *, begun: Collection[str] = ()) -> None:
    """End the leases of *jobs*: another worker may have them at once. Those whose ids are in *begun* were not."""
    theirs = update(OutboxRow).where(OutboxRow.id.in_([job.id for job in jobs]), OutboxRow.state == DUE)
    begun_too = case((OutboxRow.id.in_(begun), 1), else_=0)
    values = {"attempts": OutboxRow.attempts - 1, "unanswered": OutboxRow.unanswered - begun_too}
    connection.execute(theirs.values(leased_until=_NEVER, **values))


def finish(connection: Connection, jobs: Sequence[Job], state: str, outcome: str, now: datetime) -> set[str]:
    """End *jobs* as ``done``, ``dropped`` or ``failed``; return the ids of those that were still ours to end.

    One is not if its lease ran out and another worker claimed the row since, or if the contact was erased.
    """
    ended = {"ours": _ours(jobs), "end": state, "code": outcome, "now": now}
    return set(connection.execute(_FINISH, ended).scalars())


def _ours(jobs: Sequence[Job]) -> list[tuple[str, int]]:
    return [(job.id, job.attempts) for job in jobs]


def retry(connection: Connection, job: Job, outcome: str, now: datetime, *, answered: bool = True) -> bool:
    """Put *job* off: five minutes, doubling to a day; after three days in all it has failed.

    *answered* says that it was certainly not taken this time. Return whether the row was still ours to put off.
    """
    wait = min(FIRST_WAIT * 2 ** (job.attempts - 1), LONGEST_WAIT)
    if now + wait > job.created_at + GIVE_UP_AFTER:
        return bool(finish(connection, [job], "failed", outcome, now))
    unanswered = 0 if answered else OutboxRow.unanswered
    values = {"run_at": now + wait, "leased_until": _NEVER, "outcome": outcome, "unanswered": unanswered}
    put_off = update(OutboxRow).where(*_OURS).values(**values)
    return connection.execute(put_off, {"ours": _ours([job])}).rowcount == 1


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
