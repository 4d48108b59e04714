"""One person: who they are, how recovery goes, with whom they are and were, and everything that happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from dashboard import history, telling, words
from dashboard.access import accounts
from dashboard.draw import recovery
from dashboard.frame import COORDINATORS, NUMBER_MAX, Ask, NotFound, Page
from dashboard.history import Happened
from dashboard.oncall import shown
from dashboard.views import alarms, contact, look, people, person_facts, standing
from dashboard.views.contact import Contact
from dashboard.views.person_facts import PersonFacts
from matcher.people.experience import MILLION
from matcher.people.member import FOREVER, Member
from matcher.program import Program

REPORTS: Final = ("safety.",)
"""What only leads see."""


class Query(BaseModel):
    """Which part of the timeline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: int | None = Field(None, ge=1, le=NUMBER_MAX, description="The number of the last fact of the page before.")
    limit: int = Field(25, ge=1, le=100)


class Event(BaseModel):
    """One thing that happened, with its reasons."""

    n: int
    at: int
    time: int
    words: str
    details: list[str]


class Pair(BaseModel):
    """A match that is or was."""

    match: str
    other: str
    is_mentor: bool
    """Whether the other one is the mentor."""

    stage: str
    fit: float | None
    since: int | None
    until: int | None
    how_it_ended: str


class Alarm(BaseModel):
    """What somebody should look at."""

    words: str
    level: str
    since: int
    by: str
    """Who has it in their hands; empty where nobody has."""

    at: int | None
    """Since when."""


class Nearest(BaseModel):
    """A mentor who is near, and what bars them."""

    mentor: str
    fit: float
    barred: list[str]


class Clinician(BaseModel):
    """A consent to clinicians that is in force."""

    words: str
    until: int | None


class Person(BaseModel):
    """A person's page."""

    facts: PersonFacts
    standing: str
    roles: list[str]
    match: str | None
    """The id of the open match as a newcomer."""

    alarms: list[Alarm]
    pairs: list[Pair]
    supported_by: list[str]
    """Up the line: mentors, theirs, and so on."""

    supports: list[str]
    """Down the line."""

    nearest: list[Nearest]
    would_help: str
    apart: int
    """How many people they must not be paired with."""

    events: list[Event]
    next: int | None
    whole: bool
    """Whether the timeline is known from the beginning."""

    chart: str
    """Recovery as SVG; empty without anything to show."""

    consent: str
    seen_by: list[Clinician]
    """Clinicians who may see how they are."""

    card: Contact | None
    """Of the local card, whether there is one; None where this house keeps none."""

    link: str | None
    """Where the platform's own system shows the person."""


def view(ask: Ask) -> Person:
    """The person of the path. Raises NotFound, also for somebody who was erased."""
    query, program = ask.query, ask.program(ask.path["program"])
    assert isinstance(query, Query)
    member = program.state.members.get(ask.path["person"])
    if member is None:
        raise NotFound
    events, following = _timeline(ask, program, member, query)
    open_ = program.state.matches.of_newcomer(member.id)
    stands = people.standing(program, member, ask.now)
    near, would_help = _nearest(ask, program, member) if stands == "waiting" else ([], "")
    return Person(
        facts=person_facts.of(program, member, ask.now),
        standing=words.STANDINGS[stands],
        roles=list(people.roles(member)),
        match=open_.id if open_ and not ask.is_own(open_.mentor) else None,
        alarms=_alarms(ask, program, member),
        pairs=_pairs(ask, program, member),
        supported_by=_others(ask, program.state.support.ancestors(member.id)),
        supports=_others(ask, program.state.support.descendants(member.id)),
        nearest=near,
        would_help=would_help,
        apart=len(_others(ask, program.state.exclusions.of(member.id))),
        events=events,
        next=following,
        whole=history.is_whole(ask.db, program.id),
        chart=str(recovery.of(history.progress(ask.db, program.id, member.id))),
        consent=_consent(program, member, ask.now),
        seen_by=_seen_by(ask, member),
        card=contact.of(ask) if contact.has(ask) else None,
        link=contact.link(ask, program.id, member.id),
    )


def sees_reports(ask: Ask, program: Program) -> bool:
    """Whether the account sees safety reports."""
    return "lead" in ask.roles(program.id)


def _timeline(ask: Ask, program: Program, member: Member, query: Query) -> tuple[list[Event], int | None]:
    without = () if sees_reports(ask, program) else REPORTS
    found = history.of_person(
        ask.db,
        program.id,
        member.id,
        before=query.after,
        limit=query.limit + 1,
        without=without,
        hidden=ask.account.member,
    )
    page = found[: query.limit]
    names = shown.names(ask)
    return [_event(ask, each, member.id, names) for each in page], page[-1].n if len(found) > len(page) else None


def _event(ask: Ask, each: Happened, page: str, names: Mapping[str, str]) -> Event:
    by = each.said.get("by")
    named = each._replace(said={**each.said, "by": names.get(by, by)}) if isinstance(by, str) else each
    said = ask.veiled(telling.sentence(named, page))
    details = [ask.veiled(detail) for detail in telling.details(each)]
    return Event(n=each.n, at=each.at, time=each.time, words=said, details=details)


def _alarms(ask: Ask, program: Program, member: Member) -> list[Alarm]:
    names = shown.names(ask)
    return [
        Alarm(
            words=each.words,
            level=alarms.LEVELS[each.level],
            since=each.since,
            by=names.get(done.acknowledged_by or "", done.acknowledged_by or ""),
            at=done.acknowledged_at,
        )
        for each, done in standing.of_member(ask, program, member)
    ]


def _pairs(ask: Ask, program: Program, member: Member) -> list[Pair]:
    return [
        Pair(
            match=row.match,
            other=row.mentor if row.newcomer == member.id else row.newcomer,
            is_mentor=row.newcomer == member.id,
            stage=row.stage,
            fit=None if row.fit is None else row.fit / MILLION,
            since=row.active_at or row.proposed_at,
            until=row.over_at,
            how_it_ended=words.reason(row.reason) if row.reason else "",
        )
        for row in history.matches_of(ask.db, program.id, member.id)
        if not ask.is_own(row.newcomer) and not ask.is_own(row.mentor)
    ]


def _others(ask: Ask, people: Iterable[str]) -> list[str]:
    """Without whoever asks: what is between them and somebody is in their own record too."""
    return [who for who in people if not ask.is_own(who)]


def _nearest(ask: Ask, program: Program, member: Member) -> tuple[list[Nearest], str]:
    seen = look.at(program, ask.now)
    found = seen.nearest(member.id)
    rule = look.would_help(seen.own_bars(member.id), found)
    near = [
        Nearest(mentor=each.mentor, fit=each.fit, barred=words.bars(each.barred_by))
        for each in found.nearest
        if not ask.is_own(each.mentor)
    ]
    return near, rule.unblocks if rule else ""


def _consent(program: Program, member: Member, at: int) -> str:
    until = member.consent_until
    if until is None:
        needed = program.policy.consent.recorded_required
        return "not on record" + (", and needed here" if needed else "; seeking a mentor counts as asking here")
    return "on record" if until > at else "taken back or over"


def _seen_by(ask: Ask, member: Member) -> list[Clinician]:
    held = [each for each in member.clinicians if each.until > ask.now]
    return [
        Clinician(words=_clinician(ask, each.to), until=None if each.until >= FOREVER else each.until) for each in held
    ]


def _clinician(ask: Ask, account: str | None) -> str:
    if account is None:
        return "any clinician of the program"
    row = accounts.find_row(ask.db, account)
    return "an account that is not here" if row is None else row["name"]


PAGE = Page("/people/{program}/{person}", "Person", COORDINATORS, view, "person.html", query=Query, person="person")
