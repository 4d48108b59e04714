"""The market beside its peers: what one event costs, against solving again with scipy, munkres and pylmcf.

Events are half arrivals, 35 % departures, 10 % commits and 5 % reweighings through the public door with numpy rows,
in a town kept at its size (``bench.town``). The market plays them first, then the peer the same ones, so that neither
finds its caches full of the other's data; ``ours`` and ``peer`` are means over events. At each event that the row says
was checked, the two values are compared; a difference ends the bench.

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
from bench.town import Event, Ints, Town


class Peer(Protocol):
    """Another way to the same value. It begins with who is present, and each newcomer's weights."""

    def __init__(self, present: dict[str, Ints], slots: int) -> None: ...

    def note(self, key: str, row: Ints | None) -> None:
        """Take one event: the newcomer's weights now, or None for one who is gone."""
        ...

    def prepare(self) -> None:
        """Do what need not be timed before ``solve``."""
        ...

    def solve(self) -> int:
        """The value of the best plan; this is what is timed."""
        ...


class Scipy:
    """``linear_sum_assignment`` from nothing after every event."""

    def __init__(self, present: dict[str, Ints], slots: int) -> None:
        self.present, self.slots = dict(present), slots

    def note(self, key: str, row: Ints | None) -> None:
        """Keep who is present."""
        self.present.pop(key, None)
        if row is not None:
            self.present[key] = row

    def prepare(self) -> None:
        """Lay out the matrix that the solver gets."""
        matrix = np.maximum(np.array(list(self.present.values())), 0).astype(np.float64)
        self.dense = np.repeat(matrix, self.slots, axis=1)

    def solve(self) -> int:
        """Solve the whole market."""
        from scipy.optimize import linear_sum_assignment

        return int(self.dense[linear_sum_assignment(self.dense, maximize=True)].sum())


class Pylmcf:
    """A min-cost flow that restarts warm: places → mentors → sink, and places → sink for who stays unplaced."""

    UNPLACED = 2**22  # costs are this minus the weight; a blocked pair costs one more, so that nobody takes it

    def __init__(self, present: dict[str, Ints], slots: int) -> None:
        from pylmcf import Graph

        self.place = {key: at for at, key in enumerate(present)}
        self.free = [len(present)]
        n_places, n_mentors = len(present) + 1, next(iter(present.values())).size
        sink = n_places + n_mentors
        per_place = np.append(np.arange(n_places, sink), sink)
        starts = np.concatenate([np.repeat(np.arange(n_places), n_mentors + 1), np.arange(n_places, sink)])
        ends = np.concatenate([np.tile(per_place, n_places), np.full(n_mentors, sink)])
        supply = np.concatenate([np.ones(n_places, np.int64), np.zeros(n_mentors, np.int64), [-n_places]])
        capacities = np.concatenate([np.ones(n_places * (n_mentors + 1), np.int64), np.full(n_mentors, slots)])
        self.costs = np.zeros(starts.size, np.int64)
        self.rows = self.costs[: n_places * (n_mentors + 1)].reshape(n_places, n_mentors + 1)
        self.rows[:] = self.UNPLACED + 1
        self.rows[:, -1] = self.UNPLACED
        for key, row in present.items():
            self._put(self.place[key], row)
        self.graph: Any = Graph(sink + 1, starts, ends)
        self.graph.set_node_supply(supply)
        self.graph.set_edge_capacities(capacities)
        self.solve()

    def note(self, key: str, row: Ints | None) -> None:
        """Change the costs of one place."""
        if row is None:
            self._put(self.place[key], np.full(self.rows.shape[1] - 1, -1))
            self.free.append(self.place.pop(key))
        else:
            if key not in self.place:
                self.place[key] = self.free.pop()
            self._put(self.place[key], row)

    def prepare(self) -> None:
        """Nothing to lay out: the graph stays."""

    def solve(self) -> int:
        """Solve from the last basis."""
        self.graph.set_edge_costs(self.costs)
        self.graph.solve()
        return len(self.rows) * self.UNPLACED - int(self.graph.total_cost())

    def _put(self, place: int, row: Ints) -> None:
        self.rows[place, :-1] = self.UNPLACED - row


class Munkres:
    """``AssignmentState`` of the PyPI package: exact fractions, repaired after each change. Single slots only."""

    def __init__(self, present: dict[str, Ints], slots: int) -> None:
        from munkres import AssignmentState

        self.state: Any = AssignmentState(maximize=True)
        self.keys: set[str] = set()
        for column in range(next(iter(present.values())).size):
            self.state.add_column(column)
        for key, row in present.items():
            self.note(key, row)
        self.solve()

    def note(self, key: str, row: Ints | None) -> None:
        """Take the row out, in, or both."""
        if key in self.keys:
            self.state.remove_row(key)
            self.keys.remove(key)
        if row is not None:
            self.state.add_row(key, dict(enumerate(np.maximum(row, 0).tolist())))
            self.keys.add(key)

    def prepare(self) -> None:
        """Nothing to lay out: the state stays."""

    def solve(self) -> int:
        """Repair."""
        self.state.solve()
        return int(self.state.objective)


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
    Case("n=400, single slots, munkres state", 400, 402, 1, goal=1, peer=Munkres, steps=4, checked=4),
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
    """Play the events to the market, then the same events to the peer, and make the row."""
    town = Town(case.newcomers, case.mentors, case.slots)
    peer = case.peer(town.present, case.slots)
    events = [town.step() for _ in range(case.steps)]
    theirs = list(_replay(case, peer, events))
    ours = [event.seconds for event in events]
    name = f"{case.name} ({len(theirs)} of {len(ours)} checked)"
    return cost_row("market", name, float(np.mean(ours)) * 1e6, float(np.mean(theirs)) * 1e6, "µs", case.goal)


def _replay(case: Case, peer: Peer, events: list[Event]) -> Iterator[float]:
    """Seconds that the peer took for each event that is checked."""
    for step, event in enumerate(events):
        peer.note(event.newcomer, event.weights)
        if step % (case.steps // case.checked):
            continue
        peer.prepare()
        start = perf_counter()
        value = peer.solve()
        yield perf_counter() - start
        if value != event.value:
            raise AssertionError(f"{case.name}, event {step}: peer {value}, market {event.value}")
