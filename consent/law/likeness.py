"""How much two messages say the same, told from short fingerprints, so that no message need be kept.

The words of a message, without its footer, are cut into shingles of three; of their 32-bit hashes the KEPT smallest are
the fingerprint. Of the smallest of two messages together, the share that is in both estimates how many shingles of the
two are the same (Broder, "On the resemblance and containment of documents", 1997).
"""

import re
from hashlib import blake2b

from consent.law.views import View

KEPT = 64
LIKE = 0.8  # from here on, nearly the same
FINGERPRINT = re.compile(rf"([0-9a-f]{{8}}){{0,{KEPT}}}")
_SHINGLE = 3
_LEAST = 8  # shingles: less is too short to compare
_MOST_WORDS = 20_000


def fingerprint(view: View) -> str:
    """Return the fingerprint of what *view* shows: hex, eight digits a hash, in order; empty for hardly any words."""
    said = view.words[: min(view.footer, _MOST_WORDS)]  # every message of the brand has the same footer
    shingles = {" ".join(said[at : at + _SHINGLE]) for at in range(len(said) - _SHINGLE + 1)}
    if len(shingles) < _LEAST:
        return ""
    hashes = sorted(blake2b(shingle.encode(), digest_size=4).hexdigest() for shingle in shingles)
    return "".join(hashes[:KEPT])


def likeness(one: str, other: str) -> float:
    """Return how alike two fingerprints are, 0 to 1."""
    mine, others = _hashes(one), _hashes(other)
    if not mine or not others:
        return 0.0
    smallest = sorted(mine | others)[:KEPT]
    return len(mine.intersection(others, smallest)) / len(smallest)


def _hashes(text: str) -> set[str]:
    return {text[at : at + 8] for at in range(0, len(text), 8)}
