"""A start from the journal: folding a long one, and a snapshot with what came since.

The long journal is the history of one replayed cohort, copied under other programs' names until it has a million
facts; the peer reads the same journal and decodes each fact to its model, and folds nothing. The second row starts a
processor on a snapshot of 10,000 people with 10,000 facts since, and compares it with the two seconds allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.report import Row, cost_row, rate_row
from journal.frames import Batch
from journal.owner import Owner
from journal.pause import collector_paused
from journal.port import Journal
from journal.reader import Counted, Reader, Recorded
from journal.sqlite import SqliteJournal
from matcher.cohort import cohort, lines
from matcher.instants import format_instant
from matcher.messages.catalog import parse
from matcher.messages.facts import Fact, Told, read_fact
from streams.intake import program_digest
from streams.processor import Processor
from streams.replay import replay
from streams.state import State

FACTS, BATCH = 1_000_000, 512
PEOPLE, SINCE = 10_000, 10_000
SECONDS_ALLOWED = 2.0


def rows() -> Iterator[Row]:
    """The two rows, each on a journal of its own."""
    with TemporaryDirectory() as scratch:
        yield _long_journal(Path(scratch) / "long")
        yield _snapshot(Path(scratch) / "snapshot")


def _long_journal(folder: Path) -> Row:
    facts = history(folder / "cohort")
    _write(folder, islice(copies(facts), FACTS))
    with closing(SqliteJournal(folder, read_only=True)) as home:
        decoding = _seconds(home, _decode)
        folding = _seconds(home, State.of)
    return rate_row("recovery", f"fold {FACTS:,} facts", FACTS / folding, FACTS / decoding, "facts/s", 0.3)


def _snapshot(folder: Path) -> Row:
    events = list(told(members=PEOPLE * 9 // 10, mentors=PEOPLE // 10, days=30))
    _write(folder, events[:-SINCE])
    with closing(SqliteJournal(folder)) as home:
        processor = Processor(home, clock="event")
        processor.start()
        processor.snapshot()
    _write(folder, events[-SINCE:])
    started = perf_counter()
    with closing(SqliteJournal(folder)) as home:
        processor = Processor(home)
        processor.start()
        seconds = perf_counter() - started
        [program] = processor.state.programs.values()
        if program.n != len(events) or len(processor.state.seen) != len(events):
            raise AssertionError("the state is not what was written")
    return cost_row("recovery", f"{PEOPLE:,} people and {SINCE:,} facts since", seconds, SECONDS_ALLOWED, "s", 1.0)


def history(folder: Path) -> list[bytes]:
    """The facts of a replayed cohort, of which the first is the policy."""
    folder.mkdir(parents=True)
    (folder / "events").write_text("\n".join(lines(members=1_000, mentors=150, days=180, seed=7)))
    replay([str(folder / "events")], folder)
    return (folder / "facts.jsonl").read_bytes().splitlines()


def copies(facts: Sequence[bytes]) -> Iterator[bytes]:
    own = b'{"program":"river"'
    for number in count(1):
        yield from (b'{"program":"p-%d"' % number + line.removeprefix(own) for line in facts)


def told(members: int, mentors: int, days: int) -> Iterator[bytes]:
    """The events of a cohort as facts, as if nothing had been decided."""
    events = map(parse, cohort(members=members, mentors=mentors, days=days, seed=7))
    for number, event in enumerate(events, 1):
        yield Fact(event.program, number, event.time, event.type, Told(event.subject, event.time, event.data)).line()


def _write(folder: Path, facts: Iterable[bytes]) -> None:
    with closing(SqliteJournal(folder)) as home:
        put(home, facts)


def put(home: Journal, facts: Iterable[bytes]) -> None:
    """Append facts with digests, as many as an event each would leave."""
    owner = Owner(home)
    owner.claim(_pass_over)
    remaining = iter(facts)
    while batch := list(islice(remaining, BATCH)):
        owner.append(Batch(format_instant(0), batch, taken=[_digests(fact) for fact in batch]))


def _digests(fact: bytes) -> tuple[bytes, bytes]:
    digest = blake2b(fact, digest_size=28).digest()
    program = fact.split(b'"', 4)[3].decode()
    return digest[:16], program_digest(program) + digest[16:]


def _decode(items: Iterable[Counted]) -> None:
    with collector_paused():
        for item in items:
            if isinstance(item, Recorded):
                for line in item.batch.facts:
                    read_fact(line)


def _pass_over(_: Counted) -> None:
    pass


def _seconds(home: SqliteJournal, take: Callable[[Iterable[Counted]], object]) -> float:
    started = perf_counter()
    take(Reader(home, whole=True).counted())
    return perf_counter() - started
