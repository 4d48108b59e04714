"""What one call has decided, before it is written: cut into records that an entry of the journal can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from journal.frames import Batch, Source
from matcher.instants import format_instant
from matcher.messages.facts import Fact

RECORD_BYTES_MAX: Final = 900_000  # an entry of the journal holds 1,000,000; the rest is for its header
RECORD_BYTES_FULL: Final = 250_000  # after which one record takes no further input: the largest dead letter still fits
DIGESTS_BYTES: Final = 64  # of one input, in hexadecimal

Pair = tuple[bytes, bytes]
_Outcome = tuple[Sequence[Fact], Pair | None, bytes | None, bytes | None]
"""What one input, or time, came to: facts or a dead letter; without a pair of digests it was time."""


@dataclass(slots=True)
class _Record:
    facts: list[Fact] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    refused: list[Pair] = field(default_factory=list)
    others: list[Pair] = field(default_factory=list)
    size: int = 0


class Draft:
    """The records of one call, in order. They are appended in one go, and only then are they so.

    An input's own facts stand in one record with its digests, unless they alone are more than a record can hold. What
    was decided is written when somebody asks for it, in one go: line by line between decisions it takes twice as long.
    """

    def __init__(self) -> None:
        self._open = _Record()
        self._records = [self._open]
        self._unwritten: list[_Outcome] = []

    @property
    def is_full(self) -> bool:
        """Whether one record should take no further input."""
        self._write()
        return len(self._records) > 1 or self._open.size >= RECORD_BYTES_FULL

    def fired(self, facts: Sequence[Fact]) -> None:
        """Facts that time brought: they stand whatever becomes of the input that comes after them."""
        self._unwritten += [((fact,), None, None, None) for fact in facts]

    def accepted(self, pair: Pair, facts: Sequence[Fact], rest: bytes | None = None) -> None:
        """An event and what it led to; ``rest`` is of its own fact, if it was written already (``Fact.line``)."""
        self._unwritten.append((facts, pair, rest, None))

    def refused(self, pair: Pair, letter: bytes) -> None:
        """An input that became a dead letter."""
        self._unwritten.append(((), pair, None, letter))

    def repeated(self, pair: Pair) -> None:
        """An input that was seen before: it is counted."""
        self._unwritten.append(((), pair, None, None))

    def records(self, at: int, source: Source | None = None) -> list[tuple[Batch, list[Fact]]]:
        """The batches with their facts; none when nothing was decided. ``at`` is for people who read the journal.

        ``source``, how far this call has read, stands in the record of all inputs: there is only one. Raises
        ``ValueError`` when they do not fit into one, which a home that cannot append several at once must not split.
        """
        self._write()
        if source is not None and len(self._records) > 1:
            raise ValueError(f"what follows from one event is more than a record of {RECORD_BYTES_MAX} bytes holds")
        when = format_instant(at)
        return [
            (Batch(when, record.lines, record.letters, [*record.refused, *record.others], source), record.facts)
            for record in self._records
            if record.size
        ]

    def _write(self) -> None:
        unwritten, self._unwritten = self._unwritten, []
        for facts, pair, rest, letter in unwritten:
            more = 0 if pair is None else DIGESTS_BYTES
            if letter is not None:
                self._room(len(letter) + 1 + more)
                self._open.letters.append(letter)
            elif len(facts) == 1:  # of most events nothing follows
                line = facts[0].line(rest)
                self._room(len(line) + 1 + more)
                self._open.facts.append(facts[0])
                self._open.lines.append(line)
            else:
                self._put(facts, more, rest)
            if pair is not None:
                (self._open.others if letter is None else self._open.refused).append(pair)

    def _put(self, facts: Sequence[Fact], more: int, rest: bytes | None) -> None:
        lines = [fact.line(rest) for fact in facts]
        whole = sum(map(len, lines)) + len(lines) + more
        if whole <= RECORD_BYTES_MAX:
            self._room(whole)
            self._open.facts += facts
            self._open.lines += lines
        else:
            self._put_apart(facts, lines)
            self._open.size += more

    def _put_apart(self, facts: Sequence[Fact], lines: Sequence[bytes]) -> None:
        for fact, line in zip(facts, lines, strict=True):
            self._room(len(line) + 1)
            self._open.facts.append(fact)
            self._open.lines.append(line)

    def _room(self, size: int) -> None:
        if self._open.size and self._open.size + size > RECORD_BYTES_MAX:
            self._begin()
        self._open.size += size

    def _begin(self) -> None:
        self._open = _Record()
        self._records.append(self._open)
