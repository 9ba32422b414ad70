"""Small exports, made inside the request and kept for a day so that they can be fetched."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from consent.records import append, bundles, export
from consent.records.append import Origin
from consent.records.export import Filters, Made
from consent.store import database
from consent.store.exports import Export

BUNDLE = "bundle"
TYPES = {**export.FORMATS, BUNDLE: "application/zip"}  # media types by format
MOST_ROWS = 10_000
KEPT = timedelta(days=1)


class TooLarge(Exception):
    """The export has more rows than a request may make; *rows* says how many."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows


def make(format: str, filters: Filters, fields: Sequence[str], origin: Origin, actor: str) -> Export:
    """Make the export, record it as ``export.made``, keep it, and return it.

    A ``bundle`` opens the *fields* of evidence. Raises TooLarge, bundles.NothingSigned.
    """
    rows = export.count(filters)
    if rows > MOST_ROWS:
        raise TooLarge(rows)
    if format == BUNDLE:
        content, bundled = bundles.content(filters, fields, origin, actor)
        return _keep(format, filters, content, Made(bundled.entries, hashlib.sha256(content).hexdigest()), origin)
    content, made = export.content(format, filters)
    export.record(format, filters, made, origin, actor)
    return _keep(format, filters, content, made, origin)


@database.retried
def _keep(format: str, filters: Filters, content: bytes, made: Made, origin: Origin) -> Export:
    id = append.new_id(origin.now)
    row = {"id": id, "format": format, "filters": filters.stated(), "rows": made.rows, "sha256": made.sha256}
    row |= {"content": content, "made_at": origin.now}
    with database.writing() as connection:
        connection.execute(insert(Export), [row])
    return Export(**row)


def get(id: str) -> Export | None:
    """Return the kept export *id* with its content, or None."""
    with database.reading() as connection:
        row = connection.execute(select(Export.__table__).where(Export.id == id)).mappings().first()
    return Export(**row) if row else None


def forget_old(now: datetime) -> None:
    """Delete the exports that were kept long enough: they hold addresses."""
    with database.reading() as connection:
        old = connection.execute(select(Export.id).where(Export.made_at <= now - KEPT)).scalars().all()
    if old:
        with database.writing() as connection:
            connection.execute(delete(Export).where(Export.id.in_(old)))
