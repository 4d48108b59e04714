"""The home in memory keeps the contract."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from journal.memory import MemoryJournal
from journal.port import Journal
from tests.journal.contract import JournalContract


class MemoryLog:
    def __init__(self) -> None:
        self.home = MemoryJournal()

    def handle(self) -> Journal:
        return self.home

    def reopen(self) -> Journal:
        return self.home


class TestMemory(JournalContract):
    @pytest.fixture
    def new_log(self) -> Callable[[], MemoryLog]:
        return MemoryLog
