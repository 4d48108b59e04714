"""The market beside its peers: what one event costs, against solving again with scipy, munkres and pylmcf.

Events are half arrivals, 35 % departures, 10 % commits and 5 % reweighings through the public door with numpy rows,
in a town kept at its size (``bench.town``). ``ours`` and ``peer`` are means over events. At each event that the row
says was checked, the two values are compared; a difference ends the bench.

Every peer is given its best: scipy a matrix ready made (slots as columns of their own, a blocked pair worth
nothing), of which only the solver's call is timed; pylmcf a graph that stays and costs that change, so that it
restarts warm; munkres its own repairable state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from bench.report import Row, cost_row
from bench.town import Ints, Town


class Peer(Protocol):
    """Another way to the same value."""

    def __init__(self, town: Town) -> None: ...

    def follow(self, town: Town) -> tuple[float, int]:
        """Take the town's last event; seconds it took, and the value of the best plan."""
        ...


class Scipy:
    """``linear_sum_assignment`` from nothing after every event."""

    def __init__(self, town: Town) -> None:
        pass

    def follow(self, town: Town) -> tuple[float, int]:
        """Solve the whole market again."""
        from scipy.optimize import linear_sum_assignment

        dense = np.repeat(np.maximum(town.matrix(), 0).astype(np.float64), town.slots, axis=1)
        start = perf_counter()
        rows, columns = linear_sum_assignment(dense, maximize=True)
        return perf_counter() - start, int(dense[rows, columns].sum())


class Pylmcf:
    """A min-cost flow that restarts warm: places → mentors → sink, and places → sink for who stays unplaced."""

    UNPLACED = 2**22  # costs are this minus the weight; a blocked pair costs one more, so that nobody takes it

    def __init__(self, town: Town) -> None:
        from pylmcf import Graph

        self.place = {key: at for at, key in enumerate(town.present)}
        self.free: list[int] = [len(self.place)]
        n_places, n_mentors = len(self.place) + 1, town.matrix().shape[1]
        sink = n_places + n_mentors
        per_place = np.append(np.arange(n_places, sink), sink)
        starts = np.concatenate([np.repeat(np.arange(n_places), n_mentors + 1), np.arange(n_places, sink)])
        ends = np.concatenate([np.tile(per_place, n_places), np.full(n_mentors, sink)])
        self.graph: Any = Graph(sink + 1, starts.astype(np.int64), ends.astype(np.int64))
        self.graph.set_node_supply(
            np.concatenate([np.ones(n_places), np.zeros(n_mentors), [-n_places]]).astype(np.int64)
        )
        capacities = np.ones(starts.size, np.int64)
        capacities[n_places * (n_mentors + 1) :] = town.slots
        self.graph.set_edge_capacities(capacities)
        self.costs = np.zeros(starts.size, np.int64)
        self.rows = self.costs[: n_places * (n_mentors + 1)].reshape(n_places, n_mentors + 1)
        self.rows[:] = self.UNPLACED + 1
        self.rows[:, -1] = self.UNPLACED
        for key, row in town.present.items():
            self._put(self.place[key], row)
        self.graph.set_edge_costs(self.costs)
        self.graph.solve()

    def follow(self, town: Town) -> tuple[float, int]:
        """Change one place's costs and solve from the last basis."""
        key, row = town.changed
        place = self.place[key] if key in self.place else self.place.setdefault(key, self.free.pop())
        self._put(place, row if row is not None else np.full(self.rows.shape[1] - 1, -1))
        if row is None:
            self.free.append(self.place.pop(key))
        start = perf_counter()
        self.graph.set_edge_costs(self.costs)
        self.graph.solve()
        return perf_counter() - start, len(self.rows) * self.UNPLACED - int(self.graph.total_cost())

    def _put(self, place: int, row: Ints) -> None:
        self.rows[place, :-1] = self.UNPLACED - row


class Munkres:
    """``AssignmentState`` of the PyPI package: exact fractions, repaired after each change. Single slots only."""

    def __init__(self, town: Town) -> None:
        from munkres import AssignmentState

        self.state: Any = AssignmentState(maximize=True)
        for column in range(town.matrix().shape[1]):
            self.state.add_column(column)
        for key, row in town.present.items():
            self._put(key, row)
        self.state.solve()

    def follow(self, town: Town) -> tuple[float, int]:
        """Take the row out or in, and repair."""
        key, row = town.changed
        is_in = any(key == present for present, _ in self.state.pairs)
        start = perf_counter()
        if is_in:
            self.state.remove_row(key)
        if row is not None:
            self._put(key, row)
        self.state.solve()
        return perf_counter() - start, int(self.state.objective)

    def _put(self, key: str, row: Ints) -> None:
        self.state.add_row(key, dict(enumerate(np.maximum(row, 0).tolist())))


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    newcomers: int
    mentors: int
    slots: int
    goal: float | None
    peer: type[Peer] = Scipy
    steps: int = 400
    checked: int = 400


CASES = (
    Case("n=1000, 3 slots, seats = demand", 1000, 334, 3, goal=250),
    Case("n=1000, single slots", 1000, 1002, 1, goal=150),
    Case("n=800, 3 slots, demand 80 % of seats", 800, 334, 3, goal=500),
    Case("n=5000, 3 slots, seats 3 × waiting", 5000, 5000, 3, goal=5000, checked=4),
    Case("n=400, single slots, munkres state", 400, 402, 1, goal=1, peer=Munkres, steps=8, checked=8),
    Case("n=1000, 3 slots, pylmcf warm", 1000, 334, 3, goal=1, peer=Pylmcf, steps=100, checked=100),
    Case("n=1000, 1 k mentors", 1000, 1_000, 1, goal=None, checked=20),
    Case("n=1000, 10 k mentors", 1000, 10_000, 1, goal=None, checked=5),
    Case("n=1000, 100 k mentors", 1000, 100_000, 1, goal=None, steps=100, checked=2),
)


def rows() -> Iterator[Row]:
    """Every case beside its peer."""
    for case in CASES:
        yield measure(case)


def measure(case: Case) -> Row:
    """Run the mix, compare values at the events that are checked, and make the row."""
    town = Town(case.newcomers, case.mentors, case.slots)
    peer = case.peer(town)
    ours, theirs = [], []
    for step in range(case.steps):
        ours.append(town.step())
        if step % (case.steps // case.checked) == 0:
            seconds, value = peer.follow(town)
            theirs.append(seconds)
            if value != town.market.value():
                raise AssertionError(f"{case.name}, event {step}: peer {value}, market {town.market.value()}")
    name = f"{case.name} ({len(theirs)} of {len(ours)} checked)"
    return cost_row("market", name, float(np.mean(ours)) * 1e6, float(np.mean(theirs)) * 1e6, "µs", case.goal)
