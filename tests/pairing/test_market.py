"""The market's door: what callers can ask of it, what it refuses, and that a refusal changes nothing."""

from __future__ import annotations

import doctest
import json
import os
import subprocess
import sys
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from matcher.errors import MarketError
from matcher.pairing import market as market_module
from matcher.pairing._tables import empty
from matcher.pairing.market import Market
from matcher.pairing.verify import check_market


@pytest.fixture
def market() -> Market:
    """Two mentors, three newcomers; one of them waits."""
    market = Market()
    market.open_mentor("j", slots=1)
    market.open_mentor("k", slots=1)
    market.arrive("a", {"j": 700, "k": 400})
    market.arrive("b", {"j": 650})
    market.arrive("c", {"k": 300})
    return market


def test_the_contract_reads_as_written() -> None:
    m = Market()
    m.open_mentor("j", slots=2)
    m.arrive("i", {"j": 700})
    m.open_mentor("k", slots=1, weights={"i": 710})
    assert m.plan() == {"i": "k"}
    m.set_slots("j", 1)
    m.reweigh("i", {"j": 650})
    m.reweigh_mentor("k", {"i": 640})
    assert m.plan() == {"i": "j"}
    assert m.value() == 650
    assert m.certificate().primal == m.certificate().dual
    assert m.commit("i") == "j"
    assert (len(m), "i" in m, m.slots()) == (0, False, {"j": 0, "k": 1})
    m.close_mentor("k")
    assert m.columns() == ["j"]


def test_the_docstring_runs() -> None:
    assert doctest.testmod(market_module).failed == 0


def test_one_waits_so_that_all_together_gain_most(market: Market) -> None:
    assert market.plan() == {"a": "k", "b": "j"}
    assert market.value() == 1050
    assert market.partner("c") is None


def test_prices_say_what_a_slot_is_worth(market: Market) -> None:
    least, most = 300, 350  # what c would add at one slot more, what a and b would lose at one less
    assert least <= market.price("k") <= most
    market.set_slots("k", 3)
    assert (market.value(), market.price("k")) == (1350, 0)


def test_forcing_a_pair_costs_what_the_others_lose(market: Market) -> None:
    assert market.loss_of_pairing("a", "k") == 0
    assert market.loss_of_pairing("a", "j") == 1050 - (700 + 300)
    assert market.loss_of_pairing("c", "k") == 1050 - (300 + 700)


def test_changes_are_told_once_and_sorted(market: Market) -> None:
    assert market.changes() == {"a": "k", "b": "j"}
    assert market.changes() == {}
    market.leave("b")
    assert market.changes() == {"a": "j", "c": "k"}
    market.set_slots("k", 0)
    assert market.changes() == {"c": None}
    market.set_slots("k", 1)
    market.set_slots("k", 0)
    assert market.changes() == {}


def test_who_comes_back_is_told_again(market: Market) -> None:
    market.changes()
    market.leave("b")
    market.arrive("b", {"j": 650})
    assert market.changes() == {"b": "j"}


def test_numpy_rows_follow_the_order_of_columns_also_after_a_mentor_has_gone(market: Market) -> None:
    market.open_mentor("l", slots=1)
    market.close_mentor("j")
    market.open_mentor("m", slots=1)
    assert market.columns() == ["k", "l", "m"]
    market.arrive("d", np.array([10, -1, 30]))
    assert market.weights_of("d") == {"k": 10, "m": 30}
    assert market.rows() == ["a", "b", "c", "d"]
    market.reweigh_mentor("l", np.array([-1, -1, -1, 99]))
    assert market.weights_of("d") == {"k": 10, "l": 99, "m": 30}


def test_a_step_of_waiting_leaves_a_placed_newcomer_where_they_are(market: Market) -> None:
    before, price = market.plan(), market.price("k")
    market.shift("a", 50)
    assert (market.plan(), market.price("k"), market.value()) == (before, price, 1100)
    market.shift("c", 100)
    assert market.value() == 1150
    assert market.plan() == {"a": "j", "c": "k"}


def test_a_step_down_lets_somebody_else_have_the_slot() -> None:
    market = Market()
    market.open_mentor("j", slots=1)
    market.arrive("a", {"j": 700})
    market.arrive("b", {"j": 650})
    market.shift("a", -20)
    assert market.plan() == {"a": "j"}
    market.shift("a", -100)
    assert market.plan() == {"b": "j"}
    assert check_market(market.document()) == []


def test_a_pair_of_weight_nothing_is_still_a_pair() -> None:
    market = Market()
    market.open_mentor("j", slots=1)
    market.arrive("a", {"j": 0})
    assert market.plan() == {"a": "j"}


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("KND-market-unknown", lambda m: m.leave("x")),
        ("KND-market-unknown", lambda m: m.commit("x")),
        ("KND-market-unknown", lambda m: m.partner("x")),
        ("KND-market-unknown", lambda m: m.weights_of("x")),
        ("KND-market-unknown", lambda m: m.reweigh("x", {})),
        ("KND-market-unknown", lambda m: m.shift("x", 1)),
        ("KND-market-unknown", lambda m: m.price("a")),
        ("KND-market-unknown", lambda m: m.set_slots("a", 1)),
        ("KND-market-unknown", lambda m: m.close_mentor("a")),
        ("KND-market-unknown", lambda m: m.reweigh_mentor("a", {})),
        ("KND-market-unknown", lambda m: m.arrive("d", {"x": 1})),
        ("KND-market-unknown", lambda m: m.open_mentor("l", slots=1, weights={"x": 1})),
        ("KND-market-unknown", lambda m: m.loss_of_pairing("a", "x")),
        ("KND-market-repeated", lambda m: m.arrive("a", {})),
        ("KND-market-repeated", lambda m: m.open_mentor("j", slots=1)),
        ("KND-market-id", lambda m: m.arrive(3, {})),
        ("KND-market-id", lambda m: m.open_mentor(None, slots=1)),
        ("KND-market-weight", lambda m: m.arrive("d", {"j": True})),
        ("KND-market-weight", lambda m: m.arrive("d", {"j": np.True_})),
        ("KND-market-weight", lambda m: m.arrive("d", {"j": "1"})),
        ("KND-market-weight", lambda m: m.shift("a", True)),
        ("KND-market-slots", lambda m: m.set_slots("j", True)),
        ("KND-market-weight", lambda m: m.arrive("d", {"j": 2**22})),
        ("KND-market-weight", lambda m: m.arrive("d", {"j": -1})),
        ("KND-market-weight", lambda m: m.arrive("d", {"j": 0.5})),
        ("KND-market-weight", lambda m: m.arrive("d", np.array([-2, 0]))),
        ("KND-market-weight", lambda m: m.reweigh("a", np.array([2**22, 0]))),
        ("KND-market-weight", lambda m: m.shift("a", 2**22 - 700)),
        ("KND-market-weight", lambda m: m.shift("a", -401)),
        ("KND-market-weight", lambda m: m.shift("a", 2**80)),
        ("KND-market-shape", lambda m: m.arrive("d", np.array([1, 2, 3]))),
        ("KND-market-shape", lambda m: m.arrive("d", np.array([[1, 2]]))),
        ("KND-market-shape", lambda m: m.arrive("d", np.array([1.0, 2.0]))),
        ("KND-market-shape", lambda m: m.reweigh("a", np.array([1, 2], np.int32))),
        ("KND-market-shape", lambda m: m.reweigh_mentor("j", np.array([1, 2]))),
        ("KND-market-slots", lambda m: m.set_slots("j", -1)),
        ("KND-market-slots", lambda m: m.open_mentor("l", slots=2**20 + 1)),
        ("KND-market-slots", lambda m: m.open_mentor("l", slots=1.5)),
        ("KND-market-unplaced", lambda m: m.commit("c")),
        ("KND-market-barred", lambda m: m.loss_of_pairing("b", "k")),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    market: Market, code: str, change: Callable[[Market], Any]
) -> None:
    before, certificate = market.document(), market.certificate()
    with pytest.raises(MarketError) as refused:
        change(market)
    assert refused.value.code == code
    assert market.document() == before
    assert market.certificate() == certificate
    market.arrive("new", {"j": 1})
    assert check_market(market.document()) == []


def test_more_pairs_than_the_scale_can_hold_are_refused() -> None:
    market = Market()
    market.open_mentor("crowd", slots=2**13 - 1)
    market.open_mentor("rest", slots=0)
    row = np.array([5, 7])
    for k in range(2**13 - 1):
        market.arrive(f"n{k}", row)
    assert len(market.plan()) == 2**13 - 1
    for change in (
        lambda: market.arrive("more", row),
        lambda: market.arrive("more", np.array([-1, 7])),
    ):
        market.set_slots("rest", 1)
        with pytest.raises(MarketError, match="KND-market-size"):
            change()
        assert "more" not in market
        market.set_slots("rest", 0)
    market.arrive("waits", row)  # no seat is left: the plan cannot grow
    assert len(market.plan()) == 2**13 - 1
    for change in (
        lambda: market.set_slots("rest", 1),
        lambda: market.open_mentor("new", slots=1, weights={"waits": 1}),
    ):
        with pytest.raises(MarketError, match="KND-market-size"):
            change()
    assert market.slots() == {"crowd": 2**13 - 1, "rest": 0}
    certificate = market.certificate()
    assert certificate.primal == certificate.dual


def test_the_order_of_events_does_not_matter() -> None:
    random = Random(5)
    mentors = {f"m{k}": random.randrange(4) for k in range(8)}
    weights = {f"n{k}": {m: random.randrange(3) for m in mentors if random.random() < 0.7} for k in range(25)}
    plans = []
    for seed in range(6):
        market = Market()
        Random(seed).shuffle(order := [*mentors, *weights])
        for key in order:
            if key in mentors:
                present = {n: weights[n][key] for n in market.rows() if key in weights[n]}
                market.open_mentor(key, slots=mentors[key], weights=present)
            else:
                market.arrive(key, {m: w for m, w in weights[key].items() if m in market.columns()})
        plans.append(market.plan())
    assert all(plan == plans[0] for plan in plans)
    assert len(plans[0]) > 5


PLAN_OF_EQUALS = """
import json
from matcher.pairing.market import Market
market = Market()
for k in range(7):
    market.open_mentor(f"m{k}", slots=2)
for k in range(20):
    market.arrive(f"n{k}", {f"m{j}": 500 for j in range(7)})
print(json.dumps(market.document(), sort_keys=True))
"""


@pytest.mark.slow
def test_equal_people_are_told_apart_the_same_way_under_any_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PLAN_OF_EQUALS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "424242")
    }
    assert len(outputs) == 1
    assert len(json.loads(outputs.pop())["plan"]) == 14


def test_kernels_also_compile_where_compiled_code_cannot_be_kept() -> None:
    from matcher.pairing import _augment

    homeless: dict[str, Any] = {}
    exec("def nothing(t): pass", homeless)  # a function of no file, for which numba finds no cache folder
    kernel = _augment._kernel()(homeless["nothing"])
    kernel(empty(64, 64))


def test_importing_the_market_does_not_import_the_compiler() -> None:
    program = "import sys, matcher.pairing.market; print('numba' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "False"
