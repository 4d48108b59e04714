"""Looking at a journal without trusting it: entry by entry, past the first that is wrong. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from journal.counting import Tally, begin, count
from journal.frames import Frame, Record, Source, decode
from journal.port import Entry, Journal
from journal.reader import Reader
from matcher.errors import SafeHalt


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry as it was found.

    ``counts`` is None where that cannot be said: at the first entry that is ``wrong``, and after it. ``frame`` is None
    for an entry that cannot be read.
    """

    position: int
    size: int
    frame: Frame | None
    counts: bool | None
    wrong: SafeHalt | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What can be said of a journal as a whole.

    ``intact`` are the entries before the first that is wrong, ``source`` how far they have read the events; ``later``
    the entries after it, ``unreadable`` those of them that cannot be read. ``begins`` is where owners and readers
    begin, and ``halt`` what stops them there; both None when they do not stop, or cannot even begin.
    """

    intact: int = 0
    facts: int = 0
    source: Source | None = None
    first_wrong: Seen | None = None
    later: int = 0
    unreadable: int = 0
    begins: int | None = None
    halt: SafeHalt | None = None

    @property
    def sound(self) -> bool:
        """Nothing is wrong, at the beginning or anywhere else."""
        return self.first_wrong is None and self.halt is None


def examine(home: Journal) -> Iterator[Seen]:
    """Every entry from the head on. Cost: one pass; memory for one page."""
    tally: Tally | None = None
    trusted = True
    for entry in _entries(home):
        seen, tally = _look(entry, tally, trusted)
        trusted = trusted and seen.wrong is None
        yield seen


def diagnose(home: Journal) -> Diagnosis:
    """The whole journal, read twice: as it lies there, and as an owner would."""
    intact = facts = later = unreadable = 0
    source: Source | None = None
    first_wrong: Seen | None = None
    for seen in examine(home):
        if first_wrong is not None:
            later += 1
            unreadable += seen.frame is None
        elif seen.wrong is not None:
            first_wrong = seen
        else:
            intact += 1
            if seen.counts and isinstance(seen.frame, Record):
                facts += len(seen.frame.batch.facts)
                source = seen.frame.batch.source or source
    begins, halt = _as_an_owner(home)
    return Diagnosis(intact, facts, source, first_wrong, later, unreadable, begins, halt)


def _look(entry: Entry, tally: Tally | None, trusted: bool) -> tuple[Seen, Tally | None]:
    frame: Frame | None = None
    counts: bool | None = None
    try:
        frame = decode(entry)
        if trusted:
            tally = tally or begin(entry, frame)
            after = count(tally, entry, frame)
            counts, tally = after is not None, after or tally
    except SafeHalt as halt:
        return Seen(entry.position, len(entry.body), frame, None, halt), tally
    return Seen(entry.position, len(entry.body), frame, counts), tally


def _as_an_owner(home: Journal) -> tuple[int | None, SafeHalt | None]:
    begins: int | None = None
    try:
        reader = Reader(home)
        begins = reader.next
        for _ in reader.counted():
            pass
    except SafeHalt as halt:
        return begins, halt
    return begins, None


def _entries(home: Journal) -> Iterator[Entry]:
    start = home.head()
    while page := home.read(start):
        yield from page
        start = page[-1].position + 1
