"""The publisher: how platform services send events to Kindred over Kafka.

::

    from streams.publisher import EventPublisher

    with EventPublisher("localhost:9092") as out:
        out.publish(event)

An event is checked before it is sent: what Kindred could not read is ``Refused`` here, where somebody can mend it.
It goes to the partition of its program, so that what happens in a program arrives in order. Sent is not yet safe: an
event is in Kafka once it is acknowledged by all replicas in sync, which ``wait``, ``flush`` and the end of the
``with`` block wait for. Kafka's client retries what is safe to retry without making duplicates; an event whose
delivery failed, or is not known, may be published again, because Kindred knows a repeat by its source and id.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from kafka import KafkaProducer, errors

from matcher.errors import Refused, Unreachable, code
from matcher.messages.catalog import Event
from streams.binary import Record
from streams.connection import Connection
from streams.outgoing import Publishable, prepared, readable_id
from streams.reach import PATIENCE_SECONDS, RECONNECT_MS, no_topic, reach, told
from streams.topics import EVENTS

if TYPE_CHECKING:
    from kafka.producer.future import FutureRecordMetadata

UNDELIVERED = code(
    "KND-undelivered",
    "Kafka did not acknowledge some events: they may be there or not. Publish the same events again; those that are "
    "there do nothing twice.",
)

UNDERWAY_MAX: Final = 10_000  # events that wait for their acknowledgement: some 20 MB; then publishing waits as well
METADATA_SECONDS: Final = 5.0  # a broker that answers says within a round trip whether it has a topic
LINGER_MS: Final = 5  # what is published one by one within it travels together; `wait` and `flush` do not linger
CLOSING_SECONDS: Final = 5.0  # nothing is underway then
REQUESTS_PER_PATIENCE: Final = 3  # so often a request that gets no answer is made before patience ends


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An event that was not acknowledged, and why."""

    source: str
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """An event that was refused before it was sent: the how-manieth of the call, from 0, and its id if it has one."""

    index: int
    id: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Published:
    """What became of many events: the ids of those that Kafka has, those refused, those without acknowledgement."""

    acknowledged: tuple[str, ...]
    refused: tuple[Unsent, ...]
    undelivered: tuple[Undelivered, ...]


class NotDelivered(Unreachable):
    """Kafka did not acknowledge these ``events``. They may be published again."""

    def __init__(self, events: Sequence[Undelivered]) -> None:
        self.events = tuple(events)
        why = f"{len(events)} events were not acknowledged ({events[0].reason})"
        super().__init__(UNDELIVERED, f"{why}: publish the same again")


class Sent:
    """An event that is on its way."""

    def __init__(self, event: Event, topic: str, future: FutureRecordMetadata) -> None:
        self.source = event.source
        self.id = event.id
        self.reported = False  # whether somebody was told that it failed
        self._topic = topic
        self._future = future

    @property
    def done(self) -> bool:
        """Whether it is known what became of it."""
        return bool(self._future.is_done)

    @property
    def trouble(self) -> Undelivered | None:
        """Why Kafka did not acknowledge it, once that is known."""
        if not self._future.failed():
            return None
        return Undelivered(self.source, self.id, told(self._future.exception, self._topic).message)

    @property
    def place(self) -> tuple[int, int] | None:
        """The partition and offset at which Kafka has it, once it has."""
        if not self._future.succeeded():
            return None
        found = self._future.get()
        return found.partition, found.offset

    def wait(self) -> None:
        """Return when Kafka has it. Raises NotDelivered, at the latest when the publisher's patience ends."""
        self.settle()
        if trouble := self.trouble:
            self.reported = True
            raise NotDelivered([trouble])

    def settle(self) -> None:
        """Return when it is known what became of it: the client ends every event's way within its delivery timeout."""
        with suppress(errors.KafkaError):  # kept in the future, for `trouble`
            self._future.get()


class EventPublisher:
    """Sends events to ``kindred.events``. A context manager; safe to use from several threads."""

    def __init__(
        self,
        connection: Connection | str,
        *,
        topic: str = EVENTS,
        patience_seconds: float = PATIENCE_SECONDS,
        waiting: Callable[[str], None] | None = None,
    ) -> None:
        """Connect. ``connection`` is a Connection, or just the brokers as ``host:port``, separated by commas.

        ``patience_seconds`` bounds the wait for brokers that are away, now and for the acknowledgement of each event;
        ``waiting`` is told now and then. Raises Unreachable when no broker answers, ConfigurationError for wrong
        credentials or a topic that is not there.
        """
        self._connection = Connection(connection) if isinstance(connection, str) else connection
        self._topic = topic
        self._patience_seconds = patience_seconds
        self._underway = deque[Sent]()
        self._lost = list[Sent]()
        self._lock = Lock()
        brokers = self._connection.brokers
        self._producer = reach(self._made, brokers, patience_seconds=patience_seconds, waiting=waiting)
        self._find_topic()

    def publish(self, event: Publishable) -> Sent:
        """Check an event and send it on its way; then ``wait`` for it, ``flush``, or leave the block.

        Raises Refused with the code of what is wrong, and then nothing was sent. Waits while 10,000 are underway.
        """
        parsed, record = prepared(event)
        with self._lock:  # also around the client: the order in which threads come is the order of their events
            self._settle(len(self._underway) - UNDERWAY_MAX)
            sent = Sent(parsed, self._topic, self._send(record))
            self._underway.append(sent)
        return sent

    def publish_many(self, events: Iterable[Publishable]) -> Published:
        """Send all that can be read, wait until Kafka has them, and say of each what became of it."""
        sent, refused = list[Sent](), list[Unsent]()
        for index, event in enumerate(events):
            try:
                sent.append(self.publish(event))
            except Refused as refusal:
                refused.append(Unsent(index, readable_id(event), refusal.code, refusal.message))
        self._await()
        for each in sent:
            each.reported = True
        acknowledged = tuple(each.id for each in sent if not each.trouble)
        return Published(acknowledged, tuple(refused), tuple(trouble for each in sent if (trouble := each.trouble)))

    def flush(self) -> None:
        """Return when Kafka has all events so far. Raises NotDelivered with those that it may not have."""
        self._await()
        with self._lock:
            lost, self._lost = self._lost, []
        troubles = [trouble for each in lost if (trouble := each.trouble) and not each.reported]
        if troubles:
            raise NotDelivered(troubles)

    def close(self) -> None:
        """Flush, and leave the brokers. Raises NotDelivered."""
        try:
            self.flush()
        finally:
            self._producer.close(timeout=CLOSING_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            self.close()
        except NotDelivered:
            if kind is None:  # else the block's own error is the one to tell
                raise

    def _made(self, bootstrap_ms: int) -> KafkaProducer:
        patience_ms = int(self._patience_seconds * 1000)
        return KafkaProducer(
            **self._connection.kafka_python(),
            bootstrap_timeout_ms=bootstrap_ms,
            enable_idempotence=True,
            acks="all",
            linger_ms=LINGER_MS,
            reconnect_backoff_max_ms=RECONNECT_MS,
            request_timeout_ms=max(1000, patience_ms // REQUESTS_PER_PATIENCE),
            delivery_timeout_ms=max(1000, patience_ms // REQUESTS_PER_PATIENCE) + LINGER_MS + patience_ms,
            max_block_ms=int(METADATA_SECONDS * 1000),
            allow_auto_create_topics=False,
        )

    def _find_topic(self) -> None:
        try:
            self._producer.partitions_for(self._topic)
        except errors.KafkaError as trouble:
            self._producer.close(timeout=0)
            missing = isinstance(trouble, errors.KafkaTimeoutError)  # the brokers answered a moment ago
            raise (no_topic(self._topic) if missing else told(trouble, self._topic)) from None

    def _send(self, record: Record) -> FutureRecordMetadata:
        return self._producer.send(self._topic, key=record.key, value=record.value, headers=list(record.headers))

    def _await(self) -> None:
        """Return when nothing is underway of what was when it was called."""
        with self._lock:
            count = len(self._underway)
        with suppress(errors.KafkaTimeoutError):  # then those that have no answer fail by their own timeout
            self._producer.flush(timeout=self._patience_seconds)
        with self._lock:
            self._settle(count)

    def _settle(self, count: int) -> None:
        """Wait for the first ``count`` that are underway, and pass by what is done behind them."""
        while self._underway and (count > 0 or self._underway[0].done):
            sent, count = self._underway.popleft(), count - 1
            sent.settle()
            if sent.trouble:
                self._lost.append(sent)
