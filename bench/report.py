"""What a benchmark says: rows of ours beside the peer's, measured on the same work in the same run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TextIO

COLUMNS = "{:<10} {:<60} {:>12} {:>12} {:<8} {:>9} {:>7}  {}"


@dataclass(frozen=True)
class Row:
    """One comparison. ``ratio`` is the way round that larger is better; ``goal`` is the least that will do.

    ``peer`` is None where the row only shows how a figure grows, ``goal`` where nothing was promised.
    """

    bench: str
    row: str
    ours: float
    peer: float | None
    unit: str
    ratio: float | None
    goal: float | None

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without a goal."""
        return None if self.goal is None else self.ratio is not None and self.ratio >= self.goal

    def as_json(self) -> str:
        """One line of JSON with the keys of the row and ``met``."""
        return json.dumps({**asdict(self), "met": self.met})


def cost_row(bench: str, row: str, ours: float, peer: float, unit: str, goal: float | None) -> Row:
    """Make a row where less is better (times, bytes): the ratio is the peer's cost over ours."""
    return Row(bench, row, ours, peer, unit, peer / ours, goal)


def rate_row(bench: str, row: str, ours: float, peer: float, unit: str, goal: float | None) -> Row:
    """Make a row where more is better (events per second): the ratio is our rate over the peer's."""
    return Row(bench, row, ours, peer, unit, ours / peer, goal)


def write(rows: Iterable[Row], out: TextIO, *, as_json: bool) -> Iterator[Row]:
    """Write each row as soon as it is measured, and pass it on: a table, or a line of JSON each."""
    if not as_json:
        print(COLUMNS.format("bench", "row", "ours", "peer", "unit", "ratio", "goal", "met"), file=out, flush=True)
    for row in rows:
        print(row.as_json() if as_json else _line(row), file=out, flush=True)
        yield row


def _line(row: Row) -> str:
    met = {True: "yes", False: "NO", None: "-"}[row.met]
    ratio = f"{row.ratio:,.2f}" if row.ratio is not None and row.ratio < 10 else _number(row.ratio)
    return COLUMNS.format(
        row.bench, row.row, _number(row.ours), _number(row.peer), row.unit, ratio, _number(row.goal), met
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.4g}"
