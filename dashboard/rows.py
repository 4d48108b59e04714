"""What the read model says, as rows: of a person from the state that the program folds, of what happened from facts.

Nothing here reads or writes a database. The rules of the program are not told a second time: who somebody is now is
looked up in the state after the facts.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final

from pydantic_core import from_json

from matcher import care
from matcher.messages.events import EVENTS
from matcher.messages.facts import Fact, Told
from matcher.pairing.matches import Match
from matcher.people.experience import family
from matcher.people.member import Member
from matcher.people.recovery import NEVER
from matcher.program import Program

Row = dict[str, Any]

OPEN: Final = ("proposed", "held", "active")
_MATCH_UNKNOWN: Final[Row] = dict.fromkeys(
    (
        *("fit", "proposed_at", "active_at", "over_at", "held_until", "contact_first", "contact_last"),
        *("how", "reason", "barred", "decision", "decided_by", "decided_at"),
    )
)


def person(program: Program, member: Member) -> Row:
    """Who somebody is now."""
    match = program.state.matches.of_newcomer(member.id)
    seen = member.recovery.last_seen
    return {
        "program": program.id,
        "person": member.id,
        "role": _role(member, match),
        "stage": _stage(member, match),
        "joined_at": member.joined_at,
        "seeks_since": member.seeks_since,
        "paused_until": member.paused_until,
        "match": match and match.id,
        "last_seen": None if seen == NEVER else seen,
    }


def experiences(program: Program, member: Member) -> list[Row]:
    """What somebody has lived through, in the order in which they said it."""
    return [
        {
            "program": program.id,
            "person": member.id,
            "number": number,
            "code": stated.code,
            "family": family(stated.code),
            "state": stated.state,
            "since": stated.since,
        }
        for number, stated in enumerate(member.profile.experiences)
    ]


def mentor(program: Program, member: Member) -> Row | None:
    """What somebody offers as a mentor; None for who offers nothing."""
    offer = member.mentorship
    if offer is None:
        return None
    return {
        "program": program.id,
        "person": member.id,
        "capacity": care.capacity(offer, program.policy),
        "caseload": offer.caseload,
        "matches_had": offer.matches_had,
        "admitted": offer.admitted,
        "declined": offer.declined,
        "backup": offer.backup,
        "volunteered_at": offer.volunteered_at,
        "trained_at": offer.trained_at,
        "supervised_at": offer.supervised_at,
        "cleared_until": offer.cleared_until,
        "paused_until": offer.paused_until,
    }


def fact(one: Fact) -> Row:
    """A fact as it was decided."""
    program, n, at, type_, data = one
    if isinstance(data, Told):
        about, time, what = data
        said = what.__pydantic_serializer__.to_json(what, exclude_unset=True)
    else:  # not model_dump_json: to pass its arguments along takes as long as to write what most facts say
        about, time, said = subject(one), at, data.__pydantic_serializer__.to_json(data)
    return {
        "program": program,
        "n": n,
        "at": at,
        "time": time,
        "type": type_,
        "subject": about,
        "said": said.decode(),
    }


def subject(one: Fact) -> str:
    """Whom or what a fact is about: a member, a match, an alert, a circle; else the program."""
    data = one.data
    if isinstance(data, Told):
        return data.subject
    fields = type(data).model_fields
    for name in ("match", "newcomer", "mentor", "member"):
        if name in fields:
            return str(getattr(data, name))
    return one.program


def new_match(program: str, match: str, newcomer: str, mentor: str) -> Row:
    """A match of which nothing else is known yet."""
    pair = {"program": program, "match": match, "newcomer": newcomer, "mentor": mentor}
    return {**pair, "stage": "past", **_MATCH_UNKNOWN}


def known_match(program: str, match: Match) -> Row:
    """An open match of which the state is known and not how it came about."""
    row = new_match(program, match.id, match.newcomer, match.mentor)
    began = {"active_at" if match.stage == "active" else "proposed_at": match.since}
    held = {"held_until": match.held_until or None, "contact_last": match.last_contact}
    return {**row, **began, **held, "stage": match.stage, "fit": match.fit}


def new_wait(program: str, newcomer: str, n: int, since: int) -> Row:
    """A time of waiting that has begun."""
    return {"program": program, "newcomer": newcomer, "n": n, "since": since, "until": None, "match": None}


def new_alert(program: str, alert: str) -> Row:
    """An alert about which nobody has done anything."""
    done = ("acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "outcome")
    return {"program": program, "alert": alert, **dict.fromkeys(done)}


def letter(home: str, position: int, number: int, at: int, line: bytes, known: Container[str]) -> Row:
    """A dead letter without what stood in it: of the input only a program and a type that Kindred knows."""
    kept = from_json(line)
    program, type_ = _told_by(kept.get("original"), known)
    place = {"home": home, "position": position, "number": number}
    return {**place, "at": at, "code": kept["code"], "program": program, "type": type_}


def _told_by(original: object, known: Container[str]) -> tuple[str | None, str | None]:
    try:
        document = from_json(original) if isinstance(original, str) else None
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return None, None
    program, type_ = document.get("partitionkey"), document.get("type")
    short = type_.removeprefix("kindred.").removesuffix(".v1") if isinstance(type_, str) else None
    is_known = isinstance(program, str) and program in known
    return (program if is_known else None), (short if short in EVENTS else None)


def _role(member: Member, match: Match | None) -> str:
    seeks = member.seeks or match is not None
    if member.mentorship is None:
        return "newcomer" if seeks else "neither"
    return "both" if seeks else "mentor"


def _stage(member: Member, match: Match | None) -> str:
    if not member.present:
        return "gone"
    if match is not None:
        return match.stage
    return "none" if member.seeks_since is None else "waiting"
