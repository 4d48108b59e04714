"""Alembic's entry: the caller has opened a transaction and hands its connection over."""

from __future__ import annotations

from alembic import context

from dashboard import erasure
from dashboard.access import tables
from dashboard.contact import cards
from dashboard.tables import METADATA

assert tables, (cards, erasure)  # their definitions are part of METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table="dashboard_schema",
    render_as_batch=True,  # SQLite changes a column only by copying its table
)
context.run_migrations()
