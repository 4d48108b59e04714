"""A share that falls in steps over days, with the band around it: how long pairs last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from dashboard.survival import Point

WIDTH: Final = 360
HEIGHT: Final = 200
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 34
BEYOND: Final = 1.06  # so that the last step is seen to fall
TICKS_APART: Final = 34  # of two numbers below the line: as wide as "1,095"


def chart(points: Sequence[Point], label: str) -> Markup:
    """The chart; nothing where there is nothing to show."""
    if not points:
        return Markup("")
    last = points[-1].day
    parts = [
        Markup('<svg class="chart steps" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, label),
        *(_grid(percent) for percent in (0, 50, 100)),
        Markup('<polygon class="band" points="{}"/>').format(_band(points, last)),
        Markup('<polyline class="share" points="{}"/>').format(_steps([each.share for each in points], points, last)),
        *_ticks([each.day for each in points], last),
        Markup('<text x="{}" y="{}" text-anchor="end">days since the pair began</text>').format(
            WIDTH - RIGHT, HEIGHT - 3
        ),
        Markup("</svg>"),
    ]
    return Markup("").join(parts)


def _x(day: float, last: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * day / (last * BEYOND)


def _y(share: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)


def _corners(shares: Sequence[float], points: Sequence[Point], last: int) -> list[tuple[float, float]]:
    """A line that keeps its height until the day on which it falls."""
    corners, height = [(_x(0, last), _y(1))], 1.0
    for point, share in zip(points, shares, strict=True):
        corners += [(_x(point.day, last), _y(height)), (_x(point.day, last), _y(share))]
        height = share
    return [*corners, (_x(BEYOND * last, last), _y(height))]


def _text(corners: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def _steps(shares: Sequence[float], points: Sequence[Point], last: int) -> str:
    return _text(_corners(shares, points, last))


def _band(points: Sequence[Point], last: int) -> str:
    low = _corners([each.low for each in points], points, last)
    return _text([*_corners([each.high for each in points], points, last), *reversed(low)])


def _grid(percent: int) -> Markup:
    y = _y(percent / 100)
    line = Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(LEFT, WIDTH - RIGHT, y, y)
    return line + Markup('<text x="{}" y="{:.1f}" text-anchor="end">{} %</text>').format(LEFT - 5, y + 4, percent)


def _ticks(days: Sequence[int], last: int) -> list[Markup]:
    found, behind = list[Markup](), float("inf")
    for day in reversed(days):  # the last day has its number in any case
        x = _x(day, last)
        if behind - x >= TICKS_APART:
            found.append(Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(x, HEIGHT - 18, day))
            behind = x
    return found
