"""The tree of the whole ledger, computed anew while its leaves pass, and held against every head that is known.

The offline verifier's tree does the hashing: it keeps one unfinished tile of each level, so that a ledger of any size
fits into memory.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, exists, func, select

from consent.ledger import checkpoint, verify
from consent.ledger.checkpoint import BadNote, Checkpoint, Verifier
from consent.ledger.merkle import HASH_SIZE
from consent.ledger.tiles import HEIGHT, WIDTH, Tile
from consent.records.findings import Findings
from consent.store.ledger import LedgerCheckpoint, LedgerEntry, LedgerTile

_PAGE = 1000
_GRACE = timedelta(seconds=60)  # how long a note may be signed and its row not stored


@dataclass(frozen=True)
class Kept:
    """A checkpoint from outside of the database.

    *name* is what to call it, and *at* an instant at which it surely existed, or None. *own* is whether it is what
    our signer keeps, and not what an auditor kept; *ours* is whether a key of this log signed it.
    """

    name: str
    head: Checkpoint
    at: datetime | None = None
    own: bool = False
    ours: bool = True

    @property
    def line(self) -> str:
        """The line of the answer that is about it."""
        return "SIGNER" if self.own else f"CONSISTENT-WITH {self.head.size}"


class Tree:
    """The tree of the leaves seen so far. *whole* until a number was missing: then no later root can be known."""

    def __init__(self) -> None:
        self.size = 0
        self.whole = True
        self._tree = verify.Tree(self._above)
        self._leaves: list[bytes] = []  # of the tile that is not full yet
        self._filled: list[tuple[Tile, list[bytes]]] = []

    def add(self, leaf: bytes) -> list[tuple[Tile, bytes, bytes]]:
        """Add *leaf*, and return the tiles that it fills, lower ones first, each with its hashes and its root."""
        self._leaves.append(leaf)
        self.size += 1
        if len(self._leaves) < WIDTH:
            return []
        self._filled = [(Tile(0, self.size // WIDTH - 1), self._leaves)]
        self._tree.add(self._leaves)
        self._leaves = []
        return [(tile, b"".join(hashes), verify.root_over(hashes)) for tile, hashes in self._filled]

    def root(self) -> bytes | None:
        """Return the root of the leaves so far, or None if it cannot be known."""
        return self._tree.root(self._leaves) if self.whole else None

    def _above(self, level: int, index: int, hashes: list[bytes]) -> None:
        self._filled.append((Tile(level, index), hashes))


class Heads:
    """Every head that must fit the tree: published ones by size from the database, and those *kept* elsewhere."""

    def __init__(self, connection: Connection, known: Sequence[Verifier], kept: Sequence[Kept], log: str) -> None:
        self.kept = sorted(kept, key=lambda one: one.head.size)
        self.published = 0
        self.newest = int(connection.execute(select(func.coalesce(func.max(LedgerCheckpoint.size), 0))).scalar_one())
        self._stored, self._known, self.log = _stored(connection), known, log
        self._waiting = next(self._stored, None)
        self._due = 0

    def meet(self, tree: Tree, found: Findings) -> None:
        """Compare the *tree*, as large as it is now, with the heads of this size."""
        while self._waiting is not None and self._waiting.size <= tree.size:
            self._judge(self._waiting, tree.root() if self._waiting.size == tree.size else None, found)
            self._waiting = next(self._stored, None)
        while self._due < len(self.kept) and self.kept[self._due].head.size <= tree.size:
            _fits(self.kept[self._due], tree, found)
            self._due += 1

    def finish(self, tree: Tree, found: Findings) -> None:
        """Say which heads the *tree*, now complete, never reached."""
        while self._waiting is not None:
            row = f"ledger_checkpoint {self._waiting.size}"
            found.add("ROOT", "rollback", row, f"It was published, and the ledger has {tree.size} entries.")
            self._note(self._waiting, found)
            self._waiting = next(self._stored, None)
        for one in self.kept[self._due :]:
            found.add(one.line, "rollback", one.name, _behind(one.head.size, tree.size))

    def _judge(self, row: Any, root: bytes | None, found: Findings) -> None:
        self._note(row, found)
        if root != row.root:
            name, said = f"ledger_checkpoint {row.size}", _spelled(row.root)
            found.add("ROOT", "root", name, f"It says {said}; the first {row.size} entries give {_spelled(root)}.")

    def _note(self, row: Any, found: Findings) -> None:
        self.published += 1
        name = f"ledger_checkpoint {row.size}"
        try:
            head = checkpoint.open_note(row.note, self._known)
        except (BadNote, TypeError, AttributeError) as error:
            found.add("SIGNATURE", "signature", name, f"Its note cannot be believed: {error}")
            return
        if (head.size, head.root, head.origin) != (row.size, row.root, self.log):
            found.add("SIGNATURE", "signature", name, "Its columns or its log are not those of its note.")
        if row.key_id not in {key.key_id.hex() for key in self._known}:
            found.add("SIGNATURE", "signature", name, f"Its key_id {row.key_id} is not that of a key of this log.")


def check_tile(connection: Connection, filled: tuple[Tile, bytes, bytes], newest: int, found: Findings) -> bool:
    """Compare a tile that is full with what is stored, and return whether it is; below *newest* it must be."""
    tile, hashes, root = filled
    row = connection.execute(
        select(LedgerTile.root, LedgerTile.hashes).where(LedgerTile.level == tile.level, LedgerTile.idx == tile.index)
    ).first()
    name = f"ledger_tile {tile.level}/{tile.index}"
    if row is None:
        if (tile.index + 1) << HEIGHT * (tile.level + 1) <= newest:
            found.add("TILES", "tile", name, "It is full, and not stored.")
        return False
    if row.hashes != hashes:
        found.add(
            "TILES",
            "tile",
            name,
            f"Its hashes are not those below it; the first is number {_first(row, tile, hashes)}.",
        )
    if row.root != root:
        found.add("TILES", "tile", name, "Its root is not the root over what is below it.")
    return True


def check_surplus(connection: Connection, tree: Tree, found: Findings) -> None:
    """Find stored tiles that a tree of this size does not fill; and say so if none could be computed."""
    if not tree.whole:
        found.add("TILES", "tile", "ledger_tile", "Numbers are missing: later tiles cannot be computed.")
        return
    for level, index in connection.execute(select(LedgerTile.level, LedgerTile.idx)):
        if level < 0 or index < 0 or index >= tree.size >> HEIGHT * (level + 1):
            text = f"A ledger of {tree.size} entries does not fill it."
            found.add("TILES", "tile", f"ledger_tile {level}/{index}", text)


def check_published(connection: Connection, heads: Heads, tree: Tree, now: datetime, found: Findings) -> None:
    """Miss the published head of every size that something outside of the database shows was signed. Two statements.

    What covers more than the *tree* is found to be rolled back. The signer writes its own file before the row, so of
    a note that is ahead of every row only a ledger without any row is missing it, once it had a minute to be stored.
    """
    sizes = [one.head.size for one in heads.kept]
    stored = set(connection.execute(select(LedgerCheckpoint.size).where(LedgerCheckpoint.size.in_(sizes))).scalars())
    late = exists().where(LedgerEntry.recorded_at < now - _GRACE)
    unsigned = not heads.published and bool(connection.execute(select(late)).scalar())
    for one in heads.kept:
        size = one.head.size
        due = one.ours and one.head.origin == heads.log and 0 < size <= tree.size
        if due and size not in stored and (not one.own or size <= heads.newest or unsigned):
            text = f"The head of size {size} was signed ({one.name}), and is not among the published ones."
            found.add("SIGNATURE", "checkpoint", f"ledger_checkpoint {size}", text)


def _stored(connection: Connection) -> Iterator[Any]:
    columns = (LedgerCheckpoint.size, LedgerCheckpoint.root, LedgerCheckpoint.note, LedgerCheckpoint.key_id)
    wanted, after = select(*columns).order_by(LedgerCheckpoint.size).limit(_PAGE), -(2**63)
    while rows := connection.execute(wanted.where(LedgerCheckpoint.size > after)).all():
        yield from rows
        after = rows[-1].size


def _behind(kept: int, size: int) -> str:
    """Say which entries a ledger of *size* lacks, of which somebody keeps a head over *kept*: numbers begin at 0."""
    lost = f"number {size} is" if kept == size + 1 else f"numbers {size} to {kept - 1} are"
    return (
        f"It covers {kept} entries, and the ledger has {size}: {lost} missing. It was cut, or restored from a backup."
    )


def _fits(one: Kept, tree: Tree, found: Findings) -> None:
    """Note it if the first entries are not those that the kept head covers: every ledger begins with the empty one."""
    root = tree.root() if one.head.size == tree.size else None
    if root != one.head.root:
        text = f"The first {one.head.size} entries are not those that it covers: the ledger was rewritten."
        found.add(one.line, "inconsistent", one.name, text)


def _first(row: Any, tile: Tile, hashes: bytes) -> int:
    """Return the number, within the tile's level, of the first hash that differs."""
    size = HASH_SIZE
    pairs = ((row.hashes[at : at + size], hashes[at : at + size]) for at in range(0, len(hashes), size))
    return tile.index * WIDTH + next((n for n, (stored, made) in enumerate(pairs) if stored != made), WIDTH - 1)


def _spelled(root: bytes | None) -> str:
    return "none, for numbers are missing" if root is None else base64.b64encode(root).decode()
