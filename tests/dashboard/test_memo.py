"""What views keep between two pages is what they would say of a program built anew, whatever happened in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from dashboard.views import alarms, people, today
from matcher.program import Program
from tests.matcher.people import tell
from tests.matcher.stories import story
from tests.matcher.test_program_properties import Watched

KEPT: dict[str, Callable[[Program, int], Any]] = {
    "what stands": alarms.of_program,
    "who waits": today.unmatched,
    "who is away": today.away,
    "good news": today.good_news,
    "families": lambda program, at: dict(people._families_of(program, at)),
}


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(seed=some.integers(0, 10**9), length=some.integers(1, 60))
def test_what_is_kept_is_what_a_program_built_anew_says(seed: int, length: int) -> None:
    river, follower, seen = Watched(review={"mode": "staged"}), Program("river"), 0
    for type_, subject, data, time in story(seed, length):
        river.try_to_take(tell(type_, river.match_id(subject), time, **data))
        new, seen = river.facts[seen:], len(river.facts)
        for fact in new:
            follower.evolve(fact)
        at, anew = follower.at or 0, Program.load(follower.dump())
        for what, ask in KEPT.items():
            assert ask(follower, at) == ask(anew, at), what
