"""Oracles for the market, and a plain model of what is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from matcher.pairing.market import Market
from matcher.pairing.verify import check_market


@dataclass
class Model:
    """Slots and weights as dictionaries: what a market should hold after the changes it was told."""

    slots: dict[str, int] = field(default_factory=dict)
    weights: dict[str, dict[str, int]] = field(default_factory=dict)

    def fresh_market(self) -> Market:
        """The same market built in another order: sorted, newcomers first, without any of its history."""
        market = Market()
        for newcomer in sorted(self.weights):
            market.arrive(newcomer, {})
        for mentor in sorted(self.slots):
            column = {n: row[mentor] for n, row in self.weights.items() if mentor in row}
            market.open_mentor(mentor, slots=self.slots[mentor], weights=column)
        return market


def assert_holds(market: Market, model: Model) -> None:
    """The market holds what the model holds, its plan is proved optimal, and its history does not matter."""
    document = market.document()
    assert check_market(document) == []
    assert set(market.rows()) == set(model.weights)
    assert len(market) == len(model.weights)
    assert market.slots() == {mentor: model.slots[mentor] for mentor in market.columns()}
    assert {newcomer: market.weights_of(newcomer) for newcomer in market.rows()} == model.weights
    certificate = market.certificate()
    assert certificate.primal == certificate.dual
    fresh = model.fresh_market()
    assert market.plan() == fresh.plan()
    assert certificate.primal == fresh.certificate().primal


def exact_weights(document: dict[str, Any]) -> dict[tuple[int, int], int]:
    return {(i, j): w * document["scale"] + t for i, j, w, t in document["weights"]}


def best_by_hand(document: dict[str, Any]) -> int:
    """The greatest exact weight of any plan, by trying all of them."""
    exact = exact_weights(document)
    n_newcomers = len(document["newcomers"])

    @cache
    def best(newcomer: int, slots: tuple[int, ...]) -> int:
        if newcomer == n_newcomers:
            return 0
        options = [best(newcomer + 1, slots)]
        for mentor, free in enumerate(slots):
            if free and (newcomer, mentor) in exact:
                left = (*slots[:mentor], free - 1, *slots[mentor + 1 :])
                options.append(exact[newcomer, mentor] + best(newcomer + 1, left))
        return max(options)

    return best(0, tuple(mentor["slots"] for mentor in document["mentors"]))


def best_by_scipy(document: dict[str, Any]) -> int:
    """The greatest Σ w of any plan: slots as columns of their own, a blocked pair as good as none."""
    slots = [mentor["slots"] for mentor in document["mentors"]]
    dense = np.zeros((len(document["newcomers"]), len(slots)))
    for i, j, w, _ in document["weights"]:
        dense[i, j] = w
    dense = np.repeat(dense, slots, axis=1)
    return int(dense[linear_sum_assignment(dense, maximize=True)].sum())


def random_row(random: Random, length: int, limit: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([random.randrange(limit) if random.random() < 0.7 else -1 for _ in range(length)], np.int64)
