"""How often something is tried: claims with a growing wait, and events at which Kindred fails one by one."""

from __future__ import annotations

from collections.abc import Sequence
from random import SystemRandom
from typing import Final

from matcher.errors import Refused, SafeHalt, code
from streams.intake import Input
from streams.line import BATCH_RECORDS
from streams.source import Arrived

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

BACKOFF_SECONDS: Final = (0.2, 5.0)
ATTEMPTS: Final = 3
POISONS_IN_A_ROW: Final = 10


class Backoff:
    """A wait that doubles, jittered so that two who wait for each other do not do so for ever."""

    def __init__(self) -> None:
        self._dice = SystemRandom()
        self.reset()

    def reset(self) -> None:
        """Begin again with the shortest."""
        self._seconds = BACKOFF_SECONDS[0]

    def next(self) -> float:
        """Seconds to wait now."""
        seconds, self._seconds = self._seconds, min(self._seconds * 2, BACKOFF_SECONDS[1])
        return seconds * self._dice.uniform(0.5, 1.0)


class Care:
    """Which events are tried alone, and which have failed too often."""

    def __init__(self) -> None:
        self._poisons = set[int]()
        self._failures: dict[int, int] = {}
        self._until = self._last = -1
        self._in_a_row = 0

    def limit(self, offset: int) -> int:
        """How many records go into the batch that begins here."""
        if offset < self._until:
            return 1
        if self._failures:
            self._failures, self._poisons = {}, set()
        return BATCH_RECORDS

    def checked(self, item: Input) -> Input:
        """The input, or its refusal when Kindred failed at it too often."""
        if item.offset not in self._poisons or item.event is None:
            return item
        refusal = Refused(POISON, "Kindred failed at this event: please report it, and replay it after an upgrade")
        return item._replace(event=None, refusal=refusal)

    def failed(self, batch: Sequence[Arrived]) -> None:
        """Kindred failed at a batch. Raises SafeHalt when that happens to one event after the other."""
        self._until = max(self._until, batch[-1].offset + 1)
        if len(batch) > 1:
            return
        offset = batch[0].offset
        self._failures[offset] = self._failures.get(offset, 0) + 1
        if self._failures[offset] < ATTEMPTS:
            return
        self._poisons.add(offset)
        self._in_a_row = self._in_a_row + 1 if offset == self._last + 1 else 1
        self._last = offset
        if self._in_a_row >= POISONS_IN_A_ROW:
            raise SafeHalt(DEFECT, f"{POISONS_IN_A_ROW} events in a row failed up to offset {offset}: see the log")
