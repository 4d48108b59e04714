"""Places: points and ways in integers, against the floating-point formulas."""

from __future__ import annotations

import math

from hypothesis import assume, given
from hypothesis import strategies as some

from matcher.people.places import EARTH_METRES, point, squared_chord

LATITUDES = some.floats(-90, 90)
LONGITUDES = some.floats(-180, 180)


@given(LATITUDES, LONGITUDES)
def test_a_point_is_where_trigonometry_says_within_two_metres(latitude: float, longitude: float) -> None:
    lat, lon = math.radians(latitude), math.radians(longitude)
    there = (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))
    assert all(
        abs(ours - EARTH_METRES * exact) < 2 for ours, exact in zip(point(latitude, longitude), there, strict=True)
    )


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_a_way_is_the_great_circle(lat: float, lon: float, lat2: float, lon2: float) -> None:
    a, b = math.radians(lat), math.radians(lat2)
    haversine = math.sin((a - b) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon - lon2) / 2) ** 2
    assume(haversine < 0.9)  # on the other side of the earth a chord hardly grows with the way
    way = 2 * EARTH_METRES * math.asin(math.sqrt(haversine))
    chord = sum((p - q) ** 2 for p, q in zip(point(lat, lon), point(lat2, lon2), strict=True))
    assert squared_chord(max(0, int(way) - 50)) <= chord <= squared_chord(int(way) + 50)


def test_no_way_is_longer_than_half_round_the_earth() -> None:
    assert squared_chord(20_100_000) == squared_chord(40_000_000)


@given(some.integers(0, 20_000), some.integers(0, 20_000))
def test_a_longer_way_has_a_longer_chord(km: int, other: int) -> None:
    assert (km < other) == (squared_chord(km * 1_000) < squared_chord(other * 1_000))
