"""The review queue: every proposal of the account's programs, by level, then hours over the limit, then id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from dashboard.frame import Ask
from dashboard.views import alarms, standing
from dashboard.views.alarms import Level
from dashboard.views.card import Card, closed, over_hours
from matcher.pairing.matches import Match
from matcher.program import Program


class Place(NamedTuple):
    """Where a proposal stands in the queue; sorts first what comes first."""

    rank: int
    under_hours: int
    """Hours over the limit, turned round."""

    program: str
    match: str

    @property
    def cursor(self) -> str:
        """The place as a page's parameter."""
        return f"{self.rank}.{self.under_hours}.{self.program}/{self.match}"


Levels = Mapping[tuple[str, str], Level]
"""What ``standing.levels`` says, to be asked once for a page."""


def waiting(ask: Ask, levels: Levels) -> list[Place]:
    """The places of all proposals that the account may decide on, in order. Cost: linear in open matches."""
    return sorted(
        _place(program, match, ask.now, levels.get((program.id, match.newcomer), "list"))
        for program in ask.programs.values()
        for match in program.state.matches.open.values()
        if match.stage == "proposed" and may_decide(ask, match)
    )


def held(ask: Ask, levels: Levels) -> list[Card]:
    """Everything on hold, what ends first first."""
    found = [
        (match.held_until, program, match)
        for program in ask.programs.values()
        for match in program.state.matches.open.values()
        if match.stage == "held" and may_decide(ask, match)
    ]
    return cards(ask, [(program, match) for _, program, match in sorted(found, key=lambda each: each[0])], levels)


def may_decide(ask: Ask, match: Match) -> bool:
    """Whether neither of the two is the account's own person."""
    return not ask.is_own(match.newcomer) and not ask.is_own(match.mentor)


def cards(ask: Ask, proposals: Iterable[tuple[Program, Match]], levels: Levels) -> list[Card]:
    """Their closed cards."""
    return [
        closed(program, match, ask.now, levels.get((program.id, match.newcomer), "list"))
        for program, match in proposals
    ]


def card(ask: Ask, program: Program, match: Match) -> Card:
    """One closed card."""
    return cards(ask, [(program, match)], standing.levels(ask))[0]


def at(ask: Ask, places: Iterable[Place]) -> Iterator[tuple[Program, Match]]:
    """What stands at these places."""
    for place in places:
        program = ask.programs[place.program]
        yield program, program.state.matches.open[place.match]


def after(places: list[Place], cursor: str | None) -> list[Place]:
    """The places behind a cursor: also when what stood there is decided by now."""
    start = None if cursor is None else _read(cursor)
    return places if start is None else [place for place in places if place > start]


def _place(program: Program, match: Match, at: int, level: Level) -> Place:
    since = program.state.members[match.newcomer].seeks_since
    return Place(alarms.RANK[level], -over_hours(program, since, at), program.id, match.id)


def _read(cursor: str) -> Place | None:
    head, _, match = cursor.partition("/")
    rank, _, rest = head.partition(".")
    under, _, program = rest.partition(".")
    try:
        return Place(int(rank), int(under), program, match)
    except ValueError:
        return None
