"""Links in mail: 40 characters of [a-z2-7] that name one row and prove that we made them.

::

    byte  0      version 001 | purpose (3 bits) | 00
    bytes 1-8    handle: 64 random bits that name one row; no personal data, no counter
    bytes 9-24   first 16 bytes of HMAC-SHA-256(key(purpose), bytes 0-8 | epoch, 4 bytes | organization, 16 bytes)

in lower-case base32 (RFC 4648): 25 bytes are exactly 40 characters with no spare bits, so text and bytes are
one-to-one. ``https://`` + a host of 24 + ``/u/`` + 40 is 75 characters, the longest that no mail program
folds. ``key(purpose)`` is HMAC-SHA-256(secret, "consent/link/v1/" + purpose), as itsdangerous derives it.

The host is not signed: a company that moves to another one must not kill old unsubscribe links.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from itsdangerous import Signer

PURPOSES = {"c": 0, "u": 1, "p": 2, "e": 3, "r": 4, "b": 5}
_LETTERS = {number: letter for letter, number in PURPOSES.items()}
_VERSION = 0b001
_CANONICAL = re.compile(r"[a-z2-7]{40}\Z")
_ALPHABET = b"abcdefghijklmnopqrstuvwxyz234567".ljust(256)
_BLOCK = 64  # bytes of a SHA-256 block
_TRAILING = ".,;:!?)>]'\"=*"


class BadLink(Exception):
    """The link is not one of ours, is not whole, or is for another page. All cases look alike outside."""


@dataclass(frozen=True)
class Token:
    """A link's parts before its signature is believed: ask :func:`verify`."""

    purpose: str
    handle: bytes
    mac: bytes


def make(purpose: str, handle: bytes, epoch: int, organization: bytes, keys: Sequence[str | bytes]) -> str:
    """Return the token for *purpose* that names the row *handle* of *organization*, signed with keys[0]."""
    head = bytes([_VERSION << 5 | PURPOSES[purpose] << 2]) + handle
    return base64.b32encode(head + _mac(purpose, head, epoch, organization, keys[0])).decode().lower()


def make_many(
    purpose: str, handles: Sequence[bytes], epochs: Iterable[int], organization: bytes, key: str | bytes
) -> list[str]:
    """Return the tokens of :func:`make` for many rows, by handle and epoch, at a fifth of the price.

    HMAC (RFC 2104) is spelt out, so that the key's two pads are made once, and base32 is done for all at one go:
    25 bytes are five whole blocks of it, so the tokens of many rows are the pieces of one long text.
    """
    derived = _derived(purpose, key).ljust(_BLOCK, b"\0")
    first, sha256 = bytes([_VERSION << 5 | PURPOSES[purpose] << 2]), hashlib.sha256
    inner, outer = bytes(byte ^ 0x36 for byte in derived) + first, bytes(byte ^ 0x5C for byte in derived)
    tails = [epoch.to_bytes(4, "big") + organization for epoch in epochs]
    made = [
        first + handle + sha256(outer + sha256(inner + handle + tail).digest()).digest()[:16]
        for handle, tail in zip(handles, tails, strict=True)
    ]
    text = _base32(b"".join(made))
    return [text[start : start + 40] for start in range(0, len(text), 40)]


def _base32(data: bytes) -> str:
    """Return *data*, whole blocks of five bytes, in lower-case base32 (RFC 4648 s. 6).

    The k-th letters of all blocks are taken at once: five bits of each block of forty, spread to a byte each.
    """
    blocks, number = len(data) // 5, int.from_bytes(data, "big")
    fives = int.from_bytes(b"\0\0\0\0\x1f" * blocks, "big")
    letters = bytearray(8 * blocks)
    for place in range(8):
        letters[place::8] = (number >> 35 - 5 * place & fives).to_bytes(5 * blocks, "big")[4::5]
    return letters.translate(_ALPHABET).decode()


def parse(text: str) -> Token:
    """Return the parts of a canonical token; BadLink if the shape is wrong."""
    if not _CANONICAL.match(text):
        raise BadLink
    raw = base64.b32decode(text.upper())
    if raw[0] >> 5 != _VERSION or raw[0] & 0b11 or (raw[0] >> 2 & 0b111) not in _LETTERS:
        raise BadLink
    return Token(_LETTERS[raw[0] >> 2 & 0b111], raw[1:9], raw[9:])


def verify(token: Token, purpose: str, epoch: int, organization: bytes, keys: Sequence[str | bytes]) -> None:
    """Raise BadLink unless one of *keys* signed *token* for this purpose, epoch and organization.

    Every key is tried, always, so that the time taken tells nothing about which one fits.
    """
    head = bytes([_VERSION << 5 | PURPOSES[token.purpose] << 2]) + token.handle
    fits = [hmac.compare_digest(_mac(token.purpose, head, epoch, organization, key), token.mac) for key in keys]
    if not any(fits) or token.purpose != purpose:
        raise BadLink


def repair(text: str) -> str:
    """Undo what mail programs do to a link: capitals, and one run of punctuation at its end.

    Only for showing a page; a POST takes the canonical text alone.
    """
    return text.rstrip(_TRAILING).lower()


def _mac(purpose: str, head: bytes, epoch: int, organization: bytes, key: str | bytes) -> bytes:
    return hmac.digest(_derived(purpose, key), head + epoch.to_bytes(4, "big") + organization, "sha256")[:16]


@lru_cache(maxsize=100)
def _derived(purpose: str, key: str | bytes) -> bytes:
    salt = "consent/link/v1/" + purpose
    derived: bytes = Signer(key, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256).derive_key()
    return derived
