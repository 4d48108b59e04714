"""That nothing new is seen is itself something that cannot wait: whoever needs somebody now is not seen either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, select

from dashboard.silence import Silence
from dashboard.tables import PROGRAMS
from dashboard.views.alarms import WORDS, Alarm, id_of
from matcher.instants import DAY

PATIENCE_SECONDS: Final = 300  # a database that moves to another machine is back by then


def alarms_of(db: Connection, silences: Iterable[Silence], now: int) -> list[Alarm]:
    """An alarm for each program of which nothing new was seen for ``PATIENCE_SECONDS``."""
    return [
        alarm
        for silence in silences
        if now - silence.since >= PATIENCE_SECONDS
        for alarm in _of_journal(silence, silence.programs or _programs(db, silence.home))
    ]


def _programs(db: Connection, home: str) -> Sequence[str]:
    """Those that were seen in a journal before this process began."""
    return db.scalars(select(PROGRAMS.c.program).where(PROGRAMS.c.home == home).order_by(PROGRAMS.c.program)).all()


def _of_journal(silence: Silence, programs: Iterable[str]) -> Iterator[Alarm]:
    day = silence.since // DAY  # a process that is started again and again calls everybody once a day, not each time
    for program in programs:
        id_ = id_of(program, "", "unseen", str(day))
        yield Alarm(id_, program, "", "unseen", "now", silence.since, silence.since, WORDS["unseen"])
