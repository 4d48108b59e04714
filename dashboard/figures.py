"""Figures about people that may be shown: counts by column for everybody and for each group, small ones hidden.

All figures about the same people show the same totals of groups (``dashboard.cells`` says why), so they are made
together. Columns with few people stand together with a neighbour: with five for everybody, with more where groups are
told apart, or hardly a cell of a group could be shown. The wider columns are made of whole narrow ones, so that no
table is the remainder of another. Groups that hide each other stand as one line: what the others leave of all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from dashboard import words
from dashboard.cells import TABLE_MIN, merged, shown_cells, shown_totals
from dashboard.groups import Partition

EVERYBODY: Final = "everybody"
WIDE_MIN: Final = 20
"""People in a column where groups are told apart, or a tenth of all: a guess."""


Places = NDArray[np.intp]
"""The column of each person."""


class Line(BaseModel):
    """A group: how many they are, and how many of them in each column; None where it is hidden."""

    group: str
    total: int
    counts: list[int | None]

    @property
    def is_open(self) -> bool:
        """Whether nothing of it is hidden."""
        return None not in self.counts


class Figure(BaseModel):
    """A table of counts; its first line is everybody, and has nothing hidden."""

    name: str
    columns: list[str]
    lines: list[Line]


@dataclass(frozen=True)
class Measure:
    """What a figure counts: the narrow columns that each of its columns is made of, and where each person is."""

    name: str
    columns: Sequence[range]
    places: Places
    label: Callable[[range], str]
    widens: bool

    def wider(self) -> Measure:
        """The same in fewer columns."""
        if not self.widens:
            return self
        least = max(WIDE_MIN, len(self.places) // 10)
        return self._in(merged(_counts(self), least) or [range(len(self.columns))])

    def of_thick_columns(self) -> Measure | None:
        """The same with columns of ``CELL_MIN``; None when there are too few people for a table."""
        kept = merged(_counts(self))
        return self._in(kept) if len(self.places) >= TABLE_MIN and kept else None

    def _in(self, kept: Sequence[range]) -> Measure:
        where = np.array([number for number, group in enumerate(kept) for _ in group], dtype=np.intp)
        whole = [range(self.columns[group.start].start, self.columns[group.stop - 1].stop) for group in kept]
        return replace(self, columns=whole, places=where[self.places])


def measure(
    name: str, places: Sequence[int], many: int, label: Callable[[range], str], *, widens: bool = True
) -> Measure | None:
    """A measure of people in ``many`` narrow columns; ``label`` names a range of them. None for too few people."""
    where = np.asarray(places, dtype=np.intp)
    return Measure(name, [range(each, each + 1) for each in range(many)], where, label, widens).of_thick_columns()


def figures(measures: Sequence[Measure], partitions: Sequence[Partition]) -> list[Figure]:
    """The figures of measures of the same people, with a line for each group of each partition."""
    used = [each.wider() for each in measures] if partitions else measures
    made = [Figure(name=m.name, columns=[m.label(each) for each in m.columns], lines=[_everybody(m)]) for m in used]
    for partition in partitions:
        for figure, lines in zip(made, _lines(used, partition), strict=True):
            figure.lines += lines
    return made


def _everybody(measure: Measure) -> Line:
    return Line(group=EVERYBODY, total=len(measure.places), counts=list(_counts(measure)))


def _lines(measures: Sequence[Measure], partition: Partition) -> list[list[Line]]:
    """The lines of a partition in each figure; none of one that is about few people, or about all but few."""
    people = len(measures[0].places) if measures else 0
    sizes = [len(places) for places in partition.groups.values()]
    if partition.is_one_or_not:
        sizes.append(people - sizes[0])
    totals = shown_totals(sizes)
    if partition.is_one_or_not and not all(totals):
        return [[] for _ in measures]
    return [_of(measure, partition, totals) for measure in measures]


def _of(measure: Measure, partition: Partition, totals: Sequence[bool]) -> list[Line]:
    counts = [_counts(measure, places) for places in partition.groups.values()]
    whole = _counts(measure)
    if partition.is_one_or_not:
        counts.append([everybody - one for everybody, one in zip(whole, counts[0], strict=True)])
    shown = shown_cells(counts, totals)
    lines = [
        Line(
            group=group,
            total=sum(line),
            counts=[count if is_shown else None for count, is_shown in zip(line, open_, strict=True)],
        )
        for group, line, open_, is_total_shown in zip(partition.groups, counts, shown, totals, strict=False)
        if is_total_shown
    ]
    hidden = [group for group, is_total_shown in zip(partition.groups, totals, strict=False) if not is_total_shown]
    return [*lines, _rest(words.listed(hidden), whole, lines)] if hidden else lines


def _rest(group: str, whole: Sequence[int], lines: Sequence[Line]) -> Line:
    """What lines leave of everybody, where all of them are shown: whoever has the others can work it out."""
    columns = [[line.counts[column] for line in lines] for column in range(len(whole))]
    left = [
        None if None in column else everybody - sum(count or 0 for count in column)
        for everybody, column in zip(whole, columns, strict=True)
    ]
    return Line(group=group, total=sum(whole) - sum(line.total for line in lines), counts=left)


def _counts(measure: Measure, people: Sequence[int] | None = None) -> list[int]:
    """How many of these people are in each column; of all without them."""
    places = measure.places if people is None else measure.places[np.asarray(people, dtype=np.intp)]
    return [int(count) for count in np.bincount(places, minlength=len(measure.columns))]
