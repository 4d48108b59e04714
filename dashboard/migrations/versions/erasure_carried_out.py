"""Which records of the journal erased somebody and were carried out, so that a rebuild does not do it again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "erasure_carried_out"
down_revision = "bound_at"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "erasure_carried_out",
        sa.Column("record", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("record"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("erasure_carried_out")
