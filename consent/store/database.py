"""The two ways into the database: :func:`writing`, one transaction that commits, and :func:`reading`.

Only POSTs write. A GET gets a connection that cannot (``PRAGMA query_only``; READ ONLY on PostgreSQL), and so
never queues behind a writer.

SQLite: WAL, ``synchronous=FULL`` so that what was acknowledged survives a power cut, and every write begins with
BEGIN IMMEDIATE, since a transaction that reads first and writes later fails at once when another one wrote in
between. Writers take turns at a lock of ours before that: SQLite's own waiting is by sleeping and starves some.
"""

import fcntl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, Select, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url

from consent.store import catalogue, contacts, exports, keys, ledger, outbox, signups, standings
from consent.store.base import Base

db = SQLAlchemy(metadata=Base.metadata)
TABLES = (catalogue, contacts, exports, keys, ledger, outbox, signups, standings)  # importing them maps them
_READER = "reader"
_DIGEST_KEYS = "consent_digest_keys"
_BUSY_SECONDS = 15


def flask_settings(url: str) -> dict[str, Any]:
    """Return what Flask-SQLAlchemy must be told to open *url* both ways."""
    options: dict[str, Any] = {"pool_size": 16, "pool_timeout": 30}
    if not url.startswith("sqlite"):
        reader = {"execution_options": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}}
        return {
            "SQLALCHEMY_DATABASE_URI": url,
            "SQLALCHEMY_ENGINE_OPTIONS": options | {"pool_pre_ping": True},
            "SQLALCHEMY_BINDS": {_READER: options | reader | {"url": url}},
        }
    return {
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": options,
        "SQLALCHEMY_BINDS": {_READER: options | {"url": url}},
    }


def prepare(engines: dict[str | None, Engine], digest_keys: Sequence[str]) -> None:
    """Set both engines up for their database; called once a process, when the app is made.

    *digest_keys* are the keys under which erased addresses are remembered, newest first (:func:`digest_keys`).
    """
    for name, engine in engines.items():
        engine.update_execution_options(**{_DIGEST_KEYS: tuple(digest_keys)})
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine, read_only=name == _READER)


def digest_keys(connection: Connection) -> Sequence[str]:
    """Return the keys under which erased addresses are remembered: the newest first, the oldest is written with."""
    found: Sequence[str] = connection.get_execution_options()[_DIGEST_KEYS]
    return found


def forget_freed_pages() -> None:
    """Make SQLite overwrite what was deleted: freed pages are zeroed already, the write-ahead log is emptied here."""
    engine = db.engine
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()  # outside of any transaction
    try:
        with _turn(engine):
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    finally:
        connection.close()


@contextmanager
def writing() -> Iterator[Connection]:
    """Give one transaction: it commits when the block ends, and rolls back if the block raises."""
    engine = db.engine
    with engine.connect() as connection, _turn(engine), connection.begin():  # the turn is held as briefly as can be
        yield connection


@contextmanager
def reading() -> Iterator[Connection]:
    """Give a connection that can only read, at one point in time."""
    with db.engines[_READER].connect() as connection:
        yield connection


def pieces(connection: Connection, statement: Select[Any], size: int) -> Iterator[Sequence[Any]]:
    """Yield the rows of *statement*, *size* at a time, in constant memory.

    On SQLite they come straight from the driver, which spares half of the time: the columns must then be texts,
    bytes and integers, which no type of ours has to translate.
    """
    if connection.dialect.name != "sqlite":
        yield from connection.execution_options(stream_results=True, yield_per=size).execute(statement).partitions()
        return
    found = connection.execute(statement)
    while rows := found.cursor.fetchmany(size):
        yield rows


def upserting(dialect: str, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT into *table* that takes ON CONFLICT, for the *dialect* of that name. Build it once."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def _prepare_sqlite(engine: Engine, *, read_only: bool) -> None:
    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the begin below is ours, not the driver's
        for pragma in (
            f"busy_timeout={_BUSY_SECONDS * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",  # else REPLACE deletes a ledger row without asking its trigger
            "secure_delete=ON",  # else an erased address stays in freed pages
            f"query_only={'ON' if read_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


class _Turn:
    """Writers of one SQLite file take turns: threads by a lock, processes by flock on ``<file>.turn``."""

    def __init__(self, path: Path) -> None:
        self._threads = threading.Lock()
        self._file = path.with_name(path.name + ".turn").open("ab")

    def close(self) -> None:
        """Close the lock file."""
        self._file.close()

    def __enter__(self) -> None:
        self._threads.acquire()
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()


_turns: dict[str, _Turn] = {}


def forget_turns() -> None:
    """Close the files of :class:`_Turn`, for a process that goes on without its database."""
    while _turns:
        _turns.popitem()[1].close()


def _turn(engine: Engine) -> Any:
    path = make_url(engine.url).database
    if engine.dialect.name != "sqlite" or path is None:
        return nullcontext()
    if path not in _turns:
        _turns.setdefault(path, _Turn(Path(path)))
    return _turns[path]
