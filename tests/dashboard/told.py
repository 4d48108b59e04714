"""Journals of made-up people for the read model, and the read model as plain rows to compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from dashboard.chronicle import Chronicle
from dashboard.database import open_database
from dashboard.projection import Projection
from dashboard.replica import Replica
from dashboard.tables import READ_MODEL
from journal.port import Journal
from journal.sqlite import SqliteJournal
from matcher.cohort import cohort
from streams.folder import DataFolder
from streams.intake import read_input
from streams.state import State

Rows = dict[str, list[dict[str, Any]]]
LATE = "2026-01-01T00:00:00Z"


def programs_of(snapshot):
    return State.of([snapshot]).programs.values()


def events(members: int = 40, mentors: int = 8, days: int = 45, program: str = "river") -> list[dict[str, Any]]:
    return list(cohort(program, members, mentors, days, seed=3))


def an_event(type_: str, subject: str, data: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    named = {"id": f"{type_}/{subject}/{json.dumps(data)}", "source": "/test", "time": LATE, "partitionkey": "river"}
    return {
        "specversion": "1.0",
        "type": f"kindred.{type_}.v1",
        "subject": subject,
        "data": data or {},
        **named,
        **more,
    }


def hand_in(folder: DataFolder, told: Iterable[dict[str, Any]], batch: int = 50) -> None:
    left = iter(told)
    while part := list(islice(left, batch)):
        folder.take([read_input(json.dumps(event).encode()) for event in part])


def tell(path: Path, told: Sequence[dict[str, Any]], batch: int = 50) -> None:
    """Decide these events in a data folder."""
    with DataFolder.open(path, clock="event") as folder:
        hand_in(folder, told, batch)


@contextmanager
def reading(path: Path) -> Iterator[Journal]:
    with closing(SqliteJournal(path, read_only=True)) as home:
        yield home


def follow(engine: Engine, home: Journal, replica: Replica | None = None) -> Replica:
    """Bring a read model up to the end of a journal, as a process that starts and stops would."""
    replica = replica or Replica()
    chronicle = Chronicle(Projection(engine, "0"), replica, programs_of)
    chronicle.read(home)
    return replica


def read_model(engine: Engine) -> Rows:
    """Every row of every table, in the order of their keys."""
    with engine.connect() as connection:
        return {
            table.name: [
                dict(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            ]
            for table in READ_MODEL
        }


def sqlite_engine(path: Path) -> Engine:
    return open_database(f"sqlite:///{path}")


MakeEngine = Callable[[], Engine]
