"""Tiles: the tree cut into files of 256 hashes that never change (C2SP tlog-tiles).

Tile *index* of level 0 holds the leaves 256 * index and on. A full tile has a root of its own, and the roots of
256 tiles side by side are a tile one level up; so level 1 holds nodes over 256 leaves, level 2 over 65,536. A tile
is its hashes one after the other, 32 bytes each. The last tile of a level may be partial: 1 to 255 hashes wide.
A tree of 70,000 leaves has::

    level 0    273 full tiles and one of 112    tile/0/000 … tile/0/272    tile/0/273.p/112
    level 1      1 full tile  and one of  17    tile/1/000                 tile/1/001.p/17
    level 2                       one of   1                               tile/2/000.p/1

In a path the index stands in groups of three digits, all but the last after an x: 1234067 is ``x001/x234/067``.
``tile/entries/…`` has the entries under the tile of level 0 instead of their hashes. Each tile has one path, and
any other spelling is refused.

Only full tiles need to be stored. A partial one is the newest leaves or, above level 0, the roots of the full
tiles below it (:func:`perfect_root`). From tiles comes any hash of the tree (:func:`reader`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from consent.ledger.merkle import HASH_SIZE, LARGEST, BrokenTree, Node, NotInTree, Reader, node_hash

HEIGHT = 8  # levels of the tree in one tile
WIDTH = 1 << HEIGHT  # hashes in a full tile
HIGHEST = 63  # level that a path may name
ENTRIES = -1  # stands for a level in the address of a tile of entries

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([0-9]{1,3}))?\Z")

#: Returns the bytes of the tile at (level, index, width): *width* hashes.
ReadTile = Callable[[int, int, int], bytes]


class BadTile(ValueError):
    """No tile has this path or address."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The address of one tile."""

    level: int  # 0 holds leaves; ENTRIES for the entries themselves
    index: int  # from 0, counted within the level
    width: int = WIDTH  # 1 to 256; below 256 the tile is partial


def path(tile: Tile) -> str:
    """Return where *tile* is found: ``tile/0/x001/x234/067.p/5``. Raises BadTile for an impossible address."""
    level, index, width = tile.level, tile.index, tile.width
    if not (ENTRIES <= level <= HIGHEST and 0 <= index <= LARGEST // WIDTH and 1 <= width <= WIDTH):
        raise BadTile(f"A tile has a level up to {HIGHEST}, an index from 0 and a width from 1 to {WIDTH}.")
    groups = f"{index % 1000:03}"
    while index := index // 1000:
        groups = f"x{index % 1000:03}/{groups}"
    partial = f".p/{width}" if width < WIDTH else ""
    return f"tile/{'entries' if level == ENTRIES else level}/{groups}{partial}"


def parse(text: str) -> Tile:
    """Return the tile whose path *text* is. Raises BadTile unless :func:`path` writes it in the same way."""
    if not (found := _PATH.match(text)):
        raise BadTile("A tile's path looks like tile/0/x001/234 or tile/0/x001/234.p/5.")
    level, groups, width = found.groups()
    index = int(groups.replace("x", "").replace("/", ""))
    tile = Tile(ENTRIES if level == "entries" else int(level), index, int(width or WIDTH))
    if path(tile) != text:
        raise BadTile(f"The path of this tile is {path(tile)}.")
    return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile of a tree of *size* leaves, from level 0 up and from left to right. Raises NotInTree."""
    _check_growth(0, size)
    level = 0
    while size:
        full, width = divmod(size, WIDTH)
        yield from (Tile(level, index) for index in range(full))
        if width:
            yield Tile(level, full, width)
        level, size = level + 1, full


def filled(old_size: int, new_size: int) -> Iterator[Tile]:
    """Yield the tiles that become full when a tree grows from *old_size* to *new_size* leaves, lower ones first.

    So whoever stores them in this order finds the roots that a tile is made of already stored. Raises NotInTree.
    """
    _check_growth(old_size, new_size)
    level = 0
    while new_size := new_size // WIDTH:
        old_size //= WIDTH
        yield from (Tile(level, index) for index in range(old_size, new_size))
        level += 1


def tile_of(node: Node, size: int) -> Tile:
    """Return the tile that holds *node*, or the hashes it is made of, as wide as a tree of *size* leaves has it.

    Raises NotInTree if some leaf under *node* is not among the first *size*.
    """
    if node.level < 0 or node.index < 0 or node.index + 1 > size >> node.level:
        raise NotInTree(f"A tree of {size} leaves has no whole {node}.")
    level, height = divmod(node.level, HEIGHT)
    index = node.index >> (HEIGHT - height)
    return Tile(level, index, min(WIDTH, (size >> (HEIGHT * level)) - WIDTH * index))


def perfect_root(hashes: bytes) -> bytes:
    """Return the root over *hashes*, which are 1, 2, 4 … or 256, 32 bytes each: of a full tile, or of a part of it.

    Raises BrokenTree for any other number of them: RFC 6962 s. 2.1 would then not pair neighbours only.
    """
    row = [hashes[start : start + HASH_SIZE] for start in range(0, len(hashes), HASH_SIZE)]
    if len(row).bit_count() != 1 or len(row[-1]) != HASH_SIZE:
        raise BrokenTree(f"Neighbours can be paired only in 1, 2, 4 … hashes of {HASH_SIZE} bytes.")
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def reader(size: int, read_tile: ReadTile) -> Reader:
    """Return the function through which :mod:`consent.ledger.merkle` reads a tree of *size* leaves from its tiles.

    It asks *read_tile* once for each tile that a question needs, as wide as the tree of *size* has it, and then
    raises BrokenTree if the tile is not that wide, and NotInTree if the question goes beyond *size*.
    """

    def read(nodes: Sequence[Node]) -> list[bytes]:
        tiles = [tile_of(node, size) for node in nodes]
        contents = {tile: _content(tile, read_tile) for tile in dict.fromkeys(tiles)}
        return [_hash(node, contents[tile]) for node, tile in zip(nodes, tiles, strict=True)]

    return read


def _check_growth(old_size: int, new_size: int) -> None:
    if not 0 <= old_size <= new_size <= LARGEST:
        raise NotInTree(f"A tree has 0 to {LARGEST} leaves and never shrinks.")


def _content(tile: Tile, read_tile: ReadTile) -> bytes:
    content = read_tile(tile.level, tile.index, tile.width)
    if len(content) != HASH_SIZE * tile.width:
        raise BrokenTree(f"{path(tile)} must be {HASH_SIZE * tile.width} bytes, and is {len(content)}.")
    return content


def _hash(node: Node, content: bytes) -> bytes:
    """Return the hash of *node* from its tile: one of the hashes, or the root over the 2, 4 … 128 below it."""
    count = 1 << (node.level % HEIGHT)
    first = node.index * count % WIDTH
    return perfect_root(content[HASH_SIZE * first : HASH_SIZE * (first + count)])
