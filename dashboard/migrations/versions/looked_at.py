"""What an account looked at lately is asked for with every Today: an index of the audit by account and time."""

from __future__ import annotations

from alembic import op

revision = "looked_at"
down_revision = "on_call"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_index("audit_account", "audit", ["account", "at"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("audit_account", table_name="audit")
