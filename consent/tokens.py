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
from collections.abc import Sequence
from dataclasses import dataclass

from itsdangerous import Signer

PURPOSES = {"c": 0, "u": 1, "p": 2, "e": 3, "r": 4, "b": 5}
_LETTERS = {number: letter for letter, number in PURPOSES.items()}
_VERSION = 0b001
_CANONICAL = re.compile(r"[a-z2-7]{40}\Z")
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
    signer = Signer(key, salt="consent/link/v1/" + purpose, key_derivation="hmac", digest_method=hashlib.sha256)
    message = head + epoch.to_bytes(4, "big") + organization
    return signer.algorithm.get_signature(signer.derive_key(), message)[:16]
