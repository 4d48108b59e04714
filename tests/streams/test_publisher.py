"""The publisher on a real broker: what is refused, what is acknowledged, and where it goes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from matcher.errors import ConfigurationError, Refused, Unreachable
from matcher.messages.catalog import parse
from streams.binary import Record, binary, partition_of, read_record, structured
from streams.connection import Connection
from streams.intake import read_input
from streams.publisher import EventPublisher, NotDelivered
from tests.conftest import KafkaMaker
from tests.streams.brokers import everything, new_topic, put, silent_port
from tests.streams.cases import BAD_INPUTS, event, line
from tools.kafka import Kafka

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def topic(kafka_broker: Kafka) -> str:
    return new_topic(kafka_broker.address)


@pytest.fixture
def out(kafka_broker: Kafka, topic: str) -> Iterator[EventPublisher]:
    with EventPublisher(kafka_broker.address, topic=topic) as publisher:
        yield publisher


def arrived(kafka: Kafka, topic: str) -> list[str]:
    inputs = [read_record(record) for _, record in everything(kafka.address, topic)]
    assert all(item.event for item in inputs)
    return [item.id for item in inputs]


def test_an_event_is_in_kafka_when_it_was_waited_for(kafka_broker: Kafka, topic: str, out: EventPublisher) -> None:
    for number, form in enumerate((event, line, lambda id_: line(id_).decode(), lambda id_: parse(event(id_)))):
        out.publish(form(f"e-{number}")).wait()  # type: ignore[operator]
        assert arrived(kafka_broker, topic)[-1] == f"e-{number}"
    out.publish(read_input(line("e-4"))).wait()
    out.publish(structured(event("e-5"))).wait()
    assert arrived(kafka_broker, topic) == [f"e-{number}" for number in range(6)]


def test_all_of_a_program_is_in_its_partition_and_in_order(
    kafka_broker: Kafka, topic: str, out: EventPublisher
) -> None:
    programs = ["river", "lake", "brook", "sea", "spring"]
    events = [event(f"e-{n}", partitionkey=program) for n in range(100) for program in programs]
    assert out.publish_many(events).acknowledged == tuple(each["id"] for each in events)
    where = [(partition, record) for partition, record in everything(kafka_broker.address, topic)]
    for program in programs:
        own = [(partition, dict(r.headers)["ce_id"].decode()) for partition, r in where if r.key == program.encode()]
        assert own == [(partition_of(program.encode(), 6), f"e-{n}") for n in range(100)]


def test_what_cannot_be_read_is_refused_and_not_sent(kafka_broker: Kafka, topic: str, out: EventPublisher) -> None:
    for raw, code in BAD_INPUTS.values():
        with pytest.raises(Refused) as caught:
            out.publish(raw)
        assert caught.value.code == code
    for bad in (event(id=17), event(data={"x": {1, 2}}), event(time=None), event(data={"experiences": float("nan")})):
        with pytest.raises(Refused):
            out.publish(bad)
    with pytest.raises(Refused) as caught:
        out.publish(binary(event())._replace(key=b"lake"))
    assert caught.value.code == "KND-wrong-key"
    out.flush()
    assert arrived(kafka_broker, topic) == []


def test_of_many_each_is_named(kafka_broker: Kafka, topic: str, out: EventPublisher) -> None:
    done = out.publish_many([line("e-1"), b"{}", event("e-2", "member.flew"), line("e-3")])
    assert done.acknowledged == ("e-1", "e-3")
    assert [(each.index, each.id, each.code) for each in done.refused] == [
        (1, "", "KND-malformed"),
        (2, "e-2", "KND-unknown-type"),
    ]
    assert done.undelivered == ()
    assert arrived(kafka_broker, topic) == ["e-1", "e-3"]


def test_flush_returns_when_all_is_known(out: EventPublisher) -> None:
    sent = [out.publish(event(f"e-{number}")) for number in range(500)]
    out.flush()
    assert all(each.done and each.trouble is None for each in sent)


def test_the_end_of_the_block_waits_and_its_own_error_is_the_one_told(kafka_broker: Kafka, topic: str) -> None:
    def fail(out: EventPublisher) -> None:
        with out:
            out.publish(event())
            raise ZeroDivisionError

    out = EventPublisher(kafka_broker.address, topic=topic)
    with pytest.raises(ZeroDivisionError):
        fail(out)
    assert arrived(kafka_broker, topic) == ["e-1"]


def test_threads_may_share_a_publisher(kafka_broker: Kafka, topic: str, out: EventPublisher) -> None:
    def run(name: str) -> None:
        for number in range(50):
            out.publish(event(f"{name}-{number}"))

    threads = [threading.Thread(target=run, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    out.flush()
    ids = arrived(kafka_broker, topic)
    assert len(ids) == 200
    for name in "abcd":
        assert [each for each in ids if each[0] == name] == [f"{name}-{number}" for number in range(50)]


def test_a_topic_that_does_not_exist(kafka_broker: Kafka) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EventPublisher(kafka_broker.address, topic="kindred.none")
    assert caught.value.code == "KND-kafka-no-topic"
    assert "kindred topics create" in caught.value.message


def test_no_broker_is_waited_for_and_given_up() -> None:
    said = list[str]()
    with silent_port() as nobody, pytest.raises(Unreachable) as caught:
        EventPublisher(nobody, patience_seconds=1.5, waiting=said.append)
    assert caught.value.code == "KND-kafka-away"
    assert said
    assert all(nobody in text and "waiting" in text for text in said)


def test_a_broker_that_comes_late_is_found(new_kafka: KafkaMaker) -> None:
    kafka = new_kafka()
    said = list[str]()
    starting = threading.Thread(target=kafka.start)
    try:
        starting.start()
        with pytest.raises(ConfigurationError) as caught:  # it came, and has no topics yet
            EventPublisher(kafka.address, topic="kindred.none", waiting=said.append)
        assert caught.value.code == "KND-kafka-no-topic"
        starting.join()
    finally:
        kafka.close()


def test_what_a_broker_that_went_away_did_not_acknowledge_is_named_and_may_be_published_again(
    new_kafka: KafkaMaker,
) -> None:
    with new_kafka() as kafka:
        topic = new_topic(kafka.address)
        with EventPublisher(kafka.address, topic=topic, patience_seconds=5) as out:
            out.publish(event("e-1")).wait()
            kafka.nodes[0].kill()
            lost = out.publish(event("e-2"))
            with pytest.raises(NotDelivered) as caught:
                out.flush()
            assert [(each.source, each.id) for each in caught.value.events] == [("/intake", "e-2")]
            assert lost.trouble is not None
            out.flush()  # told once
            done = out.publish_many([event("e-2")])
            assert [each.id for each in done.undelivered] == ["e-2"]
            kafka.restart(0)
            assert out.publish_many([event("e-2"), event("e-3")]).undelivered == ()
        assert list(dict.fromkeys(arrived(kafka, topic))) == ["e-1", "e-2", "e-3"]


def test_a_short_absence_is_not_noticed(new_kafka: KafkaMaker) -> None:
    with new_kafka() as kafka:
        topic = new_topic(kafka.address)
        with EventPublisher(kafka.address, topic=topic, patience_seconds=60) as out:
            out.publish(event("e-0")).wait()
            kafka.nodes[0].kill()
            for number in range(1, 20):
                out.publish(event(f"e-{number}"))
            kafka.restart(0)
        assert arrived(kafka, topic) == [f"e-{number}" for number in range(20)]


# As Kafka's own tests have them (UtilsTest.testMurmur2).
JAVA = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
KEYS = [f"program-{n}".encode() for n in range(500)] + [b"a", b"r.i_v:e-r", b"x" * 64]


def test_the_partition_of_a_key_is_that_of_the_java_client() -> None:
    for key, hashed in JAVA.items():
        assert partition_of(key, 2**31 - 1) == (hashed & 0x7FFFFFFF) % (2**31 - 1)


def test_the_partition_of_a_key_is_the_same_from_all_three_clients(kafka_broker: Kafka) -> None:
    topics = {name: new_topic(kafka_broker.address, partitions=7) for name in ("kafka-python", "aiokafka", "faust")}
    put(kafka_broker.address, topics["kafka-python"], [Record(key, b"{}", []) for key in KEYS])
    asyncio.run(_through_aiokafka(kafka_broker.address, topics["aiokafka"]))
    asyncio.run(_through_faust(kafka_broker.address, topics["faust"]))
    expected = {(partition_of(key, 7), key) for key in KEYS}
    for name, topic in topics.items():
        found = {(partition, record.key) for partition, record in everything(kafka_broker.address, topic)}
        assert found == expected, name


async def _through_aiokafka(brokers: str, topic: str) -> None:
    from aiokafka import AIOKafkaProducer

    async with AIOKafkaProducer(bootstrap_servers=brokers) as producer:
        for sent in [await producer.send(topic, b"{}", key=key) for key in KEYS]:
            await sent


async def _through_faust(brokers: str, topic: str) -> None:
    import faust

    app = faust.App("partitions", **Connection(brokers).faust(), web_enabled=False, value_serializer="raw")
    async with app.producer:
        for sent in [await app.producer.send(topic, key, b"{}", None, None, None) for key in KEYS]:
            await sent
