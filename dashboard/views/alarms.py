"""What somebody should look at for a person's sake, and how soon: worked out of what the program knows of them.

Levels are those of care: *now*, *same_day* (by a person, on the day), *list* (the rest). That nothing is found never
means that there is no risk: 63 % of inpatients at risk had denied it (PMC8258235).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Literal

from dashboard.memo import by_program
from matcher.instants import DAY, HOUR
from matcher.people.experience import is_substance
from matcher.people.member import Member
from matcher.people.membership import SELF_HARM_ITEM
from matcher.people.recovery import NEVER, Setback
from matcher.policy import Policy
from matcher.program import Program

Level = Literal["now", "same_day", "list"]
Kind = Literal[
    "distress_high", "distress", "self_harm_often", "self_harm", "slip", "report", "silence", "no_contact", "unseen"
]
"""The last is of nobody: nothing new is seen of the program (``dashboard.oncall.unseen``)."""

RANK: Final[dict[Level, int]] = {"now": 0, "same_day": 1, "list": 2}
LEVELS: Final[dict[Level, str]] = {"now": "Now", "same_day": "Today, by a person", "list": "When there is time"}

SLIP_DAYS: Final = 14  # a slip asks for contact within a day; after two weeks it is history, not an alarm
SILENCE_DAYS: Final = 14  # a guess (care.md)
NO_CONTACT_HOURS: Final = 72  # mentor silent: reminder at 24 h, backup at 48 h, a coordinator at 72 h (care.md)
TOLERANCE_LOST_DAYS: Final = 14  # after discharge or release (care.md)
DEADLY: Final = ("F11", "F13", "")
"""Families of which a slip may kill at once: opioids, sedatives, and what was not said."""

_WITHIN: Final[dict[Kind, int]] = {
    "distress_high": 0,
    "self_harm_often": 0,
    "report": 0,
    "distress": DAY,
    "self_harm": DAY,
    "slip": DAY,
    "silence": 7 * DAY,
    "no_contact": DAY,
    "unseen": 0,
}
_LEVEL: Final[dict[Kind, Level]] = {
    "distress_high": "now",
    "self_harm_often": "now",
    "report": "now",
    "distress": "same_day",
    "self_harm": "same_day",
    "slip": "same_day",
    "silence": "list",
    "no_contact": "list",
    "unseen": "now",
}
WORDS: Final[dict[Kind, str]] = {
    "distress_high": "In great distress.",
    "self_harm_often": "Said to think of death or self-harm on many days.",
    "report": "A safety report is open.",
    "distress": "In distress.",
    "self_harm": "Said to think of death or self-harm on some days.",
    "slip": "Had a setback.",
    "silence": f"Has not been heard of for {SILENCE_DAYS} days.",
    "no_contact": "Paired for three days and more, and no contact is on record.",
    "unseen": "Nothing new is seen.",
}
FOR_LEADS: Final[frozenset[Kind]] = frozenset({"report"})
"""Coordinators see no reports."""


@dataclass(frozen=True)
class Alarm:
    """One thing to look at; ``since`` is when it happened, ``due`` until when somebody should have."""

    id: str
    program: str
    person: str
    kind: Kind
    level: Level
    since: int
    due: int

    @property
    def words(self) -> str:
        """What happened."""
        return WORDS[self.kind]


@by_program
def of_program(program: Program, at: int) -> list[Alarm]:
    """Everything that stands in a program, the most urgent first. Cost: some microseconds a member."""
    found = [alarm for member in program.state.members for alarm in of_member(program, member, at)]
    return sorted(found, key=lambda alarm: (RANK[alarm.level], alarm.due, alarm.id))


def of_member(program: Program, member: Member, at: int) -> Iterator[Alarm]:
    """What stands of one person."""
    if not member.present:
        return
    for kind, since, within in _found(program, member, at):
        yield Alarm(
            _id(program.id, member.id, kind, since), program.id, member.id, kind, _LEVEL[kind], since, since + within
        )


def _found(program: Program, member: Member, at: int) -> Iterator[tuple[Kind, int, int]]:
    policy = program.policy
    for kind, since in (*_distress(member, at, policy), *_self_harm(member, at, policy)):
        yield kind, since, _WITHIN[kind]
    slip = member.recovery.last_setback()
    if slip is not None and slip.at > at - SLIP_DAYS * DAY:
        yield "slip", slip.at, 4 * HOUR if _may_kill(member, slip) else DAY
    if member.open_reports:
        yield "report", member.joined_at, 0
    yield from _quiet(program, member, at)


def _distress(member: Member, at: int, policy: Policy) -> Iterator[tuple[Kind, int]]:
    told = member.recovery.last_distress
    if told is not None and told.at > at - policy.mentor.distress_days * DAY:
        yield ("distress_high" if told.what == "high" else "distress"), told.at


def _self_harm(member: Member, at: int, policy: Policy) -> Iterator[tuple[Kind, int]]:
    for result in member.recovery.latest:
        often = result.items[SELF_HARM_ITEM] if len(result.items) > SELF_HARM_ITEM else 0
        if result.key == "PHQ-9" and often and result.at > at - policy.mentor.distress_days * DAY:
            yield ("self_harm_often" if often > 1 else "self_harm"), result.at


def _may_kill(member: Member, slip: Setback) -> bool:
    left = member.recovery.last_discharge
    just_left = left is not None and 0 <= slip.at - left.at <= TOLERANCE_LOST_DAYS * DAY
    return slip.family in DEADLY or (just_left and is_substance(slip.family))


def _quiet(program: Program, member: Member, at: int) -> Iterator[tuple[Kind, int, int]]:
    match = program.state.matches.of_newcomer(member.id)
    if not member.seeks or member.paused_until > at:
        return
    heard = max(member.joined_at, member.recovery.last_seen if member.recovery.last_seen != NEVER else member.joined_at)
    if heard + SILENCE_DAYS * DAY <= at:
        yield "silence", heard + SILENCE_DAYS * DAY, 7 * DAY
    if match is not None and match.stage == "active" and match.last_contact is None:
        missed = match.since + NO_CONTACT_HOURS * HOUR
        if missed <= at:
            yield "no_contact", missed, DAY


def _id(program: str, person: str, kind: Kind, since: int) -> str:
    """An opaque id that the same alarm always has."""
    return f"a-{blake2b(f'{program}/{person}/{kind}/{since}'.encode(), digest_size=8).hexdigest()}"
