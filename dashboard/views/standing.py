"""What stands: the alarms that nobody has resolved, and what somebody has already taken into their hands."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import NamedTuple

from dashboard import history
from dashboard.frame import COORDINATORS, Ask
from dashboard.memo import by_ask
from dashboard.oncall import store
from dashboard.views import alarms
from dashboard.views.alarms import Alarm, Level
from matcher.people.member import Member
from matcher.program import Program


class Handled(NamedTuple):
    """What people did about an alarm."""

    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    resolved_at: int | None = None
    resolved_by: str | None = None
    outcome: str | None = None


UNTOUCHED = Handled()


def every(ask: Ask) -> list[tuple[Alarm, Handled]]:
    """All alarms of the programs asked about that the account may see, the most urgent first.

    Those that were resolved too, until they are history.
    """
    done = handled(ask)
    found = [
        (alarm, done_about(done, alarm))
        for program in ask.programs.values()
        for alarm in alarms.of_program(program, ask.now)
        if may_see(ask, alarm)
    ]
    found = [(alarm, what) for alarm, what in found if what.resolved_at is None or ask.now < alarm.ends]
    return sorted(found, key=lambda each: each[0].place)


def of_member(ask: Ask, program: Program, member: Member) -> list[tuple[Alarm, Handled]]:
    """What stands of one person that nobody has resolved and the account may see, the most urgent first."""
    done = handled(ask)
    found = [
        (alarm, done_about(done, alarm)) for alarm in alarms.of_member(program, member, ask.now) if may_see(ask, alarm)
    ]
    stand = [each for each in found if each[1].resolved_at is None]
    return sorted(stand, key=lambda each: alarms.RANK[each[0].level])


def for_a_person(ask: Ask) -> list[Alarm]:
    """What is due on the day and nobody has taken into their hands, the most urgent first."""
    return [alarm for alarm, done in every(ask) if alarm.level != "list" and done == UNTOUCHED]


@by_ask
def handled(ask: Ask) -> Mapping[tuple[str, str], Handled]:
    """What was done, by program and alarm."""
    rows = history.alerts_of(ask.db, sorted({*ask.everywhere, *ask.programs, *ask.watched}))
    return {
        key: Handled(row.acknowledged_at, row.acknowledged_by, row.resolved_at, row.resolved_by, row.outcome)
        for key, row in rows.items()
    }


def done_about(done: Mapping[tuple[str, str], Handled], alarm: Alarm) -> Handled:
    """What of ``handled`` is about this alarm."""
    return done.get((alarm.program, alarm.id), UNTOUCHED)


def may_see(ask: Ask, alarm: Alarm) -> bool:
    """Reports are for leads; nobody sees what is about themselves."""
    if ask.is_own(alarm.person):
        return False
    return alarm.kind not in alarms.FOR_LEADS or "lead" in ask.roles(alarm.program)


def levels(ask: Ask) -> dict[tuple[str, str], Level]:
    """The most urgent level that stands, by program and person."""
    most: dict[tuple[str, str], Level] = {}
    done = handled(ask)
    for program in (ask.everywhere or ask.programs).values():
        for alarm in alarms.of_program(program, ask.now):
            if _counts(done, alarm):
                most.setdefault((program.id, alarm.person), alarm.level)
    return most


def level(ask: Ask, program: Program, person: str) -> Level | None:
    """What ``levels`` says of one person."""
    done = handled(ask)
    stand = [alarm.level for alarm in alarms.of_person(program, person, ask.now) if _counts(done, alarm)]
    return min(stand, key=alarms.RANK.__getitem__, default=None)


def _counts(done: Mapping[tuple[str, str], Handled], alarm: Alarm) -> bool:
    """Whether its level may be shown: it stands, and is no report, of which a level would tell."""
    return alarm.kind not in alarms.FOR_LEADS and done_about(done, alarm).resolved_at is None


@by_ask
def hidden(ask: Ask) -> list[Alarm]:
    """Reports that no lead may see, of programs whose coordinator the account is: they have to know that one is there.

    Nobody is told of one about themselves.
    """
    done = handled(ask)
    found = [
        alarm
        for program in ask.watched.values()
        if ask.roles(program.id) & COORDINATORS
        for alarm in takewhile(lambda alarm: alarm.level != "list", alarms.of_program(program, ask.now))
        if alarm.kind in alarms.FOR_LEADS and not ask.is_own(alarm.person)
    ]
    open_ = [alarm for alarm in found if done_about(done, alarm).resolved_at is None]
    return [alarm for alarm in open_ if store.rota_of(ask).is_hidden(alarm)]


class Urgent(NamedTuple):
    """How many things cannot wait and are not over, by whether somebody has taken them."""

    untaken: int
    in_hand: int


def urgent(ask: Ask) -> Urgent:
    """What cannot wait: the counts on top of every page.

    No page and no switch narrows it: somebody in danger elsewhere must not read as "nothing urgent".
    """
    done = handled(ask)
    found = [
        done_about(done, alarm)
        for program in ask.watched.values()
        for alarm in takewhile(lambda alarm: alarm.level == "now", alarms.of_program(program, ask.now))
        if may_see(ask, alarm)
    ]
    untaken, unseen = found.count(UNTOUCHED), sum(alarm.level == "now" for alarm in hidden(ask))
    return Urgent(untaken + unseen, sum(what.resolved_at is None for what in found) - untaken)
