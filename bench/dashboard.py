"""The dashboard beside what it rests on: the projection beside SQLAlchemy Core, pages beside bare routes (``pages``).

Both write the same transactions into the same tables, on SQLite and, where it is installed, on PostgreSQL. ``ours``
also reads the journal, checks its chain, evolves the programs and works the rows out; the peer is handed them finished.
The two take turns on empty databases, and each row is the best of its rounds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sqlalchemy import Engine, Table, insert
from sqlalchemy.dialects import postgresql, sqlite

from bench import pages
from bench.report import Row, rate_row
from dashboard.chronicle import Chronicle
from dashboard.database import open_database
from dashboard.draft import Draft
from dashboard.projection import Place, Projection
from dashboard.replica import Replica
from journal.sqlite import SqliteJournal
from matcher.cohort import cohort
from streams.folder import DataFolder
from streams.intake import read_input
from streams.state import State
from tools.parts import Unavailable
from tools.postgres import Postgres

MEMBERS, MENTORS, DAYS = 1_000, 150, 120
BATCH_EVENTS = 256
ROUNDS = 5
GOAL = 0.3

Written = Sequence[Mapping[Table, Sequence[dict[str, Any]]]]
"""The rows of each transaction, by table."""


def rows() -> Iterator[Row]:
    """The projection, and the pages of a large program, on both databases."""
    with TemporaryDirectory(dir=Path.cwd()) as name, ExitStack() as stack:
        folder, numbers = Path(name), count()
        _live(folder / "data")
        homes = {"SQLite": lambda: f"sqlite:///{folder}/{next(numbers)}.db"}
        with suppress(Unavailable):
            server = stack.enter_context(Postgres(durable=True))
            homes["PostgreSQL"] = lambda: server.url(f"bench_{next(numbers)}")
        for database, new_address in homes.items():
            yield _projection(database, folder, new_address)
        pages.large_journal(folder / "large")
        for database, new_address in homes.items():
            yield from pages.rows(folder / "large", database, new_address())


def _live(path: Path) -> None:
    """A journal of a cohort, in the records that the embedded service would write under load."""
    left = (json.dumps(event).encode() for event in cohort("river", MEMBERS, MENTORS, DAYS))
    with DataFolder.open(path, clock="event") as folder:
        while part := list(islice(left, BATCH_EVENTS)):
            folder.take([read_input(raw) for raw in part])


def _projection(name: str, folder: Path, new_address: Callable[[], str]) -> Row:
    written = list[Mapping[Table, Sequence[dict[str, Any]]]]()
    _follow(folder, new_address, lambda engine: _Noting(engine, written))
    times = [(_ours(folder, new_address), _insert(new_address, written)) for _ in range(ROUNDS)]
    ours, peer = min(own for own, _ in times), min(other for _, other in times)
    number = sum(len(rows) for tables in written for rows in tables.values())
    return rate_row("dashboard", f"projection, {name}, {number:,} rows", number / ours, number / peer, "rows/s", GOAL)


def _ours(folder: Path, new_address: Callable[[], str]) -> float:
    return _follow(folder, new_address, lambda engine: Projection(engine, "0"))


class _Noting(Projection):
    """Remembers what it writes."""

    def __init__(self, engine: Engine, written: list[Mapping[Table, Sequence[dict[str, Any]]]]) -> None:
        super().__init__(engine, "0")
        self._written = written

    def write(self, draft: Draft, place: Place) -> None:
        put = {table: list(rows.values()) for table, rows in draft.put.items() if rows}
        self._written.append({**{table: rows for table, rows in draft.added.items() if rows}, **put})
        super().write(draft, place)


def _follow(folder: Path, new_address: Callable[[], str], make: Callable[[Engine], Projection]) -> float:
    """Seconds that it takes to bring an empty read model to the end of the journal."""
    engine = open_database(new_address())
    with closing(SqliteJournal(folder / "data", read_only=True)) as home:
        begin = perf_counter()
        chronicle = Chronicle(make(engine), Replica(), lambda snapshot: State.of([snapshot]).programs.values())
        chronicle.read(home)
        seconds = perf_counter() - begin
    engine.dispose()
    return seconds


def _insert(new_address: Callable[[], str], written: Written) -> float:
    """Seconds that SQLAlchemy Core takes for the same rows in the same transactions; what is there is replaced."""
    engine = open_database(new_address())
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    begin = perf_counter()
    for tables in written:
        with engine.begin() as connection:
            for table, of_table in tables.items():
                connection.execute(_statement(dialect, table), of_table)
    seconds = perf_counter() - begin
    engine.dispose()
    return seconds


def _statement(dialect: Any, table: Table) -> Any:
    """An insert; where rows come again in a later transaction, one that replaces them."""
    if table.name in ("read_fact", "read_named", "read_letter"):
        return insert(table)
    keys = list(table.primary_key.columns)
    statement = dialect.insert(table)
    others = {column.name: statement.excluded[column.name] for column in table.c if column not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)
