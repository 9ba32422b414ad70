"""When a key ends, was revoked and last used; and what was answered under an Idempotency-Key.

No table is rewritten: the new columns may be null.
"""

import sqlalchemy as sa
from alembic import op

from consent.store.base import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TIMES = ("expires_at", "revoked_at", "last_used_at")


def upgrade() -> None:
    for name in _TIMES:
        op.add_column("api_key", sa.Column(name, Instant(), nullable=True))
    op.create_table(
        "answered",
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=False),
        sa.CheckConstraint("length(request) = 32", name=op.f("ck_answered_request")),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_answered")),
    )
    op.create_index(op.f("ix_answered_answered_at"), "answered", ["answered_at"])


def downgrade() -> None:
    op.drop_table("answered")
    for name in _TIMES:
        op.drop_column("api_key", name)
