"""The local card: sealed rows, one a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "local_card"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "local_card",
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("program", "person"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("local_card")
