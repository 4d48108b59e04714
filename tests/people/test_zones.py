"""Zones: offsets by date, and the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from matcher.errors import Refused
from matcher.instants import HOUR, format_instant, parse_instant
from matcher.people import zones


def test_clocks_in_denver_change_twice_a_year() -> None:
    assert [format_instant(shift) for shift in zones.shifts("America/Denver", 2026)] == [
        "2026-03-08T09:00:00Z",
        "2026-11-01T08:00:00Z",
    ]


@pytest.mark.parametrize("zone", ["Africa/Casablanca", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"])
def test_shifts_are_all_there_is_to_see_hour_by_hour(zone: str) -> None:
    rules, start = ZoneInfo(zone), datetime(2018, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=hour) for hour in range(24 * 365)]
    seen = [
        int(later.timestamp())
        for before, later in pairwise(hours)
        if before.astimezone(rules).utcoffset() != later.astimezone(rules).utcoffset()
    ]
    found = zones.shifts(zone, 2018)
    assert [-(-shift // HOUR) * HOUR for shift in found] == seen
    assert all(zones.offset(zone, shift - 1) != zones.offset(zone, shift) for shift in found)


def test_the_next_shift_may_be_next_year_or_never() -> None:
    december = parse_instant("2026-12-24T18:00:00Z")
    assert zones.steady("America/Denver", december).shifts_at == parse_instant("2027-03-14T09:00:00Z")
    assert zones.steady("Asia/Tokyo", december).shifts_at is None
    shift = parse_instant("2026-03-08T09:00:00Z")
    assert zones.steady("America/Denver", shift - 1).shifts_at == shift
    assert zones.steady("America/Denver", shift).shifts_at == parse_instant("2026-11-01T08:00:00Z")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "/etc/passwd", "america/denver", "zones"])
def test_a_zone_that_is_none_is_refused_and_not_repeated(zone: str) -> None:
    with pytest.raises(Refused) as trouble:
        zones.check(zone)
    assert trouble.value.code == "KND-unknown-zone"
    assert zone not in str(trouble.value)
