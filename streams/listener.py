"""The listener: how platform services follow what Kindred decides, on ``kindred.matches`` and ``kindred.alerts``.

::

    from streams.listener import EventListener

    with EventListener("localhost:9092", group="messenger") as notices:
        for notice in notices:
            tell(notice.subject, notice.type, notice.data)

What is promised, for listeners of one group:

- Every notice is handed on, and those of a program in the order in which Kindred first said them.
- **Once** while a listener lives and keeps its partitions, and after a clean end of the ``with`` block. Kindred repeats
  notices after a crash of its own, with the same id; a repeat is passed over when no more than ``remembered`` other
  notices of its partition lie between the two. That memory is read back from Kafka at a start.
- **At least once** when a listener is killed, or partitions move between the listeners of a group: what was handed on
  in the last second may come again. Who must not act twice keeps ``notice.id`` where the action is kept, in one
  transaction with it.
- A notice is done when the next one is asked for. An error inside the block leaves it undone: it comes again at the
  next start. A record that is no notice is passed over, counted in ``unreadable`` and told to the log.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event as Flag
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from kafka import KafkaConsumer, TopicPartition, errors
from kafka.structs import OffsetAndMetadata
from pydantic import JsonValue, ValidationError

from matcher.errors import Refused
from matcher.messages.envelope import Envelope, short_type
from streams.binary import Record, structured_form
from streams.connection import Connection
from streams.moves import Moves
from streams.reach import PATIENCE_SECONDS, RECONNECT_MS, no_topic, reach, told
from streams.topics import ALERTS, MATCHES

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

REMEMBERED: Final = 10_000  # notices of a partition: a second of reading at a start, and 2 MB
COMMIT_SECONDS: Final = 1.0  # what may come again after a kill
SESSION_SECONDS: Final = 10.0  # so long after a listener was killed the others get its programs
HEARTBEAT_SECONDS: Final = 3.0
POLL_SECONDS: Final = 0.5  # so soon `stop` is heard
POLL_RECORDS: Final = 200  # handed on before the group is asked again: at a second each within its five minutes

log = logging.getLogger(__name__)  # of the service that listens, which is not Kindred's


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that Kindred decided: `type` is its short name (``match.activated``), `time` epoch seconds.

    ``id`` is the same whenever it is said again. ``data`` may have fields of a later minor version.
    """

    id: str
    type: str
    program: str
    subject: str
    time: int
    data: Mapping[str, JsonValue]


@dataclass(slots=True)
class _Partition:
    """How far a partition is done, what was committed of that, how far it was read for its ids, and those lately."""

    done: int
    committed: int
    read: int
    ids: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def is_new(self, id_: str, remembered: int) -> bool:
        """Remember an id; False when it was known."""
        known = id_ in self.ids
        self.ids[id_] = None
        self.ids.move_to_end(id_)
        if len(self.ids) > remembered:
            self.ids.popitem(last=False)
        return not known


class EventListener(Iterator[Notice]):
    """The notices of Kindred, one by one: an iterator and a context manager, for one thread."""

    def __init__(
        self,
        connection: Connection | str,
        *,
        group: str,
        topics: Sequence[str] = (MATCHES, ALERTS),
        remembered: int = REMEMBERED,
        idle_seconds: float | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        waiting: Callable[[str], None] | None = None,
    ) -> None:
        """Connect and join the ``group``: its listeners share the programs. A new group begins with the oldest notice.

        The loop ends after ``stop``, and when nothing came for ``idle_seconds`` (None: it goes on for ever). Raises
        Unreachable when no broker answers within ``patience_seconds``, ConfigurationError for wrong credentials or a
        topic that is not there.
        """
        self._connection = Connection(connection) if isinstance(connection, str) else connection
        self._group = group
        self._patience_seconds = patience_seconds
        self._heard_at = time.monotonic()
        self._remembered = remembered
        self._idle_seconds = idle_seconds
        self._stopping = Flag()
        self._partitions: dict[TopicPartition, _Partition] = {}  # all that were ever ours: nothing twice in one life
        self._mine = set[TopicPartition]()
        self._given_at = time.monotonic()
        self._waiting: deque[ConsumerRecord] = deque()
        self._handed: tuple[TopicPartition, int] | None = None
        self._committed_at = time.monotonic()
        self.unreadable = 0
        brokers = self._connection.brokers
        self._consumer = reach(self._made, brokers, patience_seconds=patience_seconds, waiting=waiting)
        self._moves = Moves(self._consumer._coordinator.request_rejoin)
        self._join(topics)

    def stop(self) -> None:
        """Let the loop end before the next notice; from any thread, or a signal's handler."""
        self._stopping.set()

    def close(self) -> None:
        """Commit what is done, and leave the group."""
        try:
            self._commit()
        finally:
            self._consumer.close(autocommit=False)

    def __next__(self) -> Notice:
        """The next notice; the one before is done."""
        self._finish()
        asked = time.monotonic()
        while not self._stopping.is_set():
            if self._waiting:
                if notice := self._taken(self._waiting.popleft()):
                    return notice
                continue
            self._fill()
            if not self._waiting and self._is_idle(asked):
                break
        self._commit()
        raise StopIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:  # a `break` after the last notice: it is done as well
            self._finish()
        self.close()

    def _made(self, bootstrap_ms: int) -> KafkaConsumer:
        return KafkaConsumer(
            **self._connection.kafka_python(),
            bootstrap_timeout_ms=bootstrap_ms,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            heartbeat_interval_ms=int(HEARTBEAT_SECONDS * 1000),
            max_poll_records=POLL_RECORDS,
            reconnect_backoff_max_ms=RECONNECT_MS,
            allow_auto_create_topics=False,
        )

    def _join(self, topics: Sequence[str]) -> None:
        try:
            missing = [topic for topic in topics if not self._consumer.partitions_for_topic(topic)]
            if missing:
                raise no_topic(missing[0])
            self._consumer.subscribe(list(topics), listener=self._moves)
        except errors.KafkaError as trouble:
            self._consumer.close(autocommit=False)
            raise told(trouble, " and ".join(topics)) from None
        except BaseException:
            self._consumer.close(autocommit=False)
            raise

    def _is_idle(self, since: float) -> bool:
        """Whether nothing came for too long; the time in which the group had given it nothing is no idleness."""
        if self._idle_seconds is None:
            return False
        if not self._mine:
            return time.monotonic() - since > self._patience_seconds
        return time.monotonic() - max(since, self._given_at) > self._idle_seconds

    def _finish(self) -> None:
        if self._handed is not None:
            partition, offset = self._handed
            self._handed = None
            self._done(partition, offset)

    def _done(self, partition: TopicPartition, offset: int) -> None:
        if mine := self._partitions.get(partition):
            mine.done = offset + 1

    def _fill(self) -> None:
        """Ask for what comes next. What was read of partitions that have just come is read again, from further back."""
        if time.monotonic() - self._committed_at >= COMMIT_SECONDS:
            self._commit()
        try:
            found = self._consumer.poll(timeout_ms=int(POLL_SECONDS * 1000))
            for partition in self._moved():
                found.pop(partition, None)
        except errors.KafkaError as trouble:
            self._bear(trouble)
            return
        self._heard_at = time.monotonic()
        for records in found.values():
            self._waiting.extend(records)

    def _bear(self, trouble: errors.KafkaError) -> None:
        """Let pass what may be better the next time, for as long as patience lasts. Raises Unreachable then."""
        if not trouble.retriable or time.monotonic() - self._heard_at > self._patience_seconds:
            raise told(trouble, f"group {self._group} on Kafka") from None
        self._stopping.wait(POLL_SECONDS)

    def _moved(self) -> set[TopicPartition]:
        """Take up the partitions that came since the last time, and return them."""
        came, assigned = self._moves.taken(), set(self._consumer.assignment())
        fresh = {each for each in assigned if each in came or each not in self._mine}
        for partition in sorted(fresh):
            self._take_up(partition)
        if fresh:
            self._given_at = time.monotonic()
        self._mine = assigned
        return fresh

    def _take_up(self, partition: TopicPartition) -> None:
        """Find where to go on. The last notices before it, as far as not heard here, are read again for their ids."""
        committed = self._consumer.committed(partition)
        first = self._consumer.beginning_offsets([partition])[partition]
        mine = self._partitions.setdefault(partition, _Partition(first, first, first))
        mine.done = max(first, mine.done, committed or 0)
        mine.committed = committed or first
        # The client may tell of one partition twice before anything of it was read: what is done says nothing then.
        self._consumer.seek(partition, max(first, min(mine.done, max(mine.read, mine.done - self._remembered))))

    def _taken(self, record: ConsumerRecord) -> Notice | None:
        """The notice of a record, if it is one that is to be handed on."""
        partition = TopicPartition(record.topic, record.partition)
        mine = self._partitions.get(partition)
        if mine is None or partition not in self._mine or self._moves.are_pending(partition):
            return None  # another listener has it, or it is read again
        notice = _read(record)
        mine.read = record.offset + 1
        is_new = notice is not None and mine.is_new(notice.id, self._remembered)
        if record.offset < mine.done:
            return None  # read for its id alone
        if is_new:
            self._handed = partition, record.offset
            return notice
        if notice is None:
            self.unreadable += 1
            log.warning("%s-%d: the record at %d is no notice, and is passed over", *partition, record.offset)
        self._done(partition, record.offset)
        return None

    def _commit(self) -> None:
        """Tell the group how far each partition is done."""
        self._committed_at = time.monotonic()
        ahead = {each: mine.done for each in self._mine if (mine := self._partitions[each]).done > mine.committed}
        if not ahead:
            return
        try:
            self._consumer.commit({each: OffsetAndMetadata(done) for each, done in ahead.items()})
        except (errors.CommitFailedError, errors.RebalanceInProgressError):
            return  # another listener has them; what it hands on again is "at least once"
        except errors.KafkaError as trouble:
            self._bear(trouble)
            return
        for partition, done in ahead.items():
            self._partitions[partition].committed = done


def _read(record: ConsumerRecord) -> Notice | None:
    try:
        raw = structured_form(Record(record.key, record.value, record.headers))
        envelope = Envelope.model_validate_json(raw)
    except (Refused, ValidationError):
        return None
    type_ = short_type(envelope.type)
    return Notice(envelope.id, type_, envelope.partitionkey, envelope.subject, envelope.time, envelope.data)
