"""One partition's life in a worker: claim, recover, decide, let time pass, release. One thread each.

When the ownership ends (``journal.owner.Lost``) or anything fails, the state is thrown away and the journal is claimed
again after a backoff, as long as the group's current generation assigns the partition to this worker. A batch that
fails by a defect is tried again one event at a time; an event that fails three times alone becomes a dead letter.
A safe halt stops this partition and no other.
"""

from __future__ import annotations

import time
from contextlib import closing, suppress
from functools import partial
from threading import Condition, Thread
from traceback import extract_tb
from typing import Any, Final, Literal

import structlog

from journal.frames import UPGRADE, Source
from journal.port import Journal
from matcher.errors import ConfigurationError, KindredError, SafeHalt, Unreachable
from matcher.messages.facts import FACT_UNREADABLE
from matcher.policy import POLICY_OTHER
from streams.announcing import Announcer
from streams.binary import Place, Record
from streams.ground import Ground
from streams.intake import Input
from streams.line import Line
from streams.patience import Backoff, Care
from streams.processor import Processor
from streams.source import Arrived, Reading, begin_at
from streams.state import LAYOUT_NEWER

BATCH_SECONDS: Final = 60  # of arrival, with the wall clock: a batch is decided at the instant of its last record
IDLE_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 5.0  # for a batch to end; more is a broker that is away, and the claim protects the rest
NEWER: Final = (UPGRADE, LAYOUT_NEWER, FACT_UNREADABLE, POLICY_OTHER)

Phase = Literal["claiming", "working", "halted", "released"]
log = structlog.get_logger("kindred.streams")


class Partition:
    """A partition while it is assigned. ``offer`` and ``sees`` may be called from any thread."""

    def __init__(self, number: int, ground: Ground) -> None:
        self.number = number
        self.phase: Phase = "claiming"
        self.failure: KindredError | None = None
        self.line = Line()
        self._ground = ground
        self._place = Place(number, ground.partitions)
        self._care = Care()
        self._originals: dict[int, Record] = {}
        self._topic_id = ""
        self._truncated = -1
        self._changed = Condition()
        self._paused = self._busy = self._doubts = False
        self._thread = Thread(target=self._run, name=f"kindred-partition-{number}", daemon=True)

    @property
    def next(self) -> int | None:
        """The offset of the next event to decide; None before the first claim."""
        return self.line.position

    def start(self) -> None:
        """Begin to claim."""
        self._thread.start()

    def offer(self, arrived: Arrived) -> bool:
        """Hand in what was delivered; False when there is no room, and the deliverer had better wait."""
        if not self.line.offer(arrived):
            return False
        if not self._busy:
            with self._changed:
                self._changed.notify()
        return True

    def sees(self, end: int, topic_id: str) -> None:
        """What the topic is known to be: where it ends, and its UUID. Doubts are looked into before the next batch."""
        self.line.end = end
        if self.next is not None and (end < self.next or topic_id != self._topic_id):
            self._doubts = True

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
        self._enter("released")

    def join(self, seconds: float) -> bool:
        """Whether the partition was left within so many seconds."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        backoff = Backoff()
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
            self.line.shut()
            self._enter("claiming")
            self._rest(backoff.next())

    def _own(self, backoff: Backoff) -> None:
        """One ownership, from the claim to its end."""
        self._await_permission()
        if self.phase == "released":
            return
        ground, number = self._ground, self.number
        with closing(ground.open_journal(number)) as home, closing(ground.open_source(number)) as source:
            self._topic_id = ground.topic_id()
            announcer = Announcer(ground.send, partial(self._letter, source))
            processor = self._processor(home, announcer)
            processor.start(int(ground.now()))
            self._begin(processor, source)
            backoff.reset()
            while self.phase == "working":
                if not self._step(processor, source):
                    announcer.check()
                    self._idle(processor)

    def _processor(self, home: Journal, announcer: Announcer) -> Processor:
        ground = self._ground
        return Processor(
            home,
            clock=ground.clock,
            fresh="wall",
            policies=ground.policies,
            sink=announcer,
            source=partial(Source, ground.topic, self._topic_id, self.number),
            snapshot_facts=ground.snapshot_facts,
            keeps_newer_policies=True,
        )

    def _begin(self, processor: Processor, source: Reading) -> None:
        bounds, owner = source.bounds(), processor.owner
        position = begin_at(bounds, owner.source, self._ground.topic, self._topic_id, self.number)
        self._doubts = False
        self.line.begin(position, bounds.end)
        self._enter("working")
        self._ground.watching.claimed(self.number, owner.tally.epoch)
        log.info("partition claimed", partition=self.number, epoch=owner.tally.epoch, next=position, end=bounds.end)

    def _step(self, processor: Processor, source: Reading) -> bool:
        """Process what comes next, or what time brings; False when there is nothing to do."""
        with self._changed:
            if self._paused:
                return False
            self._busy = True
        try:
            if self._doubts:
                self._look_again(processor, source)
            return self._process(processor, source) or self._tick(processor)
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _look_again(self, processor: Processor, source: Reading) -> None:
        """Raises SafeHalt when the topic is not what it was."""
        self._doubts = False
        journal = processor.owner.source
        if journal is not None:
            begin_at(source.bounds(), journal, self._ground.topic, self._ground.topic_id(), self.number)

    def _process(self, processor: Processor, source: Reading) -> bool:
        batch = self.line.next_batch(source, self._care.limit(self.next or 0), self._goes_with)
        if not batch:
            return False
        started = time.perf_counter()
        self._originals = {each.offset: each.record for each in batch}
        try:
            receipt = processor.process([self._input(each) for each in batch], batch[-1].at)
        except (Unreachable, SafeHalt):
            raise
        except Exception:
            self._care.failed(batch)
            raise
        finally:
            self._originals = {}
        self.line.taken(batch, len(receipt.results))
        self._ground.watching.decided(self.number, receipt, time.perf_counter() - started)
        self._truncate(processor)
        return True

    def _goes_with(self, first: Arrived, other: Arrived) -> bool:
        return self._ground.clock == "event" or other.at <= first.at + BATCH_SECONDS

    def _input(self, arrived: Arrived) -> Input:
        item = self._ground.read(arrived.record, self._place)
        return self._care.checked(item._replace(offset=arrived.offset))

    def _tick(self, processor: Processor) -> bool:
        """Fire what is due, when everything that arrived before has been decided."""
        if processor.state.clock != "wall" or self.line.lag:
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
            if self.phase == "working" and (self._paused or not self.line.has_deliveries):
                self._changed.wait(seconds)

    def _truncate(self, processor: Processor) -> None:
        base = processor.owner.tally.base
        if self._ground.truncates and base > self._truncated:
            processor.truncate()
            self._truncated = base

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
        backoff = Backoff()
        while self.phase != "released":
            with self._changed:
                self._changed.wait_for(lambda: not self._paused or self.phase == "released")
            try:
                if self._ground.is_ours(self.number):
                    return
            except Unreachable as error:
                self._note(error)
            self._rest(backoff.next())

    def _enter(self, phase: Phase) -> None:
        """Begin a phase; nothing follows a release, and only that follows a halt."""
        with self._changed:
            if phase == "released" or self.phase not in ("released", "halted"):
                self.phase = phase
            self._changed.notify_all()

    def _rest(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.phase in ("released", "halted"), seconds)

    def _halt(self, error: KindredError) -> None:
        log.error("partition halted", partition=self.number, code=error.code, reason=error.message)
        self.failure = error
        self._enter("halted")

    def _note(self, error: Exception) -> None:
        """Log a failure; a defect's own text may hold personal facts and is not told."""
        self._ground.watching.failed(self.number)
        if isinstance(error, KindredError):
            log.warning("partition claims again", partition=self.number, code=error.code, reason=error.message)
            return
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)]
        log.error("partition failed", partition=self.number, kind=type(error).__name__, places=places)
