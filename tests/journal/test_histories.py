"""Random histories of several owners who snapshot, announce, truncate, fail and are replaced, on one log.

As in the explorer every owner writes the number of facts it has folded, so what counts must be 0, 1, 2, …; here the
histories are long, and every kind of reader has to come to the same state.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from journal.memory import MemoryJournal
from journal.owner import CHUNK_BYTES, Lost, Owner
from journal.port import Journal
from journal.reader import Counted, Reader, Recorded, Snapshot
from tests.journal.homes import Gaps, Unsure, batch

seats = st.integers(0, 2)


class Numbers:
    """A state folded from the journal: how many facts there are."""

    def __init__(self) -> None:
        self.count = 0

    def fold(self, item: Counted) -> None:
        if isinstance(item, Snapshot):
            self.count = int(item.state)
            return
        for fact in item.batch.facts:
            assert int(fact) == self.count
            self.count += 1

    def batch_of(self, facts: int) -> list[str]:
        return [str(self.count + n) for n in range(facts)]


class Histories(RuleBasedStateMachine):
    @initialize(gaps=st.booleans())
    def start(self, gaps: bool) -> None:
        log = MemoryJournal()
        self.home: Journal = Gaps(log) if gaps else log
        self.unsure = Unsure(self.home)
        self.owners: list[tuple[Owner, Numbers]] = [(Owner(self.home), Numbers()) for _ in range(3)]
        self.follower, self.followed = Reader(self.home), Numbers()
        self.acknowledged = 0
        self.records: list[int] = []
        self.announced = -1

    @rule(seat=seats)
    def claim(self, seat: int) -> None:
        self.owners[seat] = owner, numbers = Owner(self.unsure), Numbers()
        owner.claim(numbers.fold)
        assert numbers.count >= self.acknowledged

    @rule(seat=seats, sizes=st.lists(st.integers(0, 3), min_size=1, max_size=3))
    def append(self, seat: int, sizes: list[int]) -> None:
        owner, numbers = self.owners[seat]
        batches = []
        for size in sizes:
            batches.append(batch(*numbers.batch_of(size)))
            numbers.count += size
        try:
            self.records += owner.append_many(batches)
        except Lost:
            return
        self.acknowledged = numbers.count

    @rule(seat=seats, written=st.booleans())
    def fail(self, seat: int, written: bool) -> None:
        owner, numbers = self.owners[seat]
        self.unsure.failing, self.unsure.written = True, written
        self._unless_lost(lambda: owner.append(batch(*numbers.batch_of(1))))
        self.unsure.failing = False

    @rule()
    def land_late(self) -> None:
        late, self.unsure.late = self.unsure.late[:1], self.unsure.late[1:]
        self.home.append(late)

    @rule(seat=seats, share=st.floats(0, 1))
    def announce(self, seat: int, share: float) -> None:
        owner, _ = self.owners[seat]
        known = [position for position in self.records if position <= owner.tally.record]
        if known:
            position = known[int(share * (len(known) - 1))]
            owner.announce(position)
            self.announced = max(self.announced, position)

    @rule(seat=seats, large=st.booleans())
    def snapshot(self, seat: int, large: bool) -> None:
        owner, numbers = self.owners[seat]
        state = b"%d" % numbers.count + b" " * (CHUNK_BYTES * large)
        self._unless_lost(lambda: owner.snapshot(state, layout=1))

    @rule(seat=seats)
    def truncate(self, seat: int) -> None:
        self._unless_lost(self.owners[seat][0].truncate)

    @rule()
    def follow(self) -> None:
        for item in self.follower.counted():
            self.followed.fold(item)
        assert self.followed.count >= self.acknowledged

    @invariant()
    def every_reader_comes_to_the_same_state(self) -> None:
        counts = set()
        for whole in (True, False):
            numbers = Numbers()
            for item in Reader(self.home, whole=whole).counted():
                numbers.fold(item)
            counts.add(numbers.count)
        [count] = counts
        assert count >= self.acknowledged

    @invariant()
    def what_is_not_announced_is_still_there(self) -> None:
        items = Reader(self.home).counted()
        there = {item.position for item in items if isinstance(item, Recorded)}
        assert {position for position in self.records if position > self.announced} <= there

    def _unless_lost(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Lost:
            return


TestHistories = pytest.mark.slow(Histories.TestCase)
TestHistories.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
