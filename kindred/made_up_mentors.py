"""What made-up mentors tell of their pairs in the demo: that they were in touch, and how it goes.

The cohort's file cannot tell it: matches have ids only once they are made. The same seed tells the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

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


class Happened(NamedTuple):
    """An event to be."""

    at: int
    id: str
    type: str
    match: str
    data: dict[str, object]


class Mentors:
    """The mentors of a program; they tell late rather than never, as people do."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._told = set[str]()

    def tell(self, program: Program) -> list[str]:
        """Events as JSON lines of what has happened in open pairs by now and was not told yet, in order of time."""
        active = [match for match in program.state.matches.open.values() if match.stage == "active"]
        happened = [each for match in active for each in self._of_pair(match)]
        due = [each for each in happened if each.at <= (program.at or 0) and each.id not in self._told]
        self._told.update(each.id for each in due)
        return [_event(program.id, each) for each in sorted(due, key=lambda each: (each.at, each.id))]

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


def _event(program: str, each: Happened) -> str:
    named = {"specversion": "1.0", "id": each.id, "source": f"/cohort/{program}/pairs", "type": long_type(each.type)}
    about = {"subject": each.match, "partitionkey": program, "time": format_instant(each.at)}
    return json.dumps({**named, **about, "data": each.data})
