"""What is set up, held against the entries that published it: the words of notices and the versions of forms."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

from consent import catalogue
from consent.catalogue import Topic
from consent.records.audit_entries import raw
from consent.records.findings import Findings
from consent.store import catalogue as tables
from consent.store.ledger import LedgerEntry

_LINE, _NAME = "NOTICES", "notice"
_UNREADABLE = (LookupError, ValueError, TypeError, AttributeError)


def topics(connection: Connection, found: Findings) -> Mapping[str, Topic] | None:
    """Return every topic that is set up, or None, with a finding, if that cannot be read."""
    try:
        return catalogue.load(connection).topics
    except _UNREADABLE as error:
        what = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else type(error).__name__
        found.add(_LINE, _NAME, "catalogue", f"What is set up cannot be read ({what}): a row is missing or broken.")
        return None


def check_notices(connection: Connection, found: Findings) -> int:
    """Hold the words that were shown against what the entries published, and return how many notices there are."""
    published = {body.get("notice"): body for body in _bodies(connection, "notice.published")}
    columns = (tables.Notice.sha256, tables.Notice.slug, tables.Notice.brand, tables.Notice.language)
    rows = connection.execute(select(*columns, tables.Notice.words)).all()
    for row in rows:
        name, body = f"notice {row.sha256} ({row.slug}.{row.language})", published.get(row.sha256)
        if _digest(str(row.words)) != row.sha256:
            found.add(_LINE, _NAME, name, "Its words are not those that were published.")
        details = {"slug": row.slug, "sha256": row.sha256}
        _same(found, name, body, {"brand": row.brand, "language": row.language, "details": details})
    for sha256 in sorted(str(lost) for lost in published.keys() - {row.sha256 for row in rows}):
        found.add(_LINE, _NAME, f"notice {sha256}", "It was published, and is missing.")
    return len(rows)


def check_forms(connection: Connection, found: Findings) -> int:
    """Hold every version of a form against the entry that published it, and return how many there are."""
    published = {body.get("form"): body for body in _bodies(connection, "form.published")}
    columns = (tables.Form.slug, tables.Form.version, tables.Form.brand, tables.Form.sha256)
    rows = connection.execute(select(*columns, raw(tables.Form.settings).label("settings"))).all()
    for row in rows:
        name, settings = f"form {row.slug}@{row.version}", _settings(row.settings)
        if _digest(json.dumps(settings, sort_keys=True, ensure_ascii=False)) != row.sha256:
            found.add(_LINE, _NAME, name, "Its settings are not those that were published.")
        details = {"slug": row.slug, "version": row.version, "sha256": row.sha256}
        details |= {"topics": settings.get("topics"), "notices": settings.get("notices")}
        _same(found, name, published.get(f"{row.slug}@{row.version}"), {"brand": row.brand, "details": details})
    for form in sorted(str(lost) for lost in published.keys() - {f"{row.slug}@{row.version}" for row in rows}):
        found.add(_LINE, _NAME, f"form {form}", "It was published, and is missing.")
    return len(rows)


def _same(found: Findings, name: str, body: Mapping[str, Any] | None, row: Mapping[str, Any]) -> None:
    """Note it if no entry published the *row* called *name*, or published something else."""
    if body is None:
        found.add(_LINE, _NAME, name, "No entry says that it was published.")
    elif differ := [column for column, value in row.items() if body.get(column) != value]:
        found.add(_LINE, _NAME, name, f"The entry that published it says something else: {', '.join(differ)}.")


def _bodies(connection: Connection, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the body of every entry of this *kind*, oldest first; those that cannot be read are findings elsewhere."""
    wanted = select(raw(LedgerEntry.body)).where(LedgerEntry.kind == kind).order_by(LedgerEntry.entry_id)
    for stored in connection.execute(wanted).scalars():
        try:
            body = json.loads(stored)
        except (ValueError, TypeError):
            continue
        if isinstance(body, dict):
            yield body


def _settings(stored: Any) -> dict[str, Any]:
    """Return what a raw column of settings holds: text on SQLite, an object already on PostgreSQL."""
    try:
        found = json.loads(stored) if isinstance(stored, str | bytes) else stored
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
