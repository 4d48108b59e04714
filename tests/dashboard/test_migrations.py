"""The schema that migrations make is the one that the code says, and keeps the audit as it must be."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from dashboard import app, database
from dashboard.access import audit
from dashboard.tables import METADATA

assert app  # it names every room that has a table


def test_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    engine = database.open_database(f"sqlite:///{tmp_path / 'dashboard.db'}")
    with engine.connect() as db:
        context = MigrationContext.configure(db, opts={"version_table": "dashboard_schema"})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_the_migrated_audit_only_grows(tmp_path: Path) -> None:
    engine = database.open_database(f"sqlite:///{tmp_path / 'dashboard.db'}")
    with engine.begin() as db:
        audit.note(db, 1, "a-1", "opened", "/people/{program}/{person}", program="river", about="m-17")
    with pytest.raises(DatabaseError), engine.begin() as db:
        db.execute(text("delete from audit"))
    engine.dispose()
