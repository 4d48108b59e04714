"""The read model as it is written: a draft at a time, each in one transaction with the position that it reaches.

So a crash between two transactions repeats nothing and loses nothing: whoever goes on reads the position and begins
behind it. A draft whose commit ended without an answer is offered again; the position says whether it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine, Table, and_, bindparam, delete, exc, insert, select

from dashboard.database import away, forget, upsert
from dashboard.draft import Draft
from dashboard.erasure import FORGETS
from dashboard.memory import Key, LookUp, Memory
from dashboard.rows import OPEN, Row
from dashboard.tables import (
    EXPERIENCES,
    FACTS,
    LETTERS,
    MATCHES,
    MENTORS,
    NAMED,
    PEOPLE,
    PLACES,
    PROGRAMS,
    READ_MODEL,
    WAITS,
)
from matcher.errors import KindredError, code

OVERTAKEN = code(
    "KND-read-model-overtaken",
    "Another dashboard has written to the same read model meanwhile. This one begins again from what is there now; one "
    "dashboard for one database is enough.",
)

_OF_PROGRAMS: Final = tuple(table for table in READ_MODEL if "program" in table.c and table is not LETTERS)


class Place(NamedTuple):
    """How far a journal's rows are written: the last record, and the digest of the journal up to there."""

    position: int
    chain: bytes


NOWHERE: Final = Place(-1, b"")


class Overtaken(KindredError):
    """Somebody else has written what this draft would, or something else."""

    def __init__(self) -> None:
        super().__init__(OVERTAKEN, "another dashboard writes to the same read model: beginning again behind it")


class Projection:
    """Writes the read model of one journal. Used by one thread at a time; several may write to one database."""

    def __init__(self, engine: Engine, home: str) -> None:
        self._engine = engine
        self.home = home
        self.place = NOWHERE
        self.memory = Memory(self._look_up)

    def resume(self) -> Place:
        """Find out how far the rows are written. Raises Unreachable."""
        with _transaction(self._engine) as connection:
            self.place = _place(connection, self.home)
            self.memory = _recall(connection, self.home, self._look_up)
        return self.place

    def draft(self) -> Draft:
        """An empty draft, to be written before the next is begun."""
        return Draft(self.home, self.memory)

    def write(self, draft: Draft, place: Place) -> None:
        """Write a finished draft, which goes from ``self.place`` to ``place``. Raises Unreachable: offer it again.

        Raises Overtaken when the rows have come to another place meanwhile.
        """
        with _transaction(self._engine) as connection:
            now = _place(connection, self.home, lock=True)
            if now.position != place.position:
                if now != self.place:
                    raise Overtaken
                apply(connection, draft)
                _put(connection, PLACES, [{"home": self.home, "position": place.position, "chain": place.chain}])
        self.place = place
        self.memory.settle()
        if draft.erased:
            forget(self._engine)

    def wipe(self) -> None:
        """Empty the read model of this journal. Raises Unreachable."""
        with _transaction(self._engine) as connection:
            programs = connection.scalars(select(PROGRAMS.c.program).where(PROGRAMS.c.home == self.home)).all()
            for table in _OF_PROGRAMS:
                connection.execute(delete(table).where(table.c.program.in_(programs)))
            for table in (PLACES, LETTERS):
                connection.execute(delete(table).where(table.c.home == self.home))
        self.place, self.memory = NOWHERE, Memory(self._look_up)

    def _look_up(self, table: Table, key: Key) -> Row | None:
        columns = list(table.primary_key.columns)
        query = select(table).where(*(column == value for column, value in zip(columns, key, strict=True)))
        with _transaction(self._engine) as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else dict(row)


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    """``engine.begin()``; says in our own words that the database is away. A defect of ours stays what it is."""
    try:
        with engine.begin() as connection:
            yield connection
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as trouble:
        raise away(trouble) from trouble


def empty(engine: Engine) -> None:
    """Empty the whole read model, so that the next start reads the journals from their heads. Raises Unreachable."""
    with _transaction(engine) as connection:
        for table in READ_MODEL:
            connection.execute(delete(table))


def apply(connection: Connection, draft: Draft) -> None:
    """Make the changes of a draft. Erasures come first: who joins again afterwards is another person to us."""
    for key, at in draft.erased.items():
        _erase(connection, *key, at)
    for table, gone in draft.removed.items():
        if gone:
            chosen = [table.c[name] == bindparam(f"the_{name}") for name in gone[0]]
            connection.execute(delete(table).where(*chosen), _as_the(gone))
    for table, rows in draft.added.items():
        if rows:
            connection.execute(insert(table), rows)
    for table, kept in draft.put.items():
        _put(connection, table, list(kept.values()))


def _as_the(rows: Iterable[Row]) -> list[Row]:
    return [{f"the_{name}": value for name, value in row.items()} for row in rows]


def _put(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows over those of the same key."""
    if not rows:
        return
    statement = upsert(connection)(table)
    keys = [column.name for column in table.primary_key.columns]
    others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)


def _erase(connection: Connection, program: str, person: str, at: int) -> None:
    mine = select(NAMED.c.n).where(NAMED.c.program == program, NAMED.c.person == person)
    named = connection.scalars(mine).all()
    for table in (FACTS, NAMED):
        for start in range(0, len(named), 500):  # SQLite has a limit of parameters
            part = named[start : start + 500]
            connection.execute(delete(table).where(table.c.program == program, table.c.n.in_(part)))
    for table in (PEOPLE, EXPERIENCES, MENTORS):
        connection.execute(delete(table).where(table.c.program == program, table.c.person == person))
    connection.execute(delete(WAITS).where(WAITS.c.program == program, WAITS.c.newcomer == person))
    either = (MATCHES.c.newcomer == person) | (MATCHES.c.mentor == person)
    connection.execute(delete(MATCHES).where(and_(MATCHES.c.program == program, either)))
    for forget_them in FORGETS:
        forget_them(connection, program, person, at)


def _place(connection: Connection, home: str, *, lock: bool = False) -> Place:
    query = select(PLACES.c.position, PLACES.c.chain).where(PLACES.c.home == home)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return NOWHERE if row is None else Place(*row)


def _recall(connection: Connection, home: str, look_up: LookUp) -> Memory:
    memory = Memory(look_up)
    programs = connection.execute(select(PROGRAMS).where(PROGRAMS.c.home == home)).mappings()
    memory.programs = {
        row["program"]: {name: row[name] for name in ("unknown_to", "unknown_until")} for row in programs
    }
    mine = list(memory.programs)
    matches = select(MATCHES).where(MATCHES.c.program.in_(mine), MATCHES.c.stage.in_(OPEN))
    for row in connection.execute(matches).mappings():
        memory.matches[row["program"], row["match"]] = dict(row)
    waits = select(WAITS).where(WAITS.c.program.in_(mine), WAITS.c.until.is_(None))
    for row in connection.execute(waits).mappings():
        memory.waits[row["program"], row["newcomer"]] = dict(row)
    return memory


def known(engine: Engine) -> Mapping[str, Place]:
    """How far each journal's rows are written."""
    with _transaction(engine) as connection:
        found = connection.execute(select(PLACES)).mappings().all()
    return {row["home"]: Place(row["position"], row["chain"]) for row in found}
