"""What a database's refusal means: lost against another transaction, away, full, read-only, or not ours to use.

PostgreSQL says it by SQLSTATE (appendix A of its manual), SQLite by result code (sqlite.org/rescode.html).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from consent import clock

KEPT_SECONDS = 10.0
AWAY = "The database does not answer: check that it runs, and CONSENT_DATABASE_URL."
FULL = "The disk of the database is full: make room."
OTHER_SCHEMA = "The database has another schema than this version: run `consent migrate`."
READ_ONLY = "The database takes no writes: CONSENT_DATABASE_URL must name the primary, and not a read-only one."
_BEATEN = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, a lock that was not to be had in time
_POSTGRESQL = {
    "25006": READ_ONLY,
    "42501": "The database's login may not do what the service needs: run migrations/postgresql_roles.sql.",
    "42P01": OTHER_SCHEMA,
    "42703": OTHER_SCHEMA,
    "53100": FULL,
    "53300": "The database has no connection left: raise max_connections, or run fewer processes.",
}
_SQLITE_BEATEN = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: "The database cannot be written: check the owner of its file and the disk's mount.",
    sqlite3.SQLITE_IOERR: "The disk of the database reads or writes wrongly: see the system's log.",
    sqlite3.SQLITE_CORRUPT: "The database is damaged: restore it from a backup.",
    sqlite3.SQLITE_NOTADB: "The file of CONSENT_DATABASE_URL is not a database.",
    sqlite3.SQLITE_CANTOPEN: "The database's file cannot be opened: check CONSENT_DATABASE_URL and who may read it.",
}
_OURS = (DataError, IntegrityError, NotSupportedError)  # what only a fault in our code brings about

_last: tuple[float, str] | None = None


def beaten(error: DBAPIError) -> bool:
    """Whether the transaction lost against another one, so that doing it again may succeed. Nothing was recorded."""
    return _sqlstate(error) in _BEATEN or _sqlite_code(error) in _SQLITE_BEATEN


def passes(error: Exception) -> bool:
    """Whether an operator can mend what is wrong, or it mends itself: not a fault of ours. Nothing was recorded."""
    if isinstance(error, PoolTimeout):
        return True
    return isinstance(error, DBAPIError) and not isinstance(error, _OURS)


def sentence(error: Exception) -> str:
    """Return what is wrong, for operators: no text of the database's, which may hold an address."""
    if isinstance(error, PoolTimeout):
        return "Every connection to the database is in use."
    return _POSTGRESQL.get(_sqlstate(error) or "") or _SQLITE.get(_sqlite_code(error) or 0) or AWAY


@contextmanager
def noted() -> Iterator[None]:
    """Remember for KEPT_SECONDS, in this process, that a write failed, and forget it when one succeeds."""
    global _last  # noqa: PLW0603 - one memory a process
    try:
        yield
    except Exception as error:
        if passes(error) and not (isinstance(error, DBAPIError) and beaten(error)):
            _last = (clock.monotonic(), sentence(error))
        raise
    _last = None


def recent() -> str | None:
    """Return why the last write of this process failed, if it did so moments ago; else None."""
    last = _last
    return last[1] if last and clock.monotonic() - last[0] < KEPT_SECONDS else None


def forget() -> None:
    """Forget what :func:`recent` remembers, for a process that goes on with another database."""
    global _last  # noqa: PLW0603 - one memory a process
    _last = None


def _sqlstate(error: Any) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def _sqlite_code(error: Any) -> int | None:
    """Return the primary result code: the extended ones are in the higher bits."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
