"""From an event that is sent to a notice that is read, beside one hop through Faust alone: consume, send, consume."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from statistics import quantiles
from threading import Thread

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from pydantic_core import from_json

from bench.report import Row, cost_row
from bench.workers import PATIENCE_SECONDS, Workers, cluster
from matcher.instants import format_instant, parse_instant
from streams.topics import EVENTS, MATCHES

SECONDS, JOIN_EVERY = 20.0, 20
WARM_SECONDS = 5.0  # not counted: a group settles, connections are made, modules are imported
GRACE_SECONDS = 10.0  # for the last ones to come back

ANSWERED_LEAST = 0.8  # for some newcomers nobody is free at once, and nothing is said of them yet
AFTER = parse_instant("2026-01-01T00:00:00Z")  # where what the programs have lived through ends

Message = tuple[bytes, bytes, Sequence[tuple[str, bytes]]]


def rows(full_load: float, fill: Callable[[str], int], programs: int) -> Iterator[Row]:
    """p50 and p99 at a tenth of the full load; ``fill`` publishes what the programs have lived through."""
    rate = full_load / 10
    with cluster(partitions=4) as brokers:
        count = fill(brokers)
        with Workers(brokers, 1) as running:
            running.wait(lambda: running.decided() >= count)
            ours = _joins(brokers, rate, programs)
    with cluster(partitions=4, also="hop") as brokers, _hop(brokers):
        peer = _hops(brokers, rate, programs)
    for name, at, goal in (("p50", 49, None), ("p99", 98, 0.5)):
        mine, theirs = (quantiles(seconds, n=100)[at] * 1_000 for seconds in (ours, peer))
        yield cost_row(
            "kafka", f"sent → notice read, {name}, {rate:,.0f} events/s; a Faust hop", mine, theirs, "ms", goal
        )


def _joins(brokers: str, rate: float, programs: int) -> list[float]:
    """Seconds from sending a newcomer's join to reading the first notice about them, among check-ins at this rate."""

    def event(number: int) -> Message:
        join = number % JOIN_EVERY == 0
        what = "member.joined" if join else "progress.checked_in"
        subject = f"late-{number}" if join else "m-1"
        data = _JOIN if join else b'{"mood":5,"craving":3}'
        program = f"p-{number % programs}"
        attributes = {
            "specversion": "1.0", "id": f"late-{number}", "source": "/bench", "type": f"kindred.{what}.v1",
            "subject": subject, "time": format_instant(AFTER + int(number / rate)), "partitionkey": program,
        }  # fmt: skip
        headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
        return program.encode(), data, headers

    return _measured(
        brokers, EVENTS, MATCHES, rate, event, lambda value: str(from_json(value).get("newcomer")), every=JOIN_EVERY
    )


_JOIN = b'{"experiences":[{"code":"F11.20","state":"early","since":"2025-06-01"}],"seeks_mentor":true}'


def _hops(brokers: str, rate: float, programs: int) -> list[float]:
    def event(number: int) -> Message:
        return b"p-%d" % (number % programs), b'{"newcomer":"late-%d","more":"%s"}' % (number, b"x" * 200), []

    return _measured(brokers, EVENTS, "hop", rate, event, lambda value: str(from_json(value)["newcomer"]), every=1)


def _measured(
    brokers: str,
    to: str,
    back: str,
    rate: float,
    event: Callable[[int], Message],
    name: Callable[[bytes], str],
    every: int,
) -> list[float]:
    """Send at this rate for a while, and time how long each ``every``-th takes to come back."""
    sent, read = dict[str, float](), dict[str, float]()
    consumer = KafkaConsumer(bootstrap_servers=brokers, auto_offset_reset="latest")
    partitions = [TopicPartition(back, number) for number in consumer.partitions_for_topic(back) or ()]
    consumer.assign(partitions)
    for partition in partitions:
        consumer.seek_to_end(partition)
        consumer.position(partition)
    end = time.monotonic() + SECONDS + GRACE_SECONDS

    def listen() -> None:
        while time.monotonic() < end and (len(read) < len(sent) or not sent or time.monotonic() < end - GRACE_SECONDS):
            for records in consumer.poll(timeout_ms=5).values():
                for record in records:
                    read.setdefault(name(record.value), time.perf_counter())

    listener = Thread(target=listen)
    listener.start()
    with closing(KafkaProducer(bootstrap_servers=brokers, acks="all", linger_ms=0)) as producer:
        began, number = time.perf_counter(), 0
        while (now := time.perf_counter() - began) < SECONDS:
            if number >= now * rate:
                time.sleep(0.001)
                continue
            key, value, headers = event(number)
            if number % every == 0 and now > WARM_SECONDS:
                sent[f"late-{number}"] = time.perf_counter()
            producer.send(to, key=key, value=value, headers=list(headers))
            number += 1
    listener.join()
    consumer.close()
    came = sent.keys() & read.keys()
    if len(came) < len(sent) * ANSWERED_LEAST:
        raise AssertionError(f"{len(sent) - len(came)} of {len(sent)} never came back")
    return [read[each] - sent[each] for each in came]


def _await_hop(brokers: str) -> None:
    """Until what is sent comes back: its group settles some time after its start."""
    with (
        closing(KafkaProducer(bootstrap_servers=brokers)) as producer,
        closing(KafkaConsumer("hop", bootstrap_servers=brokers, auto_offset_reset="earliest")) as consumer,
    ):
        end = time.monotonic() + PATIENCE_SECONDS
        while not consumer.poll(timeout_ms=200):
            if time.monotonic() > end:
                raise AssertionError("nothing came back")
            producer.send(EVENTS, key=b"p-0", value=b'{"newcomer":"probe"}')


@contextmanager
def _hop(brokers: str) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.faust_alone", brokers, EVENTS, "0", "--to", "hop"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        _await_hop(brokers)
        yield
    finally:
        process.kill()
        process.wait()
