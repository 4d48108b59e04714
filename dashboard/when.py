"""Dates of forms as instants."""

from __future__ import annotations

from datetime import UTC, date, datetime

from dashboard.frame import Ask, FormErrors
from matcher.instants import EARLIEST, HOUR
from matcher.program import Program

NOON_HOURS = 12  # a call on a day is taken to have been at noon


def instant_of(ask: Ask, program: Program, day: date | None, field: str) -> int | None:
    """When something happened that is known by its day: at noon, and now on the day itself; None for no day.

    Raises FormErrors for a day that has not come, or that nobody alive remembers.
    """
    if day is None:
        return None
    now = max(ask.now, program.at or ask.now)
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    if start > now:
        raise FormErrors(**{field: "This day has not come yet."})
    if start < EARLIEST:
        raise FormErrors(**{field: "This is too long ago."})
    return min(now, start + NOON_HOURS * HOUR)
