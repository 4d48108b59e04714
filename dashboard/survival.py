"""How long pairs last: Kaplan and Meier's estimate with its band, from counts that may be shown and nothing else.

Pairs are looked at on fixed days after they began. On day 30 count those that began 30 days ago or more: each has ended
by then, or has not. Whoever is looked at for the last time is followed up to that day. So what is counted is the same
for pairs that went on and pairs that ended, and the estimate on those days is without bias; what it loses against exact
durations is the part of a pair's time behind its last look. Last looks with few pairs count as their neighbour: fewer
than a twentieth of the pairs are moved, which is well within the band.

The curve follows from the counts of each look alone (``Looks``), so it tells nothing that they do not.

Kaplan and Meier, J Am Stat Assoc 1958;53:457; variance by Greenwood, band by log(-log), 95 in 100 on each day.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from dashboard.cells import CELL_MIN, merged

LOOKS_DAYS: Final = (7, 14, 30, 60, 90, 120, 180, 270, 365, 545, 730, 1095)
"""Days on which pairs are looked at; the pulses of care.md and what lies between."""

STEP_MIN: Final = (CELL_MIN, 25)
"""A step of the curve is a twentieth of the pairs, between these: finer ones hide every group."""

_Z: Final = NormalDist().inv_cdf(0.975)


class Lasted(NamedTuple):
    """One pair: days since it began, and after how many it ended (None: it goes on)."""

    followed: float
    ended: float | None


@dataclass(frozen=True)
class Looks:
    """The days on which there is something to count, and how the last looks are put together.

    ``followed`` holds ranges of look numbers, 0 for pairs that are younger than the first day. All of a range count as
    looked at for the last time at the look ``counted`` of it, where most of them were; of the others there are fewer
    than a step.
    """

    days: tuple[int, ...]
    followed: tuple[range, ...]
    counted: tuple[int, ...]


class Point(NamedTuple):
    """The share of pairs that still go on after some days, and the band around it."""

    day: int
    share: float
    low: float
    high: float


def looks(pairs: Sequence[Lasted]) -> Looks | None:
    """The days on which enough pairs more have ended (``STEP_MIN``); None where nothing can be shown."""
    followed = np.array([pair.followed for pair in pairs])
    ended = np.array([np.inf if pair.ended is None else pair.ended for pair in pairs])
    days, least = list[int](), min(max(STEP_MIN[0], len(pairs) // 20), STEP_MIN[1])
    for day in LOOKS_DAYS:
        last = days[-1] if days else -1
        if np.count_nonzero((followed >= day) & (last < ended) & (ended <= day)) >= least:
            days.append(day)
    if days and np.count_nonzero((followed >= days[-1]) & (ended > days[-1])) < least:
        del days[-1:]  # a curve whose end rests on fewer is drawn to the day before
    last_looks = Counter(_last_look(pair, days) for pair in pairs)
    groups = merged([last_looks[look] for look in range(len(days) + 1)], least)
    counted = tuple(max(group, key=lambda look: last_looks[look]) for group in groups)
    return Looks(tuple(days), tuple(groups), counted) if days and groups else None


def column(pair: Lasted, at: Looks) -> int:
    """In which column a pair counts: first those of the days, for what ended by then, then those of the last looks."""
    look = _last_look(pair, at.days)
    if look is None:
        return bisect_left(at.days, pair.ended or 0)
    return len(at.days) + next(place for place, group in enumerate(at.followed) if look in group)


def curve(counts: Sequence[int], at: Looks) -> list[Point]:
    """The estimate from the counts of all columns. It ends where nobody is left to look at."""
    going = counts[len(at.days) :]
    share, spread, gone, points = 1.0, 0.0, 0, list[Point]()
    for look, day in enumerate(at.days, 1):
        before = sum(count for count, last in zip(going, at.counted, strict=True) if last < look)
        seen, ended = sum(counts) - before - gone, counts[look - 1]
        if seen <= 0:
            break
        share *= 1 - ended / seen
        spread += ended / (seen * (seen - ended)) if ended < seen else 0.0
        gone += ended
        points.append(Point(day, share, *_band(share, spread)))
    return points


def _band(share: float, spread: float) -> tuple[float, float]:
    if not 0 < share < 1:
        return share, share
    step = _Z * sqrt(spread) / abs(log(share))
    return share ** exp(step), share ** exp(-step)


def _last_look(pair: Lasted, days: Sequence[int]) -> int | None:
    """The number of the last day on which a pair was looked at and went on; None when it was seen to have ended."""
    look = bisect_right(days, pair.followed)
    seen = days[look - 1] if look else -1
    return None if pair.ended is not None and pair.ended <= seen else look
