"""What somebody tells us under an id of theirs is taken once, however often it is told."""

from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Insert, select

from consent.store.database import upserting
from consent.store.told import Told


def first(connection: Connection, source: str, id: str, now: datetime, meant: str = "") -> bool:
    """Note the *id* of *source*, and return whether nobody told it before. One statement.

    It is forgotten with the transaction if that fails, and may then be told again.
    """
    row = {"source": source, "id": id, "meant": meant, "told_at": now}
    return connection.execute(_note(connection.dialect.name), row).first() is not None


def meant(connection: Connection, source: str, id: str) -> str | None:
    """Return what the *id* stood for when it was told, or None if it never was."""
    found = select(Told.meant).where(Told.source == source, Told.id == id)
    return connection.execute(found).scalar()


@cache
def _note(dialect: str) -> Insert:
    return upserting(dialect, Told).on_conflict_do_nothing().returning(Told.id)
