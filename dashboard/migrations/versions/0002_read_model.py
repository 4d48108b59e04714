"""The read model."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "read_alert",
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("alert", sa.String(length=64), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved_by", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("program", "alert"),
    )
    op.create_table(
        "read_experience",
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("family", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("program", "person", "number"),
    )
    op.create_index("read_experience_family", "read_experience", ["program", "family", "state"], unique=False)
    op.create_table(
        "read_fact",
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("program", "n"),
    )
    op.create_table(
        "read_letter",
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("program", sa.String(length=64), nullable=True),
        sa.Column("type", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("home", "position", "number"),
    )
    op.create_index("read_letter_program", "read_letter", ["program"], unique=False)
    op.create_table(
        "read_match",
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("match", sa.String(length=64), nullable=False),
        sa.Column("newcomer", sa.String(length=64), nullable=False),
        sa.Column("mentor", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("fit", sa.Integer(), nullable=True),
        sa.Column("proposed_at", sa.BigInteger(), nullable=True),
        sa.Column("active_at", sa.BigInteger(), nullable=True),
        sa.Column("over_at", sa.BigInteger(), nullable=True),
        sa.Column("held_until", sa.BigInteger(), nullable=True),
        sa.Column("contact_first", sa.BigInteger(), nullable=True),
        sa.Column("contact_last", sa.BigInteger(), nullable=True),
        sa.Column("how", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("barred", sa.Boolean(), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("program", "match"),
    )
    op.create_index("read_match_mentor", "read_match", ["program", "mentor"], unique=False)
    op.create_index("read_match_newcomer", "read_match", ["program", "newcomer"], unique=False)
    op.create_index("read_match_stage", "read_match", ["program", "stage"], unique=False)
    op.create_table(
        "read_mentor",
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("caseload", sa.Integer(), nullable=False),
        sa.Column("matches_had", sa.Integer(), nullable=False),
        sa.Column("admitted", sa.Boolean(), nullable=False),
        sa.Column("declined", sa.Boolean(), nullable=False),
        sa.Column("backup", sa.Boolean(), nullable=False),
        sa.Column("volunteered_at", sa.BigInteger(), nullable=False),
        sa.Column("trained_at", sa.BigInteger(), nullable=True),
        sa.Column("supervised_at", sa.BigInteger(), nullable=True),
        sa.Column("cleared_until", sa.BigInteger(), nullable=False),
        sa.Column("paused_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program", "person"),
    )
    op.create_table(
        "read_named",
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("program", "person", "n"),
    )
    op.create_table(
        "read_person",
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("seeks_since", sa.BigInteger(), nullable=True),
        sa.Column("paused_until", sa.BigInteger(), nullable=False),
        sa.Column("match", sa.String(length=64), nullable=True),
        sa.Column("last_seen", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("program", "person"),
    )
    op.create_index("read_person_stage", "read_person", ["program", "stage"], unique=False)
    op.create_table(
        "read_place",
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("home"),
    )
    op.create_table(
        "read_program",
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("unknown_to", sa.BigInteger(), nullable=False),
        sa.Column("unknown_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("program"),
    )
    op.create_table(
        "read_wait",
        sa.Column("program", sa.String(length=64), nullable=False),
        sa.Column("newcomer", sa.String(length=64), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("match", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("program", "newcomer", "n"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("read_wait")
    op.drop_table("read_program")
    op.drop_table("read_place")
    op.drop_index("read_person_stage", table_name="read_person")
    op.drop_table("read_person")
    op.drop_table("read_named")
    op.drop_table("read_mentor")
    op.drop_index("read_match_stage", table_name="read_match")
    op.drop_index("read_match_newcomer", table_name="read_match")
    op.drop_index("read_match_mentor", table_name="read_match")
    op.drop_table("read_match")
    op.drop_index("read_letter_program", table_name="read_letter")
    op.drop_table("read_letter")
    op.drop_table("read_fact")
    op.drop_index("read_experience_family", table_name="read_experience")
    op.drop_table("read_experience")
    op.drop_table("read_alert")
