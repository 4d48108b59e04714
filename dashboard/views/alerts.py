"""Alerts: what stands, who has it in their hands, and what was done about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from dashboard import claims, words
from dashboard.frame import COORDINATORS, Action, Ask, Conflict, Decided, NotFound, Page
from dashboard.oncall import shown
from dashboard.oncall.gaps import rota_of
from dashboard.oncall.shown import Shown
from dashboard.tell import event
from dashboard.views import alarms, standing
from dashboard.views.alarms import Alarm, Level
from dashboard.views.standing import Handled
from matcher.program import Program

Show = Literal["open", "acknowledged", "resolved"]
Calls = Mapping[tuple[str, str], list[Shown]]
ROWS_MAX: Final = 25  # of a level; the rest comes up as these are taken


class Query(BaseModel):
    """Which alerts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    show: Show = "open"


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


class Group(BaseModel):
    """The alerts of a level."""

    level: Level
    words: str
    lines: list[Line]
    more: int


class Alerts(BaseModel):
    """Alerts by level, the most urgent first."""

    show: Show
    groups: list[Group]
    counts: dict[Show, int]
    on_call: dict[str, list[str]]
    """Names by program, the first who is called first."""

    failures: list[Shown]
    """Messages to whoever is on call that were not delivered, about alerts that are open."""


def view(ask: Ask) -> Alerts:
    """What stands in the account's programs. Cost: linear in alarms."""
    assert isinstance(ask.query, Query)
    names = shown.names(ask)
    calls = shown.of_matters(ask)
    every = standing.every(ask)
    states = [_state(done) for _, done in every]
    chosen = [each for each, state in zip(every, states, strict=True) if state == ask.query.show]
    groups = [
        _group(level, [each for each in chosen if each[0].level == level], names, calls) for level in alarms.LEVELS
    ]
    counts: dict[Show, int] = {state: states.count(state) for state in _STATES}
    waiting = [alarm for (alarm, _), state in zip(every, states, strict=True) if state == "open"]
    return Alerts(
        show=ask.query.show,
        groups=[group for group in groups if group.lines],
        counts=counts,
        on_call=_on_call(ask),
        failures=shown.failures(call for alarm in waiting for call in shown.about(alarm, calls)),
    )


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


def _line(alarm: Alarm, done: Handled, names: dict[str, str], calls: list[Shown]) -> Line:
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
    )


def _group(level: Level, found: list[tuple[Alarm, Handled]], names: dict[str, str], calls: Calls) -> Group:
    lines = [_line(alarm, done, names, shown.about(alarm, calls)) for alarm, done in found[:ROWS_MAX]]
    return Group(level=level, words=alarms.LEVELS[level], lines=lines, more=max(0, len(found) - ROWS_MAX))


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
    _be_first(ask, alarm, "acknowledged", "has it already")
    told = event(ask, program, "alert.acknowledged", alarm.id, by=ask.account.id)
    return Decided([told], "/alerts", f"It is in your hands: {alarm.person}.", about=alarm.person, program=program.id)


def resolved(ask: Ask, form: Settled) -> Decided:
    """Say how it ended."""
    program, alarm, done = _alarm(ask)
    if done.resolved_at is not None:
        raise Conflict(f"{accounts_name(ask, done.resolved_by)} has resolved it already")
    _be_first(ask, alarm, "resolved", "has resolved it already")
    told = event(ask, program, "alert.resolved", alarm.id, by=ask.account.id, outcome=form.outcome)
    return Decided([told], "/alerts", "It is resolved.", about=alarm.person, program=program.id)


def _be_first(ask: Ask, alarm: Alarm, what: str, words: str) -> None:
    """Claim what two may do at the same moment. Raises Conflict for the second."""
    first = claims.take(ask.db, alarm.program, alarm.id, what, ask.account.id, what, ask.now)
    if first is not None:
        raise Conflict(f"{first.name} {words}")


def accounts_name(ask: Ask, account: str | None) -> str:
    """The name of an account; a service's word where it is none of ours."""
    return shown.names(ask).get(account or "", account or "somebody")


def _alarm(ask: Ask) -> tuple[Program, Alarm, Handled]:
    program = ask.program(ask.path["program"])
    for alarm in alarms.of_program(program, ask.now):
        if alarm.id == ask.path["alert"] and standing.may_see(ask, alarm):
            return program, alarm, standing.handled(ask).get((program.id, alarm.id), standing.UNTOUCHED)
    raise NotFound


PAGE = Page("/alerts", "Alerts", COORDINATORS, view, "alerts.html", query=Query, nav="bar", order=50)
ACKNOWLEDGED = Action(
    "/alerts/{program}/{alert}/acknowledge", COORDINATORS, Taken, acknowledged, PAGE.path, "acknowledged"
)
RESOLVED = Action("/alerts/{program}/{alert}/resolve", COORDINATORS, Settled, resolved, PAGE.path, "resolved")
ACTIONS = (ACKNOWLEDGED, RESOLVED)
