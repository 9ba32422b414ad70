"""Checkpoints: the head of the ledger, signed, so that nobody can be shown two histories (C2SP tlog-checkpoint).

A checkpoint says how many entries the ledger has and what the root of its tree is. It is a signed note, text that
people can read and mail to each other::

    consent.example/ledger                              origin: the name of the log, and of its key
    70000                                               entries
    pipUvjMpT/1aXExjf9dUYwtxqJLoNW46Zmpcin/9FRg=        root of the tree over them (:mod:`consent.ledger.merkle`)

    — consent.example/ledger nBfvkxNDl5P7RULJ…          signature over the three lines above: key id, then Ed25519

The public key is one line as well, a *vkey*: name, key id and key, joined by ``+``. A note may carry more
signatures, of a key that is being retired or of witnesses. Signatures by unknown keys say nothing and are passed
over; but one that fails under a key we know spoils the whole note, whatever else is below it. A checkpoint holds
no time, for nobody could check it.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from consent.ledger.merkle import HASH_SIZE, LARGEST

ED25519 = b"\x01"  # the algorithm's number in C2SP signed-note
MOST_SIGNATURES = 64
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+\Z")
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})\Z")
_PRIVATE = "PRIVATE+KEY+"


class BadKey(ValueError):
    """The text is no key of this format."""


class BadNote(ValueError):
    """The note is malformed, or no known key signed it. Nothing in it may be believed."""


@dataclass(frozen=True)
class Verifier:
    """A public key: what a vkey says."""

    name: str
    public: bytes  # 32 bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that name the key: SHA-256(name | newline | 0x01 | public) begins with them."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as one line, for people to keep."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"


@dataclass(frozen=True)
class Signer:
    """A private key of 32 bytes, under the name that it signs for."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> Verifier:
        """The public key that goes with it."""
        return Verifier(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the signature of *message*: Ed25519, RFC 8032."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


@dataclass(frozen=True)
class Checkpoint:
    """The head of a ledger: its *origin*, how many entries it has, and the root of their tree."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def signer(name: str, seed: bytes) -> Signer:
    """Return the signer of *name* with a private key of 32 bytes. Raises BadKey."""
    if not _NAME.match(name) or len(seed) != 32:
        raise BadKey("A key has a name without spaces and '+', and 32 bytes.")
    return Signer(name, seed)


def read_private(text: str) -> Signer:
    """Return the signer that ``PRIVATE+KEY+name+id+base64`` spells, as other signed-note programs write it."""
    if not text.startswith(_PRIVATE):
        raise BadKey("A private key begins with PRIVATE+KEY+.")
    name, key_id, seed = _parts(text.removeprefix(_PRIVATE))
    found = signer(name, seed)
    if found.verifier.key_id != key_id:
        raise BadKey("The key's id is not that of its name and bytes.")
    return found


def read_vkey(text: str) -> Verifier:
    """Return the public key that the line *text* spells. Raises BadKey."""
    name, key_id, public = _parts(text)
    found = Verifier(name, public)
    if found.key_id != key_id:
        raise BadKey("The key's id is not that of its name and bytes.")
    return found


def parse(text: str) -> Checkpoint:
    """Return the checkpoint whose three lines *text* is. Raises BadNote; further lines are refused."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0] or not _SIZE.match(lines[1]):
        raise BadNote("A checkpoint is three lines: origin, size, root.")
    size, root = int(lines[1]), _base64(lines[2])
    if size > LARGEST or root is None or len(root) != HASH_SIZE:
        raise BadNote("The size or the root of the checkpoint is impossible.")
    return Checkpoint(lines[0], size, root)


def sign(checkpoint: Checkpoint, signers: Sequence[Signer]) -> str:
    """Return the note: the checkpoint's text, an empty line, and one line for each signature."""
    text = checkpoint.text()
    return text + "\n" + "".join(_signature_line(one, text) for one in signers)


def open_note(note: str, known: Sequence[Verifier]) -> Checkpoint:
    """Return the checkpoint in *note*, which one of the *known* keys must have signed. Raises BadNote."""
    text, signatures = _split(note)
    keys = {(key.name, key.key_id): key for key in known}
    signed = False
    for name, blob in signatures:
        if key := keys.get((name, blob[:4])):
            _check(key, blob[4:], text)
            signed = True
    if not signed:
        raise BadNote("None of the known keys signed this note.")
    checkpoint = parse(text)
    if checkpoint.origin not in {key.name for key in known}:
        raise BadNote("The note is about another log than the key's.")
    return checkpoint


def _signature_line(one: Signer, text: str) -> str:
    blob = one.verifier.key_id + one.sign(text.encode())
    return f"— {one.name} {base64.b64encode(blob).decode()}\n"


def _split(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the signed text, and each signature's name and bytes, in their order."""
    head, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n") or any(ord(c) < 32 and c != "\n" for c in note):
        raise BadNote("A note is text, an empty line, and signature lines.")
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise BadNote(f"A note has at most {MOST_SIGNATURES} signatures.")
    return head + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    found = _SIGNATURE.match(line)
    blob = _base64(found[2]) if found else None
    if found is None or blob is None or len(blob) < 5:
        raise BadNote("A signature line is a dash, a name, and base64.")
    return found[1], blob


def _check(key: Verifier, signature: bytes, text: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except InvalidSignature:
        raise BadNote("A signature under a known key does not fit: the note was changed.") from None


def _parts(text: str) -> tuple[str, bytes, bytes]:
    """Return the name, the key id and the 32 bytes of a key's line."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    blob = _base64(encoded)
    if not _NAME.match(name) or not re.fullmatch("[0-9a-f]{8}", key_id) or blob is None or len(blob) != 33:
        raise BadKey("A key is name+id+base64, of 33 bytes.")
    if not blob.startswith(ED25519):
        raise BadKey("The key is not for Ed25519.")
    return name, bytes.fromhex(key_id), blob[1:]


def _base64(text: str) -> bytes | None:
    """Return the bytes that *text* spells in the one way that is allowed, or None."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return blob if base64.b64encode(blob).decode() == text else None
