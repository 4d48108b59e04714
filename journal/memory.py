"""A home in memory: for tests, and for runs that need not outlive their process."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from journal.port import Entry

PAGE_ENTRIES: Final = 256


class MemoryJournal:
    """A log in a list. Several owners may share one object, as they would a topic."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._head = 0
        self._end = 0

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        """Write at the next positions."""
        entries = [Entry(position, body) for position, body in enumerate(bodies, self._end)]
        self._entries += entries
        self._end += len(entries)
        return [entry.position for entry in entries]

    def read(self, start: int) -> Sequence[Entry]:
        """The next page."""
        first = bisect_left(self._entries, start, key=lambda entry: entry.position)
        return self._entries[first : first + PAGE_ENTRIES]

    def head(self) -> int:
        """The lowest position not truncated."""
        return self._head

    def tail(self) -> Entry | None:
        """The last entry."""
        return self._entries[-1] if self._entries else None

    def truncate(self, before: int) -> None:
        """Forget what lies below ``before``."""
        self._head = max(self._head, before)
        self._entries = [entry for entry in self._entries if entry.position >= before]

    def close(self) -> None:
        """Nothing to give back."""
