"""Mentors: load and open slots, pauses, supervision, pairs that ended early; and who could become a mentor."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from dashboard import words
from dashboard.frame import COORDINATORS, Action, Ask, Decided, FormErrors, NotFound, Page
from dashboard.tables import MATCHES
from dashboard.tell import event
from dashboard.views import look, person_facts
from dashboard.when import instant_of
from matcher import care
from matcher.ids import OpaqueId
from matcher.instants import DAY, format_instant
from matcher.people.member import Member
from matcher.people.membership import COMPLETED
from matcher.program import Program

EARLY_DAYS: Final = 90  # a guess: a pair that ends before its third pulse
WARN_DAYS: Final = 10  # ahead of a supervision that lapses (care.md)
TICKS_MAX: Final = 200
LISTED_MAX: Final = 60  # in the form of a group supervision; nobody supervises more at once


class Query(BaseModel):
    """Which part of the list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str | None = Field(None, max_length=140, description="The cursor of the page before.")
    limit: int = Field(25, ge=1, le=100)


class Line(BaseModel):
    """One mentor."""

    program: str
    id: str
    caseload: int
    capacity: int
    open_slots: int
    had: int
    ended_early: int
    supervised_at: int | None
    supervision_due: int | None
    supervision: str
    """``ok``, ``soon`` or ``lapsed``."""

    barred: list[str]
    """What closes them to everybody."""

    away: str | None
    experiences: list[str]


class Eligible(BaseModel):
    """A member who meets the rules to become a mentor."""

    program: str
    id: str
    recovery: str
    experiences: list[str]


class Tick(BaseModel):
    """Somebody who may have come to a group supervision."""

    id: str
    last: int | None


class Group(BaseModel):
    """The form of a group supervision in one program."""

    program: str
    mentors: list[Tick]
    more: bool
    """Whether there are more than those listed, whose last supervision is longest ago."""


class Mentors(BaseModel):
    """A page of mentors."""

    lines: list[Line]
    total: int
    open_slots: int
    next: str | None
    groups: list[Group]
    eligible: list[Eligible]
    today: str
    """The date, for the form."""


def view(ask: Ask) -> Mentors:
    """Mentors by program and id. Cost: linear in mentors."""
    query = ask.query
    assert isinstance(query, Query)
    everybody = [
        (program, member)
        for program in ask.programs.values()
        for member in mentors(program)
        if not ask.is_own(member.id)
    ]
    behind = [(p, m) for p, m in everybody if query.after is None or f"{p.id}/{m.id}" > query.after]
    shown = behind[: query.limit]
    early = _ended_early(ask)
    return Mentors(
        lines=[line(program, member, ask.now, early) for program, member in shown],
        total=len(everybody),
        open_slots=sum(_open(program, member, ask.now) for program, member in everybody),
        next=f"{shown[-1][0].id}/{shown[-1][1].id}" if len(behind) > len(shown) else None,
        groups=[_group(ask, program) for program in ask.programs.values() if mentors(program)],
        eligible=[one for program in ask.programs.values() for one in eligible(ask, program)],
        today=format_instant(ask.now)[:10],
    )


def mentors(program: Program) -> list[Member]:
    """Everybody present who offers support, by id."""
    found = [member for member in program.state.members if member.present and member.mentorship is not None]
    return sorted(found, key=lambda member: member.id)


def line(program: Program, member: Member, at: int, early: dict[tuple[str, str], int]) -> Line:
    """One mentor as a line."""
    offer, seen = member.mentorship, look.at(program, at)
    assert offer is not None, "only who offers support is listed"
    supervised = offer.supervised_at if offer.supervised_at is not None else offer.volunteered_at
    due = supervised + program.policy.mentor.supervision_days * DAY
    index = seen.index(member.id)
    barred = [] if index is None else seen.judge.codes(seen.judge.mentor_alone(index, seen.now))
    return Line(
        program=program.id,
        id=member.id,
        caseload=offer.caseload,
        capacity=care.capacity(offer, program.policy),
        open_slots=0 if barred else seen.open_slots(member),
        had=offer.matches_had,
        ended_early=early.get((program.id, member.id), 0),
        supervised_at=offer.supervised_at,
        supervision_due=due,
        supervision="lapsed" if due <= at else "soon" if due - at <= WARN_DAYS * DAY else "ok",
        barred=[words.bar(code) for code in barred],
        away=person_facts.away(member, at),
        experiences=[each.words for each in person_facts.experiences(member, at)],
    )


def eligible(ask: Ask, program: Program) -> list[Eligible]:
    """Members whom the program has found to meet the rules, and who have not offered yet."""
    return [
        Eligible(
            program=program.id,
            id=member.id,
            recovery=person_facts.recovery(member, ask.now),
            experiences=[each.words for each in person_facts.experiences(member, ask.now)],
        )
        for member in program.state.members
        if member.present and member.invited and member.mentorship is None and not ask.is_own(member.id)
    ]


def _open(program: Program, member: Member, at: int) -> int:
    seen = look.at(program, at)
    index = seen.index(member.id)
    return 0 if index is None or seen.judge.mentor_alone(index, seen.now) else seen.open_slots(member)


def _group(ask: Ask, program: Program) -> Group:
    others = [member for member in mentors(program) if not ask.is_own(member.id)]
    ticks = [Tick(id=m.id, last=m.mentorship.supervised_at if m.mentorship else None) for m in others]
    longest_ago = sorted(ticks, key=lambda tick: (tick.last or 0, tick.id))[:LISTED_MAX]
    return Group(
        program=program.id, mentors=sorted(longest_ago, key=lambda tick: tick.id), more=len(ticks) > LISTED_MAX
    )


def _ended_early(ask: Ask) -> dict[tuple[str, str], int]:
    short = (MATCHES.c.over_at - MATCHES.c.active_at) < EARLY_DAYS * DAY
    over = (MATCHES.c.stage == "closed") & (MATCHES.c.reason != COMPLETED)
    query = (
        select(MATCHES.c.program, MATCHES.c.mentor, func.count())
        .where(MATCHES.c.program.in_(list(ask.programs)), over, short)
        .group_by(MATCHES.c.program, MATCHES.c.mentor)
    )
    return {(program, mentor): count for program, mentor, count in ask.db.execute(query)}


# Group supervision, and invitations


class Supervised(BaseModel):
    """A group supervision: when it was, and who came."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: date
    came: Annotated[list[OpaqueId], Field(min_length=1, max_length=TICKS_MAX)]


def supervised(ask: Ask, form: Supervised) -> Decided:
    """Record who came, an event each. Raises FormErrors for a date that is not yet, or somebody who is no mentor."""
    program = ask.program(ask.path["program"])
    known = {member.id for member in mentors(program)}
    if strangers := [who for who in form.came if who not in known]:
        raise FormErrors(came=f"{words.listed(strangers)} is no mentor here any more. Look at the list again.")
    at = instant_of(ask, program, form.on, "on")
    told = [event(ask, program, "mentor.supervised", who, at=at, by=ask.account.id) for who in dict.fromkeys(form.came)]
    return Decided(told, "/mentors", f"{words.many(len(told), 'mentor')} supervised.", program=program.id)


class Invited(BaseModel):
    """Somebody asked a member whether they want to help others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def invited(ask: Ask, form: Invited) -> Decided:
    """Record that somebody spoke with them about it."""
    program, who = ask.program(ask.path["program"]), ask.path["person"]
    if who not in {each.id for each in eligible(ask, program)}:
        raise NotFound
    told = event(ask, program, "member.contacted", who, by=ask.account.id, outcome="invited_to_mentor")
    return Decided([told], "/mentors", f"{who} was invited by you.", about=who, program=program.id)


PAGE = Page("/mentors", "Mentors", COORDINATORS, view, "mentors.html", query=Query, nav="bar", order=40)
SUPERVISED = Action("/mentors/{program}/supervision", COORDINATORS, Supervised, supervised, PAGE.path, "recorded")
INVITED = Action(
    "/mentors/{program}/{person}/invite", COORDINATORS, Invited, invited, PAGE.path, "invited", person="person"
)
ACTIONS = (SUPERVISED, INVITED)
