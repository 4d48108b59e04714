"""What a pair is judged by besides the two people: the moment, the policy, and how people stand to each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from matcher.instants import DAY
from matcher.people.columns import Rows, Side
from matcher.people.places import squared_chord
from matcher.policy import Policy

Values = npt.NDArray[np.int64]
Millionths = npt.NDArray[np.int32]
"""Shares of one. Half the width is twice the speed, and a million times a weight of a thousand is still under 2³¹."""


class Relations(Protocol):
    """How members stand to each other, as rows of the roster."""

    def excluded(self, member: int) -> Rows:
        """Whom the member must not be paired with, either way round."""

    def lineage(self, newcomer: int) -> Rows:
        """Who may not mentor this newcomer: everybody they mentor, directly or down the line."""

    def lineage_of_mentor(self, mentor: int) -> Rows:
        """Whom this mentor may not mentor: everybody up their line."""

    def declined(self, member: int) -> Rows:
        """With whom a pair of this member was rejected, declined or ended."""


class _Unrelated:
    """Nobody has anything to do with anybody."""

    def excluded(self, member: int) -> Rows:
        return _NOBODY

    lineage = lineage_of_mentor = declined = excluded


_NOBODY: Rows = np.zeros(0, dtype=np.int64)
UNRELATED: Relations = _Unrelated()


@dataclass(frozen=True)
class Setting:
    """One moment of one program. The widened limits are in tables by steps of waiting, from step 0."""

    at: int
    policy: Policy
    relations: Relations

    def steps(self, newcomers: Side) -> Values:
        """How many steps of widening each newcomer has waited for; 0 for somebody who seeks no mentor."""
        waited = self.at - newcomers.seeks_since
        steps = 0 * waited
        for days in self.policy.quality.widen_after_days:
            steps += waited >= days * DAY
        return steps

    @cached_property
    def least_fits(self) -> Values:
        """Least fit in millionths."""
        return self._narrowing(self.policy.quality.fit_min)

    @cached_property
    def least_half_hours(self) -> Values:
        """Least half hours of the week in common."""
        return self._narrowing(2 * self.policy.quality.hours_min)

    @cached_property
    def farthest_chords(self) -> Values:
        """Squared chord, in square metres, of the farthest way when in person is the only format."""
        quality = self.policy.quality
        ways = [quality.distance_max_km * 1_000]
        for _ in quality.widen_after_days:
            ways.append(ways[-1] * (100 + quality.widen_percent) // 100)
        return np.array([squared_chord(way) for way in ways], dtype=np.int64)

    def _narrowing(self, limit: int) -> Values:
        limits = [limit]
        for _ in self.policy.quality.widen_after_days:
            limits.append(limits[-1] * (100 - self.policy.quality.widen_percent) // 100)
        return np.array(limits, dtype=np.int64)
