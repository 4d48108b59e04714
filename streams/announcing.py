"""The announcer on Kafka: notices of records that count go to ``kindred.matches`` and ``kindred.alerts``.

It is a sink of the processor. What it is told before the journal is its own to announce is kept until ``begin`` says
how far an earlier owner has come; from there on everything is sent, in order, with the ids that the facts give. A
repeat after a crash is the same notice with the same id. ``certain`` follows the brokers' acknowledgements, and the
journal's next record carries it.

The dead letters of a record are sent in the same way. Their original bytes are taken from what was just read; after a
crash they are read again at the offset that the journal's letter names.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from journal.frames import Batch
from matcher.errors import Unreachable, code
from streams.binary import Record, binary
from streams.topics import ALERTS, DEAD_LETTERS, MATCHES

NOT_SENT = code(
    "KND-not-sent",
    "Notices or dead letters could not be handed to the broker. They are sent again from the journal; look at the "
    "topic and the broker that the message names.",
)

ALERTING: Final = ("kindred.alert.", "kindred.pulse.")  # what asks a person to do something
FLUSH_SECONDS: Final = 30.0  # an acknowledgement takes milliseconds; thirty seconds is a broker that is away


class Sent(Protocol):
    """Something on its way to the broker, as kafka-python's future has it."""

    is_done: bool

    def succeeded(self) -> bool:
        """Whether the broker has it; only when done."""


Send = Callable[[str, Record], Sent]
Letter = Callable[[dict[str, Any]], Record]


class _Told(NamedTuple):
    position: int
    on_their_way: Sequence[Sent]


class Announcer:
    """Sends what follows from the records of one journal. Used by one thread at a time.

    ``send`` hands a record to the producer for a topic, ``letter`` makes the record of a dead letter from the
    journal's line.
    """

    is_copy = False

    def __init__(self, send: Send, letter: Letter) -> None:
        self._send = send
        self._letter = letter
        self._kept = list[tuple[int, Batch, Sequence[bytes]]]()
        self._told = deque[_Told]()
        self._ours = False
        self.position = -1
        self._certain = -1

    @property
    def certain(self) -> int:
        """The last record of which the brokers have everything, and of all before it. Raises Unreachable."""
        while self._told and all(sent.is_done for sent in self._told[0].on_their_way):
            told = self._told.popleft()
            if not all(sent.succeeded() for sent in told.on_their_way):
                raise Unreachable(NOT_SENT, f"what follows from the record at {told.position} was not taken: again")
            self._certain = told.position
        return self._certain

    def check(self) -> None:
        """Raises Unreachable when something was not taken: it must be sent again, from the journal."""
        _ = self.certain

    def resume(self) -> None:
        """The journal is about to be read from its base: keep what it says until it is ours."""
        self._kept, self._told, self._ours = [], deque(), False
        self.position = self._certain = -1

    def restart(self) -> None:
        """Nothing to go back to: topics are not rewritten."""

    def begin(self, announced: int) -> None:
        """The journal is ours: send what was recorded behind ``announced``."""
        self._ours, self._certain = True, announced
        kept, self._kept = self._kept, []
        for position, batch, notices in kept:
            if position > announced:
                self._tell(position, batch, notices)

    def write(self, position: int, batch: Batch, notices: Sequence[bytes]) -> None:
        """Send what follows from a record that counts."""
        self.position = position
        if self._ours:
            self._tell(position, batch, notices)
        else:
            self._kept.append((position, batch, notices))

    def checkpoint(self) -> int:
        """Wait until the brokers have everything. Raises Unreachable when they do not take it."""
        until = time.monotonic() + FLUSH_SECONDS
        while self.certain < self.position and self._told:
            if time.monotonic() > until:
                raise Unreachable(NOT_SENT, f"no answer for what follows from the record at {self._told[0].position}")
            time.sleep(0.002)
        return self._certain

    def _tell(self, position: int, batch: Batch, notices: Sequence[bytes]) -> None:
        on_their_way = [self._send(*addressed(json.loads(line))) for line in notices]
        on_their_way += [self._send(DEAD_LETTERS, self._letter(json.loads(line))) for line in batch.refused]
        self._told.append(_Told(position, on_their_way))


def addressed(notice: dict[str, Any]) -> tuple[str, Record]:
    """The topic of a notice, and its record: CloudEvents in binary mode, keyed by program."""
    return topic_of(notice["type"]), binary(notice)


def topic_of(type_: str) -> str:
    """``kindred.alerts`` for what asks a person to do something soon, ``kindred.matches`` for everything else."""
    return ALERTS if type_.startswith(ALERTING) else MATCHES
