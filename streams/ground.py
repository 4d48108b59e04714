"""What the partitions of a worker stand on: everything that they need of the world, so that tests can be one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from journal.port import Journal
from matcher.errors import KindredError
from matcher.policy import PolicyBook
from streams.announcing import Send
from streams.binary import Place, Record, read_record
from streams.clock import Mode
from streams.intake import Input
from streams.processor import SNAPSHOT_FACTS, Receipt
from streams.source import Reading


class Watching(Protocol):
    """Who is told what a partition does: metrics."""

    def decided(self, partition: int, receipt: Receipt, seconds: float) -> None:
        """A batch is in the journal."""

    def claimed(self, partition: int, epoch: int) -> None:
        """The journal is ours."""

    def failed(self, partition: int) -> None:
        """Something went wrong, and is tried again."""


@dataclass(frozen=True)
class Ground:
    """The same for all partitions of a worker. Everything that asks brokers may raise Unreachable."""

    topic: str
    partitions: int
    open_journal: Callable[[int], Journal]
    open_source: Callable[[int], Reading]
    topic_id: Callable[[], str]
    is_ours: Callable[[int], bool]  # by the current generation of the group
    send: Send
    letter: Callable[[dict[str, Any], Record | None, Place], Record]
    watching: Watching
    on_fatal: Callable[[KindredError], None]
    clock: Mode | None = None
    policies: PolicyBook | None = None
    snapshot_facts: int = SNAPSHOT_FACTS
    truncates: bool = False
    now: Callable[[], float] = time.time
    read: Callable[[Record, Place], Input] = read_record
