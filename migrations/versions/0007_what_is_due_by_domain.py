"""The index of what is due holds only that: else SQLite prefers it to the one by domain, and reads all of it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_DUE = sa.text("state = 'due'")


def upgrade() -> None:
    op.drop_index("ix_outbox_state_run_at", table_name="outbox")
    op.create_index("ix_outbox_run_at", "outbox", ["run_at"], sqlite_where=_DUE, postgresql_where=_DUE)


def downgrade() -> None:
    op.drop_index("ix_outbox_run_at", table_name="outbox")
    op.create_index("ix_outbox_state_run_at", "outbox", ["state", "run_at"])
