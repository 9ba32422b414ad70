"""Prove what is in the ledger: roots, inclusion and consistency, for the newest published checkpoint and older ones.

Nothing beyond the newest checkpoint in this database is shown: what nobody signed could still be taken back.
"""

import base64
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from consent.ledger import merkle, tiles
from consent.ledger.merkle import Reader
from consent.ledger.tiles import ENTRIES, WIDTH, Tile
from consent.records import sequence
from consent.store.ledger import LedgerCheckpoint, LedgerEntry, LedgerKey, LedgerLeaf

_PROOF = "c2sp.org/tlog-proof@v1"


class Unknown(LookupError):
    """There is no such entry or tile."""


class NotPublished(LookupError):
    """The entry is recorded, and no signed checkpoint covers it yet. Ask again in some seconds."""


class Published(NamedTuple):
    """The newest checkpoint: how many entries it covers, their root, and the signed note."""

    size: int
    root: bytes
    note: str


def newest(connection: Connection) -> Published | None:
    """Return the newest checkpoint, or None while nothing was signed. One statement."""
    columns = (LedgerCheckpoint.size, LedgerCheckpoint.root, LedgerCheckpoint.note)
    row = connection.execute(select(*columns).order_by(LedgerCheckpoint.size.desc()).limit(1)).first()
    return Published(*row) if row else None


def keys(connection: Connection) -> list[str]:
    """Return every vkey of this log, active ones first, each once."""
    rows = connection.execute(select(LedgerKey.vkey, LedgerKey.status).order_by(LedgerKey.from_size.desc())).all()
    retired = {row.vkey for row in rows if row.status == "retired"}
    found = dict.fromkeys(row.vkey for row in rows)
    return sorted(found, key=lambda vkey: vkey in retired)


def reader(connection: Connection, size: int) -> Reader:
    """Return the function through which merkle reads the tree of the first *size* entries."""
    return tiles.reader(size, lambda level, index, width: sequence.read_tile(connection, Tile(level, index, width)))


def root(connection: Connection, size: int) -> bytes:
    """Return the root of the first *size* entries. Raises merkle.NotInTree, merkle.BrokenTree."""
    return merkle.root(size, reader(connection, size))


def inclusion(connection: Connection, index: int, size: int) -> list[bytes]:
    """Return the proof that entry number *index* is among the first *size*."""
    return merkle.prove_inclusion(index, size, reader(connection, size))


def consistency(connection: Connection, old_size: int, new_size: int) -> list[bytes]:
    """Return the proof that the first *new_size* entries begin with the first *old_size*. Raises merkle.NotInTree."""
    return merkle.prove_consistency(old_size, new_size, reader(connection, new_size))


def of_entry(connection: Connection, entry: str) -> str:
    """Return the proof of *entry* as one text that needs nothing else (C2SP tlog-proof).

    Raises Unknown, and NotPublished while no checkpoint covers the entry.
    """
    index = _number(connection, entry)
    head = newest(connection)
    if index is None or head is None or index >= head.size:
        raise NotPublished
    hashes = [base64.b64encode(found).decode() for found in inclusion(connection, index, head.size)]
    return "\n".join([_PROOF, f"index {index}", *hashes, "", head.note])


def tile(connection: Connection, wanted: Tile) -> bytes:
    """Return the bytes of a tile below the newest checkpoint: hashes, or entries each after its length.

    Raises Unknown for a tile that is wider than what is published.
    """
    head = newest(connection)
    level = max(wanted.level, 0)
    if head is None or wanted.index * WIDTH + wanted.width > head.size >> (tiles.HEIGHT * level):
        raise Unknown
    if wanted.level != ENTRIES:
        return sequence.read_tile(connection, wanted)
    first = wanted.index * WIDTH
    return entry_tile(bodies(connection, first, first + wanted.width))


def bodies(connection: Connection, first: int, end: int) -> Sequence[bytes]:
    """Return the bodies of the entries numbered *first* up to *end*, excluded. One statement."""
    wanted = (
        select(LedgerEntry.body)
        .join_from(LedgerLeaf, LedgerEntry)
        .where(LedgerLeaf.seq >= first, LedgerLeaf.seq < end)
        .order_by(LedgerLeaf.seq)
    )
    return connection.execute(wanted).scalars().all()


def entry_tile(found: Sequence[bytes]) -> bytes:
    """Return *found* as a tile of entries: each body after its length, two bytes, big end first."""
    return b"".join(len(body).to_bytes(2, "big") + body for body in found)


def _number(connection: Connection, entry: str) -> int | None:
    """Return the number of *entry*, or None while it has none. Raises Unknown."""
    wanted = select(LedgerEntry.entry_id, LedgerLeaf.seq).outerjoin(
        LedgerLeaf, LedgerLeaf.entry_id == LedgerEntry.entry_id
    )
    row = connection.execute(wanted.where(LedgerEntry.entry_id == entry)).first()
    if row is None:
        raise Unknown
    return None if row.seq is None else int(row.seq)
