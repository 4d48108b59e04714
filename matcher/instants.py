"""Instants: inside the mind a moment is an integer, seconds since 1970-01-01T00:00:00Z; outside it is RFC 3339 in UTC.

Fractions of a second are dropped on the way in: nothing in recovery is decided within a second, and integers are exact.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

MINUTE = 60
HOUR = 3_600
DAY = 86_400
EARLIEST = -2_208_988_800
"""1900-01-01: nobody who can be paired was born before; an earlier time is a mistake."""
LATEST = 4_102_444_800
"""2100-01-01: a later time is a mistake, and adding policy intervals to it must not overflow a calendar."""

_NO_TIME = "a time needs a date, a time of day and an offset, as in 2026-03-02T09:14:00Z"
_MINUTES = tuple(f"T{hour:02d}:{minute:02d}:" for hour in range(24) for minute in range(60))
_SECONDS = tuple(f"{second:02d}Z" for second in range(60))
"""Written once: every line of facts bears an instant, and to write numbers took most of the time."""


def parse_instant(text: str) -> int:
    """Seconds since the epoch of an RFC 3339 time with offset; raises ValueError that says what is wrong."""
    return _in_bounds(read_instant(text))


def read_instant(text: str) -> int:
    """As ``parse_instant``, for what we wrote ourselves: a policy's interval may end after the last time we take in."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # its words repeat the text, which may be anything about anybody
        raise ValueError(_NO_TIME) from None
    if moment.tzinfo is None or len(text) < len("2026-01-01T00:00Z"):
        raise ValueError(_NO_TIME)
    return int(moment.timestamp() // 1)


def parse_day(text: str) -> int:
    """The instant at which a calendar date ends (24:00 UTC): a pause until the 5th holds all of the 5th."""
    if len(text) > len("2026-01-01"):
        return parse_instant(text)
    try:
        day = date.fromisoformat(text)
    except ValueError:  # as above
        raise ValueError("a date is written as in 2026-03-02") from None
    return _in_bounds(midnight(day) + DAY)


def format_instant(at: int) -> str:
    """The RFC 3339 form of an instant, always in UTC and to the second."""
    return f"{_day_text(at // DAY)}{_MINUTES[at % DAY // MINUTE]}{_SECONDS[at % MINUTE]}"


def year_of(at: int) -> int:
    """The calendar year (UTC) of an instant."""
    return int(_day_text(at // DAY)[:4])


@lru_cache(maxsize=1_024)
def end_of_year(year: int) -> int:
    """The instant at which a calendar year (UTC) ends."""
    return midnight(date(year + 1, 1, 1))


def midnight(day: date) -> int:
    """When a day begins, in UTC."""
    return (day - date(1970, 1, 1)).days * DAY


@lru_cache(maxsize=4_096)
def _day_text(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def _in_bounds(at: int) -> int:
    if not EARLIEST <= at <= LATEST:
        raise ValueError("a time must lie between 1900 and 2100")
    return at
