"""The domain of each outbox row, so that every domain of recipients gets its share of the worker's time.

No table is rewritten: the column has a constant default, and rows that wait from before are one domain, "-", until
they are gone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DUE = sa.text("state = 'due'")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("domain", sa.Text(), server_default="-", nullable=False))
    op.create_index("ix_outbox_due", "outbox", ["domain", "run_at", "id"], sqlite_where=_DUE, postgresql_where=_DUE)


def downgrade() -> None:
    op.drop_index("ix_outbox_due", table_name="outbox")
    op.drop_column("outbox", "domain")
