"""The market beside its peers: what one change costs, against solving again with scipy, munkres and pylmcf.

A made-up program: people have experiences of uneven frequency, languages, hours, a gender and sometimes a wish; about
half of the pairs are blocked and weights lie close together, as they do among people of one town. The market is filled
to ``newcomers`` and kept there while events come: half arrivals, 35 % departures, 10 % commits (whose slot opens again,
as when another pair ends), 5 % reweighings, through the public door with numpy rows. ``ours`` is the mean of all events.

scipy is given its matrix ready made (slots as repeated columns, blocked pairs as zeros, both of which it solves
fastest) and only its call is timed. Where that would take hours it runs on a sample of the steps, and the row
says on how many of them the two values were compared; a difference ends the bench.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from bench.report import Row, cost_row
from matcher.pairing.market import Market

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

EXPERIENCES, HOURS, LANGUAGES = 32, 21, 4
COMMONNESS = 0.55 / np.arange(1, EXPERIENCES + 1) ** 0.7  # the first experience is had by half, the last by few
RARITY = -np.log(COMMONNESS)
SPOKEN = (0.93, 0.2, 0.05, 0.03)


@dataclass(frozen=True)
class People:
    """Profiles as columns, one row a person."""

    experiences: Flags
    hours: Flags
    languages: Flags
    woman: Flags
    wishes_own_gender: Flags
    ahead: NDArray[np.float64]  # how far recovery has come, 0 … 1

    @staticmethod
    def draw(rng: np.random.Generator, count: int) -> People:
        """Draw so many people."""
        languages = rng.random((count, LANGUAGES)) < SPOKEN
        languages[:, 0] |= ~languages.any(axis=1)
        experiences = rng.random((count, EXPERIENCES)) < COMMONNESS
        experiences[:, 0] |= ~experiences.any(axis=1)
        return People(
            experiences=experiences,
            hours=rng.random((count, HOURS)) < 0.25,
            languages=languages,
            woman=rng.random(count) < 0.36,
            wishes_own_gender=rng.random(count) < 0.3,
            ahead=rng.random(count),
        )


def weights(newcomers: People, who: int, mentors: People, waiting: int) -> Ints:
    """One newcomer's weights against all mentors in millionths, −1 where a blocker bars the pair."""
    own = newcomers.experiences[who]
    shared = (mentors.experiences & own) @ RARITY
    everything = (mentors.experiences | own) @ RARITY
    hours = (mentors.hours & newcomers.hours[who]).sum(axis=1)
    fit = 0.6 * shared / everything + 0.25 * np.minimum(hours, 4) / 4 + 0.15 * mentors.ahead
    barred = (hours == 0) | ~(mentors.languages & newcomers.languages[who]).any(axis=1) | (fit < 0.2)
    if newcomers.wishes_own_gender[who]:
        barred |= mentors.woman != newcomers.woman[who]
    return np.where(barred, -1, (fit * 1_000_000).astype(np.int64) + 50_000 * waiting)


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    newcomers: int
    mentors: int
    slots: int
    goal: float | None
    steps: int = 400
    checked: int = 400


class Town:
    """A market kept at its size by a stream of events, and the dense matrix that a solver would be given."""

    def __init__(self, case: Case, seed: int = 3) -> None:
        self.rng = np.random.default_rng(seed)
        self.case = case
        self.mentors = People.draw(self.rng, case.mentors)
        self.market = Market()
        for mentor in range(case.mentors):
            self.market.open_mentor(f"m{mentor}", slots=case.slots)
        self.present: dict[str, Ints] = {}
        self.came = 0
        while len(self.present) < case.newcomers:
            self.arrive()

    def arrive(self) -> float:
        """A newcomer arrives; seconds it took the market."""
        key, row = f"n{self.came}", self._draw()
        self.came += 1
        self.present[key] = row
        return _timed(lambda: self.market.arrive(key, row))

    def leave(self) -> float:
        key = self._anybody()
        del self.present[key]
        return _timed(lambda: self.market.leave(key))

    def reweigh(self) -> float:
        key, row = self._anybody(), self._draw()
        self.present[key] = row
        return _timed(lambda: self.market.reweigh(key, row))

    def commit(self) -> float:
        """Somebody placed is paired, and the mentor's slot opens again."""
        key = self._anybody()
        while self.market.partner(key) is None:
            key = self._anybody()
        del self.present[key]

        def pair_and_reopen() -> None:
            self.market.set_slots(self.market.commit(key), self.case.slots)

        return _timed(pair_and_reopen)

    def step(self) -> float:
        """One event of the mix; seconds it took the market."""
        arrive_or_leave = self.arrive if len(self.present) <= self.case.newcomers else self.leave
        happens: Callable[[], float] = self.rng.choice(  
            np.array([arrive_or_leave, self.leave, self.commit, self.reweigh]), p=[0.5, 0.35, 0.1, 0.05]
        )
        return happens()

    def matrix(self) -> Ints:
        """Newcomers × mentors, −1 where blocked."""
        return np.array(list(self.present.values()))

    def _draw(self) -> Ints:
        return weights(People.draw(self.rng, 1), 0, self.mentors, int(self.rng.integers(13)))

    def _anybody(self) -> str:
        return list(self.present)[int(self.rng.integers(len(self.present)))]


def _timed(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def scipy_solve(matrix: Ints, slots: int) -> tuple[float, int]:
    """Solve from nothing: seconds of the call alone, and the plan's value."""
    from scipy.optimize import linear_sum_assignment

    dense = np.repeat(np.maximum(matrix, 0).astype(np.float64), slots, axis=1)
    start = perf_counter()
    rows, columns = linear_sum_assignment(dense, maximize=True)
    return perf_counter() - start, int(dense[rows, columns].sum())


def against_scipy(case: Case) -> Row:
    """Run the mix, compare values at the steps that are checked, and make the row."""
    town = Town(case)
    every = max(1, case.steps // case.checked)
    ours, peer = [], []
    for step in range(case.steps):
        ours.append(town.step())
        if step % every == 0:
            seconds, value = scipy_solve(town.matrix(), case.slots)
            peer.append(seconds)
            if value != town.market.value():
                raise AssertionError(f"{case.name}, step {step}: scipy {value}, market {town.market.value()}")
    name = f"{case.name} ({len(peer)}/{len(ours)} checked)"
    return cost_row("market", name, float(np.mean(ours)) * 1e6, float(np.mean(peer)) * 1e6, "µs", case.goal)


CASES = (
    Case("n=1000, 3 slots, seats=demand", 1000, 334, 3, goal=250),
    Case("n=1000, single slots", 1000, 1000, 1, goal=150),
    Case("n=800, 3 slots, demand 80 % of seats", 800, 333, 3, goal=500),
    Case("n=5000, 3 slots, seats 3 × waiting", 5000, 5000, 3, goal=5000, steps=200, checked=3),
    Case("n=1000, 1 k mentors, single slots", 1000, 1_000, 1, goal=None, steps=200, checked=20),
    Case("n=1000, 10 k mentors, single slots", 1000, 10_000, 1, goal=None, steps=200, checked=5),
    Case("n=1000, 100 k mentors, single slots", 1000, 100_000, 1, goal=None, steps=100, checked=2),
)


def rows() -> Iterator[Row]:
    """The table of the README."""
    for case in CASES:
        yield against_scipy(case)
