"""Today: what needs a coordinator, one card at a time; and where it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboard import words
from dashboard.access import audit
from dashboard.frame import COORDINATORS, Ask, Page
from dashboard.memo import by_member, by_program
from dashboard.views import low_risk, person_facts, queue, standing
from dashboard.views.card import Card
from dashboard.views.queue import Place
from matcher.instants import DAY, HOUR
from matcher.pairing.matches import Match
from matcher.people.member import FOREVER, Member
from matcher.program import Program

PAGE_ROWS = 25
LATELY_MAX = 10
MINE_DAYS: Final = 14
STEADY_DAYS = 90  # most relapses fall into the first 30-90 days (care.md); who is through them is good news


Show = Literal["all", "mine", "new"]


class Query(BaseModel):
    """Which part of the queue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str | None = Field(None, max_length=200, description="The cursor of the page before.")
    show: Show = Field(
        "all", description="All, those that one opened oneself lately, or those since one was last here."
    )
    limit: int = Field(PAGE_ROWS, ge=1, le=100)


class Lately(BaseModel):
    """A pair made lately, which can still be taken back."""

    program: str
    match: str
    newcomer: str
    mentor: str
    since: int
    until: int
    told: str
    """Whether the two know of it."""


class Part(BaseModel):
    """Words of a sentence, and the page that they lead to."""

    words: str
    href: str | None = None


class Today(BaseModel):
    """The review queue and what is around it."""

    cards: list[Card]
    more: int
    """Proposals behind these."""

    next: str | None
    total: int
    show: Show
    shown: dict[Show, int]
    """How many proposals each choice of ``show`` has; without "new" at a first visit."""

    held: list[Card]
    lately: list[Lately]
    end: str
    """Where the day's work ends, and what comes next."""

    end_parts: list[Part]
    """The same in parts, with the pages that they lead to."""

    good: str
    """A line of good news."""

    waiting: int
    people: int
    low_risk: list[str]
    """Programs with proposals of low risk, which can be approved together."""

    not_started: list[str]
    """Programs that have people and have not been told to start pairing."""


def view(ask: Ask) -> Today:
    """The queue from the cursor on. Cost: linear in open matches and members, and a card's terms for each shown."""
    assert isinstance(ask.query, Query)
    levels = standing.levels(ask)
    places = queue.waiting(ask, levels)
    parts = _parts(ask, places)
    behind = queue.after(parts.get(ask.query.show, places), ask.query.after)
    shown = behind[: ask.query.limit]
    more = len(behind) - len(shown)
    held = queue.held(ask, levels)
    programs = ask.programs.values()
    end = _end(ask, len(places), held)
    return Today(
        cards=queue.cards(ask, queue.at(ask, shown), levels),
        more=more,
        next=shown[-1].cursor if more else None,
        total=len(places),
        show=ask.query.show,
        shown={show: len(part) for show, part in parts.items()},
        held=held,
        lately=lately(ask),
        end="".join(part.words for part in end),
        end_parts=end,
        good=ask.veiled(next((line for program in programs if (line := good_news(program, ask.now))), "")),
        waiting=sum(len(unmatched(program, ask.now)) for program in programs),
        people=sum(len(program.state.members.members) for program in programs),
        low_risk=[program.id for program in programs if any(low_risk.matches(ask, program))],
        not_started=[p.id for p in programs if p.state.members.members and not p.state.pairing],
    )


def _parts(ask: Ask, places: list[Place]) -> dict[Show, list[Place]]:
    mine = audit.looked_at(ask.db, ask.account.id, ask.wall - MINE_DAYS * DAY)
    parts: dict[Show, list[Place]] = {
        "all": places,
        "mine": [place for place in places if (place.program, place.match) in mine],
    }
    before = ask.account.seen_before
    if before is not None:
        since = before + ask.now - ask.wall
        parts["new"] = [
            place for place, (_, match) in zip(places, queue.at(ask, places), strict=True) if match.since > since
        ]
    return parts


def lately(ask: Ask) -> list[Lately]:
    """Pairs that can be taken back, the newest first."""
    found = [
        (match.since, program, match)
        for program in ask.programs.values()
        for match in program.state.matches.open.values()
        if can_recall(program, match, ask.now) and queue.may_decide(ask, match)
    ]
    newest = sorted(found, key=lambda each: (-each[0], each[2].id))[:LATELY_MAX]
    return [_lately(program, match) for _, program, match in newest]


def can_recall(program: Program, match: Match, at: int) -> bool:
    """Whether a pair that Kindred made is still within the window in which it can be taken back."""
    return (
        match.stage == "active" and not match.recorded and match.since > at - program.policy.review.recall_hours * HOUR
    )


def _lately(program: Program, match: Match) -> Lately:
    return Lately(
        program=program.id,
        match=match.id,
        newcomer=match.newcomer,
        mentor=match.mentor,
        since=match.since,
        until=match.since + program.policy.review.recall_hours * HOUR,
        told=told(match),
    )


def told(match: Match) -> str:
    """Whether the two know that they are paired, as far as anybody can say."""
    if match.last_contact is not None and match.last_contact >= match.since:
        return "They know, and have been in touch."
    if match.accepted:
        return f"{words.listed(match.accepted)} {'have' if len(match.accepted) > 1 else 'has'} said yes, so they know."
    return "Their platform was told at once; neither has answered yet."


def unmatched(program: Program, at: int) -> list[str]:
    """Everybody who seeks a mentor, has no open match and is on no pause, who has waited longest first."""
    return [who for _, who in waits(program, at)]


@by_program
def waits(program: Program, at: int) -> list[tuple[int, str]]:
    """Since when, and who: everybody who is ``unmatched``."""
    return sorted((since, who) for who, since in _waits_since(program, at).items())


@by_member
def _waits_since(program: Program, member: Member, at: int) -> int | None:
    return member.seeks_since if _is_unmatched(program, member) and not person_facts.is_away(member, at) else None


@by_program
def away(program: Program, at: int) -> list[tuple[int, str]]:
    """Who would wait, but is on a pause: until when, and who; who is back soonest first."""
    return sorted((until, who) for who, until in _away_until(program, at).items())


@by_member
def _away_until(program: Program, member: Member, at: int) -> int | None:
    if member.seeks_since is None or not _is_unmatched(program, member) or not person_facts.is_away(member, at):
        return None
    return member.paused_until if member.paused_until > at else FOREVER


def _is_unmatched(program: Program, member: Member) -> bool:
    return member.present and program.state.matches.of_newcomer(member.id) is None


@by_program
def good_news(program: Program, at: int) -> str:
    """The best thing of the last day; else of all that stands; nothing where there is none."""
    days = [
        (milestone.days or 0, member.id)
        for member in program.state.members
        if member.present
        for milestone in member.recovery.milestones
        if milestone.key == "days" and at - DAY < milestone.at <= at and not _slipped_since(member, milestone.at)
    ]
    if days and (best := max(days))[0]:
        return f"{best[1]} reached {words.in_recovery(best[0])} in recovery."
    pairs = [match for match in program.state.matches.open.values() if match.stage == "active"]
    steady = sum(match.since <= at - STEADY_DAYS * DAY for match in pairs)
    if steady:
        return f"{words.many(steady, 'pair')} {'has' if steady == 1 else 'have'} been together for {STEADY_DAYS} days."
    new = sum(match.since > at - 7 * DAY and not match.recorded for match in pairs)
    if new:
        return f"{words.many(new, 'newcomer')} found a mentor in the last seven days."
    return f"{words.many(len(pairs), 'pair')} {'is' if len(pairs) == 1 else 'are'} together." if pairs else ""


def _slipped_since(member: Member, at: int) -> bool:
    slip = member.recovery.last_setback()
    return slip is not None and slip.at >= at


def _end(ask: Ask, proposals: int, held: list[Card]) -> list[Part]:
    """What is left beside the proposals, what is overdue first; what is due later only where that is news today."""
    alerts, waits = [alarm.due for alarm in standing.for_a_person(ask)], list(_overdue_at(ask))
    dues = [*alerts, *waits, *(card.held_until for card in held if card.held_until)]
    left = _left(ask.now, alerts, waits)
    due = min((due for due in dues if due > ask.now), default=None)
    if due is None:
        after = "." if left else ", and nothing is due."
    else:
        is_told = not left or due < ask.now + DAY
        after = f"; next due {words.clock(due, ask.now)}." if is_told else "."
    if not left:
        return [Part(words=("After these nothing more needs you" if proposals else "Nothing needs you") + after)]
    joined = [part for each in left for part in (Part(words=" and "), each)][1:]
    return [*([Part(words="After these, ")] if proposals else []), *joined, Part(words=after)]


def _left(now: int, alerts: list[int], waits: list[int]) -> list[Part]:
    """Alerts that need a person and newcomers who have waited too long, by when they are due."""
    parts = []
    if alerts:
        said = f"{words.many(len(alerts), 'alert')} {'needs' if len(alerts) == 1 else 'need'} a person"
        parts.append(Part(words=said, href="/alerts"))
    overdue = sum(due <= now for due in waits)
    if overdue:
        said = f"{words.many(overdue, 'newcomer')} {'has' if overdue == 1 else 'have'} waited too long"
        parts.append(Part(words=said, href="/waiting"))
    return parts if any(due <= now for due in alerts) else parts[::-1]


def _overdue_at(ask: Ask) -> Iterator[int]:
    """Until when everybody who has nobody, not even a proposal, should have been paired."""
    for program in ask.programs.values():
        limit = program.policy.waiting.overdue_hours * HOUR
        yield from (since + limit for since, who in waits(program, ask.now) if not ask.is_own(who))


PAGE = Page("/today", "Today", COORDINATORS, view, "today.html", query=Query, nav="bar", order=10)
