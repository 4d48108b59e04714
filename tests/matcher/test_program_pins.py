"""An opened card: the plan leaves its proposal alone for a while, and nobody is left out for longer than that."""

from __future__ import annotations

import pytest

from matcher.errors import Refused
from tests.matcher.people import T0, River, join, mentor, tell, types

LATER = T0 + 60
MINUTE = 60


def opened(minutes: int = 15, at: int = LATER) -> River:
    """n-1 is proposed m-1, and a coordinator has the card open."""
    river = River(mentor("m-1", capacity=1), join("n-1", LATER), review={"mode": "staged", "pin_minutes": minutes})
    river.take(tell("match.opened", river.match("n-1").id, at, by="s-1"))
    return river


def test_an_opened_card_is_a_proposal_that_stays_as_it_is_until_the_minutes_are_over() -> None:
    river = opened()
    kept = river.match("n-1")
    assert (kept.stage, kept.held_until) == ("proposed", LATER + 15 * MINUTE)
    river.take(join("n-2", LATER + 1))
    assert river.sound().mentor_of("n-2") is None, "the seat is kept"
    found = river.until(LATER + 15 * MINUTE)
    assert types(found)[:1] == ["match.released"]
    assert not river.sound().match("n-1").is_pinned


def test_a_card_that_is_opened_again_is_kept_from_then_on() -> None:
    river = opened()
    river.take(tell("match.opened", river.match("n-1").id, LATER + 10 * MINUTE, by="s-2"))
    river.until(LATER + 24 * MINUTE)
    assert river.match("n-1").is_pinned
    river.until(LATER + 25 * MINUTE)
    assert not river.sound().match("n-1").is_pinned


@pytest.mark.parametrize(("decision", "stage"), [("approve", "active"), ("hold", "held")])
def test_an_opened_card_is_decided_like_any_other(decision: str, stage: str) -> None:
    river = opened()
    river.take(tell("match.reviewed", river.match("n-1").id, LATER + 1, decision=decision))
    river.until(LATER + 16 * MINUTE)
    assert river.sound().mentor_of("n-1") == ("m-1", stage)


def test_safety_goes_before_an_opened_card() -> None:
    river = opened()
    river.take(mentor("m-2", LATER + 1))
    found = river.take(tell("safety.reported", "m-1", LATER + 2, by="n-9"))
    assert types(found)[:2] == ["safety.reported", "match.released"]
    assert river.sound().mentor_of("n-1") == ("m-2", "proposed")


def test_a_card_that_is_opened_too_late_changes_nothing() -> None:
    river = opened()
    match = river.match("n-1").id
    river.take(tell("match.reviewed", match, LATER + 1, decision="approve"))
    assert types(river.take(tell("match.opened", match, LATER + 2, by="s-2"))) == ["match.opened"]
    assert river.sound().mentor_of("n-1") == ("m-1", "active")
    with pytest.raises(Refused, match="no match"):
        river.take(tell("match.opened", "x-999", LATER + 3))


def test_a_hold_is_not_cut_short_by_opening_its_card() -> None:
    river = opened()
    match = river.match("n-1").id
    river.take(tell("match.reviewed", match, LATER + 1, decision="hold"))
    until = river.match("n-1").held_until
    river.take(tell("match.opened", match, LATER + 2, by="s-2"))
    assert (river.match("n-1").stage, river.match("n-1").held_until) == ("held", until)


def test_a_program_may_leave_opened_cards_to_the_plan() -> None:
    river = opened(minutes=0)
    assert not river.sound().match("n-1").is_pinned
