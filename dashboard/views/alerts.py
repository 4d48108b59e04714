"""Alerts: what stands, who has it in their hands, and what was done about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection

from dashboard import claims, words
from dashboard.frame import COORDINATORS, Action, Ask, Conflict, Decided, NotFound, Page
from dashboard.oncall import shown
from dashboard.oncall.shown import Shown
from dashboard.oncall.store import rota_of
from dashboard.tell import event
from dashboard.views import alarms, earlier, standing
from dashboard.views.alarms import Alarm, Level
from dashboard.views.standing import Handled
from matcher.program import Program

Show = Literal["open", "acknowledged", "resolved"]
Calls = Mapping[tuple[str, str], list[Shown]]


class Query(BaseModel):
    """Which alerts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    show: Show = "open"
    after: str | None = Field(None, max_length=100, description="The cursor of the page before.")
    limit: int = Field(25, ge=1, le=100)


class Line(BaseModel):
    """One alert."""

    program: str
    alert: str
    person: str
    words: str
    level: Level
    since: int
    due: int
    state: Show
    by: str
    """Who took it into their hands, or resolved it."""

    at: int | None
    outcome: str
    calls: list[Shown]
    """Who was called about it."""

    earlier_by: str
    """Who has an earlier telling of the same in their hands; empty where nobody has."""

    earlier_at: int | None
    """Since when."""


class Group(BaseModel):
    """The alerts of a level."""

    level: Level
    words: str
    lines: list[Line]


class Alerts(BaseModel):
    """A page of alerts by level, the most urgent first."""

    show: Show
    groups: list[Group]
    more: int
    """How many come after these."""

    next: str | None
    newer: str | None
    """The alert that has taken the place of the one of a form that was refused."""

    counts: dict[Show, int]
    on_call: dict[str, list[str]]
    """Names by program, the first who is called first."""

    failures: list[Shown]
    """Messages to whoever is on call that were not delivered, about alerts that are open."""


def view(ask: Ask) -> Alerts:
    """What stands in the account's programs. Cost: linear in alarms."""
    query = ask.query
    assert isinstance(query, Query)
    calls, every, newer = shown.of_matters(ask), standing.every(ask), _newer(ask)
    show = next((_state(done) for alarm, done in every if alarm.id == newer), query.show)
    chosen = [each for each in every if _state(each[1]) == show]
    after = query.after if newer is None else _page_of(newer, [alarm for alarm, _ in chosen], query.limit)
    behind = chosen if after is None else [each for each in chosen if each[0].place > _read(after)]
    lines = _lines(ask, behind[: query.limit], calls)
    more = len(behind) - len(lines)
    states = [_state(done) for _, done in every]
    return Alerts(
        show=show,
        groups=_groups(lines),
        more=more,
        next=_cursor(behind[len(lines) - 1][0]) if more else None,
        newer=newer,
        counts={state: states.count(state) for state in _STATES},
        on_call=_on_call(ask),
        failures=shown.failures(
            call for alarm, done in every if _state(done) == "open" for call in shown.about(alarm, calls)
        ),
    )


def _newer(ask: Ask) -> str | None:
    """The alert that the account was led to, where its form was about an older one."""
    if not ask.errors or "alert" not in ask.path:
        return None
    found = earlier.newer(ask, ask.program(ask.path["program"]), ask.path["alert"])
    return found.id if found is not None and found.program in ask.programs else None


def _on_call(ask: Ask) -> dict[str, list[str]]:
    rota = rota_of(ask)
    return {
        program: [rota.people[id_].account.name for id_ in rota.stands_in(program, ask.wall)]
        for program in ask.programs
    }


_STATES: Final[tuple[Show, ...]] = ("open", "acknowledged", "resolved")


def _state(done: Handled) -> Show:
    if done.resolved_at is not None:
        return "resolved"
    return "acknowledged" if done.acknowledged_at is not None else "open"


def _lines(ask: Ask, found: list[tuple[Alarm, Handled]], calls: Calls) -> list[Line]:
    names = shown.names(ask)
    before = {
        id_: earlier.in_hand(ask, program, ids)
        for program in ask.programs.values()
        for id_, ids in earlier.of(ask, program, [alarm for alarm, _ in found if alarm.program == program.id]).items()
    }
    return [
        _line(alarm, done, before.get(alarm.id, standing.UNTOUCHED), names, shown.about(alarm, calls))
        for alarm, done in found
    ]


def _line(alarm: Alarm, done: Handled, before: Handled, names: dict[str, str], calls: list[Shown]) -> Line:
    is_done = done.resolved_at is not None
    by = done.resolved_by if is_done else done.acknowledged_by
    return Line(
        program=alarm.program,
        alert=alarm.id,
        person=alarm.person,
        words=alarm.words,
        level=alarm.level,
        since=alarm.since,
        due=alarm.due,
        state=_state(done),
        by=names.get(by or "", by or ""),
        at=done.resolved_at if is_done else done.acknowledged_at,
        outcome=words.OUTCOMES.get(done.outcome or "", words.reason(done.outcome) if done.outcome else ""),
        calls=calls,
        earlier_by=names.get(before.acknowledged_by or "", before.acknowledged_by or ""),
        earlier_at=before.acknowledged_at,
    )


def _groups(lines: list[Line]) -> list[Group]:
    found = [
        Group(level=level, words=said, lines=[line for line in lines if line.level == level])
        for level, said in alarms.LEVELS.items()
    ]
    return [group for group in found if group.lines]


# Pages of the list


def _cursor(alarm: Alarm) -> str:
    return ".".join(map(str, alarm.place))


def _read(cursor: str) -> tuple[int, int, str]:
    found = re.fullmatch(r"(\d)\.(\d{1,15})\.(a-[0-9a-f]+)", cursor)
    return (int(found[1]), int(found[2]), found[3]) if found else (-1, 0, "")


def _page_of(alert: str, listed: list[Alarm], limit: int) -> str | None:
    """The cursor of the page with this alert on it; None of the first, and where it is not listed."""
    place = next((place for place, alarm in enumerate(listed) if alarm.id == alert), 0)
    return _cursor(listed[place // limit * limit - 1]) if place >= limit else None


# What somebody does about one


class Taken(BaseModel):
    """Somebody has taken it into their hands."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Settled(BaseModel):
    """It is done, and how it ended."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: Annotated[str, StringConstraints(pattern=f"^({'|'.join(words.OUTCOMES)})$")]


def acknowledged(ask: Ask, form: Taken) -> Decided:
    """Take an alert into one's hands. Raises Conflict when somebody else has."""
    program, alarm, done = _alarm(ask)
    if done.acknowledged_at is not None or done.resolved_at is not None:
        who = accounts_name(ask, done.resolved_by or done.acknowledged_by)
        at = done.resolved_at or done.acknowledged_at or ask.now
        raise Conflict(f"{who} has it already, since {words.lasting(max(0, ask.now - at))} ago")
    undo = _be_first(ask, alarm, "acknowledged", "it already")
    told = event(ask, program, "alert.acknowledged", alarm.id, by=ask.account.id)
    said = f"It is in your hands: {alarm.person}."
    return Decided([told], _where(ask, alarm), said, about=alarm.person, program=program.id, undo=undo)


def _where(ask: Ask, taken: Alarm) -> str:
    """Where an alarm stands that was just taken."""
    listed = [alarm for alarm, done in standing.every(ask) if _state(done) == "acknowledged" or alarm.id == taken.id]
    after = _page_of(taken.id, listed, Query().limit)
    return f"{PAGE.path}?show=acknowledged{f'&after={after}' if after else ''}#{taken.id}"


def resolved(ask: Ask, form: Settled) -> Decided:
    """Say how it ended."""
    program, alarm, done = _alarm(ask)
    if done.resolved_at is not None:
        raise Conflict(f"{accounts_name(ask, done.resolved_by)} has resolved it already")
    undo = _be_first(ask, alarm, "resolved", "resolved it already")
    told = event(ask, program, "alert.resolved", alarm.id, by=ask.account.id, outcome=form.outcome)
    return Decided([told], "/alerts", "It is resolved.", about=alarm.person, program=program.id, undo=undo)


def _be_first(ask: Ask, alarm: Alarm, what: str, words: str) -> Callable[[Connection], None]:
    """Claim what two may do at the same moment, and return what gives it back. Raises Conflict for the second."""
    mine = (alarm.program, alarm.id, what, ask.account.id)
    first = claims.take(ask.db, *mine, what, ask.now)
    if first is not None:
        raise Conflict(f"you have {words}" if first.account == ask.account.id else f"{first.name} has {words}")
    return lambda db: claims.drop(db, *mine, ask.now)


def accounts_name(ask: Ask, account: str | None) -> str:
    """The name of an account; a service's word where it is none of ours."""
    return shown.names(ask).get(account or "", account or "somebody")


def _alarm(ask: Ask) -> tuple[Program, Alarm, Handled]:
    program = ask.program(ask.path["program"])
    for alarm in alarms.of_program(program, ask.now):
        if alarm.id == ask.path["alert"] and standing.may_see(ask, alarm):
            return program, alarm, standing.done_about(standing.handled(ask), alarm)
    newer = earlier.newer(ask, program, ask.path["alert"])
    if newer is None:
        raise NotFound
    by = standing.done_about(standing.handled(ask), newer).acknowledged_by
    has_it = f", and {accounts_name(ask, by)} has it" if by else ""
    raise Conflict(f"it was told again, which is an alert of its own{has_it}: nothing was changed")


PAGE = Page("/alerts", "Alerts", COORDINATORS, view, "alerts.html", query=Query, nav="bar", order=50)
ACKNOWLEDGED = Action(
    "/alerts/{program}/{alert}/acknowledge", COORDINATORS, Taken, acknowledged, PAGE.path, "acknowledged"
)
RESOLVED = Action("/alerts/{program}/{alert}/resolve", COORDINATORS, Settled, resolved, PAGE.path, "resolved")
ACTIONS = (ACKNOWLEDGED, RESOLVED)
