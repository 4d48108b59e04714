"""A data folder: a journal in SQLite, and beside it the files that follow from it.

``replay`` and ``serve`` make the same folder. One process writes to it, any number may read it meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from journal.reader import Reader, Recorded
from journal.sqlite import SqliteJournal
from matcher.messages.facts import Fact, read_fact
from matcher.policy import PolicyBook
from streams.clock import Mode
from streams.intake import Input
from streams.processor import SNAPSHOT_FACTS, Processor, Receipt
from streams.projection import SUMMARY, Projection, replace_file
from streams.state import State


class DataFolder:
    """The writer of a data folder. Used by one thread at a time; a context manager that closes it."""

    def __init__(self, path: Path, home: SqliteJournal, projection: Projection, processor: Processor) -> None:
        self.path = path
        self._home = home
        self._projection = projection
        self._processor = processor

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Mode | None = None,
        fresh: Mode = "event",
        policies: PolicyBook | None = None,
        now: int | None = None,
        snapshot_facts: int = SNAPSHOT_FACTS,
    ) -> DataFolder:
        """Open or make the folder, recover, mend the files and adopt the policies (``Processor`` says of what).

        Raises ConfigurationError for another clock than the journal's, Unreachable when another process writes to
        the folder, SafeHalt when the journal is damaged.
        """
        home = SqliteJournal(path)
        projection = Projection(path)
        processor = Processor(
            home, clock=clock, fresh=fresh, policies=policies, sink=projection, snapshot_facts=snapshot_facts
        )
        try:
            processor.start(now)
        except BaseException:
            projection.close()
            home.close()
            raise
        return cls(path, home, projection, processor)

    @property
    def state(self) -> State:
        """What the journal says, after the last call that returned."""
        return self._processor.state

    def take(self, inputs: Sequence[Input], arrival: int | None = None) -> Receipt:
        """Decide a batch; it is on the disk when this returns. ``arrival`` is needed with the wall clock."""
        return self._processor.process(inputs, arrival)

    def take_whole(self, inputs: Iterable[Input], arrival: int | None = None) -> Receipt:
        """Decide a batch of which all is taken or nothing. Raises NotWhole."""
        return self._processor.process_whole(inputs, arrival)

    def knows(self, keys: Iterable[bytes]) -> list[bool]:
        """Of inputs, by their keys, whether they came before. Any thread may ask."""
        return self._processor.knows(keys)

    def advance(self, until: int) -> None:
        """Set all clocks to ``until``, firing what falls due on the way."""
        self._processor.advance(until)

    def tick(self, now: int) -> None:
        """Fire what is due."""
        self._processor.tick(now)

    def next_due(self) -> int | None:
        """When something falls due next."""
        return self._processor.next_due()

    def close(self) -> None:
        """Leave a snapshot and a summary behind, and let another process write."""
        try:
            self._processor.close()
            replace_file(self.path / SUMMARY, json.dumps(self.state.summary(), indent=2).encode() + b"\n")
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close without looking back: the next start goes on from the journal."""
        self._projection.close()
        self._home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def read_state(path: Path) -> State:
    """The state of a folder, also while another process writes to it.

    Raises ConfigurationError when there is no journal, SafeHalt when it is damaged. Cost: the newest snapshot and
    what came since.
    """
    with closing(SqliteJournal(path, read_only=True)) as home:
        return State.of(Reader(home).counted())


def read_facts(path: Path) -> Iterator[Fact]:
    """Every fact of a folder, in the order in which they were decided."""
    for record in _records(path):
        yield from map(read_fact, record.batch.facts)


def read_dead_letters(path: Path) -> Iterator[dict[str, Any]]:
    """Every dead letter of a folder, in the order in which they came."""
    for record in _records(path):
        yield from map(json.loads, record.batch.refused)


def _records(path: Path) -> Iterator[Recorded]:
    with closing(SqliteJournal(path, read_only=True)) as home:
        for item in Reader(home, whole=True).counted():
            if isinstance(item, Recorded):
                yield item
