"""The market's state as numpy tables, and what is done to them outside of the compiled kernels.

Rows are newcomers, columns are mentors. A place that nobody holds is masked, so that no search sees it.

The kernels have the constants compiled in, and numba's cache looks at the date of ``_augment.py`` only: who changes a
number here also touches that file.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

SCALE_BITS = 40  # S = 2**40 stands above the tie-breaks of any plan: 27 bits each, fewer than 2**13 pairs
TIE_BITS = 27
FAR = 2**63 - 1  # the distance of a column that no path has reached
MASK = np.int32(1 << 29)  # added to a price in whole units, it hides the row or column: weights stay below 2**22
BLOCKED = np.int32(-(1 << 29))  # the weight of a pair that may not be
LANES = 64  # pairs looked at together; the tables' widths are multiples of it
NOBODY = -1
ROWS, COLUMNS, TOUCHED = 0, 1, 2  # places in Tables.counts

Ints = NDArray[np.int64]
ShortInts = NDArray[np.int32]
Records = NDArray[np.void]

ROW = np.dtype(
    [
        ("u", np.int64),  # what the plan would lose without the newcomer
        ("partner", np.int64),  # the column in the plan, or NOBODY
        ("before", np.int64),  # the rows of a column are a doubly linked list
        ("after", np.int64),
        ("hash", np.uint64),
        ("touched", np.int64),  # 1 while the row is in Tables.touched
    ]
)
COLUMN = np.dtype(
    [
        ("v", np.int64),  # the price of one of the mentor's slots
        ("slots", np.int64),
        ("used", np.int64),
        ("first", np.int64),  # the first of its rows, or NOBODY
        ("hash", np.uint64),
        ("via_row", np.int64),  # in a search: the row by which the column was reached
        ("via_column", np.int64),  # and where that row would move (only when a slot seeks a row)
        ("walked_at", np.int64),  # and the distance at which the search walked on from here
    ]
)


class Tables(NamedTuple):
    """The state that the kernels share. One record is one cache line, or less."""

    weight: ShortInts  # (rows, columns) whole weight w, BLOCKED where the pair may not be
    transposed: ShortInts  # (columns, rows) the same, so that looking along a column is as fast as along a row
    row_units: ShortInts  # u in whole units of S, rounded down; plus MASK where the row is not to be looked at
    column_units: ShortInts  # v likewise
    rows: Records
    columns: Records
    counts: Ints  # rows and columns ever used (beyond these nobody needs to look), and how many rows are touched
    touched: Ints  # the rows whose partner changed since the list was last emptied
    distance: Ints  # of each column in a search: length of the shortest path found so far, FAR outside of searches
    block_least: Ints  # the least distance in each LANES columns, so that whom to walk next is found quickly
    walked: Ints  # the columns that the search has walked on from


def empty(rows: int, columns: int) -> Tables:
    """Make tables with room for so many rows and columns (multiples of LANES), all of them unused."""
    nobody = np.zeros(1, ROW)
    nobody["partner"] = nobody["before"] = nobody["after"] = NOBODY
    nowhere = np.zeros(1, COLUMN)
    nowhere["first"] = NOBODY
    return Tables(
        weight=np.full((rows, columns), BLOCKED),
        transposed=np.full((columns, rows), BLOCKED),
        row_units=np.full(rows, MASK),
        column_units=np.full(columns, MASK),
        rows=np.repeat(nobody, rows),
        columns=np.repeat(nowhere, columns),
        counts=np.zeros(3, np.int64),
        touched=np.zeros(rows, np.int64),
        distance=np.full(columns, FAR),
        block_least=np.full(columns // LANES, FAR),
        walked=np.zeros(columns, np.int64),
    )


def grown(t: Tables, rows: int, columns: int) -> Tables:
    """Copy the tables into larger ones."""
    larger = empty(rows, columns)
    for old, new in zip(cast(tuple[NDArray[Any], ...], t), cast(tuple[NDArray[Any], ...], larger), strict=True):
        new[tuple(slice(length) for length in old.shape)] = old
    return larger


def with_same_weights(t: Tables) -> Tables:
    """Copy all but the weights, so that whole rows and columns can be taken out on trial."""
    return Tables(t.weight, t.transposed, *(table.copy() for table in cast(tuple[NDArray[Any], ...], t[2:])))


def take_touched(t: Tables) -> Ints:
    """The rows whose partner changed since the last call, each once."""
    touched = t.touched[: t.counts[TOUCHED]].copy()
    t.rows["touched"][touched] = 0
    t.counts[TOUCHED] = 0
    return touched


def hide_column(t: Tables, column: int) -> None:
    """Take a column that holds no row out of every search, and out of the prices."""
    t.columns[column]["v"] = 0
    t.column_units[column] = MASK


def pairs(t: Tables) -> tuple[Ints, Ints]:
    """Rows and columns of the plan's pairs."""
    partner = t.rows["partner"]
    placed = np.flatnonzero(partner != NOBODY)
    return placed, partner[placed]


def value(t: Tables) -> int:
    """Σ w over the plan."""
    return int(t.weight[pairs(t)].sum(dtype=np.int64))
