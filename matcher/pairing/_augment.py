"""The market's compiled kernels: one call repairs plan and prices after one change.

Rows are newcomers, columns are mentors. Between calls these hold, in exact weights w·S + t::

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

Importing this module imports numba; see ``_compiled``. All kernels are in this one file because numba's cache notices
changes by its date.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import from_dtype, types

from matcher.pairing._compiled import Function, inner, kernel
from matcher.pairing._tables import (
    BLOCKED,
    COLUMN,
    COLUMNS,
    FAR,
    LANES,
    MASK,
    NOBODY,
    ROW,
    ROWS,
    SCALE_BITS,
    TIE_BITS,
    TOUCHED,
    Ints,
    ShortInts,
    Tables,
)

_I = types.int64
_INTS = types.int64[::1]
_UNITS = types.int32[::1]
_MATRIX = types.int32[:, ::1]
_TABLES = cast(Callable[..., Any], types.NamedTuple)(
    [_MATRIX, _MATRIX, _UNITS, _UNITS, from_dtype(ROW)[::1], from_dtype(COLUMN)[::1], *[_INTS] * 5], Tables
)


@kernel(types.boolean(_INTS, _I, _I))
def are_within(numbers: Ints, least: int, most: int) -> bool:
    """Whether none of the numbers is smaller or greater."""
    outside = 0
    for at in range(numbers.size):
        outside += int(numbers[at] < least) | int(numbers[at] > most)
    return outside == 0


def _kernel(*arguments: Any) -> Callable[[Function], Function]:
    """A kernel of the tables and these arguments."""
    return kernel(types.void(_TABLES, *arguments))


@inner
def _wide(number: np.integer[Any]) -> int:
    return np.int64(number)  # type: ignore[return-value]  # to numba, int is int64


@inner
def _tie(row_hash: np.uint64, column_hash: np.uint64) -> int:
    """The tie-break of a pair, 1 … 2**27 − 1: splitmix64's finaliser over the two ids' hashes."""
    z = row_hash + column_hash
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = (z ^ (z >> np.uint64(31))) >> np.uint64(64 - TIE_BITS)
    return max(_wide(z), 1)


@inner
def _exact(t: Tables, row: int, column: int) -> int:
    return (_wide(t.weight[row, column]) << SCALE_BITS) + _tie(t.rows[row].hash, t.columns[column].hash)


@inner
def _attach(t: Tables, row: int, column: int) -> None:
    following = t.columns[column].first
    t.rows[row].partner = column
    t.rows[row].before = NOBODY
    t.rows[row].after = following
    if following != NOBODY:
        t.rows[following].before = row
    t.columns[column].first = row
    t.columns[column].used += 1
    _touch(t, row)


@inner
def _detach(t: Tables, row: int) -> None:
    column, before, after = t.rows[row].partner, t.rows[row].before, t.rows[row].after
    if before != NOBODY:
        t.rows[before].after = after
    else:
        t.columns[column].first = after
    if after != NOBODY:
        t.rows[after].before = before
    t.rows[row].partner = NOBODY
    t.columns[column].used -= 1
    _touch(t, row)


@inner
def _touch(t: Tables, row: int) -> None:
    if not t.rows[row].touched:
        t.rows[row].touched = 1
        t.touched[t.counts[TOUCHED]] = row
        t.counts[TOUCHED] += 1


@inner
def _set_u(t: Tables, row: int, u: int) -> None:
    t.rows[row].u = u
    t.row_units[row] = np.int32(u >> SCALE_BITS)


@inner
def _set_v(t: Tables, column: int, v: int) -> None:
    t.columns[column].v = v
    t.column_units[column] = np.int32(v >> SCALE_BITS)


@inner
def _shift_prices(t: Tables, column: int, by: int) -> None:
    """Make a column dearer, and its rows as much poorer: their pairs in the plan stay tight. Unmasks them."""
    _set_v(t, column, t.columns[column].v + by)
    row = t.columns[column].first
    while row != NOBODY:
        _set_u(t, row, t.rows[row].u - by)
        row = t.rows[row].after


@inner
def _reach(room: int) -> np.int32:
    """The most whole units of (price − weight) at which a pair may still cost less than ``room``."""
    return np.int32(max(-1 << 24, (room + (1 << TIE_BITS)) >> SCALE_BITS))


@inner
def _any_near(units: ShortInts, weight: ShortInts, block: int, reach: np.int32) -> bool:
    """Whether any of the pairs from ``block`` on is within reach: the sign bits of units − weight − reach − 1.

    Unsigned indices and one type throughout let the compiler make vector instructions of this loop.
    """
    beyond = np.int32(reach + np.int32(1))
    signs = np.int32(0)
    for lane in range(np.uint64(LANES)):
        at = np.uint64(block) + lane
        signs |= np.int32(np.int32(units[at] - weight[at]) - beyond)
    return bool(signs < 0)


@inner
def _reach_column(t: Tables, column: int, cost: int) -> None:
    t.distance[column] = cost
    t.block_least[column // LANES] = min(t.block_least[column // LANES], cost)


@inner
def _nearest(t: Tables) -> tuple[int, int]:
    """The column that is reached at the least cost and not yet walked, and that cost (FAR when there is none)."""
    least, at = FAR, 0
    for block in range((t.counts[COLUMNS] + LANES - 1) // LANES):
        if t.block_least[block] < least:
            least, at = t.block_least[block], block * LANES
    while least < FAR and t.distance[at] != least:
        at += 1
    return at, least


@inner
def _walk(t: Tables, column: int, so_far: int, n_walked: int) -> int:
    """Note that a column is walked, and take it out of those that are reached; how many are walked now."""
    t.walked[n_walked] = column
    t.columns[column].walked_at = so_far
    t.distance[column] = FAR
    block = column // LANES
    least = FAR
    for lane in range(np.uint64(LANES)):
        least = min(least, t.distance[np.uint64(block * LANES) + lane])
    t.block_least[block] = least
    return n_walked + 1


@inner
def _forget(t: Tables) -> None:
    """Make every column unreached again."""
    for block in range((t.counts[COLUMNS] + LANES - 1) // LANES):
        if t.block_least[block] < FAR:
            t.block_least[block] = FAR
            t.distance[block * LANES : (block + 1) * LANES] = FAR


@inner
def _look_along_row(t: Tables, row: int, so_far: int, best: int, end_column: int, end_row: int) -> tuple[int, int, int]:
    """Extend the path that freed ``row`` at cost ``so_far`` to every column that costs less than ``best`` in all."""
    units, weight = t.column_units, t.weight[row]
    base = so_far + t.rows[row].u
    reach = _reach(best - base)
    for block in range(0, t.counts[COLUMNS], LANES):
        if not _any_near(units, weight, block, reach):
            continue
        for c in range(block, block + LANES):
            if units[c] - weight[c] > reach:
                continue
            cost = base + t.columns[c].v - _exact(t, row, c)
            if cost >= best or cost >= t.distance[c]:
                continue
            _reach_column(t, c, cost)
            t.columns[c].via_row = row
            if t.columns[c].used < t.columns[c].slots:
                best, end_column, end_row = cost, c, NOBODY
            other = t.columns[c].first
            while other != NOBODY:
                if cost + t.rows[other].u < best:
                    best, end_column, end_row = cost + t.rows[other].u, c, other
                other = t.rows[other].after
            reach = _reach(best - base)
    return best, end_column, end_row


@inner
def _place(t: Tables, start: int) -> None:
    """Mend the market after ``start`` has come to hold no slot: its u may be too high, all else is as it should be.

    The path ends where it is cheapest: at a column with a free slot, at a row that gives its slot up for good,
    or at ``start`` itself, which then stays unplaced.
    """
    best, end_column, end_row = _look_along_row(t, start, 0, t.rows[start].u, NOBODY, NOBODY)
    n_walked = 0
    column, so_far = _nearest(t)
    while so_far < best:
        n_walked = _walk(t, column, so_far, n_walked)
        t.column_units[column] += MASK
        row = t.columns[column].first
        while row != NOBODY:
            best, end_column, end_row = _look_along_row(t, row, so_far, best, end_column, end_row)
            row = t.rows[row].after
        column, so_far = _nearest(t)
    _forget(t)
    _set_u(t, start, t.rows[start].u - best)
    for at in range(n_walked):
        _shift_prices(t, t.walked[at], best - t.columns[t.walked[at]].walked_at)
    if end_column != NOBODY:
        _move_up(t, start, end_column, end_row)


@inner
def _move_up(t: Tables, start: int, column: int, out: int) -> None:
    """Move each row of the path from ``start`` one column on; ``out`` (if anybody) loses its slot at the end."""
    if out != NOBODY:
        _detach(t, out)
    row = NOBODY
    while row != start:
        row = t.columns[column].via_row
        left = t.rows[row].partner
        if left != NOBODY:
            _detach(t, row)
        _attach(t, row, column)
        column = left


@inner
def _look_along_column(
    t: Tables, column: int, so_far: int, best: int, end_row: int, end_column: int
) -> tuple[int, int, int]:
    """Extend the path that freed a slot of ``column`` at cost ``so_far`` by every row worth moving there."""
    units, weight = t.row_units, t.transposed[column]
    base = so_far + t.columns[column].v
    reach = _reach(best - base)
    for block in range(0, t.counts[ROWS], LANES):
        if not _any_near(units, weight, block, reach):
            continue
        for r in range(block, block + LANES):
            if units[r] - weight[r] > reach:
                continue
            cost = base + t.rows[r].u - _exact(t, r, column)
            left = t.rows[r].partner
            if cost >= best or (left != NOBODY and cost >= t.distance[left]):
                continue
            at_end = cost
            if left != NOBODY:
                _reach_column(t, left, cost)
                t.columns[left].via_row, t.columns[left].via_column = r, column
                at_end = cost + t.columns[left].v
            if at_end < best:
                best, end_row, end_column = at_end, r, column
                reach = _reach(best - base)
    return best, end_row, end_column


@inner
def _fill(t: Tables, start: int) -> None:
    """Mend the market after ``start`` has come to have a free slot at a price above zero; all else is as it should be.

    The path ends where it is cheapest: at an unplaced row, at a column whose price falls to zero when a row
    leaves it, or at ``start`` itself, whose own price falls to zero.
    """
    best, end_row, end_column = t.columns[start].v, NOBODY, NOBODY
    n_walked = 0
    column, so_far = start, 0
    while so_far < best:
        n_walked = _walk(t, column, so_far, n_walked)
        row = t.columns[column].first
        while row != NOBODY:
            t.row_units[row] += MASK
            row = t.rows[row].after
        best, end_row, end_column = _look_along_column(t, column, so_far, best, end_row, end_column)
        column, so_far = _nearest(t)
    _forget(t)
    for at in range(n_walked):
        _shift_prices(t, t.walked[at], t.columns[t.walked[at]].walked_at - best)
    if end_row != NOBODY:
        _move_down(t, start, end_row, end_column)


@inner
def _move_down(t: Tables, start: int, row: int, column: int) -> None:
    """Move each row of the path to the column that it would better, from ``row`` to whoever takes ``start``'s slot."""
    while True:
        if t.rows[row].partner != NOBODY:
            _detach(t, row)
        _attach(t, row, column)
        if column == start:
            return
        row, column = t.columns[column].via_row, t.columns[column].via_column


@inner
def _settle(t: Tables, column: int) -> None:
    while t.columns[column].used < t.columns[column].slots and t.columns[column].v > 0:
        _fill(t, column)


@inner
def _bound_u(t: Tables, row: int) -> None:
    """Give a row that holds no slot a u that is high enough for every column: at most one unit too high."""
    units, weight = t.column_units, t.weight[row]
    most = np.int32(-1)
    for c in range(np.uint64(t.counts[COLUMNS])):
        most = max(most, np.int32(weight[c] - units[c]))
    _set_u(t, row, (_wide(most) + 1) << SCALE_BITS)


@inner
def _reserve(t: Tables, column: int) -> None:
    """Set a column's price to the least at which nobody is better off there than where they are."""
    most = 0
    for r in range(t.counts[ROWS]):
        if t.row_units[r] < MASK and t.transposed[column, r] >= 0:
            most = max(most, _exact(t, r, column) - t.rows[r].u)
    _set_v(t, column, most)


@_kernel(_I, _INTS, _INTS)
def weigh_row(t: Tables, row: int, weights: Ints, columns: Ints) -> None:
    """Give a row, new or present, its weights in the order of ``columns`` (negative: blocked)."""
    column = t.rows[row].partner
    if column != NOBODY:
        _detach(t, row)
    for at in range(columns.size):
        weight = np.int32(weights[at]) if weights[at] >= 0 else BLOCKED
        t.weight[row, columns[at]] = weight
        t.transposed[columns[at], row] = weight
    _bound_u(t, row)
    _place(t, row)
    if column != NOBODY:
        _settle(t, column)


@kernel(types.boolean(_TABLES, _I, _I, _INTS, _I))
def can_shift(t: Tables, row: int, by: int, columns: Ints, most: int) -> bool:
    """Whether every weight of a row stays within 0 … ``most`` when ``by`` is added to it."""
    for at in range(columns.size):
        weight = t.weight[row, columns[at]]
        if weight >= 0 and not 0 <= weight + by <= most:
            return False
    return True


@_kernel(_I, _I, _INTS)
def shift_row(t: Tables, row: int, by: int, columns: Ints) -> None:
    """Add ``by`` to every weight of a row: for a placed row that stays placed, only its u changes."""
    for at in range(columns.size):
        if t.weight[row, columns[at]] >= 0:
            t.weight[row, columns[at]] += np.int32(by)
            t.transposed[columns[at], row] += np.int32(by)
    column = t.rows[row].partner
    u = t.rows[row].u + (by << SCALE_BITS)
    if column == NOBODY:
        _bound_u(t, row)
        _place(t, row)
    elif u >= 0:
        _set_u(t, row, u)
    else:
        _detach(t, row)
        _set_u(t, row, 0)
        _settle(t, column)


@_kernel(_I)
def drop_row(t: Tables, row: int) -> None:
    """Take a row out; its slot, if it had one that is still open, goes to whoever gains the plan most."""
    column = t.rows[row].partner
    if column != NOBODY:
        _detach(t, row)
    t.rows[row].u = 0
    t.row_units[row] = MASK
    if column != NOBODY:
        _settle(t, column)


@_kernel(_I, _INTS, _INTS)
def weigh_column(t: Tables, column: int, weights: Ints, rows: Ints) -> None:
    """Give a column, new or present, its weights in the order of ``rows``: who is no longer tight is placed again."""
    for at in range(rows.size):
        weight = np.int32(weights[at]) if weights[at] >= 0 else BLOCKED
        t.weight[rows[at], column] = weight
        t.transposed[column, rows[at]] = weight
    _reserve(t, column)
    evicted = NOBODY
    row = t.columns[column].first
    while row != NOBODY:
        following = t.rows[row].after
        if t.weight[row, column] < 0 or _exact(t, row, column) != t.rows[row].u + t.columns[column].v:
            _detach(t, row)
            t.rows[row].after = evicted
            evicted = row
        row = following
    while evicted != NOBODY:
        row = evicted
        evicted = t.rows[row].after
        _place(t, row)
    _settle(t, column)


@_kernel(_I, _I)
def resize_column(t: Tables, column: int, slots: int) -> None:
    """Change how many rows a column holds: who must go finds the best other way, who may come comes."""
    while t.columns[column].used > slots:
        poorest = t.columns[column].first
        row = t.rows[poorest].after
        while row != NOBODY:
            if t.rows[row].u < t.rows[poorest].u:
                poorest = row
            row = t.rows[row].after
        t.columns[column].slots = t.columns[column].used - 1
        _detach(t, poorest)
        _place(t, poorest)
    t.columns[column].slots = slots
    _settle(t, column)


@_kernel(_INTS, _INTS, _INTS)
def ties(t: Tables, rows: Ints, columns: Ints, out: Ints) -> None:
    """Write the tie-breaks of the pairs (rows[k], columns[k]) to ``out[k]``."""
    for at in range(rows.size):
        out[at] = _tie(t.rows[rows[at]].hash, t.columns[columns[at]].hash)
