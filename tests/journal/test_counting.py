"""Corners of the counting rule that no well-behaved owner produces, and that the other tests cannot reach."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from journal.counting import Tally, count
from journal.frames import Chunk, Claim, Frame, Record, encode
from journal.port import Entry
from tests.journal.homes import batch

Maker = Callable[[Tally], Frame]


def claim(tally: Tally) -> Frame:
    return Claim(tally.epoch + 1, "n", -1)


def record(tally: Tally) -> Frame:
    return Record(tally.link(-1), batch("a"))


def chunk(part: int, parts: int, *, announced: int = -1) -> Maker:
    return lambda tally: Chunk(tally.link(announced), part, parts, 1, tally.record, None, b"")


def tally_of(makers: list[Maker]) -> Tally:
    tally = Tally()
    for position, make in enumerate(makers):
        frame = make(tally)
        after = count(tally, Entry(position, encode(frame)), frame)
        assert after is not None
        tally = after
    return tally


@pytest.mark.parametrize("between", [[record], [claim], [chunk(0, 2)], [chunk(2, 3)], [chunk(0, 1), record]])
def test_a_snapshot_is_complete_only_when_its_chunks_follow_each_other(between: list[Maker]) -> None:
    whole = tally_of([claim, chunk(0, 3), chunk(1, 3), chunk(2, 3)])
    assert [base.position for base in whole.snapshots] == [1]
    broken = tally_of([claim, chunk(0, 3), *between, chunk(1, 3), chunk(2, 3)])
    assert 1 not in [base.position for base in broken.snapshots]


def test_snapshots_that_a_newer_base_has_replaced_are_forgotten() -> None:
    tally = tally_of([claim, record, *[chunk(0, 1, announced=1)] * 50])
    assert len(tally.snapshots) == 2
    assert tally.base == 51
