"""People who agreed that a clinician sees how they are: a list, and one person's page without what is about others.

A consent decides, at the moment of asking: to this account or to any clinician of the program, and not over. Without
one there is nobody of this id. What is not in the models here no clinician is told: with whom somebody is paired,
reports, exclusions, the local card, what coordinators decided, and the alarms of anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from dashboard import history, telling, words
from dashboard.draw import recovery
from dashboard.frame import CLINICIANS, COORDINATORS, Ask, NotFound, Page
from dashboard.history import Happened
from dashboard.views import person_facts
from dashboard.views.person_facts import Experience
from matcher.people import consents
from matcher.people.consents import Consent
from matcher.people.member import FOREVER, Member
from matcher.program import Program

PATH: Final = "/clinic"
CHECK_INS: Final = 30  # shown as numbers; the chart has more
PAUSES: Final = ("member.paused", "member.resumed")


class Query(BaseModel):
    """Which part of the list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str | None = Field(None, max_length=140, description="The cursor of the page before.")
    limit: int = Field(25, ge=1, le=100)


class Agreed(BaseModel):
    """The consent by which this account sees somebody."""

    to_any: bool
    """Whether it is to any clinician of the program."""

    since: int
    until: int | None
    purpose: str


class Stands(BaseModel):
    """Where somebody stands as a newcomer, and since when. Nothing says with whom."""

    words: str
    since: int | None


class Line(BaseModel):
    """One person in the list."""

    program: str
    id: str
    experiences: list[str]
    recovery: str
    stands: Stands
    consent: Agreed


class Consented(BaseModel):
    """Whom the account may see, by program and id."""

    lines: list[Line]
    total: int
    next: str | None


class Told(BaseModel):
    """Something that was told, and when it happened."""

    at: int
    words: str


class Assessed(BaseModel):
    """The result of an instrument, without its items."""

    at: int
    instrument: str
    total: int


class Record(BaseModel):
    """How somebody is, as far as a clinician needs it. Lists have the newest first."""

    program: str
    id: str
    consent: Agreed
    experiences: list[Experience]
    recovery: str
    stands: Stands
    away: str | None
    chart: str
    """Mood, craving, setbacks and milestones as SVG; empty without anything to show."""

    check_ins: list[Told]
    setbacks: list[Told]
    assessments: list[Assessed]
    distress: list[Told]
    pauses: list[Told]
    whole: bool
    """Whether what happened is known from the beginning."""


def view(ask: Ask) -> Consented:
    """Everybody whose consent is in force. Cost: linear in members."""
    query = ask.query
    assert isinstance(query, Query)
    found = sorted(_consented(ask), key=lambda each: _key(*each[:2]))
    behind = [each for each in found if query.after is None or _key(*each[:2]) > query.after]
    shown = behind[: query.limit]
    return Consented(
        lines=[_line(ask, *each) for each in shown],
        total=len(found),
        next=_key(*shown[-1][:2]) if len(behind) > len(shown) else None,
    )


def view_person(ask: Ask) -> Record:
    """The person of the path. Raises NotFound, also when their consent is over, or was never given."""
    program = ask.program(ask.path["program"])
    member = program.state.members.get(ask.path["person"])
    consent = None if member is None else _consent(ask, member)
    if member is None or consent is None:
        raise NotFound
    told = [each for each in history.progress(ask.db, program.id, member.id) if _is_known(member, each)]
    return Record(
        program=program.id,
        id=member.id,
        consent=_agreed(consent),
        experiences=person_facts.experiences(member, ask.now),
        recovery=person_facts.recovery(member, ask.now),
        stands=_stands(program, member),
        away=person_facts.pause(member.paused_until, ask.now),
        chart=str(recovery.of(told)),
        check_ins=_told(told, "progress.checked_in")[:CHECK_INS],
        setbacks=_told(told, "progress.setback"),
        assessments=[
            Assessed(at=each.time, instrument=each.said["instrument"], total=each.said["total"])
            for each in reversed(told)
            if each.type == "progress.assessed"
        ],
        distress=_told(told, "progress.distress"),
        pauses=_told(history.of_types(ask.db, program.id, member.id, PAUSES), *PAUSES),
        whole=history.is_whole(ask.db, program.id),
    )


def _consented(ask: Ask) -> Iterator[tuple[Program, Member, Consent]]:
    for program in ask.programs.values():
        for member in program.state.members:
            consent = _consent(ask, member)
            if consent is not None and not ask.is_own(member.id):
                yield program, member, consent


def _consent(ask: Ask, member: Member) -> Consent | None:
    return consents.in_force(member.clinicians, ask.account.id, ask.now) if member.present else None


def _key(program: Program, member: Member) -> str:
    return f"{program.id}/{member.id}"


def _line(ask: Ask, program: Program, member: Member, consent: Consent) -> Line:
    return Line(
        program=program.id,
        id=member.id,
        experiences=words.experiences(member, ask.now),
        recovery=person_facts.recovery(member, ask.now),
        stands=_stands(program, member),
        consent=_agreed(consent),
    )


def _agreed(consent: Consent) -> Agreed:
    return Agreed(
        to_any=consent.to is None,
        since=consent.since,
        until=None if consent.until >= FOREVER else consent.until,
        purpose=words.purpose(consent.purpose),
    )


def _stands(program: Program, member: Member) -> Stands:
    """A hold is told as a proposal, and neither when it was made: those dates are the coordinators'."""
    match = program.state.matches.of_newcomer(member.id)
    if match is not None and match.stage == "active":
        return Stands(words=words.STANDINGS["active"], since=match.since)
    if member.seeks_since is None:
        return Stands(words=words.STANDINGS["free"], since=None)
    stage = "waiting" if match is None else "proposed"
    return Stands(words=words.STANDINGS[stage], since=member.seeks_since)


def _is_known(member: Member, happened: Happened) -> bool:
    """Whether it is more than what others say: coordinators check that, and clinicians read what is so."""
    return happened.type != "progress.setback" or member.believes(happened.said.get("by", "self"))


def _told(happened: Sequence[Happened], *types: str) -> list[Told]:
    found = [each for each in happened if each.type in types]
    return [Told(at=each.time, words=telling.sentence(each)) for each in reversed(found)]


PAGE = Page(PATH, "Consented", CLINICIANS, view, "clinic.html", query=Query, nav="bar", order=60, aside=COORDINATORS)
PERSON = Page(
    f"{PATH}/{{program}}/{{person}}", "Somebody who consented", CLINICIANS, view_person, "clinic_person.html",
    person="person",
)  # fmt: skip
PAGES: Final = (PAGE, PERSON)
