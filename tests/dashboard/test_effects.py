"""What a page says that a choice does to others: told of the plan as it is when nobody looks, though a look pins it."""

from __future__ import annotations

import pytest

from tests.dashboard.rivers import STAGED, T0, Living
from tests.matcher.people import HOUR, River, join, mentor

NOBODY = ["Nobody else loses a place by it."]


def effects(house: Living, browser, newcomer: str) -> list[str]:
    match = house.replica.programs["river"].state.matches.of_newcomer(newcomer)
    return browser.get(f"/api/v1/review/river/{match.id}").json()["detail"]["effects"]


def a_house(*people) -> Living:
    return Living(River(*people, **STAGED).program)


@pytest.mark.parametrize("held", [False, True])
def test_the_last_seat_is_taken_from_who_also_waits(held: bool) -> None:
    house = a_house(mentor("m-1", capacity=1), join("n-1", T0), join("n-2", T0 + HOUR))
    browser = house.browser(house.account(("river", "coordinator")))
    if held:
        card = browser.get("/api/v1/today").json()["cards"][0]
        seen = {name: card[name] for name in ("newcomer", "mentor", "version")}
        browser.post(f"/review/river/{card['match']}/decide", {"decision": "hold", **seen})
    program = house.replica.programs["river"]
    for _ in range(2):
        assert effects(house, browser, "n-1") == [
            "It takes the last seat of m-1: n-2 has nobody until another seat opens."
        ]
        assert program.state.matches.of_newcomer("n-1").is_pinned
        assert program.violations() == []


def test_a_last_seat_that_many_could_have_is_one_seat() -> None:
    late = [join(f"n-{number}", T0 + number * HOUR) for number in range(2, 6)]
    house = a_house(mentor("m-1", capacity=1), join("n-1", T0), *late)
    assert effects(house, house.signed_in(("river", "coordinator")), "n-1") == [
        "It takes the last seat of m-1, which 4 others who wait could have had; n-2 has waited longest of them."
    ]


def test_who_has_the_other_seat_loses_nothing() -> None:
    house = a_house(mentor("m-1", capacity=2), join("n-1", T0), join("n-2", T0 + HOUR))
    browser = house.browser(house.account(("river", "coordinator")))
    assert effects(house, browser, "n-2") == NOBODY
    assert effects(house, browser, "n-1") == NOBODY


def test_to_choose_another_mentor_gives_the_first_to_who_would_have_had_that_one() -> None:
    house = a_house(mentor("m-1", capacity=1), mentor("m-2", capacity=1), join("n-1", T0), join("n-2", T0 + HOUR))
    browser = house.browser(house.account(("river", "coordinator")))
    matches = house.replica.programs["river"].state.matches
    mine, theirs = matches.of_newcomer("n-1"), matches.of_newcomer("n-2").mentor
    [choice] = browser.get(f"/api/v1/review/river/{mine.id}").json()["detail"]["choices"]
    assert choice["mentor"] == theirs
    assert choice["effects"] == [f"n-2 would be given {mine.mentor} instead of {theirs}."]
