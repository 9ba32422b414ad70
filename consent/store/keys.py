"""API keys: shown once, kept as a hash."""

from datetime import datetime

from sqlalchemy.orm import Mapped

from consent.store.base import Base, Key


class ApiKey(Base):
    """``ck_<id>_<secret>``: the id finds the row, the SHA-256 of the secret is compared in constant time."""

    __tablename__ = "api_key"

    id: Mapped[Key]
    name: Mapped[str]
    secret_sha256: Mapped[bytes]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]  # from then on it opens nothing; None is never
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]  # by a POST, to the minute
