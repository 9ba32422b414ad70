"""The ways into the database: :func:`writing`, one transaction that commits, and :func:`reading`.

Only POSTs write. A GET gets a connection that cannot (``PRAGMA query_only``; READ ONLY on PostgreSQL), and so
never queues behind a writer. What may be some seconds old, such as an export, is read with :func:`reading_late`, from
the replica if there is one (``CONSENT_REPLICA_URL``); a decision never is.

PostgreSQL: READ COMMITTED, and one lock an address that every writer takes first (``records.contacts.take_turn``).
A commit waits for the disk, whatever the server's default; a transaction that was forgotten ends after 30 seconds.

SQLite: WAL, ``synchronous=FULL`` so that what was acknowledged survives a power cut, and every write begins with
BEGIN IMMEDIATE, since a transaction that reads first and writes later fails at once when another one wrote in
between. Writers take turns at a lock of ours before that: SQLite's own waiting is by sleeping and starves some.
"""

import fcntl
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, Select, bindparam, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from consent import clock
from consent.store import (
    answered,
    catalogue,
    contacts,
    exports,
    keys,
    ledger,
    outbox,
    reports,
    signups,
    standings,
    told,
    trouble,
)
from consent.store.base import Base

What = ParamSpec("What")
Result = TypeVar("Result")
MOST_TRIES = 5
TRY_SECONDS = 10.0
_log = logging.getLogger("consent.database")

db = SQLAlchemy(metadata=Base.metadata)
TABLES = (
    answered,
    catalogue,
    contacts,
    exports,
    keys,
    ledger,
    outbox,
    reports,
    signups,
    standings,
    told,
)  # importing them maps them
_READER = "reader"
_REPLICA = "replica"
_DIGEST_KEYS = "consent_digest_keys"
_BUSY_SECONDS = 15
_POOL: dict[str, Any] = {"pool_size": 16, "pool_timeout": 5}
_POSTGRESQL: dict[str, Any] = {**_POOL, "pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}
_READ_ONLY = {"execution_options": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}}
_ALONE = select(func.pg_advisory_xact_lock(0x434F4E53, func.hashtext(bindparam("work"))))
_SESSION = """
SELECT set_config('idle_in_transaction_session_timeout', '30s', false), set_config('lock_timeout', '5s', false),
  set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), false)
"""


def flask_settings(url: str, replica: str | None = None) -> dict[str, Any]:
    """Return what Flask-SQLAlchemy must be told to open *url* both ways, and *replica* for reading."""
    if url.startswith("sqlite"):
        return {
            "SQLALCHEMY_DATABASE_URI": url,
            "SQLALCHEMY_ENGINE_OPTIONS": _POOL | {"pool_timeout": 30},  # a thread more than connections is rare here
            "SQLALCHEMY_BINDS": {_READER: _POOL | {"url": url}},
        }
    readers = {_READER: url} | ({_REPLICA: replica} if replica else {})
    return {
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": _POSTGRESQL | {"isolation_level": "READ COMMITTED"},
        "SQLALCHEMY_BINDS": {name: _POSTGRESQL | _READ_ONLY | {"url": where} for name, where in readers.items()},
    }


def prepare(engines: dict[str | None, Engine], digest_keys: Sequence[str]) -> None:
    """Set both engines up for their database; called once a process, when the app is made.

    *digest_keys* are the keys under which erased addresses are remembered, newest first (:func:`digest_keys`).
    """
    for name, engine in engines.items():
        engine.update_execution_options(**{_DIGEST_KEYS: tuple(digest_keys)})
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine, read_only=name == _READER)
        elif name is None:
            event.listen(engine, "connect", _prepare_postgresql)


def digest_keys(connection: Connection) -> Sequence[str]:
    """Return the keys under which erased addresses are remembered: the newest first, the oldest is written with."""
    found: Sequence[str] = connection.get_execution_options()[_DIGEST_KEYS]
    return found


def forget_freed_pages() -> None:
    """Make SQLite overwrite what was deleted: freed pages are zeroed already, the write-ahead log is emptied here."""
    if around := _around.get():
        around.afterwards.append(forget_freed_pages)
        return
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
    """Give one transaction: it commits when the block ends, and rolls back if the block raises.

    The function around it is :func:`retried`, if it can lose against another transaction. Within :func:`together` it
    is a savepoint of the transaction there.
    """
    if around := _around.get():
        with around.connection.begin_nested():
            yield around.connection
        return
    engine = db.engine
    with trouble.noted(), engine.connect() as connection, _turn(engine), connection.begin():  # a turn is short
        yield connection


@dataclass(frozen=True)
class _Around:
    """A transaction that others are part of, and what waits for its end."""

    connection: Connection
    afterwards: list[Callable[[], None]] = field(default_factory=list)


_around: ContextVar[_Around | None] = ContextVar("around", default=None)


@contextmanager
def together() -> Iterator[Connection]:
    """Make one transaction of everything that is :func:`writing` in the block, in this thread.

    So something can be kept with an effect, or neither, by who knows nothing of how the effect comes about.
    :func:`reading` in the block does not see what the block wrote.
    """
    with writing() as connection:
        around = _Around(connection)
        token = _around.set(around)
        try:
            yield connection
        finally:
            _around.reset(token)
    for work in around.afterwards:
        work()


def retried(work: Callable[What, Result]) -> Callable[What, Result]:
    """Let *work*, whose only effect is one transaction, be done again if that lost against another one.

    That is a deadlock, a serialization failure, or a lock that was busy: nothing was recorded. At most MOST_TRIES
    times and TRY_SECONDS, after waits that differ from process to process; then the last error is raised. Within
    :func:`together` it is whoever began that transaction who begins again.
    """

    @wraps(work)
    def tried(*args: What.args, **kwargs: What.kwargs) -> Result:
        if _around.get():
            return work(*args, **kwargs)
        begun = clock.monotonic()
        for number in range(1, MOST_TRIES):
            try:
                return work(*args, **kwargs)
            except DBAPIError as error:
                if not trouble.beaten(error) or clock.monotonic() - begun > TRY_SECONDS:
                    raise
            # No event tells when the other one is through; a wait of chance lets one of the two go first.
            time.sleep(random.uniform(0, 0.02 * 2**number))
        return work(*args, **kwargs)

    return tried


@contextmanager
def reading() -> Iterator[Connection]:
    """Give a connection that can only read, at one point in time."""
    with db.engines[_READER].connect() as connection:
        yield connection


@contextmanager
def reading_late() -> Iterator[Connection]:
    """Give a connection that can only read, at one point in time that may be some seconds ago: from the replica.

    Without a replica, or while it does not answer, from the database itself: a slower export is better than none.
    """
    with _late_connection() as connection:
        yield connection


def alone(connection: Connection, work: str) -> None:
    """Wait until nobody else does *work*, on whatever host, and keep it so until the transaction ends.

    One statement on PostgreSQL, none on SQLite, where the transaction itself is alone.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(_ALONE, {"work": work}).all()


def has_replica() -> bool:
    """Whether :func:`reading_late` reads elsewhere than :func:`reading`."""
    return _REPLICA in db.engines


def _late_connection() -> Connection:
    if not has_replica():
        return db.engines[_READER].connect()
    try:
        return db.engines[_REPLICA].connect()
    except OperationalError as error:
        _log.warning("the replica does not answer: %s", type(error.orig).__name__)
        return db.engines[_READER].connect()


def pieces(connection: Connection, statement: Select[Any], size: int) -> Iterator[Sequence[Any]]:
    """Yield the rows of *statement*, *size* at a time, in constant memory.

    On SQLite they come straight from the driver, which spares half of the time: the columns must then be texts,
    bytes and integers, which no type of ours has to translate.
    """
    if connection.dialect.name != "sqlite":
        options = {"stream_results": True, "yield_per": size}
        with connection.execute(statement, execution_options=options) as streamed:
            yield from streamed.partitions()
        return
    found = connection.execute(statement)
    while rows := found.cursor.fetchmany(size):
        yield rows


def upserting(dialect: str, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT into *table* that takes ON CONFLICT, for the *dialect* of that name. Build it once."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def _prepare_postgresql(connection: Any, _: object) -> None:
    """Set the session up once, outside of any transaction of ours."""
    connection.execute(_SESSION)
    connection.commit()


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
_turns_lock = threading.Lock()


def forget_turns() -> None:
    """Close the files of :class:`_Turn`, for a process that goes on without its database."""
    while _turns:
        _turns.popitem()[1].close()


def _turn(engine: Engine) -> Any:
    path = make_url(engine.url).database
    if engine.dialect.name != "sqlite" or path is None:
        return nullcontext()
    with _turns_lock:
        if path not in _turns:
            _turns[path] = _Turn(Path(path))
        return _turns[path]
