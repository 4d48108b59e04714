"""One partition's life in a worker: claim, recover, decide, let time pass, release. One thread each.

Faust delivers; this decides what of it is new. What lies below the journal's position is dropped, a gap above it is
read from the topic (``streams.source``), and whatever is not delivered at all is fetched after a while: deliveries are
a hint, as the consumer group's offsets are. So a record may be dropped at any time before it is in the journal, and
nothing is lost.

When the ownership ends (``journal.owner.Lost``) or anything fails, the state is thrown away and the journal is claimed
again after a backoff, as long as the group's current generation assigns the partition to this worker. A batch that
fails by a defect is tried again one event at a time; an event that fails three times alone becomes a dead letter.
A safe halt stops this partition and no other.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from threading import Condition, Thread
from traceback import extract_tb
from typing import Any, Final, Literal, Protocol

import structlog

from journal.frames import UPGRADE, Source
from journal.port import Journal
from matcher.errors import ConfigurationError, KindredError, Refused, SafeHalt, Unreachable, code
from matcher.messages.facts import FACT_UNREADABLE
from matcher.policy import PolicyBook
from streams.announcing import Announcer, Send
from streams.binary import Place, Record, read_record
from streams.clock import Mode
from streams.intake import Input
from streams.processor import SNAPSHOT_FACTS, Processor, Receipt
from streams.source import Arrived, Reading, begin_at
from streams.state import LAYOUT_NEWER

POISON = code(
    "KND-poison",
    "Kindred failed at this event three times, alone: the log has the place in the program. Please report it, and "
    "replay the dead letter after an upgrade.",
)
DEFECT = code(
    "KND-defect",
    "Kindred failed at one event after the other: that is a defect of this version, not of the events, so the "
    "partition stopped before it made dead letters of them all. Go back to the version before, or upgrade.",
)

BATCH_RECORDS: Final = 512
BATCH_BYTES: Final = 1_000_000
BATCH_SECONDS: Final = 60  # of arrival, with the wall clock: a batch is decided at the instant of its last record
INBOX_RECORDS: Final = 4_096  # half a second of work; beyond it Faust waits
IDLE_SECONDS: Final = 1.0
FETCH_SECONDS: Final = 2.0  # without a delivery, although there is more: then it is read from the topic
PAUSE_SECONDS: Final = 5.0  # for a batch to end; more is a broker that is away, and the claim protects the rest
BACKOFF_SECONDS: Final = (0.2, 5.0)
ATTEMPTS: Final = 3
POISONS_IN_A_ROW: Final = 10

NEWER: Final = (UPGRADE, LAYOUT_NEWER, FACT_UNREADABLE)

Phase = Literal["claiming", "working", "halted", "released"]
log = structlog.get_logger("kindred.streams")


class Watching(Protocol):
    """Who is told what a partition does: metrics."""

    def decided(self, partition: int, receipt: Receipt, seconds: float) -> None:
        """A batch is in the journal."""

    def claimed(self, partition: int, epoch: int) -> None:
        """The journal is ours."""

    def failed(self, partition: int) -> None:
        """Something went wrong, and is tried again."""


@dataclass(frozen=True)
class Ground:
    """What all partitions of a worker stand on."""

    topic: str
    partitions: int
    open_journal: Callable[[int], Journal]
    open_source: Callable[[int], Reading]
    topic_id: Callable[[], str]
    is_ours: Callable[[int], bool]  # asks the group's coordinator; raises Unreachable
    send: Send
    letter: Callable[[dict[str, Any], Record | None, Place], Record]
    watching: Watching
    on_fatal: Callable[[KindredError], None]
    clock: Mode | None = None
    policies: PolicyBook | None = None
    snapshot_facts: int = SNAPSHOT_FACTS
    truncates: bool = False
    now: Callable[[], float] = time.time
    read: Callable[[Record, Place], Input] = read_record


class Partition:
    """A partition while it is assigned. ``offer`` may be called from any thread, the rest from the worker's loop."""

    def __init__(self, number: int, ground: Ground) -> None:
        self.number = number
        self.phase: Phase = "claiming"
        self.failure: KindredError | None = None
        self.next: int | None = None  # the offset to process next; None before the first claim
        self.end = 0  # of the topic, as far as is known
        self.moved = time.monotonic()  # when something was last processed
        self._ground = ground
        self._place = Place(number, ground.partitions)
        self._inbox = deque[Arrived]()
        self._fetched = deque[Arrived]()
        self._wanted = 0
        self._truncated = -1
        self._originals: dict[int, Record] = {}
        self._care = _Care()
        self._changed = Condition()
        self._topic_id = ""
        self._paused = self._busy = self._doubt = False
        self._thread = Thread(target=self._run, name=f"kindred-partition-{number}", daemon=True)

    def start(self) -> None:
        """Begin to claim."""
        self._thread.start()

    def offer(self, arrived: Arrived) -> bool:
        """Hand in what was delivered; False when there is no room, and the deliverer had better wait."""
        if self.phase != "working" or arrived.offset < self._wanted:
            self._wanted = max(self._wanted, arrived.offset + 1)  # it will be read from the topic
            return True
        if len(self._inbox) >= INBOX_RECORDS:
            return False
        self._inbox.append(arrived)
        if not self._busy:
            with self._changed:
                self._changed.notify()
        return True

    def sees(self, end: int, topic_id: str) -> None:
        """What the topic is known to be: where it ends, and its UUID. Doubts are looked into before the next batch."""
        self.end = end
        if self.next is not None and (end < self.next or topic_id != self._topic_id):
            self._doubt = True

    @property
    def lag(self) -> int:
        """Records that wait in the topic, as far as is known."""
        return max(0, self.end - self.next) if self.next is not None else 0

    def pause(self) -> None:
        """Finish the batch and begin no other: a rebalance is under way."""
        with self._changed:
            self._paused = True
            self._changed.notify()
            self._changed.wait_for(lambda: not self._busy, PAUSE_SECONDS)

    def resume(self) -> None:
        """The partition stayed with this worker."""
        with self._changed:
            self._paused = False
            self._changed.notify()

    def release(self) -> None:
        """Finish the batch and leave; ``join`` waits for it."""
        with self._changed:
            self.phase = "released"
            self._changed.notify_all()

    def join(self, seconds: float) -> bool:
        """Whether the partition was left within so many seconds."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        backoff = _Backoff()
        while self.phase not in ("released", "halted"):
            try:
                self._own(backoff)
            except SafeHalt as halt:
                self._halt(halt)
                if halt.code in NEWER:  # a newer worker can go on: make room for it
                    self._ground.on_fatal(halt)
            except ConfigurationError as error:
                self._halt(error)
                self._ground.on_fatal(error)
            except Exception as error:
                self._note(error)
            if self.phase == "working":
                self.phase = "claiming"
            self._rest(backoff.next())

    def _own(self, backoff: _Backoff) -> None:
        """One ownership, from the claim to its end."""
        self._await_permission()
        if self.phase == "released":
            return
        ground, number = self._ground, self.number
        with closing(ground.open_journal(number)) as home, closing(ground.open_source(number)) as source:
            self._topic_id = topic_id = ground.topic_id()
            announcer = Announcer(ground.send, partial(self._letter, source))
            processor = Processor(
                home,
                clock=ground.clock,
                fresh="wall",
                policies=ground.policies,
                sink=announcer,
                source=partial(Source, ground.topic, topic_id, number),
                snapshot_facts=ground.snapshot_facts,
                keeps_newer_policies=True,
            )
            processor.start(int(ground.now()))
            self._begin(processor, source)
            backoff.reset()
            while self.phase == "working":
                if not self._step(processor, source):
                    announcer.check()
                    self._idle(processor)

    def _begin(self, processor: Processor, source: Reading) -> None:
        """Everything up to the end of the topic, as it is now, is read from there: Faust may begin anywhere."""
        bounds = source.bounds()
        owner = processor.owner
        with self._changed:
            self.next = begin_at(bounds, owner.source, self._ground.topic, self._topic_id, self.number)
            self._doubt = False
            self.end = bounds.end
            self._wanted = max(bounds.end, self._wanted if self._wanted <= bounds.end else 0)
            self._inbox.clear()
            self._fetched.clear()
            if self.phase == "claiming":
                self.phase = "working"
        self.moved = time.monotonic()
        self._ground.watching.claimed(self.number, owner.tally.epoch)
        log.info("partition claimed", partition=self.number, epoch=owner.tally.epoch, next=self.next, end=bounds.end)

    def _step(self, processor: Processor, source: Reading) -> bool:
        """Process what comes next, or what time brings; False when there is nothing to do."""
        with self._changed:
            if self._paused:
                return False
            self._busy = True
        try:
            if self._doubt:
                self._look_again(processor, source)
            return self._process(processor, source) or self._tick(processor)
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _look_again(self, processor: Processor, source: Reading) -> None:
        """Raises SafeHalt when the topic is not what it was."""
        journal = processor.owner.source
        if journal is not None:
            begin_at(source.bounds(), journal, self._ground.topic, self._ground.topic_id(), self.number)
        self._doubt = False

    def _process(self, processor: Processor, source: Reading) -> bool:
        arrived = self._next_batch() or self._from_topic(source)
        if not arrived:
            return False
        started = time.perf_counter()
        self._originals = {each.offset: each.record for each in arrived}
        try:
            receipt = processor.process([self._input(each) for each in arrived], arrived[-1].at)
        except (Unreachable, SafeHalt):
            raise
        except Exception:
            self._care.failed(arrived)
            raise
        finally:
            self._originals = {}
        done, left = arrived[: len(receipt.results)], arrived[len(receipt.results) :]
        self._fetched.extendleft(reversed(left))
        self.next = done[-1].offset + 1
        self.moved = time.monotonic()
        self._ground.watching.decided(self.number, receipt, time.perf_counter() - started)
        self._truncate(processor)
        return True

    def _next_batch(self) -> list[Arrived]:
        """What goes on just where the journal stops; what lies below is dropped.

        What was fetched is all there is in its range. Of what was delivered only a row without a gap is taken.
        """
        place, gaps = (self._fetched, True) if self._fetched else (self._inbox, False)
        batch, size, expected = list[Arrived](), 0, self._position
        limit = self._care.limit(expected)
        while place and len(batch) < limit and size < BATCH_BYTES:
            first = place[0]
            if first.offset < expected:
                place.popleft()
                continue
            if (first.offset > expected and not gaps) or (batch and self._is_later(batch[0], first)):
                break
            batch.append(place.popleft())
            size, expected = size + first.size, first.offset + 1
        return batch

    @property
    def _position(self) -> int:
        assert self.next is not None, "an owner knows where it is"
        return self.next

    def _is_later(self, first: Arrived, other: Arrived) -> bool:
        return self._ground.clock != "event" and other.at > first.at + BATCH_SECONDS

    def _from_topic(self, source: Reading) -> list[Arrived]:
        """What is missing before the next delivery, or up to where the topic is known to go, read from the topic."""
        upto = self._inbox[0].offset if self._inbox else self._wanted
        if upto <= self._position < self.end and time.monotonic() > self.moved + FETCH_SECONDS:
            upto = self.end
        while upto > self._position:
            page = source.read(self._position, upto)
            if page.records:
                self._fetched.extend(page.records)
                return self._next_batch()
            self.next = page.next
            self.moved = time.monotonic()
        return []

    def _tick(self, processor: Processor) -> bool:
        """Fire what is due, when everything that arrived before has been decided."""
        if processor.state.clock != "wall" or self.lag:
            return False
        now, due = int(self._ground.now()), processor.next_due()
        if due is None or due > now:
            return False
        processor.tick(now)
        return True

    def _idle(self, processor: Processor) -> None:
        """Wait for a delivery, for what falls due, or for a while."""
        seconds = IDLE_SECONDS
        if processor.state.clock == "wall" and (due := processor.next_due()) is not None:
            seconds = min(seconds, max(0.01, due - self._ground.now()))
        with self._changed:
            if self.phase == "working" and (self._paused or not self._inbox):
                self._changed.wait(seconds)

    def _truncate(self, processor: Processor) -> None:
        base = processor.owner.tally.base
        if self._ground.truncates and base > self._truncated:
            processor.truncate()
            self._truncated = base

    def _input(self, arrived: Arrived) -> Input:
        item = self._ground.read(arrived.record, self._place)._replace(offset=arrived.offset)
        if arrived.offset in self._care.poisons and item.event is not None:
            refusal = Refused(POISON, "Kindred failed at this event: please report it, and replay it after an upgrade")
            return item._replace(event=None, refusal=refusal)
        return item

    def _letter(self, source: Reading, line: dict[str, Any]) -> Record:
        """The dead letter of a journal's line, with the original as it lies in the topic if it still does."""
        offset = line.get("offset")
        original = self._originals.get(offset) if isinstance(offset, int) else None
        if original is None and isinstance(offset, int):
            with suppress(Unreachable, SafeHalt):
                records = source.read(offset, offset + 1).records
                original = records[0].record if records else None
        return self._ground.letter(line, original, self._place)

    def _await_permission(self) -> None:
        """Claim only while the group's current generation assigns the partition to this worker."""
        backoff = _Backoff()
        while self.phase != "released":
            with self._changed:
                self._changed.wait_for(lambda: not self._paused or self.phase == "released")
            try:
                if self._ground.is_ours(self.number):
                    return
            except Unreachable as error:
                self._note(error)
            self._rest(backoff.next())

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.phase in ("released", "halted"), seconds)

    def _halt(self, error: KindredError) -> None:
        log.error("partition halted", partition=self.number, code=error.code, reason=error.message)
        with self._changed:
            self.failure = error
            if self.phase != "released":
                self.phase = "halted"

    def _note(self, error: Exception) -> None:
        """Log a failure; a defect's own text may hold personal facts and is not told."""
        self._ground.watching.failed(self.number)
        if isinstance(error, KindredError):
            log.warning("partition claims again", partition=self.number, code=error.code, reason=error.message)
            return
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)]
        log.error("partition failed", partition=self.number, kind=type(error).__name__, places=places)


class _Care:
    """Which events are tried alone, and which have failed too often."""

    def __init__(self) -> None:
        self.poisons = set[int]()
        self._failures: dict[int, int] = {}
        self._until = self._last = -1
        self._in_a_row = 0

    def limit(self, offset: int) -> int:
        """How many records go into the batch that begins here."""
        if offset < self._until:
            return 1
        if self._failures:
            self._failures, self.poisons = {}, set()
        return BATCH_RECORDS

    def failed(self, batch: Sequence[Arrived]) -> None:
        """Raises SafeHalt when one event after the other fails: they are not at fault."""
        self._until = max(self._until, batch[-1].offset + 1)
        if len(batch) > 1:
            return
        offset = batch[0].offset
        self._failures[offset] = self._failures.get(offset, 0) + 1
        if self._failures[offset] >= ATTEMPTS:
            self.poisons.add(offset)
            self._in_a_row = self._in_a_row + 1 if offset == self._last + 1 else 1
            self._last = offset
            if self._in_a_row >= POISONS_IN_A_ROW:
                raise SafeHalt(DEFECT, f"{POISONS_IN_A_ROW} events in a row failed up to offset {offset}: see the log")


class _Backoff:
    """Jittered, doubling."""

    def __init__(self) -> None:
        self._dice = SystemRandom()
        self.reset()

    def reset(self) -> None:
        self._seconds = BACKOFF_SECONDS[0]

    def next(self) -> float:
        seconds, self._seconds = self._seconds, min(self._seconds * 2, BACKOFF_SECONDS[1])
        return seconds * self._dice.uniform(0.5, 1.0)
