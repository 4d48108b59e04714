"""A made-up town: people's profiles, the weights between them, and a market kept at its size by a stream of events.

People have experiences of uneven frequency, languages, hours, a gender and sometimes a wish about it. More than half
of the pairs are blocked, and weights lie close together, as they do among people of one place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from matcher.pairing.market import Market

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

EXPERIENCES, HOURS, LANGUAGES = 32, 21, 4
COMMONNESS = 0.55 / np.arange(1, EXPERIENCES + 1) ** 0.7  # the first experience is had by half, the last by few
RARITY = -np.log(COMMONNESS)
SPOKEN = (0.93, 0.2, 0.05, 0.03)
MIX = (("arrive", 0.50), ("leave", 0.35), ("commit", 0.10), ("reweigh", 0.05))


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
        """Draw so many people; everybody has an experience and a language."""
        experiences = rng.random((count, EXPERIENCES)) < COMMONNESS
        languages = rng.random((count, LANGUAGES)) < SPOKEN
        experiences[:, 0] |= ~experiences.any(axis=1)
        languages[:, 0] |= ~languages.any(axis=1)
        return People(
            experiences=experiences,
            hours=rng.random((count, HOURS)) < 0.25,
            languages=languages,
            woman=rng.random(count) < 0.36,
            wishes_own_gender=rng.random(count) < 0.3,
            ahead=rng.random(count),
        )


def weights(newcomer: People, mentors: People, waiting: int) -> Ints:
    """One newcomer's weights against all mentors in millionths, −1 where a blocker bars the pair."""
    own = newcomer.experiences[0]
    shared = (mentors.experiences & own) @ RARITY
    everything = (mentors.experiences | own) @ RARITY
    hours = (mentors.hours & newcomer.hours[0]).sum(axis=1)
    fit = 0.6 * shared / everything + 0.25 * np.minimum(hours, 4) / 4 + 0.15 * mentors.ahead
    barred = (hours == 0) | ~(mentors.languages & newcomer.languages[0]).any(axis=1) | (fit < 0.2)
    if newcomer.wishes_own_gender[0]:
        barred |= mentors.woman != newcomer.woman[0]
    return np.where(barred, -1, (fit * 1_000_000).astype(np.int64) + 50_000 * waiting)


@dataclass(frozen=True)
class Event:
    """What happened to one newcomer (weights None: gone), the market's value after it, and the seconds it took."""

    newcomer: str
    weights: Ints | None
    value: int
    seconds: float


class Town:
    """So many newcomers and mentors, and the events of the mix.

    A committed pair's slot opens again within the same event, as when another pair ends, so that supply stays level.
    """

    def __init__(self, newcomers: int, mentors: int, slots: int, seed: int = 3) -> None:
        self.newcomers, self.slots = newcomers, slots
        self.present: dict[str, Ints] = {}
        self.market = Market()
        self._rng = np.random.default_rng(seed)
        self._mentors = People.draw(self._rng, mentors)
        self._came = 0
        for mentor in range(mentors):
            self.market.open_mentor(f"m{mentor}", slots=slots)
        while len(self.present) < newcomers:
            self._arrive()

    def step(self) -> Event:
        """One event of the mix."""
        kind = str(self._rng.choice([name for name, _ in MIX], p=[share for _, share in MIX]))
        if kind == "arrive" and len(self.present) >= self.newcomers:
            kind = "leave"
        happens = {"arrive": self._arrive, "leave": self._leave, "commit": self._commit, "reweigh": self._reweigh}
        return happens[kind]()

    def _arrive(self) -> Event:
        key, row = f"n{self._came}", self._draw()
        self._came += 1
        return self._event(key, row, lambda: self.market.arrive(key, row))

    def _leave(self) -> Event:
        key = self._anybody()
        return self._event(key, None, lambda: self.market.leave(key))

    def _reweigh(self) -> Event:
        key, row = self._anybody(), self._draw()
        return self._event(key, row, lambda: self.market.reweigh(key, row))

    def _commit(self) -> Event:
        key = self._anybody()
        while self.market.partner(key) is None:
            key = self._anybody()
        return self._event(key, None, lambda: self.market.set_slots(self.market.commit(key), self.slots))

    def _event(self, key: str, row: Ints | None, change: Callable[[], object]) -> Event:
        start = perf_counter()
        change()
        seconds = perf_counter() - start
        if row is None:
            del self.present[key]
        else:
            self.present[key] = row
        return Event(key, row, self.market.value(), seconds)

    def _draw(self) -> Ints:
        return weights(People.draw(self._rng, 1), self._mentors, int(self._rng.integers(13)))

    def _anybody(self) -> str:
        return list(self.present)[int(self._rng.integers(len(self.present)))]
