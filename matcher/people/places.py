"""How far apart two people live, in integers that every machine agrees on.

A place is a point on a sphere of the earth's mean radius, in whole metres from its middle. The straight line between
two points (the *chord*) grows with the way between them, so comparing squared chords compares ways without a root.
A sphere is up to 0.5 % off the true earth and a chord falls 1 m short of a way of 100 km; people say where they live
far less precisely.
"""

from __future__ import annotations

from functools import lru_cache

EARTH_METRES = 6_371_009
"""Mean radius of the earth (IUGG)."""
HALF_TURN = 180_000_000
"""In millionths of a degree."""
_ONE = 1 << 60
_PI = 3_622_009_729_038_561_421  # of _ONE


@lru_cache(maxsize=4_096)  # many people live in the same places, to a mile
def point(latitude: float, longitude: float) -> tuple[int, int, int]:
    """The place at these degrees, in metres from the middle of the earth; within two metres."""
    lat, lon = round(latitude * 1_000_000), round(longitude * 1_000_000)
    ring = EARTH_METRES * _cosine(lat)
    return (
        ring * _cosine(lon) // (_ONE * _ONE),
        ring * _sine(lon) // (_ONE * _ONE),
        EARTH_METRES * _sine(lat) // _ONE,
    )


@lru_cache(maxsize=1_024)
def squared_chord(metres: int) -> int:
    """The squared chord, in square metres, of a way over the ground; no way is longer than half round the earth."""
    half_angle = metres * HALF_TURN * _ONE // (2 * EARTH_METRES * _PI)
    chord = 2 * EARTH_METRES * _sine(min(half_angle, HALF_TURN // 2)) // _ONE
    return int(chord * chord)


def _cosine(angle: int) -> int:
    return _sine(angle + HALF_TURN // 2)


def _sine(angle: int) -> int:
    """The sine of millionths of a degree, as a multiple of 1/_ONE: Taylor's series, exact to 10⁻¹² to 270 degrees."""
    x = angle * _PI // HALF_TURN
    total = term = x
    for n in range(2, 36, 2):
        if not term:  # as is every later one
            break
        term = -term * x // _ONE * x // (_ONE * n * (n + 1))
        total += term
    return total
