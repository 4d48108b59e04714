"""Who is on call, for ``kindred status``: read from the dashboard's database as it is, without changing it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError

from dashboard import database
from dashboard.oncall import gaps, store
from dashboard.oncall.rota import Rota

if TYPE_CHECKING:
    from kindred.settings import Settings

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


def _rota(settings: Settings, folder: Path | None, names: frozenset[str]) -> Rota:
    """The rota; an empty one where no dashboard has been yet."""
    if settings.database_url is not None:
        address = settings.database_url.get_secret_value()
    elif folder is not None and (folder / database.FILE_NAME).exists():
        address = database.beside(folder)
    else:
        return Rota()
    engine = database.connect(address)
    try:
        with engine.connect() as db:
            return store.rota(db, names)
    finally:
        engine.dispose()
