"""What was answered under an Idempotency-Key, so that the same request again is answered the same and done once."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from consent.store.base import Base


class Answered(Base):
    """One request that was done. Its row commits with what it did, or not at all."""

    __tablename__ = "answered"
    __table_args__ = (CheckConstraint("length(request) = 32", name="request"),)

    request: Mapped[bytes] = mapped_column(primary_key=True)  # SHA-256 of caller, method, path and the key's value
    body: Mapped[bytes]  # SHA-256 of the body, in one spelling
    status: Mapped[int]
    content: Mapped[str | None]  # the JSON that was answered; None once somebody was erased whom it may have named
    answered_at: Mapped[datetime] = mapped_column(index=True)
