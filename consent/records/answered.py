"""A request that comes again under its Idempotency-Key is answered as before, and done once.

The answer is kept in the transaction of the effect. So there is never an effect without its answer, nor an answer
without its effect, whenever a process is killed; and a request that failed has left nothing behind.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection, Insert, bindparam, delete, func, select, update

from consent import clock
from consent.store import database
from consent.store.answered import Answered

KEPT = timedelta(hours=24)
_FREE = select(func.pg_try_advisory_xact_lock(bindparam("number")))
_at_work: set[bytes] = set()
_lock = threading.Lock()


class InFlight(Exception):
    """The same request is being done at this moment."""


class OtherBody(ValueError):
    """The key was used for another body."""


class Forgotten(LookupError):
    """It was done, but what was answered named somebody who has been erased since."""


class Answer(NamedTuple):
    """What was answered: the status, and JSON as text."""

    status: int
    content: str


@database.retried
def once(request: bytes, body: bytes, work: Callable[[], Answer]) -> tuple[Answer, bool]:
    """Return what *work* answers, kept with its effect; or what it answered before, and True.

    *request* and *body* are SHA-256 digests. What *work* raises undoes all that it did. Raises InFlight, OtherBody,
    Forgotten.
    """
    with _alone(request), database.together() as connection:
        now = clock.now()
        _take(connection, request)
        if kept := _kept(connection, request, body, now):
            return kept, True
        answer = work()
        row = {"request": request, "body": body, "status": answer.status, "content": answer.content, "answered_at": now}
        connection.execute(_keeping(connection.dialect.name), row)
    return answer, False


def forget_old(now: datetime) -> None:
    """Delete the answers that were kept long enough."""
    with database.reading() as connection:
        old = connection.execute(select(Answered.request).where(Answered.answered_at <= now - KEPT)).scalars().all()
    if old:
        with database.writing() as connection:
            connection.execute(delete(Answered).where(Answered.answered_at <= now - KEPT))


def forget_people(connection: Connection) -> None:
    """Forget what was answered wherever it holds an address, but not that it was done. One statement."""
    connection.execute(update(Answered).where(Answered.content.contains("@")).values(content=None))


@contextmanager
def _alone(request: bytes) -> Iterator[None]:
    """Hold the *request* in this process. Raises InFlight; other processes are asked by :func:`_take`."""
    with _lock:
        if request in _at_work:
            raise InFlight
        _at_work.add(request)
    try:
        yield
    finally:
        with _lock:
            _at_work.discard(request)


def _take(connection: Connection, request: bytes) -> None:
    """Hold the *request* until the transaction ends, against every host; SQLite's transaction is alone anyway."""
    if connection.dialect.name == "sqlite":
        return
    number = int.from_bytes(request[:8], "big", signed=True)
    if not connection.execute(_FREE, {"number": number}).scalar():
        raise InFlight


def _kept(connection: Connection, request: bytes, body: bytes, now: datetime) -> Answer | None:
    wanted = select(Answered.body, Answered.status, Answered.content).where(Answered.request == request)
    row = connection.execute(wanted.where(Answered.answered_at > now - KEPT)).first()
    if row is None:
        return None
    if row.body != body:
        raise OtherBody
    if row.content is None:
        raise Forgotten
    return Answer(row.status, row.content)


@cache
def _keeping(dialect: str) -> Insert:
    new = database.upserting(dialect, Answered)
    columns = ("body", "status", "content", "answered_at")
    return new.on_conflict_do_update(index_elements=["request"], set_={name: new.excluded[name] for name in columns})
