"""How often the rota of a program was written down, so that the second of two leads is told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "on_call_version"
down_revision = "erasure_carried_out"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "on_call_version",
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("program"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("on_call_version")
