"""Logs on a real Apache Kafka for the tests of the journal: a topic each, and what is done to them from outside."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.protocol.consumer import IsolationLevel

from journal.kafka import KafkaJournal
from tools.kafka import Kafka

_numbers = count()


class KafkaLog:
    """A topic of one partition, and as many handles on it as a test likes."""

    def __init__(self, kafka: Kafka, **settings: str) -> None:
        self.kafka = kafka
        self.topic = f"journal-{next(_numbers)}"
        self.handles: list[KafkaJournal] = []
        self.make(**settings)

    def handle(self) -> KafkaJournal:
        self.handles.append(KafkaJournal({"bootstrap_servers": self.kafka.address}, self.topic, 0))
        return self.handles[-1]

    def reopen(self) -> KafkaJournal:
        self.close()
        return self.handle()

    def close(self) -> None:
        while self.handles:
            self.handles.pop().close()

    def make(self, **settings: str) -> None:
        configs = {name.replace("_", "."): value for name, value in settings.items()}
        replicas = min(3, len(self.kafka.nodes))
        topic = {self.topic: {"num_partitions": 1, "replication_factor": replicas, "configs": configs}}
        with administrator(self.kafka) as admin:
            admin.create_topics(topic, wait_for_metadata=True)

    def in_a_transaction(self, bodies: Sequence[bytes], *, commit: bool) -> None:
        """Write them in a transaction, and wait until the partition has its mark."""
        with closing(
            KafkaProducer(bootstrap_servers=self.kafka.address, transactional_id=f"{self.topic}-{next(_numbers)}")
        ) as producer:
            producer.init_transactions()
            producer.begin_transaction()
            for body in bodies:
                producer.send(self.topic, body, partition=0)
            producer.flush()
            if commit:
                producer.commit_transaction()
            else:
                producer.abort_transaction()
        until = time.monotonic() + 10
        while self._end(IsolationLevel.READ_COMMITTED) < self._end(IsolationLevel.READ_UNCOMMITTED):
            assert time.monotonic() < until
            time.sleep(0.02)

    def change_on_the_disk(self, old: bytes, new: bytes) -> None:
        """Put other bytes in place of some that every node has, as a disk that fails does."""
        for node in self.kafka.nodes:
            [segment] = (node.folder / "data" / f"{self.topic}-0").glob("*.log")
            at = segment.read_bytes().index(old)
            with segment.open("r+b") as file:
                file.seek(at)
                file.write(new)

    def _end(self, isolation: IsolationLevel) -> int:
        where = TopicPartition(self.topic, 0)
        with administrator(self.kafka) as admin:
            found = admin.list_partition_offsets({where: OffsetSpec.LATEST}, isolation_level=isolation)
        return int(found[where].offset)

    def delete(self) -> None:
        with administrator(self.kafka) as admin:
            admin.delete_topics([self.topic])


@contextmanager
def administrator(kafka: Kafka) -> Iterator[Any]:
    with closing(KafkaAdminClient(bootstrap_servers=kafka.address.split(","))) as admin:
        yield admin
