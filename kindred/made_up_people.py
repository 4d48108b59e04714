"""What made-up people tell in the demo of what Kindred itself has made: mentors of their pairs, coordinators of alerts.

The cohort's file cannot tell it: matches and alerts have ids only once they are made. The same seed tells the same.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Final, NamedTuple

from dashboard.views import alarms
from dashboard.views.alarms import Alarm
from matcher.cohort.dice import Dice, Weighted
from matcher.instants import DAY, HOUR, format_instant
from matcher.messages.envelope import long_type
from matcher.pairing.matches import Match
from matcher.program import Program

CONTACT_HOURS: Final = Weighted([((2, 24), 45), ((24, 48), 35), ((48, 72), 12), ((72, 120), 5), (None, 3)])
"""From pairing to first contact; None: none is told. Most within two days (guesses)."""

PULSE_HOURS: Final = (48, 14 * 24, 30 * 24)  # care.md
ANSWERED_PERCENT: Final = 70  # of pulses (a guess)
GOING: Final = Weighted([(5, 30), (4, 40), (3, 18), (2, 8), (1, 4)])  # a guess
TAKEN_MINUTES: Final = {"now": (3, 40), "same_day": (60, 20 * 60)}
"""From an alert to somebody who takes it, by level; what is for when there is time waits for the player (guesses)."""

SETTLED_HOURS: Final = (1, 30)  # from taking an alert to its end (a guess)
OUTCOMES: Final = Weighted([("safe", 70), ("help_found", 18), ("false_alarm", 7), ("other", 5)])  # a guess
COORDINATOR: Final = "s-1"


class Happened(NamedTuple):
    """An event to be."""

    at: int
    id: str
    type: str
    subject: str
    data: dict[str, object]


class Tellers(ABC):
    """People of a program; they tell late rather than never, as people do."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._told = set[str]()

    def tell(self, program: Program) -> list[str]:
        """Events as JSON lines of what has happened by now and was not told yet, in order of time."""
        happened = [each for each in self._happened(program) if each.at <= (program.at or 0)]
        due = [each for each in happened if each.id not in self._told]
        self._told.update(each.id for each in due)
        return [_event(program.id, each) for each in sorted(due, key=lambda each: (each.at, each.id))]

    @abstractmethod
    def _happened(self, program: Program) -> Iterator[Happened]:
        """All that has happened and is going to happen, told or not."""


class Mentors(Tellers):
    """Tell that they were in touch, and how it goes."""

    def _happened(self, program: Program) -> Iterator[Happened]:
        for match in program.state.matches.open.values():
            if match.stage == "active":
                yield from self._of_pair(match)

    def _of_pair(self, match: Match) -> Iterator[Happened]:
        dice = Dice(f"{self._seed}/{match.id}")
        span = dice.draw(CONTACT_HOURS)
        if span is None:
            return
        met = match.since + dice.between(span[0] * HOUR, span[1] * HOUR)
        yield Happened(met, f"{match.id}-met", "match.contacted", match.id, {"by": match.mentor, "channel": "phone"})
        for hours in PULSE_HOURS:
            going, asked = dice.draw(GOING), match.since + hours * HOUR + dice.below(DAY)
            if dice.percent(ANSWERED_PERCENT) and asked > met:
                said = {"by": match.newcomer, "going": going, "wish": "continue"}
                yield Happened(asked, f"{match.id}-pulse-{hours}", "match.pulsed", match.id, said)


class Coordinators(Tellers):
    """Take what is due on the day into their hands, and say how it ended."""

    def _happened(self, program: Program) -> Iterator[Happened]:
        for alarm in alarms.of_program(program, program.at or 0):
            if alarm.level in TAKEN_MINUTES:
                yield from self._of_alert(alarm)

    def _of_alert(self, alarm: Alarm) -> Iterator[Happened]:
        dice, (soon, late) = Dice(f"{self._seed}/{alarm.id}"), TAKEN_MINUTES[alarm.level]
        taken = alarm.since + dice.between(soon * 60, late * 60)
        settled = taken + dice.between(SETTLED_HOURS[0] * HOUR, SETTLED_HOURS[1] * HOUR)
        yield Happened(taken, f"{alarm.id}-taken", "alert.acknowledged", alarm.id, {"by": COORDINATOR})
        how: dict[str, object] = {"by": COORDINATOR, "outcome": dice.draw(OUTCOMES)}
        yield Happened(settled, f"{alarm.id}-settled", "alert.resolved", alarm.id, how)


def _event(program: str, each: Happened) -> str:
    named = {"specversion": "1.0", "id": each.id, "source": f"/cohort/{program}/told", "type": long_type(each.type)}
    about = {"subject": each.subject, "partitionkey": program, "time": format_instant(each.at)}
    return json.dumps({**named, **about, "data": each.data})
