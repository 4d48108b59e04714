"""The program's clock: the instant at which an event is decided, and which times are not believed.

The clock of a program never goes back. In mode ``event`` it follows the times of accepted events (files, backfills,
tests); in mode ``wall`` it follows the arrival of events. A journal keeps its mode for life.
"""

from __future__ import annotations

from typing import Final, Literal

from matcher.errors import Refused, code
from matcher.instants import DAY
from matcher.policy import ClockTable

TIME_JUMP = code(
    "KND-time-jump",
    "The event's time is further ahead of the program's clock than the policy's clock.jump_days_max. Correct the time "
    "and send the event under a new id; to let the clock pass a long silence, use `kindred replay --until`.",
)
TIME_AHEAD = code(
    "KND-time-ahead",
    "The event says that it happened later than it arrived, by more than the policy's clock.ahead_minutes_max. "
    "Correct the sender's clock and send the event under a new id.",
)

Mode = Literal["event", "wall"]
MODES: Final[tuple[Mode, ...]] = ("event", "wall")
MINUTE: Final = 60


def decided_at(mode: Mode, rules: ClockTable, *, last: int | None, time: int, arrival: int | None) -> int:
    """The instant at which an event that says ``time`` is decided; all instants in epoch seconds.

    ``last`` is the program's clock, None for its first event; ``arrival`` is needed in mode ``wall`` only.
    Raises Refused (KND-time-jump, KND-time-ahead) for a time that is not believed.
    """
    if mode == "event":
        if last is None:
            return time
        if time > last + rules.jump_days_max * DAY:
            raise Refused(
                TIME_JUMP, f"the event's time is more than {rules.jump_days_max} days ahead of the program's clock"
            )
        return time if time > last else last
    if arrival is None:
        raise ValueError("with the wall clock an event needs its arrival")
    if time > arrival + rules.ahead_minutes_max * MINUTE:
        raise Refused(TIME_AHEAD, f"the event's time is more than {rules.ahead_minutes_max} minutes after its arrival")
    return arrival if last is None else max(last, arrival)
