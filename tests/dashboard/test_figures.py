"""Figures by group, attacked by somebody who has opened every page: everybody, and every way to tell people apart."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.cells import CELL_MIN
from dashboard.figures import Figure, Measure, figures, measure
from dashboard.groups import Partition
from tests.dashboard.attacker import Attacker

LETTERS = "abcd"
COLUMNS = 5


def label(these: range) -> str:
    return f"{these.start}-{these.stop}"


def columns_of(figure: Figure) -> list[range]:
    return [range(*map(int, name.split("-"))) for name in figure.columns]


@st.composite
def crowds(draw: st.DrawFn) -> tuple[list[list[int]], list[str], list[list[bool]]]:
    """People: where they are in three measures, their group, and whether they live with each of two things."""
    many = draw(st.integers(0, 90))
    tilt = draw(st.lists(st.sampled_from(range(COLUMNS)), min_size=3, max_size=12))
    places = [draw(st.lists(st.sampled_from(tilt), min_size=many, max_size=many)) for _ in range(3)]
    groups = draw(
        st.lists(st.sampled_from(draw(st.text(LETTERS, min_size=2, max_size=9))), min_size=many, max_size=many)
    )
    lived = [draw(st.lists(st.booleans(), min_size=many, max_size=many)) for _ in range(2)]
    return places, groups, lived


def partitions_of(groups: list[str], lived: list[list[bool]]) -> list[list[Partition]]:
    places = range(len(groups))
    told = {letter: [i for i in places if groups[i] == letter] for letter in LETTERS if letter in groups}
    things = [[i for i in places if has[i]] for has in lived]
    one_or_not = [Partition({f"lives with {n}": has}, is_one_or_not=True) for n, has in enumerate(things) if has]
    return [[Partition(told)], one_or_not]


def measures_of(places: list[list[int]]) -> list[Measure]:
    made = [measure(f"m{n}", each, COLUMNS, label, widens=n < 2) for n, each in enumerate(places)]
    return [each for each in made if each is not None]


def learn(attacker: Attacker, shown: list[Figure], partition: Partition | None) -> list:
    """Everything that the figures say of a partition, in counts by narrow column; and the cells that are hidden."""
    hidden = []
    for figure in shown:
        for line in figure.lines:
            if line.group == "everybody":
                groups = ["all"]
            elif partition is not None and not set(line.group.replace(" and ", ", ").split(", ")) - set(
                partition.groups
            ):
                groups = line.group.replace(" and ", ", ").split(", ")
            else:
                continue
            attacker.knows({(figure.name, group, c): 1 for group, c in product(groups, range(COLUMNS))}, line.total)
            assert line.total >= CELL_MIN
            for column, count in zip(columns_of(figure), line.counts, strict=True):
                cells = {(figure.name, group, c): 1 for group, c in product(groups, column)}
                name = (figure.name, line.group, column)
                attacker.knows(cells | {name: -1}, 0)
                if count is None:
                    hidden.append(name)
                else:
                    assert count >= CELL_MIN
                    attacker.knows(cells, count)
    return hidden


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(crowds())
def test_nobody_who_saw_every_page_can_tell_that_a_hidden_number_is_small(crowd) -> None:
    places, groups, lived = crowd
    measures = measures_of(places)
    if not measures:
        return
    plain, ways = figures(measures, []), partitions_of(groups, lived)
    for partition in [each for way in ways for each in way]:
        attacker, shown = Attacker(), figures(measures, next(way for way in ways if partition in way))
        hidden = learn(attacker, plain, None) + learn(attacker, shown, partition)
        everyone = [*partition.groups, *(["else"] if partition.is_one_or_not else [])]
        for each in measures:
            for column in range(COLUMNS):
                parts = {(each.name, group, column): 1 for group in everyone}
                attacker.knows(parts | {(each.name, "all", column): -1}, 0)
        for group in everyone:  # they are the same people in each figure
            for one, other in pairwise(measures):
                mine = {(one.name, group, c): 1 for c in range(COLUMNS)}
                attacker.knows(mine | {(other.name, group, c): -1 for c in range(COLUMNS)}, 0)
            total = ("total", group)
            attacker.knows({(measures[0].name, group, c): 1 for c in range(COLUMNS)} | {total: -1}, 0)
            hidden.append(total)
        assert all(attacker.most(name) >= CELL_MIN - 1e-6 for name in hidden)


def test_groups_that_hide_each_other_stand_as_one_line() -> None:
    sizes = {"women": range(40), "men": range(40, 47), "others": range(47, 50)}
    made = measure("m", [place % 2 for place in range(50)], 2, label)
    assert made is not None
    lines = figures([made], [Partition({name: list(places) for name, places in sizes.items()})])[0].lines
    assert [(line.group, line.total, line.counts) for line in lines] == [
        ("everybody", 50, [25, 25]),
        ("women", 40, [20, 20]),
        ("men and others", 10, [5, 5]),
    ]


def test_what_almost_everybody_or_almost_nobody_lives_with_is_not_told() -> None:
    made = measure("m", [place % 2 for place in range(50)], 2, label)
    assert made is not None
    for many, told in ((4, False), (5, True), (45, True), (46, False), (50, False)):
        lines = figures([made], [Partition({"alcohol": list(range(many))}, is_one_or_not=True)])[0].lines
        assert (len(lines) == 2) == told, many


def test_of_fewer_than_ten_people_there_is_no_figure() -> None:
    assert measure("m", [0] * 9, 2, label) is None
    assert measure("m", [0] * 10, 2, label) is not None
