"""What it is worth to pair somebody at all, above the fit of the pair: it grows in steps while they wait."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matcher.instants import HOUR
from matcher.policy import Policy


def worth(since: NDArray[np.int64], at: int, policy: Policy) -> NDArray[np.int64]:
    """Worth in millionths of fit of pairing newcomers who have waited since these instants, (n,) → (n,).

    Between two steps it is constant, so the plan changes only at the steps; a step adds the same to all weights of a
    newcomer and so never changes whom a placed newcomer is given.
    """
    steps = np.searchsorted(np.array(policy.waiting.step_hours, np.int64) * HOUR, at - since, side="right")
    return policy.waiting.worth_start + steps.astype(np.int64) * policy.waiting.worth_step
