"""What waiting comes to, at each second around its steps."""

from __future__ import annotations

import pytest

from matcher.instants import DAY, HOUR
from matcher.pairing.worth import Steps, Waited
from matcher.policy import Policy
from tests.matcher.people import T0

POLICY = Policy.model_validate(
    {
        "quality": {"widen_after_days": (7, 2, 2)},
        "waiting": {"worth_start": 1_000, "worth_step": 10, "step_hours": (12, 48)},
    }
)


@pytest.mark.parametrize(
    ("waited", "comes_to", "next_step"),
    [
        (0, Waited(0, 1_000), 12 * HOUR),
        (12 * HOUR - 1, Waited(0, 1_000), 12 * HOUR),
        (12 * HOUR, Waited(0, 1_010), 2 * DAY),
        (2 * DAY - 1, Waited(0, 1_010), 2 * DAY),
        (2 * DAY, Waited(2, 1_020), 7 * DAY),  # two steps of widening at once, and one of worth
        (7 * DAY - 1, Waited(2, 1_020), 7 * DAY),
        (7 * DAY, Waited(3, 1_020), None),
        (900 * DAY, Waited(3, 1_020), None),
    ],
)
def test_steps_come_at_their_second(waited: int, comes_to: Waited, next_step: int | None) -> None:
    steps = Steps(POLICY)
    assert steps.until(T0 + waited, T0) == comes_to
    assert steps.next(T0 + waited, T0) == (None if next_step is None else T0 + next_step)


def test_a_policy_without_steps_changes_nothing_with_time() -> None:
    steps = Steps(Policy.model_validate({"quality": {"widen_after_days": ()}, "waiting": {"step_hours": ()}}))
    assert steps.next(T0, T0) is None
    assert steps.until(T0 + 900 * DAY, T0) == Waited(0, 1_000_000)
