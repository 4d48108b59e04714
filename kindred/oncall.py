"""Who is on call and what the dashboard has seen, for ``kindred status``: read from its database, as it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import SQLAlchemyError

from dashboard import database
from dashboard.oncall import gaps, store
from dashboard.oncall.rota import Rota
from dashboard.tables import PROGRAMS
from dashboard.words import many
from matcher.instants import format_instant

if TYPE_CHECKING:
    from kindred.settings import Settings

T = TypeVar("T")
BLIND: Final = "Whether the dashboard sees what is new is not known: its database cannot be read."
AWAY: Final = "Whether somebody would be called is not known: the dashboard's database cannot be read."


def gaps_now(settings: Settings, folder: Path | None, programs: Sequence[str]) -> list[str]:
    """Why nobody would be called if something could not wait; empty when somebody would."""
    if settings.smtp_host is None and settings.webhook_url is None:  # nothing to ask, and nothing heavy to import
        return gaps.without_channel(programs)
    from kindred import outside

    calling = outside.calling(settings)
    names = frozenset[str]() if calling is None else calling.names
    try:
        return gaps.gaps(_rota(settings, folder, names), programs, int(time.time()), names)
    except SQLAlchemyError:
        return [AWAY]


def unseen_now(settings: Settings, folder: Path | None, facts: Mapping[str, int]) -> list[str]:
    """Of which programs, given with the number of their facts, the dashboard has not seen everything, and since when.

    Empty where no dashboard has been yet, and for what came while this was asked.
    """
    try:
        rows = _asked(settings, folder, lambda db: {row.program: row for row in db.execute(select(PROGRAMS))})
    except SQLAlchemyError:
        return [BLIND]
    if not rows:
        return []
    return [_unseen(name, n, rows.get(name)) for name, n in facts.items() if name not in rows or rows[name].n < n]


def _unseen(program: str, n: int, seen: Row[Any] | None) -> str:
    what = "anything" if seen is None else f"the newest {many(n - seen.n, 'fact')}"
    since = "" if seen is None else f", since {format_instant(seen.at)}"
    return f"The dashboard has not seen {what} of {program}{since}: nobody is called about what is in it."


def _rota(settings: Settings, folder: Path | None, names: frozenset[str]) -> Rota:
    """The rota; an empty one where no dashboard has been yet."""
    rota = _asked(settings, folder, lambda db: store.rota(db, names))
    return Rota() if rota is None else rota


def _asked(settings: Settings, folder: Path | None, ask: Callable[[Connection], T]) -> T | None:
    """What the dashboard's database says; None where no dashboard has been yet. Raises SQLAlchemyError."""
    if settings.database_url is not None:
        address = settings.database_url.get_secret_value()
    elif folder is not None and (folder / database.FILE_NAME).exists():
        address = database.beside(folder)
    else:
        return None
    engine = database.connect(address)
    try:
        with engine.connect() as db:
            return ask(db)
    finally:
        engine.dispose()
