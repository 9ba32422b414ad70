"""How many reports came as mail, of which sort: whoever reads them serves no metrics."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_report",
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("what", "proved", name=op.f("pk_mail_report")),
    )


def downgrade() -> None:
    op.drop_table("mail_report")
