"""The main job on files: events in, a data folder out. Called again with later events it goes on where it stopped."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from journal.pause import collector_paused
from matcher.policy import PolicyBook
from streams.ahead import batches
from streams.duplicates import Seen
from streams.folder import DataFolder
from streams.intake import Input
from streams.processor import Receipt

SNAPSHOT_FACTS: Final = 250_000  # after a kill the files are read again as well, which takes as long as to fold so many
CYCLES_BATCHES: Final = 64  # hardly anything makes a reference cycle; an exception may


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one call did, and the folder in numbers after it.

    ``refused`` are the inputs of this call that are dead letters, since now or since an earlier time.
    """

    accepted: int
    duplicates: int
    refused: int
    summary: dict[str, object]


def replay(
    names: Sequence[str],
    out: Path,
    *,
    policies: PolicyBook | None = None,
    until: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Replayed:
    """Take the events of these files into the data folder ``out``, with the clock that follows the events.

    ``until`` (epoch seconds) then sets the clock there; without it nothing fires at the end of input. ``progress``
    is told how many events of this call are on the disk. Raises what ``DataFolder.open`` and ``batches`` raise.
    """
    inputs = batches(names)  # before there is a folder: a name that is wrong leaves nothing behind
    with closing(inputs), collector_paused():
        return _replay(inputs, out, policies, until, progress)


def _replay(
    inputs: Iterable[Sequence[Input]],
    out: Path,
    policies: PolicyBook | None,
    until: int | None,
    progress: Callable[[int], None] | None,
) -> Replayed:
    """The work, in a call of its own: when it returns all is gone from memory, and there is nothing left to search."""
    accepted = duplicates = refused = 0
    with DataFolder.open(out, clock="event", policies=policies, snapshot_facts=SNAPSHOT_FACTS) as folder:
        for number, batch in enumerate(inputs, 1):
            receipt = folder.take(batch)
            taken, letters = receipt.number("accepted"), _letters(folder.state.seen, batch, receipt)
            accepted += taken
            duplicates += len(batch) - taken - letters
            refused += letters
            if number % CYCLES_BATCHES == 0:
                gc.collect(0)  # young objects alone: to look at everything, again and again, took a tenth of the time
            if progress is not None:
                progress(accepted + duplicates + refused)
        if until is not None:
            folder.advance(until)
        summary = folder.state.summary()
    return Replayed(accepted, duplicates, refused, summary)


def _letters(seen: Seen, batch: Sequence[Input], receipt: Receipt) -> int:
    """How many of these inputs are dead letters: refused now, or repeats of what was refused."""
    return sum(
        [
            seen.was_refused(item.key, item.content)
            for item, result in zip(batch, receipt.results, strict=True)
            if result.status != "accepted"
        ]
    )
