"""The record as rows: one entry a row, in the order of the log, with its evidence and the standing it led to.

JSON Lines is the record; CSV is a view of it for spreadsheets, in which a cell that a spreadsheet would take for
a formula begins with ``'`` and is named in the column ``escaped``. Every export is itself an entry,
``export.made``, committed before the first byte leaves.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select

from consent import addresses
from consent.ledger.entries import when
from consent.records import append
from consent.records.append import Draft, Origin
from consent.store import database
from consent.store.contacts import Contact
from consent.store.ledger import Evidence, LedgerEntry, LedgerLeaf
from consent.store.standings import Standing

FORMATS = {"jsonl": "application/x-ndjson", "csv": "text/csv"}
EVIDENCE = ("name", "ip", "user_agent", "url")
COLUMNS = (
    "sequence", "entry", "kind", "email", "contact", "brand", "topic", "state", "occurred_at", "recorded_at", "actor",
    "channel", "source", "form", "notice", "language", "place", "details", *EVIDENCE, "refs", "leaf_hash", "body",
)  # fmt: skip
_BATCH = 500
_FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")


@dataclass(frozen=True)
class Filters:
    """Which entries: all conditions hold at once. *contact* is a contact's id; periods include both ends."""

    brand: str | None = None
    topic: str | None = None
    state: str | None = None
    contact: str | None = None
    occurred_from: datetime | None = None
    occurred_until: datetime | None = None
    recorded_from: datetime | None = None
    recorded_until: datetime | None = None

    def stated(self) -> dict[str, str]:
        """Return the conditions that are set, as text, for the entry that records the export."""
        return {k: when(v) if isinstance(v, datetime) else v for k, v in asdict(self).items() if v is not None}


@dataclass(frozen=True)
class Made:
    """A finished export: how many rows, and the SHA-256 of the file's bytes."""

    rows: int
    sha256: str


def write(path: Path, format: str, filters: Filters, origin: Origin, actor: str) -> Made:
    """Write the export to *path*, record it, and only then let the file appear under that name.

    Raises OSError if the file cannot be written; nothing is then left under *path*.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("wb") as file:
            made = _pour(file, format, filters)
        record(format, filters, made, origin, actor)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return made


def content(format: str, filters: Filters) -> tuple[bytes, Made]:
    """Return the export as bytes; for small ones."""
    file = io.BytesIO()
    made = _pour(file, format, filters)
    return file.getvalue(), made


@database.retried
def record(format: str, filters: Filters, made: Made, origin: Origin, actor: str, **more: Any) -> None:
    """Append ``export.made``: who took what, and the digest of it; *more* are further details."""
    details = {"format": format, "filters": filters.stated(), "rows": made.rows, "sha256": made.sha256, **more}
    with database.writing() as connection:
        append.about_nobody(connection, origin, [Draft("export.made", actor, {"details": details})])


def contact_id(text: str) -> str:
    """Return the id of the contact that *text* names by id or by address; a text that matches none if unknown.

    The filter is kept in the ledger, which holds no address: hence the id. Raises addresses.BadAddress.
    """
    if "@" not in text:
        return text
    key = addresses.parse(text).consent_key
    with database.reading() as connection:
        found = connection.execute(select(Contact.id).where(Contact.consent_key == key)).scalar()
    return str(found) if found else "unknown"


def count(filters: Filters) -> int:
    """Return how many rows the export would have."""
    with database.reading_late() as connection:
        return int(
            connection.execute(select(func.count()).select_from(select_entries(filters).subquery())).scalar_one()
        )


def rows(filters: Filters) -> Iterator[dict[str, Any]]:
    """Yield the rows in the order of the log, in constant memory."""
    statement = select_entries(filters).order_by(LedgerLeaf.seq).limit(_BATCH)
    last = -1
    with database.reading_late() as connection:
        while batch := connection.execute(statement.where(LedgerLeaf.seq > last)).all():
            evidence = _evidence(connection, [row.entry_id for row in batch])
            for row in batch:
                yield _row(row, evidence.get(row.entry_id, {}))
            last = batch[-1].seq


def _pour(file: Any, format: str, filters: Filters) -> Made:
    digest, number = hashlib.sha256(), 0
    encode = _csv if format == "csv" else _jsonl
    for number, line in encode(rows(filters)):  # noqa: B007 - the last number is the count
        digest.update(line)
        file.write(line)
    return Made(number, digest.hexdigest())


def _jsonl(found: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, bytes]]:
    for number, row in enumerate(found, 1):
        yield number, json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _csv(found: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, bytes]]:
    yield 0, _csv_line([*COLUMNS, "escaped"])
    for number, row in enumerate(found, 1):
        cells = {name: _cell(row[name]) for name in COLUMNS}
        escaped = [name for name, cell in cells.items() if cell.startswith(_FORMULA)]
        safe = [f"'{cell}" if name in escaped else cell for name, cell in cells.items()]
        yield number, _csv_line([*safe, " ".join(escaped)])


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return "" if value is None else str(value)


def _csv_line(cells: list[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


def _row(row: Any, evidence: Mapping[str, str]) -> dict[str, Any]:
    body = json.loads(row.body)
    known = {
        "sequence": row.seq,
        "entry": row.entry_id,
        "email": row.consent_key or evidence.get("email"),
        "state": row.state,
        "leaf_hash": row.leaf_hash.hex(),
        "body": row.body.decode(),
    } | {name: evidence.get(name) for name in EVIDENCE}
    return {name: known[name] if name in known else body[name] for name in COLUMNS}


def _evidence(connection: Connection, entries: list[str]) -> dict[str, dict[str, str]]:
    wanted = select(Evidence.entry_id, Evidence.field, Evidence.value).where(Evidence.entry_id.in_(entries))
    found: dict[str, dict[str, str]] = {}
    for entry, field, value in connection.execute(wanted):
        found.setdefault(entry, {})[field] = value.decode("utf-8", "replace")
    return found


#: What the contact's standing for the entry's topic is; a topic that was only asked for has no standing yet.
_STATE = case(
    (Standing.state.is_not(None), Standing.state),
    (and_(LedgerEntry.contact.is_not(None), LedgerEntry.topic.is_not(None)), "requested"),
)


def select_entries(filters: Filters) -> Select[*tuple[Any, ...]]:
    """Select the numbered entries that *filters* choose, each with its number and what a row of an export needs."""
    joined: Select[*tuple[Any, ...]] = (
        select(
            LedgerLeaf.seq,
            LedgerEntry.entry_id,
            LedgerEntry.body,
            LedgerEntry.leaf_hash,
            Contact.consent_key,
            _STATE.label("state"),
        )
        .join_from(LedgerLeaf, LedgerEntry)
        .outerjoin(Contact, Contact.id == LedgerEntry.contact)
        .outerjoin(Standing, and_(Standing.contact_id == LedgerEntry.contact, Standing.topic == LedgerEntry.topic))
    )
    return joined.where(*_conditions(filters))


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.brand:
        yield LedgerEntry.brand == filters.brand
    if filters.topic:
        yield or_(LedgerEntry.topic == filters.topic, _reaches(filters.topic))
    if filters.state:
        in_state = select(Standing.contact_id).where(Standing.state == filters.state)
        if filters.topic:
            in_state = in_state.where(Standing.topic == filters.topic)
        yield or_(_STATE.in_([filters.state]), and_(LedgerEntry.topic.is_(None), LedgerEntry.contact.in_(in_state)))
    if filters.contact:
        yield LedgerEntry.contact == filters.contact
    yield from _periods(filters)


def _periods(filters: Filters) -> Iterator[ColumnElement[bool]]:
    for column, first, last in (
        (LedgerEntry.occurred_at, filters.occurred_from, filters.occurred_until),
        (LedgerEntry.recorded_at, filters.recorded_from, filters.recorded_until),
    ):
        if first:
            yield column >= first
        if last:
            yield column <= last


def _reaches(topic: str) -> ColumnElement[bool]:
    """Entries about everything of the brand, or of everybody, of a contact that has to do with *topic*."""
    other = LedgerEntry.__table__.alias()
    theirs = select(other.c.contact).where(other.c.topic == topic, other.c.contact.is_not(None))
    whole_brand = or_(LedgerEntry.brand.is_(None), LedgerEntry.brand == topic.partition("/")[0])
    return and_(LedgerEntry.topic.is_(None), whole_brand, LedgerEntry.contact.in_(theirs))
