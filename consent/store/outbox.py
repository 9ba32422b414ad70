"""Work that leaves the house after the commit: one row a message, committed with the entry that caused it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from consent.store.base import Base, Key

_DUE = text("state = 'due'")
#: The state ``due``, spelt out in a statement: the indexes of what is due serve no parameter.
DUE: ColumnElement[str] = literal_column("'due'")


class OutboxRow(Base):
    """One thing to deliver.

    ``state`` is a small machine: ``due`` (also while leased) → ``done``, ``dropped`` (no longer lawful or wanted
    when its turn came) or ``failed`` (refused for good, or given up after three days).
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_run_at", "run_at", sqlite_where=_DUE, postgresql_where=_DUE),
        Index("ix_outbox_due", "domain", "run_at", "id", sqlite_where=_DUE, postgresql_where=_DUE),
    )

    id: Mapped[Key]  # UUIDv7; also the left half of the Message-ID, the same on every try
    kind: Mapped[str]  # mail.confirmation, mail.welcome, mail.preferences
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), index=True)
    domain: Mapped[str] = mapped_column(server_default="-")  # of the address; each gets its share of the worker's time
    entry_id: Mapped[str]  # the cause
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempts: Mapped[int]
    unanswered: Mapped[int] = mapped_column(server_default="0")  # hand-overs begun whose end nobody wrote down
    created_at: Mapped[datetime]
    run_at: Mapped[datetime]
    leased_until: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]  # the SMTP code or the reason for dropping; never an address
