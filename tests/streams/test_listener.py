"""The listener on a real broker: every notice, once, in order, and again only where the page says so."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from kafka import TopicPartition

from matcher.errors import ConfigurationError, Unreachable
from streams.binary import Record, binary, structured
from streams.listener import EventListener, Notice
from streams.moves import Moves
from tests.kindred.shell import environment
from tests.streams.brokers import new_topic, put, silent_port
from tools.kafka import Kafka

pytestmark = pytest.mark.slow
IDLE = 1.5  # a broker on the same machine gives what it has within a tenth of it


def notice(number: int, program: str = "river", **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{program}/{number}/1",
        "source": f"/kindred/{program}",
        "type": "kindred.match.activated.v1",
        "subject": f"x-{number}",
        "partitionkey": program,
        "time": "2026-03-02T09:14:00Z",
        "datacontenttype": "application/json",
        "data": {"newcomer": "m-1", "mentor": "m-2", "fit": 0.5, "because": ["both"]},
    } | changes


def notices(numbers: Iterable[int], program: str = "river") -> list[Record]:
    return [binary(notice(number, program)) for number in numbers]


@pytest.fixture
def topic(kafka_broker: Kafka) -> str:
    return new_topic(kafka_broker.address, partitions=3)


def listener(kafka: Kafka, topic: str, **options: Any) -> EventListener:
    return EventListener(kafka.address, group=f"{topic}-app", topics=[topic], idle_seconds=IDLE, **options)


def heard(kafka: Kafka, topic: str, **options: Any) -> list[str]:
    with listener(kafka, topic, **options) as following:
        return [each.id for each in following]


def ids(numbers: Iterable[int], program: str = "river") -> list[str]:
    return [f"{program}/{number}/1" for number in numbers]


def test_a_notice_is_handed_on_whole(kafka_broker: Kafka, topic: str) -> None:
    put(kafka_broker.address, topic, [binary(notice(7)), structured(notice(8, later="x"))])
    with listener(kafka_broker, topic) as following:
        first, second = following
    assert first == Notice("river/7/1", "match.activated", "river", "x-7", 1_772_442_840, notice(7)["data"])
    assert second.id == "river/8/1"


def test_each_once_and_in_order_per_program_with_repeats_and_poisons_between(kafka_broker: Kafka, topic: str) -> None:
    for program in ("river", "lake", "brook"):
        put(kafka_broker.address, topic, notices(range(200), program))
        put(kafka_broker.address, topic, notices(range(150, 250), program))  # announced again after a crash
    poisons = [Record(b"river", value, []) for value in (None, b"", b"\xff", b"{}", b"[]", b"x" * 900_000)]
    put(kafka_broker.address, topic, [*poisons, *notices([250])])
    with listener(kafka_broker, topic) as following:
        found = list(following)
    assert following.unreadable == len(poisons)
    for program, last in (("river", 251), ("lake", 250), ("brook", 250)):
        assert [each.id for each in found if each.program == program] == ids(range(last), program)


def test_it_goes_on_where_it_stopped_and_knows_what_it_said_before(kafka_broker: Kafka, topic: str) -> None:
    put(kafka_broker.address, topic, notices(range(10)))
    assert heard(kafka_broker, topic) == ids(range(10))
    put(kafka_broker.address, topic, notices(range(4, 12)))
    assert heard(kafka_broker, topic) == ids(range(10, 12))
    assert heard(kafka_broker, topic) == []


def test_partitions_that_the_client_tells_of_twice_are_read_back_all_the_same(
    kafka_broker: Kafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Twice(Moves):
        """As when the assignment is seen before the client's own thread has told of it."""

        again = frozenset[TopicPartition]()

        def taken(self) -> set[TopicPartition]:
            came = super().taken()
            came, self.again = came | self.again, frozenset(came)
            return came

    monkeypatch.setattr("streams.listener.Moves", Twice)
    put(kafka_broker.address, topic, notices(range(10)))
    assert heard(kafka_broker, topic) == ids(range(10))
    put(kafka_broker.address, topic, notices(range(4, 12)))
    assert heard(kafka_broker, topic) == ids(range(10, 12))


def test_the_memory_is_as_long_as_it_says(kafka_broker: Kafka, topic: str) -> None:
    put(kafka_broker.address, topic, notices([*range(20), 15, 0]))
    assert heard(kafka_broker, topic, remembered=10) == ids([*range(20), 0])


def test_an_error_leaves_its_notice_undone_and_a_break_does_not(kafka_broker: Kafka, topic: str) -> None:
    put(kafka_broker.address, topic, notices(range(6)))

    def fail_at(id_: str) -> None:
        with listener(kafka_broker, topic) as following:
            for each in following:
                if each.id == id_:
                    raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_at("river/2/1")
    with listener(kafka_broker, topic) as following:
        for each in following:
            if each.id == "river/3/1":
                break
    assert heard(kafka_broker, topic) == ids([4, 5])


def test_stop_ends_the_loop_and_what_was_handed_on_is_done(kafka_broker: Kafka, topic: str) -> None:
    put(kafka_broker.address, topic, notices(range(3)))
    found = list[str]()
    with EventListener(kafka_broker.address, group=f"{topic}-app", topics=[topic]) as following:
        for each in following:
            found.append(each.id)
            if len(found) == 3:
                threading.Timer(0.2, following.stop).start()  # while it waits for more
    assert found == ids(range(3))
    assert heard(kafka_broker, topic) == []


FOLLOW = """
import os, sys
from streams.listener import EventListener
brokers, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with EventListener(brokers, group=topic + "-app", topics=[topic]) as following:
    for number, notice in enumerate(following, 1):
        print(notice.id, flush=True)
        if number == count:
            os.kill(os.getpid(), 9)
"""


def test_after_a_kill_nothing_is_lost_and_little_comes_again(kafka_broker: Kafka, topic: str) -> None:
    put(kafka_broker.address, topic, notices(range(100)))
    killed = subprocess.run(
        [sys.executable, "-c", FOLLOW, kafka_broker.address, topic, "60"],
        cwd=Path(__file__).parent.parent.parent,
        env=environment(),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert killed.returncode == -9
    before = killed.stdout.split()
    after = heard(kafka_broker, topic)
    assert before == ids(range(60))
    assert after == ids(range(int(after[0].split("/")[1]), 100))
    assert set(before) | set(after) == set(ids(range(100)))


def test_listeners_of_a_group_share_the_programs_and_lose_nothing_when_one_goes(
    kafka_broker: Kafka, topic: str
) -> None:
    programs = [f"p-{number}" for number in range(12)]
    found = {"one": list[str](), "two": list[str]()}
    following = {name: EventListener(kafka_broker.address, group=f"{topic}-app", topics=[topic]) for name in found}

    def follow(name: str) -> None:
        with following[name] as mine:
            for each in mine:
                found[name].append(each.id)

    def say(numbers: range) -> None:
        put(kafka_broker.address, topic, [each for program in programs for each in notices(numbers, program)])

    threads = {name: threading.Thread(target=follow, args=(name,), daemon=True) for name in found}
    for thread in threads.values():
        thread.start()
    try:
        said = 0
        while not all(found.values()) and said < 100:  # until both have programs
            said += 1
            say(range(said - 1, said))
            threads["one"].join(0.2)
        assert all(found.values())
        following["one"].stop()
        threads["one"].join(30)
        say(range(said, said + 20))
        expected = {id_ for program in programs for id_ in ids(range(said + 20), program)}
        for _ in range(300):
            if set(found["one"]) | set(found["two"]) == expected:
                break
            threads["two"].join(0.1)
        assert set(found["one"]) | set(found["two"]) == expected
    finally:
        for name, thread in threads.items():
            following[name].stop()
            thread.join(30)


def test_a_listener_whose_polls_end_while_it_joins_is_not_left_out(
    kafka_broker: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Polls as short as the broker's answers end between them: most that joined so heard nothing, for ever."""
    monkeypatch.setattr("streams.listener.POLL_SECONDS", 0.001)
    for _ in range(4):
        topic = new_topic(kafka_broker.address, partitions=3)
        put(kafka_broker.address, topic, notices(range(3)))
        assert heard(kafka_broker, topic) == ids(range(3))


def test_a_topic_that_does_not_exist(kafka_broker: Kafka) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EventListener(kafka_broker.address, group="app", topics=["kindred.none"])
    assert caught.value.code == "KND-kafka-no-topic"


def test_no_broker(kafka_broker: Kafka) -> None:
    with silent_port() as nobody, pytest.raises(Unreachable) as caught:
        EventListener(nobody, group="app", patience_seconds=1)
    assert caught.value.code == "KND-kafka-away"
