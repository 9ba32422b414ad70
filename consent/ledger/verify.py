r"""Check a bundle of the ledger: offline, by anybody, with nothing but this file and Python 3.9 or newer.

A copy lies in every bundle, and ``consent verify`` runs the same code::

    python verify.py BUNDLE --key VKEY [--checkpoint OLD[@TIME]]... [--witness VKEY]... [--require-witness]
                            [--quick] [--json]

BUNDLE is a zip file or a folder. The key must come from elsewhere, never from the bundle: whoever forges a bundle
puts his own key into it. OLD is a checkpoint that you kept; nothing but such a checkpoint, or the signature of a
witness, shows that the ledger was not rebuilt by somebody who has its key.

Each line of the answer ends in ok, FAIL, skipped or not claimed. The last line, and the exit status, are::

    SOUND (0)    TAMPERED (1)    UNUSABLE (2, not a bundle, or wrong arguments)    SOUND BUT UNWITNESSED (3)

Read from the top: reading files, signatures, notes, the tree, entries, and then the checks, line by line.
The formats: RFC 6962 (tree), RFC 8032 (Ed25519), C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import io
import json
import os
import re
import struct
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, BinaryIO, NamedTuple

FORMAT = "consent-bundle/1"
OK, FAIL, SKIPPED, NOT_CLAIMED = "ok", "FAIL", "skipped", "not claimed"
SOUND, TAMPERED, UNUSABLE, UNWITNESSED = "SOUND", "TAMPERED", "UNUSABLE", "SOUND BUT UNWITNESSED"
EXIT = {SOUND: 0, TAMPERED: 1, UNUSABLE: 2, UNWITNESSED: 3}

# ---- Reading. Nothing is believed about a size before it is read, and nothing is unpacked. -------------------

LONGEST_BODY = 16_384
WIDTH = 256  # entries, or hashes, in a full tile
SMALL = 1 << 20  # a checkpoint, a list of keys
MANIFEST = 64 << 20
OTHER = 16 << 20  # words that were shown, READMEs
LINE = 128 << 10
HASH_TILE = 32 * WIDTH
ENTRY_TILE = (2 + LONGEST_BODY) * WIDTH
MOST_FILES = 4_000_000
NEEDED = ("checkpoint", "checkpoints.ndjson", "evidence.ndjson")

_UNREADABLE = (
    OSError, EOFError, ValueError, OverflowError, RuntimeError, KeyError, IndexError, zipfile.BadZipFile, zlib.error,
    struct.error,
)  # fmt: skip


REPLACED = (
    "The key may have been replaced: ask the company, another way than by this bundle, for every key of this log, "
    "and give each with --key."
)


class Unusable(Exception):
    """Not a bundle, or the arguments are wrong: nothing can be said about the ledger."""


class Bundle(NamedTuple):
    """The files of a bundle by name, and how to read one."""

    names: frozenset[str]
    open: Callable[[str], BinaryIO]


def read(bundle: Bundle, name: str, limit: int) -> bytes:
    """Return the content of the file *name*. Raises Unusable if it is missing, unreadable or above *limit*."""
    if name not in bundle.names:
        raise Unusable(f"{name} is missing")
    try:
        with bundle.open(name) as stream:
            content = stream.read(limit + 1)
    except _UNREADABLE as error:
        raise Unusable(f"{name} cannot be read: {error}") from None
    if len(content) > limit:
        raise Unusable(f"{name} is larger than {limit} bytes")
    return content


def lines(bundle: Bundle, name: str) -> Iterator[bytes]:
    """Yield the lines of the file *name*, one at a time, so that memory does not grow with the file."""
    try:
        with bundle.open(name) as stream:
            while line := stream.readline(LINE + 1):
                if len(line) > LINE:
                    raise Unusable(f"{name} has a line longer than {LINE} bytes")
                yield line
    except _UNREADABLE as error:
        raise Unusable(f"{name} cannot be read: {error}") from None


def strict_json(text: bytes) -> Any:
    """Return what *text* says in JSON. Raises ValueError also for keys that stand twice, and for floats."""
    try:
        return json.loads(
            text.decode(), object_pairs_hook=_once, parse_int=_integer, parse_float=_refuse, parse_constant=_refuse
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def strict_base64(text: Any) -> bytes:
    """Return the bytes of *text*. Raises ValueError unless it is their one spelling in base64 (RFC 4648 s. 4)."""
    if not isinstance(text, str):
        raise ValueError("base64 is text")
    content = base64.b64decode(text.encode("ascii"), validate=True)
    if base64.b64encode(content).decode() != text:
        raise ValueError("another spelling of base64")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _integer(number: str) -> int:
    if len(number) > 20:  # Python takes very long over very long ones
        raise ValueError("an integer is too long")
    return int(number)


def _refuse(number: str) -> Any:
    raise ValueError(f"{number} is not an integer")


def _names_of_zip(archive: zipfile.ZipFile) -> frozenset[str]:
    names: set[str] = set()
    for member in archive.infolist():
        name = member.orig_filename
        if name.startswith("/") or "\\" in name or "\0" in name or ":" in name or ".." in name.split("/"):
            raise Unusable(f"the zip names a file outside of itself: {name}")
        if name in names:
            raise Unusable(f"the zip has two files of one name: {name}")
        if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unusable(f"{name} is encrypted, or compressed in a way that bundles do not use")
        names.add(name)
    return frozenset(name for name in names if not name.endswith("/"))


def _names_of_folder(folder: str) -> frozenset[str]:
    """Return the names of all files in *folder*, but for hidden ones, which are not part of a bundle."""
    names: set[str] = set()
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in [name for name in (*folders, *files) if not name.startswith(".")]:
            path = os.path.join(place, name)
            if os.path.islink(path) or not (os.path.isdir(path) or os.path.isfile(path)):
                raise Unusable(f"{path} is neither a file nor a folder; a bundle holds nothing else")
        names.update(os.path.relpath(os.path.join(place, name), folder) for name in files if not name.startswith("."))
        if len(names) > MOST_FILES:
            raise Unusable(f"the folder has more than {MOST_FILES} files")
    return frozenset(name.replace(os.sep, "/") for name in names)


# ---- Ed25519, RFC 8032 s. 5.1: a signature is verified with the arithmetic of Python, some milliseconds each ---

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)

Point = tuple[int, int, int, int]  # extended coordinates: X, Y, Z and T with x = X/Z, y = Y/Z, xy = T/Z
_NEUTRAL: Point = (0, 1, 1, 0)


def verify_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether *signature* of *message* is by the key *public*: RFC 8032 s. 5.1.7, in its strict reading."""
    if len(public) != 32 or len(signature) != 64:
        return False
    point, s = _decode_point(public), int.from_bytes(signature[32:], "little")
    if point is None or s >= _ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _ORDER
    x, y, z, t = point
    return _encode_point(_double_multiple(s, _BASE, k, (-x % _P, y, z, -t % _P))) == signature[:32]


def _double_multiple(m: int, a: Point, n: int, b: Point) -> Point:
    """Return m*a + n*b, both at once (Shamir's trick): as many doublings as for one of them."""
    choices, found = (_NEUTRAL, a, b, _add(a, b)), _NEUTRAL
    for bit in range(max(m.bit_length(), n.bit_length()) - 1, -1, -1):
        found = _double(found)
        if choice := (m >> bit & 1) | (n >> bit & 1) << 1:
            found = _add(found, choices[choice])
    return found


def _add(one: Point, other: Point) -> Point:
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    a, b = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = 2 * t1 * t2 * _D % _P, 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _double(one: Point) -> Point:
    x, y, z, _ = one
    a, b = x * x % _P, y * y % _P
    h = a + b
    e, g = h - (x + y) * (x + y) % _P, a - b
    f = 2 * z * z % _P + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _decode_point(data: bytes) -> Point | None:
    """Return the point that the 32 bytes *data* spell, or None: RFC 8032 s. 5.1.3."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * v**3 * pow(u * v**7, (_P - 5) // 8, _P) % _P
    if (v * x * x - u) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (v * x * x - u) % _P or (not x and sign):
        return None
    x = x if x & 1 == sign else _P - x
    return x, y, 1, x * y % _P


def _encode_point(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, _P - 2, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(32, "little")


_BASE: Point = _decode_point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little")) or _NEUTRAL

# ---- Keys and notes: C2SP signed-note, tlog-checkpoint, tlog-cosignature -------------------------------------

LOG_KEY, WITNESS_KEY = 1, 4  # Ed25519; Ed25519 with a time
MOST_SIGNATURES = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_END_OF_TIME = 253_370_764_800  # seconds to the year 9999, the last that Python knows
_VKEY = re.compile(r"([^\s+\x00-\x1f\x7f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)\Z")
_SIGNATURE = re.compile("\u2014 ([^\\s+\x00-\x1f\x7f]+) ([A-Za-z0-9+/=]+)\\Z")
_CHECKPOINT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/=]+)\n\Z")


class BadNote(ValueError):
    """The note is malformed, or a signature under a name and key that we know is false."""


class Key(NamedTuple):
    """What a vkey says."""

    name: str
    id: bytes
    kind: int
    public: bytes


class Checkpoint(NamedTuple):
    """The head of a log: its name, how many entries it has, and the root of the tree over them."""

    origin: str
    size: int
    root: bytes


class Signed(NamedTuple):
    """A key that signed a note, and when, if its signatures say so."""

    key: Key
    time: datetime | None


def parse_vkey(text: str) -> Key:
    """Return the key that *text* spells. Raises ValueError unless name, key and key id belong together."""
    if not (found := _VKEY.match(text)):
        raise ValueError("a vkey is name+hash+key")
    name, key_id, material = found[1], bytes.fromhex(found[2]), strict_base64(found[3])
    if len(material) != 33 or material[0] not in (LOG_KEY, WITNESS_KEY):
        raise ValueError("the key is not of a known algorithm and length")
    if hashlib.sha256(name.encode() + b"\n" + material).digest()[:4] != key_id:
        raise ValueError("the hash does not belong to this name and key")
    return Key(name, key_id, material[0], material[1:])


def split_note(note: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return the text that *note* signs, and its signatures: name and bytes. Raises BadNote."""
    if b"\n\n" not in note or any(byte < 0x20 and byte != 0x0A for byte in note):
        raise BadNote("it has no empty line before its signatures, or holds control characters")
    end = note.rindex(b"\n\n")
    try:
        note.decode()
        signatures = [_signature(line) for line in note[end + 2 :].decode().split("\n")[:-1]]
    except ValueError:
        raise BadNote("it is not UTF-8, or a signature is malformed") from None
    if not note.endswith(b"\n") or not 0 < len(signatures) <= MOST_SIGNATURES:
        raise BadNote(f"it has no signature, or more than {MOST_SIGNATURES}, or does not end with its last line")
    return note[: end + 1], signatures


def _signature(line: str) -> tuple[str, bytes]:
    found = _SIGNATURE.match(line)
    blob = strict_base64(found[2]) if found else b""
    if not found or len(blob) < 5:
        raise ValueError("no signature")
    return found[1], blob


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Return what the text of a checkpoint says: exactly three lines. Raises BadNote."""
    try:
        found = _CHECKPOINT.match(text.decode())
        root = strict_base64(found[3]) if found else b""
    except ValueError:
        found, root = None, b""
    if not found or len(root) != 32 or int(found[2]) >= 2**63:
        raise BadNote("it is not the three lines of a checkpoint: origin, size and root")
    return Checkpoint(found[1], int(found[2]), root)


def signers(text: bytes, signatures: Sequence[tuple[str, bytes]], keys: Iterable[Key]) -> list[Signed]:
    """Return which of *keys* signed *text*. Unknown signatures say nothing; a false one of ours raises BadNote."""
    known, found = {(key.name, key.id): key for key in keys}, []
    for name, blob in signatures:
        if key := known.get((name, blob[:4])):
            time, message, signature = _signed_message(key, text, blob[4:])
            if not verify_signature(key.public, message, signature):
                raise BadNote(f"the signature under the name and key of {name} is false")
            found.append(Signed(key, time))
    return found


def _signed_message(key: Key, text: bytes, blob: bytes) -> tuple[datetime | None, bytes, bytes]:
    if key.kind == LOG_KEY:
        return None, text, blob
    seconds = int.from_bytes(blob[:8], "big")
    if seconds >= _END_OF_TIME:
        raise BadNote(f"the time of the signature by {key.name} is beyond all calendars")
    return _EPOCH + timedelta(seconds=seconds), b"cosignature/v1\ntime %d\n" % seconds + text, blob[8:]


# ---- The tree: RFC 6962 s. 2.1 -------------------------------------------------------------------------------

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(body: bytes) -> bytes:
    """Return SHA-256(0x00 | body)."""
    return hashlib.sha256(b"\0" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 | left | right)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_over(row: Sequence[bytes]) -> bytes:
    """Return the root over the hashes in *row*: neighbours are joined; one without a neighbour moves up as it is."""
    sha, row = hashlib.sha256, list(row)
    while len(row) > 1:
        alone = row[-1:] if len(row) & 1 else []
        row = [sha(b"\1" + left + right).digest() for left, right in zip(row[::2], row[1::2])] + alone
    return row[0] if row else EMPTY_ROOT


def included(proof: Sequence[bytes], index: int, leaf: bytes, tree: Checkpoint) -> bool:
    """Return whether *proof* leads from *leaf*, number *index*, to the root of *tree*: RFC 9162 s. 2.1.3.2."""
    at, last, found = index, tree.size - 1, leaf
    if not 0 <= at <= last or any(len(hash_) != 32 for hash_ in proof):
        return False
    for sibling in proof:
        if not last:
            return False
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            at, last = _up_to_a_right_child(at, last)
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    return not last and found == tree.root


def consistent(proof: Sequence[bytes], old: Checkpoint, new: Checkpoint) -> bool:
    """Return whether *proof* shows that *new* begins with *old*: RFC 9162 s. 2.1.4.2. Every tree begins with none."""
    if not 0 < old.size < new.size:
        start = (old.size, old.root) in ((0, EMPTY_ROOT), (new.size, new.root))
        return start and not proof
    path = [*([] if old.size & (old.size - 1) else [old.root]), *proof]
    if not path or any(len(hash_) != 32 for hash_ in path):
        return False
    at, last = old.size - 1, new.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if not last:
            return False
        if at & 1 or at == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            at, last = _up_to_a_right_child(at, last)
        else:
            after = node_hash(after, sibling)
        at, last = at >> 1, last >> 1
    return not last and before == old.root and after == new.root


def _up_to_a_right_child(at: int, last: int) -> tuple[int, int]:
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


class Tree:
    """A tree that grows by tiles of 256 leaves; it keeps one unfinished tile of each level (C2SP tlog-tiles)."""

    def __init__(self, seen: Callable[[int, int, list[bytes]], None]) -> None:
        """Tell *seen* the level, the index and the hashes of each tile above the leaves, when it is complete."""
        self.rows: list[list[bytes]] = []
        self.done: list[int] = []
        self.seen = seen

    def add(self, leaves: Sequence[bytes]) -> None:
        """Add a full tile of leaves."""
        found, level = root_over(leaves), 0
        while True:
            if level == len(self.rows):
                self.rows.append([])
                self.done.append(0)
            self.rows[level].append(found)
            if len(self.rows[level]) < WIDTH:
                return
            found = root_over(self.rows[level])
            self._complete(level)
            level += 1

    def root(self, leaves: Sequence[bytes]) -> bytes:
        """Return the root of the tree if *leaves*, fewer than 256 or a full tile not yet added, come last."""
        last = [root_over(leaves)] if leaves else []
        for row in self.rows:
            last = [root_over([*row, *last])] if row or last else []
        return last[0] if last else EMPTY_ROOT

    def finish(self) -> None:
        """Tell *seen* about the unfinished tiles."""
        for level, row in enumerate(self.rows):
            if row:
                self._complete(level)

    def _complete(self, level: int) -> None:
        self.seen(level + 1, self.done[level], self.rows[level])
        self.rows[level] = []
        self.done[level] += 1


def tile_path(level: int | str, index: int, width: int) -> str:
    """Return where a tile lies: ``tile/0/x001/x234/067.p/5``."""
    groups = f"{index % 1000:03}"
    while index := index // 1000:
        groups = f"x{index % 1000:03}/{groups}"
    return f"tile/{level}/{groups}{f'.p/{width}' if width < WIDTH else ''}"


# ---- One entry: canonical JSON, and the keys of version 1 ------------------------------------------------------

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_CONTACT = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]\Z")  # 16 bytes: the last character has four bits to spare
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
_ACTOR = re.compile(r"(contact|system|officer:[\w.-]+|key:[\w.-]+|provider:[\w.-]+)\Z")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z\Z")
_TEXTS = ("actor", "kind", "log", "occurred_at", "recorded_at")
_TEXTS_OR_NULL = ("brand", "channel", "form", "language", "notice", "place", "source", "topic")
_KEYS = frozenset(
    {*_TEXTS, *_TEXTS_OR_NULL, "v", "id", "contact", "cseq", "prev", "refs", "details", "commitments"}
)  # fmt: skip
_DEEPEST = 6
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def shape(entry: Any) -> str:
    """Return what keeps *entry* from being read as an entry of version 1, or nothing."""
    if type(entry) is not dict or entry.keys() != _KEYS or type(entry["v"]) is not int or entry["v"] != 1:
        return "it has not exactly the keys of an entry of version 1"
    if any(type(entry[name]) is not str for name in _TEXTS) or not _matches(_ID, entry["id"]):
        return "its id, log, kind, actor or a time is not text"
    if any(entry[name] is not None and type(entry[name]) is not str for name in _TEXTS_OR_NULL):
        return "a value that is text or null is something else"
    if type(entry["refs"]) is not list or any(type(ref) is not str for ref in entry["refs"]):
        return "its refs are not a list of ids"
    if type(entry["details"]) is not dict or type(entry["commitments"]) is not dict:
        return "its details or commitments are not an object"
    return _shape_of_chain(entry["contact"], entry["cseq"], entry["prev"])


def _shape_of_chain(contact: Any, cseq: Any, prev: Any) -> str:
    if contact is None:
        return "" if cseq is None and prev is None else "it is about no contact, and yet numbered"
    if not _matches(_CONTACT, contact) or type(cseq) is not int or not 1 <= cseq < 2**53:
        return "its contact or its number within the contact is malformed"
    if (prev is None) != (cseq == 1) or (prev is not None and not _matches(_HASH, prev)):
        return "every entry of a contact but the first names the one before it"
    return ""


def style(entry: dict[str, Any], body: bytes, origin: str) -> str:
    """Return in what *body* is not the canonical form of *entry*, an entry of the log *origin*, or nothing."""
    if len(body) > LONGEST_BODY or _encoded(entry) != body:
        return "it is not in canonical form"
    if entry["log"] != origin:
        return "it belongs to another log"
    if not (_is_time(entry["occurred_at"]) and _is_time(entry["recorded_at"]) and _ACTOR.match(entry["actor"])):
        return "its actor is malformed, or a time is not written as 2026-11-23T08:45:00.123Z"
    if not all(_KEY.match(name) and _matches(_HASH, value) for name, value in entry["commitments"].items()):
        return "a commitment is malformed"
    if not body.isascii():
        return _profile(entry, 1)
    return _profile(entry["details"], 2) if entry["details"] else ""


def _encoded(entry: Any) -> bytes:
    try:
        return _ENCODER.encode(entry).encode()
    except (ValueError, RecursionError):  # half a character; deep nesting
        return b""


def _profile(value: Any, depth: int) -> str:
    """Return in what *value* is outside the profile in which every JSON library agrees on the bytes."""
    if depth > _DEEPEST:
        return f"it is nested deeper than {_DEEPEST}"
    if isinstance(value, dict) and not all(map(_KEY.match, value)):
        return "a key is malformed"
    if isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        return next(filter(None, (_profile(one, depth + 1) for one in inner)), "")
    if isinstance(value, float) or (isinstance(value, int) and abs(value) >= 2**53):
        return "a number is no integer below 2^53"
    if isinstance(value, str) and not unicodedata.is_normalized("NFC", value):
        return "text is not in the form NFC"
    return ""


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.match(value) is not None


def _is_time(text: str) -> bool:
    if not _TIME.match(text):
        return False
    try:
        return bool(datetime.fromisoformat(text[:-1]))
    except ValueError:
        return False


# ---- What is checked about the entries together, while they pass in the order of the ledger ------------------


class Tally:
    """What is wrong in one respect: a finding's name, the first place, and how many places."""

    def __init__(self, finding: str) -> None:
        """Start with nothing wrong."""
        self.finding, self.first, self.place, self.count = finding, "", 0.0, 0

    def add(self, text: str, place: float = 0.0) -> None:
        """Count one more place; the lowest *place* is the one to tell."""
        if not self.count or place < self.place:
            self.first, self.place = text, place
        self.count += 1

    def text(self) -> str:
        """Return the first place, and how many more there are."""
        return self.first + (f" (and {self.count - 1} more)" if self.count > 1 else "")


_LINK = struct.Struct(">16sQQ16s16s")  # contact, number within it, sequence, hash before and own hash, shortened
_BUCKETS = 256
_NO_HASH = bytes(16)


class Chains:
    """CONTACT-CHAINS: the entries of each contact are numbered and name each other, and no two have one id.

    For each entry some bytes are kept until the end, in buckets by contact and by id, so that a million of them fit
    into memory; a dictionary would take thrice as much.
    """

    def __init__(self, scope: str, tally: Tally) -> None:
        """Judge the entries of a bundle of this *scope*."""
        self.whole, self.tally, self.contacts = scope != "selection", tally, 0
        self.links = [bytearray() for _ in range(_BUCKETS)]
        self.ids = [bytearray() for _ in range(_BUCKETS)]
        self.erased: dict[bytes, int] = {}  # contact: sequence of its first contact.erased

    def take(self, sequence: int, entry: dict[str, Any], contact: bytes, leaf: bytes) -> None:
        """Keep what is needed of *entry*; its *contact* is empty if it is about none."""
        key = _key(entry["id"])
        self.ids[hash(key) % _BUCKETS] += key + sequence.to_bytes(8, "big")
        if not contact:
            return
        prev = _shortened(bytes.fromhex(entry["prev"])) if entry["prev"] else _NO_HASH
        link = _LINK.pack(contact, entry["cseq"], sequence, prev, _shortened(leaf))
        self.links[hash(contact) % _BUCKETS] += link
        if self.whole and contact in self.erased:
            self.tally.add(f"entry {entry['id']} ({sequence}) follows the erasure of its contact", sequence)
        if entry["kind"] == "contact.erased":
            self.erased.setdefault(contact, sequence)

    def finish(self) -> None:
        """Judge the chains and the ids."""
        for bucket in range(_BUCKETS):
            self._judge_links(self.links[bucket])
            self._judge_ids(self.ids[bucket])
            self.links[bucket] = self.ids[bucket] = bytearray()

    def _judge_links(self, links: bytearray) -> None:
        heads: dict[bytes, tuple[int, bytes]] = {}
        for contact, cseq, sequence, prev, leaf in _LINK.iter_unpack(links):
            last, head = heads.get(contact, (0, _NO_HASH))
            follows = cseq == last + 1 and prev == head
            if not self.whole:  # what lies between may be left out
                follows = follows or not last or cseq > last + 1
            if not follows:
                name = base64.urlsafe_b64encode(contact).rstrip(b"=").decode()
                why = "names another entry before it" if cseq == last + 1 else f"stands where {last + 1} belongs"
                self.tally.add(f"sequence {sequence}: number {cseq} of contact {name} {why}", sequence)
            heads[contact] = cseq, leaf
        self.contacts += len(heads)

    def _judge_ids(self, ids: bytearray) -> None:
        first: dict[bytes, int] = {}
        for key, sequence in struct.iter_unpack(">16sQ", ids):
            if first.setdefault(key, sequence) != sequence:
                self.tally.add(f"sequence {first[key]} and {sequence} have one id, {_spelled(key)}", sequence)


def _shortened(hash_: bytes) -> bytes:
    """Return 16 bytes that stand for *hash_*: of half the length, and still beyond anybody's power to match."""
    return hashlib.sha256(hash_).digest()[:16]


def _spelled(key: bytes) -> str:
    text = key.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Kept(NamedTuple):
    """A checkpoint that the auditor kept, and a time at which it surely existed."""

    file: str
    head: Checkpoint
    time: datetime | None


class Clock:
    """TIME: entries below a kept checkpoint are not newer than it, and those above are not older, give or take 60 s."""

    def __init__(self, kept: Iterable[Kept], tally: Tally) -> None:
        """Judge by those of the *kept* checkpoints whose time is known."""
        minute = timedelta(seconds=60)
        self.tally = tally
        self.marks = [(one.head.size, _stamp(one.time - minute), _stamp(one.time + minute)) for one in kept if one.time]
        self._settle(0)

    def take(self, sequence: int, entry: dict[str, Any]) -> None:
        """Judge when *entry* was recorded."""
        if sequence >= self.until:
            self._settle(sequence)
        if not self.low <= entry["recorded_at"] <= self.high:
            text = f"entry {entry['id']} ({sequence}) says it was recorded {entry['recorded_at']}"
            self.tally.add(f"{text}; by the kept checkpoints {self.low or 'any time'} to {self.high}", sequence)

    def _settle(self, sequence: int) -> None:
        above = [(size, high) for size, _, high in self.marks if size > sequence]
        self.until = min((size for size, _ in above), default=2**63)
        self.high = min((high for _, high in above), default="any time")  # sorts above all times
        self.low = max((low for size, low, _ in self.marks if size <= sequence), default="")


def _stamp(time: datetime) -> str:
    return time.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


_PENDING = struct.Struct(">?16s16sQQ")  # about a contact?, contact, id, sequence, which of the fields asked for


class Evidence:
    """EVIDENCE: what was opened fits the entries, and what was asked for and is missing was erased by an entry."""

    def __init__(self, asked: Iterable[str], source: Iterator[bytes], tally: Tally) -> None:
        """Read the lines of *source* beside the entries, in whose order they stand."""
        self.asked, self.source, self.tally = tuple(sorted(set(asked))), source, tally
        self.bits = {name: 1 << bit for bit, name in enumerate(self.asked)}
        self.opened = self.closed = self.erased = self.missing = self.number = 0
        self.pending = bytearray()
        self.rectified: dict[bytes, list[tuple[int, bytes, int]]] = {}  # entry: by which, about whom, which fields
        self.line: dict[str, str] | None = None
        self._advance()

    def take(self, sequence: int, entry: dict[str, Any], contact: bytes) -> None:
        """Judge the evidence of *entry*."""
        if entry["kind"] == "evidence.rectified":
            self._rectify(sequence, entry, contact)
        commitments, mask, last = entry["commitments"], 0, ""
        for name in commitments:
            mask |= self.bits.get(name, 0)
            self.closed += name not in self.bits
        while self.line and self.line["entry"] == entry["id"]:
            name = self.line["field"]
            self._open(self.line, commitments, last)
            mask, last = mask & ~self.bits.get(name, 0), name
            self._advance()
        if mask:
            self.pending += _PENDING.pack(bool(contact), contact, _key(entry["id"]), sequence, mask)

    def _rectify(self, sequence: int, entry: dict[str, Any], contact: bytes) -> None:
        """Note which fields of which entries this one took out or replaced; it excuses no others."""
        removed = entry["details"].get("removed", [])
        removed = removed if isinstance(removed, list) else []
        names = {*entry["commitments"], *(name for name in removed if isinstance(name, str))}
        bits = sum(bit for name, bit in self.bits.items() if name in names)
        for ref in entry["refs"]:
            if _ID.match(ref):
                self.rectified.setdefault(_key(ref), []).append((sequence, contact, bits))

    def finish(self, erased: Mapping[bytes, int]) -> None:
        """Judge what was not opened, now that every erasure is known."""
        for about, contact, key, sequence, mask in _PENDING.iter_unpack(self.pending):
            gone = mask if about and erased.get(contact, -1) > sequence else 0
            for later, whose, bits in self.rectified.get(key, ()):
                if later > sequence and whose in (b"", contact if about else b""):
                    gone |= bits & mask
            self.erased += bin(gone).count("1")
            fields = [name for name, bit in self.bits.items() if bit & mask & ~gone]
            if not fields:
                continue
            self.missing += len(fields)
            text = f"entry {_spelled(key)} ({sequence}): {', '.join(fields)} MISSING"
            self.tally.add(f"{text}, and no later entry of this bundle erases or rectifies it", sequence)
        while self.line:
            self.tally.add(f"line {self.number}: no entry that follows in this bundle is {self.line['entry']}", 2**63)
            self._advance()

    def _open(self, line: dict[str, str], commitments: Mapping[str, str], last: str) -> None:
        name, place = line["field"], f"line {self.number}, {line['field']} of entry {line['entry']}"
        self.opened += 1
        if name not in self.bits:
            self.tally.add(f"{place}: this field was not asked for")
        if name <= last:
            self.tally.add(f"{place}: out of order, or twice")
        if commitments.get(name) != commitment(name, bytes.fromhex(line["salt"]), line["value"].encode()):
            self.tally.add(f"{place}: the value is not what the entry is bound to")

    def _advance(self) -> None:
        """Go to the next line that can be read."""
        self.line = None
        for text in self.source:
            self.number += 1
            try:
                self.line = _evidence_line(text)
            except ValueError:
                self.tally.add(f"line {self.number} of evidence.ndjson is malformed")
                continue
            return


def commitment(name: str, salt: bytes, value: bytes) -> str:
    """Return what binds the evidence *value* to an entry, in hex."""
    return hashlib.sha256(b"consent-ledger/commit/v1\0" + name.encode() + b"\0" + salt + value).hexdigest()


def _evidence_line(text: bytes) -> dict[str, str]:
    line = strict_json(text)
    if not isinstance(line, dict) or line.keys() != {"entry", "field", "salt", "value"}:
        raise ValueError("a line of evidence has four keys")
    if not all(isinstance(value, str) for value in line.values()) or not _HASH.match(line["salt"]):
        raise ValueError("its values are text, and the salt 32 bytes in hex")
    line["value"].encode(), line["field"].encode()  # half a character raises ValueError
    return line


def _key(id_: str) -> bytes:
    return bytes.fromhex(id_.replace("-", ""))


class Contents:
    """The checks that read entries, all in one pass: CANONICAL, CONTACT-CHAINS, TIME, EVIDENCE."""

    def __init__(self, origin: str, chains: Chains, clock: Clock, evidence: Evidence) -> None:
        """Check entries of the log *origin*."""
        self.origin, self.chains, self.clock, self.evidence = origin, chains, clock, evidence
        self.canonical = Tally("canonical")

    def take(self, sequence: int, body: bytes, leaf: bytes) -> None:
        """Check one entry. One that cannot be read at all is only counted as not canonical."""
        try:
            entry = json.loads(body)
        except (ValueError, RecursionError):
            self.canonical.add(f"sequence {sequence}: it is not JSON in UTF-8", sequence)
            return
        if problem := shape(entry):
            self.canonical.add(f"sequence {sequence}: {problem}", sequence)
            return
        if problem := style(entry, body, self.origin):
            self.canonical.add(f"sequence {sequence}, entry {entry['id']}: {problem}", sequence)
        contact = binascii.a2b_base64(entry["contact"].translate(_URLSAFE) + "==") if entry["contact"] else b""
        self.chains.take(sequence, entry, contact, leaf)
        self.clock.take(sequence, entry)
        self.evidence.take(sequence, entry, contact)

    def finish(self) -> None:
        """Judge what only the end can show."""
        self.chains.finish()
        self.evidence.finish(self.chains.erased)


_URLSAFE = {ord("-"): "+", ord("_"): "/"}

# ---- The answer -----------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """One line of the answer."""

    line: str
    result: str
    text: str


class Finding(NamedTuple):
    """What is wrong, below the line that says so."""

    line: str
    finding: str
    text: str


class Report:
    """The answer: lines, findings, and from them the verdict."""

    def __init__(self) -> None:
        """Start with no line."""
        self.lines: list[Line] = []
        self.findings: list[Finding] = []
        self.limits: list[str] = []
        self.about: dict[str, Any] = {"origin": None, "size": None, "root": None, "scope": None}
        self.reason = ""  # of UNUSABLE
        self.unchecked = ""  # what was asked for, and this bundle cannot show

    def line(self, name: str, result: str, text: str, *tallies: Tally) -> None:
        """Add a line. It fails if any of *tallies* counted something."""
        wrong = [tally for tally in tallies if tally.count]
        self.lines.append(Line(name, FAIL if wrong else result, text))
        self.findings += [Finding(name, tally.finding, tally.text()) for tally in wrong]

    @property
    def verdict(self) -> str:
        """The last line of the answer."""
        failed = {line.line for line in self.lines if line.result == FAIL}
        if self.reason or failed - {"WITNESS"}:
            return UNUSABLE if self.reason else TAMPERED
        if self.unchecked:
            return UNUSABLE
        return UNWITNESSED if failed else SOUND

    def spoken(self) -> Iterator[str]:
        """Yield the lines to print."""
        name = max((len(line.line) for line in self.lines), default=0)
        text = max((len(line.text) for line in self.lines), default=0)
        for line in self.lines:
            yield f"{line.line:<{name}}  {line.text:.<{text}}.. {line.result}"
            yield from (f"    {f.finding}: {f.text}" for f in self.findings if f.line == line.line)
        yield from self.limits
        yield self.verdict

    def as_json(self) -> str:
        """Return the answer as one JSON object."""
        findings = [{"finding": f.finding, "text": f.text} for f in self.findings]
        if reason := self.reason or (self.unchecked if self.verdict == UNUSABLE else ""):
            findings.append({"finding": "unusable", "text": reason})
        answer = {"verdict": self.verdict, "exit": EXIT[self.verdict], **self.about}
        said = {"lines": [line._asdict() for line in self.lines], "findings": findings, "limits": self.limits}
        return json.dumps({**answer, **said})


class Given(NamedTuple):
    """What the auditor gave."""

    keys: Sequence[Key]
    witnesses: Sequence[Key]
    kept: Sequence[Kept]
    require_witness: bool
    quick: bool


class Manifest(NamedTuple):
    """What the bundle says about itself. It is not signed, and proves nothing."""

    scope: str
    evidence: Sequence[str]
    origin: str
    size: int
    root: str
    files: Mapping[str, str]


class Head(NamedTuple):
    """The checkpoint of the bundle, and which of the keys that were given signed it."""

    checkpoint: Checkpoint | None
    signed: Sequence[Signed]


def check(bundle: Bundle, given: Given) -> Report:
    """Return the whole answer about *bundle*. Raises Unusable."""
    report, manifest = Report(), _manifest(bundle)
    for name in (*NEEDED, *([] if manifest.scope == "full" else ["entries.ndjson"])):
        if name not in bundle.names:
            raise Unusable(f"{name} is missing")
    head = _head(report, bundle, manifest, given)
    report.about["scope"] = manifest.scope
    _witness(report, head, given)
    if head.checkpoint is None:
        for name in ("FILES", "ROOT", "COMPLETE", "CANONICAL", "CONTACT-CHAINS", "TIME", "EVIDENCE"):
            report.line(name, SKIPPED, "there is no checkpoint to check against")
        for one in given.kept:
            report.line(f"CONSISTENT-WITH {one.head.size}", SKIPPED, "there is no checkpoint to check against")
        return report
    checkpoint = head.checkpoint
    foreign = [one.file for one in given.kept if one.head.origin != checkpoint.origin]
    if foreign and report.verdict != TAMPERED:  # a mistake of the auditor, not of the ledger
        raise Unusable(f"--checkpoint {foreign[0]} is of another log than the bundle")
    report.about.update(size=checkpoint.size, root=_in_base64(checkpoint.root), origin=checkpoint.origin)
    _Check(report, bundle, manifest, checkpoint, given).run()
    report.limits += _limits(manifest.scope, given) if report.verdict in (SOUND, UNWITNESSED) else []
    return report


def _manifest(bundle: Bundle) -> Manifest:
    text = read(bundle, "manifest.json", MANIFEST)
    try:
        found = strict_json(text)
    except ValueError as error:
        raise Unusable(f"manifest.json is not JSON: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Unusable(f"manifest.json does not say that this is a {FORMAT}")
    values: Any = [found.get(name) for name in Manifest._fields]
    manifest = Manifest(*values)
    files, asked = manifest.files, manifest.evidence
    if manifest.scope not in ("full", "contact", "selection") or not isinstance(files, dict):
        raise Unusable("manifest.json names no scope that is known, or lists no files")
    if not all(isinstance(name, str) and _matches(_HASH, digest) for name, digest in files.items()):
        raise Unusable("manifest.json lists a file without its SHA-256")
    if not isinstance(asked, list) or len(asked) > 64 or not all(_matches(_KEY, name) for name in asked):
        raise Unusable("manifest.json does not say which evidence was asked for")
    return manifest


def _head(report: Report, bundle: Bundle, manifest: Manifest, given: Given) -> Head:
    """SIGNATURE: the checkpoint is signed by a key that was given, and the origin is the name of that key."""
    tally, checkpoint, signed = Tally("signature"), None, []
    note = read(bundle, "checkpoint", SMALL)
    try:
        text, signatures = split_note(note)
        checkpoint = parse_checkpoint(text)
        signed = signers(text, signatures, (*given.keys, *given.witnesses))
    except BadNote as error:
        tally.add(f"checkpoint: {error}")
    ours = [one.key for one in signed if one.key.kind == LOG_KEY]
    if checkpoint and not tally.count:
        if not ours:
            hint = f". {REPLACED}" if _lists_key_of(bundle, checkpoint.origin) else ""
            tally.add(f"checkpoint: none of its signatures is by a key given with --key{hint}")
        elif not any(key.name == checkpoint.origin for key in ours):
            tally.add(f"checkpoint: its origin {checkpoint.origin} is not the name of the key that signed it")
        if checkpoint.origin != manifest.origin:
            tally.add("checkpoint: its origin is not that of manifest.json")
    by = ", ".join(f"{key.name}+{key.id.hex()}" for key in ours) or "nobody known"
    report.line("SIGNATURE", OK, f"size {checkpoint.size if checkpoint else 'unknown'}, signed by {by}", tally)
    return Head(checkpoint, signed)


def _lists_key_of(bundle: Bundle, origin: str) -> bool:
    """Return whether vkeys.txt names a key of the log *origin*: no proof of anything, only a reason for a hint."""
    try:
        texts = read(bundle, "vkeys.txt", SMALL).decode(errors="replace").split("\n")
    except Unusable:
        return False
    for text in texts:
        try:
            key = parse_vkey(text.strip())
        except ValueError:
            continue
        if (key.name, key.kind) == (origin, LOG_KEY):
            return True
    return False


def _witness(report: Report, head: Head, given: Given) -> None:
    """WITNESS: every witness that was named has signed the checkpoint as well."""
    seen = {one.key for one in head.signed}
    absent = [key.name for key in given.witnesses if key not in seen]
    if given.witnesses:
        text = f"{len(given.witnesses) - len(absent)} of {len(given.witnesses)} named witnesses signed the checkpoint"
    else:
        text = "none asked"
    tally = Tally("witness")
    if given.require_witness:
        for name in absent if given.witnesses else ["anybody; no witness was named with --witness"]:
            tally.add(f"checkpoint: not signed by {name}")
    report.line("WITNESS", NOT_CLAIMED if absent or not given.witnesses else OK, text, tally)


def _limits(scope: str, given: Given) -> Iterator[str]:
    held = max((one.head.size for one in given.kept), default=None)
    if held is None:
        yield (
            "No kept checkpoint was given: whoever has the signing key could have rebuilt the whole ledger, "
            "and this check would not show it."
        )
    else:
        yield f"It cannot show changes to what is newer than the last checkpoint you hold (size {held})."
    yield "It cannot show what was never recorded."
    if scope == "contact":
        yield "The newest entries of a contact may be left out; only a full bundle excludes that."
    if scope == "selection":
        yield "Other entries exist that are not in this selection; only a full bundle shows them."
    if given.quick:
        yield "It was a quick check: what entries say, their order per contact and the evidence were not looked at."


def _in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


# ---- FILES to CONSISTENT-WITH ---------------------------------------------------------------------------------

_MOST_SIGNATURES_OF_OLD = 200  # of earlier checkpoints; each takes milliseconds


class Earlier(NamedTuple):
    """One line of checkpoints.ndjson."""

    size: int
    proof: Sequence[bytes]
    note: bytes


class _Check:
    """One bundle under its checkpoint. Everything that reads entries happens in one pass over them."""

    def __init__(
        self, report: Report, bundle: Bundle, manifest: Manifest, checkpoint: Checkpoint, given: Given
    ) -> None:
        self.report, self.bundle, self.manifest, self.head, self.given = report, bundle, manifest, checkpoint, given
        self.root, self.complete = Tally("root"), Tally("complete")
        self.chain, self.time, self.evidence = Tally("chain"), Tally("time"), Tally("evidence")
        self.old_roots: dict[int, bytes] = {}  # recomputed, for the sizes of the kept checkpoints
        self.found = 0

    def run(self) -> None:
        """Check, and report line by line."""
        contents = None if self.given.quick else self._contents()
        self._files()
        if self.manifest.scope == "full":
            self._full(contents)
        else:
            self._proved(contents)
        self._structure()
        if contents:
            contents.finish()
            self._said(contents)
        else:
            for name in ("CANONICAL", "CONTACT-CHAINS", "TIME", "EVIDENCE"):
                self.report.line(name, SKIPPED, "--quick")
        self._consistency()

    def _contents(self) -> Contents:
        chains = Chains(self.manifest.scope, self.chain)
        evidence = Evidence(self.manifest.evidence, lines(self.bundle, "evidence.ndjson"), self.evidence)
        return Contents(self.head.origin, chains, Clock(self.given.kept, self.time), evidence)

    # FILES

    def _files(self) -> None:
        if self.given.quick:
            self.report.line("FILES", SKIPPED, "--quick")
            return
        tally, listed = Tally("files"), self.manifest.files
        for name in sorted(listed):
            if problem := self._file(name):
                tally.add(f"{name} {problem}")
        for name in sorted(self.bundle.names - listed.keys() - {"manifest.json"}):
            tally.add(f"{name} is not listed in manifest.json")
        said = (self.manifest.origin, self.manifest.size, self.manifest.root)
        if said != (self.head.origin, self.head.size, _in_base64(self.head.root)) or said[1] is True:
            tally.add("manifest.json gives another origin, size or root than the checkpoint")
        earlier = self._earlier_checkpoints(tally)
        text = f"{len(listed)} files are those of manifest.json; {earlier} earlier checkpoints lead to this one"
        self.report.line("FILES", OK, text, tally)

    def _file(self, name: str) -> str:
        if name == "manifest.json" or name not in self.bundle.names:
            return "is listed in manifest.json, and missing"
        if (digest := self._digest(name)) != self.manifest.files[name]:
            return "is not the file that manifest.json lists"
        wrong_name = name.startswith("notices/") and name != f"notices/{digest}.txt"
        return "is not named after its SHA-256" if wrong_name else ""

    def _digest(self, name: str) -> str:
        if name.endswith(".ndjson"):
            digest = hashlib.sha256()
            for line in lines(self.bundle, name):
                digest.update(line)
            return digest.hexdigest()
        return hashlib.sha256(read(self.bundle, name, _limit(name))).hexdigest()

    def _earlier_checkpoints(self, tally: Tally) -> int:
        last, number = -1, 0
        for number, line in enumerate(lines(self.bundle, "checkpoints.ndjson"), 1):
            try:
                earlier = _earlier(line)
                self._check_earlier(earlier, self.given.keys if number <= _MOST_SIGNATURES_OF_OLD else ())
                if earlier.size <= last:
                    raise BadNote("it does not stand in order of size")
                last = earlier.size
            except ValueError as error:
                why = str(error) if isinstance(error, BadNote) else "it is malformed"
                tally.add(f"line {number} of checkpoints.ndjson: {why}")
        return number

    def _check_earlier(self, earlier: Earlier, keys: Sequence[Key]) -> None:
        text, signatures = split_note(earlier.note)
        old = parse_checkpoint(text)
        signers(text, signatures, keys)
        if (old.size, old.origin) != (earlier.size, self.head.origin):
            raise BadNote("its note is of another size or log")
        if not consistent(earlier.proof, old, self.head):
            raise BadNote("its proof does not lead to the checkpoint of this bundle")

    # ROOT and COMPLETE

    def _full(self, contents: Contents | None) -> None:
        """Hash every entry, tile by tile, compare with the tiles of hashes, and build the tree above them."""
        tree, kept = Tree(self._compare_tile), sorted({one.head.size for one in self.given.kept})
        full, rest = divmod(self.head.size, WIDTH)
        leaves: list[bytes] = []
        present = self._entry_tiles()
        for index in present:
            width = WIDTH if index < full else rest
            leaves = self._entry_tile(index, width, contents)
            self._compare_tile(0, index, leaves)
            start, self.found = index * WIDTH, self.found + len(leaves)
            if start + len(leaves) == self.found:  # nothing was missing so far
                for size in (size for size in kept if start < size <= self.found):
                    self.old_roots[size] = tree.root(leaves[: size - start])
            if len(leaves) == WIDTH:
                tree.add(leaves)
        last = leaves if len(leaves) < WIDTH else []
        self.old_roots[0] = EMPTY_ROOT
        if self.found != self.head.size:
            self.complete.add(f"the bundle has {self.found} entries, and the checkpoint is over {self.head.size}")
        if self.found != self.head.size or (root := tree.root(last)) != self.head.root:
            computed = "cannot be computed" if self.found != self.head.size else f"is {_in_base64(root)}"
            self.root.add(f"the root over the entries {computed}, and not the one that was signed", 2**63)
        tree.finish()

    def _entry_tiles(self) -> list[int]:
        """Return the indices of the tiles of entries that are there, and count those that are missing or too many."""
        present = []
        for name in self.bundle.names:
            if name.startswith("tile/"):
                level, index, width = _parse_tile(name)
                full, rest = divmod(self.head.size >> 8 * max(level, 0), WIDTH)
                if not (index < full if width == WIDTH else (index, width) == (full, rest) and width):
                    wrong = self.complete if level < 0 else self.root
                    wrong.add(f"{name} is not a tile of a tree of this size", 2**62)
                elif level < 0:
                    present.append(index)
        present.sort()
        full, rest = divmod(self.head.size, WIDTH)
        if len(present) < full + (rest > 0):
            gap = next((place for place, index in enumerate(present) if place != index), len(present))
            path = tile_path("entries", gap, WIDTH if gap < full else rest)
            self.complete.add(f"{path} is missing, of {full + (rest > 0)} tiles of entries {len(present)} are here")
        return present

    def _entry_tile(self, index: int, width: int, contents: Contents | None) -> list[bytes]:
        leaves: list[bytes] = []
        path = tile_path("entries", index, width)
        content, sha, at, sequence = read(self.bundle, path, ENTRY_TILE), hashlib.sha256, 0, index * WIDTH
        while at + 2 <= len(content) and len(leaves) <= WIDTH:
            end = at + 2 + (content[at] << 8 | content[at + 1])
            if end > len(content):
                break
            body = content[at + 2 : end]
            leaves.append(leaf := sha(b"\0" + body).digest())
            if contents:
                contents.take(sequence, body, leaf)
            at, sequence = end, sequence + 1
        if at != len(content) or len(leaves) != width:
            self.complete.add(f"{path} does not hold exactly {width} whole entries", index)
        return leaves

    def _compare_tile(self, level: int, index: int, hashes: Sequence[bytes]) -> None:
        path = tile_path(level, index, len(hashes))
        stored = read(self.bundle, path, HASH_TILE) if path in self.bundle.names else None
        if stored != b"".join(hashes):
            why = "is missing" if stored is None else "is not made of the hashes of what lies below it"
            self.root.add(f"{path} {why}{_first_difference(stored, hashes, index, level)}", level * 2**48 + index)

    def _proved(self, contents: Contents | None) -> None:
        """Check the proof of each entry of a contact or a selection."""
        last = -1
        for number, line in enumerate(lines(self.bundle, "entries.ndjson"), 1):
            try:
                sequence, body, proof = _proved_entry(line)
            except ValueError:
                self.root.add(f"line {number} of entries.ndjson is not an entry with its proof")
                continue
            leaf = leaf_hash(body)
            if not included(proof, sequence, leaf, self.head):
                self.root.add(f"sequence {sequence}: its proof does not lead to the root that was signed", sequence)
                if not 0 <= sequence < self.head.size:
                    continue
            if sequence <= last:
                self.root.add(f"sequence {sequence}: it stands twice, or out of order", sequence)
            last, self.found = sequence, self.found + 1
            if contents:
                contents.take(sequence, body, leaf)

    # The lines about entries

    def _structure(self) -> None:
        if self.manifest.scope == "full":
            self.report.line("ROOT", OK, f"computed from {self.found} entries", self.root)
            text = f"{self.found} of {self.head.size} entries are here"
            self.report.line("COMPLETE", OK, text, self.complete)
            return
        self.report.line("ROOT", OK, f"{self.found} entries are proved to be in the ledger", self.root)
        self.report.line("COMPLETE", NOT_CLAIMED, f"{self.found} of {self.head.size} entries are here")

    def _said(self, contents: Contents) -> None:
        self.report.line("CANONICAL", OK, f"{self.found} entries in the one form allowed", contents.canonical)
        chains = f"{contents.chains.contacts} contacts"
        if self.manifest.scope == "selection":
            self.report.line("CONTACT-CHAINS", NOT_CLAIMED, f"parts of the chains of {chains}", self.chain)
        else:
            left_out = "; their newest entries could be left out" if self.manifest.scope == "contact" else ""
            text = f"the entries of {chains} are numbered without a gap and name each other{left_out}"
            self.report.line("CONTACT-CHAINS", OK, text, self.chain)
        times = len(contents.clock.marks)
        self.report.line("TIME", OK if times else NOT_CLAIMED, f"{times} kept checkpoints with a known time", self.time)
        said = contents.evidence
        asked = ", ".join(said.asked) or "nothing"
        counts = f"{said.opened} opened, {said.closed} not opened, {said.erased} erased, {said.missing} MISSING"
        counts += f" (asked for: {asked})"
        self.report.line("EVIDENCE", OK if said.asked else NOT_CLAIMED, counts, self.evidence)

    # CONSISTENT-WITH

    def _consistency(self) -> None:
        wanted = {one.head.size for one in self.given.kept} if self.manifest.scope != "full" else set()
        proofs = self._proofs(wanted - {0, self.head.size})
        for one in self.given.kept:
            rollback, inconsistent = Tally("rollback"), Tally("inconsistent")
            name = f"CONSISTENT-WITH {one.head.size}"
            if one.head.size in wanted and 0 < one.head.size < self.head.size and one.head.size not in proofs:
                self.report.unchecked += f"{'; ' if self.report.unchecked else ''}{self._where_to_ask(one)}"
                self.report.line(name, NOT_CLAIMED, f"nothing in this bundle shows that it continues {one.file}")
                continue
            if one.head.size > self.head.size:
                rollback.add(f"{one.file}: you hold a checkpoint of {one.head.size} entries; this one has fewer")
            elif problem := self._contradiction(one.head, proofs):
                inconsistent.add(f"{one.file}: {problem}")
            self.report.line(name, OK, f"the ledger of {one.file} is the beginning of this one", rollback, inconsistent)

    def _where_to_ask(self, one: Kept) -> str:
        return (
            f"nothing in this bundle shows that it continues {one.file}: ask for a full bundle, or for one made with "
            f"`consent export --checkpoint {one.file}`, or for the proof at "
            f"/ledger/consistency?from={one.head.size}&to={self.head.size}"
        )

    def _contradiction(self, old: Checkpoint, proofs: Mapping[int, Sequence[bytes]]) -> str:
        if old.origin != self.head.origin:
            return "your checkpoint is of another log"
        if self.manifest.scope == "full":
            same = self.old_roots.get(old.size) == old.root
        elif old.size in (0, self.head.size):
            same = consistent((), old, self.head)
        else:
            same = consistent(proofs[old.size], old, self.head)
        return "" if same else f"the first {old.size} entries are not those of your checkpoint"

    def _proofs(self, sizes: set[int]) -> dict[int, Sequence[bytes]]:
        found: dict[int, Sequence[bytes]] = {}
        for line in lines(self.bundle, "checkpoints.ndjson") if sizes else ():
            try:
                earlier = _earlier(line)
            except ValueError:  # FILES counts it
                continue
            if earlier.size in sizes:
                found[earlier.size] = earlier.proof
        return found


def _limit(name: str) -> int:
    if name.startswith("tile/"):
        return ENTRY_TILE if name.startswith("tile/entries/") else HASH_TILE
    return SMALL if name in ("checkpoint", "vkeys.txt") else OTHER


_TILE = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?\Z")


def _parse_tile(name: str) -> tuple[int, int, int]:
    """Return level, index and width of the tile *name*; level -1 for entries, width 0 for what is no tile."""
    found = _TILE.match(name)
    if not found:
        return -1 if name.startswith("tile/entries/") else 0, 0, 0
    level = -1 if found[1] == "entries" else int(found[1])
    index, width = int(found[2].replace("x", "").replace("/", "")), int(found[3] or WIDTH)
    one_spelling = tile_path(found[1] if level < 0 else level, index, width) == name
    return level, index, width if one_spelling else 0


def _first_difference(stored: bytes | None, hashes: Sequence[bytes], index: int, level: int) -> str:
    if stored is None or level:
        return ""
    place = next((at for at, hash_ in enumerate(hashes) if stored[32 * at : 32 * at + 32] != hash_), len(hashes))
    return f", first at sequence {index * WIDTH + place}"


def _earlier(line: bytes) -> Earlier:
    found = strict_json(line)
    if not isinstance(found, dict) or found.keys() != {"created_at", "note", "proof", "size"}:
        raise ValueError("a line has four keys")
    size, note, proof, created = found["size"], found["note"], found["proof"], found["created_at"]
    if type(size) is not int or not isinstance(note, str) or not isinstance(proof, list):
        raise ValueError("its values are a size, a note and a proof")
    if created is not None and not (isinstance(created, str) and _is_time(created)):
        raise ValueError("created_at is a time or null")
    return Earlier(size, [strict_base64(one) for one in proof], note.encode())


def _proved_entry(line: bytes) -> tuple[int, bytes, list[bytes]]:
    found = strict_json(line)
    if not isinstance(found, dict) or found.keys() != {"body", "proof", "sequence"}:
        raise ValueError("a line has three keys")
    if type(found["sequence"]) is not int or not isinstance(found["proof"], list):
        raise ValueError("its values are a number, a body and a proof")
    return found["sequence"], strict_base64(found["body"]), [strict_base64(one) for one in found["proof"]]


# ---- The command: the only place that opens files -------------------------------------------------------------

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
PROGRAM = "verify.py" if __name__ == "__main__" else "consent verify"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise Unusable(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the bundle that the command line names, print the answer and return the exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        report = _answer(words)
    except SystemExit as done:  # --help
        return int(done.code or 0)
    except Unusable as reason:
        report = Report()
        report.reason = _printable(str(reason)) or "unusable"
    except Exception as error:  # a stranger's bytes must not end in a traceback
        report = Report()
        report.reason = _printable(f"unexpected {type(error).__name__}: {error}")
    try:
        _print(report, as_json="--json" in words)
    except OSError as error:  # a full disk, or a reader that went away: not a word about the ledger was said
        sys.stdout = None  # or Python tries once more as it ends
        _complain(f"the answer could not be written: {error}")
        return EXIT[UNUSABLE]
    return EXIT[report.verdict]


def _print(report: Report, *, as_json: bool) -> None:
    if reason := report.reason or (report.unchecked if report.verdict == UNUSABLE else ""):
        _complain(_printable(reason))
    if sys.stdout is None:
        raise OSError("there is no standard output")
    for line in [report.as_json()] if as_json else report.spoken():
        print(_printable(line))
    sys.stdout.flush()


def _complain(text: str) -> None:
    try:
        if sys.stderr is not None:  # print would take stdout instead
            print(f"{PROGRAM}: {text}", file=sys.stderr, flush=True)
    except OSError:
        sys.stderr = None  # the exit status says it still


def _answer(words: Sequence[str]) -> Report:
    options = _options(words)
    keys = [_key_given(text, LOG_KEY, "--key") for text in dict.fromkeys(options.key)]
    witnesses = [_key_given(text, WITNESS_KEY, "--witness") for text in dict.fromkeys(options.witness)]
    kept = [_kept(text, keys, witnesses) for text in options.checkpoint]
    given = Given(keys, witnesses, kept, options.require_witness, options.quick)
    if _is_folder(options.bundle):
        return check(Bundle(_names_of_folder(options.bundle), lambda name: _open(f"{options.bundle}/{name}")), given)
    try:
        _open(options.bundle).close()
        archive = zipfile.ZipFile(options.bundle)
    except _UNREADABLE as error:
        raise Unusable(f"{options.bundle} is neither a folder with a manifest.json nor a zip: {error}") from None
    with archive:
        return check(Bundle(_names_of_zip(archive), lambda name: _buffered(archive, name)), given)


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog=PROGRAM, description="Check a bundle of the ledger, offline.", allow_abbrev=False)
    parser.add_argument("bundle", metavar="BUNDLE", help="a zip file or a folder")
    parser.add_argument("--key", metavar="VKEY", action="append", required=True, help="public key of the log")
    parser.add_argument(
        "--checkpoint",
        metavar="OLD[@TIME]",
        action="append",
        default=[],
        help="a checkpoint you kept, and when you got it",
    )
    parser.add_argument("--witness", metavar="VKEY", action="append", default=[], help="public key of a witness")
    parser.add_argument("--require-witness", action="store_true", help="exit with 3 unless all witnesses signed")
    parser.add_argument("--quick", action="store_true", help="only signatures, root, completeness, consistency")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(words)


def _key_given(text: str, kind: int, option: str) -> Key:
    try:
        key = parse_vkey(text)
    except ValueError as error:
        raise Unusable(f"{option} {text}: {error}") from None
    if key.kind != kind:
        raise Unusable(f"{option} {text}: this is the key of a {'log' if key.kind == LOG_KEY else 'witness'}")
    return key


def _kept(text: str, keys: Sequence[Key], witnesses: Sequence[Key]) -> Kept:
    """Return the checkpoint that the auditor kept in a file, with the time he states or a witness signed."""
    path, at, stated = text.rpartition("@")
    time = parse_time(stated) if at else None
    path = path if time else text
    try:
        with _open(path) as stream:
            note = stream.read(SMALL + 1)
        if len(note) > SMALL:
            raise BadNote("it is too large")
        body, signatures = split_note(note)
        head, signed = parse_checkpoint(body), signers(body, signatures, (*keys, *witnesses))
    except (OSError, ValueError) as error:
        raise Unusable(f"--checkpoint {path}: {error}") from None
    if not any(one.key.kind == LOG_KEY and one.key.name == head.origin for one in signed):
        raise Unusable(f"--checkpoint {path}: it is not signed by a key given with --key. {REPLACED}")
    return Kept(path, head, time or max((one.time for one in signed if one.time), default=None))


def parse_time(text: str) -> datetime | None:
    """Return the time that *text* states as RFC 3339 has it, with a zone; None if it does not."""
    if not (found := _RFC3339.match(text)):
        return None
    date, clock, fraction, zone = found.groups()
    zone = "+00:00" if zone in "Zz" else zone
    try:
        time = datetime.fromisoformat(f"{date}T{clock}.{(fraction or '0')[:6]:0<6}{zone}")
        return time.astimezone(timezone.utc) if 1 < time.year < 9999 else None
    except (ValueError, OverflowError):
        return None


def _is_folder(path: str) -> bool:
    try:
        _open(f"{path}/manifest.json").close()
    except (OSError, ValueError):
        return False
    return True


def _open(path: str) -> BinaryIO:
    """Open a file; a pipe or a device would be waited for without end."""
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{path} is not there, or is no file")
    return open(path, "rb")  # noqa: SIM115


def _buffered(archive: zipfile.ZipFile, name: str) -> BinaryIO:
    return io.BufferedReader(archive.open(name), 1 << 16)  # type: ignore[type-var]


def _printable(text: str) -> str:
    """Return *text* in ASCII, for any terminal; control characters that a stranger put into names are spelled out."""
    return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text)


if __name__ == "__main__":
    sys.exit(main())
