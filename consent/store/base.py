"""What every table is made of: the declarative base and the column kinds.

Only :class:`Instant` declares a time. SQLite keeps no zones, so there it is the ledger's own text
(``2026-11-23T08:45:00.123Z``, which sorts as time does); PostgreSQL has ``timestamptz``.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import DateTime, Dialect, LargeBinary, MetaData, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import JSON, TypeEngine

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """An aware instant in UTC, to the millisecond. Refuses a time without a zone."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return what the database keeps it as."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return *value* as the database takes it."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone is not an instant.")
        value = value.astimezone(UTC)
        return value.isoformat(timespec="milliseconds")[:-6] + "Z" if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return what the database gave as an aware instant."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value


class Base(DeclarativeBase):
    """Every table's base; its metadata is what migrations compare with."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {
        str: Text,
        bytes: LargeBinary,
        datetime: Instant,
        dict[str, Any]: JSON,
        list[str]: JSON,
    }


Key = Annotated[str, mapped_column(primary_key=True)]
Handle = Annotated[bytes, mapped_column(LargeBinary)]  # 64 random bits that a link names a row by
