"""Counts as bars, one below another, each under its words: readable on a phone as on a desk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

WIDTH: Final = 360
ROW: Final = 36
BAR_WIDTH: Final = 250


def chart(counts: Sequence[tuple[str, int]], label: str) -> Markup:
    """The chart; nothing where nobody is counted. Each bar says its number and its part of all."""
    whole = sum(count for _, count in counts)
    if not whole:
        return Markup("")
    head = Markup('<svg class="chart lengths" viewBox="0 0 {} {}" role="img" aria-label="{}">')
    rows = (_row(row, words, count, whole) for row, (words, count) in enumerate(counts))
    return Markup("").join([head.format(WIDTH, ROW * len(counts), label), *rows, Markup("</svg>")])


def _row(row: int, words: str, count: int, whole: int) -> Markup:
    top, width = row * ROW, BAR_WIDTH * count / whole
    return Markup(
        '<text x="0" y="{}">{}</text>'
        '<rect class="bar-all" x="0" y="{}" width="{}" height="12" rx="2"/>'
        '<rect class="bar-part" x="0" y="{}" width="{:.1f}" height="12" rx="2"/>'
        '<text x="{}" y="{}">{} ({:.0f} %)</text>'
    ).format(top + 12, words, top + 17, BAR_WIDTH, top + 17, width, BAR_WIDTH + 8, top + 27, count, 100 * count / whole)
