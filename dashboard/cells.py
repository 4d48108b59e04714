"""Which counts of people may be shown: none below five, and none that the others give away.

A table counts people: each is in one row (a group) and one column (how it went). Rows without anybody are no rows. The
caller shows the total of each column, all of ``CELL_MIN`` and more (``merged``); this module says which totals of rows
and which cells can be shown beside them. What is hidden looks the same whether it is small or hides another: from all
that is shown, every hidden number might be five or more. Tables of the same people share what they show of rows, and
only that, so what holds in each holds in all together:

1. A row whose total is hidden shows nothing in any table (``shown_totals``).
2. A small cell is hidden with others around it, so that what is shown would also fit if the cell held ``CELL_MIN``:
   people are moved into it from its column, into other columns of their rows, and so on round to its row. What they
   move through is hidden; the cheapest way is taken (``shown_cells``).

The problem, with linked tables: Fischetti and Salazar, J Am Stat Assoc 2000, cell suppression under linear constraints.
tests/dashboard/test_cells.py attacks it with linear programming. Against two looks at different times it does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import networkx

CELL_MIN: Final = 5
"""Fewer people than this are not counted out (care.md: by self-declared group, with cells below 5 hidden).

No number of the policy: what somebody declared of themselves was told under this floor, and no program may lower it.
"""

TABLE_MIN: Final = 10
"""Of fewer people there is no table: that it is missing must not say that there are fewer than ``CELL_MIN``."""

Counts = Sequence[Sequence[int]]
"""People by row and column."""

Node = tuple[str, int]
_TOTALS: Final[Node] = ("totals", 0)


def merged(counts: Sequence[int], least: int = CELL_MIN) -> list[range]:
    """Neighbouring columns put together until each has ``least`` people; none when there are fewer in all."""
    groups, start, held = list[range](), 0, 0
    for column, count in enumerate(counts):
        held += count
        if held >= least:
            groups.append(range(start, column + 1))
            start, held = column + 1, 0
    if groups and start < len(counts):
        groups[-1] = range(groups[-1].start, len(counts))
    return groups


def shown_totals(totals: Sequence[int]) -> list[bool]:
    """Which rows show their total: the small ones do not, nor so many of the next that any could be the large one."""
    ordered = sorted(range(len(totals)), key=lambda row: (totals[row], row))
    hidden = [row for row in ordered if totals[row] < CELL_MIN]
    for row in ordered[len(hidden) :]:
        if not hidden or (len(hidden) > 1 and sum(totals[each] for each in hidden) >= CELL_MIN):
            break
        hidden.append(row)
    return [row not in hidden for row in range(len(totals))]


def shown_cells(counts: Counts, totals: Sequence[bool]) -> list[list[bool]]:
    """Which cells can be shown; ``totals`` says which rows show theirs. Cost: a shortest path for each small cell."""
    table = _Table(counts, totals)
    small = [(count, row, column) for row, line in enumerate(counts) for column, count in enumerate(line)]
    for count, row, column in sorted(small):
        if count < CELL_MIN and not table.protect(row, column):
            return [[False] * len(line) for line in counts]  # with its margins alone nothing of it is known
    return [[(row, column) not in table.hidden for column in range(len(line))] for row, line in enumerate(counts)]


class _Table:
    """A table as a network: from a column that has one too many to a row that has one too few."""

    def __init__(self, counts: Counts, totals: Sequence[bool]) -> None:
        self._counts = counts
        rows, columns = range(len(counts)), range(len(counts[0]) if counts else 0)
        small = {(row, column) for row in rows for column in columns if counts[row][column] < CELL_MIN}
        self.hidden = small | {(row, column) for row in rows for column in columns if not totals[row]}
        self._ways: networkx.DiGraph[Node] = networkx.DiGraph()
        for row in rows:
            for column in columns:
                self._ways.add_edge(("column", column), ("row", row), takes=(row, column), cell=(row, column))
                self._ways.add_edge(("row", row), ("column", column), takes=None, cell=(row, column))
            if not totals[row]:
                self._ways.add_edge(("row", row), _TOTALS, takes=None, cell=None)
                self._ways.add_edge(_TOTALS, ("row", row), takes=None, cell=None)

    def protect(self, row: int, column: int) -> bool:
        """Hide what else must be hidden for this cell; False when there is no way."""
        taken: dict[tuple[int, int], int] = {(row, column): self._counts[row][column]}  # nobody comes from itself
        need = CELL_MIN - self._counts[row][column]
        while need > 0:
            way = self._cheapest(row, column, taken)
            if way is None:
                return False
            takes = [step["takes"] for step in way if step["takes"] is not None]
            moved = min(need, *(self._counts[i][j] - taken.get((i, j), 0) for i, j in takes))
            taken.update({cell: taken.get(cell, 0) + moved for cell in takes})
            self.hidden.update(step["cell"] for step in way if step["cell"] is not None)
            need -= moved
        return True

    def _cheapest(self, row: int, column: int, taken: Mapping[tuple[int, int], int]) -> list[Mapping[str, Any]] | None:
        def cost(_: Node, __: Node, step: Mapping[str, Any]) -> int | None:
            takes, cell = step["takes"], step["cell"]
            if takes is not None and self._counts[takes[0]][takes[1]] <= taken.get(takes, 0):
                return None
            return 0 if cell is None or cell in self.hidden else 1 + self._counts[cell[0]][cell[1]]

        try:
            way = networkx.dijkstra_path(self._ways, ("column", column), ("row", row), weight=cost)
        except networkx.NetworkXNoPath:
            return None
        return [self._ways.edges[start, end] for start, end in pairwise(way)]
