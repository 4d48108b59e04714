"""Who is called about something that cannot wait, and who after that: a pure answer from the rota.

The order is: who has the week, the program's deputy, those of the weeks that follow, then everybody else who leads the
program. Nobody is called while on leave or about themselves, and nobody twice. About a report leads are called, of whom
one on leave is better than none. Where no lead can be reached at all, the others are: a message says nothing of what
waits, and somebody must ask.

What is told again while nobody has dealt with it goes on with whoever comes next: the calls are about the matter.
Whoever was called longest ago comes next once all were, for a newer telling is a reason to ask them again, once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, NamedTuple

from dashboard.frame import COORDINATORS, Account
from dashboard.views.alarms import FOR_LEADS, Alarm
from matcher.instants import DAY

WEEK: Final = 7 * DAY
MONDAY: Final = 4 * DAY  # 1970-01-05, the first Monday that epoch seconds know
WEEKS_AHEAD: Final = 4  # whoever has the week after next is nearer than somebody who only leads


class Leave(NamedTuple):
    """Somebody is away, from one instant up to another."""

    account: str
    since: int
    until: int


class Person(NamedTuple):
    """An active account that may be called, and how."""

    account: Account
    channels: tuple[str, ...]
    """``mail``, ``webhook``; none: cannot be reached."""


@dataclass(frozen=True)
class Rota:
    """Who is on call, as the leads wrote it down."""

    people: Mapping[str, Person] = field(default_factory=dict)
    """Active accounts by id."""

    weeks: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Account by program and week."""

    deputies: Mapping[str, str] = field(default_factory=dict)
    """Account by program."""

    leaves: tuple[Leave, ...] = ()

    def is_away(self, account: str, at: int) -> bool:
        """Whether somebody is on leave."""
        return any(leave.account == account and leave.since <= at < leave.until for leave in self.leaves)

    def stands_in(self, program: str, at: int) -> list[str]:
        """Who is on call now: who has the week, then the deputy; empty when nobody is."""
        asked = (self.weeks.get((program, week_of(at))), self.deputies.get(program))
        return self._able(program, at, asked)

    def line(self, program: str, at: int) -> list[str]:
        """Everybody who would be called, in order."""
        return self._able(program, at, self._asked(program, at))

    def whom(self, alarm: Alarm, at: int) -> list[str]:
        """Everybody who would be called about an alarm, in order: those of the line who can be reached and may be."""
        program = alarm.program
        able = [id_ for id_ in self.line(program, at) if self._reaches(id_, alarm)]
        if alarm.kind not in FOR_LEADS:
            return able
        there = [id_ for id_ in able if self._leads(id_, program)]
        away = [id_ for id_ in sorted(self.people) if self._leads(id_, program) and self._reaches(id_, alarm)]
        return list(dict.fromkeys([*there, *away])) or able

    def is_led(self, program: str, at: int) -> bool:
        """Whether a lead is there and can be reached: about reports nobody else should be called."""
        return any(self.people[id_].channels and self._leads(id_, program) for id_ in self.line(program, at))

    def is_hidden(self, report: Alarm) -> bool:
        """Whether no lead may see a report: they have none, or all are whom it is about."""
        leads = [person.account for id_, person in self.people.items() if self._leads(id_, report.program)]
        return all(lead.member == report.person for lead in leads)

    def holds(self, account: str, channel: str, alarm: Alarm) -> bool:
        """Whether a call still holds: its receiver may have lost account, role or mail, or be whom it is about."""
        person = self.people.get(account)
        if person is None or channel not in person.channels:
            return False
        return bool(person.account.roles(alarm.program) & COORDINATORS) and self._reaches(account, alarm)

    def _reaches(self, id_: str, alarm: Alarm) -> bool:
        """Whether somebody can be reached, and the alarm is not about themselves."""
        account, channels = self.people[id_]
        return bool(channels) and (account.member is None or account.member != alarm.person)

    def _leads(self, id_: str, program: str) -> bool:
        return "lead" in self.people[id_].account.roles(program)

    def _asked(self, program: str, at: int) -> Iterator[str | None]:
        yield self.weeks.get((program, week_of(at)))
        yield self.deputies.get(program)
        yield from (self.weeks.get((program, week_of(at) + ahead)) for ahead in range(1, WEEKS_AHEAD + 1))
        yield from sorted(id_ for id_, person in self.people.items() if "lead" in person.account.roles(program))

    def _able(self, program: str, at: int, asked: Iterable[str | None]) -> list[str]:
        """Those who are there and may see the program's people, each once."""
        found = dict.fromkeys(id_ for id_ in asked if id_ is not None and id_ in self.people)
        return [
            id_ for id_ in found if self.people[id_].account.roles(program) & COORDINATORS and not self.is_away(id_, at)
        ]


class Told(NamedTuple):
    """Somebody was called about an alarm, or their call is under way."""

    program: str
    alert: str
    account: str
    at: int
    matter: str
    """Of the alarm (``Alarm.matter``); its own id once somebody has dealt with it."""


class Call(NamedTuple):
    """Somebody is to be called about an alarm now."""

    program: str
    alert: str
    account: str
    step: int
    """1 for the first who is called."""

    matter: str


def due(rota: Rota, open_alarms: Iterable[Alarm], told: Iterable[Told], at: int, wait_seconds: int) -> list[Call]:
    """Who is to be called now about alarms that nobody has taken; at most one person an alarm.

    The first at once, each next one ``wait_seconds`` after the one before. Cost: linear in alarms and calls.
    """
    before = defaultdict[tuple[str, str], set[Told]](set)
    for one in told:
        before[one.program, one.matter].add(one)
    calls = (_next(rota, alarm, _about(alarm, before), at, wait_seconds) for alarm in open_alarms)
    return [call for call in calls if call is not None]


def _about(alarm: Alarm, before: Mapping[tuple[str, str], set[Told]]) -> set[Told]:
    none = set[Told]()
    return before.get((alarm.program, alarm.id), none) | before.get((alarm.program, alarm.matter), none)


def _next(rota: Rota, alarm: Alarm, told: set[Told], at: int, wait_seconds: int) -> Call | None:
    if told and at < max(one.at for one in told) + wait_seconds:
        return None
    last = {one.account: one.at for one in sorted(told, key=attrgetter("at"))}
    of_this = {one.account for one in told if one.alert == alarm.id}
    left = [id_ for id_ in rota.whom(alarm, at) if id_ not in of_this]
    if not left:
        return None
    step = len({(one.alert, one.account) for one in told}) + 1
    return Call(alarm.program, alarm.id, min(left, key=lambda id_: last.get(id_, 0)), step, alarm.matter)


def week_of(at: int) -> int:
    """The number of the week, from Monday 00:00 UTC on."""
    return (at - MONDAY) // WEEK


def start_of(week: int) -> int:
    """When a week begins."""
    return MONDAY + week * WEEK
