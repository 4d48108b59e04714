"""With one rule of the protocol left out the checker goes red; with all of them, on the same schedule, it is green."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest

from journal.owner import Owner
from matcher.cohort import cohort
from matcher.policy import read_policy
from streams.partition import Partition
from streams.source import Arrived
from tests.faults.broken import TrustsTheGroup, announcing_before_the_append, without_epoch_check
from tests.faults.checker import check
from tests.faults.small import seen
from tests.streams.grounds import World, until

Breaking = Callable[[Any], AbstractContextManager[None]]
EVENTS = [dict(event) for event in cohort("river", members=30, mentors=8, days=30, seed=3)]
HALF = len(EVENTS) // 2


def whole(_: Any) -> AbstractContextManager[None]:
    return nullcontext()


@contextmanager
def working(world: World, kind: type[Partition] = Partition, **changes: Any) -> Iterator[Partition]:
    """A partition that has claimed; released at the end."""
    partition = kind(0, world.ground(**changes))
    partition.start()
    try:
        until(lambda: partition.phase == "working")
        yield partition
    finally:
        partition.release()
        assert partition.join(10)


def put(world: World, start: int, stop: int) -> list[Arrived]:
    return [world.topic.put(event) for event in EVENTS[start:stop]]


def deliver(partition: Partition, arrived: list[Arrived]) -> None:
    for each in arrived:
        until(lambda each=each: partition.offer(each))


@pytest.mark.parametrize(("breaking", "red"), [(whole, False), (without_epoch_check, True)])
def test_an_owner_must_look_whether_what_it_wrote_counts(
    breaking: Breaking, red: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    with breaking(monkeypatch), working(world) as owner:
        deliver(owner, put(world, 0, HALF))
        until(lambda: owner.next == HALF)
        Owner(world.journal).claim(lambda _: None)  # somebody else, who then does nothing
        deliver(owner, put(world, HALF, len(EVENTS)))
        until(lambda: owner.next == len(EVENTS))
    found = check(seen(world))
    assert bool(found) == red, found[:5]
    if red:
        assert any("told 0" in each for each in found)
        assert any("follows from no fact" in each for each in found)


@pytest.mark.parametrize(("breaking", "red"), [(whole, False), (announcing_before_the_append, True)])
def test_nothing_may_be_announced_before_it_counts(
    breaking: Breaking, red: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, first = World(), True
    with breaking(monkeypatch), working(world, is_ours=lambda _: first) as zombie:
        deliver(zombie, put(world, 0, HALF))
        until(lambda: zombie.next == HALF)
        first = False
        staged = read_policy('[review]\nmode = "staged"\n')  # a new policy comes with the new owner
        with working(world, policies=staged) as owner:
            rest = put(world, HALF, len(EVENTS))
            deliver(zombie, rest)
            until(lambda: zombie.phase == "claiming")
            deliver(owner, rest)
            until(lambda: owner.next == len(EVENTS))
    found = check(seen(world))
    assert bool(found) == red, found[:5]
    if red:
        assert any("two contents" in each or "something else" in each for each in found)


@pytest.mark.parametrize(("kind", "red"), [(Partition, False), (TrustsTheGroup, True)])
def test_the_groups_offsets_may_not_be_trusted(kind: type[Partition], red: bool) -> None:
    world = World()
    with working(world, kind) as owner:
        deliver(owner, put(world, 0, HALF))
        until(lambda: owner.next == HALF)
    put(world, HALF, HALF + 20)  # delivered, committed, and lost with the process before the journal had them
    with working(world, kind) as owner:
        deliver(owner, put(world, HALF + 20, len(EVENTS)))
        until(lambda: owner.next == len(EVENTS))
    found = check(seen(world))
    assert bool(found) == red, found[:5]
    if red:
        assert any("told 0" in each for each in found)
