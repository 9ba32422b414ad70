"""The tree against the RFC's own words, against published vectors, and against forgers."""

from base64 import b64decode
from itertools import combinations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consent.ledger import entries, merkle
from consent.ledger.merkle import BadProof, BrokenTree, NotInTree
from tests.ledger import reference

SMALL = range(1, 65)
DATA = [f"entry-{number}".encode() for number in range(3_000)]
LEAVES = [entries.leaf_hash(data) for data in DATA]
H32 = bytes(range(32))


def reading(stored):
    """Return the reader of the nodes in *stored*; it fails if asked for a node that was never stored."""
    return lambda nodes: [stored[node] for node in nodes]


STORED = reference.perfect_nodes(LEAVES)
READ = reading(STORED)
ROOTS = [merkle.root(size, READ) for size in range(66)]
INCLUSIONS = {(index, size): merkle.prove_inclusion(index, size, READ) for size in SMALL for index in range(size)}
GROWTHS = {(old, new): merkle.prove_consistency(old, new, READ) for new in SMALL for old in range(1, new + 1)}


def included(proof, index, size, leaf=None, root=None):
    """Whether *proof* is accepted; leaf and root are the true ones unless given."""
    leaf, root = leaf or LEAVES[index], root or ROOTS[size]
    try:
        merkle.verify_inclusion(proof, index=index, size=size, leaf=leaf, root=root)
    except BadProof:
        return False
    return True


def consistent(proof, old, new, old_root=None, new_root=None):
    """Whether *proof* is accepted; the roots are the true ones unless given."""
    claim = {"old_root": old_root or ROOTS[old], "new_root": new_root or ROOTS[new]}
    try:
        merkle.verify_consistency(proof, old_size=old, new_size=new, **claim)
    except BadProof:
        return False
    return True


def flipped(hash_, bit):
    return (int.from_bytes(hash_, "big") ^ 1 << bit).to_bytes(len(hash_), "big")


def with_one(proof, place, hash_):
    return [*proof[:place], hash_, *proof[place + 1 :]]


def reorderings(proof):
    """Yield *proof* with each two of its hashes swapped, then turned round."""
    for one, other in combinations(range(len(proof)), 2):
        yield with_one(with_one(proof, one, proof[other]), other, proof[one])
    if len(proof) > 1:
        yield from (proof[::-1], proof[1:] + proof[:1])


def wrong_lengths(proof):
    """Yield *proof* with a hash missing at each place, and one too many at each place."""
    for place in range(len(proof)):
        yield proof[:place] + proof[place + 1 :]
    for place in range(len(proof) + 1):
        for more in (H32, *proof[:1], *proof[-1:]):
            yield proof[:place] + [more] + proof[place:]


def wrong_sizes(proof):
    """Yield *proof* with one hash a byte too short, a byte too long, or empty."""
    for place, hash_ in enumerate(proof):
        for other in (hash_[:-1], hash_[1:], hash_ + b"\0", b"\0" + hash_, b""):
            yield with_one(proof, place, other)


# -- Vectors that others published


CT_INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_NODES = {
    "l1": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "l4": "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "l6": "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    "A": "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "B": "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "C": "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "D": "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    "R1": CT_ROOTS[1],
    "R2": CT_ROOTS[2],
    "R4": CT_ROOTS[4],
}
CT_LEAVES = [entries.leaf_hash(bytes.fromhex(text)) for text in CT_INPUTS]
CT_READ = reading(reference.perfect_nodes(CT_LEAVES))


@pytest.mark.parametrize("size", range(9))
def test_the_certificate_transparency_tree_has_the_published_roots(size):
    assert merkle.root(size, CT_READ).hex() == CT_ROOTS[size]
    assert reference.mth([bytes.fromhex(text) for text in CT_INPUTS[:size]]).hex() == CT_ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "names"), [(0, 8, "l1 A D"), (5, 8, "l4 C R4"), (2, 3, "R2"), (1, 5, "R1 A l4"), (0, 1, "")]
)
def test_the_certificate_transparency_tree_has_the_published_inclusion_proofs(index, size, names):
    proof = [bytes.fromhex(CT_NODES[name]) for name in names.split()]
    assert merkle.prove_inclusion(index, size, CT_READ) == proof
    root = bytes.fromhex(CT_ROOTS[size])
    merkle.verify_inclusion(proof, index=index, size=size, leaf=CT_LEAVES[index], root=root)


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [(1, 8, "l1 A D"), (6, 8, "B C R4"), (2, 5, "A l4"), (6, 7, "B l6 R4"), (1, 1, ""), (8, 8, "")],
)
def test_the_certificate_transparency_tree_has_the_published_consistency_proofs(old, new, names):
    proof = [bytes.fromhex(CT_NODES[name]) for name in names.split()]
    assert merkle.prove_consistency(old, new, CT_READ) == proof
    roots = {"old_root": bytes.fromhex(CT_ROOTS[old]), "new_root": bytes.fromhex(CT_ROOTS[new])}
    merkle.verify_consistency(proof, old_size=old, new_size=new, **roots)


def test_leaves_and_nodes_have_the_published_hashes():
    leaf = "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    node = "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    assert entries.leaf_hash(b"L123456").hex() == leaf
    assert merkle.node_hash(b"N123", b"N456").hex() == node
    assert entries.leaf_hash(b"hello world") == b64decode("TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=")


def test_a_tree_of_three_has_the_published_root_and_proof():
    root = b64decode("pkvybgkSj2/i/m+LLYyAHhZrV8BHp82bK4Ceepai8cs=")
    proof = [b64decode("LyelCCwdQq+kiKw1Cp/EOQwIT1T3Hs3/hZ6Y24QptHk=")]
    assert (merkle.root(3, READ), merkle.prove_inclusion(2, 3, READ)) == (root, proof)


def test_the_worked_example_of_the_rfc_is_followed():
    d0, d1, d2, d3, d4, d5, j = LEAVES[:7]
    g, h, i = merkle.node_hash(d0, d1), merkle.node_hash(d2, d3), merkle.node_hash(d4, d5)
    k, l_ = merkle.node_hash(g, h), merkle.node_hash(i, j)
    assert merkle.root(7, READ) == merkle.node_hash(k, l_)
    proven = [merkle.prove_inclusion(index, 7, READ) for index in (0, 3, 4, 6)]
    assert proven == [[d1, h, l_], [d2, g, l_], [d5, j, k], [i, k]]
    grown_from = [merkle.prove_consistency(old, 7, READ) for old in (3, 4, 6)]
    assert grown_from == [[d2, d3, g, l_], [l_], [i, j, k]]


# -- Every tree up to 64 leaves, and larger ones at random


@pytest.mark.parametrize("size", range(65))
def test_the_root_of_every_small_tree_is_that_of_the_rfc(size):
    assert merkle.root(size, READ) == reference.mth(DATA[:size])


@pytest.mark.parametrize("size", SMALL)
def test_every_leaf_of_every_small_tree_has_the_proof_of_the_rfc_and_it_is_accepted(size):
    for index in range(size):
        assert INCLUSIONS[index, size] == reference.path(index, DATA[:size])
        assert included(INCLUSIONS[index, size], index, size)


@pytest.mark.parametrize("new", SMALL)
def test_every_growth_of_every_small_tree_has_the_proof_of_the_rfc_and_it_is_accepted(new):
    for old in range(1, new + 1):
        assert GROWTHS[old, new] == reference.proof(old, DATA[:new])
        assert consistent(GROWTHS[old, new], old, new)


pairs = st.integers(1, len(DATA)).flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size)))


@settings(max_examples=40)
@given(pairs)
@example((1024, 2048))
@example((1025, 2049))
def test_larger_trees_have_the_roots_and_proofs_of_the_rfc(pair):
    old, new = pair
    old_root, new_root = reference.mth(DATA[:old]), reference.mth(DATA[:new])
    inclusion, growth = reference.path(old - 1, DATA[:new]), reference.proof(old, DATA[:new])
    assert (merkle.root(old, READ), merkle.root(new, READ)) == (old_root, new_root)
    assert merkle.prove_inclusion(old - 1, new, READ) == inclusion
    assert merkle.prove_consistency(old, new, READ) == growth
    assert included(inclusion, old - 1, new, root=new_root)
    assert consistent(growth, old, new, old_root, new_root)


def test_the_store_is_asked_once_for_a_root_or_a_proof():
    asked = []

    def read(nodes):
        asked.append(len(nodes))
        return READ(nodes)

    merkle.root(1000, read)
    merkle.prove_inclusion(500, 1000, read)
    merkle.prove_consistency(500, 1000, read)
    assert len(asked) == 3
    assert max(asked) <= 2 * (1000).bit_length()


# -- The largest trees: if all leaves are equal, so are all nodes of a level, and nothing needs to be stored


LEVELS = [LEAVES[0]]
for _ in range(63):
    LEVELS.append(merkle.node_hash(LEVELS[-1], LEVELS[-1]))


def read_equal(nodes):
    return [LEVELS[node.level] for node in nodes]


huge = st.integers(1, 2**63 - 1)


@given(huge, huge)
@example(2**62, 2**63 - 1)
@example(2**63 - 1, 2**63 - 1)
def test_proofs_work_up_to_the_largest_tree(one, other):
    old, new = sorted((one, other))
    old_root, new_root = merkle.root(old, read_equal), merkle.root(new, read_equal)
    inclusion, growth = merkle.prove_inclusion(old - 1, new, read_equal), merkle.prove_consistency(old, new, read_equal)
    assert len(inclusion) <= 63
    assert len(growth) <= 64
    assert included(inclusion, old - 1, new, LEAVES[0], new_root)
    assert consistent(growth, old, new, old_root, new_root)


# -- Forged proofs


@pytest.mark.parametrize("size", range(1, 9))
def test_any_flipped_bit_of_an_inclusion_proof_its_leaf_or_its_root_is_refused(size):
    for index in range(size):
        proof = INCLUSIONS[index, size]
        for bit in range(256):
            assert not any(included(with_one(proof, n, flipped(x, bit)), index, size) for n, x in enumerate(proof))
            assert not included(proof, index, size, leaf=flipped(LEAVES[index], bit))
            assert not included(proof, index, size, root=flipped(ROOTS[size], bit))


@pytest.mark.parametrize("new", range(1, 9))
def test_any_flipped_bit_of_a_consistency_proof_or_its_roots_is_refused(new):
    for old in range(1, new + 1):
        proof = GROWTHS[old, new]
        for bit in range(256):
            assert not any(consistent(with_one(proof, n, flipped(x, bit)), old, new) for n, x in enumerate(proof))
            assert not consistent(proof, old, new, old_root=flipped(ROOTS[old], bit))
            assert not consistent(proof, old, new, new_root=flipped(ROOTS[new], bit))


@pytest.mark.parametrize("size", SMALL)
def test_a_flipped_bit_in_any_hash_of_any_small_proof_is_refused(size):
    for number in range(size):
        bit = (37 * number + size) % 256
        for place, hash_ in enumerate(INCLUSIONS[number, size]):
            assert not included(with_one(INCLUSIONS[number, size], place, flipped(hash_, bit)), number, size)
        growth = GROWTHS[number + 1, size]
        for place, hash_ in enumerate(growth):
            assert not consistent(with_one(growth, place, flipped(hash_, bit)), number + 1, size)


@pytest.mark.parametrize("forge", [reorderings, wrong_lengths, wrong_sizes])
@pytest.mark.parametrize("size", [*range(1, 33), 47, 63, 64])
def test_a_reordered_shortened_or_lengthened_proof_is_refused(size, forge):
    for number in range(size):
        assert not any(included(forged, number, size) for forged in forge(INCLUSIONS[number, size]))
        growth = GROWTHS[number + 1, size]
        assert not any(consistent(forged, number + 1, size) for forged in forge(growth))


@pytest.mark.parametrize("size", range(1, 33))
def test_a_proof_shows_no_other_leaf_and_no_other_place(size):
    for index in range(size):
        others = [other for other in range(size) if other != index]
        assert not any(included(INCLUSIONS[index, size], other, size, LEAVES[index]) for other in others)
        assert not any(included(INCLUSIONS[index, size], index, size, LEAVES[other]) for other in others)


@pytest.mark.parametrize("changed", range(12))
def test_a_tree_in_which_an_old_leaf_was_changed_is_not_consistent_with_the_old_one(changed):
    data = [*DATA[:changed], b"another entry", *DATA[changed + 1 : 12]]
    for new in range(changed + 1, 13):
        new_root = reference.mth(data[:new])
        for old in range(changed + 1, new + 1):
            assert not consistent(GROWTHS[old, new], old, new, new_root=new_root)
            assert not consistent(reference.proof(old, data[:new]), old, new, new_root=new_root)


@pytest.mark.parametrize("removed", range(11))
def test_a_tree_from_which_an_old_leaf_was_removed_is_not_consistent_with_the_old_one(removed):
    data = [*DATA[:removed], *DATA[removed + 1 : 13]]
    for new in range(removed + 1, 13):
        new_root = reference.mth(data[:new])
        for old in range(removed + 1, new + 1):
            assert not consistent(reference.proof(old, data[:new]), old, new, new_root=new_root)


def test_bytes_cannot_be_moved_from_one_hash_into_the_next():
    first, second = LEAVES[:2]
    assert included([first], 1, 2, leaf=second)
    assert not included([first + second[:1]], 1, 2, leaf=second[1:])
    assert merkle.node_hash(first + second[:1], second[1:]) == ROOTS[2]


def test_an_entry_cannot_pass_for_a_node():
    assert entries.leaf_hash(LEAVES[0] + LEAVES[1]) != ROOTS[2]
    assert entries.leaf_hash(b"\1" + LEAVES[0] + LEAVES[1]) != ROOTS[2]


def test_an_inclusion_proof_does_not_bind_the_size_so_that_it_must_come_from_the_checkpoint():
    assert included(INCLUSIONS[0, 3], 0, 3)
    assert included(INCLUSIONS[0, 3], 0, 4, root=ROOTS[3])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 1), (1, 1), (2, 1), (0, -1), (0, 2**63), (2**63, 2**64)])
def test_an_inclusion_proof_for_a_leaf_that_no_such_tree_has_is_refused(index, size):
    with pytest.raises(BadProof, match="not below the size"):
        merkle.verify_inclusion([], index=index, size=size, leaf=LEAVES[0], root=LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (-1, 1), (2, 1), (1, 2**63), (2**63, 2**63)])
def test_a_consistency_proof_for_sizes_that_cannot_be_is_refused_even_with_equal_roots(old, new):
    with pytest.raises(BadProof, match="not between 1"):
        merkle.verify_consistency([], old_size=old, new_size=new, old_root=ROOTS[1], new_root=ROOTS[1])


def test_equal_sizes_need_equal_roots_and_no_proof():
    assert consistent([], 5, 5)
    assert not consistent([], 5, 5, new_root=ROOTS[6])
    assert not consistent([ROOTS[5]], 5, 5)


@pytest.mark.parametrize("hash_", [b"", H32[:31], H32 + b"\0"])
def test_roots_and_leaves_of_another_length_are_refused_even_if_equal(hash_):
    with pytest.raises(BadProof, match="32 bytes"):
        merkle.verify_inclusion([], index=0, size=1, leaf=hash_, root=hash_)
    with pytest.raises(BadProof, match="32 bytes"):
        merkle.verify_consistency([], old_size=1, new_size=1, old_root=hash_, new_root=hash_)


@pytest.mark.parametrize("proof", list(wrong_sizes(INCLUSIONS[2, 4])))
def test_a_hash_of_another_length_in_a_proof_is_named(proof):
    with pytest.raises(BadProof, match="32 bytes"):
        merkle.verify_inclusion(proof, index=2, size=4, leaf=LEAVES[2], root=ROOTS[4])


rubbish = st.lists(st.binary(min_size=31, max_size=33) | st.sampled_from(LEAVES[:8]), max_size=8)
sizes = st.integers(-2, 70) | st.integers(-(2**70), 2**70)


@given(rubbish, sizes, sizes)
def test_rubbish_is_refused_as_a_bad_proof_and_nothing_else(proof, one, other):
    assert not included(proof, one, other, H32, ROOTS[64])
    assert not consistent(proof, one, other, H32, ROOTS[64])


# -- Questions that the tree cannot answer, and stores that cannot be a tree


@pytest.mark.parametrize("size", [-1, 2**63])
def test_there_is_no_root_of_a_size_that_cannot_be(size):
    with pytest.raises(NotInTree, match="0 to 9223372036854775807"):
        merkle.root(size, READ)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 5), (5, 5), (0, 2**63)])
def test_there_is_no_proof_of_a_leaf_outside_the_tree(index, size):
    with pytest.raises(NotInTree, match="below the size"):
        merkle.prove_inclusion(index, size, READ)


@pytest.mark.parametrize(("old", "new"), [(0, 5), (-1, 5), (6, 5), (5, 2**63)])
def test_there_is_no_proof_of_a_growth_that_cannot_be(old, new):
    with pytest.raises(NotInTree, match="1 or more"):
        merkle.prove_consistency(old, new, READ)


BROKEN = {
    "nothing": lambda _: [],
    "one hash too few": lambda nodes: READ(nodes)[:-1],
    "one hash too many": lambda nodes: [*READ(nodes), H32],
    "a hash too short": lambda nodes: [*READ(nodes)[:-1], H32[:31]],
    "a hash too long": lambda nodes: [*READ(nodes)[:-1], H32 + b"\0"],
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_store_that_cannot_be_a_tree_is_told_from_a_bad_question(broken):
    for ask in (
        lambda: merkle.root(7, broken),
        lambda: merkle.prove_inclusion(3, 7, broken),
        lambda: merkle.prove_consistency(3, 7, broken),
    ):
        with pytest.raises(BrokenTree, match="one hash of 32 bytes"):
            ask()
