"""The tree's tiles, signed checkpoints and their keys, and what is left of an erased address."""

import sqlalchemy as sa
from alembic import op

from consent.store.base import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COLUMNS = ("erased_at", "erased_entry")
_REFUSE = """
CREATE TRIGGER {table}_refuse_{event} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END
"""
# REPLACE deletes without firing a DELETE trigger, so an INSERT of a key that exists is refused as well.
_EXISTS = {
    "ledger_tile": "level = NEW.level AND idx = NEW.idx",
    "ledger_checkpoint": "size = NEW.size",
    "ledger_key": "vkey = NEW.vkey AND status = NEW.status",
    "erased_address": "digest = NEW.digest AND entry_id = NEW.entry_id",
}


def _guard_on_sqlite() -> None:
    for table, exists in _EXISTS.items():
        for event, when in {
            "UPDATE": "",
            "DELETE": "",
            "INSERT": f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {exists})",
        }.items():
            op.execute(_REFUSE.format(table=table, event=event, when=when))


def upgrade() -> None:
    op.create_table(
        "ledger_tile",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("idx", _BIG, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(root) = 32", name=op.f("ck_ledger_tile_root")),
        sa.CheckConstraint("length(hashes) = 8192", name=op.f("ck_ledger_tile_hashes")),
        sa.PrimaryKeyConstraint("level", "idx", name=op.f("pk_ledger_tile")),
        sqlite_strict=True,
    )
    op.create_table(
        "ledger_checkpoint",
        sa.Column("size", _BIG, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("length(root) = 32", name=op.f("ck_ledger_checkpoint_root")),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_checkpoint")),
        sqlite_strict=True,
    )
    op.create_table(
        "ledger_key",
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("from_size", _BIG, nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.entry_id"], name=op.f("fk_ledger_key_entry_id")),
        sa.PrimaryKeyConstraint("vkey", "status", name=op.f("pk_ledger_key")),
        sqlite_strict=True,
    )
    op.create_table(
        "erased_address",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("erased_at", Instant(), nullable=False),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_erased_address_digest")),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.entry_id"], name=op.f("fk_erased_address_entry_id")),
        sa.PrimaryKeyConstraint("digest", "entry_id", name=op.f("pk_erased_address")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_erased_address_entry_id"), "erased_address", ["entry_id"], unique=False)
    op.add_column("contact", sa.Column("erased_at", Instant(), nullable=True))
    op.add_column("contact", sa.Column("erased_entry", sa.Text(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()


def downgrade() -> None:
    for name in reversed(_COLUMNS):
        op.drop_column("contact", name)
    op.drop_index(op.f("ix_erased_address_entry_id"), table_name="erased_address")
    for table in reversed(_EXISTS):
        op.drop_table(table)
