"""``kindred worker`` from start to stop: a member of the consumer group that owns the journals of its partitions.

The group says which partitions are this worker's; each is a ``Partition`` with a thread of its own, so that nothing
that blocks runs in Faust's event loop. A rebalance pauses all partitions between two batches; those that stay go on
with the claim they have, for nobody else can have claimed them without their finding out at the next append.

If Faust ends by itself it is made anew, for the application is only a function away.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Set
from contextlib import suppress
from threading import Event, Thread
from typing import Any, Final, Protocol

import structlog

from matcher.errors import KindredError, Unreachable, code
from streams.ground import Ground
from streams.partition import Partition
from streams.watch import Board

FAUST_ENDED = code(
    "KND-faust-ended",
    "The consumer of the events topic ended by itself again and again. The log says why; start the worker again when "
    "the brokers are well.",
)

GROUP: Final = "kindred"
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
LOOK_SECONDS: Final = 2.0  # between two looks at the ends of the topic
STOP_SECONDS: Final = 8.0  # for the partitions' batches, and for leaving the group; a batch takes milliseconds
RESTARTS_MAX: Final = 10  # of Faust, without an hour of peace in between
PEACE_SECONDS: Final = 3_600.0

log = structlog.get_logger("kindred.streams")


class Brokers(Protocol):
    """What a worker asks the brokers about the whole topic. Raises Unreachable."""

    def ends(self, topic: str, partitions: Set[int]) -> dict[int, int]:
        """Where the committed records of these partitions end."""

    def topic_id(self, topic: str) -> str:
        """The UUID of a topic."""


class Application(Protocol):
    """Faust's application, as far as it is used here."""

    crashed: bool
    should_stop: bool

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End, and leave the group."""


MakeApplication = Callable[..., Any]


class Worker:
    """One process's share of the partitions. To be run in the main thread."""

    def __init__(self, ground: Callable[[Worker], Ground], make: MakeApplication, brokers: Brokers) -> None:
        self.partitions: dict[int, Partition] = {}
        self.board = Board(self.partitions)
        self._make = make
        self._brokers = brokers
        self._ground = ground(self)
        self._failure: KindredError | None = None
        self._leaving = Event()
        self._wake: Callable[[], None] = lambda: None

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Work until SIGTERM or SIGINT. Raises the error for which it cannot go on."""
        try:
            asyncio.run(self._run(ready))
        finally:
            for number in SIGNALS:  # the process is about to end: asked once more meanwhile, it ends no other way
                signal.signal(number, signal.SIG_IGN)
        if self._failure is not None:
            raise self._failure

    def fail(self, error: KindredError) -> None:
        """End the worker with this error; from any thread."""
        self._failure = self._failure or error
        self._wake()

    async def _run(self, ready: Callable[[], None]) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: _in(loop, stop.set)
        for number in SIGNALS:
            signal.signal(number, lambda *_: self._wake())
        watch = Thread(target=self._look, name="kindred-watch", daemon=True)
        watch.start()
        ready()
        try:
            await self._deliver(stop)
        finally:
            self.board.stopping = True
            self._leaving.set()
            await self._release(set(self.partitions))

    async def _deliver(self, stop: asyncio.Event) -> None:
        """Keep a Faust application running until the worker is to stop."""
        restarts, since = 0, time.monotonic()
        while not stop.is_set():
            app = self._make(partitions=self.partitions, on_assigned=self._assigned, on_revoked=self._revoked)
            await self._until_end(app, stop)
            if stop.is_set():
                return
            self.board.joined = False
            if time.monotonic() - since > PEACE_SECONDS:
                restarts, since = 0, time.monotonic()
            restarts += 1
            if restarts > RESTARTS_MAX:
                self.fail(Unreachable(FAUST_ENDED, f"the consumer ended {restarts} times: see the log"))
                return
            log.warning("the consumer ended and is made anew", times=restarts)
            await _either(stop, min(30.0, 0.5 * 2**restarts))

    async def _until_end(self, app: Application, stop: asyncio.Event) -> None:
        try:
            start = asyncio.ensure_future(app.start())
            while not stop.is_set() and not app.should_stop:
                if start.done() and start.exception() is not None:
                    log.warning("the consumer did not start", kind=type(start.exception()).__name__)
                    break
                await _either(stop, 0.2)
            start.cancel()
        finally:
            self._pause(set(self.partitions))
            try:
                await asyncio.wait_for(app.stop(), STOP_SECONDS)
            except Exception as error:
                log.warning("the consumer did not end by itself", kind=type(error).__name__)

    async def _assigned(self, now: Set[int]) -> None:
        self.board.joined = True
        await self._release(self.partitions.keys() - now)
        for number in sorted(now - self.partitions.keys()):
            self.partitions[number] = Partition(number, self._ground)
            self.partitions[number].start()
        for number in now:
            self.partitions[number].resume()
        log.info("partitions assigned", partitions=sorted(now))

    async def _revoked(self, gone: Set[int]) -> None:
        await asyncio.to_thread(self._pause, gone)

    def _pause(self, numbers: Set[int]) -> None:
        for number in sorted(numbers):
            if (partition := self.partitions.get(number)) is not None:
                partition.pause()

    async def _release(self, numbers: Set[int]) -> None:
        gone = [self.partitions.pop(number) for number in sorted(numbers)]
        for partition in gone:
            partition.release()
        until = time.monotonic() + STOP_SECONDS
        for partition in gone:
            await asyncio.to_thread(partition.join, max(0.0, until - time.monotonic()))
            self.board.released(partition.number)

    def _look(self) -> None:
        """Look at the topic now and then: where it ends, and whether it is still the same."""
        topic = self._ground.topic
        while not self._leaving.wait(LOOK_SECONDS):
            try:
                partitions = dict(self.partitions)
                topic_id = self._brokers.topic_id(topic)
                self.board.has_topic = topic_id != ""
                for number, end in self._brokers.ends(topic, partitions.keys()).items():
                    partitions[number].sees(end, topic_id)
                self.board.heard()
            except Unreachable as error:
                log.warning("the events topic cannot be looked at", code=error.code, reason=error.message)
            except (
                Exception
            ) as error:  # whoever watches must not fall silent: readiness would say that brokers are gone
                log.error("the events topic was not looked at", kind=type(error).__name__)


async def _either(stop: asyncio.Event, seconds: float) -> None:
    """Until the worker is to stop, or for so long."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def _in(loop: asyncio.AbstractEventLoop, do: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(do)
