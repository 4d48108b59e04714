"""The announcer: the notices of a journal as a feed, each at its position: the first is 1.

The feed is ``notices.jsonl``, which follows from the journal: its N-th line is the N-th notice, before and after any
crash, so a reader goes on from the last position that it saw. Held in memory is one number for every 1,024 notices.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Final

STRIDE: Final = 1024  # notices between two places that are remembered: at most so many are passed over by a read


class Feed:
    """Notices from position 1 to ``end``; safe to use from several threads."""

    def __init__(self, path: Path, end: int) -> None:
        """The feed of this file, of which the first ``end`` lines are notices of the journal."""
        self._path = path
        self._end = end
        self._places = [0]  # of notice 1, 1 + STRIDE, …: filled in as far as reads have come
        self._lock = Lock()
        self._followers = set[Callable[[], None]]()
        self.closed = False

    @property
    def end(self) -> int:
        """The position of the last notice; 0 before the first."""
        return self._end

    def extend(self, end: int) -> None:
        """Say that the file now has so many notices, and wake those who follow."""
        if end > self._end:
            self._end = end
            self._wake()

    def close(self) -> None:
        """Let those who follow go."""
        self.closed = True
        self._wake()

    def follow(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Have ``wake`` called whenever the feed grows, from any thread; returns what ends it."""
        with self._lock:
            self._followers.add(wake)
        return lambda: self._forget(wake)

    def read(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """At most ``limit`` notices behind position ``after``, each with its position and as its line of JSON."""
        after = max(0, after)
        count = min(limit, self._end - after)
        if count <= 0:
            return []
        with self._lock, self._path.open("rb") as file:
            self._find(after // STRIDE)
            file.seek(self._places[after // STRIDE])
            lines = islice(file, after % STRIDE, after % STRIDE + count)
            return [(position, line.rstrip(b"\n")) for position, line in enumerate(lines, after + 1)]

    def _find(self, stride: int) -> None:
        """Remember the places up to this stride. Cost: one reading of what no read has passed yet."""
        if stride < len(self._places):
            return
        with self._path.open("rb") as file:
            file.seek(self._places[-1])
            while len(self._places) <= stride:
                self._places.append(self._places[-1] + sum(map(len, islice(file, STRIDE))))

    def _forget(self, wake: Callable[[], None]) -> None:
        with self._lock:
            self._followers.discard(wake)

    def _wake(self) -> None:
        with self._lock:
            followers = list(self._followers)
        for wake in followers:
            wake()
