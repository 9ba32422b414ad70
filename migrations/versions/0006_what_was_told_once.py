"""The ids under which providers told us something, so that each is recorded once."""

import sqlalchemy as sa
from alembic import op

from consent.store.base import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "told",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("meant", sa.Text(), nullable=False),
        sa.Column("told_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("pk_told")),
    )


def downgrade() -> None:
    op.drop_table("told")
