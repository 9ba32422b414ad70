"""The ledger's tables. Insert-only: triggers refuse UPDATE, DELETE and REPLACE (migrations 0001 and 0003).

Columns beside ``body`` are copies for queries; the body is what was hashed.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from consent.store.base import Base, Key

_BIG = BigInteger().with_variant(Integer, "sqlite")


class LedgerEntry(Base):
    """One entry: its canonical bytes and their leaf hash."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("contact", "cseq"),  # two transactions that both read the same history cannot both append
        CheckConstraint("length(leaf_hash) = 32", name="leaf_hash"),
        CheckConstraint("length(body) BETWEEN 1 AND 16384", name="body"),
        Index("ix_ledger_entry_topic_kind", "topic", "kind"),
        Index("ix_ledger_entry_kind_entry_id", "kind", "entry_id"),
        {"sqlite_strict": True},
    )

    entry_id: Mapped[Key]
    contact: Mapped[str | None]
    cseq: Mapped[int | None]
    kind: Mapped[str]
    brand: Mapped[str | None]
    topic: Mapped[str | None]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    body: Mapped[bytes]
    leaf_hash: Mapped[bytes]


class LedgerPending(Base):
    """An entry that waits for its number, on PostgreSQL; the sequencer takes it out. On SQLite always empty."""

    __tablename__ = "ledger_pending"

    id: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("ledger_entry.entry_id"), unique=True)


class LedgerLeaf(Base):
    """The entry's place in the log, from 0 without a gap. On SQLite a trigger numbers as the entry is inserted."""

    __tablename__ = "ledger_leaf"
    __table_args__ = (CheckConstraint("length(leaf_hash) = 32", name="leaf_hash"), {"sqlite_strict": True})

    seq: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False)
    entry_id: Mapped[str] = mapped_column(ForeignKey("ledger_entry.entry_id"), unique=True)
    leaf_hash: Mapped[bytes]
    sequenced_at: Mapped[datetime]


class LedgerTile(Base):
    """256 hashes of one level of the tree, side by side, and the root over them. Full tiles only, so never changed."""

    __tablename__ = "ledger_tile"
    __table_args__ = (
        CheckConstraint("length(root) = 32", name="root"),
        CheckConstraint("length(hashes) = 8192", name="hashes"),
        {"sqlite_strict": True},
    )

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    idx: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    hashes: Mapped[bytes]


class LedgerCheckpoint(Base):
    """A signed head that was published. *created_at* is what our clock said; nobody else can check it."""

    __tablename__ = "ledger_checkpoint"
    __table_args__ = (CheckConstraint("length(root) = 32", name="root"), {"sqlite_strict": True})

    size: Mapped[int] = mapped_column(_BIG, primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    note: Mapped[str]
    key_id: Mapped[str]  # hex, of the key that signed first
    created_at: Mapped[datetime]


class LedgerKey(Base):
    """What became of a public key: a change of *status* (``active``, ``retired``) is a new row."""

    __tablename__ = "ledger_key"
    __table_args__ = ({"sqlite_strict": True},)

    vkey: Mapped[Key]
    status: Mapped[Key]
    from_size: Mapped[int] = mapped_column(_BIG)
    entry_id: Mapped[str] = mapped_column(ForeignKey("ledger_entry.entry_id"))


class ErasedAddress(Base):
    """What is left of an erased address: a keyed digest of its loose form, so that the "no" outlives the address."""

    __tablename__ = "erased_address"
    __table_args__ = (CheckConstraint("length(digest) = 64", name="digest"), {"sqlite_strict": True})

    digest: Mapped[Key]
    entry_id: Mapped[str] = mapped_column(ForeignKey("ledger_entry.entry_id"), primary_key=True, index=True)
    erased_at: Mapped[datetime]


class Evidence(Base):
    """Personal data behind an entry's commitments. May be deleted (erasure), never updated."""

    __tablename__ = "evidence"
    __table_args__ = (CheckConstraint("length(salt) = 32", name="salt"), {"sqlite_strict": True})

    entry_id: Mapped[str] = mapped_column(ForeignKey("ledger_entry.entry_id"), primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    salt: Mapped[bytes]
    value: Mapped[bytes]
