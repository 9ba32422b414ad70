"""A person's request, not yet confirmed. Never updated: what became of it is in the ledger."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from consent.store.base import Base, Handle


class Signup(Base):
    """What the links of one confirmation mail name: the contact, the topics and the words that were shown."""

    __tablename__ = "signup"

    handle: Mapped[Handle] = mapped_column(primary_key=True)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), index=True)
    organization: Mapped[str]
    form: Mapped[str]  # slug@version, as in the entry
    notice: Mapped[str]  # SHA-256 of the words
    language: Mapped[str]
    topics: Mapped[list[str]]
    entries: Mapped[list[str]]  # the consent.requested entries, one a topic
    network: Mapped[str | None]  # the /24 or /56 that asked, which the confirmation mail names
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
