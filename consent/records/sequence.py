"""The tree in the database: which entries are numbered, and the full tiles over them.

On SQLite a trigger numbers every entry in the transaction that inserts it (migration 0001). Tiles are written
later, by whoever is about to sign: they hold nothing that the numbered leaves do not, and a tile that is full never
changes. Partial tiles are not stored at all; :func:`read_tile` makes them from the leaves or from the full tiles
below.
"""

from sqlalchemy import Connection, func, insert, select

from consent.ledger import tiles
from consent.ledger.merkle import BrokenTree
from consent.ledger.tiles import WIDTH, Tile
from consent.store.ledger import LedgerLeaf, LedgerTile


def size(connection: Connection) -> int:
    """Return how many entries are numbered."""
    return int(connection.execute(select(func.coalesce(func.max(LedgerLeaf.seq) + 1, 0))).scalar_one())


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
