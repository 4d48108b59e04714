"""What it is worth to pair somebody at all, above the fit of the pair: it grows in steps while they wait."""

from __future__ import annotations

from matcher.instants import HOUR
from matcher.policy import Policy


def worth(since: int, at: int, policy: Policy) -> int:
    """Worth in millionths of fit of pairing a newcomer who has waited since that instant.

    Between two steps it is constant, so the plan changes only at the steps; a step adds the same to all weights of a
    newcomer and so never changes whom a placed newcomer is given.
    """
    waited, waiting = at - since, policy.waiting
    return waiting.worth_start + waiting.worth_step * sum([waited >= hours * HOUR for hours in waiting.step_hours])
