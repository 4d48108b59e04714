"""Everything that lies in a topic now: for checks, and for commands that look."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

from streams.binary import Record
from streams.connection import Connection
from streams.lenient import be_lenient
from streams.reach import PATIENCE_SECONDS, no_topic, reach, told

READ_SECONDS: Final = 30.0  # between two pages; a page takes milliseconds, so this is a broker that went away


class Lying(NamedTuple):
    """A record, where it lies, and since when (epoch milliseconds)."""

    partition: int
    offset: int
    at: int
    record: Record


class Topic:
    """A topic as it was when this was made: committed records from the first that is left to what was the end."""

    def __init__(
        self,
        connection: Connection,
        name: str,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        waiting: Callable[[str], None] | None = None,
    ) -> None:
        """Raises Unreachable when no broker answers, ConfigurationError when there is no such topic."""
        be_lenient()
        self.name = name
        self._consumer = reach(
            lambda ms: _consumer(connection, ms), connection.brokers, patience_seconds=patience_seconds, waiting=waiting
        )
        try:
            numbers = self._consumer.partitions_for_topic(name)
            if not numbers:
                raise no_topic(name)
            self._where = [TopicPartition(name, number) for number in sorted(numbers)]
            self._consumer.assign(self._where)
            self._firsts = self._consumer.beginning_offsets(self._where)
            self._ends = self._consumer.end_offsets(self._where)
        except KafkaError as trouble:
            self.close()
            raise told(trouble, name) from None
        except BaseException:
            self.close()
            raise

    @property
    def partitions(self) -> int:
        """How many there are."""
        return len(self._where)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was deleted from its beginning."""
        return not any(self._firsts.values())

    def records(self) -> Iterator[Lying]:
        """All of them; in order within a partition. Holds one page."""
        try:
            for where in self._where:
                self._consumer.seek(where, self._firsts[where])
            yield from self._pages()
        except KafkaError as trouble:
            raise told(trouble, self.name) from None

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close(autocommit=False)

    def _pages(self) -> Iterator[Lying]:
        until = time.monotonic() + READ_SECONDS
        while any(self._consumer.position(where) < end for where, end in self._ends.items()):
            for where, messages in self._consumer.poll(timeout_ms=500).items():
                until = time.monotonic() + READ_SECONDS
                yield from (_lying(message) for message in messages if message.offset < self._ends[where])
            if time.monotonic() > until:
                raise KafkaTimeoutError("the brokers gave nothing more")


def _lying(message: Any) -> Lying:
    record = Record(message.key, message.value, tuple(message.headers))
    return Lying(message.partition, message.offset, message.timestamp, record)


def _consumer(connection: Connection, bootstrap_ms: int) -> KafkaConsumer:
    return KafkaConsumer(
        **connection.kafka_python(),
        bootstrap_timeout_ms=bootstrap_ms,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        allow_auto_create_topics=False,
    )
