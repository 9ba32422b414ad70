"""Whether the service can take work: reads only, one sentence for each thing that is wrong."""

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from consent.records import lag, prove, sequence
from consent.store import database, trouble
from consent.store.ledger import LedgerLeaf
from consent.store.outbox import DUE, OutboxRow
from consent.store.schema import head

LATE = timedelta(seconds=60)
LATE_NUMBER = timedelta(seconds=30)
LEAST_FREE = 32 * 1024 * 1024  # bytes on the disk of a SQLite file
_WAYS = text("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool")


def problems(now: datetime) -> list[str]:
    """Return what is wrong, in sentences for operators; empty when all is well."""
    try:
        if problem := schema_problem() or unwritable() or trouble.recent():
            return [problem]
        return late_mail(now) + unnumbered(now) + unsigned(now)
    except SQLAlchemyError as error:  # the database went away meanwhile
        return [trouble.sentence(error)]


def schema_problem() -> str | None:
    """Return what is wrong with the database's schema, or None."""
    try:
        with database.reading() as connection:
            revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except SQLAlchemyError as error:
        problem = trouble.sentence(error)
        return "The database has no tables yet: run `consent migrate`." if _no_table(error) else problem
    if revision == head():
        return None
    if revision and revision > head():
        return f"The database has a newer schema ({revision}) than this version ({head()}): install the newest version."
    return f"The database has schema {revision}, and this version needs {head()}: run `consent migrate`."


def unwritable() -> str | None:
    """Return why nothing can be written, as far as reading tells, or None."""
    if sequence.inline():
        return _file_problem(Path(make_url(database.db.engine.url).database or ""))
    with database.reading() as connection:
        return trouble.READ_ONLY if connection.execute(_WAYS).scalar() else None


def late_mail(now: datetime) -> list[str]:
    """Say so if mail has been waiting for more than a minute."""
    waiting = select(func.min(OutboxRow.run_at)).where(OutboxRow.state == DUE, OutboxRow.leased_until <= now)
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


def unnumbered(now: datetime) -> list[str]:
    """Say so if an entry waits too long for its number, on PostgreSQL. What it says binds all the same."""
    with database.reading() as connection:
        waiting, oldest = lag.pending(connection)
    if oldest is None or now - oldest <= LATE_NUMBER:
        return []
    seconds = int((now - oldest).total_seconds())
    return [f"{waiting} entries wait for their number, the oldest for {seconds} s: is `consent worker` running?"]


def _no_table(error: SQLAlchemyError) -> bool:
    return "no such table" in str(error) or trouble.sentence(error) == trouble.OTHER_SCHEMA


def _file_problem(path: Path) -> str | None:
    """Return what keeps a SQLite file from being written, or None."""
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        return trouble.AWAY
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return "The database cannot be written: check the owner of its file and folder, and the disk's mount."
    return trouble.FULL if free < LEAST_FREE else None
