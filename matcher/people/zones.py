"""Time zones by date: what the clock on a member's wall shows, and when it is next put forward or back.

The rules come from the ``tzdata`` package alone, never from the machine, so that every machine agrees.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from matcher import errors
from matcher.errors import Refused
from matcher.instants import DAY, year_of

UNKNOWN_ZONE = errors.code(
    "KND-unknown-zone", "A time zone is not in the IANA list. Give a name such as America/Denver, or none for UTC."
)


def check(zone: str) -> None:
    """Raise ``Refused`` (KND-unknown-zone) unless ``zone`` is an IANA name."""
    if zone not in _names():
        raise Refused(UNKNOWN_ZONE, "the zone of a profile is not an IANA name: write one such as America/Denver")


def offset(zone: str, at: int) -> int:
    """Seconds that the zone's clocks are ahead of UTC at an instant (behind: negative)."""
    return steady(zone, at).offset


@lru_cache(maxsize=1_024)
def shifts(zone: str, year: int) -> tuple[int, ...]:
    """The instants of a UTC year at which the zone's clocks are put forward or back.

    Found by looking once a week and halving the week in which the offset differs: some 100 µs a zone and year, once.
    A change that is taken back within the same week would not be seen; no zone has ever had one.
    """
    rules = _zone(zone)
    weeks = [*range(_new_year(year), _new_year(year + 1), 7 * DAY), _new_year(year + 1)]
    return tuple(
        _shift(rules, before, after)
        for before, after in pairwise(weeks)
        if _offset(rules, before - 1) != _offset(rules, after - 1)
    )


class Steady(NamedTuple):
    """A time in which nothing changes: from ``since`` to before ``until`` the zone has this offset and next shift.

    ``shifts_at`` is the first instant after it, within the UTC year and the next, at which the offset changes.
    """

    since: int
    until: int
    offset: int
    shifts_at: int | None


_LAST: Final[dict[str, Steady]] = {}
"""What was asked last of each zone, which is mostly what is asked next: a memo, and nothing follows from it."""


def steady(zone: str, at: int) -> Steady:
    """The time around an instant in which nothing changes."""
    last = _LAST.get(zone)
    if last is None or not last.since <= at < last.until:
        year = year_of(at)
        shift = next((shift for each in (year, year + 1) for shift in shifts(zone, each) if shift > at), None)
        new_year = _new_year(year + 1)
        until = new_year if shift is None else min(shift, new_year)
        last = _LAST[zone] = Steady(at, until, _offset(_zone(zone), at), shift)
    return last


def _shift(rules: tzinfo, before: int, after: int) -> int:
    """The instant in (before - 1, after - 1] from which the offset is that of its end."""
    low, high = before - 1, after - 1
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(rules, middle) == _offset(rules, high):
            high = middle
        else:
            low = middle
    return high


def _offset(rules: tzinfo, at: int) -> int:
    ahead = datetime.fromtimestamp(at, rules).utcoffset()
    return int(ahead.total_seconds()) if ahead is not None else 0


def _new_year(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp())


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


@cache
def _zone(zone: str) -> tzinfo:
    check(zone)
    with files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=zone)
