"""Tiles: their paths and every other spelling, which there are, and the tree read back from them."""

import re
from base64 import b64decode
from collections import defaultdict

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consent.ledger import entries, merkle, tiles
from consent.ledger.merkle import BrokenTree, Node, NotInTree
from consent.ledger.tiles import BadTile, Tile
from tests.ledger import reference

DATA = [f"entry-{number}".encode() for number in range(70_000)]
EDGES = [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 70_000]
#: Roots over the leaves entry-0, entry-1 …, on which programs in Python and in Go agreed.
ROOTS = {
    255: "RdqfN0dI4Xo3L3HABCKxLiv5aELx9hxXQP5JTkvs/w8=",
    256: "+F9OrTQIBxC00egIMBVDqquBqgTeuIWZNQ3Cak8vWN4=",
    257: "kYsc7GTzF8duPPVcBTaEHAOe/wZ3LruIKM58F2Aotaw=",
    65_535: "75cnkElE5H+sSzR8H7M/zrkX3OPTFOLCCy0Pz+EQwoE=",
    65_536: "3yxgbRFEFvpgC/NJUVLgnjnovj0OLlUBw1KCZTmr2o4=",
    65_537: "tjAHv2A1m9y8HR7x7SVv41nSudFaumijzuMKgy9Ax54=",
    70_000: "pipUvjMpT/1aXExjf9dUYwtxqJLoNW46Zmpcin/9FRg=",
}


def reading(stored):
    """Return the reader of the nodes in *stored*."""
    return lambda nodes: [stored[node] for node in nodes]


class Shelf:
    """Leaves in a row, and full tiles with their roots, filled as the ledger does it; partial tiles are derived."""

    def __init__(self, data):
        self.leaves = [entries.leaf_hash(one) for one in data]
        self.full, self.roots, self.reads = {}, {}, []
        for tile in tiles.filled(0, len(data)):
            content = self.derive(tile)
            self.full[tile.level, tile.index] = content
            self.roots[tile.level, tile.index] = tiles.perfect_root(content)

    def derive(self, tile):
        places = range(256 * tile.index, 256 * tile.index + tile.width)
        if tile.level == 0:
            return b"".join(self.leaves[place] for place in places)
        return b"".join(self.roots[tile.level - 1, place] for place in places)

    def read_tile(self, level, index, width):
        self.reads.append((level, index, width))
        return self.full[level, index] if width == 256 else self.derive(Tile(level, index, width))


@pytest.fixture(scope="module")
def shelf():
    return Shelf(DATA)


@pytest.fixture(scope="module")
def stored(shelf):
    """Every node over 2^k leaves."""
    return reference.perfect_nodes(shelf.leaves)


# -- Paths


PATHS = {
    "tile/0/000": Tile(0, 0),
    "tile/0/000.p/1": Tile(0, 0, 1),
    "tile/0/273.p/112": Tile(0, 273, 112),
    "tile/1/999.p/255": Tile(1, 999, 255),
    "tile/2/x001/000": Tile(2, 1_000),
    "tile/0/x001/234": Tile(0, 1_234),
    "tile/0/x001/x234/067": Tile(0, 1_234_067),
    "tile/0/x001/x234/067.p/5": Tile(0, 1_234_067, 5),
    "tile/0/x100/000": Tile(0, 100_000),
    "tile/0/x001/x000/000": Tile(0, 1_000_000),
    "tile/9/000": Tile(9, 0),
    "tile/10/000": Tile(10, 0),
    "tile/63/000": Tile(63, 0),
    "tile/0/x036/x028/x797/x018/x963/967": Tile(0, 2**55 - 1),
    "tile/entries/000": Tile(tiles.ENTRIES, 0),
    "tile/entries/x001/x234/067.p/5": Tile(tiles.ENTRIES, 1_234_067, 5),
}


@pytest.mark.parametrize("text", PATHS)
def test_a_tile_has_its_path_and_the_path_its_tile(text):
    assert tiles.path(PATHS[text]) == text
    assert tiles.parse(text) == PATHS[text]


indexes = st.integers(0, 2**55 - 1) | st.integers(0, 10**6)
addresses = st.builds(Tile, st.integers(-1, 63), indexes, st.integers(1, 256))


@given(addresses)
def test_every_path_leads_back_to_its_tile(tile):
    assert tiles.parse(tiles.path(tile)) == tile


@given(st.lists(addresses, unique=True, min_size=2, max_size=20))
def test_two_tiles_never_share_a_path(many):
    assert len({tiles.path(tile) for tile in many}) == len(many)


REFUSED = """
x01 tile tile/0 tile/0/ tile//000 tile/0/0 tile/0/00 tile/0/1 tile/0/01 tile/0/0000 tile/0/1234 tile/0/x01 tile/0/x001
tile/0/x001/ tile/0/x001/34 tile/0/x01/234 tile/0/x1/234 tile/0/001/234 tile/0/x001/x234 tile/0/X001/234
tile/0/x000/000 tile/0/x000/234 tile/0/x000/x001/234 tile/0/x001/2345 tile/0/x001//234 tile/0/x0001/234
tile/0/x-01/234 tile/0/-01 tile/0/+01 tile/0/0x1 tile/0/1e2 tile/0/0_1
tile/0/x036/x028/x797/x018/x963/968 tile/0/x999/x999/x999/x999/x999/999 tile/0/x001/x000/x000/x000/x000/x000/000
tile/00/000 tile/01/000 tile/64/000 tile/99/000 tile/063/000 tile/100/000 tile/-1/000 tile/+1/000 tile/x/000
tile/entry/000 tile/Entries/000 tile/entries tile/entries/0 tile/entries/000/000 tile/entries/x000/001
tile/0/000.p/0 tile/0/000.p/00 tile/0/000.p/05 tile/0/000.p/005 tile/0/000.p/256 tile/0/000.p/257 tile/0/000.p/999
tile/0/000.p/1000 tile/0/000.p/-1 tile/0/000.p/+5 tile/0/000.p/ tile/0/000.p tile/0/000.p5 tile/0/000/5 tile/0/000p/5
tile/0/000.p/5/ tile/0/000.p/5.p/5 tile/0/000.P/5 tile/0/.p/5 tile/0/x001.p/5/234 tile/0/000.p/x05 tile/0/000.p/entries
/tile/0/000 tile/0/000/ ./tile/0/000 tile/0/../0/000 tile/0/000?x tile/0/000#x tile/0/%30%30%30 TILE/0/000
tile/8/0/000 tile/0/٠٠٠ tile/٠/000 tile/0/000.p/٥ tile/0/００0
"""


@pytest.mark.parametrize("text", REFUSED.split())
def test_anything_that_is_not_the_one_spelling_of_a_tile_is_refused(text):
    with pytest.raises(BadTile):
        tiles.parse(text)


@pytest.mark.parametrize(
    "text", ["", " tile/0/000", "tile/0/000 ", "tile/0/000\n", "tile/0/000.p/5\n", "tile/0/000\0", "tile\\0\\000"]
)
def test_a_path_with_anything_before_or_after_it_is_refused(text):
    with pytest.raises(BadTile):
        tiles.parse(text)


@given(
    st.text(max_size=20)
    | st.from_regex(r"tile/(entries|[0-9]{1,3})/(x[0-9]{2,4}/){0,7}[0-9]{2,4}(\.p/[0-9]{1,4})?", fullmatch=True)
)
@example("tile/0/" + "9" * 5_000)
@example("tile/0/" + "x001/" * 5_000 + "000")
def test_any_text_is_refused_or_is_what_its_tile_is_called(text):
    try:
        tile = tiles.parse(text)
    except BadTile:
        return
    assert tiles.path(tile) == text


@pytest.mark.parametrize(
    "tile",
    [Tile(-2, 0), Tile(64, 0), Tile(0, -1), Tile(0, 2**55), Tile(0, 0, 0), Tile(0, 0, -1), Tile(0, 0, 257)],
)
def test_an_impossible_tile_has_no_path(tile):
    with pytest.raises(BadTile, match="up to 63"):
        tiles.path(tile)


def test_a_second_spelling_is_answered_with_the_first():
    with pytest.raises(BadTile, match=re.escape("tile/0/234.p/5.")):
        tiles.parse("tile/0/x000/234.p/05")


# -- Which tiles there are


def test_a_tree_of_70000_has_the_tiles_of_the_standard():
    found = list(tiles.tiles_of(70_000))
    assert found[:273] == [Tile(0, index) for index in range(273)]
    assert found[273:] == [Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]


@pytest.mark.parametrize(
    ("size", "paths"),
    [
        (0, ""),
        (1, "tile/0/000.p/1"),
        (255, "tile/0/000.p/255"),
        (256, "tile/0/000 tile/1/000.p/1"),
        (257, "tile/0/000 tile/0/001.p/1 tile/1/000.p/1"),
        (512, "tile/0/000 tile/0/001 tile/1/000.p/2"),
    ],
)
def test_a_small_tree_has_the_tiles_of_the_standard(size, paths):
    assert [tiles.path(tile) for tile in tiles.tiles_of(size)] == paths.split()


@pytest.mark.parametrize("size", [*EDGES, 131_072])
def test_the_tiles_of_a_tree_hold_each_of_its_nodes_on_every_eighth_level_once(size):
    held = defaultdict(list)
    for tile in tiles.tiles_of(size):
        held[tile.level] += range(256 * tile.index, 256 * tile.index + tile.width)
    levels = range((size.bit_length() + 7) // 8)
    assert held == {level: list(range(size // 256**level)) for level in levels}


growths = st.lists(st.integers(0, 300_000) | st.sampled_from(EDGES), min_size=3, max_size=3).map(sorted)


@settings(max_examples=50)
@given(growths)
@example([255, 256, 257])
@example([65_535, 65_536, 65_537])
def test_the_tiles_that_fill_are_those_that_the_smaller_tree_did_not_have_whole(growth):
    small, middle, large = growth
    whole = [{tile for tile in tiles.tiles_of(size) if tile.width == 256} for size in growth]
    assert set(tiles.filled(small, large)) == whole[2] - whole[0]
    assert {*tiles.filled(small, middle), *tiles.filled(middle, large)} == whole[2] - whole[0]
    assert len(list(tiles.filled(small, large))) == len(whole[2]) - len(whole[0])


@pytest.mark.parametrize(
    ("old", "new", "filled"),
    [
        (0, 0, []),
        (0, 255, []),
        (255, 256, [Tile(0, 0)]),
        (256, 511, []),
        (100, 512, [Tile(0, 0), Tile(0, 1)]),
        (65_535, 65_536, [Tile(0, 255), Tile(1, 0)]),
        (2**24 - 1, 2**24, [Tile(0, 65_535), Tile(1, 255), Tile(2, 0)]),
    ],
)
def test_a_tile_fills_with_its_last_leaf_and_the_tile_above_it_after_it(old, new, filled):
    assert list(tiles.filled(old, new)) == filled


@pytest.mark.parametrize(("old", "new"), [(-1, 0), (0, -1), (-2, -1), (2, 1), (0, 2**63)])
def test_a_tree_neither_shrinks_nor_has_a_size_that_cannot_be(old, new):
    with pytest.raises(NotInTree, match="never shrinks"):
        list(tiles.filled(old, new))


@pytest.mark.parametrize("size", [-1, 2**63])
def test_a_size_that_cannot_be_has_no_tiles(size):
    with pytest.raises(NotInTree, match="0 to 9223372036854775807"):
        list(tiles.tiles_of(size))


# -- The tree read back from its tiles


@pytest.mark.parametrize("size", EDGES)
def test_the_root_from_tiles_is_the_root_from_leaves(shelf, stored, size):
    found = merkle.root(size, tiles.reader(size, shelf.read_tile))
    assert found == merkle.root(size, reading(stored))
    if size in ROOTS:
        assert found == b64decode(ROOTS[size])


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 65_537])
def test_the_root_from_tiles_is_that_of_the_rfc(shelf, size):
    assert merkle.root(size, tiles.reader(size, shelf.read_tile)) == reference.mth(DATA[:size])


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_every_node_of_a_tree_is_read_from_its_tiles(shelf, size):
    nodes = [Node(level, index) for level in range(size.bit_length()) for index in range(size >> level)]
    found = tiles.reader(size, shelf.read_tile)(nodes)
    for node, hash_ in zip(nodes, found, strict=True):
        assert hash_ == reference.mth(DATA[node.index << node.level : (node.index + 1) << node.level])


sizes = st.integers(1, 70_000) | st.sampled_from(EDGES[1:])


@given(sizes, sizes)
@example(65_536, 65_537)
@example(256, 65_536)
def test_proofs_from_tiles_are_those_from_leaves_and_are_accepted(shelf, stored, one, other):
    old, new = sorted((one, other))
    read = tiles.reader(new, shelf.read_tile)
    inclusion, growth = merkle.prove_inclusion(old - 1, new, read), merkle.prove_consistency(old, new, read)
    assert inclusion == merkle.prove_inclusion(old - 1, new, reading(stored))
    assert growth == merkle.prove_consistency(old, new, reading(stored))
    old_root, new_root = merkle.root(old, read), merkle.root(new, read)
    merkle.verify_inclusion(inclusion, index=old - 1, size=new, leaf=shelf.leaves[old - 1], root=new_root)
    merkle.verify_consistency(growth, old_size=old, new_size=new, old_root=old_root, new_root=new_root)


def test_the_tiles_of_a_larger_tree_give_any_earlier_root(shelf):
    read = tiles.reader(70_000, shelf.read_tile)
    assert {size: merkle.root(size, read) for size in ROOTS} == {size: b64decode(text) for size, text in ROOTS.items()}


def test_one_question_reads_each_tile_once_and_at_most_two_a_level(shelf):
    read = tiles.reader(70_000, shelf.read_tile)
    for ask in (
        lambda: merkle.root(70_000, read),
        lambda: merkle.prove_inclusion(12_345, 70_000, read),
        lambda: merkle.prove_consistency(65_535, 70_000, read),
    ):
        shelf.reads.clear()
        ask()
        levels = [level for level, _, _ in shelf.reads]
        assert len(set(shelf.reads)) == len(shelf.reads)
        assert all(levels.count(level) <= 2 for level in range(3))


LEVELS = [entries.leaf_hash(b"")]
for _ in range(63):
    LEVELS.append(merkle.node_hash(LEVELS[-1], LEVELS[-1]))


@settings(max_examples=30)
@given(st.integers(1, 2**63 - 1))
@example(2**63 - 1)
@example(2**56)
def test_tiles_serve_the_largest_trees_too(size):
    """If all leaves are equal, so are all hashes of a level, and nothing needs to be stored."""
    read = tiles.reader(size, lambda level, _, width: LEVELS[8 * level] * width)
    assert merkle.root(size, read) == merkle.root(size, lambda nodes: [LEVELS[node.level] for node in nodes])


@given(sizes, st.data())
def test_a_node_is_in_one_of_the_tiles_that_the_tree_has(size, data):
    level = data.draw(st.integers(0, size.bit_length() - 1))
    node = Node(level, data.draw(st.integers(0, (size >> level) - 1)))
    tile = tiles.tile_of(node, size)
    assert tile in set(tiles.tiles_of(size))
    assert tile.level == level // 8


@pytest.mark.parametrize(
    ("size", "node"),
    [
        (0, Node(0, 0)),
        (5, Node(0, 5)),
        (5, Node(2, 1)),
        (255, Node(8, 0)),
        (5, Node(1_000, 0)),
        (5, Node(-1, 0)),
        (5, Node(0, -1)),
    ],
)
def test_a_node_that_the_tree_does_not_have_whole_is_in_no_tile(shelf, size, node):
    with pytest.raises(NotInTree, match="no whole"):
        tiles.tile_of(node, size)
    with pytest.raises(NotInTree, match="no whole"):
        tiles.reader(size, shelf.read_tile)([node])


def test_a_question_beyond_the_size_of_the_reader_is_refused(shelf):
    with pytest.raises(NotInTree, match="300 leaves"):
        merkle.root(301, tiles.reader(300, shelf.read_tile))


@pytest.mark.parametrize("content", [b"", bytes(31), bytes(32 * 4), bytes(32 * 6), bytes(32 * 256)])
def test_a_tile_of_another_width_is_a_broken_store(content):
    with pytest.raises(BrokenTree, match=re.escape("tile/0/000.p/5 must be 160 bytes")):
        merkle.root(5, tiles.reader(5, lambda *_: content))


@pytest.mark.parametrize("count", [1, 2, 4, 128, 256, 512])
def test_the_root_over_neighbours_is_that_of_the_rfc(count):
    hashes = b"".join(entries.leaf_hash(one) for one in DATA[:count])
    assert tiles.perfect_root(hashes) == reference.mth(DATA[:count])


@pytest.mark.parametrize("length", [0, 1, 31, 33, 63, 65, 32 * 3, 32 * 255, 32 * 257, 32 * 256 - 1, 32 * 256 + 1])
def test_hashes_that_cannot_be_paired_have_no_root(length):
    with pytest.raises(BrokenTree, match="paired"):
        tiles.perfect_root(bytes(length))
