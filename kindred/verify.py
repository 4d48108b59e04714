"""An independent check of a data folder: is what it says possible, optimal, and the same everywhere?

Four questions, each answered by code that had no part in writing the folder: the journal's reader asks whether every
entry is whole and in its place (a safe halt when not), the audit's books whether the facts keep the promises, the
certificate whether the plan is optimal, and the files whether they say what the journal says.

The folder is looked at as it is at one instant, so it may be in use, or its writer may have been killed: files then end
early, and the summary is that of an earlier call.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Final, cast

from journal.frames import Batch
from journal.port import Journal
from journal.reader import Counted, Reader, Recorded, Snapshot
from journal.sqlite import SqliteJournal
from matcher.audit import Audit
from matcher.errors import MarketError
from matcher.messages.facts import Fact, read_fact
from matcher.messages.notices import notices
from matcher.pairing.verify import check_market
from matcher.program import Program
from streams.projection import CERTAIN, FACTS, FILES, NOTICES, SUMMARY
from streams.state import State

UNREADABLE: Final = object()


def violations(folder: Path) -> Iterator[str]:
    """Each way in which the folder does not hold together, in words; nothing when everything holds.

    Raises SafeHalt when the journal is damaged or newer, ConfigurationError when there is none. Cost: some six
    readings of the journal, one solved market per program.
    """
    with closing(Folder(folder)) as seen:
        yield from check(seen)


class Log:
    """A journal at one instant; what an owner adds later is not looked at."""

    def __init__(self, home: Journal) -> None:
        """Note how far it goes."""
        self._home = home
        self._newest = Reader(home)
        tail = home.tail()
        self._end = -1 if tail is None else tail.position

    def records(self) -> Iterator[Recorded]:
        """Every record that counts, from the first that is there on."""
        yield from (item for item in self._items() if isinstance(item, Recorded))

    def facts(self) -> Iterator[Fact]:
        """Every fact."""
        yield from (read_fact(line) for record in self.records() for line in record.batch.facts)

    def beginning(self) -> Snapshot | None:
        """The snapshot that the journal begins with, when what came before was truncated."""
        first = next((item for item in self._items() if not isinstance(item, Recorded) or item.batch.facts), None)
        return first if isinstance(first, Snapshot) and first.covers >= 0 else None

    def recovered(self) -> State:
        """The state that every other command reads: the newest snapshot, and what came since."""
        return State.of(self._newest.counted(self._end))

    def close(self) -> None:
        """Close the journal."""
        self._home.close()

    def _items(self) -> Iterator[Counted]:
        yield from Reader(self._home, whole=True).counted(self._end)


class Folder(Log):
    """A data folder at one instant."""

    def __init__(self, path: Path) -> None:
        """Note how far everything goes. Raises ConfigurationError when there is no journal."""
        self.path = path
        # In this order: a file never says more than what is read after it.
        self.summary = _document(path / SUMMARY)
        self.certain = _document(path / CERTAIN)
        self.sizes = {name: _size(path / name) for name in FILES}
        super().__init__(SqliteJournal(path, read_only=True))


def check(seen: Folder) -> Iterator[str]:
    """The violations of a folder at an instant."""
    folded, broken = yield from check_log(seen)
    if not broken:
        yield from _summary(seen.summary, folded.summary())
    yield from _files(seen, whole=not broken and seen.summary == folded.summary())


def check_log(seen: Log) -> Generator[str, None, tuple[State, set[str]]]:
    """The violations of a journal at an instant; the state that its facts lead to, and the programs with violations.

    Where the beginning was truncated, the audit is of the programs that came after it: the others' books are gone.
    """
    broken, beginning = set[str](), seen.beginning()
    start = State() if beginning is None else State.of([beginning])
    for program, trouble in _audited(fact for fact in seen.facts() if fact.program not in start.programs):
        broken.add(program)
        yield trouble
    folded = _folded(start, seen.records(), broken)
    yield from _programs(folded, seen.recovered())
    return folded, broken


def _audited(facts: Iterable[Fact]) -> Iterator[tuple[str, str]]:
    books: dict[str, Audit] = {}
    for fact in facts:
        audit = books.setdefault(fact.program, Audit(fact.program))
        yield from ((fact.program, trouble) for trouble in audit.take(fact))
    for name, audit in books.items():
        yield from ((name, trouble) for trouble in audit.rest())


def _folded(state: State, records: Iterable[Recorded], broken: set[str]) -> State:
    """``state`` after these records, without later snapshots, and without programs that break promises."""
    for record in records:
        batch = record.batch
        if broken:
            batch = replace(batch, facts=[line for line in batch.facts if read_fact(line).program not in broken])
        state.fold(replace(record, batch=batch))
    return state


def _programs(folded: State, recovered: State) -> Iterator[str]:
    """Compare what the facts lead to with what the newest snapshot leads to; then check the plan."""
    for name, program in folded.programs.items():
        other = recovered.programs.get(name)
        if other is not None and not other.state.hears_all:
            for each in (program, other):
                each.state.forget_what_is_new()
        if other is None or program.state_hash() != other.state_hash():
            yield f"{name}: a snapshot says something else than the facts"
        yield from (f"{name}: {trouble}" for trouble in _plan(program))


def _plan(program: Program) -> Iterator[str]:
    try:
        document = program.market()
    except MarketError as trouble:
        yield str(trouble)
        return
    found = check_market(document)
    yield from found
    yield from (trouble for trouble in program.violations() if trouble not in found)


def _summary(said: object, holds: dict[str, object]) -> Iterator[str]:
    """Whether the summary is what the journal says; it may be that of an earlier call, for only an end writes one."""
    match said:
        case None:
            return
        case {"events": int(events), "facts": int(facts)}:
            now = cast(int, holds["events"]), cast(int, holds["facts"])
            earlier = events <= now[0] and facts <= now[1] and (events, facts) != now
            if not earlier and said != holds:
                yield f"{SUMMARY} says something else than the journal"
        case _:
            yield f"{SUMMARY} cannot be read"


def _files(seen: Folder, *, whole: bool) -> Iterator[str]:
    """Whether the files are copies of the journal: ``whole`` ones after a call that came to its end."""
    least = _lengths(seen.certain)
    if least is None:
        yield f"{CERTAIN} cannot be read, so nobody knows how far the .jsonl files go"
        return
    for name in FILES:
        size = seen.sizes[name]
        if size < least[name]:
            yield f"{name} has {size} bytes, and had {least[name]}"
        else:
            lines = (line for record in seen.records() for line in _lines(record.batch, name))
            yield from _differs(seen.path / name, size, lines, whole=whole)


def _differs(path: Path, size: int, lines: Iterable[bytes], *, whole: bool) -> Iterator[str]:
    """Whether the first ``size`` bytes of a file are not these lines, or, if it is not ``whole``, their beginning."""
    with path.open("rb") if size else BytesIO() as file:
        left = size
        for number, line in enumerate(lines, 1):
            expected = line + b"\n"
            found = file.read(min(len(expected), left))
            left -= len(found)
            if found != (expected if whole else expected[: len(found)]):
                yield f"{path.name} line {number} is not what the journal says"
                return
        if left:
            yield f"{path.name} has lines that the journal does not have"


def _lines(batch: Batch, name: str) -> Iterable[bytes]:
    """What a record adds to a file."""
    if name == NOTICES:
        return (_line(notice) for fact in map(read_fact, batch.facts) for notice in notices(fact))
    return batch.facts if name == FACTS else batch.refused


def _line(notice: object) -> bytes:
    return json.dumps(notice, ensure_ascii=False, separators=(",", ":")).encode()


def _lengths(certain: object) -> dict[str, int] | None:
    """How long the files were when they were last brought to the disk; before the first time nothing is certain."""
    match certain:
        case None:
            return dict.fromkeys(FILES, 0)
        case dict() if all(isinstance(certain.get(name), int) for name in FILES):
            return {name: certain[name] for name in FILES}
    return None


def _document(path: Path) -> object:
    """A small file of JSON: None when there is none, ``UNREADABLE`` when it is not JSON."""
    try:
        return cast(object, json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return UNREADABLE


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
