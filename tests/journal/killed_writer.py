"""A process that writes until it is killed: ``python -m tests.journal.killed_writer FOLDER SEED``.

It writes the numbers that follow those in the journal, one a fact, in groups of uneven size, with a snapshot and a
truncation now and then, and prints the last number of every group once the journal has acknowledged it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

from journal.frames import Batch
from journal.owner import Owner
from journal.port import Journal
from journal.reader import Counted, Snapshot
from journal.sqlite import SqliteJournal
from tests.journal.homes import AT


class Numbers:
    """The state: how many numbers were written. Folding checks that none is missing, doubled or torn."""

    def __init__(self) -> None:
        self.written = 0

    def fold(self, item: Counted) -> None:
        if isinstance(item, Snapshot):
            self.written = int(item.state[:20])
            return
        for fact in item.batch.facts:
            assert fact == line(self.written), (fact, self.written)
            self.written += 1


def line(number: int) -> bytes:
    """A fact as long as real ones, different in every byte that matters."""
    return b"%d " % number * 40


def claimed(home: Journal) -> tuple[Owner, Numbers]:
    owner, numbers = Owner(home), Numbers()
    owner.claim(numbers.fold)
    return owner, numbers


def main(folder: Path, random: Random) -> None:
    owner, numbers = claimed(SqliteJournal(folder))
    while True:
        batches = []
        for _ in range(random.randint(1, 3)):
            end = numbers.written + random.randint(1, 40)
            batches.append(Batch(AT, [line(number) for number in range(numbers.written, end)]))
            numbers.written = end
        owner.append_many(batches)
        print(numbers.written, flush=True)  # noqa: T201 - the pipe is the acknowledgement
        owner.announce(owner.tally.record)
        if random.random() < 0.05:
            owner.snapshot(b"%020d" % numbers.written * random.choice([1, 50_000]), layout=1)
            owner.truncate()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Random(sys.argv[2]))
