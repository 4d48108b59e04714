"""After every step of made-up histories the plan is the best there is, by oracle and by proof."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from matcher.errors import MarketError
from matcher.pairing.market import Market
from matcher.pairing.verify import check_market
from tests.pairing.markets import Model, assert_holds, best_by_hand, best_by_scipy, exact_weights, random_row

NEWCOMERS = [f"n{k}" for k in range(6)]
MENTORS = [f"m{k}" for k in range(6)]
SLOTS = st.integers(0, 3)
FEW = st.one_of(st.integers(0, 3), st.sampled_from([0, 1, 2, 500_000, 2**22 - 1]))  # many ties, and the bounds


class History(RuleBasedStateMachine):
    """Every change of the market, in any order, on up to six newcomers and six mentors."""

    @initialize()
    def begin(self) -> None:
        self.market = Market()
        self.model = Model()
        self.plan_told: dict[str, str] = {}

    @precondition(lambda self: len(self.model.weights) < len(NEWCOMERS))
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        newcomer = data.draw(st.sampled_from([key for key in NEWCOMERS if key not in self.model.weights]))
        row = data.draw(self._row())
        self.market.arrive(newcomer, row)
        self.model.weights[newcomer] = row

    @precondition(lambda self: len(self.model.slots) < len(MENTORS))
    @rule(data=st.data(), slots=SLOTS)
    def open_mentor(self, data: st.DataObject, slots: int) -> None:
        mentor = data.draw(st.sampled_from([key for key in MENTORS if key not in self.model.slots]))
        column = data.draw(self._column())
        self.market.open_mentor(mentor, slots=slots, weights=column)
        self.model.slots[mentor] = slots
        self._put_column(mentor, column)

    @precondition(lambda self: self.model.slots)
    @rule(data=st.data(), slots=SLOTS)
    def set_slots(self, data: st.DataObject, slots: int) -> None:
        mentor = data.draw(self._mentor())
        self.market.set_slots(mentor, slots)
        self.model.slots[mentor] = slots

    @precondition(lambda self: self.model.weights)
    @rule(data=st.data())
    def reweigh(self, data: st.DataObject) -> None:
        newcomer, row = data.draw(self._newcomer()), data.draw(self._row())
        self.market.reweigh(newcomer, np.array([row.get(key, -1) for key in self.market.columns()], np.int64))
        self.model.weights[newcomer] = row

    @precondition(lambda self: self.model.slots)
    @rule(data=st.data())
    def reweigh_mentor(self, data: st.DataObject) -> None:
        mentor, column = data.draw(self._mentor()), data.draw(self._column())
        self.market.reweigh_mentor(mentor, np.array([column.get(key, -1) for key in self.market.rows()], np.int64))
        self._put_column(mentor, column)

    @precondition(lambda self: self.model.weights)
    @rule(data=st.data(), by=st.sampled_from([-500_000, -2, -1, 0, 1, 2, 500_000]))
    def shift(self, data: st.DataObject, by: int) -> None:
        newcomer = data.draw(self._newcomer())
        shifted = {mentor: weight + by for mentor, weight in self.model.weights[newcomer].items()}
        if all(0 <= weight < 2**22 for weight in shifted.values()):
            self.market.shift(newcomer, by)
            self.model.weights[newcomer] = shifted
        else:
            with pytest.raises(MarketError):
                self.market.shift(newcomer, by)

    @precondition(lambda self: self.market.plan())
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        before = self.market.plan()
        newcomer = data.draw(st.sampled_from(sorted(before)))
        mentor = self.market.commit(newcomer)
        assert before.pop(newcomer) == mentor
        assert self.market.plan() == before
        self._forget(newcomer)
        self.model.slots[mentor] -= 1

    @precondition(lambda self: self.model.weights)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        newcomer = data.draw(self._newcomer())
        self.market.leave(newcomer)
        self._forget(newcomer)

    @precondition(lambda self: self.model.slots)
    @rule(data=st.data())
    def close_mentor(self, data: st.DataObject) -> None:
        mentor = data.draw(self._mentor())
        self.market.close_mentor(mentor)
        del self.model.slots[mentor]
        self._put_column(mentor, {})

    @rule()
    def tell_changes(self) -> None:
        changes = self.market.changes()
        assert list(changes) == sorted(changes)
        told = self.plan_told | changes
        assert {key: mentor for key, mentor in told.items() if mentor} == self.market.plan()
        assert all(self.plan_told.get(key) != mentor for key, mentor in changes.items() if mentor)
        assert self.market.changes() == {}
        self.plan_told = self.market.plan()

    @precondition(lambda self: self.model.weights and self.model.slots)
    @rule(data=st.data())
    def loss_of_pairing(self, data: st.DataObject) -> None:
        newcomer, mentor = data.draw(self._newcomer()), data.draw(self._mentor())
        document = self.market.document()
        if mentor not in self.model.weights[newcomer] or not self.model.slots[mentor]:
            with pytest.raises(MarketError):
                self.market.loss_of_pairing(newcomer, mentor)
            return
        i, j = self.market.rows().index(newcomer), self.market.columns().index(mentor)
        forced = exact_weights(document)[i, j]
        rest = self.market.document()
        rest["mentors"][j]["slots"] -= 1
        rest["weights"] = [pair for pair in rest["weights"] if pair[0] != i]
        expected = self.market.value() - (forced + best_by_hand(rest)) // document["scale"]
        assert self.market.loss_of_pairing(newcomer, mentor) == expected
        assert self.market.document() == document

    @precondition(lambda self: self.model.weights and self.model.slots)
    @rule(data=st.data())
    def plan_without(self, data: st.DataObject) -> None:
        newcomer = data.draw(st.none() | self._newcomer())
        mentor = data.draw(st.none() | self._mentor())
        document = self.market.document()
        rest = self.market.document()
        if mentor is not None:
            j = self.market.columns().index(mentor)
            rest["mentors"][j]["slots"] = max(0, rest["mentors"][j]["slots"] - 1)
        if newcomer is not None:
            i = self.market.rows().index(newcomer)
            rest["weights"] = [pair for pair in rest["weights"] if pair[0] != i]
        plan = self.market.plan_without(newcomer, mentor)
        exact = exact_weights(rest)
        at = {key: number for keys in (rest["newcomers"], self.market.columns()) for number, key in enumerate(keys)}
        assert sum(exact[at[one], at[other]] for one, other in plan.items()) == best_by_hand(rest)
        used = Counter(plan.values())
        assert all(used[each["id"]] <= each["slots"] for each in rest["mentors"])
        assert self.market.document() == document

    @precondition(lambda self: self.model.slots)
    @rule(data=st.data())
    def open_to(self, data: st.DataObject) -> None:
        mentor = data.draw(self._mentor())
        assert self.market.open_to(mentor) == [n for n in self.market.rows() if mentor in self.model.weights[n]]

    @invariant()
    def the_plan_is_the_best(self) -> None:
        assert_holds(self.market, self.model)
        assert self.market.certificate().primal == best_by_hand(self.market.document())

    def _forget(self, newcomer: str) -> None:
        del self.model.weights[newcomer]
        self.plan_told.pop(newcomer, None)  # whoever takes somebody out knows it without being told

    def _newcomer(self) -> st.SearchStrategy[str]:
        return st.sampled_from(sorted(self.model.weights))

    def _mentor(self) -> st.SearchStrategy[str]:
        return st.sampled_from(sorted(self.model.slots))

    def _row(self) -> st.SearchStrategy[dict[str, int]]:
        return _weights(sorted(self.model.slots))

    def _column(self) -> st.SearchStrategy[dict[str, int]]:
        return _weights(sorted(self.model.weights))

    def _put_column(self, mentor: str, column: dict[str, int]) -> None:
        for newcomer, row in self.model.weights.items():
            row.pop(mentor, None)
            row.update({mentor: column[newcomer]} if newcomer in column else {})


def _weights(keys: list[str]) -> st.SearchStrategy[dict[str, int]]:
    return st.dictionaries(st.sampled_from(keys), FEW) if keys else st.just({})


class LongHistory(History):
    """The same, more of it."""


QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much]
TestHistory = pytest.mark.slow(History.TestCase)
TestHistory.settings = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=QUIET)
TestLongHistory = pytest.mark.slow(LongHistory.TestCase)
TestLongHistory.settings = settings(
    max_examples=300, stateful_step_count=50, deadline=None, suppress_health_check=QUIET
)


def one_of_many_changes(random: Random, market: Market, serial: int, limit: int) -> None:
    """A change drawn at random, weights as numpy rows."""
    rows, columns = market.rows(), market.columns()
    change = random.choice(["arrive"] * 4 + ["leave", "commit", "reweigh", "shift", "open", "slots", "mentor", "close"])
    if change == "arrive":
        market.arrive(f"n{serial}", random_row(random, len(columns), limit))
    elif change == "open" or not columns:
        market.open_mentor(f"m{serial}", slots=random.randrange(4), weights=random_row(random, len(rows), limit))
    elif change == "slots":
        market.set_slots(random.choice(columns), random.randrange(5))
    elif change == "mentor":
        market.reweigh_mentor(random.choice(columns), random_row(random, len(rows), limit))
    elif change == "close" and len(columns) > 15:
        market.close_mentor(random.choice(columns))
    elif change == "commit" and (plan := market.plan()):
        market.commit(random.choice(list(plan)))
    elif change == "leave" and rows:
        market.leave(random.choice(rows))
    elif change == "reweigh" and rows:
        market.reweigh(random.choice(rows), random_row(random, len(columns), limit))
    elif change == "shift" and rows:
        newcomer = random.choice(rows)
        weights = market.weights_of(newcomer).values()
        market.shift(newcomer, random.randint(-min(weights, default=0), 2**22 - 1 - max(weights, default=0)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("limit", [4, 2**22])
def test_larger_markets_equal_scipy_after_every_change(seed: int, limit: int) -> None:
    random, market = Random(seed), Market()
    for k in range(15):
        market.open_mentor(f"m-{k}", slots=random.randrange(4))
    for serial in range(120):
        one_of_many_changes(random, market, serial, limit)
        document = market.document()
        assert document["value"] == market.value() == best_by_scipy(document)
        assert check_market(document) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_markets_that_outgrow_their_tables_equal_scipy(seed: int) -> None:
    random, market = Random(seed), Market()
    for k in range(90):
        market.open_mentor(f"m-{k}", slots=random.randrange(4))
    for serial in range(260):
        row = random_row(random, len(market.columns()), 1_000_000)
        market.arrive(f"n-{serial}", row)
        if serial % 5 == 0:
            one_of_many_changes(random, market, serial, 1_000_000)
        if serial % 10 == 0:
            document = market.document()
            assert document["value"] == best_by_scipy(document)
            assert check_market(document) == []
