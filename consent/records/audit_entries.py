"""Every entry of the ledger, in the order of its number: the checks that look at one entry and its neighbours.

The body is what counts: its hash is the leaf. Everything beside it (two stored hashes, the copied columns, the
entry before it of the same contact, the evidence) is held against it. Values are read as the database has them,
without conversion, since a row that was tampered with may hold anything.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Text, select, type_coerce
from sqlalchemy.orm import aliased
from sqlalchemy.types import NullType

from consent.ledger import entries, verify
from consent.records.audit_evidence import Evidence
from consent.records.audit_tree import Heads, Kept, Tree, check_tile
from consent.records.findings import Findings
from consent.store.ledger import LedgerEntry, LedgerLeaf

PAGE = 2000
SLACK = timedelta(seconds=60)  # what clocks may differ by, and how long an entry may wait for its number
#: Columns that are copies of what the body says, for queries.
COPIES = ("contact", "cseq", "kind", "brand", "topic", "occurred_at", "recorded_at")


def raw(column: Any) -> Any:
    """Return *column* to be read as the database has it; on SQLite a time is then the ledger's text."""
    return type_coerce(column, NullType())


def written(value: Any) -> Any:
    """Return a raw *value* as an entry would write it."""
    return entries.when(value) if isinstance(value, datetime) else value


def _pages() -> Any:
    """Return the statement that reads each leaf with its entry, and the one before it of the same contact."""
    before, place = aliased(LedgerEntry), aliased(LedgerLeaf)
    return (
        select(
            LedgerLeaf.seq,
            LedgerLeaf.entry_id,
            raw(LedgerLeaf.leaf_hash).label("leaf"),
            raw(LedgerLeaf.sequenced_at).label("sequenced_at"),
            LedgerEntry.entry_id.label("own_id"),
            raw(LedgerEntry.leaf_hash).label("leaf_hash"),
            raw(LedgerEntry.body).label("body"),
            *(raw(getattr(LedgerEntry, name)).label(name) for name in COPIES),
            raw(before.body).label("before_body"),
            before.kind.label("before_kind"),
            place.seq.label("before_seq"),
        )
        .outerjoin_from(LedgerLeaf, LedgerEntry, LedgerEntry.entry_id == LedgerLeaf.entry_id)
        .outerjoin(before, (before.contact == LedgerEntry.contact) & (before.cseq == LedgerEntry.cseq - 1))
        .outerjoin(place, place.entry_id == before.entry_id)
        .order_by(LedgerLeaf.seq)
        .limit(PAGE)
    )


_PAGES = _pages()


class Entries:
    """The pass over the entries. *tree* is what they add up to; *count* how many there are."""

    def __init__(self, connection: Connection, heads: Heads, logs: Sequence[str], found: Findings) -> None:
        self.tree, self.count, self.tiles, self.contacts = Tree(), 0, 0, 0
        self.evidence = Evidence(connection, found)
        self._connection, self._heads, self._logs, self._found = connection, heads, logs, found
        self._clock = verify.Clock(map(_as_the_verifier_has_it, heads.kept), _Times(found))
        self._next = 0
        self._inline = connection.dialect.name == "sqlite"  # a trigger numbers each entry as it is recorded

    def pages(self) -> Iterator[int]:
        """Check everything, and yield after each page how many entries it had."""
        after = -(2**63)
        self._heads.meet(self.tree, self._found)
        while rows := self._connection.execute(_PAGES.where(LedgerLeaf.seq > after)).all():
            self.evidence.open(rows[0].seq, rows[-1].seq)
            for row in rows:
                self._take(row)
            self.evidence.settle()
            after = rows[-1].seq
            yield len(rows)
        self._heads.finish(self.tree, self._found)

    def _take(self, row: Any) -> None:
        self.count += 1
        self._number(row)
        self._grow(self._hash(row))
        if row.body is None:
            return
        entry = self._read(row)
        if entry is not None:
            self._columns(row, entry)
            self._chain(row, entry)
            self._clock.take(row.seq, entry)
            self.evidence.take(row, entry)

    def _number(self, row: Any) -> None:
        if row.seq != self._next:
            text = f"Its number should be {self._next}: entries are missing, or a number stands twice."
            self._found.add("COMPLETE", "complete", f"ledger_leaf {row.seq}", text)
            self.tree.whole = False
            self.tree.size = row.seq  # later heads are compared at their size, and none of them fits
        self._next = row.seq + 1

    def _hash(self, row: Any) -> bytes:
        """Return the leaf of *row*: the hash of its body, or what is stored if the entry is gone."""
        if row.body is None:
            text = f"Its entry {row.entry_id} is missing."
            self._found.add("COMPLETE", "complete", f"ledger_leaf {row.seq}", text)
            return bytes(row.leaf)
        leaf = entries.leaf_hash(_bytes(row.body))
        for column, stored in (("ledger_entry.leaf_hash", row.leaf_hash), ("ledger_leaf.leaf_hash", row.leaf)):
            if stored != leaf:
                self._found.add("ROOT", "root", place_of(row), f"{column} is not the hash of its body.")
        return leaf

    def _grow(self, leaf: bytes) -> None:
        if not self.tree.whole:
            self.tree.size += 1
        else:
            for filled in self.tree.add(leaf):
                self.tiles += check_tile(self._connection, filled, self._heads.newest, self._found)
        self._heads.meet(self.tree, self._found)

    def _read(self, row: Any) -> dict[str, Any] | None:
        """Return the entry in *row*, or None if there is none to be read."""
        body = _bytes(row.body)
        try:
            entry = verify.strict_json(body)
        except (ValueError, RecursionError):
            self._found.add("CANONICAL", "canonical", place_of(row), "Its body is not strict JSON in UTF-8.")
            return None
        if problem := verify.shape(entry):
            self._found.add("CANONICAL", "canonical", place_of(row), f"Its body breaks the format: {problem}.")
            return None
        log = entry["log"] if entry["log"] in self._logs else self._logs[0]
        if problem := verify.style(entry, body, log) or _meaning(entry):
            self._found.add("CANONICAL", "canonical", place_of(row), f"Its body breaks the format: {problem}.")
        found: dict[str, Any] = entry
        return found

    def _columns(self, row: Any, entry: dict[str, Any]) -> None:
        names = [name for name in COPIES if written(getattr(row, name)) != entry[name]]
        if row.own_id != entry["id"]:
            names.insert(0, "entry_id")
        if self._inline and written(row.sequenced_at) != entry["recorded_at"]:
            names.append("ledger_leaf.sequenced_at")
        if names:
            text = f"Columns beside the body say something else: {', '.join(names)}."
            self._found.add("COLUMNS", "column", place_of(row), text)

    def _chain(self, row: Any, entry: dict[str, Any]) -> None:
        if entry["cseq"] is None:
            return
        if entry["cseq"] == 1:
            self.contacts += 1
            return
        name = f"number {entry['cseq']} of contact {entry['contact']}"
        problem = ""
        if row.before_body is None or row.before_seq is None:
            problem = f"It is {name}, and the one before is missing."
        elif entries.leaf_hash(_bytes(row.before_body)).hex() != entry["prev"]:
            problem = f"It is {name}, and does not name the one before as that is now."
        elif row.before_seq >= row.seq:
            problem = f"It is {name}, and the one before has a higher number in the ledger."
        elif row.before_kind == "contact.erased":
            problem = f"It is {name}, who was erased before it."
        if problem:
            self._found.add("CONTACT-CHAINS", "chain", place_of(row), problem)


class _Times(verify.Tally):
    """What the verifier's time rule finds, put among the findings of the audit."""

    def __init__(self, found: Findings) -> None:
        super().__init__("time")
        self._found = found

    def add(self, text: str, place: float = 0.0) -> None:
        """Note that *text* says an impossible time of the entry number *place*."""
        self._found.add("TIME", "time", f"entry number {place:.0f}", f"The {text}.")


def _as_the_verifier_has_it(one: Kept) -> verify.Kept:
    return verify.Kept(one.name, verify.Checkpoint(one.head.origin, one.head.size, one.head.root), one.at)


def check_pending(connection: Connection, now: datetime, found: Findings) -> int:
    """Find entries without a number, and return how many wait for theirs in time: on SQLite none may."""
    wanted = (
        select(LedgerEntry.entry_id, type_coerce(LedgerEntry.recorded_at, Text).label("at"))
        .outerjoin(LedgerLeaf, LedgerLeaf.entry_id == LedgerEntry.entry_id)
        .where(LedgerLeaf.seq.is_(None))
        .order_by(LedgerEntry.entry_id)
    )
    late, waiting = entries.when(now - SLACK), 0
    for row in connection.execute(wanted):
        if connection.dialect.name != "sqlite" and written(row.at) >= late:
            waiting += 1
            continue
        text = f"It was recorded at {written(row.at)} and has no number in the ledger."
        found.add("PENDING", "pending", f"ledger_entry {row.entry_id}", text)
    return waiting


def place_of(row: Any) -> str:
    """Return what to call the entry of *row*."""
    return f"entry {row.entry_id} ({row.seq})"


def _meaning(entry: dict[str, Any]) -> str:
    """Return in what *entry* is outside of what version 1 knows, or nothing."""
    if entry["kind"] not in entries.KINDS:
        return f"{entry['kind']} is not a kind of entry"
    if unknown := entry["details"].keys() - entries.KINDS[entry["kind"]]:
        return f"{entry['kind']} has no detail {', '.join(sorted(unknown))}"
    if entry["channel"] not in (None, *entries.CHANNELS):
        return f"{entry['channel']} is not a channel"
    if unknown := entry["commitments"].keys() - entries.EVIDENCE:
        return f"{', '.join(sorted(unknown))} is no evidence"
    return ""


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
