"""People: everybody of the account's programs, found by id or by what they live with, by POST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboard import words
from dashboard.frame import COORDINATORS, Ask, Page
from dashboard.memo import by_member, by_program
from dashboard.views import person_facts
from dashboard.views import standing as standing_
from dashboard.views.alarms import Level
from matcher.messages.vocabulary import Gender
from matcher.people.experience import family
from matcher.people.member import Member
from matcher.program import Program

Role = Literal["newcomer", "mentor", "neither"]
Standing = Literal["waiting", "proposed", "held", "active", "paused", "free", "left"]


class Query(BaseModel):
    """What to look for. Words come by POST: no address and no log holds them."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    find: str | None = Field(None, max_length=64, description="Part of an id.")
    role: Role | None = None
    standing: Standing | None = None
    lived: str | None = Field(None, max_length=8, description="A code or its family: F10, F43.1.")
    gender: Gender | None = None
    after: str | None = Field(None, max_length=140, description="The cursor of the page before.")
    limit: int = Field(25, ge=1, le=100)


class Line(BaseModel):
    """One person in a list."""

    program: str
    id: str
    roles: list[str]
    standing: str
    with_: str | None
    """The mentor they have, are proposed, or are on hold for."""

    experiences: list[str]
    since: int | None
    """Since when they wait."""

    level: Level | None
    supports: int


class People(BaseModel):
    """A page of people, by program and id."""

    lines: list[Line]
    total: int
    next: str | None
    families: list[tuple[str, str]]
    """What can be looked for: family and words."""

    asked: Query


def view(ask: Ask) -> People:
    """Everybody whom the query fits. Cost: linear in members."""
    query = ask.query
    assert isinstance(query, Query)
    found = [pair for pair in _everybody(ask) if _fits(query, *pair, ask.now)]
    behind = [pair for pair in found if query.after is None or place(*pair) > read_cursor(query.after)]
    shown = behind[: query.limit]
    return People(
        lines=[line(ask, program, member, standing_.level(ask, program, member.id)) for program, member in shown],
        total=len(found),
        next=cursor(*shown[-1]) if len(behind) > len(shown) else None,
        families=_families(ask),
        asked=query,
    )


def _everybody(ask: Ask) -> Iterator[tuple[Program, Member]]:
    for program in ask.programs.values():
        for member in _members(program, ask.now):
            if not ask.is_own(member.id):
                yield program, member


def _fits(query: Query, program: Program, member: Member, at: int) -> bool:
    return (
        (query.find is None or query.find.lower() in member.id.lower())
        and (query.gender is None or member.profile.gender == query.gender)
        and (query.lived is None or any(each.code.startswith(query.lived) for each in member.profile.experiences))
        and (query.role is None or query.role in roles(member))
        and (query.standing is None or standing(program, member, at) == query.standing)
    )


def place(program: Program, member: Member) -> tuple[str, str]:
    """Where somebody stands in a list by program and id."""
    return program.id, member.id


def cursor(program: Program, member: Member) -> str:
    """The place as a page's parameter."""
    return "/".join(place(program, member))


def read_cursor(said: str) -> tuple[str, str]:
    """The place that a parameter names. Not compared as text: ``-`` and ``.`` would come before ``/``."""
    program, _, member = said.partition("/")
    return program, member


def roles(member: Member) -> list[Role]:
    """What somebody is: newcomer, mentor, both, or neither."""
    found: list[Role] = ["newcomer"] if member.seeks else []
    if member.mentorship is not None:
        found.append("mentor")
    return found or ["neither"]


def standing(program: Program, member: Member, at: int) -> Standing:
    """Where somebody stands as a newcomer."""
    match = program.state.matches.of_newcomer(member.id)
    if not member.present:
        return "left"
    if match is not None:
        return match.stage
    if person_facts.is_away(member, at):
        return "paused"
    return "waiting" if member.seeks_since is not None else "free"


def line(ask: Ask, program: Program, member: Member, level: Level | None) -> Line:
    """Somebody as a line of a list."""
    match, stands = program.state.matches.of_newcomer(member.id), standing(program, member, ask.now)
    return Line(
        program=program.id,
        id=member.id,
        roles=list(roles(member)),
        standing=words.STANDINGS[stands],
        with_=match.mentor if match and not ask.is_own(match.mentor) else None,
        experiences=[each.words for each in person_facts.experiences(member, ask.now)],
        since=member.seeks_since if stands == "waiting" else None,
        level=level,
        supports=member.mentorship.caseload if member.mentorship else 0,
    )


def _families(ask: Ask) -> list[tuple[str, str]]:
    found = set[str]().union(*(each for it in ask.programs.values() for each in _families_of(it, ask.now).values()))
    return sorted(((code, words.experience(code)) for code in found), key=lambda pair: pair[1])


@by_member
def _families_of(program: Program, member: Member, at: int) -> set[str] | None:
    return {family(each.code) for each in member.profile.experiences} or None


@by_program
def _members(program: Program, at: int) -> list[Member]:
    """By id: the same objects as the state's, so what changes in them is seen."""
    return sorted(program.state.members, key=lambda member: member.id)


SEARCH = frozenset({"find"})
PAGE = Page("/people", "People", COORDINATORS, view, "people.html", query=Query, nav="bar", order=20, search=SEARCH)
