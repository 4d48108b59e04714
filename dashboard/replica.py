"""The programs in memory, folded from the same records as the read model, for why, why not, and what would change.

Other threads read them between two folds. A program builds what it derives when it is first asked, so reading is for
one thread at a time as well: a page takes milliseconds of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Condition, RLock
from typing import Final

from journal.reader import Snapshot
from matcher.program import Program

REFUSALS_MAX: Final = 10_000  # whoever sent an event asks within seconds what became of it

Load = Callable[[Snapshot], Iterable[Program]]
"""Reads the programs out of a snapshot, whose encoding is that of whoever wrote it. Raises SafeHalt."""


class Replica:
    """All programs of all journals. ``dashboard.parts`` says what of it pages use."""

    def __init__(self) -> None:
        self._programs: dict[str, Program] = {}
        self._homes: dict[str, str] = {}
        self._lock = RLock()
        self._moved = Condition()
        self._positions: dict[str, int] = {}
        self._offsets: dict[str, int] = {}
        self._refusals = OrderedDict[tuple[str, int], str]()

    @contextmanager
    def reading(self) -> Iterator[Mapping[str, Program]]:
        """The programs by id; nothing changes them until the context ends. Keep it short."""
        with self._lock:
            yield self._programs

    def programs_of(self, home: str) -> tuple[str, ...]:
        """The programs of a journal, as far as it was read, by name."""
        with self._lock:
            return tuple(sorted(name for name, where in self._homes.items() if where == home))

    def wait(self, position: int, seconds: float, home: str = "0") -> bool:
        """Wait until replica and read model have this position of a journal; False when they have not by then."""
        with self._moved:
            return self._moved.wait_for(lambda: self._positions.get(home, -1) >= position, seconds)

    def wait_for_offset(self, next_offset: int, seconds: float, home: str = "0") -> bool:
        """Wait until they have what was decided of all events of a partition below this offset."""
        with self._moved:
            return self._moved.wait_for(lambda: self._offsets.get(home, 0) >= next_offset, seconds)

    def refusal(self, home: str, offset: int) -> str | None:
        """The code with which the event at an offset of a partition was refused; None when it was not, or long ago."""
        with self._moved:
            return self._refusals.get((home, offset))

    @property
    def positions(self) -> Mapping[str, int]:
        """How far each journal can be seen in replica and read model."""
        with self._moved:
            return dict(self._positions)

    # For the thread that follows a journal

    @contextmanager
    def changing(self, home: str) -> Iterator[dict[str, Program]]:
        """The programs of one journal, to change; a new one is made with ``Replica.program``."""
        with self._lock:
            yield {name: self._programs[name] for name, where in self._homes.items() if where == home}

    def program(self, home: str, name: str) -> Program:
        """A program of a journal, made when it is not there yet; while changing."""
        program = self._programs.get(name)
        if program is None:
            program = self._programs[name] = Program(name)
            self._homes[name] = home
        return program

    def replace(self, home: str, programs: Iterable[Program]) -> None:
        """Put other programs in the place of those of a journal."""
        with self._lock:
            for name in [name for name, where in self._homes.items() if where == home]:
                del self._programs[name], self._homes[name]
            for program in programs:
                self._programs[program.id], self._homes[program.id] = program, home

    def reached(self, home: str, position: int, next_offset: int | None) -> None:
        """Wake who waits for this position, or for the events of its partition."""
        with self._moved:
            self._positions[home] = position
            if next_offset is not None:
                self._offsets[home] = next_offset
            self._moved.notify_all()

    def refused(self, home: str, codes: Mapping[int, str]) -> None:
        """Note the code of each event that was refused, by its offset; before who waits for it is woken."""
        with self._moved:
            self._refusals |= {(home, offset): code for offset, code in codes.items()}
            while len(self._refusals) > REFUSALS_MAX:
                self._refusals.popitem(last=False)
