r"""One entry: its fields, its canonical bytes, its leaf hash and its commitments.

An entry is the exact bytes of one JSON object, UTF-8, keys sorted, no spaces, and holds **no personal data**:
addresses, names and IPs are evidence, bound to the entry by a salted commitment each, so that deleting them
leaves the ledger whole. Example (one line in truth)::

    {"actor":"contact","brand":"acme","channel":"web","commitments":{"email":"a8d3…"},
     "contact":"AAECAwQFBgcICQoLDA0ODw","cseq":3,"details":{"method":"checkbox_unticked","notice_complete":true},
     "form":"footer@7","id":"019abcde-f012-7345-89ab-cdef01234567","kind":"consent.given","language":"fr-CA",
     "log":"consent.example/ledger","notice":"9368…","occurred_at":"2026-11-23T08:45:00.000Z","place":"CA-QC",
     "prev":"e868…","recorded_at":"2026-11-23T08:45:00.123Z","refs":["019a…"],"source":"web_form",
     "topic":"acme/newsletter","v":1}

The law of this format: every key is always there, null where there is nothing. A key is never removed, renamed
or given another meaning; that would be version 2. ``details`` is closed for each kind (:data:`KINDS`): a new
detail may be added, none may change. Times are UTC with milliseconds; integers are below 2^53; there are no
floats, so that every JSON library agrees on the bytes (a profile of RFC 8785).
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

VERSION = 1
LONGEST = 16_384  # bytes of one body; the tile format would allow 65,535
DEEPEST = 6
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")

#: Every kind of entry, and the details that it may carry. Codes, numbers, dates and ids only: text that a
#: person typed is evidence. A kind that begins with ``welcome.`` is a fact of delivery, never of law.
KINDS: Mapping[str, frozenset[str]] = {
    "ledger.opened": frozenset({"vkey", "profile", "old_origin", "old_checkpoint"}),
    "key.rotated": frozenset({"old", "new", "from_size", "reason"}),
    "notice.published": frozenset({"slug", "sha256"}),
    "form.published": frozenset({"slug", "version", "sha256", "topics", "notices"}),
    "consent.requested": frozenset({"method", "notice_complete"}),
    "confirmation.sent": frozenset({"message_id"}),
    "confirmation.touched": frozenset(),
    "consent.given": frozenset(
        {
            "method", "notice_complete", "organization", "evidence", "on_behalf_of", "imported", "collector",
            "conditions_met", "signs",
        }
    ),
    "consent.withdrawn": frozenset({"scope", "organization", "route", "reason", "told"}),
    "relationship.recorded": frozenset(
        {
            "type", "organization", "zone", "ended_at", "evidence", "opt_out_offered", "similar", "registered_charity",
            "by_recipient", "no_spam_notice", "role_relevant", "relationships_ok", "named_in_message",
        }
    ),
    "relationship.ended": frozenset({"type", "zone"}),
    "relationship.voided": frozenset({"type"}),
    "suppression.added": frozenset({"reason", "organization"}),
    "suppression.lifted": frozenset({"reason"}),
    "bounce.received": frozenset({"class", "code", "provider", "stops"}),
    "complaint.received": frozenset({"feedback", "organization", "provider"}),
    "preferences.changed": frozenset({"language"}),
    "renewal.offered": frozenset({"until"}),
    "renewal.sent": frozenset({"message_id"}),
    "welcome.sent": frozenset({"message_id"}),
    "welcome.delivered": frozenset({"message_id"}),
    "welcome.opened": frozenset({"message_id"}),
    "contact.erased": frozenset({"reason"}),
    "evidence.rectified": frozenset({"removed"}),
    "export.made": frozenset({"format", "filters", "rows", "sha256", "size", "scope", "evidence"}),
}  # fmt: skip
ACTORS = re.compile(r"(contact|system|officer:[\w.-]+|key:[\w.-]+|provider:[\w.-]+)\Z")
CHANNELS = frozenset({"web", "one_click", "mail", "phone", "paper", "in_person", "api", "import", "provider"})
EVIDENCE = frozenset(
    {
        "email", "name", "ip", "user_agent", "url", "form_data", "document", "recording", "reference", "row",
        "reason", "provider_event", "subject",
    }
)  # fmt: skip


class BadEntry(ValueError):
    """The entry breaks the format; nothing was written. The message names the field."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the ledger before it is bytes. Field by field as in the module's example."""

    id: str
    log: str
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    contact: str | None = None  # 22 characters that name a person only while our address map does
    cseq: int | None = None  # 1, 2, 3 … within the contact
    prev: str | None = None  # hex leaf hash of the contact's entry before this one
    brand: str | None = None
    topic: str | None = None  # a withdrawal with neither brand nor topic reaches everything
    channel: str | None = None
    source: str | None = None
    form: str | None = None
    notice: str | None = None  # SHA-256 of the exact words that were shown
    language: str | None = None
    place: str | None = None
    refs: Sequence[str] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    commitments: Mapping[str, str] = field(default_factory=dict)
    v: int = VERSION


_NAMES = frozenset(f.name for f in fields(Entry))


def encode(entry: Entry) -> bytes:
    """Return the canonical bytes of *entry*; BadEntry if it breaks the format.

    In this profile ``json.dumps`` gives the bytes of RFC 8785; where the two would differ (floats, keys
    beyond the profile) the entry is refused first.
    """
    _check(entry)
    body = {name: getattr(entry, name) for name in _NAMES}
    body["occurred_at"], body["recorded_at"] = when(entry.occurred_at), when(entry.recorded_at)
    body["refs"], body["details"] = list(entry.refs), dict(entry.details)
    body["commitments"] = dict(entry.commitments)
    _check_value(body, depth=1)
    encoded = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if len(encoded) > LONGEST:
        raise BadEntry(f"The entry is {len(encoded)} bytes long; {LONGEST} are allowed.")
    return encoded


def decode(body: bytes) -> dict[str, Any]:
    """Return the entry in *body* as a dictionary; BadEntry unless encoding it again gives the same bytes."""
    if len(body) > LONGEST:
        raise BadEntry(f"The entry is {len(body)} bytes long; {LONGEST} are allowed.")
    try:
        found = json.loads(body, object_pairs_hook=_without_duplicates)
        again = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadEntry(f"The entry is not JSON in UTF-8: {type(error).__name__}") from None
    if not isinstance(found, dict) or again != body or found.keys() != _NAMES or found["v"] != VERSION:
        raise BadEntry("The entry is not in canonical form, or of another version.")
    _check_value(found, depth=1)
    return found


def leaf_hash(body: bytes) -> bytes:
    """Return the leaf of *body* in the tree: SHA-256(0x00 | body), RFC 6962 s. 2.1."""
    return hashlib.sha256(b"\0" + body).digest()


def commit(field_name: str, salt: bytes, value: bytes) -> str:
    """Return the commitment, in hex, that binds an evidence *value* to its entry.

    SHA-256("consent-ledger/commit/v1" 0x00 field 0x00 salt value), with a *salt* of 32 random bytes of its
    own for each field of each entry: without the salt nobody can test a guess at the value.
    """
    if field_name not in EVIDENCE or len(salt) != 32:
        raise BadEntry(f"{field_name} is no evidence field, or its salt is not 32 bytes.")
    return hashlib.sha256(b"consent-ledger/commit/v1\0" + field_name.encode("ascii") + b"\0" + salt + value).hexdigest()


def when(instant: datetime) -> str:
    """Return *instant* as the ledger writes it: ``2026-11-23T08:45:00.123Z``."""
    if instant.tzinfo is None:
        raise BadEntry("A time without a zone is not an instant.")
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def instant(text: str) -> datetime:
    """Return the instant that :func:`when` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _check(entry: Entry) -> None:
    if entry.kind not in KINDS:
        raise BadEntry(f"{entry.kind} is not a kind of entry.")
    if unknown := entry.details.keys() - KINDS[entry.kind]:
        raise BadEntry(f"{entry.kind} has no detail {', '.join(sorted(map(str, unknown)))}.")
    if not ACTORS.match(entry.actor):
        raise BadEntry(f"{entry.actor} is not an actor.")
    if entry.channel is not None and entry.channel not in CHANNELS:
        raise BadEntry(f"{entry.channel} is not a channel.")
    _check_chain(entry)
    if entry.commitments.keys() - EVIDENCE or not all(map(_is_hash, entry.commitments.values())):
        raise BadEntry("A commitment is 64 hex digits, and none stands for a field that is no evidence.")
    if entry.v != VERSION or isinstance(entry.refs, str):
        raise BadEntry("The entry is of another version, or its refs are not a list.")


def _check_chain(entry: Entry) -> None:
    if (entry.contact is None) != (entry.cseq is None) or (entry.cseq is not None and entry.cseq < 1):
        raise BadEntry("An entry about a contact is numbered 1, 2, 3 …; any other is not numbered.")
    if (entry.prev is None) != (entry.cseq in (None, 1)):
        raise BadEntry("Every entry of a contact but the first names the one before it.")


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and bool(_HASH.match(value))


def _check_value(value: object, depth: int) -> None:
    """Raise BadEntry if *value* is outside the profile in which every JSON library agrees on the bytes."""
    if depth > DEEPEST:
        raise BadEntry(f"The entry is nested deeper than {DEEPEST}.")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not _KEY.match(key):
                raise BadEntry(f"{key!r} is not a key of the format.")
            _check_value(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_value(inner, depth + 1)
    else:
        _check_scalar(value)


def _check_scalar(value: object) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int) and abs(value) < 2**53:
        return
    if isinstance(value, str) and unicodedata.is_normalized("NFC", value):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise BadEntry("The entry holds half a character.")
        return
    raise BadEntry(f"{value!r} is neither text in NFC, an integer below 2^53, true, false nor null.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadEntry("A key stands twice.")
    return found
