"""Somebody who knows sums of counts of people, and can solve linear programs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy
from scipy.optimize import linprog


class Attacker:
    """Asks how large or small a count may be, given every sum that is known. Counts have any names."""

    def __init__(self) -> None:
        self._places: dict[Hashable, int] = {}
        self._known: list[tuple[Mapping[Hashable, int], int]] = []

    def knows(self, terms: Mapping[Hashable, int], value: int) -> None:
        """A sum of counts, each times its factor."""
        for name in terms:
            self._places.setdefault(name, len(self._places))
        self._known.append((terms, value))

    def most(self, name: Hashable) -> float:
        """The largest value that fits all that is known."""
        sums = numpy.zeros((len(self._known), len(self._places)))
        for row, (terms, _) in enumerate(self._known):
            for other, factor in terms.items():
                sums[row, self._places[other]] += factor
        goal = numpy.zeros(len(self._places))
        goal[self._places[name]] = -1
        values = [value for _, value in self._known]
        found = linprog(goal, A_eq=sums, b_eq=values, bounds=(0, None), method="highs")
        assert found.status == 0, found.message
        return float(-found.fun)
