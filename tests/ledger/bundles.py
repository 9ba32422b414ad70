"""A log in memory, the bundles that are made of it, and the ways to put them on a disk: for the tests of the verifier.

Nothing here is shared with the code that writes bundles for real, so the two can disagree.
"""

import base64
import contextlib
import hashlib
import io
import json
import re
import struct
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.ledger import entries, merkle, tiles, verify
from consent.ledger.entries import Entry

ORIGIN = "consent.example/ledger"
START = datetime(2026, 11, 1, tzinfo=UTC)
SALT = bytes(range(32))


@dataclass(frozen=True)
class Signer:
    """A private key under a name; *kind* is 1 for a log and 4 for a witness."""

    name: str = ORIGIN
    seed: bytes = bytes([7]) * 32
    kind: int = 1

    @property
    def material(self):
        return bytes([self.kind]) + Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def id(self):
        return hashlib.sha256(self.name.encode() + b"\n" + self.material).digest()[:4]

    @property
    def vkey(self):
        return f"{self.name}+{self.id.hex()}+{b64(self.material)}"

    def line(self, text, at=None):
        """Return the signature line for *text*; a witness says the time *at*."""
        key, message, stamp = Ed25519PrivateKey.from_private_bytes(self.seed), text.encode(), b""
        if self.kind == 4:
            stamp = struct.pack(">Q", int(at.timestamp()))
            message = f"cosignature/v1\ntime {int(at.timestamp())}\n".encode() + message
        return f"— {self.name} {b64(self.id + stamp + key.sign(message))}\n"


LOG = Signer()
THIEF = Signer(seed=bytes([9]) * 32)
WITNESS = Signer("witness.example/one", bytes([1]) * 32, 4)
WITNESS_2 = Signer("witness.example/two", bytes([2]) * 32, 4)


def b64(content):
    return base64.b64encode(content).decode()


def json_line(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def contact_id(name):
    return base64.urlsafe_b64encode(hashlib.sha256(str(name).encode()).digest()[:16]).rstrip(b"=").decode()


@dataclass
class Log:
    """Entries in order, their evidence, and the sizes at which checkpoints were published."""

    origin: str = ORIGIN
    bodies: list = field(default_factory=list)
    evidence: list = field(default_factory=list)  # (entry's id, field, salt, value)
    heads: dict = field(default_factory=dict)

    def add(self, kind, contact=None, evidence=None, at=None, **fields):
        """Append an entry, one minute after the one before, and return its sequence."""
        number = len(self.bodies)
        at = at or START + timedelta(minutes=number)
        if contact is not None:
            cseq, prev = self.heads.get(contact, (0, None))
            fields = {"contact": contact_id(contact), "cseq": cseq + 1, "prev": prev} | fields
        values = {
            name: (hashlib.sha256(f"{number}{name}".encode()).digest(), value)
            for name, value in (evidence or {}).items()
        }
        body = entries.encode(
            Entry(
                **{"id": entry_id(number), "actor": "contact" if contact is not None else "system", "channel": "web"}
                | fields,
                log=self.origin,
                kind=kind,
                occurred_at=at,
                recorded_at=at,
                commitments={
                    name: entries.commit(name, salt, value.encode()) for name, (salt, value) in values.items()
                },
            )
        )
        self.evidence += [(json.loads(body)["id"], name, salt, value) for name, (salt, value) in sorted(values.items())]
        if contact is not None:
            self.heads[contact] = (cseq + 1, entries.leaf_hash(body).hex())
        self.bodies.append(body)
        return number

    def erase(self, contact):
        """Append the erasure of *contact* and delete what evidence there is."""
        number = self.add("contact.erased", contact, details={"reason": "request"})
        mine = {entry_id(s) for s in of_contact(self, contact)}
        self.evidence = [one for one in self.evidence if one[0] not in mine]
        return number


def entry_id(number):
    return f"019abcde-{number >> 16 & 0xFFFF:04x}-7{number & 0xFFF:03x}-8{number >> 12 & 0xFFF:03x}-{number:012x}"


def sample(size, contacts=20):
    """Return a log of *size* entries about some *contacts*, and now and then about none."""
    log = Log()
    for number in range(size):
        who = number % contacts
        if number % 50 == 49:
            log.add("notice.published", details={"slug": "footer", "sha256": "0" * 64})
        elif number % 3 == 0:
            log.add(
                "consent.requested",
                who,
                {"email": f"zoé{who}@example.com", "ip": "192.0.2.1"},
                brand="acme",
                topic="acme/news",
            )
        else:
            log.add(
                "consent.given",
                who,
                {"email": f"zoé{who}@example.com"},
                brand="acme",
                language="fr-CA",
                details={"method": "web"},
            )
    return log


class Tree:
    """The tree over *bodies*, and its tiles."""

    def __init__(self, bodies):
        self.size = len(bodies)
        self.levels = [[entries.leaf_hash(body) for body in bodies]]
        while len(self.levels[-1]) >= 256:
            row = self.levels[-1]
            self.levels.append(
                [tiles.perfect_root(b"".join(row[at : at + 256])) for at in range(0, len(row) // 256 * 256, 256)]
            )

    def tile(self, level, index, width):
        return b"".join(self.levels[level][256 * index : 256 * index + width])

    @cached_property
    def read(self):
        return tiles.reader(self.size, self.tile)

    def root(self, size=None):
        return merkle.root(self.size if size is None else size, self.read)

    def proof(self, index):
        return merkle.prove_inclusion(index, self.size, self.read)

    def consistency(self, old):
        return merkle.prove_consistency(old, self.size, self.read) if 0 < old < self.size else []


def head_text(size, root, origin=ORIGIN):
    return f"{origin}\n{size}\n{b64(root)}\n"


def note(size, root, *signers, origin=ORIGIN, at=START):
    """Return the signed checkpoint, by the log's key if no *signers* are named."""
    text = head_text(size, root, origin)
    return text + "\n" + "".join(signer.line(text, at) for signer in signers or (LOG,))


def note_of(log, size=None, *signers, at=START):
    """Return the checkpoint that *log* had at *size*."""
    bodies = log.bodies[:size]
    return note(len(bodies), Tree(bodies).root(), *signers, origin=log.origin, at=at)


def entry_tile(bodies):
    return b"".join(struct.pack(">H", len(body)) + body for body in bodies)


def bundle(log, scope="full", picked=None, opened=("email",), earlier=(0, 3), signers=(LOG,), at=START):
    """Return the files of a bundle of *log* by name. *picked*: the sequences that a contact or a selection holds."""
    tree = Tree(log.bodies)
    files = {
        "checkpoint": note(tree.size, tree.root(), *signers, origin=log.origin, at=at).encode(),
        "vkeys.txt": LOG.vkey.encode() + b"\n",
        "README.en.txt": b"Read me.\n",
        "README.fr.txt": "Lisez-moi, s’il vous plaît.\n".encode(),
        "verify.py": b"print('the verifier')\n",
        "checkpoints.ndjson": b"".join(
            json_line(
                {
                    "created_at": None,
                    "note": note_of(log, old),
                    "proof": [b64(h) for h in tree.consistency(old)],
                    "size": old,
                }
            )
            for old in earlier
        ),
        "evidence.ndjson": evidence_of(log, opened, picked),
    }
    words = b"Yes, send me news.\n"
    files[f"notices/{hashlib.sha256(words).hexdigest()}.txt"] = words
    if scope == "full":
        files |= tiles_of(log.bodies)
    else:
        files["entries.ndjson"] = b"".join(
            json_line({"body": b64(log.bodies[s]), "proof": [b64(h) for h in tree.proof(s)], "sequence": s})
            for s in sorted(picked)
        )
    said = {
        "scope": scope,
        "filter": {},
        "evidence": list(opened),
        "origin": log.origin,
        "size": tree.size,
        "root": b64(tree.root()),
    }
    return seal(files, **said)


def evidence_of(log, opened, picked=None):
    """Return the lines of evidence in the order of the entries; entries that nobody can read have none."""
    places = {}
    for sequence, body in enumerate(log.bodies):
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            places[json.loads(body)["id"]] = sequence
    wanted = {id for id, sequence in places.items() if picked is None or sequence in picked}
    shown = [one for one in log.evidence if one[1] in opened and one[0] in wanted]
    shown.sort(key=lambda one: (places[one[0]], one[1]))
    return b"".join(
        json_line({"entry": id, "field": name, "salt": salt.hex(), "value": value}) for id, name, salt, value in shown
    )


def tiles_of(bodies):
    """Return the tiles of hashes and of entries over *bodies*."""
    tree = Tree(bodies)
    files = {tiles.path(t): tree.tile(t.level, t.index, t.width) for t in tiles.tiles_of(tree.size)}
    for at in range(0, tree.size, 256):
        part = bodies[at : at + 256]
        files[tiles.path(tiles.Tile(tiles.ENTRIES, at // 256, len(part)))] = entry_tile(part)
    return files


def seal(files, **changes):
    """Write the manifest of *files*, as a careful forger would after each change."""
    said = (
        json.loads(files["manifest.json"])
        if "manifest.json" in files
        else {"format": "consent-bundle/1", "made_at": "2026-11-24T00:00:00.000Z"}
    )
    said |= changes
    said["files"] = {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != "manifest.json"
    }
    return files | {"manifest.json": json.dumps(said, sort_keys=True, indent=1).encode()}


def of_contact(log, contact):
    """Return the sequences of the entries about *contact*."""
    return [s for s, body in enumerate(log.bodies) if json.loads(body)["contact"] == contact_id(contact)]


def write_zip(path, files, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_folder(path, files):
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def in_memory(files, keys=(LOG,), kept=(), **options):
    """Return the verifier's report on *files*, without a disk; *kept* are (size, root) or (size, root, time)."""
    given = {"witnesses": (), "require_witness": False, "quick": False} | options
    held = [
        verify.Kept("kept", verify.Checkpoint(ORIGIN, one[0], one[1]), one[2] if len(one) > 2 else None) for one in kept
    ]
    whole = verify.Bundle(frozenset(files), lambda name: io.BytesIO(files[name]))
    return verify.check(whole, verify.Given(keys=[verify.parse_vkey(k.vkey) for k in keys], kept=held, **given))


def plain(said: str) -> str:
    """Return the printed answer without its columns: ``LINE: text: result``."""
    said = re.sub(r"^([A-Z][A-Z-]+(?: [0-9]+)?)  +", r"\1: ", said, flags=re.M)
    return re.sub(r"\.\.+ (ok|FAIL|skipped|not claimed)$", r": \1", said, flags=re.M)
