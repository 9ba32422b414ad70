"""The files of a bundle: an export that a stranger can check, knowing nothing but one public key.

=========================  ===========================================================================================
checkpoint                 the signed head that everything in the bundle is proven against
tile/…                     whole ledger: every tile of the tree, and the entries, in C2SP tlog-tiles layout
entries.ndjson             part of the ledger: each entry with its proof, in the order of the ledger
evidence.ndjson            the personal data that was opened on purpose, with the salts that show it is the right one
notices/<sha256>.txt       the exact words that people were shown
checkpoints.ndjson         heads that were published before, each with the proof that this ledger continues it
vkeys.txt                  the log's public keys, for information: trust only a key that reached you another way
verify.py, README          the check itself, which needs only Python; and how to use it
manifest.json              what was asked for, and the SHA-256 of every other file. Unsigned: it proves nothing
=========================  ===========================================================================================

This module makes lines and names, :mod:`consent.ledger.verify` reads them. Fields may be added, never changed.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from consent.ledger.checkpoint import Checkpoint

FORMAT = "consent-bundle/1"
FULL, CONTACT, SELECTION = "full", "contact", "selection"


def entry_line(sequence: int, body: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the line of an entry of ``entries.ndjson``; *proof* leads from it to the bundle's checkpoint."""
    return _line({"body": _base64(body), "proof": [_base64(found) for found in proof], "sequence": sequence})


def evidence_line(entry: str, field: str, salt: bytes, value: bytes) -> bytes:
    """Return the line of one opened field of *entry*: with salt and value anybody can make its commitment again."""
    return _line({"entry": entry, "field": field, "salt": salt.hex(), "value": value.decode("utf-8")})


def checkpoint_line(size: int, note: str, created_at: str | None, proof: Sequence[bytes]) -> bytes:
    """Return the line of an earlier checkpoint; *proof* shows that the bundle's ledger begins with it."""
    hashes = [_base64(found) for found in proof]
    return _line({"created_at": created_at, "note": note, "proof": hashes, "size": size})


def manifest(
    head: Checkpoint,
    *,
    scope: str,
    filter: Mapping[str, str],
    evidence: Sequence[str],
    made_at: str,
    files: Mapping[str, str],
) -> bytes:
    """Return ``manifest.json``: what was asked for, the head, and the SHA-256 of every other file by its name."""
    found: dict[str, Any] = {
        "format": FORMAT,
        "scope": scope,
        "filter": dict(filter),
        "evidence": list(evidence),
        "origin": head.origin,
        "size": head.size,
        "root": _base64(head.root),
        "made_at": made_at,
        "files": dict(files),
    }
    return json.dumps(found, ensure_ascii=False, indent=1).encode() + b"\n"


def _base64(found: bytes) -> str:
    return base64.b64encode(found).decode()


def _line(found: Mapping[str, Any]) -> bytes:
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
