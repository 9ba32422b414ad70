"""What was told to us under an id of the teller's, so that telling it again records nothing."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from consent.store.base import Base


class Told(Base):
    """One id of one *source*, such as a provider's event. *meant* is what it stood for, where that must not change."""

    __tablename__ = "told"

    source: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    meant: Mapped[str]
    told_at: Mapped[datetime]
