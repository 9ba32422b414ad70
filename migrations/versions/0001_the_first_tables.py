"""The first tables, and the triggers that keep the ledger insert-only on SQLite."""

import sqlalchemy as sa
from alembic import op

from consent.store.base import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# Whoever tries to change what is recorded is refused. REPLACE deletes without firing a DELETE trigger unless
# recursive_triggers is on, so an INSERT of a key that exists is refused as well.
_REFUSE = """
CREATE TRIGGER {table}_refuse_{event} BEFORE {event} ON {table} {when}
BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END
"""
_EXISTS = {
    "ledger_entry": "entry_id = NEW.entry_id OR (contact = NEW.contact AND cseq = NEW.cseq)",
    "ledger_leaf": "seq = NEW.seq OR entry_id = NEW.entry_id",
    "evidence": "entry_id = NEW.entry_id AND field = NEW.field",
}
# Every entry gets the next number, from 0 without a gap, in the transaction that inserts it.
_CONTIGUOUS = """
CREATE TRIGGER ledger_leaf_contiguous BEFORE INSERT ON ledger_leaf
WHEN NEW.seq IS NULL OR NEW.seq <> (SELECT coalesce(max(seq) + 1, 0) FROM ledger_leaf)
BEGIN SELECT RAISE(ABORT, 'ledger_leaf.seq must follow the last one'); END
"""
_NUMBER = """
CREATE TRIGGER ledger_entry_number AFTER INSERT ON ledger_entry
BEGIN
  INSERT INTO ledger_leaf (seq, entry_id, leaf_hash, sequenced_at)
  SELECT coalesce(max(seq) + 1, 0), NEW.entry_id, NEW.leaf_hash, NEW.recorded_at FROM ledger_leaf;
END
"""


def _guard_on_sqlite() -> None:
    for table, exists in _EXISTS.items():
        events = {"UPDATE": "", "INSERT": f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {exists})"}
        if table != "evidence":  # erasure deletes evidence, and nothing else
            events["DELETE"] = ""
        for event, when in events.items():
            op.execute(_REFUSE.format(table=table, event=event, when=when))
    op.execute(_CONTIGUOUS)
    op.execute(_NUMBER)


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("consent_key", sa.Text(), nullable=True),
        sa.Column("deny_key", sa.Text(), nullable=True),
        sa.Column("abuse_key", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("consent_key", name=op.f("uq_contact_consent_key")),
    )
    op.create_index(op.f("ix_contact_abuse_key"), "contact", ["abuse_key"], unique=False)
    op.create_index(op.f("ix_contact_deny_key"), "contact", ["deny_key"], unique=False)
    op.create_table(
        "export",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("cseq", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=True),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(body) BETWEEN 1 AND 16384", name=op.f("ck_ledger_entry_body")),
        sa.CheckConstraint("length(leaf_hash) = 32", name=op.f("ck_ledger_entry_leaf_hash")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("contact", "cseq", name=op.f("uq_ledger_entry_contact_cseq")),
        sqlite_strict=True,
    )
    op.create_index("ix_ledger_entry_topic_kind", "ledger_entry", ["topic", "kind"], unique=False)
    op.create_table(
        "organization",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_organization")),
        sa.UniqueConstraint("id", name=op.f("uq_organization_id")),
    )
    op.create_table(
        "brand",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["organization"], ["organization.slug"], name=op.f("fk_brand_organization")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_brand")),
    )
    op.create_table(
        "evidence",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(salt) = 32", name=op.f("ck_evidence_salt")),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.entry_id"], name=op.f("fk_evidence_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "field", name=op.f("pk_evidence")),
        sqlite_strict=True,
    )
    op.create_table(
        "ledger_leaf",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sequenced_at", Instant(), nullable=False),
        sa.CheckConstraint("length(leaf_hash) = 32", name=op.f("ck_ledger_leaf_leaf_hash")),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.entry_id"], name=op.f("fk_ledger_leaf_entry_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger_leaf")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_ledger_leaf_entry_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("run_at", Instant(), nullable=False),
        sa.Column("leased_until", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_outbox_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_contact_id"), "outbox", ["contact_id"], unique=False)
    op.create_index("ix_outbox_state_run_at", "outbox", ["state", "run_at"], unique=False)
    op.create_table(
        "signup",
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("network", sa.Text(), nullable=True),
        sa.Column("requested_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_signup_contact_id")),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_signup")),
    )
    op.create_index(op.f("ix_signup_contact_id"), "signup", ["contact_id"], unique=False)
    op.create_table(
        "standing",
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("allowed_from", Instant(), nullable=True),
        sa.Column("allowed_until", Instant(), nullable=True),
        sa.Column("since", Instant(), nullable=True),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_standing_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", "topic", name=op.f("pk_standing")),
        sa.UniqueConstraint("handle", name=op.f("uq_standing_handle")),
    )
    op.create_index("ix_standing_topic_state", "standing", ["topic", "state"], unique=False)
    op.create_table(
        "form",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("published_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["brand"], ["brand.slug"], name=op.f("fk_form_brand")),
        sa.PrimaryKeyConstraint("slug", "version", name=op.f("pk_form")),
    )
    op.create_table(
        "notice",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("published_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["brand"], ["brand.slug"], name=op.f("fk_notice_brand")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_notice")),
    )
    op.create_table(
        "topic",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["brand"], ["brand.slug"], name=op.f("fk_topic_brand")),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_topic")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_on_sqlite()


def downgrade() -> None:
    op.drop_table("topic")
    op.drop_table("notice")
    op.drop_table("form")
    op.drop_index("ix_standing_topic_state", table_name="standing")
    op.drop_table("standing")
    op.drop_index(op.f("ix_signup_contact_id"), table_name="signup")
    op.drop_table("signup")
    op.drop_index("ix_outbox_state_run_at", table_name="outbox")
    op.drop_index(op.f("ix_outbox_contact_id"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("ledger_leaf")
    op.drop_table("evidence")
    op.drop_table("brand")
    op.drop_table("organization")
    op.drop_index("ix_ledger_entry_topic_kind", table_name="ledger_entry")
    op.drop_table("ledger_entry")
    op.drop_table("export")
    op.drop_index(op.f("ix_contact_deny_key"), table_name="contact")
    op.drop_index(op.f("ix_contact_abuse_key"), table_name="contact")
    op.drop_table("contact")
    op.drop_table("api_key")
