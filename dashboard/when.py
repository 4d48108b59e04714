"""Days of forms and files as instants.

A day is known by its date alone, and who wrote the date may live anywhere. What is told of a day that is not over is
told as now: at noon it would lie before what happened since, and be taken for old news. A day is not over while UTC or
the clocks of the person have it, and it has come as soon as it has begun anywhere on earth.
"""

from __future__ import annotations

from datetime import date

from dashboard.frame import Ask, FormErrors
from matcher.instants import DAY, EARLIEST, HOUR, midnight
from matcher.people import zones
from matcher.program import Program

NOON = 12 * HOUR  # UTC: what happened on a day that is over is taken to have been then
EAST = 14 * HOUR  # where a day begins first


def has_come(day: date, now: int) -> bool:
    """Whether the day has begun anywhere on earth."""
    return midnight(day) - EAST <= now


def moment(day: date, now: int, zone: str | None = None) -> int:
    """When something happened on a day that has come: now as long as it is not over, else at its noon (UTC).

    ``zone`` is that of the person it is about: west of UTC their day goes on when UTC has the next.
    """
    theirs = now + (zones.offset(zone, now) if zone else 0)
    not_over = min(now, theirs) // DAY * DAY
    return now if midnight(day) >= not_over else midnight(day) + NOON


def instant_of(ask: Ask, program: Program, day: date | None, field: str, zone: str | None = None) -> int | None:
    """When something happened that a form knows by its day, as ``moment`` has it; None for no day.

    Raises FormErrors for a day that has not come, or that nobody alive remembers.
    """
    if day is None:
        return None
    now = max(ask.now, program.at or ask.now)
    if not has_come(day, now):
        raise FormErrors(**{field: "This day has not come yet."})
    if midnight(day) < EARLIEST:
        raise FormErrors(**{field: "This is too long ago."})
    return moment(day, now, zone)
