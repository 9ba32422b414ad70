"""The ledger as strangers read it: over a connection that only reads, and nothing beyond the newest signed head."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection

from consent.ledger.tiles import BadTile, parse
from consent.records import prove, sequence
from consent.records.prove import NotPublished, Unknown
from consent.store import database

What = TypeVar("What")
PENDING, SEQUENCED, PUBLISHED = "pending", "sequenced", "published"
STATES = (PENDING, SEQUENCED, PUBLISHED)
ENTRY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # PostgreSQL takes not every text for a key


def state(sequence: int | None, published: int) -> str:
    """Return how far the entry numbered *sequence* has come, when the newest checkpoint covers *published* entries."""
    if sequence is None:
        return PENDING
    return PUBLISHED if sequence < published else SEQUENCED


def state_when_recorded() -> str:
    """Return how far an entry has come when its transaction ends: SQLite numbers at once, PostgreSQL a moment later."""
    return SEQUENCED if sequence.inline() else PENDING


def checkpoint() -> str:
    """Return the newest signed note. One statement. Raises NotPublished while nothing is signed."""
    return _read(_note)


def keys() -> list[str]:
    """Return the vkeys of the log, active ones first. One statement."""
    return _read(prove.keys)


def tile(path: str) -> bytes:
    """Return the bytes of the tile of that *path*, ``tile/0/x001/234.p/5``. Two statements.

    Raises Unknown for a path that no tile has, and for a tile wider than what is published.
    """
    try:
        wanted = parse(path)
    except BadTile:
        raise Unknown from None
    return _read(lambda connection: prove.tile(connection, wanted))


def proof(entry: str) -> str:
    """Return the proof of *entry*, a text that needs nothing else. Raises Unknown, NotPublished."""
    if not ENTRY.fullmatch(entry):
        raise Unknown
    return _read(lambda connection: prove.of_entry(connection, entry))


def consistency(old_size: int, new_size: int) -> list[bytes]:
    """Return the proof that the first *new_size* entries begin with the first *old_size*, from 1 to *new_size*.

    Raises NotPublished if the newest checkpoint covers fewer than *new_size*.
    """
    return _read(lambda connection: _consistency(connection, old_size, new_size))


def _read(work: Callable[[Connection], What]) -> What:
    """Read from the replica, if there is one, and what it does not have yet from the database itself."""
    if database.has_replica():
        with suppress(Unknown, NotPublished), database.reading_late() as connection:
            return work(connection)
    with database.reading() as connection:
        return work(connection)


def _note(connection: Connection) -> str:
    head = prove.newest(connection)
    if head is None:
        raise NotPublished
    return head.note


def _consistency(connection: Connection, old_size: int, new_size: int) -> list[bytes]:
    head = prove.newest(connection)
    if head is None or new_size > head.size:
        raise NotPublished
    return prove.consistency(connection, old_size, new_size)
