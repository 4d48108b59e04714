"""The seven OR-Library instances: row by row, against scipy on the way and the published optimum at the end."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from matcher.pairing.market import Market
from matcher.pairing.verify import check_market
from tests.pairing.markets import best_by_scipy

INSTANCES = Path(__file__).parent.parent / "data" / "orlib" / "assign.npz"
OPTIMA = {
    "assign100": 305,
    "assign200": 475,
    "assign300": 626,
    "assign400": 804,
    "assign500": 991,
    "assignp800": 2239,
    "assignp1500": 5839,
}
WORTH = 2000  # of a pair before its cost: above any detour over costs of 100, so that the best plan pairs everybody


class Replay:
    """A market into which the rows of an instance come and from which they go; cost c weighs WORTH - c."""

    def __init__(self, name: str) -> None:
        with np.load(INSTANCES) as instances:
            costs = instances[name].astype(np.int64)
        self.weights = np.where(costs > 0, WORTH - costs, -1)
        self.market = Market()
        self.present: set[int] = set()
        for column in range(costs.shape[1]):
            self.market.open_mentor(f"m{column}", slots=1)

    def toggle(self, row: int) -> None:
        """A row that is out comes in, one that is in goes."""
        if row in self.present:
            self.market.leave(f"n{row}")
        else:
            self.market.arrive(f"n{row}", self.weights[row])
        self.present ^= {row}

    def assert_best(self) -> None:
        document = self.market.document()
        assert document["value"] == self.market.value() == best_by_scipy(document)

    def assert_published(self, name: str) -> None:
        n = len(self.weights)
        assert len(self.market.plan()) == n
        assert n * WORTH - self.market.value() == OPTIMA[name]
        assert check_market(self.market.document()) == []


@pytest.mark.parametrize(
    ("name", "compare_every"),
    [
        pytest.param("assign100", 5),
        pytest.param("assign200", 20, marks=pytest.mark.slow),
        pytest.param("assign300", 50, marks=pytest.mark.slow),
        pytest.param("assign400", 100, marks=pytest.mark.slow),
        pytest.param("assign500", 125, marks=pytest.mark.slow),
        pytest.param("assignp800", 400, marks=pytest.mark.slow),
        pytest.param("assignp1500", 750, marks=pytest.mark.slow),
    ],
)
def test_the_published_optimum_is_reached_and_reached_again(name: str, compare_every: int) -> None:
    replay, random = Replay(name), Random(name)
    rows = list(range(len(replay.weights)))
    random.shuffle(rows)
    for step, row in enumerate(rows):
        replay.toggle(row)
        if step % compare_every == 0:
            replay.assert_best()
    replay.assert_published(name)
    for step in range(len(rows) // 2):
        replay.toggle(random.choice(rows))
        if step % compare_every == 0:
            replay.assert_best()
    for row in rows:
        if row not in replay.present:
            replay.toggle(row)
    replay.assert_published(name)
