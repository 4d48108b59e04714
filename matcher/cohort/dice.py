"""Chance that comes out the same on every machine: only the floats of a seeded Mersenne Twister and integers."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

T = TypeVar("T")


class Weighted(Generic[T]):
    """Things with integer weights, to draw from in O(log n)."""

    def __init__(self, weights: Iterable[tuple[T, int]]) -> None:
        pairs = list(weights)
        self.things: list[T] = [thing for thing, _ in pairs]
        self.bounds: list[int] = list(accumulate(weight for _, weight in pairs))


class Dice:
    """A stream of chance named by a text: the same name gives the same throws.

    Everything is made of ``random.Random.random``, whose sequence Python promises to keep, and of integer and IEEE
    arithmetic; no logarithm or exponential, which differ in the last bit between C libraries.
    """

    def __init__(self, name: str) -> None:
        self._random = random.Random(name).random  # noqa: S311 - a cohort wants chance that can be repeated

    def below(self, n: int) -> int:
        """An integer in [0, n)."""
        return int(self._random() * n)

    def between(self, least: int, most: int) -> int:
        """An integer in [least, most]."""
        return least + int(self._random() * (most - least + 1))

    def percent(self, chance: float) -> bool:
        """True ``chance`` times in a hundred."""
        return self._random() * 100 < chance

    def pick(self, things: Sequence[T]) -> T:
        """One of the things, each as likely."""
        return things[int(self._random() * len(things))]

    def draw(self, weighted: Weighted[T]) -> T:
        """One of the things, as likely as its weight says."""
        return weighted.things[bisect_right(weighted.bounds, self.below(weighted.bounds[-1]))]
