"""The independent checker goes red on every kind of damage, and says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from matcher.pairing.market import Market
from matcher.pairing.verify import check_market

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Document:
    """a (0) is paired with k (1), b (1) with j (0); c (2) waits; l (2) has a free slot."""
    market = Market()
    for mentor in "jkl":
        market.open_mentor(mentor, slots=1)
    market.arrive("a", {"j": 700, "k": 400})
    market.arrive("b", {"j": 650})
    market.arrive("c", {"k": 300})
    assert market.plan() == {"a": "k", "b": "j"}
    return market.document()


def test_a_true_market_passes(document: Document) -> None:
    assert check_market(document) == []
    assert check_market(Market().document()) == []


def lower(duals: str, at: int, by: int = 1) -> Callable[[Document], None]:
    def tamper(document: Document) -> None:
        document["duals"][duals][at] -= by

    return tamper


def put(key: str, value: Any) -> Callable[[Document], None]:
    return lambda document: document.update({key: value})


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (put("plan", [[0, 1], [1, 0], [2, 1]]), "k is given 2 newcomers for 1 slots"),
        (put("plan", [[0, 1], [0, 0]]), "a is paired 2 times"),
        (put("plan", [[0, 1], [1, 2]]), "b is paired with l, which is blocked"),
        (put("plan", [[0, 0], [2, 1]]), "b is unplaced but has a dual above zero"),
        (put("plan", [[1, 0]]), "k has a free slot but a price above zero"),
        (put("plan", [[1, 0], [2, 1]]), "a is unplaced but has a dual above zero"),
        (put("plan", []), "the plan is worth 0 but the duals say"),
        (put("plan", [[0, 9]]), "names a newcomer or mentor that is not listed"),
        (put("value", 1049), "the value says 1049 but the plan's weights add up to 1050"),
        (put("scale", 2**20), "is not above every plan's sum of tie-breaks"),
        (put("newcomers", ["a", "a", "c"]), "an id is listed twice"),
        (lower("newcomers", 0), "the duals of a and k fall short of their weight by 1"),
        (lower("mentors", 0), "the duals of b and j fall short of their weight by 1"),
        (lower("newcomers", 0, by=-1), "a is paired with k at 1 less than their duals"),
        (lower("newcomers", 2), "the dual of c is negative"),
        (lower("newcomers", 2, by=-1), "c is unplaced but has a dual above zero"),
        (lower("mentors", 2, by=-1), "l has a free slot but a price above zero"),
        (lambda d: d["duals"]["mentors"].pop(), "not one dual for every newcomer and every mentor"),
        (lambda d: d["weights"].append([2, 1, 5, 1]), "a pair has two weights"),
        (lambda d: d["weights"].append([2, 2, 5, 1]), "the duals of c and l fall short"),
        (lambda d: d["weights"].append([2, 2, -5, 1]), "a weight or tie-break is negative"),
        (lambda d: d["mentors"][0].update(slots=0), "j is given 1 newcomers for 0 slots"),
        (lambda d: d["mentors"][0].update(slots=2), "j has a free slot but a price above zero"),
    ],
)
def test_each_kind_of_damage_is_named(document: Document, tamper: Callable[[Document], None], said: str) -> None:
    damaged = deepcopy(document)
    tamper(damaged)
    assert any(said in violation for violation in check_market(damaged)), check_market(damaged)
