"""What tests on a real broker share: topics of their own, and all that is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from uuid import uuid4

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from streams.binary import Record


def new_topic(brokers: str, partitions: int = 6, **settings: str) -> str:
    """A topic that nobody else has."""
    name = f"kindred.test-{uuid4().hex[:12]}"
    configs = {key.replace("_", "."): value for key, value in settings.items()}
    with closing(KafkaAdminClient(bootstrap_servers=brokers)) as admin:
        admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])
    return name


def put(brokers: str, topic: str, records: Sequence[Record], partition: int | None = None) -> None:
    """Send records as they are."""
    with closing(KafkaProducer(bootstrap_servers=brokers)) as producer:
        for record in records:
            producer.send(topic, record.value, record.key, headers=list(record.headers), partition=partition)
        producer.flush(timeout=30)


def everything(brokers: str, topic: str) -> list[tuple[int, Record]]:
    """All that lies in a topic now, with the partition, in order."""
    with closing(KafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)) as consumer:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        return list(_read(consumer, ends))


def _read(consumer: KafkaConsumer, ends: dict[TopicPartition, int]) -> Iterator[tuple[int, Record]]:
    for _ in range(120):
        if all(consumer.position(partition) >= end for partition, end in ends.items()):
            return
        for partition, found in consumer.poll(timeout_ms=250).items():
            yield from ((partition.partition, Record(each.key, each.value, each.headers)) for each in found)
    raise AssertionError("the broker did not give all that is there")


@contextmanager
def silent_port() -> Iterator[str]:
    """An address at which nobody listens as long as the block lasts."""
    import socket

    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{door.getsockname()[1]}"
