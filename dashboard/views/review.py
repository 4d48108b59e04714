"""One proposal unfolded: all terms, the next two mentors, what a choice does to others, the clock.

When a decision could not be taken because the proposal had changed, the page shows what was seen and what is true.
"""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from dashboard import words
from dashboard.frame import COORDINATORS, Ask, NotFound, Page
from dashboard.tell import event
from dashboard.views import alarms, card, effects, look, person_facts, queue, standing
from dashboard.views.card import Bar, Card, Choice, Glance
from dashboard.views.person_facts import PersonFacts
from matcher.instants import DAY, HOUR, MINUTE
from matcher.pairing.matches import Match
from matcher.program import Program


class Clock(BaseModel):
    """One line of the clock: what, and when."""

    words: str
    at: int


class Detail(BaseModel):
    """Everything that bears on a decision."""

    card: Card
    bars: list[Bar]
    newcomer: PersonFacts
    mentor: PersonFacts
    mentor_load: str
    effects: list[str]
    choices: list[Choice]
    clock: list[Clock]


class Conflict(BaseModel):
    """A decision that changed nothing: what was seen, and what was decided or became true meanwhile."""

    why: str
    seen: Glance | None


class Review(BaseModel):
    """A proposal, or what became of it."""

    program: str
    match: str
    standing: str
    """What became of it, in a sentence."""

    is_open: bool
    """Whether the match stands, proposed or paired: then each of the two has a redacted view of the other."""

    detail: Detail | None
    current: Card | None
    """Another proposal for the same newcomer, when this one no longer stands."""

    conflict: Conflict | None
    after: int
    """How many proposals are in the queue."""


def view(ask: Ask) -> Review:
    """The proposal of the path. Raises NotFound for a match that the program never had."""
    program, match_id = ask.program(ask.path["program"]), ask.path["match"]
    pair = program.state.matches.members_of(match_id)
    if pair is None or any(map(ask.is_own, pair)):
        raise NotFound
    match = program.state.matches.open.get(match_id)
    open_ = match is not None and match.stage != "active"
    return Review(
        program=program.id,
        match=match_id,
        standing=_standing(match_id, pair, match),
        is_open=match is not None,
        detail=detail(ask, program, match) if match is not None and open_ else None,
        current=None if open_ else _current(ask, program, pair[0], match_id),
        conflict=_conflict(ask),
        after=len(queue.waiting(ask, standing.levels(ask))),
    )


def opened(ask: Ask) -> list[dict[str, object]]:
    """Word that somebody looks at the proposal, so that it stays as it is; again when half of that time is over."""
    program = ask.program(ask.path["program"])
    match = program.state.matches.open.get(ask.path["match"])
    minutes = program.policy.review.pin_minutes
    if match is None or match.stage != "proposed" or not queue.may_decide(ask, match) or not minutes:
        return []
    if match.held_until - ask.now > minutes * MINUTE // 2:
        return []
    return [event(ask, program, "match.opened", match.id, by=ask.account.id)]


def detail(ask: Ask, program: Program, match: Match) -> Detail:
    """The unfolded card."""
    at = ask.now
    state = program.state
    newcomer, mentor = state.members[match.newcomer], state.members[match.mentor]
    offer = mentor.mentorship
    had = f", and has had {words.many(offer.matches_had, 'newcomer')} in all" if offer and offer.matches_had else ""
    load = words.many(offer.caseload, "newcomer") if offer and offer.caseload else "nobody"
    return Detail(
        card=queue.card(ask, program, match),
        bars=card.bars(look.at(program, at), match.newcomer, match.mentor),
        newcomer=person_facts.of(program, newcomer, at),
        mentor=person_facts.of(program, mentor, at),
        mentor_load=f"{match.mentor} supports {load} now{had}.",
        effects=[ask.veiled(said) for said in effects.of_pairing(program, match, match.mentor, at)],
        choices=card.choices(ask, program, match),
        clock=_clock(ask, program, match),
    )


def _clock(ask: Ask, program: Program, match: Match) -> list[Clock]:
    at = ask.now
    member = program.state.members[match.newcomer]
    lines = [Clock(words="Proposed", at=match.since)]
    if member.seeks_since is not None:
        lines.insert(0, Clock(words="Waits since", at=member.seeks_since))
        lines.append(
            Clock(
                words="Limit for a first pairing", at=member.seeks_since + program.policy.waiting.overdue_hours * HOUR
            )
        )
        widen = sorted(member.seeks_since + days * DAY for days in program.policy.quality.widen_after_days)
        lines += [Clock(words="The rules on fit, hours and way widen", at=when) for when in widen if when > at][:1]
    if match.is_pinned:
        words_ = "On hold until" if match.stage == "held" else "Stays as it is, since somebody looks at it, until"
        lines.append(Clock(words=words_, at=match.held_until))
    lines += [
        Clock(words=alarm.words, at=alarm.since)
        for alarm, _ in standing.of_member(ask, program, member)
        if alarm.kind not in alarms.FOR_LEADS
    ]
    return lines


def _standing(match_id: str, pair: tuple[str, str], match: Match | None) -> str:
    newcomer, mentor = pair
    if match is None:
        return f"The proposal {match_id}, {newcomer} with {mentor}, no longer stands."
    if match.stage == "active":
        return f"{newcomer} and {mentor} are paired."
    return f"{newcomer} could be paired with {mentor}."


def _current(ask: Ask, program: Program, newcomer: str, not_this: str) -> Card | None:
    match = program.state.matches.of_newcomer(newcomer)
    if match is None or match.id == not_this or match.stage == "active":
        return None
    return queue.card(ask, program, match)


def _conflict(ask: Ask) -> Conflict | None:
    if not ask.errors:
        return None
    return Conflict(why=" ".join(ask.errors.values()), seen=_seen(ask.given.get("seen", "")))


def _seen(text: str) -> Glance | None:
    """What the form says that its sender saw; nothing where it is not what a card says."""
    try:
        return Glance.model_validate_json(text)
    except ValidationError:
        return None


PAGE = Page("/review/{program}/{match}", "A proposal", COORDINATORS, view, "review.html", audited=True, opened=opened)
