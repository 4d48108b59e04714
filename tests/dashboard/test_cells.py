"""Counts that may be shown, attacked by somebody who knows everything that is shown and can solve linear programs."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dashboard.cells import CELL_MIN, merged, shown_cells, shown_totals
from tests.dashboard.attacker import Attacker

counts = st.one_of(st.integers(0, 6), st.integers(0, 40))


@st.composite
def tables(draw: st.DrawFn) -> list[list[list[int]]]:
    """Up to three tables of the same people: rows have the same totals in each, every column at least five."""
    rows = draw(st.integers(1, 5))
    first = draw(st.lists(st.lists(counts, min_size=rows, max_size=rows), min_size=1, max_size=5))
    made = [[list(line) for line in zip(*first, strict=True)]]
    assume(all(map(sum, made[0])))
    for _ in range(draw(st.integers(0, 2))):
        columns = draw(st.integers(1, 4))
        cuts = [sorted(draw(st.integers(0, sum(line))) for _ in range(columns - 1)) for line in made[0]]
        made.append([_split(sum(line), cut) for line, cut in zip(made[0], cuts, strict=True)])
    assume(all(sum(column) >= CELL_MIN for table in made for column in zip(*table, strict=True)))
    return made


def _split(total: int, cuts: list[int]) -> list[int]:
    edges = [0, *cuts, total]
    return [end - start for start, end in pairwise(edges)]


def attacked(made: list[list[list[int]]], totals: list[bool], cells: list[list[list[bool]]]) -> tuple[Attacker, list]:
    """Somebody who knows the totals of columns, and of the rest what is shown; and what is hidden from them."""
    attacker, hidden = Attacker(), [row for row, is_shown in enumerate(totals) if not is_shown]
    for number, (table, shown) in enumerate(zip(made, cells, strict=True)):
        for column, counts in enumerate(zip(*table, strict=True)):
            attacker.knows({(number, row, column): 1 for row in range(len(table))}, sum(counts))
        for row, line in enumerate(table):
            attacker.knows({row: -1} | {(number, row, column): 1 for column in range(len(line))}, 0)
            if totals[row]:
                attacker.knows({row: 1}, sum(line))
            for column, count in enumerate(line):
                if shown[row][column]:
                    attacker.knows({(number, row, column): 1}, count)
                else:
                    hidden.append((number, row, column))
    return attacker, hidden


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(tables())
def test_nobody_can_tell_that_a_hidden_number_is_small(made: list[list[list[int]]]) -> None:
    totals = shown_totals([sum(line) for line in made[0]])
    cells = [shown_cells(table, totals) for table in made]
    for table, shown in zip(made, cells, strict=True):
        for row, line in enumerate(table):
            assert all(count >= CELL_MIN for count, is_shown in zip(line, shown[row], strict=True) if is_shown)
            assert totals[row] or not any(shown[row])
    attacker, hidden = attacked(made, totals, cells)
    assert all(attacker.most(place) >= CELL_MIN - 1e-6 for place in hidden)


def test_the_attacker_finds_out_when_only_small_cells_are_hidden() -> None:
    table = [[20, 3, 9], [12, 30, 8]]
    naive = [[count >= CELL_MIN for count in line] for line in table]
    attacker, hidden = attacked([table], [True, True], [naive])
    assert attacker.most(hidden[0]) == pytest.approx(3)


def test_a_small_cell_takes_three_others_with_it_and_the_rest_is_shown() -> None:
    table = [[20, 3, 9], [12, 30, 8]]
    assert shown_cells(table, [True, True]) == [[True, False, False], [True, False, False]]


def test_where_nothing_is_small_everything_is_shown() -> None:
    assert shown_totals([5, 50]) == [True, True]
    assert shown_cells([[5, 9], [30, 20]], [True, True]) == [[True, True], [True, True]]


def test_a_small_total_hides_the_next_and_two_that_hide_each_other_hide_no_third() -> None:
    assert shown_totals([40, 3, 9]) == [True, False, False]
    assert shown_totals([40, 3, 4, 9]) == [True, False, False, True]
    assert shown_totals([40, 1, 1, 9]) == [True, False, False, False], "one and one are two: the sum would tell"


def test_a_cell_that_no_single_way_fills_is_filled_by_several() -> None:
    table = [[1, 30], [2, 30], [2, 30], [1, 30]]
    shown = shown_cells(table, [True] * 4)
    attacker, hidden = attacked([table], [True] * 4, [shown])
    assert all(attacker.most(place) >= CELL_MIN for place in hidden)


def test_columns_are_put_together_until_each_has_five() -> None:
    assert merged([9, 1, 2, 3, 8, 1]) == [range(1), range(1, 4), range(4, 6)]
    assert merged([1, 2]) == []
    assert [sum([9, 1, 2, 3, 8, 1][i] for i in group) for group in merged([9, 1, 2, 3, 8, 1])] == [9, 6, 9]
