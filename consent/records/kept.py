"""Small exports, made inside the request and kept for a day so that they can be fetched."""

from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from consent.records import append, export
from consent.records.append import Origin
from consent.records.export import Filters
from consent.store import database
from consent.store.exports import Export

MOST_ROWS = 10_000
KEPT = timedelta(days=1)


class TooLarge(Exception):
    """The export has more rows than a request may make; *rows* says how many."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows


def make(format: str, filters: Filters, origin: Origin, actor: str) -> str:
    """Make the export, record it as ``export.made``, keep it, and return its id. Raises TooLarge."""
    rows = export.count(filters)
    if rows > MOST_ROWS:
        raise TooLarge(rows)
    content, made = export.content(format, filters)
    id = append.new_id(origin.now)
    row = {"id": id, "format": format, "filters": filters.stated(), "rows": made.rows, "sha256": made.sha256}
    with database.writing() as connection:
        export.record(connection, format, filters, made, origin, actor)
        connection.execute(insert(Export), [{**row, "content": content, "made_at": origin.now}])
    return id


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
