"""The signing key and what was last signed with it: two files that no database backup restores.

``ledger.key`` is the private key. ``ledger.key.signed`` is the last note that it signed, and the promise not to
contradict it: it is written before the database learns of a checkpoint, and whoever restores the database from
before that note finds that nothing more is signed. While a key is being retired it is ``ledger.key.retiring``, and
both sign.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from consent.ledger import checkpoint
from consent.ledger.checkpoint import BadKey, BadNote, Checkpoint, Signer
from consent.ledger.merkle import EMPTY_ROOT


class KeyTrouble(Exception):
    """A key file or its state is missing, exists already or cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Publisher:
    """What signs: the key in use first, then one that is being retired, if any; and the file of the last note."""

    signers: tuple[Signer, ...]
    state: Path

    def last(self) -> Checkpoint:
        """Return what was signed last. Raises KeyTrouble if the file is missing or was not signed by our key."""
        try:
            return checkpoint.open_note(self.note(), [one.verifier for one in self.signers])
        except BadNote as error:
            raise KeyTrouble(f"{self.state.name} is not a note that this key signed ({error})") from None

    def note(self) -> str:
        """Return the last note as it was signed."""
        try:
            return self.state.read_text("utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            raise KeyTrouble(
                f"{self.state} is missing or unreadable: put the newest checkpoint that was kept there. "
                "Without it nobody could tell whether the ledger was rolled back."
            ) from None

    def sign_again(self) -> None:
        """Let every key sign the last head, so that each of them alone can go on from it."""
        self.keep(self.sign(self.last()))

    def sign(self, head: Checkpoint) -> str:
        """Return the note of *head*, signed by every key."""
        return checkpoint.sign(head, self.signers)

    def keep(self, note: str) -> None:
        """Make *note* the last one, so that it survives a power cut."""
        _write(self.state, note.encode(), 0o644)


def load(key: Path, origin: str) -> Publisher | None:
    """Return the publisher of the key file *key*, or None if there never was one here. Raises KeyTrouble."""
    if not key.exists():
        if _state(key).exists():
            raise KeyTrouble(f"{key} is gone, and {_state(key).name} is still there: put the key back.")
        return None
    signers = [_read(path, origin) for path in (key, _retiring(key)) if path.exists()]
    return Publisher(tuple(dict.fromkeys(signers)), _state(key))  # a rotation that was cut short leaves two copies


def vkey(key: Path, origin: str) -> str | None:
    """Return the public key of the key file *key* as one line, or None if there is no such file."""
    found = load(key, origin)
    return found.signers[0].verifier.vkey if found else None


def create(key: Path, origin: str) -> Publisher:
    """Make a signing key and the state of an empty ledger. Raises KeyTrouble if either file is there."""
    for path in (key, _state(key)):
        if path.exists():
            raise KeyTrouble(
                f"{path} is there already; a key is never overwritten. `consent ledger key show` reads it."
            )
    signer = _signer(origin, secrets.token_bytes(32))
    key.parent.mkdir(parents=True, exist_ok=True)
    _write(key, signer.seed, 0o600)
    made = Publisher((signer,), _state(key))
    made.keep(made.sign(Checkpoint(origin, 0, EMPTY_ROOT)))
    return made


def replace(key: Path, origin: str) -> None:
    """Put a new key in the place of *key*, which goes on signing beside it. Raises KeyTrouble if there is no key.

    The old key is copied before the new one takes its place: whenever this is cut short, the key is still there. Done
    again, it goes on from there; a key that took the place already stays.
    """
    found = load(key, origin)
    if found is None:
        raise KeyTrouble(f"There is no key at {key}; make one with `consent ledger key new`.")
    if len(found.signers) > 1:
        return
    _write(_retiring(key), found.signers[0].seed, 0o600)
    _write(key, _signer(origin, secrets.token_bytes(32)).seed, 0o600)


def drop_retiring(key: Path) -> None:
    """Delete the key that was being retired, if there is one."""
    _retiring(key).unlink(missing_ok=True)


@contextmanager
def turn(key: Path) -> Iterator[None]:
    """Keep the key's files for the block: who signs and who replaces the key take turns, also across processes."""
    key.parent.mkdir(parents=True, exist_ok=True)
    with key.with_name(key.name + ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _state(key: Path) -> Path:
    return key.with_name(key.name + ".signed")


def _retiring(key: Path) -> Path:
    return key.with_name(key.name + ".retiring")


def _read(path: Path, origin: str) -> Signer:
    """Return the signer in *path*: 32 bytes, or the line that other signed-note programs write."""
    content = path.read_bytes()
    if len(content) == 32:
        return _signer(origin, content)
    try:
        found = checkpoint.read_private(content.decode("utf-8").strip())
    except (UnicodeDecodeError, BadKey):
        raise KeyTrouble(
            f"{path} has {len(content)} bytes; a signing key has 32, or begins with PRIVATE+KEY+."
        ) from None
    if found.name != origin:
        raise KeyTrouble(f"{path} signs for {found.name}, and CONSENT_LEDGER_ORIGIN is {origin}.")
    return found


def _signer(origin: str, seed: bytes) -> Signer:
    try:
        return checkpoint.signer(origin, seed)
    except BadKey as error:
        raise KeyTrouble(f"CONSENT_LEDGER_ORIGIN cannot name a key. {error}") from None


def _write(path: Path, content: bytes, mode: int) -> None:
    """Put *content* under *path* as a whole or not at all: a draft, to the disk, renamed, the folder to the disk."""
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
