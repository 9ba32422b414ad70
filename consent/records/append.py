"""Append entries inside the caller's transaction.

The caller has read the contact's history in the same transaction, in its turn (``records.contacts``);
the new entries continue that chain. ``UNIQUE (contact, cseq)`` refuses the second of two transactions that read
the same history, whatever the locks did. On SQLite a trigger numbers each entry as it is inserted.
"""

import secrets
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert

from consent.ledger import entries
from consent.ledger.entries import Entry
from consent.records import sequence
from consent.store.ledger import Evidence, LedgerEntry


class Closed(RuntimeError):
    """The contact was erased; nothing is ever recorded about that id again."""


class Head(NamedTuple):
    """Where a contact's chain stands: the number of its last entry, that entry's leaf hash in hex, and if it is closed.

    A chain is closed by ``contact.erased``.
    """

    cseq: int
    leaf_hash: str | None
    closed: bool = False


NEW_CHAIN = Head(0, None)
_NEW_ENTRY = insert(LedgerEntry)
_NEW_EVIDENCE = insert(Evidence)


class LedgerRow(NamedTuple):
    """One row of ledger_entry, with the entry that its body spells."""

    entry: Entry
    body: bytes
    leaf_hash: bytes


@dataclass(frozen=True)
class Draft:
    """An entry to be, without what appending gives it: id, number in the chain, times, commitments.

    *evidence* maps field names to the personal values that are kept beside the ledger; None values are left out.
    """

    kind: str
    actor: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """What every entry of a log shares: its name, and the instant of this transaction."""

    log: str
    now: datetime


def new_id(now: datetime) -> str:
    """Return a UUIDv7 (RFC 9562 s. 5.7): sorts by *now*, the rest is random."""
    milliseconds = int(now.timestamp() * 1000)
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def about(connection: Connection, origin: Origin, contact: str, head: Head, drafts: Sequence[Draft]) -> list[LedgerRow]:
    """Append *drafts* to the chain of *contact* that ends at *head*, and return the rows written.

    Two statements, however many the drafts: the entries, and their evidence if there is any. Raises Closed.
    """
    if head.closed:
        raise Closed
    rows, evidence = _rows(origin, drafts, contact, head)
    _insert(connection, rows, evidence)
    return rows


def about_each(connection: Connection, origin: Origin, chains: Sequence[tuple[str, Head, Sequence[Draft]]]) -> None:
    """Append to several chains, each as :func:`about`. Two statements, however many they are. Raises Closed."""
    rows: list[LedgerRow] = []
    evidence: list[dict[str, Any]] = []
    for contact, head, drafts in chains:
        if head.closed:
            raise Closed
        made, proofs = _rows(origin, drafts, contact, head)
        rows += made
        evidence += proofs
    if rows:
        _insert(connection, rows, evidence)


def _rows(
    origin: Origin, drafts: Sequence[Draft], contact: str, head: Head
) -> tuple[list[LedgerRow], list[dict[str, Any]]]:
    rows: list[LedgerRow] = []
    evidence: list[dict[str, Any]] = []
    for draft in drafts:
        row, proofs = _row(origin, draft, contact, head)
        head = Head(head.cseq + 1, row.leaf_hash.hex())
        rows.append(row)
        evidence += proofs
    return rows, evidence


def about_nobody(connection: Connection, origin: Origin, drafts: Sequence[Draft]) -> list[LedgerRow]:
    """Append *drafts* that concern no contact, such as ``notice.published``, and return the rows written."""
    made = [_row(origin, draft, None, NEW_CHAIN) for draft in drafts]
    _insert(connection, [row for row, _ in made], [proof for _, proofs in made for proof in proofs])
    return [row for row, _ in made]


def _row(origin: Origin, draft: Draft, contact: str | None, head: Head) -> tuple[LedgerRow, list[dict[str, Any]]]:
    id = new_id(origin.now)
    proofs: list[dict[str, Any]] = [
        {"entry_id": id, "field": name, "salt": secrets.token_bytes(32), "value": _stored(value)}
        for name, value in draft.evidence.items()
        if value
    ]
    chain = {} if contact is None else {"contact": contact, "cseq": head.cseq + 1, "prev": head.leaf_hash}
    fields: dict[str, Any] = {"occurred_at": origin.now, **draft.fields, **chain}
    entry = Entry(
        id=id,
        log=origin.log,
        kind=draft.kind,
        actor=draft.actor,
        recorded_at=origin.now,
        commitments={p["field"]: entries.commit(p["field"], p["salt"], p["value"]) for p in proofs},
        **fields,
    )
    body = entries.encode(entry)
    return LedgerRow(entry, body, entries.leaf_hash(body)), proofs


def _stored(value: str) -> bytes:
    """Return the bytes that a personal value is kept as: NFC, UTF-8; half a character becomes a question mark."""
    return unicodedata.normalize("NFC", value).encode("utf-8", "replace")


def _insert(connection: Connection, rows: Sequence[LedgerRow], evidence: Sequence[dict[str, Any]]) -> None:
    columns = ("contact", "cseq", "kind", "brand", "topic", "occurred_at", "recorded_at")
    connection.execute(
        _NEW_ENTRY,
        [
            {c: getattr(row.entry, c) for c in columns}
            | {"entry_id": row.entry.id, "body": row.body, "leaf_hash": row.leaf_hash}
            for row in rows
        ],
    )
    sequence.enqueue(connection, [row.entry.id for row in rows])
    if evidence:
        connection.execute(_NEW_EVIDENCE, evidence)
