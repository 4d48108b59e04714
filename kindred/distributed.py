"""The composition root of the distributed service: what a worker, and commands that look at Kafka, are made of."""

from __future__ import annotations

import gc
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from kindred import wiring
from kindred.console import note
from matcher.errors import Unreachable

if TYPE_CHECKING:
    from journal.port import Journal
    from kindred.settings import Settings
    from streams.clock import Mode
    from streams.connection import Connection
    from streams.ground import Ground
    from streams.publisher import EventPublisher
    from streams.state import State
    from streams.worker import Worker

COLLECTOR = 100_000, 50, 100
"""Objects between two searches for reference cycles: a worker holds many that last and makes hardly a cycle. With
Python's own numbers the searches took a tenth of a worker's time."""

T = TypeVar("T")


def worker(settings: Settings, clock: Mode | None) -> None:
    """Work on Kafka until SIGTERM or Ctrl-C; ``clock`` of None keeps the journals'."""
    from streams.brokers import KafkaBrokers, KafkaSender
    from streams.delivery import application
    from streams.topics import EVENTS, check_topics
    from streams.worker import GROUP, Worker

    wiring.prepare(settings.log_level)
    gc.set_threshold(*COLLECTOR)
    logging.basicConfig(level=logging.WARNING, handlers=[_ToOurLog()], force=True)
    connection = wiring.connection(settings)
    wiring.warm_up()
    _patiently(lambda: check_topics(connection, waiting=note))
    client_id = f"{GROUP}-{os.getpid()}-{secrets.token_hex(4)}"  # unlike every other: by it the group knows this worker
    with ExitStack() as stack:
        brokers = stack.enter_context(
            closing(KafkaBrokers(connection.kafka_python(), group=GROUP, client_id=client_id))
        )
        sender = stack.enter_context(closing(_patiently(lambda: KafkaSender(connection.kafka_python()))))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kindred-")))
        make = partial(
            application,
            connection.faust(),
            group=GROUP,
            client_id=client_id,
            session_seconds=settings.session_seconds,
            folder=folder,
            topic=EVENTS,
        )
        work = Worker(lambda worker: _ground(worker, settings, connection, brokers, sender, clock), make, brokers)
        stack.enter_context(_door(settings, work))
        work.run(lambda: note("working; Ctrl-C ends it"))


def _ground(
    worker: Worker, settings: Settings, connection: Connection, brokers: Any, sender: Any, clock: Mode | None
) -> Ground:
    from streams.ground import Ground
    from streams.letters import from_journal
    from streams.source import KafkaSource
    from streams.topics import EVENTS
    from streams.watch import Timed

    return Ground(
        topic=EVENTS,
        partitions=_patiently(lambda: brokers.partitions(EVENTS)),
        open_journal=lambda number: Timed(journal(connection, number), worker.board.appended),
        open_source=lambda number: KafkaSource(connection.kafka_python(), EVENTS, number),
        topic_id=lambda: brokers.topic_id(EVENTS),
        is_ours=lambda number: brokers.is_ours(EVENTS, number),
        send=sender.send,
        letter=lambda line, original, place: from_journal(line, original, EVENTS, place.partition),
        watching=worker.board,
        on_fatal=worker.fail,
        clock=clock,
        policies=None if settings.policy is None else wiring.policy_book(settings.policy),
        snapshot_facts=settings.snapshot_facts,
        truncates=settings.truncate,
    )


class _ToOurLog(logging.Handler):
    """What Faust and the Kafka clients have to say goes where everything goes, without tracebacks."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(record.levelno, record.getMessage(), logger=record.name)


def _patiently(ask: Callable[[], T]) -> T:
    """What is asked of the brokers at the start, again while they are away, as long as a first broker is waited for."""
    from streams.reach import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, PATIENCE_SECONDS

    until, wait = time.monotonic() + PATIENCE_SECONDS, FIRST_WAIT_SECONDS
    while True:
        try:
            return ask()
        except Unreachable as error:
            if time.monotonic() > until:
                raise
            note(f"{error}; waiting, for {until - time.monotonic():.0f} s at most")
        time.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT_SECONDS)


def journal(connection: Connection, partition: int) -> Journal:
    """The journal of a partition."""
    from journal.kafka import KafkaJournal
    from streams.topics import JOURNAL

    return KafkaJournal(connection.aiokafka(), JOURNAL, partition)


def partitions(connection: Connection) -> range:
    """The partitions of the journal's topic."""
    from streams.topics import JOURNAL
    from streams.whole import Topic

    with closing(Topic(connection, JOURNAL)) as topic:
        return range(topic.partitions)


def read_state(connection: Connection) -> State:
    """What all journals say now. Raises what opening one raises. Cost: the newest snapshots, and what came since."""
    from journal.reader import Reader
    from streams.state import State

    states = []
    for number in partitions(connection):
        with closing(journal(connection, number)) as home:
            states.append(State.of(Reader(home).counted()))
    return State.together(states)


def publisher(settings: Settings, patience_seconds: float) -> EventPublisher:
    """Who sends events, by the settings; says when it waits for brokers."""
    from streams.publisher import EventPublisher
    from streams.reach import quiet

    wiring.prepare(settings.log_level)
    quiet()
    return EventPublisher(wiring.connection(settings), patience_seconds=patience_seconds, waiting=note)


@contextmanager
def _door(settings: Settings, work: Worker) -> Iterator[None]:
    """The health page of a worker, when a port is set."""
    from streams.watch import Door

    if settings.health_port is None:
        yield
        return
    listener = wiring.listener("127.0.0.1", settings.health_port, has_token=False)
    door = Door(work.board, listener)
    door.open()
    note(f"health at {wiring.address(listener)}/health/ready")
    try:
        yield
    finally:
        door.close()
