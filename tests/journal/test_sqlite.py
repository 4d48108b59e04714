"""The home in SQLite keeps the contract, and what a file on a disk adds to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from journal.port import Journal
from journal.sqlite import SqliteJournal
from tests.journal.contract import JournalContract


class SqliteLog:
    """One process writes, so all writers of a test share its handle."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = SqliteJournal(folder)

    def handle(self) -> Journal:
        return self.home

    def reopen(self) -> Journal:
        self.home.close()
        self.home = SqliteJournal(self.folder)
        return self.home


class TestSqlite(JournalContract):
    @pytest.fixture
    def new_log(self, tmp_path: Path) -> Iterator[Callable[[], SqliteLog]]:
        made: list[SqliteLog] = []
        names = count()

        def make() -> SqliteLog:
            made.append(SqliteLog(tmp_path / str(next(names))))
            return made[-1]

        yield make
        for log in made:
            log.home.close()
