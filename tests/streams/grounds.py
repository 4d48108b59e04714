"""A partition to stand on without a broker: a topic in a list, a journal in memory, notices in a list."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from journal.memory import MemoryJournal
from journal.port import Journal
from journal.reader import Reader
from matcher.errors import KindredError
from streams.binary import Place, Record, binary
from streams.ground import Ground
from streams.letters import from_journal
from streams.partition import Partition
from streams.processor import Receipt
from streams.source import Arrived, Bounds, Page, deleted
from streams.state import State

WAIT_SECONDS = 10.0
TOPIC = "kindred.events"


@dataclass
class Topic:
    """The events topic's partition 0. ``None`` is an offset at which there is nothing to read."""

    records: list[Arrived | None] = field(default_factory=list)
    first: int = 0
    topic_id: str = "topic-1"
    reads: list[tuple[int, int]] = field(default_factory=list)

    def put(self, document: dict[str, Any] | Record, at: int = 1_772_442_000) -> Arrived:
        record = document if isinstance(document, Record) else binary(document)
        arrived = Arrived(len(self.records), at, record)
        self.records.append(arrived)
        return arrived

    def bounds(self) -> Bounds:
        return Bounds(self.first, len(self.records))

    def read(self, start: int, upto: int) -> Page:
        self.reads.append((start, upto))
        if start < self.first:
            raise deleted(TOPIC, 0, start, self.first)
        upto = min(upto, start + 5)
        return Page([each for each in self.records[start:upto] if each is not None], upto)

    def close(self) -> None:
        pass


class Done:
    """Something that the broker took at once, or will not take."""

    def __init__(self, taken: bool = True) -> None:
        self.is_done, self._taken = True, taken

    def succeeded(self) -> bool:
        return self._taken


class Watching:
    def __init__(self) -> None:
        self.epochs: list[int] = []
        self.failures = 0
        self.receipts: list[Receipt] = []

    def decided(self, partition: int, receipt: Receipt, seconds: float) -> None:
        self.receipts.append(receipt)

    def claimed(self, partition: int, epoch: int) -> None:
        self.epochs.append(epoch)

    def failed(self, partition: int) -> None:
        self.failures += 1


@dataclass
class World:
    """What partitions share: the topics and the journal, and what came out."""

    topic: Topic = field(default_factory=Topic)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    sent: list[tuple[str, Record]] = field(default_factory=list)
    watching: Watching = field(default_factory=Watching)
    fatal: list[KindredError] = field(default_factory=list)
    takes: Callable[[str], bool] = lambda _: True

    def send(self, topic: str, record: Record) -> Done:
        taken = self.takes(topic)
        if taken:
            self.sent.append((topic, record))
        return Done(taken)

    def letter(self, line: dict[str, Any], original: Record | None, place: Place) -> Record:
        return from_journal(line, original, TOPIC, place.partition)

    def ground(self, **changes: Any) -> Ground:
        home: Journal = self.journal
        ground = Ground(
            topic=TOPIC,
            partitions=1,
            open_journal=lambda _: home,
            open_source=lambda _: self.topic,
            topic_id=lambda: self.topic.topic_id,
            is_ours=lambda _: True,
            send=self.send,
            letter=self.letter,
            watching=self.watching,
            on_fatal=self.fatal.append,
            clock="event",
        )
        return replace(ground, **changes)

    @contextmanager
    def partition(self, **changes: Any) -> Iterator[Partition]:
        """A partition at work; released at the end."""
        partition = Partition(0, self.ground(**changes))
        partition.start()
        try:
            yield partition
        finally:
            partition.release()
            assert partition.join(WAIT_SECONDS), "a partition that is released ends"

    def state(self) -> State:
        return State.of(Reader(self.journal).counted())

    def ids(self, topic: str) -> list[str]:
        return [dict(record.headers)["ce_id"].decode() for name, record in self.sent if name == topic]


def until(condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.005)
