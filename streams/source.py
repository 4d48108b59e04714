"""A partition of the events topic, read directly: what Faust did not deliver is fetched here.

The journal says how far a partition is read, not the consumer group. So what lies between the journal's position and
a delivered record, or the end, is read from the topic itself, committed transactions only. Offsets at which there is
nothing to read (the marks of transactions, what was aborted) are skipped because the broker shows them to be so.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from matcher.errors import SafeHalt, Unreachable, code
from streams.binary import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journal.frames import Source

SOURCE_LOST = code(
    "KND-source-lost",
    "Events that were not processed yet are no longer in their topic, or the topic is another one than before: it was "
    "deleted and made again, or its retention is too short. Restore the topic or have the publishers send the named "
    "range again; then `kindred journal repair-plan` says how to go on.",
)
SOURCE_AWAY = code(
    "KND-source-away", "The events topic cannot be read. Look at the broker that the message names; it is tried again."
)

READ_SECONDS: Final = 30  # a page takes milliseconds; thirty seconds is a broker that is away
RECONNECT_MS: Final = 1_000  # at most between two attempts
PAGE_RECORDS: Final = 2_000


class Arrived(NamedTuple):
    """A record of the events topic: its offset, when the broker took it (epoch seconds), and its bytes."""

    offset: int
    at: int
    record: Record

    @property
    def size(self) -> int:
        """Its bytes, about."""
        return len(self.record.value or b"") + len(self.record.key or b"") + 100


class Bounds(NamedTuple):
    """What a partition holds: the first offset, and the one after the last that is committed."""

    first: int
    end: int


class Page(NamedTuple):
    """Records that lie below ``next``, and nothing else is there from where the reading began."""

    records: Sequence[Arrived]
    next: int


class Reading(Protocol):
    """A partition that can be read from any offset. Raises Unreachable when the broker is away."""

    def bounds(self) -> Bounds:
        """What is there now."""

    def read(self, start: int, upto: int) -> Page:
        """What lies at offset ``start`` and above, below ``upto``: at least one offset further, unless ``upto`` is."""

    def close(self) -> None:
        """Leave the broker."""


class KafkaSource:
    """A partition of a topic on Kafka. Used by one thread."""

    def __init__(self, connection: Mapping[str, Any], topic: str, partition: int) -> None:
        """``connection`` are kafka-python's settings: where the brokers are, and how to speak with them."""
        from kafka import KafkaConsumer
        from kafka.structs import TopicPartition

        from streams.lenient import be_lenient

        be_lenient()
        self._where = TopicPartition(topic, partition)
        with self._trouble():
            self._consumer = KafkaConsumer(
                **connection,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                isolation_level="read_committed",
                allow_auto_create_topics=False,
                reconnect_backoff_max_ms=RECONNECT_MS,
                metrics_enabled=False,
            )
            self._consumer.assign([self._where])

    def bounds(self) -> Bounds:
        """What is there now."""
        with self._trouble():
            first = self._consumer.beginning_offsets([self._where])[self._where]
            return Bounds(first, self._consumer.end_offsets([self._where])[self._where])

    def read(self, start: int, upto: int) -> Page:
        """Read on from ``start``. Raises SafeHalt when it is no longer there."""
        from kafka.errors import OffsetOutOfRangeError

        until = time.monotonic() + READ_SECONDS
        with self._trouble():
            self._consumer.seek(self._where, start)
            while time.monotonic() < until:
                try:
                    records = self._consumer.poll(timeout_ms=500, max_records=PAGE_RECORDS).get(self._where, [])
                except OffsetOutOfRangeError:
                    bounds = self.bounds()
                    if start < bounds.first:
                        raise deleted(self._where.topic, self._where.partition, start, bounds.first) from None
                    continue
                position = self._consumer.position(self._where, timeout_ms=5_000) or start
                if records or position >= upto:
                    return Page([arrived(each) for each in records if each.offset < upto], min(position, upto))
        raise Unreachable(SOURCE_AWAY, f"{self._where.topic}-{self._where.partition} gave nothing at offset {start}")

    def close(self) -> None:
        """Leave the broker."""
        from kafka.errors import KafkaError

        with suppress(KafkaError, OSError):
            self._consumer.close(autocommit=False, timeout_ms=1_000)

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        from kafka.errors import KafkaError

        try:
            yield
        except KafkaError as error:
            raise Unreachable(
                SOURCE_AWAY, f"{self._where.topic}-{self._where.partition} cannot be read ({type(error).__name__})"
            ) from error


def arrived(message: Any) -> Arrived:
    """A record as kafka-python, aiokafka and Faust hand it on."""
    return Arrived(
        message.offset, message.timestamp // 1000, Record(message.key, message.value, tuple(message.headers or ()))
    )


def begin_at(bounds: Bounds, journal: Source | None, topic: str, topic_id: str, partition: int) -> int:
    """The next offset to read, by what the journal says and what the topic holds.

    Raises SafeHalt when the topic is another one, ends before the journal's position, or begins behind it.
    """
    if journal is None:
        return bounds.first
    if journal.topic_id != topic_id:
        raise SafeHalt(
            SOURCE_LOST,
            f"{topic} is not the topic of the journal of partition {partition}: it has the id {topic_id}, the journal "
            f"has read {journal.topic_id} up to offset {journal.next_offset}; what came after is not here",
        )
    if bounds.end < journal.next_offset:
        raise SafeHalt(
            SOURCE_LOST,
            f"{topic} partition {partition} ends at offset {bounds.end}, and the journal has read it up to "
            f"{journal.next_offset}: the topic lost what it had, restore it",
        )
    if bounds.first > journal.next_offset:
        raise deleted(topic, partition, journal.next_offset, bounds.first)
    return journal.next_offset


def deleted(topic: str, partition: int, start: int, first: int) -> SafeHalt:
    """The error for offsets that are gone and were never processed."""
    return SafeHalt(
        SOURCE_LOST,
        f"{topic} partition {partition}: the events at offsets {start} to {first - 1} were deleted before they were "
        "processed; have them sent again",
    )
