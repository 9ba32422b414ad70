"""Implied consent: a second window and the last renewal mail in the standings, and indexes to find what ends soon."""

import sqlalchemy as sa
from alembic import op

from consent.store.base import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COLUMNS = ("then_from", "then_until", "renewal_at")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("standing", sa.Column(name, Instant(), nullable=True))
    op.create_index("ix_standing_topic_allowed_until", "standing", ["topic", "allowed_until"], unique=False)
    op.create_index("ix_ledger_entry_kind_entry_id", "ledger_entry", ["kind", "entry_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_ledger_entry_kind_entry_id", table_name="ledger_entry")
    op.drop_index("ix_standing_topic_allowed_until", table_name="standing")
    for name in reversed(_COLUMNS):
        op.drop_column("standing", name)
