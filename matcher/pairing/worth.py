"""What waiting comes to: how far a newcomer's limits are widened, and what it is worth to pair them at all.

Both grow in steps and are constant between two of them, so the plan changes only at the steps.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from matcher.instants import DAY, HOUR
from matcher.policy import Policy


class Waited(NamedTuple):
    """What somebody's waiting has come to.

    ``widened`` counts the steps of widening. ``worth``, in millionths of fit, comes on top of the fit with every
    mentor: a step adds the same to all weights of a newcomer, and so never changes whom a placed newcomer is given.
    """

    widened: int
    worth: int


class Steps:
    """The steps of waiting of one policy."""

    def __init__(self, policy: Policy) -> None:
        waiting = policy.waiting
        self._widening = sorted(days * DAY for days in policy.quality.widen_after_days)
        self._rising = [hours * HOUR for hours in waiting.step_hours]  # the policy says them in order
        self._all = sorted({*self._widening, *self._rising})
        self._worths = [waiting.worth_start + waiting.worth_step * step for step in range(len(self._rising) + 1)]

    def until(self, at: int, since: int) -> Waited:
        """What waiting since then has come to at an instant."""
        waited = at - since
        return Waited(bisect_right(self._widening, waited), self._worths[bisect_right(self._rising, waited)])

    def next(self, at: int, since: int) -> int | None:
        """The instant of the first step after ``at``; None after the last."""
        place = bisect_right(self._all, at - since)
        return since + self._all[place] if place < len(self._all) else None
