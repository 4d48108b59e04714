"""Databases to follow a journal into, and a journal of made-up people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine

from dashboard.database import open_database
from tests.dashboard import told

_numbers = count()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Makes empty databases on the newest schema."""
    engines = list[Engine]()

    def make() -> Engine:
        name = f"read_model_{next(_numbers)}"
        if request.param == "sqlite":
            address = f"sqlite:///{tmp_path / name}.db"
        else:
            address = request.getfixturevalue("postgres").url(name)
        engines.append(open_database(address))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture(scope="session")
def cohort_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the demo's cohort has lived; to be read, never written."""
    path = tmp_path_factory.mktemp("cohort")
    told.tell(path, told.events())
    return path
