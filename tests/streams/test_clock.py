"""Which instant an event is decided at."""

import pytest

from matcher.errors import Refused
from matcher.instants import DAY
from matcher.policy import ClockTable
from streams.clock import decided_at

RULES = ClockTable(jump_days_max=366, ahead_minutes_max=5)
NOW = 1_700_000_000


def test_the_event_clock_follows_events_and_never_goes_back() -> None:
    assert decided_at("event", RULES, last=None, time=NOW, arrival=None) == NOW
    assert decided_at("event", RULES, last=NOW, time=NOW + 5, arrival=None) == NOW + 5
    assert decided_at("event", RULES, last=NOW, time=NOW - 5, arrival=None) == NOW


def test_a_jump_of_just_so_many_days_is_believed_and_a_second_more_is_not() -> None:
    assert decided_at("event", RULES, last=NOW, time=NOW + 366 * DAY, arrival=None) == NOW + 366 * DAY
    with pytest.raises(Refused, match="KND-time-jump"):
        decided_at("event", RULES, last=NOW, time=NOW + 366 * DAY + 1, arrival=None)


def test_the_wall_clock_follows_arrivals_and_never_goes_back() -> None:
    assert decided_at("wall", RULES, last=None, time=NOW - 9 * DAY, arrival=NOW) == NOW
    assert decided_at("wall", RULES, last=NOW + 60, time=NOW, arrival=NOW) == NOW + 60


def test_an_event_from_five_minutes_ahead_is_believed_and_a_second_more_is_not() -> None:
    assert decided_at("wall", RULES, last=None, time=NOW + 300, arrival=NOW) == NOW
    with pytest.raises(Refused, match="KND-time-ahead"):
        decided_at("wall", RULES, last=None, time=NOW + 301, arrival=NOW)


def test_the_wall_clock_needs_an_arrival() -> None:
    with pytest.raises(ValueError, match="arrival"):
        decided_at("wall", RULES, last=None, time=NOW, arrival=None)
