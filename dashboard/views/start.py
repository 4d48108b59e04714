"""Start or stop pairing: until it is told to start, a program that waits to be told proposes nobody."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from dashboard.frame import COORDINATORS, Action, Ask, Conflict, Decided, Page
from dashboard.tell import event
from dashboard.views import today


class Start(BaseModel):
    """What is here, and whether it is being paired."""

    program: str
    pairing: bool
    waiting: int
    mentors: int
    active: int
    mode: str


def view(ask: Ask) -> Start:
    """The program of the path."""
    program = ask.program(ask.path["program"])
    state = program.state
    return Start(
        program=program.id,
        pairing=state.pairing,
        waiting=len(today.unmatched(program, ask.now)),
        mentors=sum(m.present and m.mentorship is not None and m.mentorship.admitted for m in state.members),
        active=sum(match.stage == "active" for match in state.matches.open.values()),
        mode=program.policy.review.mode,
    )


class Switched(BaseModel):
    """A switch has no fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def started(ask: Ask, form: Switched) -> Decided:
    """Begin to propose pairs. Raises Conflict when somebody has."""
    return _switch(ask, on=True)


def stopped(ask: Ask, form: Switched) -> Decided:
    """Propose nothing new; pairs stay as they are."""
    return _switch(ask, on=False)


def _switch(ask: Ask, *, on: bool) -> Decided:
    program = ask.program(ask.path["program"])
    if program.state.pairing == on:
        raise Conflict("somebody has done this already" if on else "pairing is stopped already")
    told = event(ask, program, "program.started" if on else "program.stopped", program.id, by=ask.account.id)
    done = "Pairing has begun." if on else "Nothing new is proposed until you start again. Pairs stay as they are."
    return Decided([told], "/today", done, program=program.id)


PAGE = Page("/start/{program}", "Start pairing", COORDINATORS, view, "start.html")
STARTED = Action("/start/{program}/on", COORDINATORS, Switched, started, PAGE.path, "started")
STOPPED = Action("/start/{program}/off", COORDINATORS, Switched, stopped, PAGE.path, "stopped")
ACTIONS = (STARTED, STOPPED)
