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


# The same on PostgreSQL. ENABLE ALWAYS: they fire under session_replication_role = replica as well. Whoever owns the
# tables can still disable them, so the service must not (migrations/postgresql_roles.sql).
_PG_FUNCTIONS = """
CREATE FUNCTION consent_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$;

CREATE FUNCTION consent_contiguous() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE first_new bigint; last_new bigint; new_rows bigint; before bigint;
BEGIN
  SELECT min(seq), max(seq), count(*) INTO first_new, last_new, new_rows FROM added;
  IF new_rows = 0 THEN RETURN NULL; END IF;
  EXECUTE format('SELECT coalesce(max(seq) + 1, 0) FROM %I.%I WHERE seq < $1', TG_TABLE_SCHEMA, TG_TABLE_NAME)
    INTO before USING first_new;
  IF first_new <> before OR last_new - first_new + 1 <> new_rows THEN
    RAISE EXCEPTION 'ledger_leaf.seq must follow the last one' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER ledger_leaf_contiguous AFTER INSERT ON ledger_leaf
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION consent_contiguous();
ALTER TABLE ledger_leaf ENABLE ALWAYS TRIGGER ledger_leaf_contiguous;

ALTER TABLE ledger_entry ADD CONSTRAINT ck_ledger_entry_leaf CHECK (leaf_hash = sha256('\\x00'::bytea || body));
"""
_PG_REFUSE = """
CREATE TRIGGER {table}_refuse BEFORE {events} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION consent_refuse();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_refuse;
"""
_PG_GUARDED = {
    **dict.fromkeys(("ledger_entry", "ledger_leaf", *_EXISTS), "UPDATE OR DELETE OR TRUNCATE"),
    "evidence": "UPDATE OR TRUNCATE",  # erasure deletes evidence, and nothing else
}


def _guard_on_postgresql() -> None:
    op.execute(_PG_FUNCTIONS)
    for table, events in _PG_GUARDED.items():
        op.execute(_PG_REFUSE.format(table=table, events=events))


def _unguard_postgresql() -> None:
    for table in _PG_GUARDED:
        op.execute(f"DROP TRIGGER {table}_refuse ON {table}")
    op.execute("DROP TRIGGER ledger_leaf_contiguous ON ledger_leaf")
    op.execute("ALTER TABLE ledger_entry DROP CONSTRAINT ck_ledger_entry_leaf")
    op.execute("DROP FUNCTION consent_contiguous(); DROP FUNCTION consent_refuse()")


def upgrade() -> None:
    _create_tree()
    _create_keys()
    _create_erasures()
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()
    else:
        _guard_on_postgresql()


def _create_tree() -> None:
    op.create_table(
        "ledger_pending",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.entry_id"], name=op.f("fk_ledger_pending_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_pending")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_ledger_pending_entry_id")),
    )
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


def _create_keys() -> None:
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


def _create_erasures() -> None:
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


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        _unguard_postgresql()
    op.drop_table("ledger_pending")
    for name in reversed(_COLUMNS):
        op.drop_column("contact", name)
    op.drop_index(op.f("ix_erased_address_entry_id"), table_name="erased_address")
    for table in reversed(_EXISTS):
        op.drop_table(table)
