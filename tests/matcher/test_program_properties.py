"""What holds after every event, whatever comes in: facts rebuild the state, nothing drifts, nobody is paired twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from matcher.audit import Audit
from matcher.cohort import cohort
from matcher.errors import Refused
from matcher.messages.catalog import Event, parse
from matcher.messages.events import EVENTS
from matcher.messages.facts import Fact, MatchMade, read_fact
from matcher.program import Program
from tests.matcher.people import DAY, HOUR, River, tell, weights
from tests.matcher.stories import TOLD, story

MODES = ("automatic", "tiered", "staged")


class Watched(River):
    """A program under watch: whatever must always hold is asked for."""

    def __init__(self, **tables: dict[str, Any]) -> None:
        self._audit, self._seen = Audit("river"), 0
        self._follower = Program("river")
        super().__init__(**tables)

    def try_to_take(self, event: Event) -> None:
        """Take an event in, or see that a refused one has left nothing behind."""
        before, known = self.program.state_hash(), len(self.facts)
        try:
            self.take(event)
        except Refused:
            if len(self.facts) == known:  # else something fell due before it was refused
                assert self.program.state_hash() == before

    def match_id(self, subject: str) -> str:
        """``@3`` is the third of all matches there ever were."""
        if not subject.startswith("@"):
            return subject
        matches = self.program.state.matches
        known = [*matches.open, *matches.past]
        return known[int(subject[1:]) % len(known)] if known else "x-0"

    def watch(self) -> None:
        """See that facts are in order, the plan is the best and nobody barred; rebuild the program, and follow it."""
        new, self._seen = self.facts[self._seen :], len(self.facts)
        assert [trouble for fact in new for trouble in self._audit.take(fact)] == []
        assert self.program.violations() == []
        self._is_me(Program.fold(map(_read_back, self.facts)))
        self._is_me(Program.load(self.program.dump()))
        for fact in new:
            self._follower.evolve(fact)
        self._is_me(self._follower)
        self._nobody_is_overtaxed()

    def _is_me(self, other: Program) -> None:
        assert other.state_hash() == self.program.state_hash()
        assert other.dump() == self.program.dump()
        assert other.due(self.program.desk.now) == []  # alarms that decided nothing may have rung since the last fact
        assert weights(other) == weights(self.program)

    def _nobody_is_overtaxed(self) -> None:
        matches = self.program.state.matches.open.values()
        assert max(Counter(match.newcomer for match in matches).values(), default=0) <= 1


def _read_back(fact: Fact) -> Fact:
    return read_fact(fact.line())


def test_every_event_type_is_in_the_stories() -> None:
    assert TOLD.keys() == EVENTS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@settings(deadline=None, max_examples=25)
@given(seed=some.integers(0, 10**9), length=some.integers(1, 60), leap=some.sampled_from([0, HOUR, DAY, 33 * DAY]))
def test_whatever_comes_in(mode: str, seed: int, length: int, leap: int) -> None:
    river = Watched(review={"mode": mode})
    for type_, subject, data, time in story(seed, length):
        river.try_to_take(tell(type_, river.match_id(subject), time, **data))
        river.watch()
    river.until((river.program.at or 0) + leap)
    river.watch()


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_town_of_real_shaped_people(seed: int, mode: str) -> None:
    river = Watched(review={"mode": mode})
    for number, event in enumerate(cohort("river", members=120, mentors=30, days=60, seed=seed)):
        river.take(parse(event))
        if number % 100 == 99:
            river.watch()
    river.until((river.program.at or 0) + 100 * DAY)
    river.watch()
    assert sum(isinstance(fact.data, MatchMade) for fact in river.facts) > 20
