"""Dead letters and health: what was refused and why, and how far these pages have come. Metadata only, no people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import Row, select

from dashboard import history, silence
from dashboard.frame import EVERYWHERE, Ask, Page, Role
from dashboard.oncall import shown
from dashboard.oncall.gaps import gaps_of
from dashboard.oncall.shown import Shown
from dashboard.silence import Silence
from dashboard.tables import PROGRAMS
from dashboard.views import contact
from matcher.errors import CODES

READERS: Final = frozenset[Role]({"lead", "admin"})
LETTERS_MAX: Final = 100


class Letter(BaseModel):
    """One refused input, without what it said."""

    at: int
    code: str
    meaning: str
    program: str | None
    type: str | None


class Count(BaseModel):
    """How often a code stands among the letters shown."""

    code: str
    count: int


class Program(BaseModel):
    """How far the pages have come with a program."""

    program: str
    facts: int
    at: int | None
    written: int
    """Facts in the database; fewer than ``facts`` for a moment only."""

    whole: bool
    """Whether the history is known from the beginning."""

    followed: bool
    """Whether what is new in it is seen here."""


class Unseen(BaseModel):
    """A journal of which nothing new is seen: since when, and why."""

    words: str
    code: str | None
    meaning: str


class Health(BaseModel):
    """Dead letters, the newest first, and how far the pages have come."""

    letters: list[Letter]
    counts: list[Count]
    programs: list[Program]
    channels: list[str]
    gaps: list[str]
    silences: list[Unseen]
    failures: list[Shown]
    """Messages to whoever is on call that were not delivered."""

    cards: str
    """Why no contact card opens; which file it is only for who keeps the installation. Empty when they do."""


def view(ask: Ask) -> Health:
    """Letters of the account's programs; those that name none only for who keeps all programs."""
    is_admin = any(role == "admin" and where == EVERYWHERE for where, role in ask.account.grants)
    rows = history.letters(ask.db, None if is_admin else list(ask.programs), limit=LETTERS_MAX)
    counts = Counter(row.code for row in rows)
    return Health(
        letters=[_letter(row) for row in rows],
        counts=[Count(code=code, count=count) for code, count in counts.most_common()],
        programs=_programs(ask),
        channels=sorted(ask.channels),
        gaps=gaps_of(ask),
        silences=[_unseen(each, words) for each in ask.silences for words in silence.said([each], ask.everywhere)],
        failures=shown.failures(call for calls in shown.of_matters(ask).values() for call in calls),
        cards=_cards(ask, is_admin),
    )


def _unseen(one: Silence, words: str) -> Unseen:
    meaning = "" if one.code is None else CODES.get(one.code, "A code of another version.")
    return Unseen(words=words, code=one.code, meaning=meaning)


def _cards(ask: Ask, is_admin: bool) -> str:
    trouble = None if ask.means is None else ask.means.vault_trouble
    return trouble if trouble is not None and is_admin else contact.closed(ask)


def _letter(row: Row[Any]) -> Letter:
    meaning = CODES.get(row.code, "A code of another version.")
    return Letter(at=row.at, code=row.code, meaning=meaning, program=row.program, type=row.type)


def _programs(ask: Ask) -> list[Program]:
    silent = silence.silent(ask.silences)
    rows: Sequence[Row[Any]] = ask.db.execute(select(PROGRAMS).where(PROGRAMS.c.program.in_(list(ask.programs)))).all()
    written = {row.program: row for row in rows}
    return [
        Program(
            program=program.id,
            facts=program.n,
            at=program.at,
            written=written[program.id].n if program.id in written else 0,
            whole=program.id in written and written[program.id].unknown_to == 0,
            followed=program.id not in silent,
        )
        for program in ask.programs.values()
    ]


PAGE = Page("/health-and-letters", "Dead letters and health", READERS, view, "health.html", nav="more", order=70)
