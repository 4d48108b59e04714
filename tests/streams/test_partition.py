"""A partition takes every event of its topic once, whatever is delivered, and stops where it must not go on."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from journal.frames import Batch, Source
from journal.owner import Owner
from journal.reader import Reader, Recorded
from matcher.errors import Unreachable
from matcher.messages.facts import ClockAdvanced, Fact, PolicyAdopted
from matcher.policy import read_policy
from matcher.program import Program
from streams.binary import Record
from streams.letters import opened
from streams.line import BATCH_RECORDS
from streams.partition import Partition
from streams.patience import POISONS_IN_A_ROW
from streams.topics import DEAD_LETTERS, MATCHES
from tests.streams.cases import event
from tests.streams.grounds import World, until


def joined(number: int) -> dict[str, Any]:
    return event(f"e-{number}", subject=f"m-{number}", data={"experiences": [{"code": "F11.20"}], "seeks_mentor": True})


def filled(count: int) -> World:
    world = World()
    for number in range(count):
        world.topic.put(joined(number))
    return world


def members(world: World) -> int:
    return world.state().summary()["members"]  # type: ignore[return-value]


def source_of(world: World) -> Source | None:
    reader = Reader(world.journal)
    for _ in reader.counted():
        pass
    return reader.tally.source


def halted(partition: Partition) -> str:
    until(lambda: partition.failure is not None)
    assert partition.failure is not None
    assert partition.phase == "halted"
    return str(partition.failure)


def test_what_lies_in_the_topic_is_processed_without_a_delivery() -> None:
    world = filled(7)
    with world.partition() as partition:
        until(lambda: partition.next == 7)
    assert members(world) == 7
    assert source_of(world) == Source("kindred.events", "topic-1", 0, 7)
    assert world.ids(MATCHES) == [f"river/{n}/1" for n in sorted(int(id_.split("/")[1]) for id_ in world.ids(MATCHES))]


def test_deliveries_in_order_are_not_read_from_the_topic() -> None:
    world = World()
    with world.partition() as partition:
        until(lambda: partition.phase == "working")
        for number in range(5):
            partition.offer(world.topic.put(joined(number)))
        until(lambda: partition.next == 5)
    assert members(world) == 5
    assert world.topic.reads == []


def test_a_delivery_below_the_position_is_dropped_and_a_gap_above_it_fetched() -> None:
    world = World()
    with world.partition() as partition:
        until(lambda: partition.phase == "working")
        arrived = [world.topic.put(joined(number)) for number in range(6)]
        partition.offer(arrived[0])
        until(lambda: partition.next == 1)
        partition.offer(arrived[0])
        partition.offer(arrived[4])
        until(lambda: partition.next == 5)
    assert members(world) == 5
    assert world.topic.reads[0] == (1, 4)
    assert world.state().counts.duplicates == 0


def test_offsets_at_which_there_is_nothing_are_skipped() -> None:
    world = World()
    with world.partition() as partition:
        until(lambda: partition.phase == "working")
        partition.offer(world.topic.put(joined(0)))
        world.topic.records += [None, None]
        partition.offer(world.topic.put(joined(1)))
        until(lambda: partition.next == 4)
    assert members(world) == 2


@pytest.mark.slow
def test_what_is_never_delivered_is_read_after_a_while() -> None:
    world = World()
    with world.partition() as partition:
        until(lambda: partition.phase == "working")
        world.topic.put(joined(0))
        partition.sees(1, "topic-1")
        until(lambda: partition.next == 1)
    assert members(world) == 1


def test_a_next_owner_goes_on_where_the_journal_stops() -> None:
    world = filled(4)
    with world.partition() as partition:
        until(lambda: partition.next == 4)
    world.topic.put(joined(4))
    world.topic.reads.clear()
    with world.partition() as partition:
        until(lambda: partition.next == 5)
    assert world.topic.reads == [(4, 5)]
    assert members(world) == 5
    assert world.watching.epochs == [1, 2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda topic: setattr(topic, "topic_id", "topic-2"), ("topic-1", "topic-2", "offset 4")),
        (lambda topic: topic.records.__delitem__(slice(2, None)), ("ends at offset 2", "up to 4")),
        (lambda topic: (topic.records.extend([None] * 4), setattr(topic, "first", 7)), ("offsets 4 to 6",)),
    ],
    ids=["made again", "shorter", "deleted before it was read"],
)
def test_a_topic_that_is_not_what_it_was_is_a_safe_halt_that_names_the_range(change: Any, words: tuple[str]) -> None:
    world = filled(4)
    with world.partition() as partition:
        until(lambda: partition.next == 4)
    change(world.topic)
    with world.partition() as partition:
        text = halted(partition)
    assert text.startswith("KND-source-lost")
    assert all(word in text for word in words), text


@pytest.mark.slow
def test_a_topic_made_again_under_a_working_owner_halts_it() -> None:
    world = filled(4)
    with world.partition() as partition:
        until(lambda: partition.next == 4)
        world.topic.topic_id = "topic-2"
        for number in range(10):
            world.topic.put(joined(number + 100))
        partition.sees(14, "topic-2")
        assert "topic-2" in halted(partition)
    assert members(world) == 4


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (
            Fact("river", 1, 0, "clock.advanced", ClockAdvanced()).line().replace(b"advanced", b"slowed"),
            "KND-fact-unreadable",
        ),
        (
            Fact("river", 1, 0, "policy.adopted", PolicyAdopted(text='{"tides":{}}', digest="d")).line(),
            "KND-policy-other",
        ),
    ],
)
def test_a_journal_that_a_newer_version_writes_ends_the_worker_to_make_room_for_it(fact: bytes, code: str) -> None:
    world = World()
    newer = Owner(world.journal)
    newer.claim(lambda _: None)
    newer.append(Batch("2026-03-02T09:00:00Z", (fact,)))
    with world.partition() as partition:
        assert halted(partition).startswith(code)
        until(lambda: world.fatal)
    assert [each.code for each in world.fatal] == [code]


def test_an_owner_that_was_replaced_claims_again_only_while_the_group_says_so() -> None:
    world, ours = filled(1), True
    with world.partition(is_ours=lambda _: ours) as partition:
        until(lambda: partition.next == 1)
        ours = False
        other = Owner(world.journal)
        other.claim(lambda _: None)
        partition.offer(world.topic.put(joined(1)))
        until(lambda: world.watching.failures)
        other.append(Batch("2026-03-02T09:00:00Z"))
        until(lambda: partition.phase == "claiming")
        assert world.watching.epochs == [1]
        ours = True
        until(lambda: partition.next == 2)
    assert world.watching.epochs == [1, 3]
    assert members(world) == 2


def test_a_batch_is_finished_and_none_is_begun_while_a_rebalance_is_under_way() -> None:
    world = filled(1)
    with world.partition() as partition:
        until(lambda: partition.next == 1)
        partition.pause()
        partition.offer(world.topic.put(joined(1)))
        world.journal.append([])
        assert partition.next == 1
        partition.resume()
        until(lambda: partition.next == 2)
    assert world.watching.epochs == [1], "the claim outlives a rebalance that leaves the partition here"


def test_an_event_at_which_kindred_fails_alone_becomes_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    world, handle, tries = filled(6), Program.handle, list[str]()

    def fails(self: Program, given: Any, at: int) -> Any:
        if given.subject == "m-3":
            tries.append(given.id)
            raise ZeroDivisionError("somebody's secret")
        return handle(self, given, at)

    monkeypatch.setattr(Program, "handle", fails)
    with world.partition() as partition:
        until(lambda: partition.next == 6)
    assert members(world) == 5
    assert len(tries) == 4, "once with the others, three times alone"
    [letter] = [opened(record, "0:0", 0) for name, record in world.sent if name == DEAD_LETTERS]
    assert (letter.code, letter.program) == ("KND-poison", "river")
    assert letter.origin is not None
    assert letter.origin.offset == 3
    assert "secret" not in letter.reason


def test_a_defect_that_fails_at_every_event_stops_the_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Program, "handle", fails)
    monkeypatch.setattr("streams.patience.BACKOFF_SECONDS", (0.0, 0.0))
    world = filled(POISONS_IN_A_ROW + 5)
    with world.partition() as partition:
        assert halted(partition).startswith("KND-defect")
    letters = {opened(record, "0:0", 0).origin for name, record in world.sent if name == DEAD_LETTERS}
    assert len(letters) == POISONS_IN_A_ROW - 1


def test_a_dead_letter_is_the_record_byte_for_byte_and_is_sent_again_after_a_crash() -> None:
    world = World()
    bad = Record(b"river", b"\xff\x00", (("ce_specversion", b"1.0"), ("ce_id", b"x"), ("odd", b"\xfe")))
    world.topic.put(bad)
    world.takes = lambda topic: topic != DEAD_LETTERS
    with capture_logs() as said, world.partition() as partition:
        until(lambda: partition.next == 1 and world.watching.failures)
    assert [name for name, _ in world.sent] == []
    assert "KND-not-sent" in [each.get("code") for each in said]
    world.takes = lambda _: True
    with world.partition() as partition:
        until(lambda: world.sent)
    [(name, record)] = world.sent
    original = opened(record, "0:0", 0).original
    assert (name, original._replace(headers=tuple(original.headers))) == (DEAD_LETTERS, bad)


def test_notices_that_were_not_taken_are_announced_again_with_the_same_ids() -> None:
    world = filled(4)
    world.takes = lambda _: False
    with world.partition():
        until(lambda: world.watching.failures)
    world.takes = lambda _: True
    with world.partition() as partition:
        until(lambda: partition.phase == "working")
        first = world.ids(MATCHES)
        partition.offer(world.topic.put(joined(4)))  # its record says that all before it is announced
        until(lambda: partition.next == 5)
        assert len(world.ids(MATCHES)) == world.state().counts.notices
    world.sent.clear()
    with world.partition() as partition:
        until(lambda: partition.phase == "working")
    assert first
    assert not set(world.ids(MATCHES)) & set(first), "what the journal says is announced is not sent again"


def test_a_batch_is_one_record_and_says_how_far_the_topic_is_read() -> None:
    world = filled(BATCH_RECORDS + 40)
    with world.partition() as partition:
        until(lambda: partition.next == BATCH_RECORDS + 40)
    batches = [item.batch for item in Reader(world.journal, whole=True).counted() if isinstance(item, Recorded)]
    taken = 0
    for batch in batches:
        taken += len(batch.taken)
        assert batch.source == Source("kindred.events", "topic-1", 0, taken)
    assert taken == BATCH_RECORDS + 40


def test_a_repeat_by_a_publisher_has_no_effect() -> None:
    world = filled(3)
    for number in range(3):
        world.topic.put(joined(number))
    with world.partition() as partition:
        until(lambda: partition.next == 6)
    assert (members(world), world.state().counts.duplicates) == (3, 3)


def test_another_clock_than_the_journals_ends_the_worker() -> None:
    world = filled(1)
    with world.partition() as partition:
        until(lambda: partition.next == 1)
    with world.partition(clock="wall") as partition:
        until(lambda: world.fatal)
    assert world.fatal[0].code == "KND-clock-mode"


@pytest.mark.slow
def test_a_broker_that_is_away_is_waited_for() -> None:
    world, away = filled(2), 3

    def open_source(_: int) -> Any:
        nonlocal away
        away -= 1
        if away >= 0:
            raise Unreachable("KND-source-away", "the broker is away")
        return world.topic

    with world.partition(open_source=open_source) as partition:
        until(lambda: partition.next == 2)
    assert world.watching.failures == 3


def test_a_worker_with_yesterdays_policy_keeps_the_newer_one_of_the_journal() -> None:
    before, after = (read_policy(f"[mentor]\nrecovery_days = {days}\n") for days in (400, 500))
    world = filled(3)

    def adopted() -> list[str]:
        return world.state().adopted["river"]

    for policies in (before, after, before, after):
        with world.partition(policies=policies, snapshot_facts=1) as partition:
            until(lambda: partition.phase == "working")
            arrived = world.topic.put(joined(len(world.topic.records)))
            until(lambda given=arrived: partition.offer(given))
            until(lambda given=arrived: partition.next == given.offset + 1)
    assert adopted() == [before.of("river").digest(), after.of("river").digest()]
    assert world.state().programs["river"].policy == after.of("river")
