"""RFC 6962 s. 2.1, 2.1.1 and 2.1.2 word for word: recursive, slow, and what the ledger's tree is compared with.

The names are those of the RFC in small letters. *d* is D[n], the list of n entries; a slice of it is D[k1:k2];
``[*a, b]`` is the RFC's ``a : b``.
"""

from hashlib import sha256

from consent.ledger.merkle import Node


def k_of(n):
    """Return the largest power of two smaller than n (i.e., k < n <= 2k)."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(d):
    """Return the Merkle Tree Hash, s. 2.1."""
    n = len(d)
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return sha256(b"\x00" + d[0]).digest()
    k = k_of(n)
    return sha256(b"\x01" + mth(d[0:k]) + mth(d[k:n])).digest()


def path(m, d):
    """Return the Merkle audit path for the (m+1)th input, s. 2.1.1."""
    n = len(d)
    if n == 1:
        return []
    k = k_of(n)
    if m < k:
        return [*path(m, d[0:k]), mth(d[k:n])]
    return [*path(m - k, d[k:n]), mth(d[0:k])]


def proof(m, d):
    """Return the Merkle consistency proof for a previous hash of the first m inputs, s. 2.1.2."""
    return subproof(m, d, b=True)


def subproof(m, d, *, b):
    n = len(d)
    if m == n:
        return [] if b else [mth(d)]
    k = k_of(n)
    if m <= k:
        return [*subproof(m, d[0:k], b=b), mth(d[k:n])]
    return [*subproof(m - k, d[k:n], b=False), mth(d[0:k])]


def perfect_nodes(leaves):
    """Return the hash of every node over 1, 2, 4 … of *leaves* (their hashes), level by level."""
    found, level, row = {}, 0, list(leaves)
    while row:
        found |= {Node(level, index): hash_ for index, hash_ in enumerate(row)}
        pairs = zip(row[::2], row[1::2], strict=False)  # an odd one has no node above it yet
        level, row = level + 1, [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return found
