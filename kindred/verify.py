"""An independent check of a data folder: is what it says possible, optimal, and the same everywhere?

Four questions, each answered by code that had no part in writing the folder: the journal's reader asks whether every
entry is whole and in its place (a safe halt when not), the audit's books whether the facts keep the promises, the
certificate whether the plan is optimal, and the files whether they say what the journal says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from journal.reader import Reader, Recorded
from journal.sqlite import SqliteJournal
from matcher.audit import Audit
from matcher.errors import MarketError
from matcher.messages.facts import Fact, read_fact
from matcher.messages.notices import notices
from matcher.pairing.verify import check_market
from matcher.program import Program
from streams.folder import read_state
from streams.projection import CERTAIN, DEAD_LETTERS, FACTS, NOTICES


def violations(folder: Path) -> Iterator[str]:
    """Each way in which the folder does not hold together, in words; nothing when everything holds.

    Raises SafeHalt when the journal is damaged or newer, ConfigurationError when there is none. Cost: three readings
    of the journal, one solved market per program.
    """
    broken = set[str]()
    for program, trouble in _audited(folder):
        broken.add(program)
        yield trouble
    yield from _programs(folder, broken)
    yield from _files(folder)


def _audited(folder: Path) -> Iterator[tuple[str, str]]:
    books: dict[str, Audit] = {}
    for fact in map(read_fact, _fact_lines(folder)):
        audit = books.setdefault(fact.program, Audit(fact.program))
        yield from ((fact.program, trouble) for trouble in audit.take(fact))
    for name, audit in books.items():
        yield from ((name, trouble) for trouble in audit.rest())


def _programs(folder: Path, broken: set[str]) -> Iterator[str]:
    """Fold every fact from the first on, and compare with what the newest snapshot leads to; then check the plan."""
    folded: dict[str, Program] = {}
    for fact in map(read_fact, _fact_lines(folder)):
        if fact.program not in broken:
            folded.setdefault(fact.program, Program(fact.program)).evolve(fact)
    recovered = read_state(folder).programs
    for name, program in folded.items():
        if program.state_hash() != recovered[name].state_hash():
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


def _files(folder: Path) -> Iterator[str]:
    certain = _certain(folder)
    if certain is None:
        yield f"{CERTAIN} cannot be read, so nobody knows how far the .jsonl files go"
        return
    yield from _differs(folder / FACTS, _fact_lines(folder), certain[FACTS])
    yield from _differs(folder / NOTICES, _notice_lines(map(read_fact, _fact_lines(folder))), certain[NOTICES])
    refused = (line for record in _records(folder) for line in record.batch.refused)
    yield from _differs(folder / DEAD_LETTERS, refused, certain[DEAD_LETTERS])


def _differs(path: Path, expected: Iterable[bytes], least: int) -> Iterator[str]:
    """Whether a file is not what is expected. After a kill it may end early, but never before its `least` bytes."""
    size = path.stat().st_size if path.exists() else 0
    if size < least:
        yield f"{path.name} has {size} bytes, and had {least}"
        return
    if not size:
        return
    with path.open("rb") as file:
        for number, line in enumerate(expected, 1):
            found = file.read(len(line) + 1)
            if found != (line + b"\n")[: len(found)]:
                yield f"{path.name} line {number} is not what the journal says"
                return
        if file.read(1):
            yield f"{path.name} has lines that the journal does not have"


def _certain(folder: Path) -> dict[str, int] | None:
    try:
        said = json.loads((folder / CERTAIN).read_bytes())
        return {name: int(said[name]) for name in (FACTS, NOTICES, DEAD_LETTERS)}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _notice_lines(facts: Iterable[Fact]) -> Iterator[bytes]:
    for fact in facts:
        for notice in notices(fact):
            yield json.dumps(notice, ensure_ascii=False, separators=(",", ":")).encode()


def _fact_lines(folder: Path) -> Iterator[bytes]:
    for record in _records(folder):
        yield from record.batch.facts


def _records(folder: Path) -> Iterator[Recorded]:
    with closing(SqliteJournal(folder, read_only=True)) as home:
        yield from (item for item in Reader(home, whole=True).counted() if isinstance(item, Recorded))
