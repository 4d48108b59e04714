"""Each newcomer's first pair, as the read model has it: one a person, so that counts are of people."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from dashboard.tables import MATCHES, WAITS


class First(NamedTuple):
    """When a newcomer began to wait for the first time, was first paired, and what became of that pair."""

    newcomer: str
    waits_since: int
    active_at: int
    contact_at: int | None
    over_at: int | None


def of(db: Connection, program: str) -> list[First]:
    """Everybody whom the program has paired, by id. Cost: linear in pairs.

    Pairs that people made and recorded are left out, and so is whoever had one of them first: nobody waited here.
    """
    since = func.min(WAITS.c.since).label("since")
    waits = select(WAITS.c.newcomer, since).where(WAITS.c.program == program).group_by(WAITS.c.newcomer)
    began: dict[str, int] = {row.newcomer: row.since for row in db.execute(waits)}
    told = (MATCHES.c.newcomer, MATCHES.c.active_at, MATCHES.c.contact_first, MATCHES.c.over_at, MATCHES.c.how)
    pairs = select(*told).where(MATCHES.c.program == program, MATCHES.c.active_at.is_not(None))
    found: dict[str, First | None] = {}
    for newcomer, active_at, contact_at, over_at, how in db.execute(
        pairs.order_by(MATCHES.c.newcomer, MATCHES.c.active_at, MATCHES.c.match)
    ):
        waits_since = began.get(newcomer)
        if newcomer not in found:
            is_ours = how != "recorded" and waits_since is not None
            found[newcomer] = First(newcomer, waits_since or 0, active_at, contact_at, over_at) if is_ours else None
    return [first for first in found.values() if first is not None]
