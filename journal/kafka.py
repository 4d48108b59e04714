"""A home on Apache Kafka: one partition of a topic, which any number of processes read and may try to write.

A body is a Kafka record without a key, its position the record's offset. Offsets grow and may have gaps, where a
transaction's mark lies or one that was aborted. Whatever fits into one Kafka batch together is written whole or not at
all; several batches go one after the other, each when the one before is acknowledged by all replicas in sync.

Kafka's client is asynchronous and lives on a thread of its own; the methods here wait for it (docs/adr/0006).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from journal.loop import LoopThread
from journal.port import Entry, UnknownOutcome
from matcher.errors import ConfigurationError, SafeHalt, Unreachable, code

AWAY = code(
    "KND-journal-away",
    "The brokers that hold the journal do not answer, or not in time. Look whether they run and have a leader for the "
    "partition that the message names; the worker tries again by itself.",
)
REFUSED = code(
    "KND-journal-refused",
    "The brokers do not let this user read or write the journal, or not entries of this size. The message says which: "
    "correct the credentials, the rights or the topic (`kindred topics check`).",
)
NO_PARTITION = code(
    "KND-journal-no-partition",
    "The journal's topic, or the partition that the message names, does not exist. In a new installation make it with "
    "`kindred topics create`; in an old one it was deleted, and must be restored.",
)
SHORTENED = code(
    "KND-journal-shortened",
    "The journal ends before a position that was already read or written: its topic was deleted and made again, or "
    "brokers lost what they had acknowledged. Stop the workers and restore the topic; "
    "`kindred journal repair-plan` shows what is there.",
)
RECORD = code(
    "KND-journal-record",
    "The brokers return a record of the journal that fails Kafka's own checksum. Look at the disk of the partition's "
    "leader; another replica may be whole.",
)

APPEND_SECONDS: Final = 30  # a leader that dies is replaced within 9 s; thirty are brokers that are away
ASK_SECONDS: Final = 30  # for everything else, likewise
CLOSE_SECONDS: Final = 5
REQUEST_MS: Final = 10_000
READ_BYTES: Final = 4_000_000  # what one read holds in memory, as in journal.sqlite
BATCH_BYTES: Final = 1_048_000  # Kafka takes batches up to 1,048,588 bytes by default, ours as well (streams.topics)
POLL_MS: Final = 100  # between two looks whether the log has become shorter while a page is awaited

T = TypeVar("T")
_REFUSALS: Final = (
    errors.TopicAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.AuthenticationFailedError,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
    errors.MessageSizeTooLargeError,
)


class KafkaJournal:
    """The journal in a partition of ``topic``. ``connection`` are aiokafka's settings on where and how to connect.

    Raises ConfigurationError when the partition is not there or the brokers refuse, Unreachable when none answers.
    """

    def __init__(self, connection: Mapping[str, Any], topic: str, partition: int) -> None:
        self._where = f"{topic}/{partition}"
        self._thread = LoopThread(f"journal {self._where}")
        self._log = _Log(connection, TopicPartition(topic, partition))
        try:
            self._ask(self._log.open())
        except BaseException:
            self.close()
            raise

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        """Write what fits together in one Kafka batch (1 MB), as many batches as it takes. Acknowledged on return."""
        with self._trouble(appending=True):
            return self._thread.run(self._log.append(bodies), APPEND_SECONDS)

    def read(self, start: int) -> Sequence[Entry]:
        """The next page of at most ``READ_BYTES``, or one entry. Costs a request, and another at the end of the log."""
        return self._ask(self._log.page(start))

    def head(self) -> int:
        """The lowest position not truncated."""
        return self._ask(self._log.head())

    def tail(self) -> Entry | None:
        """The last entry; ``None`` also when the last position holds none."""
        return self._ask(self._log.tail())

    def truncate(self, before: int) -> None:
        """Move the head to ``before``: no consumer sees what lies below, and Kafka deletes it a segment at a time."""
        self._ask(self._log.truncate(before))

    def close(self) -> None:
        """End the connections and the thread."""
        with suppress(TimeoutError, errors.KafkaError):
            self._thread.run(self._log.close(), CLOSE_SECONDS)
        self._thread.close()

    def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        with self._trouble():
            return self._thread.run(work, ASK_SECONDS)

    @contextmanager
    def _trouble(self, *, appending: bool = False) -> Iterator[None]:
        try:
            yield
        except _REFUSALS as error:
            raise ConfigurationError(
                REFUSED,
                f"the brokers refuse the journal {self._where} ({_why(error)}): `kindred topics check` tells more",
            ) from error
        except errors.CorruptRecordException as error:
            raise SafeHalt(
                RECORD, f"the journal {self._where} has a record that fails Kafka's checksum: look at its leader's disk"
            ) from error
        except (errors.KafkaError, OSError, TimeoutError) as error:
            if appending:
                raise UnknownOutcome(self._where, _why(error)) from error
            raise Unreachable(
                AWAY, f"the brokers of the journal {self._where} do not answer ({_why(error)}): try again"
            ) from error


class _Log:
    """The partition, asynchronously. One coroutine at a time."""

    def __init__(self, connection: Mapping[str, Any], where: TopicPartition) -> None:
        self._connection = dict(connection)
        self._where = where
        self._consumer: Any = None
        self._producer: Any = None
        self._abandoned: set[asyncio.Task[None]] = set()
        self._next: int | None = None  # where the consumer stands; None when that is not known
        self._end = 0  # the log was at least that long

    async def open(self) -> None:
        """Connect for reading; writing connects at the first append."""
        self._consumer = AIOKafkaConsumer(
            **self._connection,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # below the head there is nothing: go on at the head
            isolation_level="read_committed",
            request_timeout_ms=REQUEST_MS,
            fetch_max_bytes=READ_BYTES,
            max_partition_fetch_bytes=READ_BYTES,
            fetch_max_wait_ms=0,  # a broker that waits for more makes every other question wait behind
        )
        await self._consumer.start()
        async with self._administrator() as admin:
            [topic] = await admin.describe_topics([self._where.topic])
        trouble = errors.for_code(topic["error_code"])
        if trouble not in (errors.NoError, errors.UnknownTopicOrPartitionError):
            raise trouble
        if self._where.partition not in [partition["partition"] for partition in topic["partitions"]]:
            raise ConfigurationError(
                NO_PARTITION,
                f"there is no partition {self._where.partition} of topic {self._where.topic}: "
                "make it with `kindred topics create`, or restore it if there was one",
            )
        self._consumer.assign([self._where])
        self._consumer.pause(self._where)

    async def append(self, bodies: Sequence[bytes]) -> list[int]:
        """Send one batch after the other, so that none is there without those before it."""
        positions: list[int] = []
        try:
            while len(positions) < len(bodies):
                positions += await self._append_some(bodies[len(positions) :])
        except BaseException:
            self._abandon_producer()
            raise
        return positions

    async def page(self, start: int) -> list[Entry]:
        """The next entries; none at the end of the log."""
        if start >= self._end:
            await self._look_at_the_end(start)
        if start >= self._end:
            return []
        if start != self._next:
            self._consumer.seek(self._where, start)
        self._next = None
        self._consumer.resume(self._where)
        try:
            page = await self._fetched(start)
            self._next = page[-1].position + 1 if page else None
        finally:
            if self._next is None or self._next >= self._end:
                self._consumer.pause(self._where)  # else it reads ahead
        return page

    async def head(self) -> int:
        """The first offset."""
        return int((await self._consumer.beginning_offsets([self._where]))[self._where])

    async def tail(self) -> Entry | None:
        """What lies at the last offset."""
        await self._look_at_the_end(0)
        page = await self.page(self._end - 1) if self._end > await self.head() else []
        return page[-1] if page else None

    async def truncate(self, before: int) -> None:
        """Ask the leader to delete records."""
        async with self._administrator() as admin:
            await admin.delete_records({self._where: RecordsToDelete(before)}, timeout_ms=REQUEST_MS)

    async def close(self) -> None:
        """End the connections."""
        for client in (self._producer, self._consumer):
            if client is not None:
                await client.stop()

    @asynccontextmanager
    async def _administrator(self) -> AsyncIterator[Any]:
        admin = AIOKafkaAdminClient(**self._connection, request_timeout_ms=REQUEST_MS)
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()

    async def _append_some(self, bodies: Sequence[bytes]) -> range:
        """The positions of the first of ``bodies``: as many as make one batch."""
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                **self._connection,
                acks="all",
                enable_idempotence=True,
                max_batch_size=BATCH_BYTES,
                request_timeout_ms=REQUEST_MS,
            )
            await self._producer.start()
        batch, written = self._producer.create_batch(), 0
        while written < len(bodies) and batch.append(key=None, value=bodies[written], timestamp=None):
            written += 1
        batch.close()
        sent = await self._producer.send_batch(batch, self._where.topic, partition=self._where.partition)
        first = (await sent).offset
        if first < 0:  # Kafka says "written before", and not where
            raise errors.KafkaError("the broker does not tell where")
        return range(first, first + written)

    async def _fetched(self, start: int) -> list[Entry]:
        """What comes next, or nothing when only marks of transactions are left."""
        while True:
            found = await self._consumer.getmany(self._where, timeout_ms=POLL_MS)
            if entries := [Entry(record.offset, record.value or b"") for record in found.get(self._where, ())]:
                if entries[0].position < start:  # the log does not reach to `start` any more, and began again
                    raise _shortened(self._where, start)
                return entries
            await self._look_at_the_end(start)
            if await self._consumer.position(self._where) >= self._end:
                return []

    async def _look_at_the_end(self, reached: int) -> None:
        """Ask how long the log is: as far as all transactions are decided. Raises SafeHalt if it was longer before."""
        self._end = int((await self._consumer.end_offsets([self._where]))[self._where])
        if self._end < reached:
            raise _shortened(self._where, reached)

    def _abandon_producer(self) -> None:
        """Let go of a producer whose batch has an unknown outcome: it may still write it; the next starts afresh."""
        producer, self._producer = self._producer, None
        if producer is not None:
            task = asyncio.ensure_future(producer.stop())
            self._abandoned.add(task)
            task.add_done_callback(self._abandoned.discard)


def _why(error: BaseException) -> str:
    """One line on an error; nothing of a record is in it."""
    text = str(error).partition("\n")[0].strip()[:200].rstrip(".")
    return text or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


def _shortened(where: TopicPartition, reached: int) -> SafeHalt:
    return SafeHalt(
        SHORTENED,
        f"the journal {where.topic}/{where.partition} ends before position {reached}, which was there before: "
        "stop the workers and restore the topic",
    )
