"""Since when an account is bound to a member: an erasure ends what was bound before it, also when it comes by again."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "bound_at"
down_revision = "looked_at"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step. What is bound already is bound now: an older erasure is of somebody else of the same id."""
    op.add_column("account", sa.Column("bound_at", sa.BigInteger()))
    account = sa.table("account", sa.column("member"), sa.column("bound_at"))
    op.execute(sa.update(account).where(account.c.member.is_not(None)).values(bound_at=int(time.time())))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("account", "bound_at")
