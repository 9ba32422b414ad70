"""What a company has set up. Rows are replaced by ``consent setup``; notices and form versions only added."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from consent.store.base import Base, Key


class Organization(Base):
    """The legal person that sends."""

    __tablename__ = "organization"

    slug: Mapped[Key]
    id: Mapped[bytes] = mapped_column(unique=True)  # 16 random bytes that every link is bound to
    settings: Mapped[dict[str, Any]]


class Brand(Base):
    """A name under which an organization writes."""

    __tablename__ = "brand"

    slug: Mapped[Key]
    organization: Mapped[str] = mapped_column(ForeignKey("organization.slug"))
    settings: Mapped[dict[str, Any]]


class Topic(Base):
    """One thing to subscribe to; its key is ``brand/topic``."""

    __tablename__ = "topic"

    slug: Mapped[Key]
    brand: Mapped[str] = mapped_column(ForeignKey("brand.slug"))
    settings: Mapped[dict[str, Any]]


class Notice(Base):
    """The exact words shown when asking, in one language; immutable, addressed by their SHA-256."""

    __tablename__ = "notice"

    sha256: Mapped[Key]
    slug: Mapped[str]
    brand: Mapped[str] = mapped_column(ForeignKey("brand.slug"))
    language: Mapped[str]
    words: Mapped[str]
    published_at: Mapped[datetime]


class Form(Base):
    """One version of a place that collects; the highest version of a slug is the one in use."""

    __tablename__ = "form"

    slug: Mapped[Key]
    version: Mapped[int] = mapped_column(primary_key=True)
    brand: Mapped[str] = mapped_column(ForeignKey("brand.slug"))
    sha256: Mapped[str]
    settings: Mapped[dict[str, Any]]
    published_at: Mapped[datetime]
