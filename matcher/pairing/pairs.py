"""Two sides looked at together: the questions that blockers and fit ask of pairs, each answered once.

One of the sides is one person; answers are arrays as long as the other side, the many.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from matcher.pairing.setting import Millionths, Setting, Values
from matcher.people.columns import Mask, Rows, Side

_KEPT = ("common_half_hours", "squared_chords")
"""Answers for each of the many that cost much and are asked for twice."""


def meets(accepted: npt.NDArray[np.uint64], said: npt.NDArray[np.uint64]) -> Mask:
    """Whether two columns of sets have something in common, pair by pair."""
    common = accepted & said
    found: Mask = np.asarray(common[0] != 0 if len(common) == 1 else common.any(axis=0))
    return found


class Pairs:
    """A newcomer with many mentors, or many newcomers with a mentor, in one setting."""

    def __init__(self, n: Side, m: Side, setting: Setting) -> None:
        self.n = n
        self.m = m
        self.setting = setting
        self._one_newcomer = len(n.rows) == 1

    @property
    def one(self) -> Side:
        """The side of one person."""
        return self.n if self._one_newcomer else self.m

    @property
    def many(self) -> Side:
        """The other side."""
        return self.m if self._one_newcomer else self.n

    def __len__(self) -> int:
        return len(self.many.rows)

    def at(self, positions: Rows) -> Pairs:
        """The pairs at these positions of the many, with the answers that are already known."""
        n, m = (self.n, self.m.at(positions)) if self._one_newcomer else (self.n.at(positions), self.m)
        fewer = Pairs(n, m, self.setting)
        fewer._one_newcomer = self._one_newcomer
        fewer.__dict__.update({name: self.__dict__[name][positions] for name in _KEPT if name in self.__dict__})
        if self._one_newcomer and "steps" in self.__dict__:
            fewer.steps = self.steps
        return fewer

    def none(self) -> Mask:
        """No for every pair."""
        return np.zeros(len(self), dtype=np.bool_)

    @cached_property
    def steps(self) -> Values:
        """How many steps of widening each newcomer has waited for."""
        return self.setting.steps(self.n)

    @cached_property
    def common_half_hours(self) -> npt.NDArray[np.uint16]:
        """Half hours of the week, from 0 to 336, that both have free."""
        count: npt.NDArray[np.uint16] = np.bitwise_count(self.n.hours & self.m.hours).sum(axis=0, dtype=np.uint16)
        return count

    @cached_property
    def squared_chords(self) -> Values:
        """Squared chord between the places of the two, in square metres."""
        x, y, z = self.n.x - self.m.x, self.n.y - self.m.y, self.n.z - self.m.z
        return x * x + y * y + z * z

    def both_state_hours(self) -> Mask:
        """Whether both have said when they have time."""
        both: Mask = (self.n.states_hours & self.m.states_hours) != 0
        return both

    def both_state_places(self) -> Mask:
        """Whether both have said where they live."""
        both: Mask = (self.n.states_place & self.m.states_place) != 0
        return both

    def shared_families(self) -> Values:
        """How many families of codes both have lived with."""
        count: Values = np.bitwise_count(self.n.families & self.m.families).sum(axis=0, dtype=np.int64)
        return count

    def similarity(self) -> Millionths:
        """SimGIC of the experiences of the two in millionths, as ``Taxonomy.similarity`` has it.

        Costs one look at each of the many for each node of the one.
        """
        roster, one = self.one.roster, int(self.one.rows[0])
        similarity: Millionths = roster.experience.similarity(roster.closures[one], self.many.rows).astype(np.int32)
        return similarity
