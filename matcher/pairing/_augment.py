"""The market's compiled kernels: one call repairs plan and prices after one change.

Rows are newcomers, columns are mentors. Between calls these hold, in exact weights w·S + t (S = 2**40)::

    u[r] + v[c] >= weight(r, c)     for every live, unblocked pair; u, v >= 0
    u[r] + v[c] == weight(r, c)     for every pair of the plan
    u[r] > 0  only where r is placed        v[c] > 0  only where c is full

so plan and prices prove each other optimal (linear programming duality). A change breaks them at one row or one column
only, and one shortest augmenting path in reduced costs u + v − weight mends that: ``_place`` walks from a row that
seeks a slot, ``_fill`` from a slot that seeks a row. Both are Dijkstra's algorithm over columns, cut at the cost of
the best end found so far; only what was walked changes its price. Columns with many slots are not split.

Almost all time goes into looking along a row (or a column) for pairs that are cheap enough to matter. That look
compares 32-bit whole units of S, which the compiler turns into vector instructions; the tie-break t is
computed from the two ids' hashes for the few pairs that pass.

Importing this module imports numba, and compiles on a machine's first start; later starts load from the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

SCALE_BITS = 40  # S = 2**40 stands above the tie-breaks of any plan: 27 bits each, fewer than 2**13 pairs
TIE_BITS = 27
FAR = np.int64(2**63 - 1)  # the distance of a column that no path has reached
MASK = np.int32(1 << 29)  # added to a price in whole units, it hides the row or column: weights stay below 2**22
BLOCKED = np.int32(-(1 << 29))  # the weight of a pair that may not be
LANES = 64  # pairs looked at together; the tables' widths are multiples of it
NOBODY = -1

Ints = NDArray[np.int64]
ShortInts = NDArray[np.int32]


class Tables(NamedTuple):
    """The state that the kernels share: one entry a row, one a column, and scratch space for one search."""

    weight: ShortInts  # (rows, columns) whole weight w, BLOCKED where the pair may not be
    transposed: ShortInts  # (columns, rows) the same, so that looking along a column is as fast as along a row
    row_units: ShortInts  # u in whole units of S, rounded down; plus MASK where the row is not to be looked at
    column_units: ShortInts  # v likewise
    row_hash: NDArray[np.uint64]
    column_hash: NDArray[np.uint64]
    u: Ints  # what the plan would lose without the newcomer
    v: Ints  # the price of one of the mentor's slots
    partner: Ints  # the row's column in the plan, or NOBODY
    before: Ints  # the rows of a column are a doubly linked list
    after: Ints
    first: Ints  # the first row of the column's list
    slots: Ints
    used: Ints
    extent: Ints  # [0] rows and [1] columns ever used: beyond these nobody needs to look
    touched: Ints  # [0] how many rows changed partner since the list was last emptied, then which
    is_touched: NDArray[np.bool_]
    distance: Ints  # scratch, a column each: length of the shortest path found so far, FAR before and after
    block_least: Ints  # the least distance in each LANES columns: whom to walk next is found without looking at all
    via_row: Ints  # the row that reached the column
    via_column: Ints  # the column that row would move to (only when a slot seeks a row)
    walked: Ints  # the columns that were walked
    walked_at: Ints  # and their distance


def empty(rows: int, columns: int) -> Tables:
    """Make tables with room for so many rows and columns (multiples of LANES), all of them unused."""
    return Tables(
        weight=np.full((rows, columns), BLOCKED),
        transposed=np.full((columns, rows), BLOCKED),
        row_units=np.full(rows, MASK),
        column_units=np.full(columns, MASK),
        row_hash=np.zeros(rows, np.uint64),
        column_hash=np.zeros(columns, np.uint64),
        u=np.zeros(rows, np.int64),
        v=np.zeros(columns, np.int64),
        partner=np.full(rows, NOBODY, np.int64),
        before=np.full(rows, NOBODY, np.int64),
        after=np.full(rows, NOBODY, np.int64),
        first=np.full(columns, NOBODY, np.int64),
        slots=np.zeros(columns, np.int64),
        used=np.zeros(columns, np.int64),
        extent=np.zeros(2, np.int64),
        touched=np.zeros(rows + 1, np.int64),
        is_touched=np.zeros(rows, np.bool_),
        distance=np.full(columns, FAR),
        block_least=np.full(columns // LANES, FAR),
        via_row=np.full(columns, NOBODY, np.int64),
        via_column=np.full(columns, NOBODY, np.int64),
        walked=np.zeros(columns, np.int64),
        walked_at=np.zeros(columns, np.int64),
    )


Function = TypeVar("Function", bound=Callable[..., Any])

_DTYPES = {np.dtype(np.int32): types.int32, np.dtype(np.uint64): types.uint64, np.dtype(np.bool_): types.boolean}
_TABLES = types.NamedTuple(
    [types.Array(_DTYPES.get(table.dtype, types.int64), table.ndim, "C") for table in empty(0, 0)], Tables
)
_INTS = types.int64[::1]
_I = types.int64


def _inner(function: Function) -> Function:
    return cast(Function, njit(function))


def _kernel(*arguments: Any, returns: Any = types.void) -> Callable[[Function], Function]:
    """Compile at import for these arguments after the tables, or load what an earlier process compiled."""
    return cast(Callable[[Function], Function], njit(returns(_TABLES, *arguments), cache=True))


# One pair


@_inner
def _tie(row_hash: np.uint64, column_hash: np.uint64) -> np.int64:
    """The tie-break of a pair, 1 … 2**27 − 1: splitmix64's finaliser over the two ids' hashes."""
    z = row_hash + column_hash
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = (z ^ (z >> np.uint64(31))) >> np.uint64(64 - TIE_BITS)
    return max(np.int64(z), np.int64(1))


@_inner
def _exact(t: Tables, row: int, column: int) -> np.int64:
    return (np.int64(t.weight[row, column]) << SCALE_BITS) + _tie(t.row_hash[row], t.column_hash[column])


@_inner
def _reach(room: np.int64) -> np.int32:
    """The most whole units of (price − weight) at which a pair may still cost less than ``room``."""
    return np.int32(max(np.int64(-1 << 24), (room + (1 << TIE_BITS)) >> SCALE_BITS))


@_inner
def _attach(t: Tables, row: int, column: int) -> None:
    t.partner[row] = column
    t.before[row] = NOBODY
    t.after[row] = t.first[column]
    if t.first[column] >= 0:
        t.before[t.first[column]] = row
    t.first[column] = row
    t.used[column] += 1
    _touch(t, row)


@_inner
def _detach(t: Tables, row: int) -> None:
    column = t.partner[row]
    if t.before[row] >= 0:
        t.after[t.before[row]] = t.after[row]
    else:
        t.first[column] = t.after[row]
    if t.after[row] >= 0:
        t.before[t.after[row]] = t.before[row]
    t.partner[row] = NOBODY
    t.used[column] -= 1
    _touch(t, row)


@_inner
def _touch(t: Tables, row: int) -> None:
    if not t.is_touched[row]:
        t.is_touched[row] = True
        t.touched[0] += 1
        t.touched[t.touched[0]] = row


@_inner
def _reach_column(t: Tables, column: int, cost: int) -> None:
    t.distance[column] = cost
    t.block_least[column // LANES] = min(t.block_least[column // LANES], cost)


@_inner
def _nearest(t: Tables) -> tuple[int, int]:
    """The column that is reached at the least cost and not yet walked, and that cost (FAR when there is none)."""
    least, at = FAR, 0
    for block in range(0, t.extent[1], LANES):
        if t.block_least[block // LANES] < least:
            least, at = t.block_least[block // LANES], block
    while least < FAR and t.distance[at] != least:
        at += 1
    return at, least


@_inner
def _walk(t: Tables, column: int, so_far: int, n_walked: int) -> int:
    """Note that a column is walked, and take it out of those that are reached; how many are walked."""
    t.walked[n_walked], t.walked_at[n_walked] = column, so_far
    t.distance[column] = FAR
    block = column // LANES * LANES
    least = FAR
    for lane in range(np.uint64(LANES)):
        least = min(least, t.distance[np.uint64(block) + lane])
    t.block_least[block // LANES] = least
    return n_walked + 1


@_inner
def _forget(t: Tables) -> None:
    """Make every column unreached again."""
    for block in range(0, t.extent[1], LANES):
        if t.block_least[block // LANES] < FAR:
            t.block_least[block // LANES] = FAR
            t.distance[block : block + LANES] = FAR


# A row seeks a slot


@_inner
def _any_near(units: ShortInts, weight: ShortInts, block: int, reach: np.int32) -> bool:
    """Whether any of the pairs from ``block`` on is within reach: the sign bits of units − weight − reach − 1.

    Unsigned indices and one type throughout let the compiler make vector instructions of this loop.
    """
    beyond = np.int32(reach + 1)
    signs = np.int32(0)
    for lane in range(np.uint64(LANES)):
        at = np.uint64(block) + lane
        signs |= np.int32(np.int32(units[at] - weight[at]) - beyond)
    return signs < 0


@_inner
def _look_along_row(
    t: Tables, row: int, so_far: int, best: int, end_column: int, end_row: int
) -> tuple[int, int, int]:
    """Extend the path that freed ``row`` at cost ``so_far`` to every column that costs less than ``best`` in all."""
    units = t.column_units
    weight = t.weight[row]
    base = so_far + t.u[row]
    reach = _reach(best - base)
    for block in range(0, t.extent[1], LANES):
        if not _any_near(units, weight, block, reach):
            continue
        for c in range(block, block + LANES):
            if np.int32(units[c] - weight[c]) > reach:
                continue
            cost = base + t.v[c] - _exact(t, row, c)
            if cost >= best or cost >= t.distance[c]:
                continue
            _reach_column(t, c, cost)
            t.via_row[c] = row
            if t.used[c] < t.slots[c]:
                best, end_column, end_row = cost, c, NOBODY
                reach = _reach(best - base)
                continue
            other = t.first[c]
            while other >= 0:
                if cost + t.u[other] < best:
                    best, end_column, end_row = cost + t.u[other], c, other
                    reach = _reach(best - base)
                other = t.after[other]
    return best, end_column, end_row


@_inner
def _place(t: Tables, start: int) -> None:
    """Mend the market after ``start`` has come to hold no slot: its u may be too high, all else is as it should be.

    The path ends where it is cheapest: at a column with a free slot, at a row that gives its slot up for good,
    or at ``start`` itself, which then stays unplaced.
    """
    best, end_column, end_row = _look_along_row(t, start, 0, t.u[start], NOBODY, NOBODY)
    n_walked = 0
    column, so_far = _nearest(t)
    while so_far < best:
        n_walked = _walk(t, column, so_far, n_walked)
        t.column_units[column] += MASK
        row = t.first[column]
        while row >= 0:
            best, end_column, end_row = _look_along_row(t, row, so_far, best, end_column, end_row)
            row = t.after[row]
        column, so_far = _nearest(t)
    _set_u(t, start, t.u[start] - best)
    for at in range(n_walked):
        _shift_prices(t, t.walked[at], best - t.walked_at[at])
    _forget(t)
    if end_column == NOBODY:
        return
    if end_row != NOBODY:
        _detach(t, end_row)
    column = end_column
    while True:
        row = t.via_row[column]
        left = t.partner[row]
        if left >= 0:
            _detach(t, row)
        _attach(t, row, column)
        if row == start:
            return
        column = left


@_inner
def _set_u(t: Tables, row: int, u: int) -> None:
    t.u[row] = u
    t.row_units[row] = np.int32(u >> SCALE_BITS)


@_inner
def _set_v(t: Tables, column: int, v: int) -> None:
    t.v[column] = v
    t.column_units[column] = np.int32(v >> SCALE_BITS)


@_inner
def _shift_prices(t: Tables, column: int, by: int) -> None:
    """Make a column dearer, and its rows as much poorer: their pairs in the plan stay tight. Unmasks them."""
    _set_v(t, column, t.v[column] + by)
    row = t.first[column]
    while row >= 0:
        _set_u(t, row, t.u[row] - by)
        row = t.after[row]


# A slot seeks a row


@_inner
def _look_along_column(
    t: Tables, column: int, so_far: int, best: int, end_row: int, end_column: int
) -> tuple[int, int, int]:
    """Extend the path that freed a slot of ``column`` at cost ``so_far`` by every row worth moving there."""
    units = t.row_units
    weight = t.transposed[column]
    base = so_far + t.v[column]
    reach = _reach(best - base)
    for block in range(0, t.extent[0], LANES):
        if not _any_near(units, weight, block, reach):
            continue
        for r in range(block, block + LANES):
            if np.int32(units[r] - weight[r]) > reach:
                continue
            cost = base + t.u[r] - _exact(t, r, column)
            if cost >= best:
                continue
            left = t.partner[r]
            if left < 0:
                best, end_row, end_column = cost, r, column
                reach = _reach(best - base)
            elif cost < t.distance[left]:
                _reach_column(t, left, cost)
                t.via_row[left] = r
                t.via_column[left] = column
                if cost + t.v[left] < best:
                    best, end_row, end_column = cost + t.v[left], r, column
                    reach = _reach(best - base)
    return best, end_row, end_column


@_inner
def _fill(t: Tables, start: int) -> None:
    """Mend the market after ``start`` has come to have a free slot at a price above zero; all else is as it should be.

    The path ends where it is cheapest: at an unplaced row, at a column whose price falls to zero when a row
    leaves it, or at ``start`` itself, whose own price falls to zero.
    """
    best, end_row, end_column = t.v[start], NOBODY, NOBODY
    n_walked = 0
    column, so_far = start, np.int64(0)
    while so_far < best:
        n_walked = _walk(t, column, so_far, n_walked)
        row = t.first[column]
        while row >= 0:
            t.row_units[row] += MASK
            row = t.after[row]
        best, end_row, end_column = _look_along_column(t, column, so_far, best, end_row, end_column)
        column, so_far = _nearest(t)
    for at in range(n_walked):
        _shift_prices(t, t.walked[at], t.walked_at[at] - best)
    _forget(t)
    row, column = end_row, end_column
    while row != NOBODY:
        if t.partner[row] >= 0:
            _detach(t, row)
        _attach(t, row, column)
        if column == start:
            return
        row, column = t.via_row[column], t.via_column[column]


@_inner
def _settle(t: Tables, column: int) -> None:
    while t.used[column] < t.slots[column] and t.v[column] > 0:
        _fill(t, column)


# Changes


@_inner
def _bound_u(t: Tables, row: int) -> None:
    """Give a row that holds no slot a u that is high enough for every column: at most one unit too high."""
    most = np.int32(-1)
    units = t.column_units
    weight = t.weight[row]
    for c in range(t.extent[1]):
        most = max(most, weight[c] - units[c])
    _set_u(t, row, (np.int64(most) + 1) << SCALE_BITS)


@_inner
def _reserve(t: Tables, column: int) -> None:
    """Set a column's price to the least at which nobody is better off there than where they are."""
    most = np.int64(0)
    for r in range(t.extent[0]):
        if t.row_units[r] < MASK and t.transposed[column, r] >= 0:
            most = max(most, _exact(t, r, column) - t.u[r])
    _set_v(t, column, most)


@_inner
def _write_row(t: Tables, row: int, weights: Ints, columns: Ints) -> None:
    for at in range(columns.size):
        w = np.int32(weights[at]) if weights[at] >= 0 else BLOCKED
        t.weight[row, columns[at]] = w
        t.transposed[columns[at], row] = w


@_inner
def _write_column(t: Tables, column: int, weights: Ints, rows: Ints) -> None:
    for at in range(rows.size):
        w = np.int32(weights[at]) if weights[at] >= 0 else BLOCKED
        t.weight[rows[at], column] = w
        t.transposed[column, rows[at]] = w


@_inner
def _retire(t: Tables, row: int) -> None:
    t.u[row] = 0
    t.row_units[row] = MASK


@_kernel(_I, _INTS, _INTS)
def arrive(t: Tables, row: int, weights: Ints, columns: Ints) -> None:
    """Take an unused row into the market, its weights in the order of ``columns`` (negative: blocked)."""
    _write_row(t, row, weights, columns)
    _bound_u(t, row)
    _place(t, row)


@_kernel(_I)
def leave(t: Tables, row: int) -> None:
    """Take a row out; its slot goes to whoever gains the plan most."""
    column = t.partner[row]
    if column >= 0:
        _detach(t, row)
    _retire(t, row)
    if column >= 0:
        _settle(t, column)


@_kernel(_I)
def commit(t: Tables, row: int) -> None:
    """Take a placed row and its slot out together: the rest of the plan stays optimal as it is."""
    column = t.partner[row]
    _detach(t, row)
    t.slots[column] -= 1
    _retire(t, row)


@_kernel(_I, _INTS, _INTS)
def reweigh(t: Tables, row: int, weights: Ints, columns: Ints) -> None:
    """Replace a row's weights."""
    column = t.partner[row]
    if column >= 0:
        _detach(t, row)
    _write_row(t, row, weights, columns)
    _bound_u(t, row)
    _place(t, row)
    if column >= 0:
        _settle(t, column)


@_kernel(_I, _I, _INTS)
def shift(t: Tables, row: int, by: int, columns: Ints) -> None:
    """Add ``by`` to every weight of a row: for a placed row that stays placed, only its u changes."""
    for at in range(columns.size):
        if t.weight[row, columns[at]] >= 0:
            t.weight[row, columns[at]] += np.int32(by)
            t.transposed[columns[at], row] += np.int32(by)
    column = t.partner[row]
    u = t.u[row] + (np.int64(by) << SCALE_BITS)
    if column >= 0 and u >= 0:
        _set_u(t, row, u)
    elif column >= 0:
        _detach(t, row)
        _set_u(t, row, 0)
        _settle(t, column)
    elif by > 0:
        _bound_u(t, row)
        _place(t, row)


@_kernel(_I, _I, _INTS, _INTS)
def open_column(t: Tables, column: int, slots: int, weights: Ints, rows: Ints) -> None:
    """Take an unused column into the market, its weights in the order of ``rows`` (negative: blocked)."""
    _write_column(t, column, weights, rows)
    t.slots[column] = slots
    _reserve(t, column)
    _settle(t, column)


@_inner
def _resize(t: Tables, column: int, slots: int) -> None:
    while t.used[column] > slots:
        poorest = t.first[column]
        row = t.after[poorest]
        while row >= 0:
            if t.u[row] < t.u[poorest]:
                poorest = row
            row = t.after[row]
        t.slots[column] = t.used[column] - 1
        _detach(t, poorest)
        _place(t, poorest)
    t.slots[column] = slots
    _settle(t, column)


@_kernel(_I, _I)
def set_slots(t: Tables, column: int, slots: int) -> None:
    """Change how many rows a column holds: who must go finds the best other way, who may come comes."""
    _resize(t, column, slots)


@_kernel(_I)
def close_column(t: Tables, column: int) -> None:
    """Take a column out of the market; its rows find the best other way."""
    _resize(t, column, 0)
    t.v[column] = 0
    t.column_units[column] = MASK


@_kernel(_I, _INTS, _INTS)
def reweigh_column(t: Tables, column: int, weights: Ints, rows: Ints) -> None:
    """Replace a column's weights: only rows that are no longer tight with it leave it and are placed again."""
    _write_column(t, column, weights, rows)
    _reserve(t, column)
    evicted = NOBODY
    row = t.first[column]
    while row >= 0:
        following = t.after[row]
        if t.weight[row, column] < 0 or _exact(t, row, column) != t.u[row] + t.v[column]:
            _detach(t, row)
            t.after[row] = evicted
            evicted = row
        row = following
    while evicted >= 0:
        row = evicted
        evicted = t.after[row]
        _place(t, row)
    _settle(t, column)


@_kernel(_INTS, _INTS, _INTS)
def ties(t: Tables, rows: Ints, columns: Ints, out: Ints) -> None:
    """Write the tie-breaks of the pairs (rows[k], columns[k]) to ``out[k]``."""
    for at in range(rows.size):
        out[at] = _tie(t.row_hash[rows[at]], t.column_hash[columns[at]])
