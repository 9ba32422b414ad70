"""One e-mail address that we know about, under a random id."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from consent.store.base import Base, Key


class Contact(Base):
    """The map from address to id: all of it that is personal can be erased, the id stays in the ledger.

    Whoever appends to the ledger locks the rows of the address first (``records.history``).
    """

    __tablename__ = "contact"

    id: Mapped[Key]  # 128 random bits, base64url, 22 characters
    consent_key: Mapped[str | None] = mapped_column(unique=True)  # null once erased, as the other two
    deny_key: Mapped[str | None] = mapped_column(index=True)
    abuse_key: Mapped[str | None] = mapped_column(index=True)
    language: Mapped[str]
    place: Mapped[str | None]  # country or country-province, never finer; null is Canada
    epoch: Mapped[int]  # raising it ends every link but one-click
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]  # when somebody with this address had everything about them erased
    erased_entry: Mapped[str | None]  # the entry that says so, of the id they had then
