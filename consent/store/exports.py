"""Finished exports, kept for a day so that they can be fetched; the ledger keeps their digest for good."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped

from consent.store.base import Base, Key


class Export(Base):
    """One export: what was asked, and the bytes that were made."""

    __tablename__ = "export"

    id: Mapped[Key]
    format: Mapped[str]
    filters: Mapped[dict[str, Any]]
    rows: Mapped[int]
    sha256: Mapped[str]
    content: Mapped[bytes]
    made_at: Mapped[datetime]
