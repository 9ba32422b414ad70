"""The tree in the database: which entries are numbered, and the full tiles over them.

On SQLite a trigger numbers every entry in the transaction that inserts it (migration 0001). On PostgreSQL an entry
waits in ``ledger_pending`` until :func:`number` gives it the next number, in batches and off the request path: else
every writer would wait for the disk of the one before it. Tiles are written
later, by whoever is about to sign: they hold nothing that the numbered leaves do not, and a tile that is full never
changes. Partial tiles are not stored at all; :func:`read_tile` makes them from the leaves or from the full tiles
below.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from consent.ledger import tiles
from consent.ledger.merkle import BrokenTree
from consent.ledger.tiles import WIDTH, Tile
from consent.store import database
from consent.store.ledger import LedgerEntry, LedgerLeaf, LedgerPending, LedgerTile

MOST_NUMBERED = 2000
_NEW_PENDING = insert(LedgerPending)
_PATIENCE = timedelta(seconds=5)
_LOCK = (0x434F4E53, 1)  # names the sequencer among the advisory locks of the database


class ClockBehind(RuntimeError):
    """The clock of this host is behind the times in the ledger; it numbers nothing. Another host's worker may."""

    def __init__(self, behind: timedelta) -> None:
        super().__init__(f"This host's clock is {behind.total_seconds():.0f} s behind the ledger: set it (NTP).")


def size(connection: Connection) -> int:
    """Return how many entries are numbered."""
    return int(connection.execute(select(func.coalesce(func.max(LedgerLeaf.seq) + 1, 0))).scalar_one())


def inline() -> bool:
    """Whether the database numbers each entry as it is inserted, so that none ever waits."""
    return database.db.engine.dialect.name == "sqlite"


def enqueue(connection: Connection, entries: Sequence[str]) -> None:
    """Let *entries* wait for their numbers, in this order. One statement, and none on SQLite, whose trigger numbers."""
    if connection.dialect.name != "sqlite":
        connection.execute(_NEW_PENDING, [{"entry_id": entry} for entry in entries])


def number(connection: Connection, now: datetime) -> int:
    """Give up to MOST_NUMBERED waiting entries their numbers, in the order of appending, and return how many.

    Only one worker at a time, on whatever host: another one returns 0 at once. The lock is asked for in a statement of
    its own, so that what is read next is no older than the lock. Nothing to do on SQLite.

    The times of the leaves never go back: a clock that is a little behind is waited for (0 is returned), one that is
    further behind than five seconds raises ClockBehind.
    """
    if connection.dialect.name == "sqlite" or not _alone(connection):
        return 0
    first, last = _end(connection)
    if last and now < last:
        if last - now > _PATIENCE:
            raise ClockBehind(last - now)
        return 0
    oldest = select(LedgerPending.id).order_by(LedgerPending.id).limit(MOST_NUMBERED)
    taken = (
        delete(LedgerPending).where(LedgerPending.id.in_(oldest)).returning(LedgerPending.id, LedgerPending.entry_id)
    )
    entries = [row.entry_id for row in sorted(connection.execute(taken), key=lambda row: row.id)]
    if entries:
        wanted = select(LedgerEntry.entry_id, LedgerEntry.leaf_hash).where(LedgerEntry.entry_id.in_(entries))
        hashes = {row.entry_id: row.leaf_hash for row in connection.execute(wanted)}
        rows = [
            {"seq": seq, "entry_id": entry, "leaf_hash": hashes[entry], "sequenced_at": now}
            for seq, entry in enumerate(entries, first)
        ]
        connection.execute(insert(LedgerLeaf), rows)
    return len(entries)


def _end(connection: Connection) -> tuple[int, datetime | None]:
    """Return the number that comes next, and when the last one was given."""
    newest = select(LedgerLeaf.seq, LedgerLeaf.sequenced_at).order_by(LedgerLeaf.seq.desc()).limit(1)
    row = connection.execute(newest).first()
    return (row.seq + 1, row.sequenced_at) if row else (0, None)


def _alone(connection: Connection) -> bool:
    """Take the sequencer's lock until the transaction ends, or return False: another worker has it."""
    return bool(connection.execute(select(func.pg_try_advisory_xact_lock(*_LOCK))).scalar())


def fill_tiles(connection: Connection) -> int:
    """Store the tiles that have become full, and return how many entries are numbered. Raises merkle.BrokenTree.

    One statement reads what is to be stored and one stores it, for each tile: one in 255 entries on average.
    """
    numbered = size(connection)
    stored = select(func.coalesce(func.max(LedgerTile.idx) + 1, 0)).where(LedgerTile.level == 0)
    for tile in tiles.filled(int(connection.execute(stored).scalar_one()) * WIDTH, numbered):
        hashes = read_below(connection, tile)
        row = {"level": tile.level, "idx": tile.index, "root": tiles.perfect_root(hashes), "hashes": hashes}
        connection.execute(insert(LedgerTile), [row])
    return numbered


def read_tile(connection: Connection, tile: Tile) -> bytes:
    """Return the hashes of *tile*, full or partial. One statement. Raises merkle.BrokenTree if one is missing."""
    if tile.width < WIDTH:
        return read_below(connection, tile)
    wanted = select(LedgerTile.hashes).where(LedgerTile.level == tile.level, LedgerTile.idx == tile.index)
    found = connection.execute(wanted).scalar()
    if found is None:
        raise BrokenTree(f"{tiles.path(tile)} is not stored.")
    return bytes(found)


def read_below(connection: Connection, tile: Tile) -> bytes:
    """Return the hashes of *tile* from what it is made of: the leaves, or the roots of the full tiles one level down.

    One statement. Raises merkle.BrokenTree if one is missing.
    """
    first = tile.index * WIDTH
    numbers = range(first, first + tile.width)
    if tile.level == 0:
        wanted = select(LedgerLeaf.seq, LedgerLeaf.leaf_hash).where(LedgerLeaf.seq.between(numbers[0], numbers[-1]))
        rows = connection.execute(wanted.order_by(LedgerLeaf.seq)).all()
    else:
        wanted = select(LedgerTile.idx, LedgerTile.root).where(LedgerTile.level == tile.level - 1)
        rows = connection.execute(
            wanted.where(LedgerTile.idx.between(numbers[0], numbers[-1])).order_by(LedgerTile.idx)
        ).all()
    if [row[0] for row in rows] != list(numbers):
        raise BrokenTree(f"What {tiles.path(tile)} is made of is not all stored.")
    return b"".join(row[1] for row in rows)
