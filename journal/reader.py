"""Reading a journal: what counts, in order, as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from journal.counting import HEAD, Tally, begin, count
from journal.frames import Batch, Chunk, Claim, Frame, Record, Source, decode
from journal.port import Entry, Journal
from matcher.errors import SafeHalt


@dataclass(frozen=True, slots=True)
class Recorded:
    """A batch that counts, and the position of its record."""

    position: int
    batch: Batch


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole state after the record at ``covers``: it replaces whatever the reader had folded."""

    position: int
    covers: int
    layout: int
    source: Source | None
    state: bytes


Counted = Recorded | Snapshot


class Reader:
    """Follows a journal from its base, or from its head when ``whole`` is asked for.

    ``tally`` says what has been counted, ``next`` where reading goes on. A reader that is overtaken by a truncation
    begins again at the new head, with a snapshot. Holds one page of entries and at most one snapshot in memory.
    """

    def __init__(self, home: Journal, *, whole: bool = False) -> None:
        self.home = home
        self.tally = Tally()
        self.next = home.head() if whole else _base(home)
        self._begun = False
        self._awaits_state = False
        self._parts: list[bytes] = []

    def counted(self, upto: int | None = None) -> Iterator[Counted]:
        """Everything that counts from here to the end of the log, or to position ``upto`` inclusive.

        Ends there and can be called again. Raises ``SafeHalt`` at the first entry that cannot be trusted.
        """
        while page := self._page():
            for entry in page:
                if upto is not None and entry.position > upto:
                    return
                item = self._take(entry)
                if item is not None:
                    yield item
        if self._awaits_state:
            raise _no_state(self.next)

    def adopt(self, tally: Tally, after: int) -> None:
        """Go on from ``tally`` at position ``after``: what an owner knows of entries that it has just written."""
        self.tally, self.next, self._begun = tally, after, True

    def _page(self) -> list[Entry]:
        page = list(self.home.read(self.next))
        while (head := self.home.head()) > self.next:  # looked at after reading: a truncation in between is seen
            self.tally, self.next, self._begun, self._awaits_state = Tally(), head, False, False
            page = list(self.home.read(head))
        return page

    def _take(self, entry: Entry) -> Counted | None:
        frame = decode(entry)
        if not self._begun:
            self.tally, self._begun = begin(entry, frame), True
            self._awaits_state = isinstance(frame, Chunk)
        self.next = entry.position + 1
        after = count(self.tally, entry, frame)
        if after is None:
            return None
        self.tally = after
        return self._item(frame)

    def _item(self, frame: Frame) -> Counted | None:
        if isinstance(frame, Chunk):
            return self._chunk(frame)
        if self._awaits_state:
            raise _no_state(self.tally.position)
        return Recorded(self.tally.position, frame.batch) if isinstance(frame, Record) else None

    def _chunk(self, chunk: Chunk) -> Snapshot | None:
        opened = self.tally.opened
        if opened is None:
            return None
        if chunk.part == 0:
            self._parts = []
        self._parts.append(chunk.body)
        if opened.parts < chunk.parts:
            return None
        state, self._parts, self._awaits_state = b"".join(self._parts), [], False
        return Snapshot(opened.base.position, chunk.covers, chunk.layout, chunk.source, state)


def _base(home: Journal) -> int:
    """Where to begin: the base that the last entry names, else the head. The reader finds out when it is truncated.

    Whoever wrote the last entry had counted the snapshot it names, so this holds even when the entry does not count.
    """
    tail = home.tail()
    if tail is None:
        return home.head()
    frame = decode(tail)
    base = frame.base if isinstance(frame, Claim) else frame.link.base
    return base if base >= 0 else home.head()


def _no_state(position: int) -> SafeHalt:
    return SafeHalt(HEAD, f"the snapshot that the journal begins with is not complete at position {position}")
