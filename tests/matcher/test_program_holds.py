"""What a hold may not do: overfill a mentor, outlive the wish for one, or keep somebody for a mentor who is barred."""

from __future__ import annotations

import pytest

from matcher.errors import Refused
from matcher.messages.catalog import Event
from tests.matcher.people import DAY, HOUR, T0, River, join, mentor, tell, types

LATER = T0 + 60
STAGED = {"mode": "staged"}


def held(capacity: int = 1) -> River:
    """n-1 is held for m-1."""
    river = River(mentor("m-1", capacity=capacity), join("n-1", LATER), review=STAGED)
    river.take(tell("match.reviewed", river.match("n-1").id, LATER, decision="hold"))
    assert river.mentor_of("n-1") == ("m-1", "held")
    return river


def approve(river: River, at: int) -> Event:
    return tell("match.reviewed", river.match("n-1").id, at, decision="approve")


def test_a_held_pair_is_not_approved_over_a_capacity_that_was_lowered() -> None:
    river = held()
    river.take(tell("mentor.updated", "m-1", LATER + 1, capacity=0))
    with pytest.raises(Refused, match="no_slot"):
        river.take(approve(river, LATER + 2))
    river.take(tell("mentor.updated", "m-1", LATER + 3, capacity=1), approve(river, LATER + 4))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_a_held_pair_is_not_approved_when_people_filled_the_seat_meanwhile() -> None:
    river = held()
    river.take(join("n-2", LATER + 1), tell("match.recorded", "n-2", LATER + 2, mentor="m-1"))
    with pytest.raises(Refused, match="no_slot"):
        river.take(approve(river, LATER + 3))
    assert river.sound().mentor_of("n-2") == ("m-1", "active")


def test_a_hold_ends_with_the_wish_for_a_mentor() -> None:
    river = held()
    kept = river.match("n-1").id
    found = river.take(tell("member.updated", "n-1", LATER + 1, seeks_mentor=False))
    assert types(found) == ["member.updated", "match.withdrawn"]
    with pytest.raises(Refused, match="seeks no mentor"):
        river.take(tell("match.reviewed", kept, LATER + 2, decision="approve"))
    assert river.sound().mentor_of("n-1") is None


def test_a_hold_for_a_mentor_who_is_barred_is_released_at_once() -> None:
    river = held()
    river.take(mentor("m-2", LATER + 1))
    found = river.take(tell("safety.reported", "m-1", LATER + HOUR, by="n-9"))
    assert types(found)[:2] == ["safety.reported", "match.released"]
    assert river.sound().mentor_of("n-1") == ("m-2", "proposed")


def test_a_hold_stands_when_nothing_but_its_own_seat_is_taken() -> None:
    river = held(capacity=2)
    river.take(tell("mentor.supervised", "m-1", LATER + 1))
    assert river.sound().mentor_of("n-1") == ("m-1", "held")
    river.until(LATER + DAY)
    assert river.sound().mentor_of("n-1") == ("m-1", "proposed")
