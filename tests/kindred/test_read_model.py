"""``kindred read-model rebuild``: one command, at any time, and accounts stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard.access import accounts
from dashboard.database import beside, open_database
from kindred.settings import load, rows
from tests.dashboard import told
from tests.kindred.shell import kindred

pytestmark = pytest.mark.slow


def test_the_read_model_is_made_anew_and_accounts_stay(tmp_path: Path) -> None:
    told.tell(tmp_path / "data", told.events())
    engine = open_database(beside(tmp_path / "data"))
    with engine.begin() as db:
        accounts.make(db, "somebody", [("river", "lead")], 1)
    with told.reading(tmp_path / "data") as home:
        told.follow(engine, home)
    before = told.read_model(engine)
    done = kindred("read-model", "rebuild", "data", "--json", at=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {name: len(of_table) for name, of_table in before.items()}
    assert told.read_model(engine) == before
    with engine.connect() as db:
        assert [account["name"] for account in accounts.every(db)] == ["somebody"]
    engine.dispose()


def test_the_database_may_be_elsewhere(tmp_path: Path) -> None:
    told.tell(tmp_path / "data", told.events()[:100])
    address = f"sqlite:///{tmp_path}/elsewhere.db"
    done = kindred("read-model", "rebuild", "data", at=tmp_path, KINDRED_DATABASE_URL=address)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "data" / "dashboard.db").exists()


@pytest.mark.parametrize(
    ("address", "exit_code", "code"),
    [
        ("oracle://me:hidden@host/x", 2, "KND-database-url"),
        ("postgresql://me:hidden@127.0.0.1:1/x", 4, "KND-database-away"),
    ],
)
def test_a_database_that_cannot_be_used_is_said_without_its_password(
    tmp_path: Path, address: str, exit_code: int, code: str
) -> None:
    told.tell(tmp_path / "data", told.events()[:10])
    done = kindred("read-model", "rebuild", "data", at=tmp_path, KINDRED_DATABASE_URL=address)
    assert done.returncode == exit_code
    assert code in done.stderr
    assert "hidden" not in done.stdout + done.stderr


def test_without_a_journal_nothing_is_emptied_or_made(tmp_path: Path) -> None:
    done = kindred("read-model", "rebuild", "nowhere", at=tmp_path)
    assert (done.returncode, "KND-journal-missing" in done.stderr) == (2, True)
    assert not (tmp_path / "nowhere").exists()


def test_the_address_is_masked_among_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINDRED_DATABASE_URL", "postgresql://me:hidden@host/x")
    assert all("hidden" not in row.value for row in rows(load()))
