"""What a contact's entries add up to for a topic: a cache that the law computed, never a source."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from consent.store.base import Base, Handle


class Standing(Base):
    """When commercial mail is allowed: ``[allowed_from, allowed_until)`` and ``[then_from, then_until)``.

    Computed in the transaction that appends; an end of None is no end. The handle is what the topic's unsubscribe
    links name; it is made with the row and never changes, so that no link in an old mail dies.
    """

    __tablename__ = "standing"
    __table_args__ = (
        Index("ix_standing_topic_state", "topic", "state"),
        Index("ix_standing_topic_allowed_until", "topic", "allowed_until"),
    )

    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    organization: Mapped[str]
    handle: Mapped[Handle] = mapped_column(unique=True)
    state: Mapped[str]
    basis: Mapped[str | None]
    allowed_from: Mapped[datetime | None]
    allowed_until: Mapped[datetime | None]
    then_from: Mapped[datetime | None]
    then_until: Mapped[datetime | None]
    since: Mapped[datetime | None]
    entry_id: Mapped[str | None]
    renewal_at: Mapped[datetime | None]  # when it was last looked at for a mail that asks for express consent
