"""Whether the service can take work: reads only, one sentence for each thing that is wrong."""

from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from consent.records import prove
from consent.store import database
from consent.store.ledger import LedgerLeaf
from consent.store.outbox import OutboxRow
from consent.store.schema import head

LATE = timedelta(seconds=60)


def problems(now: datetime) -> list[str]:
    """Return what is wrong, in sentences for operators; empty when all is well."""
    found = [problem] if (problem := schema_problem()) else []
    return found or late_mail(now) + unsigned(now)


def schema_problem() -> str | None:
    """Return what is wrong with the database's schema, or None."""
    try:
        with database.reading() as connection:
            revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except SQLAlchemyError:
        return "The database does not answer, or has no tables: check CONSENT_DATABASE_URL, run `consent migrate`."
    if revision != head():
        return "The database has another schema than this version: run `consent migrate`."
    return None


def late_mail(now: datetime) -> list[str]:
    """Say so if mail has been waiting for more than a minute."""
    waiting = select(func.min(OutboxRow.run_at)).where(OutboxRow.state == "due", OutboxRow.leased_until <= now)
    with database.reading() as connection:
        oldest = connection.execute(waiting).scalar()
    if oldest is None or now - oldest <= LATE:
        return []
    return [f"Mail has been waiting for {int((now - oldest).total_seconds())} s: is `consent worker` running?"]


def unsigned(now: datetime) -> list[str]:
    """Say so if an entry waits for longer than we promise to be under a signed checkpoint."""
    with database.reading() as connection:
        head = prove.newest(connection)
        if head is None:  # no key was ever at work here
            return []
        waiting = select(LedgerLeaf.sequenced_at).where(LedgerLeaf.seq == head.size)
        oldest = connection.execute(waiting).scalar()
    if oldest is None or now - oldest <= LATE:
        return []
    return [
        f"The ledger's head has not been signed for {int((now - oldest).total_seconds())} s: see the log of the "
        "worker that has CONSENT_LEDGER_KEY."
    ]
