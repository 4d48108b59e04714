"""Following the journals: one thread a journal, which folds the replica, writes the read model and wakes who waits.

A follower reads and never writes a journal: a dashboard that lags, or dies, delays nobody. When the journal or the
database is away it tries again; a damaged journal, or a newer one, stops it with the reason (``failures``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Event, Thread
from traceback import extract_tb
from typing import Final

import structlog
from sqlalchemy import Engine

from dashboard.chronicle import Chronicle
from dashboard.projection import Projection
from dashboard.replica import Load, Replica
from journal.pause import set_aside
from journal.port import Journal
from matcher.errors import KindredError, SafeHalt, Unreachable, code
from matcher.messages.facts import Fact

FOLLOWING = code(
    "KND-read-model",
    "The dashboard failed at a record of the journal and does not follow it any more. The log has the place in the "
    "program; please report it. Pairing goes on; an upgrade and `kindred read-model rebuild` mend the dashboard.",
)

LOOK_SECONDS: Final = 0.1  # between two looks at a journal that has nothing new
REST_SECONDS: Final = 1.0  # before a journal or a database that was away is tried again

log = structlog.get_logger("kindred.dashboard")

Open = Callable[[], Journal]
Told = Callable[[Sequence[Fact]], None]
"""Is told of the facts of a draft once they can be seen; called on the follower's thread, and not at the start."""


class Follower:
    """Follows journals by name. ``start`` and ``stop`` may be called once."""

    def __init__(
        self,
        homes: Mapping[str, Open],
        engine: Engine,
        load: Load,
        *,
        replica: Replica | None = None,
        told: Told = lambda facts: None,
    ) -> None:
        self.replica = replica or Replica()
        self._lines = [_Line(name, open_, engine, load, self.replica, told) for name, open_ in homes.items()]

    def start(self) -> None:
        """Begin to follow."""
        for line in self._lines:
            line.thread.start()

    def stop(self) -> None:
        """Stop, and wait for the threads to end."""
        for line in self._lines:
            line.stopping.set()
            line.woken.set()
        for line in self._lines:
            if line.thread.ident is not None:
                line.thread.join()

    def look(self) -> None:
        """Look at the journals now: something was written. Returns at once."""
        for line in self._lines:
            line.woken.set()

    def caught_up(self, seconds: float) -> bool:
        """Wait until every journal was read to its end once; False when that takes longer."""
        return all(line.caught_up.wait(seconds) for line in self._lines)

    @property
    def failures(self) -> Mapping[str, KindredError]:
        """Why a journal is not followed at the moment, by its name; empty when all are."""
        return {line.home: line.failure for line in self._lines if line.failure is not None}

    @property
    def alive(self) -> bool:
        """Whether all journals are followed, or tried again."""
        return all(line.thread.is_alive() for line in self._lines)


class _Line:
    """One journal and its thread."""

    def __init__(self, home: str, open_: Open, engine: Engine, load: Load, replica: Replica, told: Told) -> None:
        self.home = home
        self.stopping, self.woken, self.caught_up = Event(), Event(), Event()
        self.failure: KindredError | None = None
        self.thread = Thread(target=self._run, name=f"kindred-dashboard-{home}", daemon=True)
        self._open = open_
        self._told = told
        self._chronicle = Chronicle(Projection(engine, home), replica, load)

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._follow()
            except SafeHalt as halt:
                self._note(halt)
                return
            except KindredError as trouble:
                self._note(trouble)
                self.stopping.wait(REST_SECONDS)
            except Exception as error:  # a defect: its own text may hold personal facts, so its place is told
                places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)]
                log.error("a record was not followed", code=FOLLOWING, kind=type(error).__name__, places=places[-8:])
                self.failure = KindredError(FOLLOWING, f"the dashboard failed at a record ({type(error).__name__})")
                return

    def _follow(self) -> None:
        """Read a journal from where a reader without a state begins, until told to stop."""
        home = self._open()
        try:
            self._chronicle.begin(home)
            while not self.stopping.is_set():
                self.woken.clear()
                self._look()
        finally:
            home.close()

    def _look(self) -> None:
        """Take in what is new. What was not written, or not read, is tried again from there: nothing is folded anew."""
        try:
            self._read()
        except Unreachable as trouble:
            self._note(trouble)
            self.stopping.wait(REST_SECONDS)
        else:
            self.failure = None
            if not self.caught_up.is_set():
                self._chronicle.warm_up()
                set_aside()
                self.caught_up.set()
            self.woken.wait(LOOK_SECONDS)

    def _read(self) -> None:
        for facts in self._chronicle.advance(self.stopping.is_set):
            if self.caught_up.is_set():
                self._told(facts)

    def _note(self, trouble: KindredError) -> None:
        log.warning(
            "the dashboard does not follow a journal", home=self.home, code=trouble.code, reason=trouble.message
        )
        self.failure = trouble
