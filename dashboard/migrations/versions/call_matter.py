"""What a call is about beyond one telling, so that who is told again does not begin with the first on call anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "call_matter"
down_revision = "on_call_version"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step. A call of before is about its own telling alone."""
    op.add_column("on_call_call", sa.Column("matter", sa.String(length=64), nullable=False, server_default=""))
    call = sa.table("on_call_call", sa.column("alert"), sa.column("matter"))
    op.execute(sa.update(call).values(matter=call.c.alert))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("on_call_call", "matter")
