"""What people decide about matches: coordinators review, record, recall and close; the two answer.

Each decision has a check, which refuses it as things are now, and what follows once it was told. SAFETY and CONSENT
bar a pair whoever makes it; QUALITY warns a coordinator and stops only the plan.
"""

from __future__ import annotations

from typing import TypeVar

from matcher.errors import Refused, code
from matcher.instants import HOUR, MINUTE
from matcher.messages import events as told
from matcher.messages import facts
from matcher.messages.catalog import Event
from matcher.pairing import explain
from matcher.pairing.desk import Desk
from matcher.pairing.matches import Match
from matcher.people.membership import COMPLETED, IMPOSSIBLE_TIME

UNKNOWN_MATCH = code(
    "KND-unknown-match", "The event is about a match that this program never had. Check the match's id."
)
NOT_IN_PAIR = code("KND-not-in-pair", "The event about a match comes from somebody who is not one of the two.")
NOT_ACTIVE = code(
    "KND-not-active", "The match is not active, so it can be neither closed nor recalled. Review it instead."
)
STALE = code(
    "KND-stale",
    "The proposal no longer stands and the two are not open to each other. The reason names the current one.",
)
BARRED = code(
    "KND-barred",
    "The two may not be paired; the reason lists the rules. SAFETY yields to nobody, CONSENT only to the person.",
)
ALREADY_MATCHED = code(
    "KND-already-matched", "The newcomer has an active match. Close it first: nobody has two mentors at once."
)

PLAN_IS_OVERRULED = frozenset({"declined"})
"""Blockers that a coordinator's own choice of a mentor sets aside."""

Model = TypeVar("Model", bound=told.Data)


# Reviews of proposals


def check_reviewed(desk: Desk, event: Event) -> None:
    """Refuse a review that cannot be carried out as things are now."""
    what, match = _data(event, told.MatchReviewed), desk.state.matches.open.get(event.subject)
    newcomer, mentor = _members(desk, event)
    if (match is None or match.is_pinned) and what.decision in ("approve", "reassign"):
        _must_still_seek(desk, event.subject, newcomer)
    if what.decision == "reassign" and what.mentor is not None:
        _must_be_open(desk, newcomer, what.mentor, aside=PLAN_IS_OVERRULED)
    elif what.decision == "approve" and (match is None or match.stage != "active"):
        _must_be_open(desk, newcomer, mentor, match, stale=match is None)
    elif match is None or match.stage == "active":
        raise Refused(STALE, f"{what.decision}: the proposal no longer stands; {_current(desk, newcomer)}")


def reviewed(desk: Desk, event: Event) -> None:
    """Carry a coordinator's decision out."""
    what = _data(event, told.MatchReviewed)
    newcomer, mentor = _members(desk, event)
    match = desk.state.matches.open.get(event.subject)
    if what.decision == "reject":
        desk.withdraw(event.subject, what.reason or "rejected", barred=True)
        _look_at(desk, newcomer, mentor)
    elif what.decision == "hold":
        _hold(desk, event.subject)
        _look_at(desk, newcomer, mentor)
    elif what.decision == "approve" and (match is None or match.stage != "active"):
        _pair(desk, newcomer, mentor, how="approved", match=event.subject)
    elif what.decision == "reassign" and what.mentor is not None:
        _pair(desk, newcomer, what.mentor, how="reassigned")


def opened(desk: Desk, event: Event) -> None:
    """Pin a proposal while somebody has its card open. One on hold stays that; another than a proposal is no matter."""
    match, minutes = desk.state.matches.open.get(event.subject), desk.state.policy.review.pin_minutes
    until = desk.now + minutes * MINUTE
    if match is not None and match.stage == "proposed" and minutes and until > match.held_until:
        desk.decide(facts.MatchPinned(match=match.id, until=until))
        desk.set_pin_alarm(match)
        _look_at(desk, match.newcomer, match.mentor)


def release(desk: Desk, match: Match) -> None:
    """End a hold, or the pin of an opened card: row and seat are the market's again."""
    desk.decide(facts.MatchReleased(match=match.id))
    _look_at(desk, match.newcomer, match.mentor)


def free_holds(desk: Desk, who: str) -> None:
    """End the holds and pins of somebody for whom they have lost their sense.

    A newcomer who no longer seeks anybody is not kept; one whose mentor is barred for safety is not kept from others.
    """
    for match in desk.state.matches.of_member(who):
        if not match.is_pinned:
            continue
        newcomer = desk.state.members.get(match.newcomer)
        if newcomer is None or newcomer.seeks_since is None:
            desk.withdraw(match.id, "no_longer_sought")
            _look_at(desk, match.newcomer, match.mentor)
        elif explain.barred(desk, match.newcomer, match.mentor, "SAFETY", aside=frozenset({"no_slot"})):
            release(desk, match)


def _hold(desk: Desk, match: str) -> None:
    until = desk.now + desk.state.policy.review.hold_hours * HOUR
    desk.decide(facts.MatchHeld(match=match, until=until))
    desk.set_pin_alarm(desk.state.matches.open[match])


def _pair(
    desk: Desk, newcomer: str, mentor: str, *, how: facts.How, match: str | None = None, warnings: tuple[str, ...] = ()
) -> None:
    before = desk.state.matches.of_newcomer(newcomer)
    if before is not None and before.stage == "active":
        desk.end(_ending(before, "reassigned", barred=False))
    elif before is not None and before.id != match:
        desk.withdraw(before.id, "reassigned")
        _look_at(desk, before.newcomer, before.mentor)
    made = desk.made(newcomer, mentor)
    desk.activate(facts.MatchActivated(**{**made, "match": match or made["match"]}, how=how, warnings=warnings))


# Pairs that people made


def check_recorded(desk: Desk, event: Event) -> None:
    """Refuse a pair made by people only where SAFETY bars it, or where the newcomer already has somebody."""
    what, members = _data(event, told.MatchRecorded), desk.state.members
    mentor = members.get(what.mentor)
    if mentor is None or not mentor.present:
        raise Refused(BARRED, "match.recorded: not_admitted: the mentor is not a member of this program")
    if what.since is not None and what.since > event.time:
        raise Refused(IMPOSSIBLE_TIME, "match.recorded: since lies after the event's own time")
    _must_be_unmatched(desk, event.subject, ALREADY_MATCHED)
    barred = explain.barred(desk, event.subject, what.mentor, "SAFETY", aside=frozenset({"no_slot"}))
    if barred:
        raise Refused(BARRED, f"match.recorded: the two may not be paired: {', '.join(barred)}")


def record(desk: Desk, event: Event) -> None:
    """Take a pair in that people made; rules it does not meet are warnings."""
    mentor = _data(event, told.MatchRecorded).mentor
    warnings = explain.barred(desk, event.subject, mentor, "SAFETY", "CONSENT", "QUALITY", aside=PLAN_IS_OVERRULED)
    _pair(desk, event.subject, mentor, how="recorded", warnings=warnings)


# Answers and endings


def check_of_pair(desk: Desk, event: Event) -> None:
    """Refuse word of a match from anybody but the two."""
    by = getattr(event.data, "by", None)
    if by not in _members(desk, event):
        raise Refused(NOT_IN_PAIR, f"{event.type} must come from one of the two of the match")


def answered(desk: Desk, event: Event) -> None:
    """A no takes a proposal back or ends a match, and keeps the two from being put together again."""
    match = desk.state.matches.open.get(event.subject)
    if _data(event, told.MatchAnswered).answer == "accept" or match is None:
        return
    if match.stage == "active":
        desk.end(_ending(match, "declined", barred=True))
    else:
        desk.withdraw(match.id, "declined", barred=True)
        _look_at(desk, match.newcomer, match.mentor)


def check_known(desk: Desk, event: Event) -> None:
    """Refuse word of a match that there never was."""
    _members(desk, event)


def check_active(desk: Desk, event: Event) -> None:
    """Refuse to close or recall what is not active."""
    _members(desk, event)
    match = desk.state.matches.open.get(event.subject)
    if match is None or match.stage != "active":
        raise Refused(NOT_ACTIVE, f"{event.type}: the match is not active")


def close(desk: Desk, event: Event) -> None:
    """End a match; unless it reached its aim, the plan does not put the two together again."""
    stated = getattr(event.data, "reason", None)
    reason = "recalled" if event.type == "match.recalled" else stated or "ended"
    desk.end(_ending(desk.state.matches.open[event.subject], reason, barred=reason != COMPLETED))


def end_all(desk: Desk, event: Event) -> None:
    """End every match of somebody who leaves the program, or of a mentor who withdraws."""
    reasons = {"member.erased": "left", "mentor.withdrawn": "mentor_withdrew"}
    reason = getattr(event.data, "reason", None) or reasons.get(event.type, "left")
    matches = desk.state.matches
    ended = matches.of_mentor if event.type == "mentor.withdrawn" else matches.of_member
    for match in ended(event.subject):
        if match.stage == "active":
            desk.end(_ending(match, reason, barred=False))
        else:
            desk.withdraw(match.id, reason)
            _look_at(desk, match.newcomer, match.mentor)


def part(desk: Desk, event: Event) -> None:
    """End what is between two people who must no longer be together."""
    if event.type != "exclusion.added":
        return
    pair = {event.subject, _data(event, told.Exclusion).other}
    for match in [match for match in desk.state.matches.open.values() if {match.newcomer, match.mentor} == pair]:
        if match.stage == "active":
            desk.end(_ending(match, "excluded", barred=False))
        else:  # also where the program is stopped and proposals do not follow the plan
            desk.withdraw(match.id, "excluded")


# Parts


def _data(event: Event, model: type[Model]) -> Model:
    if not isinstance(event.data, model):
        raise TypeError(f"{event.type} carries {type(event.data).__name__}")
    return event.data


def _members(desk: Desk, event: Event) -> tuple[str, str]:
    pair = desk.state.matches.members_of(event.subject)
    if pair is None:
        raise Refused(UNKNOWN_MATCH, f"{event.type}: this program has no match of this id")
    return pair


def _must_be_unmatched(desk: Desk, newcomer: str, why: str) -> None:
    match = desk.state.matches.of_newcomer(newcomer)
    if match is not None and match.stage == "active":
        raise Refused(why, f"the newcomer has the active match {match.id}")


def _must_still_seek(desk: Desk, match: str, newcomer: str) -> None:
    """For reviews of a proposal that no longer stands: the newcomer may have found somebody, or seek nobody now."""
    _must_be_unmatched(desk, newcomer, STALE)
    member = desk.state.members.get(newcomer)
    if match in desk.state.matches.ended:
        raise Refused(STALE, f"the match was active and is over; {_current(desk, newcomer)}")
    if member is None or member.seeks_since is None:
        raise Refused(STALE, "the proposal no longer stands, and the newcomer seeks no mentor")


def _must_be_open(
    desk: Desk,
    newcomer: str,
    mentor: str,
    match: Match | None = None,
    *,
    aside: frozenset[str] = frozenset(),
    stale: bool = False,
) -> None:
    members = (desk.state.members.get(who) for who in (newcomer, mentor))
    if not all(member is not None and member.present for member in members):
        raise Refused(STALE if stale else BARRED, "one of the two is not a present member of this program")
    if match is not None and match.is_pinned and not desk.is_overfull(mentor):
        aside |= {"no_slot"}  # the seat that is kept is the pair's own
    barred = explain.barred(desk, newcomer, mentor, "SAFETY", "CONSENT", aside=aside)
    if barred and stale:
        raise Refused(STALE, f"the proposal no longer stands ({', '.join(barred)}); {_current(desk, newcomer)}")
    if barred:
        raise Refused(BARRED, f"the two may not be paired: {', '.join(barred)}")


def _current(desk: Desk, newcomer: str) -> str:
    match = desk.state.matches.of_newcomer(newcomer)
    return "there is no current one" if match is None else f"the current one is {match.id}, which is {match.stage}"


def _ending(match: Match, reason: str, *, barred: bool) -> facts.MatchEnded:
    return facts.MatchEnded(match=match.id, newcomer=match.newcomer, mentor=match.mentor, reason=reason, barred=barred)


def _look_at(desk: Desk, *people: str) -> None:
    for who in people:
        desk.refresh(who, related=True)
