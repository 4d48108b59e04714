"""A person's recovery as a small chart: mood and craving over time, setbacks and milestones as marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from dashboard import telling, words
from dashboard.history import Happened

WIDTH: Final = 640
HEIGHT: Final = 150
LEFT, RIGHT, TOP, BOTTOM = 30, 8, 12, 24
SCALE: Final = 10  # of mood and craving


@dataclass(frozen=True)
class Point:
    """A value of 0-10 at an instant."""

    at: int
    value: int


@dataclass(frozen=True)
class Mark:
    """Something that happened, in words for who points at it."""

    at: int
    words: str
    kind: str
    """``setback`` or ``milestone``."""


KINDS: Final = {"progress.setback": "setback", "progress.milestone": "milestone"}


def of(told: Sequence[Happened]) -> Markup:
    """The chart of what was told of somebody's recovery."""
    marks = [Mark(each.time, telling.sentence(each), KINDS[each.type]) for each in told if each.type in KINDS]
    slips = sum(mark.kind == "setback" for mark in marks)
    label = f"Mood and craving over time, {words.many(slips, 'setback')}"
    return chart(_points(told, "mood"), _points(told, "craving"), marks, label)


def chart(mood: Sequence[Point], craving: Sequence[Point], marks: Sequence[Mark], label: str) -> Markup:
    """The chart; nothing where there is nothing to show."""
    instants = [*(each.at for each in (*mood, *craving)), *(mark.at for mark in marks)]
    if not instants:
        return Markup("")
    first, last = min(instants), max(max(instants), min(instants) + 86_400)
    parts = [
        Markup('<svg class="chart recovery" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            WIDTH, HEIGHT, label
        ),
        *(_grid(value) for value in (0, 5, 10)),
        _line(craving, first, last, "craving"),
        _line(mood, first, last, "mood"),
        *(_mark(mark, first, last) for mark in marks),
        Markup("</svg>"),
    ]
    return Markup("").join(parts)


def _points(told: Sequence[Happened], name: str) -> list[Point]:
    return [Point(each.time, each.said[name]) for each in told if each.said.get(name) is not None]


def _x(at: int, first: int, last: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (at - first) / (last - first)


def _y(value: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / SCALE)


def _grid(value: int) -> Markup:
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text x="4" y="{:.1f}">{}</text>'
    ).format(LEFT, WIDTH - RIGHT, _y(value), _y(value), _y(value) + 4, value)


def _line(points: Sequence[Point], first: int, last: int, name: str) -> Markup:
    if not points:
        return Markup("")
    ordered = sorted(points, key=lambda point: point.at)
    path = " ".join(f"{_x(each.at, first, last):.1f},{_y(each.value):.1f}" for each in ordered)
    if len(ordered) == 1:
        spot = ordered[0]
        return Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(
            name, _x(spot.at, first, last), _y(spot.value)
        )
    return Markup('<polyline class="{}" points="{}"/>').format(name, path)


def _mark(mark: Mark, first: int, last: int) -> Markup:
    x = _x(mark.at, first, last)
    return Markup('<g class="{}"><title>{}</title><line x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/></g>').format(
        mark.kind, mark.words, x, x, TOP, HEIGHT - BOTTOM + 6
    )
