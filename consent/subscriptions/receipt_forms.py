"""A receipt in two more forms: the proof that the signed ledger holds it, and the record, for programs.

The record has the fields of Kantara's Consent Receipt 1.1, and under ``ledger`` what makes it the person's own: the
exact bytes of each entry, the proof, and the salt of the address that the entry commits to. The address itself is not
in it, for the link may be forwarded; whoever knows it can show that the entry is about it, even when we keep
nothing any more::

    leaf hash  = SHA-256(0x00 | body)
    commitment = SHA-256("consent-ledger/commit/v1" 0x00 | field | 0x00 | salt | value)
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from consent.catalogue import Brand, Topic
from consent.records import prove, served
from consent.records.prove import NotPublished
from consent.store import database
from consent.store.ledger import Evidence, LedgerEntry
from consent.subscriptions.receipt import Line, Receipt

VERSION = "KI-CR-v1.1.0"
#: Fields of a brand that the format demands. None is ever invented.
_NEEDED = ("phone", "email", "privacy_url")


class Incomplete(Exception):
    """The record cannot be made: *missing* names the fields that nobody has set, each with a sentence."""

    def __init__(self, missing: Mapping[str, str]) -> None:
        super().__init__()
        self.missing = missing


@dataclass(frozen=True)
class Wording:
    """The record's two sentences, how the consent was collected and how it ends, and the *language* of all names."""

    language: str
    collection: str
    termination: str


def missing(found: Receipt) -> dict[str, str]:
    """Return which fields the record lacks, each with a sentence that says why."""
    if not found.topics:
        return {"topic": "None of the topics is set up any more."}
    brands = _brands(found)
    return {n: f"The brand {brand.slug} has none." for brand in brands for n in _NEEDED if not getattr(brand, n)}


def proof(found: Receipt, entry: str) -> str:
    """Return the proof of *entry*, one of those behind the receipt. Raises prove.Unknown, prove.NotPublished."""
    if entry not in {line.item.entry_id for line in found.lines}:
        raise prove.Unknown
    return served.proof(entry)


def record(found: Receipt, wording: Wording) -> dict[str, Any]:
    """Return the record for programs. Raises Incomplete."""
    if lacking := missing(found):
        raise Incomplete(lacking)
    with database.reading() as connection:
        keys = prove.keys(connection)
        entries = list(_entries(connection, found.lines))
    brands, consent = _brands(found), found.consent.item
    return {
        "version": VERSION,
        "jurisdiction": consent.body["place"] or found.place or brands[0].organization.country,
        "consentTimestamp": int(consent.occurred_at.timestamp()),
        "collectionMethod": wording.collection,
        "consentReceiptID": consent.entry_id,
        **({"publicKey": keys[0]} if keys else {}),
        "language": found.asked.notice.language,
        "piiPrincipalId": found.link.contact,
        "piiControllers": [_controller(brand) for brand in brands],
        "policyUrl": brands[0].privacy_url,
        "services": [_service(topic, wording) for topic in found.topics],
        "sensitive": False,
        "spiCat": [],
        "ledger": {
            "vkeys": keys,
            "notice": {"sha256": found.asked.notice.sha256, "words": found.asked.notice.words},
            "entries": entries,
        },
    }


def _brands(found: Receipt) -> list[Brand]:
    return list(dict.fromkeys(topic.brand for topic in found.topics))


def _controller(brand: Brand) -> dict[str, Any]:
    return {
        "piiController": brand.organization.name,
        "onBehalf": False,
        "contact": brand.business_name,
        "address": {"streetAddress": brand.mailing_address},
        "email": brand.email,
        "phone": brand.phone,
        **({"piiControllerUrl": brand.web} if brand.web else {}),
    }


def _service(topic: Topic, wording: Wording) -> dict[str, Any]:
    name = topic.name.get(wording.language) or next(iter(topic.name.values()))
    parties = ", ".join(topic.brand.processors)
    purpose = {
        "purpose": topic.description.get(wording.language) or name,
        "purposeCategory": ["6 - Marketing"],
        "consentType": "EXPLICIT",
        "piiCategory": ["2 - Contact"],
        "primaryPurpose": True,
        "termination": wording.termination,
        "thirdPartyDisclosure": bool(parties),
        **({"thirdPartyName": parties} if parties else {}),
    }
    return {"service": f"{topic.brand.business_name}: {name}", "purposes": [purpose]}


def _entries(connection: Connection, lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """Yield each entry with its bytes, the salt of its address, and its proof if a signed head covers it."""
    ids = [line.item.entry_id for line in lines]
    texts = select(LedgerEntry.entry_id, LedgerEntry.body).where(LedgerEntry.entry_id.in_(ids))
    bodies = {row.entry_id: row.body for row in connection.execute(texts)}
    kept = select(Evidence.entry_id, Evidence.salt).where(Evidence.entry_id.in_(ids), Evidence.field == "email")
    salts = {row.entry_id: row.salt.hex() for row in connection.execute(kept)}
    for line in lines:
        entry = line.item.entry_id
        yield {
            "entry": entry,
            "kind": line.item.body["kind"],
            "sequence": line.item.sequence,
            "leaf_hash": line.item.leaf_hash.hex(),
            "body": base64.b64encode(bodies[entry]).decode(),
            "salts": {"email": salts[entry]} if entry in salts else {},
            "proof": _proof(connection, entry),
        }


def _proof(connection: Connection, entry: str) -> str | None:
    try:
        return prove.of_entry(connection, entry)
    except NotPublished:
        return None
