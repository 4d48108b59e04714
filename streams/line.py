"""The events of one partition in the order of their topic, whoever brings them: Faust, or a reading of the topic.

What lies below the position is dropped. Of what is delivered only a row without a gap is taken; a gap is read from the
topic, where what is not there is seen not to be there. So a delivery may be dropped at any time, or never come.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from streams.source import Arrived, Reading

BATCH_RECORDS: Final = 512
BATCH_BYTES: Final = 1_000_000
INBOX_RECORDS: Final = 4_096  # half a second of work; beyond it Faust waits
FETCH_SECONDS: Final = 2.0  # without a delivery, although there is more: then it is read from the topic


class Line:
    """Filled by one thread with ``offer``, emptied by another with everything else."""

    def __init__(self) -> None:
        self.position: int | None = None  # the offset of the next event; None before the first claim
        self.end = 0  # of the topic, as far as is known
        self.moved = time.monotonic()  # when the position last changed
        self._inbox = deque[Arrived]()
        self._fetched = deque[Arrived]()
        self._wanted = 0  # up to here the topic is read, whatever is delivered
        self._open = False

    @property
    def lag(self) -> int:
        """Records that wait in the topic, as far as is known."""
        return 0 if self.position is None else max(0, self.end - self.position)

    @property
    def has_deliveries(self) -> bool:
        """Whether something was delivered that was not taken yet."""
        return bool(self._inbox)

    def offer(self, arrived: Arrived) -> bool:
        """Hand in what was delivered; False when there is no room, and the deliverer had better wait."""
        if not self._open or arrived.offset < self._wanted:
            self._wanted = max(self._wanted, arrived.offset + 1)
            return True
        if len(self._inbox) >= INBOX_RECORDS:
            return False
        self._inbox.append(arrived)
        return True

    def shut(self) -> None:
        """Nobody decides: what is delivered now will be read from the topic."""
        self._open, self._wanted = False, 0

    def begin(self, position: int, end: int) -> None:
        """Everything up to the end of the topic as it is now is read from there: deliveries may begin anywhere."""
        self._inbox.clear()
        self._fetched.clear()
        self.position, self.end = position, end
        self._wanted = max(self._wanted, end)
        self._open = True
        self.moved = time.monotonic()

    def next_batch(self, source: Reading, limit: int, goes_with: Callable[[Arrived, Arrived], bool]) -> list[Arrived]:
        """What comes next, at most ``limit`` records that go with the first; nothing when nothing is there."""
        return self._cut(limit, goes_with) or (self._fetch(source) and self._cut(limit, goes_with)) or []

    def taken(self, batch: Sequence[Arrived], count: int) -> None:
        """The first ``count`` of a batch are in the journal; the rest comes next."""
        self._fetched.extendleft(reversed(batch[count:]))
        self._move(batch[count - 1].offset + 1)

    def _cut(self, limit: int, goes_with: Callable[[Arrived, Arrived], bool]) -> list[Arrived]:
        """From what was fetched, which is all there is in its range; else from what was delivered."""
        place, gaps = (self._fetched, True) if self._fetched else (self._inbox, False)
        batch, size, expected = list[Arrived](), 0, self._at
        while place and len(batch) < limit and size < BATCH_BYTES:
            first = place[0]
            if first.offset < expected:
                place.popleft()
                continue
            if (first.offset > expected and not gaps) or (batch and not goes_with(batch[0], first)):
                break
            batch.append(place.popleft())
            size, expected = size + first.size, first.offset + 1
        return batch

    def _fetch(self, source: Reading) -> bool:
        """Read what is missing before the next delivery, or up to where the topic is known to go."""
        upto = self._inbox[0].offset if self._inbox else self._wanted
        if upto <= self._at < self.end and time.monotonic() > self.moved + FETCH_SECONDS:
            upto = self.end
        while upto > self._at:
            page = source.read(self._at, upto)
            if page.records:
                self._fetched.extend(page.records)
                return True
            self._move(page.next)
        return False

    def _move(self, position: int) -> None:
        self.position, self.moved = position, time.monotonic()

    @property
    def _at(self) -> int:
        assert self.position is not None, "whoever decides knows where it is"
        return self.position
