"""``python -m bench kafka``: the distributed service on a real broker, beside Faust alone on the same topic.

The broker, the worker and the peer share the machine, each measured while the others rest. Figures are of one broker
and say nothing of a cluster's; ratios do.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from heapq import merge
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic_core import from_json

from bench import kafka_latency
from bench.faust_alone import FIRST, LAST
from bench.recovery import FACTS, PEOPLE, SINCE, copies, history, put, told
from bench.report import Row, cost_row, rate_row
from bench.workers import PATIENCE_SECONDS, SESSION_SECONDS, Workers, cluster
from journal.frames import Record, decode
from journal.kafka import KafkaJournal
from journal.pause import collector_paused
from journal.port import Entry
from journal.reader import Reader
from matcher.cohort import lines
from matcher.messages.facts import read_fact
from streams.connection import Connection
from streams.processor import Processor
from streams.publisher import EventPublisher
from streams.state import State
from streams.topics import EVENTS, JOURNAL

PROGRAMS, MEMBERS, MENTORS, DAYS = 6, 300, 200, 160  # some 10,000 events a program, of which 5 % are joins
SNAPSHOT_SECONDS = 3.0
TAKEOVER_SECONDS = 3.0  # beyond the session


def rows() -> Iterator[Row]:
    """The rows of this benchmark, each on a cluster of its own."""
    one = _throughput()
    yield one
    yield _two_workers()
    yield from kafka_latency.rows(one.ours, publish, PROGRAMS)
    yield from _recovery()


# Events a second


def _throughput() -> Row:
    with cluster(partitions=4) as brokers:
        count = publish(brokers)
        faust = _faust_alone(brokers, count)
        ours = _drained(brokers, count, workers=1)
        faust = (faust + _faust_alone(brokers, count)) / 2
    return rate_row(
        "kafka", f"worker, {count:,} events, {MENTORS} mentors a program; Faust alone", ours, faust, "events/s", 0.8
    )


def _two_workers() -> Row:
    rates = []
    for workers in (1, 2):
        with cluster(partitions=2) as brokers:
            rates.append(_drained(brokers, publish(brokers), workers))
    return rate_row("kafka", "two workers on two partitions; one worker", rates[1], rates[0], "events/s", None)


def publish(brokers: str) -> int:
    """Publish the events of all programs by time; how many."""
    with EventPublisher(brokers) as out:
        return len(out.publish_many(line for _, line in merge(*map(_timed, range(PROGRAMS)))).acknowledged)


def _timed(number: int) -> Iterator[tuple[str, str]]:
    for line in lines(f"p-{number}", members=MEMBERS, mentors=MENTORS, days=DAYS, seed=number):
        yield from_json(line)["time"], line


def _faust_alone(brokers: str, count: int) -> float:
    command = [sys.executable, "-m", "bench.faust_alone", brokers, EVENTS, str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    return float(done.stdout.split()[-1])


def _drained(brokers: str, count: int, workers: int) -> float:
    """Events a second of so many workers, as their own counters say, between the first tenth and the last twentieth."""
    with Workers(brokers, workers) as running:
        running.wait(lambda: running.decided() >= count * FIRST)
        first, began = running.decided(), time.perf_counter()
        running.wait(lambda: running.decided() >= count * LAST)
        return (running.decided() - first) / (time.perf_counter() - began)


# A start from the journal


def _recovery() -> Iterator[Row]:
    with cluster(partitions=1) as brokers:
        yield _long_journal(brokers)
    with cluster(partitions=1) as brokers:
        yield _snapshot(brokers)
        yield _takeover(brokers)


def _long_journal(brokers: str) -> Row:
    with TemporaryDirectory() as scratch, closing(_journal(brokers)) as home:
        put(home, islice(copies(history(Path(scratch) / "cohort")), FACTS))
    decoding = _seconds(lambda: asyncio.run(_decode(brokers)))
    with closing(_journal(brokers)) as home:
        folding = _seconds(lambda: State.of(Reader(home, whole=True).counted()))
    return rate_row(
        "kafka", f"fold {FACTS:,} facts; aiokafka decoding them", FACTS / folding, FACTS / decoding, "facts/s", 0.3
    )


async def _decode(brokers: str) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers, isolation_level="read_committed", check_crcs=False)
    await consumer.start()
    partition = TopicPartition(JOURNAL, 0)
    consumer.assign([partition])
    end = (await consumer.end_offsets([partition]))[partition]
    consumer.seek(partition, 0)
    read = 0
    with collector_paused():
        while await consumer.position(partition) < end:
            for record in (await consumer.getmany(partition, timeout_ms=1_000)).get(partition, []):
                frame = decode(Entry(record.offset, record.value))
                if isinstance(frame, Record):
                    read += len([read_fact(line) for line in frame.batch.facts])
    await consumer.stop()
    if read != FACTS:
        raise AssertionError(f"{read} facts of {FACTS}")


def _snapshot(brokers: str) -> Row:
    facts = list(told(members=PEOPLE * 9 // 10, mentors=PEOPLE // 10, days=30))
    with closing(_journal(brokers)) as home:
        put(home, facts[:-SINCE])
        processor = Processor(home, clock="event")
        processor.start()
        processor.snapshot()
        put(home, facts[-SINCE:])

    def start() -> None:
        with closing(_journal(brokers)) as home:
            Processor(home).start()

    seconds = _seconds(start)
    return cost_row("kafka", f"{PEOPLE:,} people and {SINCE:,} facts since", seconds, SNAPSHOT_SECONDS, "s", 1.0)


def _takeover(brokers: str) -> Row:
    """Of two workers the one that owns the partition is killed; until the other one has claimed and recovered it."""
    with Workers(brokers, 2) as running:
        running.wait(lambda: any(running.epochs()))
        owner = max(range(2), key=lambda number: running.epochs()[number])
        running.kill(owner)
        began = time.perf_counter()
        running.wait(lambda: running.epochs()[1 - owner] > 0)
        seconds = time.perf_counter() - began
    allowed = SESSION_SECONDS + TAKEOVER_SECONDS
    return cost_row("kafka", "takeover after kill -9; the session's end and 3 s", seconds, allowed, "s", 1.0)


def _journal(brokers: str) -> KafkaJournal:
    return KafkaJournal(Connection(brokers).aiokafka(), JOURNAL, 0)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
