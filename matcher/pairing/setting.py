"""What pairs are judged by besides the two people: the policy's numbers and the curves of the fit, as tables.

The curves' numbers are guesses, as care.md has no source for them; the weights and limits are the policy's.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from matcher.instants import DAY
from matcher.people.experience import MILLION
from matcher.people.places import squared_chord
from matcher.policy import Policy

Values = npt.NDArray[np.int64]

HALF = MILLION // 2
"""A term without the statements it needs."""
DAYS_AHEAD = ((0, 0), (180, 400_000), (730, MILLION), (1_825, MILLION), (7_300, HALF))
"""How well so many days ahead in recovery serve: best from two to five years; after twenty, a lifetime, half."""
NEAR = ((5, MILLION), (10, 800_000), (25, 600_000), (50, 400_000), (100, 200_000))
"""What living within so many kilometres is worth; farther: nothing."""
MATCHES_MAX = 64
"""More matches than these are not told apart by ``spread``."""
TERMS = ("experience", "distance", "strategies", "hours", "language", "format", "place", "spread")
"""The terms of the fit by the names of their weights in the policy, in the order of every table of terms."""
ALWAYS = -(1 << 62)


class Setting(NamedTuple):
    """One policy as tables.

    ``steps`` has a column a step of widening, from step 0, and a row each for: seconds of waiting from which the step
    holds, least fit in millionths, least half hours in common, and the squared chord in square metres of the farthest
    way when in person is the only format. ``weights`` are per mille, in the order of ``TERMS``.
    """

    steps: Values
    weights: Values
    days_ahead: Values
    near: Values
    spread: Values


def setting(policy: Policy) -> Setting:
    """The tables of a policy."""
    weights = np.array([getattr(policy.fit, name) for name in TERMS], np.int64)
    return Setting(_steps(policy), weights, _worth_by_days_ahead(), _worth_by_chord(), _worth_by_matches_had())


def _steps(policy: Policy) -> Values:
    quality = policy.quality
    waited = [ALWAYS, *(days * DAY for days in quality.widen_after_days)]
    fits = _changed(quality.fit_min, 100 - quality.widen_percent, len(waited))
    half_hours = _changed(2 * quality.hours_min, 100 - quality.widen_percent, len(waited))
    ways = _changed(quality.distance_max_km * 1_000, 100 + quality.widen_percent, len(waited))
    return np.array([waited, fits, half_hours, [squared_chord(way) for way in ways]], np.int64)


def _changed(limit: int, percent: int, steps: int) -> list[int]:
    limits = [limit]
    while len(limits) < steps:
        limits.append(limits[-1] * percent // 100)
    return limits


@cache
def _worth_by_days_ahead() -> Values:
    """``DAYS_AHEAD`` as a table with an entry a day."""
    table = [
        low + (day - begin) * (high - low) // (end - begin)
        for (begin, low), (end, high) in pairwise(DAYS_AHEAD)
        for day in range(begin, end)
    ]
    return np.array([*table, DAYS_AHEAD[-1][1]], np.int64)


@cache
def _worth_by_chord() -> Values:
    """Squared chords of ``NEAR`` in the first row, what each band is worth in the second."""
    return np.array([[squared_chord(km * 1_000) for km, _ in NEAR], [worth for _, worth in NEAR]], np.int64)


@cache
def _worth_by_matches_had() -> Values:
    return MILLION // np.arange(1, MATCHES_MAX + 1, dtype=np.int64)
