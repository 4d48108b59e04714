"""The protocol with one rule left out: what the checker must find. Nothing but tests imports this."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from journal.owner import Owner
from streams.announcing import Announcer, addressed
from streams.draft import Draft
from streams.ground import Ground
from streams.line import Line
from streams.partition import Partition
from streams.processor import Processor
from streams.source import Arrived, Reading
from streams.state import notice_lines


@contextmanager
def without_epoch_check(patch: Any) -> Iterator[None]:
    """An owner believes that whatever it has written counts, whoever wrote in between."""

    def settle(self: Owner, positions: list[int]) -> None:
        self._reader.adopt(self._reader.tally, positions[-1] + 1)
        self._holds = True

    patch.setattr(Owner, "_settle", settle)
    yield


@contextmanager
def announcing_before_the_append(patch: Any) -> Iterator[None]:
    """What follows from a batch is sent before the journal has it."""
    commit = Processor._commit

    def early(self: Processor, draft: Draft, at: int | None, next_offset: int | None = None) -> int:
        assert isinstance(self._sink, Announcer)
        for _, facts in draft.records(at or 0):
            for line in (line for fact in facts for line in notice_lines(fact)):
                self._sink._send(*addressed(json.loads(line)))
        return commit(self, draft, at, next_offset)

    patch.setattr(Processor, "_commit", early)
    yield


class TrustingLine(Line):
    """Takes what is delivered for all there is, from where the consumer group begins."""

    def begin(self, position: int, end: int) -> None:
        super().begin(position, end)
        self._wanted = 0

    def _cut(self, limit: int, goes_with: Callable[[Arrived, Arrived], bool]) -> list[Arrived]:
        if self._inbox:
            self.position = self._inbox[0].offset
        return super()._cut(limit, goes_with)

    def _fetch(self, source: Reading) -> bool:
        return False


class TrustsTheGroup(Partition):
    """A partition with such a line."""

    def __init__(self, number: int, ground: Ground) -> None:
        super().__init__(number, ground)
        self.line = TrustingLine()
