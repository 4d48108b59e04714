"""When nothing new is seen of a journal: pages then show what was, and nobody may take that for what is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from dashboard import words


class Silence(NamedTuple):
    """A journal of which nothing new is seen at the moment."""

    home: str
    since: int
    """Epoch seconds: when it was last read to its end, or when the reading of it began."""

    programs: tuple[str, ...] = ()
    """Those known to be in it; none: it may be any."""

    code: str | None = None
    """Why; None when it only takes too long."""


def said(silences: Iterable[Silence], programs: Collection[str]) -> list[str]:
    """A sentence for each journal that may concern these programs."""
    return [_said(each, programs) for each in silences if not each.programs or set(each.programs) & set(programs)]


def silent(silences: Iterable[Silence]) -> set[str]:
    """The programs of which nothing new is seen."""
    return {program for each in silences for program in each.programs}


def _said(one: Silence, programs: Collection[str]) -> str:
    mine = [program for program in one.programs if program in programs]
    of = f" in {words.listed(mine)}" if mine else ""
    since = datetime.fromtimestamp(one.since, UTC).strftime("%Y-%m-%d %H:%M UTC")
    why = "" if one.code is None else f" ({one.code})"
    return f"Nothing new is seen{of} since {since}{why}. Pages show how it was then, so ask people directly."
