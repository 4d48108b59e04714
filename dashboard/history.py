"""What the read model knows of what happened, asked by pages: short queries, each with a bound."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, select

from dashboard.tables import ALERTS, FACTS, LETTERS, MATCHES, NAMED, PROGRAMS

ROWS_MAX: Final = 500  # of a chart or a list that is not paged


class Happened(NamedTuple):
    """A fact: its number, the program's clock, when it happened, its type, whom it is about and what was said."""

    n: int
    at: int
    time: int
    type: str
    subject: str
    said: dict[str, Any]


def of_person(
    db: Connection,
    program: str,
    person: str,
    *,
    before: int | None = None,
    limit: int = 25,
    without: Sequence[str] = (),
    hidden: str | None = None,
) -> list[Happened]:
    """Facts that name a person and do not name ``hidden``, the newest first, behind number ``before``."""
    query = _about(program, person).limit(limit)
    if hidden is not None:
        also = select(NAMED.c.n).where(NAMED.c.program == program, NAMED.c.person == hidden)
        query = query.where(NAMED.c.n.not_in(also))
    if before is not None:
        query = query.where(NAMED.c.n < before)
    for prefix in without:
        query = query.where(FACTS.c.type.not_like(f"{prefix}%"))
    return [_happened(row) for row in db.execute(query)]


def progress(db: Connection, program: str, person: str) -> list[Happened]:
    """What was told of somebody's recovery, the newest ``ROWS_MAX``, the oldest first."""
    return _told_of(db, program, person, FACTS.c.type.like("progress.%"))


def of_types(db: Connection, program: str, person: str, types: Sequence[str]) -> list[Happened]:
    """What was told of somebody, of these types; the newest ``ROWS_MAX``, the oldest first."""
    return _told_of(db, program, person, FACTS.c.type.in_(types))


def numbers_of(db: Connection, program: str, people: Sequence[str], types: Sequence[str]) -> dict[str, list[int]]:
    """The numbers of the facts of these types about each of the people, the newest first. Cost: a query for 500."""
    found = defaultdict[str, list[int]](list)
    joined = (NAMED.c.program == FACTS.c.program) & (NAMED.c.n == FACTS.c.n) & (NAMED.c.person == FACTS.c.subject)
    told = select(NAMED.c.person, NAMED.c.n).join_from(NAMED, FACTS, joined).order_by(NAMED.c.n.desc())
    told = told.where(NAMED.c.program == program, FACTS.c.type.in_(types))
    for first in range(0, len(people), ROWS_MAX):
        for row in db.execute(told.where(NAMED.c.person.in_(people[first : first + ROWS_MAX]))):
            found[row.person].append(row.n)
    return found


def matches_of(db: Connection, program: str, person: str) -> list[Row[Any]]:
    """All matches of somebody, on either side, the newest first."""
    mine = (MATCHES.c.newcomer == person) | (MATCHES.c.mentor == person)
    query = select(MATCHES).where(MATCHES.c.program == program, mine)
    return list(db.execute(query.order_by(MATCHES.c.proposed_at.desc(), MATCHES.c.match.desc()).limit(ROWS_MAX)))


def alerts_of(db: Connection, programs: Sequence[str]) -> dict[tuple[str, str], Row[Any]]:
    """What people did about alerts, by program and alert."""
    rows = db.execute(select(ALERTS).where(ALERTS.c.program.in_(programs)))
    return {(row.program, row.alert): row for row in rows}


def letters(db: Connection, programs: Sequence[str] | None, *, limit: int = 100) -> list[Row[Any]]:
    """Refused inputs, the newest first; of these programs, or all."""
    query = select(LETTERS).order_by(LETTERS.c.at.desc(), LETTERS.c.position.desc(), LETTERS.c.number).limit(limit)
    return list(db.execute(query if programs is None else query.where(LETTERS.c.program.in_(programs))))


def is_whole(db: Connection, program: str) -> bool:
    """Whether the history of a program is known from its first fact."""
    row = db.execute(select(PROGRAMS.c.unknown_to).where(PROGRAMS.c.program == program)).first()
    return row is not None and row.unknown_to == 0


def _told_of(db: Connection, program: str, person: str, which: ColumnElement[bool]) -> list[Happened]:
    query = _about(program, person).where(which, FACTS.c.subject == person).limit(ROWS_MAX)
    return sorted((_happened(row) for row in db.execute(query)), key=lambda each: each.time)


def _about(program: str, person: str) -> Select[Any]:
    """The newest first, in the order of the index of who is named: by that of facts, all of them would be looked at."""
    joined = (NAMED.c.program == FACTS.c.program) & (NAMED.c.n == FACTS.c.n)
    named = select(FACTS).join_from(NAMED, FACTS, joined).where(NAMED.c.program == program, NAMED.c.person == person)
    return named.order_by(NAMED.c.n.desc())


def _happened(row: Row[Any]) -> Happened:
    return Happened(row.n, row.at, row.time, row.type, row.subject, json.loads(row.said))
