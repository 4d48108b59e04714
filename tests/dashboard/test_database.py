"""The dashboard's database: migrations make the tables that the code knows, and an address gives nothing away."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from dashboard import app, database
from dashboard.tables import METADATA, READ_MODEL
from matcher.errors import ConfigurationError, KindredError, Unreachable

assert app  # with it come all tables


def test_the_migrations_make_the_tables_that_the_code_knows(new_database: Callable[[], Engine]) -> None:
    with new_database().connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "dashboard_schema"})
        assert compare_metadata(context, METADATA) == []


def test_opening_again_changes_nothing(new_database: Callable[[], Engine]) -> None:
    engine = new_database()
    with engine.begin() as connection:
        connection.execute(READ_MODEL[0].insert(), [{"home": "0", "position": 7, "chain": b"x" * 16}])
    database.migrate(engine)
    with engine.connect() as connection:
        assert connection.execute(READ_MODEL[0].select()).one().position == 7


def test_several_that_start_at_once_migrate_in_turn(tmp_path: Path) -> None:
    failures = list[BaseException]()

    def start() -> None:
        try:
            database.open_database(database.beside(tmp_path)).dispose()
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_schema_of_a_newer_version_says_upgrade(new_database: Callable[[], Engine]) -> None:
    engine = new_database()
    with engine.begin() as connection:
        connection.execute(text("UPDATE dashboard_schema SET version_num = 'later'"))
    with pytest.raises(ConfigurationError, match="upgrade Kindred") as caught:
        database.migrate(engine)
    assert caught.value.code == "KND-database-newer"


@pytest.mark.parametrize(
    "address", ["", "mysql://u:secret@h/d", "postgresql+asyncpg://u:secret@h/d", "a secret", "sqlite:"]
)
def test_an_address_of_something_else_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        database.connect(address)
    assert caught.value.code == "KND-database-url"
    assert "secret" not in str(caught.value)


def test_a_server_that_is_away_is_said_to_be_without_its_password() -> None:
    with pytest.raises(Unreachable) as caught:
        database.open_database("postgresql://me:secret@127.0.0.1:1/none")
    assert caught.value.code == "KND-database-away"
    chain: KindredError | BaseException | None = caught.value
    assert "secret" not in str(chain)


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    database.open_database(database.beside(tmp_path / "new")).dispose()
    for path in (tmp_path / "new").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
