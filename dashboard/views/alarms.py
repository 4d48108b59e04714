"""What somebody should look at for a person's sake, and how soon: worked out of what the program knows of them.

Levels are those of care: *now*, *same_day* (by a person, on the day), *list* (the rest). That nothing is found never
means that there is no risk: 63 % of inpatients at risk had denied it (PMC8258235).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final, Literal, cast

from dashboard.memo import by_member, by_program
from dashboard.words import lasting
from matcher.instants import DAY, HOUR
from matcher.people import concerns
from matcher.people.experience import is_substance
from matcher.people.member import FOREVER, Member
from matcher.policy import Policy
from matcher.program import Program

Level = Literal["now", "same_day", "list"]
Kind = Literal[
    "distress_high",
    "distress",
    "self_harm_often",
    "self_harm",
    "slip",
    "hearsay",
    "report",
    "report_minor",
    "silence",
    "no_contact",
    "unseen",
]
"""The last is of nobody: nothing new is seen of the program (``dashboard.oncall.unseen``)."""

RANK: Final[dict[Level, int]] = {"now": 0, "same_day": 1, "list": 2}
LEVELS: Final[dict[Level, str]] = {"now": "Now", "same_day": "Today, by a person", "list": "When there is time"}

DEADLY: Final = ("F11", "F13", "F19", "")
"""Families of which a slip may kill at once: opioids, sedatives, and what was not told apart or not said."""

_WITHIN: Final[dict[Kind, int]] = {
    "distress_high": 0,
    "self_harm_often": 0,
    "report": 0,
    "report_minor": DAY,
    "distress": DAY,
    "self_harm": DAY,
    "slip": DAY,
    "hearsay": DAY,
    "silence": 7 * DAY,
    "no_contact": DAY,
    "unseen": 0,
}
_LEVEL: Final[dict[Kind, Level]] = {
    "distress_high": "now",
    "self_harm_often": "now",
    "report": "now",
    "report_minor": "same_day",
    "distress": "same_day",
    "self_harm": "same_day",
    "slip": "same_day",
    "hearsay": "same_day",
    "silence": "list",
    "no_contact": "list",
    "unseen": "now",
}
WORDS: Final[dict[Kind, str]] = {
    "distress_high": "In great distress.",
    "self_harm_often": "Said to think of death or self-harm on many days.",
    "report": "A safety report is open.",
    "report_minor": "A safety report is open; it was not said to be serious.",
    "distress": "In distress.",
    "self_harm": "Said to think of death or self-harm on some days.",
    "slip": "Had a setback.",
    "hearsay": "Somebody said that this mentor had a setback. Check it; nothing changes until they or you say so.",
    "silence": "Has not been heard of for {}.",
    "no_contact": "Paired for {} and more, and no contact is on record.",
    "unseen": "Nothing new is seen.",
}
SETBACKS: Final[frozenset[Kind]] = frozenset({"slip", "hearsay"})
FOR_LEADS: Final[frozenset[Kind]] = frozenset({"report", "report_minor"})
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
    words: str
    """What happened."""

    ends: int = FOREVER
    """When it is history; what cannot wait only once somebody has resolved it."""

    @property
    def place(self) -> tuple[int, int, str]:
        """Where it stands in lists: the most urgent first, then what is due first."""
        return RANK[self.level], self.due, self.id

    @property
    def matter(self) -> str:
        """The id of what all tellings of one person and kind are about; a report is a matter of its own.

        A newer telling takes the place of one that nobody has dealt with, and goes on where its calls were.
        """
        if self.kind in FOR_LEADS or not self.person:
            return self.id
        return id_of(self.program, self.person, self.kind, "")


@by_program
def of_program(program: Program, at: int) -> list[Alarm]:
    """Everything that stands in a program, the most urgent first. Cost: linear in alarms."""
    found = [alarm for each in _by_member(program, at).values() for alarm in each]
    return sorted(found, key=lambda alarm: alarm.place)


def of_person(program: Program, person: str, at: int) -> list[Alarm]:
    """Everything that stands of one person."""
    return _by_member(program, at).get(person, [])


@by_member
def _by_member(program: Program, member: Member, at: int) -> list[Alarm] | None:
    return list(of_member(program, member, at)) or None


def of_member(program: Program, member: Member, at: int) -> Iterator[Alarm]:
    """What stands of one person."""
    yield from _told(program, member, at)
    if member.present:
        yield from _quiet(program, member, at)


def _told(program: Program, member: Member, at: int) -> Iterator[Alarm]:
    """What somebody told: each telling is an alarm of its own, whatever was done about one before it.

    Of who has left it is what was told before, for leaving helps nobody, and reports, which protect others.
    """
    for key, (n, since) in member.concerns.items():
        word, _, family = key.partition(" ")
        kind = cast(Kind, word)  # the keys of concerns begin with kinds; a setback's names its family too
        if not member.present and n >= member.left_n and kind not in concerns.REPORTS:
            continue
        ends = since + _lasts(kind, program.policy)
        if at < ends or _LEVEL[kind] == "now":
            within = _WITHIN[kind]
            if kind == "slip" and _may_kill(member, family, since, program.policy):
                within = program.policy.alert.deadly_slip_hours * HOUR
            telling = f"#{n}" if n != concerns.NOT_KEPT else str(since)
            yield replace(_alarm(program, member, kind, since, within, telling), ends=ends)


def _lasts(kind: Kind, policy: Policy) -> int:
    """For how many seconds after it happened there is something to look after; a report until it is resolved."""
    if kind in concerns.REPORTS:
        return FOREVER
    return (policy.alert.slip_days if kind in SETBACKS else policy.alert.distress_days) * DAY


def _may_kill(member: Member, family: str, slipped_at: int, policy: Policy) -> bool:
    left = member.recovery.last_discharge
    just_left = left is not None and 0 <= slipped_at - left.at <= policy.alert.tolerance_days * DAY
    return family in DEADLY or (just_left and is_substance(family))


def _quiet(program: Program, member: Member, at: int) -> Iterator[Alarm]:
    """What nobody told. A silence that goes on is a new one after as long again, for a resolved alarm says no more."""
    if not member.seeks or member.paused_until > at:
        return
    numbers = program.policy.alert
    heard = max(member.joined_at, member.recovery.last_seen, member.reached_at)
    times = (at - heard) // (numbers.silence_days * DAY)
    if times > 0:
        days = times * numbers.silence_days
        since = heard + days * DAY
        yield _alarm(program, member, "silence", since, _WITHIN["silence"], str(since), lasting(days * DAY))
    match = program.state.matches.of_newcomer(member.id)
    if match is not None and match.stage == "active" and match.last_contact is None and not match.recorded:
        missed = match.since + numbers.no_contact_hours * HOUR
        if missed <= at:
            span = lasting(numbers.no_contact_hours * HOUR)
            yield _alarm(program, member, "no_contact", missed, _WITHIN["no_contact"], str(missed), span)


def _alarm(
    program: Program, member: Member, kind: Kind, since: int, within: int, telling: str, span: str = ""
) -> Alarm:
    id_, words = id_of(program.id, member.id, kind, telling), WORDS[kind].format(span)
    return Alarm(id_, program.id, member.id, kind, _LEVEL[kind], since, since + within, words)


def id_of(program: str, person: str, kind: Kind, telling: str) -> str:
    """The opaque id of an alarm, which the same telling always has and no other."""
    return f"a-{blake2b(f'{program}/{person}/{kind}/{telling}'.encode(), digest_size=8).hexdigest()}"
