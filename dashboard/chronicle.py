"""From a journal's records to the replica and to the read model: which are folded only, which are written too.

The read model goes on behind the position that it has reached. The replica has no memory, so it begins where a reader
without a state does, at the newest snapshot: records up to that position are folded and not written again. Where the
snapshot is newer than the rows, the journal is read from its head, for the history between. Where that was truncated,
the state is written as the snapshot has it, and the program's row says which facts are not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from dashboard.draft import Draft
from dashboard.projection import NOWHERE, Place, Projection
from dashboard.replica import Load, Replica
from journal.frames import Source
from journal.pause import collector_paused
from journal.port import Journal
from journal.reader import Reader, Recorded, Snapshot
from matcher.instants import parse_instant
from matcher.messages.facts import Fact, read_fact

DRAFT_FACTS: Final = 1_000  # in one transaction, at least where so many are there: some tens of milliseconds


class Chronicle:
    """One journal's way into replica and read model. Used by one thread."""

    def __init__(self, projection: Projection, replica: Replica, load: Load) -> None:
        self._projection = projection
        self._replica = replica
        self._load = load
        self._reader: Reader
        self._draft: Draft
        self._pending: Place | None = None
        self._is_finished = False
        self._whole = False
        self._folded = -1
        self._next_offset: int | None = None

    def begin(self, home: Journal) -> None:
        """Begin, or begin again, with nothing folded. Raises Unreachable, SafeHalt."""
        self._projection.resume()
        self._start(home, whole=self._projection.place == NOWHERE)

    def advance(self, stopping: Callable[[], bool] = lambda: False) -> Iterator[Sequence[Fact]]:
        """Take in what the journal has, and give the facts of each draft once it is written.

        What reading and writing raise leaves all as it was: call again, and it goes on from there. After Overtaken,
        ``begin`` again. Ends early when ``stopping`` says so.
        """
        if self._is_finished:
            yield self._write()
        for item in self._reader.counted():
            if not (self._take_snapshot(item) if isinstance(item, Snapshot) else self._take(item)):
                break
            if len(self._draft.facts) >= DRAFT_FACTS:
                yield self._write()
            if stopping():
                return
        else:
            if self._folded >= self._projection.place.position:
                if self._pending is not None:
                    yield self._write()
                self._reached()
                return
            self._projection.wipe()  # a journal restored from a backup, or another one: it ends before the rows do
        self._projection.resume()  # what was noted and not written is read once more
        self._start(self._reader.home, whole=True)
        yield from self.advance(stopping)

    def read(self, home: Journal) -> None:
        """Begin, and take in what the journal has now."""
        self.begin(home)
        for _ in self.advance():
            pass

    def _start(self, home: Journal, *, whole: bool) -> None:
        self._reader, self._whole = Reader(home, whole=whole), whole
        self._replica.replace(self._projection.home, ())
        self._folded, self._next_offset = -1, None
        self._new_draft()

    def _new_draft(self) -> None:
        self._draft, self._pending, self._is_finished = self._projection.draft(), None, False

    def _take_snapshot(self, snapshot: Snapshot) -> bool:
        """Take a snapshot in where it says something new; False when the journal must be read from its head."""
        if snapshot.covers <= self._folded:
            return True
        place = self._projection.place
        if snapshot.covers > place.position and not self._whole:
            return False
        programs = list(self._load(snapshot))
        self._replica.replace(self._projection.home, programs)
        self._folded = snapshot.covers
        self._note_source(snapshot.source)
        if snapshot.covers > place.position:  # what came before is gone
            for program in programs:
                self._draft.whole(program, program.n)
            self._pending = Place(snapshot.covers, self._reader.tally.chain)
        return True

    def _take(self, item: Recorded) -> bool:
        """Take a record in; False when the rows are of another journal, and were emptied."""
        if item.position <= self._folded:
            return True
        place = self._projection.place
        if self._is_foreign(item, place):
            self._projection.wipe()
            return False
        is_new = item.position > place.position
        self._fold(item, is_new=is_new)
        self._folded = item.position
        self._note_source(item.batch.source)
        if is_new:
            self._pending = Place(item.position, self._reader.tally.chain)
        return True

    def warm_up(self) -> None:
        """Build what is derived, so that the first page need not: a second or two with 10,000 people."""
        with self._replica.changing(self._projection.home) as programs:
            for program in programs.values():
                _ = program.desk

    def _is_foreign(self, item: Recorded, place: Place) -> bool:
        """Whether the record at the place of the rows is missing, or is not the one whose rows they are."""
        if item.position == place.position:
            return self._reader.tally.chain != place.chain
        return item.position > place.position > self._folded

    def _fold(self, item: Recorded, *, is_new: bool) -> None:
        home = self._projection.home
        with collector_paused():
            facts = [read_fact(line) for line in item.batch.facts]
        with collector_paused(), self._replica.changing(home) as programs:
            for fact in facts:
                program = programs.get(fact.program)
                if program is None:
                    program = programs[fact.program] = self._replica.program(home, fact.program)
                if is_new:
                    self._draft.take(program, fact)
                else:
                    program.evolve(fact)
            if is_new:
                self._draft.letters(item.position, parse_instant(item.batch.at), item.batch.refused, programs)

    def _write(self) -> Sequence[Fact]:
        draft, place = self._draft, self._pending
        assert place is not None
        if not self._is_finished:
            with collector_paused(), self._replica.changing(self._projection.home) as programs:
                draft.finish(programs)
            self._is_finished = True
        with collector_paused():
            self._projection.write(draft, place)
        self._new_draft()
        self._reached()
        return draft.facts

    def _note_source(self, source: Source | None) -> None:
        if source is not None:
            self._next_offset = source.next_offset

    def _reached(self) -> None:
        self._replica.reached(self._projection.home, self._folded, self._next_offset)
