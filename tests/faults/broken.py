"""The protocol with one rule left out: what the checker must find. Nothing but tests imports this."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from journal.owner import Owner
from streams.announcing import Announcer, addressed
from streams.draft import Draft
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


class TrustsTheGroup(Partition):
    """Begins where the consumer group does, and takes what is delivered for all there is."""

    def _begin(self, processor: Processor, source: Reading) -> None:
        super()._begin(processor, source)
        self._wanted = 0

    def _next_batch(self) -> list[Arrived]:
        if self._inbox:
            self.next = self._inbox[0].offset
        return super()._next_batch()

    def _from_topic(self, source: Reading) -> list[Arrived]:
        return []
