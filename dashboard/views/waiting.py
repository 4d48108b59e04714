"""Waiting: everyone unmatched and on no pause, what bars them, and which rule relaxed would help."""

from __future__ import annotations

from collections import Counter
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from dashboard import words
from dashboard.frame import COORDINATORS, Ask, Page
from dashboard.memo import by_minute
from dashboard.views import card, look, person_facts, recruit, today
from dashboard.views.recruit import Recruit
from matcher.pairing.blockers import BY_CODE, Blocker
from matcher.pairing.explain import Near
from matcher.people.member import FOREVER
from matcher.program import Program

NOT_STARTED: Final = ["not_started"]
CAUSES_OF_MAX: Final = 300
"""Those who have waited longest, of whom causes are counted: each is a look at every mentor."""

AWAY_MAX: Final = 25


class Query(BaseModel):
    """Which part of the list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str | None = Field(None, max_length=200, description="The cursor of the page before.")
    limit: int = Field(25, ge=1, le=100)


class Line(BaseModel):
    """One person who waits."""

    program: str
    id: str
    since: int
    over_hours: int
    experiences: list[str]
    barred: list[str]
    """What bars them, or their nearest mentors."""

    nearest: str | None
    would_help: str
    """The rule that, relaxed, would open most mentors; empty where none alone would."""

    whose: str
    """Who can do something about it: the coordinator, a lead, the person, or time."""


class Away(BaseModel):
    """Somebody who would wait, but is on a pause."""

    program: str
    id: str
    until: int | None
    """None: until somebody ends it."""


class Cause(BaseModel):
    """What stands between people and their nearest mentors."""

    code: str
    reason: str
    unblocks: str
    count: int


class Waiting(BaseModel):
    """Who waits, who has waited longest first."""

    lines: list[Line]
    total: int
    overdue: int
    next: str | None
    causes: list[Cause]
    causes_at: int | None
    recruit: list[Recruit]
    away: list[Away]
    """Who is back soonest first; they are not among those who wait."""

    away_more: int
    people: int


def view(ask: Ask) -> Waiting:
    """A page of those who wait. Cost: a look at every mentor for each person shown."""
    query = ask.query
    assert isinstance(query, Query)
    everybody = sorted(
        (since, program.id, who)
        for program in ask.programs.values()
        for since, who in today.waits(program, ask.now)
        if not ask.is_own(who)
    )
    behind = [each for each in everybody if query.after is None or each > _read(query.after)]
    shown = behind[: query.limit]
    causes, made_at = _causes(ask)
    away = _away(ask)
    too_long = {program.id: card.overdue_since(program, ask.now) for program in ask.programs.values()}
    return Waiting(
        lines=[line(ask, ask.programs[program], who) for _, program, who in shown],
        total=len(everybody),
        overdue=sum(since <= too_long[id_] for since, id_, _ in everybody),
        next=_cursor(*shown[-1]) if len(behind) > len(shown) else None,
        causes=causes,
        causes_at=made_at,
        recruit=[recruit.of(program, ask.now) for program in ask.programs.values()] if everybody else [],
        away=away[:AWAY_MAX],
        away_more=max(0, len(away) - AWAY_MAX),
        people=sum(len(program.state.members.members) for program in ask.programs.values()),
    )


def _away(ask: Ask) -> list[Away]:
    found = [
        (until, program.id, who)
        for program in ask.programs.values()
        for until, who in today.away(program, ask.now)
        if not ask.is_own(who)
    ]
    return [Away(program=id_, id=who, until=None if until >= FOREVER else until) for until, id_, who in sorted(found)]


def line(ask: Ask, program: Program, who: str) -> Line:
    """Somebody who waits, and why."""
    member = program.state.members[who]
    since = member.seeks_since or 0
    at = ask.now
    seen = look.at(program, at)
    own, found = seen.own_bars(who), seen.nearest(who)
    near = next((each for each in found.nearest if not ask.is_own(each.mentor)), None)
    codes = _codes(own, near) if program.state.pairing else NOT_STARTED
    rule = look.would_help(own, found)
    return Line(
        program=program.id,
        id=who,
        since=since,
        over_hours=card.over_hours(program, since, at),
        experiences=[each.words for each in person_facts.experiences(member, at)],
        barred=words.bars(codes),
        nearest=near.mentor if near else None,
        would_help=rule.unblocks if rule else "",
        whose=_whose(rule) if rule else "",
    )


def _whose(rule: Blocker) -> str:
    return _WHOSE.get(rule.code) or _WHOSE_OF_KIND[rule.kind]


_WHOSE_OF_KIND: Final = {
    "SAFETY": "A safety rule: nobody can relax it.",
    "CONSENT": "Only the person can change this: ask.",
    "QUALITY": "Widens by itself while they wait.",
}
_TIME: Final = "Time; a safety rule, which nobody can relax."
_WHOSE: Final = {
    "no_slot": "More seats: ask mentors, or recruit.",
    "not_admitted": "Yours: decide on the screening.",
    "recovery_time": "Time; or a lead, by a waiver.",
    "training_lapsed": "The mentor's, with your help; write the training down.",
    "supervision_lapsed": "Yours: arrange it, and write it down.",
    "paused": "Time; or ask how they are.",
    "in_distress": "Time, or you: speak with the mentor.",
    "same_risk": _TIME,
    "lineage": _TIME,
    "minor": _TIME,
}
"""Who can do something about it; of what is not here, the class of the rule says it."""


def bars(program: Program, who: str, at: int) -> list[str]:
    """The rules that bar somebody: their own, else those of the nearest mentor; else their seats are given away."""
    if not program.state.pairing:
        return NOT_STARTED
    seen = look.at(program, at)
    found = seen.nearest(who).nearest
    return _codes(seen.own_bars(who), found[0] if found else None)


def _codes(own: list[str], near: Near | None) -> list[str]:
    barring = own or (list(near.barred_by) if near else [])
    return list(dict.fromkeys(map(look.told, barring))) or ["no_slot"]


def _causes(ask: Ask) -> tuple[list[Cause], int | None]:
    counted, made = Counter[str](), list[int]()
    for program in ask.programs.values():
        found, at = _counted(program, ask.now)
        counted += found
        made.append(at)
    causes = [
        Cause(code=code, reason=_reason(code), unblocks=_unblocks(code), count=count)
        for code, count in counted.most_common()
    ]
    return causes, min(made, default=None)


@by_minute
def _counted(program: Program, at: int) -> Counter[str]:
    waiting = today.unmatched(program, at)[:CAUSES_OF_MAX]
    return Counter(code for who in waiting for code in bars(program, who, at))


def _reason(code: str) -> str:
    return BY_CODE[code].reason if code in BY_CODE else words.sentence(words.bar(code))


def _unblocks(code: str) -> str:
    return BY_CODE[code].unblocks if code in BY_CODE else "Start pairing."


def _cursor(since: int, program: str, who: str) -> str:
    return f"{since}.{program}/{who}"


def _read(cursor: str) -> tuple[int, str, str]:
    head, _, who = cursor.partition("/")
    since, _, program = head.partition(".")
    return (int(since) if since.isdecimal() and len(since) < 12 else 0, program, who)


PAGE = Page("/waiting", "Waiting", COORDINATORS, view, "waiting.html", query=Query, nav="bar", order=30)
