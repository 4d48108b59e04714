"""The record of what was done: who signed in, opened, decided, exported or printed what, and when.

Rows are only ever added; the database itself refuses anything else, but that an erased person's id becomes a
tombstone. A row names accounts by id, and a page by its path with its braces.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, insert, select, update

from dashboard.access.tables import AUDIT, TOMBSTONE


def note(
    db: Connection,
    now: int,
    account: str | None,
    what: str,
    where: str,
    *,
    program: str | None = None,
    about: str | None = None,
) -> None:
    """Write one line."""
    row = {"at": now, "account": account, "what": what, "where_": where, "program": program, "about": about}
    db.execute(insert(AUDIT).values(**row))


def newest(
    db: Connection, *, before: int | None, programs: Sequence[str], others: bool, limit: int
) -> list[RowMapping]:
    """Lines of these programs, and with ``others`` all the rest, from the newest on and behind ``before``."""
    query = select(AUDIT).order_by(AUDIT.c.n.desc()).limit(limit)
    if before is not None:
        query = query.where(AUDIT.c.n < before)
    if not others:
        query = query.where(AUDIT.c.program.in_(programs))
    return list(db.execute(query).mappings())


def looked_at(db: Connection, account: str, since: int) -> set[tuple[str, str]]:
    """Whom or what an account opened or decided on since then, as (program, id)."""
    mine = select(AUDIT.c.program, AUDIT.c.about).where(AUDIT.c.account == account, AUDIT.c.at >= since)
    return {(program, about) for program, about in db.execute(mine) if program and about}


def erase(db: Connection, person: str, program: str | None = None) -> None:
    """Leave a tombstone where this person was named; of one program only, if one is given."""
    lines = update(AUDIT).where(AUDIT.c.about == person)
    if program is not None:  # the same id in another program is another person
        lines = lines.where((AUDIT.c.program == program) | AUDIT.c.program.is_(None))
    db.execute(lines.values(about=TOMBSTONE))
