r"""The tree over all entries: its root, and proofs that need neither the entries nor trust in us (RFC 6962 s. 2.1).

Every entry is a leaf, numbered from 0 in the order of the ledger. Two neighbours are hashed into one node, two
nodes into the next, until one hash is left: the root, which stands for every byte below it. Seven leaves::

              root                   leaf = SHA-256(0x00 | entry)          entries.leaf_hash
            /      \                 node = SHA-256(0x01 | left | right)   node_hash
           k        l                root of no leaves = SHA-256 of nothing
          / \      / \
         g   h    i   d6             Leaf 3 is in the tree, by [d2 g l]:
        / \ / \  / \                     d2, d3 give h; g, h give k; k, l give the root.
       d0 d1 d2 d3 d4 d5             The tree of 7 begins with the tree of 6, by [i d6 k]:
                                         k, i give the root of 6; i, d6 give l; k, l give the root of 7.

Nodes over 2, 4, 8 … leaves (d, g, h, i, k above) never change once their leaves are there. Only they are stored;
all else is computed from them, for the tree of today and for any earlier size. Nothing here knows where they are
stored: a function that reads hashes is passed in (:mod:`consent.ledger.tiles` makes one).

A proof comes from a stranger. Checking it returns nothing or raises BadProof, so that nobody can forget to look
at the answer. It binds a leaf to a root, not to a size: take size and root from one signed checkpoint.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

HASH_SIZE = 32  # bytes of a SHA-256
LARGEST = 2**63 - 1  # leaves; other programs count them in signed 64-bit integers
EMPTY_ROOT = hashlib.sha256(b"").digest()  # RFC 6962 s. 2.1: MTH({}) = SHA-256()


class BadProof(ValueError):
    """The proof does not show what it claims to show. Whoever sent it is mistaken or lies."""


class NotInTree(ValueError):
    """The caller asked about a leaf, a size or a hash that the tree cannot have."""


class BrokenTree(RuntimeError):
    """What is stored cannot be a tree: a hash is missing, or is not 32 bytes. The store must be repaired."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node whose 2^level leaves are all there: leaves index * 2^level up to (index + 1) * 2^level, excluded."""

    level: int  # 0 is a leaf
    index: int  # from 0, counted within the level


@dataclass(frozen=True, slots=True)
class Span:
    """The leaves from number *first* up to *end*, excluded: D[first:end] in the RFC."""

    first: int
    end: int


#: Returns the hash of each node, in the order asked for.
Reader = Callable[[Sequence[Node]], Sequence[bytes]]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above *left* and *right*: SHA-256(0x01 | left | right), RFC 6962 s. 2.1."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root(size: int, read: Reader) -> bytes:
    """Return the root of the first *size* leaves: MTH(D[size]) of RFC 6962 s. 2.1. Raises NotInTree, BrokenTree."""
    if not 0 <= size <= LARGEST:
        raise NotInTree(f"A tree has 0 to {LARGEST} leaves.")
    return _hashes([Span(0, size)], read)[0] if size else EMPTY_ROOT


def prove_inclusion(index: int, size: int, read: Reader) -> list[bytes]:
    """Return the proof that leaf *index* is among the first *size*: PATH(index, D[size]) of RFC 6962 s. 2.1.1.

    Its hashes stand in the order in which they are used, from the leaf to the root. Raises NotInTree, BrokenTree.
    """
    if not 0 <= index < size <= LARGEST:
        raise NotInTree("The leaf's number must be below the size of the tree.")
    return _hashes(_path(index, Span(0, size)), read)


def verify_inclusion(proof: Sequence[bytes], *, index: int, size: int, leaf: bytes, root: bytes) -> None:
    """Raise BadProof unless *proof* leads from *leaf*, number *index* of *size*, to *root*. RFC 6962 s. 2.1.1."""
    if not 0 <= index < size <= LARGEST:
        raise BadProof("The leaf's number is not below the size of the tree.")
    spans = _path(index, Span(0, size))
    _check_hashes(proof, len(spans), leaf, root)
    found = leaf
    for span, sibling in zip(spans, proof, strict=True):
        found = node_hash(sibling, found) if span.first < index else node_hash(found, sibling)
    if found != root:
        raise BadProof("The proof leads from this leaf to another root.")


def prove_consistency(old_size: int, new_size: int, read: Reader) -> list[bytes]:
    """Return the proof that the tree of *new_size* begins with that of *old_size*: PROOF(m, D[n]) of s. 2.1.2.

    It is empty for two equal sizes. Every tree begins with the empty one, so there is no proof from size 0.
    Raises NotInTree, BrokenTree.
    """
    if not 0 < old_size <= new_size <= LARGEST:
        raise NotInTree("The old size must be 1 or more, and not above the new one.")
    start, *rest = _subproof(old_size, Span(0, new_size))
    return _hashes(rest if start.first == 0 else [start, *rest], read)


def verify_consistency(
    proof: Sequence[bytes], *, old_size: int, new_size: int, old_root: bytes, new_root: bytes
) -> None:
    """Raise BadProof unless *proof* shows that nothing in the first *old_size* leaves changed. RFC 6962 s. 2.1.2.

    From one start the proof leads to both roots: hashes to the left of it belong to both trees, hashes to the
    right of it to the new one alone. Size 0 is refused: nothing is proven about a tree that had no leaves.
    """
    if not 0 < old_size <= new_size <= LARGEST:
        raise BadProof("The old size is not between 1 and the new size.")
    start, *rest = _subproof(old_size, Span(0, new_size))
    known = [old_root] if start.first == 0 else []
    _check_hashes(proof, len(rest) + 1 - len(known), old_root, new_root)
    first, *siblings = [*known, *proof]
    old = new = first
    for span, sibling in zip(rest, siblings, strict=True):
        if span.first < old_size:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
        else:
            new = node_hash(new, sibling)
    if (old, new) != (old_root, new_root):
        raise BadProof("The proof does not lead to both roots: the old tree is not the beginning of the new one.")


def _path(index: int, tree: Span) -> list[Span]:
    """Return the leaves under each hash of PATH(index, D[tree]), RFC 6962 s. 2.1.1."""
    if tree.end - tree.first == 1:
        return []
    left, right = _halves(tree)
    if index < left.end:
        return [*_path(index, left), right]
    return [*_path(index, right), left]


def _subproof(old_size: int, tree: Span) -> list[Span]:
    """Return the leaves under each hash of SUBPROOF(old_size, D[tree]), RFC 6962 s. 2.1.2.

    The first is where both trees start from. If it is the whole old tree (it begins at 0, the RFC's b = true),
    the proof leaves it out: whoever checks knows the old root.
    """
    if old_size == tree.end:
        return [tree]
    left, right = _halves(tree)
    if old_size <= left.end:
        return [*_subproof(old_size, left), right]
    return [*_subproof(old_size, right), left]


def _halves(tree: Span) -> tuple[Span, Span]:
    """Split at k, the largest power of two smaller than the number of leaves, RFC 6962 s. 2.1."""
    k = 1 << ((tree.end - tree.first - 1).bit_length() - 1)
    return Span(tree.first, tree.first + k), Span(tree.first + k, tree.end)


def _perfect(tree: Span) -> list[Node]:
    """Return the stored nodes that make up *tree*, left to right, which is from the largest to the smallest.

    The halves of RFC 6962 begin at multiples of their power of two, so each left half is a stored node.
    """
    nodes, first = [], tree.first
    while first < tree.end:
        level = (tree.end - first).bit_length() - 1
        nodes.append(Node(level, first >> level))
        first += 1 << level
    return nodes


def _hashes(spans: Iterable[Span], read: Reader) -> list[bytes]:
    """Return MTH(D[span]) of each span, asking *read* once."""
    parts = [_perfect(span) for span in spans]
    hashes = iter(_read([node for part in parts for node in part], read))
    return [_join([next(hashes) for _ in part]) for part in parts]


def _join(hashes: list[bytes]) -> bytes:
    """Return the root over perfect trees that stand side by side: the smallest, at the right, are joined first."""
    *rest, found = hashes
    for left in reversed(rest):
        found = node_hash(left, found)
    return found


def _read(nodes: Sequence[Node], read: Reader) -> Sequence[bytes]:
    hashes = read(nodes)
    if len(hashes) != len(nodes) or any(len(found) != HASH_SIZE for found in hashes):
        raise BrokenTree(f"The store must give one hash of {HASH_SIZE} bytes for each node it is asked for.")
    return hashes


def _check_hashes(proof: Sequence[bytes], length: int, *others: bytes) -> None:
    """Refuse a proof too short or too long, and hashes of any other size: bytes could move from one to the next."""
    if len(proof) != length:
        raise BadProof(f"The proof has {len(proof)} hashes; trees of these sizes need {length}.")
    if any(len(found) != HASH_SIZE for found in (*proof, *others)):
        raise BadProof(f"A hash is {HASH_SIZE} bytes long.")
