"""Faust: joins the consumer group, and hands every record of the events topic on. No logic lives in its agent.

What nothing here rests on (docs/adr/0007): Faust's offsets, tables and exactly-once mode. What it is asked for: group
membership, fetching in the background, and back pressure. The application is made by a function; nothing is global.

A message of Faust's is a whole page here: what one fetch brought of one partition. The way of a message through Faust
costs as much as deciding an event does (``python -m bench kafka``), and a page costs it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import faust
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP, StreamT

from streams.binary import Record
from streams.partition import Partition
from streams.source import Arrived

HEARTBEATS: Final = 5  # in a session: one may be lost, and two
COMMIT_SECONDS: Final = 0.5
METADATA_MS: Final = 10_000  # a topic that was deleted and made again is found so soon; five minutes otherwise
ROOM_SECONDS: Final = 0.01  # between two looks at an inbox that is full

Changed = Callable[[Set[int]], Awaitable[None]]


def application(
    settings: Mapping[str, Any],
    *,
    group: str,
    client_id: str,
    session_seconds: float,
    folder: Path,
    topic: str,
    partitions: Mapping[int, Partition],
    on_assigned: Changed,
    on_revoked: Changed,
) -> faust.App:
    """A Faust application that hands records to ``partitions``, by number; it is started in a running event loop.

    ``settings`` are Faust's own on where the brokers are and how to speak with them. ``on_assigned`` gets all that
    are assigned now, ``on_revoked`` those that are taken away, before others may get them.
    """
    app = faust.App(
        group,
        **settings,
        broker_client_id=client_id,
        broker_session_timeout=session_seconds,
        broker_heartbeat_interval=session_seconds / HEARTBEATS,
        broker_commit_interval=COMMIT_SECONDS,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=METADATA_MS,
        stream_wait_empty=False,  # what was handed on is in the journal or will be read again
        ConsumerScheduler=Pages,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        autodiscover=False,
        table_standby_replicas=0,  # then aiokafka's round robin assigns, which asks nothing of a worker's name
        datadir=folder,  # made and never used: there are no tables
    )
    app.transport = CommittedTransport(app.conf.broker_consumer, app)
    events = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def hand_on(stream: StreamT[Any]) -> None:
        async for event in stream.events():
            partition = partitions.get(event.message.partition)
            if partition is None:
                continue
            for record in event.message.value.records:
                arrived = Arrived(
                    record.offset,
                    record.timestamp // 1_000,
                    Record(record.key, record.value, tuple(record.headers or ())),
                )
                while not partition.offer(arrived):
                    await asyncio.sleep(ROOM_SECONDS)

    async def assigned(_: Any, /, *now: Any, signal: Any, **__: Any) -> None:
        await on_assigned(_numbers(now[0], topic))

    async def revoked(_: Any, /, *gone: Any, signal: Any, **__: Any) -> None:
        await on_revoked(_numbers(gone[0], topic))

    app.agent(events, name="events", concurrency=1)(hand_on)
    app.on_partitions_assigned.connect(assigned)
    app.on_partitions_revoked.connect(revoked)
    return app


class Page(bytes):
    """The value of a message that stands for all ``records`` of a fetch: bytes to Faust, which looks no further."""

    records: Sequence[Any] = ()


class Pages(DefaultSchedulingStrategy):
    """Makes one message of what was fetched of a partition, with the last offset: to Faust the others are a gap."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """A message a partition, in turn over the topics."""
        return super().iterate({where: [_page(page)] for where, page in records.items() if page})


def _page(records: Sequence[Any]) -> Any:
    value = Page()
    value.records = records
    return replace(records[-1], value=value)


def _numbers(where: Set[TP], topic: str) -> set[int]:
    return {each.partition for each in where if each.topic == topic}


class CommittedThread(AIOKafkaConsumerThread):
    """Reads committed transactions only; Faust does so only in its own exactly-once mode, which is not used."""

    def _create_worker_consumer(self, transport: Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # looked at when the consumer starts; a test holds it
        return consumer

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Mapping[TP, list[Any]]:
        """What was fetched. aiokafka fails at a header whose name is no UTF-8, and would fail there for ever.

        Then everything up to the end of that partition is left to its ``KafkaSource``, which can read it; what was
        taken off the others meanwhile is a gap that they fetch as well.
        """
        try:
            return await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        except UnicodeDecodeError:
            for where in active_partitions:
                try:
                    await super()._fetch_records(consumer, {where}, timeout=0)
                except UnicodeDecodeError:
                    await consumer.seek_to_end(where)
            return {}


class CommittedConsumer(Consumer):
    """A consumer on such a thread."""

    def _new_consumer_thread(self) -> CommittedThread:
        return CommittedThread(self, loop=self.loop, beacon=self.beacon)


class CommittedTransport(Transport):
    """Faust's Kafka transport with such a consumer."""

    Consumer = CommittedConsumer
