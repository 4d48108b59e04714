"""What follows from a journal: the programs, what was seen, and the counts. Every reader folds the same state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Final, cast

import orjson

from journal.frames import Batch
from journal.pause import collector_paused
from journal.reader import Counted, Snapshot
from matcher.errors import SafeHalt, code
from matcher.messages.facts import Fact, PolicyAdopted, Told, read_fact
from matcher.messages.notices import notices
from matcher.program import Program
from streams.clock import Mode
from streams.duplicates import Seen
from streams.intake import PROGRAM_BYTES, program_digest

LAYOUT_NEWER = code(
    "KND-snapshot-newer",
    "The snapshot of the journal was written by another version of Kindred and is not damaged. Upgrade.",
)

LAYOUT: Final = 1
SUMMED: Final = ("members", "mentors", "open_slots", "waiting", "proposed", "active", "closed", "plan_value")


@dataclass(slots=True)
class Counts:
    """Inputs by what became of them, and the notices that followed."""

    accepted: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    notices: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.accepted + other.accepted,
            self.duplicates + other.duplicates,
            self.dead_letters + other.dead_letters,
            self.notices + other.notices,
        )

    def as_dict(self, facts: int) -> dict[str, object]:
        """The counting part of ``summary.json``."""
        return {
            "events": self.accepted + self.duplicates + self.dead_letters,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "dead_letters": self.dead_letters,
            "facts": facts,
            "notices": self.notices,
        }


class State:
    """The folded state of one journal. The processor changes it; for everybody else it is to be read."""

    def __init__(self, clock: Mode | None = None) -> None:
        self.clock = clock
        self.programs: dict[str, Program] = {}
        self.seen = Seen()
        self._counts: dict[bytes, Counts] = {}
        self.adopted: dict[str, list[str]] = {}  # by program, the digests of the policies that were in force, in order

    @classmethod
    def of(cls, items: Iterable[Counted]) -> State:
        """The state after these items of a journal, which begin at its head or with a snapshot."""
        state = cls()
        with collector_paused():
            for item in items:
                state.fold(item)
        return state

    @classmethod
    def together(cls, states: Iterable[State]) -> State:
        """What several journals say together, to look at: no program is in two of them. Repeats are not looked up."""
        whole = cls()
        for state in states:
            whole.clock = whole.clock or state.clock
            whole.programs |= state.programs
            for digest, counts in state._counts.items():
                whole._counts[digest] = whole.counts_of(digest) + counts
        return whole

    def fold(self, item: Counted) -> list[bytes]:
        """Take in what comes next in the journal, and return the lines of its notices."""
        if isinstance(item, Snapshot):
            self._load(item)
            return []
        return self._fold(item.batch)

    def remember(self, taken: Iterable[tuple[bytes, bytes]], refused: int) -> None:
        """Count and remember the digests of a record, those of its ``refused`` inputs first."""
        for number, (key, content) in enumerate(taken):
            counts = self.counts_of(content)
            new = self.seen.add(key, content, refused=number < refused)
            if number < refused:
                counts.dead_letters += 1
            elif new:
                counts.accepted += 1
            else:
                counts.duplicates += 1

    def counts_of(self, content: bytes) -> Counts:
        """The counts of the program of an input with this digest of its content."""
        digest = content[:PROGRAM_BYTES]
        return self._counts.get(digest) or self._counts.setdefault(digest, Counts())

    def settle(self, batch: Batch) -> None:
        """After a record's digests were remembered: note when they came, if they came from Kafka."""
        if batch.source is not None:
            self.seen.settle(batch.at, batch.taken)

    def announce(self, facts: Sequence[Fact]) -> list[bytes]:
        """The lines of the notices that follow from these facts, counted."""
        lines = list[bytes]()
        for fact in facts:
            if isinstance(fact.data, Told):  # most facts there are: notices are of what was decided
                continue
            if isinstance(fact.data, PolicyAdopted):
                self.adopted.setdefault(fact.program, []).append(fact.data.digest)
            if following := notices(fact):
                self.counts_of(program_digest(fact.program)).notices += len(following)
                lines += map(orjson.dumps, following)
        return lines

    @property
    def counts(self) -> Counts:
        """The counts of all programs, and of inputs that named none."""
        return sum(self._counts.values(), Counts())

    def next_due(self) -> tuple[int, str] | None:
        """The first instant at which something falls due, and the program: ties go by the program's id."""
        due = [(at, name) for name, program in self.programs.items() if (at := program.next_due()) is not None]
        return min(due, default=None)

    def summary(self) -> dict[str, object]:
        """All programs together, with the keys of ``summary.json``."""
        return self._total([program.summary() for _, program in sorted(self.programs.items())])

    def status(self) -> dict[str, object]:
        """The summary, and each program's own under ``programs``."""
        each = {name: program.summary() for name, program in sorted(self.programs.items())}
        counts = {name: self.counts_of(program_digest(name)).as_dict(self.programs[name].n) for name in each}
        return self._total(list(each.values())) | {"programs": {name: each[name] | counts[name] for name in each}}

    def dump(self) -> bytes:
        """The state for a snapshot: a header line, then each program's dump, then the digests."""
        programs = [program.dump() for program in self.programs.values()]
        seen, refused, stamps = self.seen.dump()
        header: dict[str, object] = {
            "clock": self.clock,
            "counts": {
                digest.hex(): [counts.accepted, counts.duplicates, counts.dead_letters, counts.notices]
                for digest, counts in self._counts.items()
            },
            "programs": [len(dump) for dump in programs],
            "seen": len(seen),
            "refused": len(refused),
        }
        if any(len(digests) > 1 for digests in self.adopted.values()):
            header["adopted"] = self.adopted
        if stamps:
            header |= {"stamps": len(stamps), "forgotten": self.seen.forgotten}
        return b"\n".join([json.dumps(header).encode(), b"".join([*programs, seen, refused, stamps])])

    def _fold(self, batch: Batch) -> list[bytes]:
        facts = [read_fact(line) for line in batch.facts]
        programs = self.programs
        for fact in facts:
            program = programs.get(fact.program)
            if program is None:
                program = programs[fact.program] = Program(fact.program)
            program.evolve(fact)
        self.remember(batch.taken, len(batch.refused))
        self.settle(batch)
        return self.announce(facts)

    def _load(self, snapshot: Snapshot) -> None:
        if snapshot.layout != LAYOUT:
            raise SafeHalt(
                LAYOUT_NEWER, f"the snapshot has layout {snapshot.layout}, this version reads {LAYOUT}: upgrade Kindred"
            )
        first, _, body = snapshot.state.partition(b"\n")
        try:
            self._take_in(body, **json.loads(first))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as trouble:
            # Its checksum holds, so it is whole: somebody wrote what this version does not know.
            raise SafeHalt(
                LAYOUT_NEWER, "the snapshot has a part that this version does not know, or lacks one: upgrade Kindred"
            ) from trouble

    def _take_in(
        self,
        body: bytes,
        *,
        clock: Mode,
        counts: dict[str, list[int]],
        programs: list[int],
        seen: int,
        refused: int,
        stamps: int = 0,
        forgotten: int = 0,
        adopted: dict[str, list[str]] | None = None,
    ) -> None:
        """Become what ``dump`` wrote: the keywords are its header, the numbers are lengths in ``body``."""
        self.clock = clock
        self._counts = {bytes.fromhex(digest): Counts(*each) for digest, each in counts.items()}
        ends = list(accumulate([*programs, seen, refused, stamps], initial=0))
        if ends[-1] != len(body):
            raise ValueError("the header does not say where everything is")
        *dumps, pairs, keys, days = [body[start:end] for start, end in pairwise(ends)]
        self.programs = {program.id: program for program in map(Program.load, dumps)}
        self.seen = Seen.load(pairs, keys, days, forgotten)
        self.adopted = adopted or {name: [program.state.policy_digest or ""] for name, program in self.programs.items()}

    def _total(self, each: list[dict[str, object]]) -> dict[str, object]:
        facts = sum(program.n for program in self.programs.values())
        total = self.counts.as_dict(facts)
        total |= {key: sum(cast(int, one[key]) for one in each) for key in SUMMED}
        return total | {"certificate": _certificate([cast(dict[str, Any], one["certificate"]) for one in each])}


def notice_lines(fact: Fact) -> list[bytes]:
    """The notices that follow from a fact, a line of JSON each."""
    return [orjson.dumps(notice) for notice in notices(fact)]


def _certificate(each: list[dict[str, Any]]) -> dict[str, object]:
    return {
        "primal": sum(one["primal"] for one in each),
        "dual": sum(one["dual"] for one in each),
        "equal": all(one["equal"] for one in each),
    }
