"""The whole job on files beside only reading them: how much of a replay is not the parsing of events.

A cohort of 3,000 newcomers and 2,000 mentors, of which 100,000 events, goes from a file into a data folder: parsed,
told from repeats, decided under the default policy, appended to SQLite with every batch on the disk, and written out.
The peer parses the same lines with the same models and does nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.report import Row, rate_row
from matcher.cohort import lines
from matcher.messages.catalog import parse
from streams.replay import replay

EVENTS, NEWCOMERS, MENTORS, DAYS = 100_000, 3_000, 2_000, 160
WARM_UP = 400  # events of a small program, so that compiled code is loaded before the clock runs


def rows() -> Iterator[Row]:
    """One row: events a second, and the share of parsing alone that they are."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write(folder / "warm", lines(members=40, mentors=8, days=30), WARM_UP)
        replay([str(folder / "warm")], folder / "warmed")
        count = _write(folder / "events", lines(members=NEWCOMERS, mentors=MENTORS, days=DAYS, seed=7), EVENTS)
        before = _seconds_to_parse(folder / "events")
        started = perf_counter()
        done = replay([str(folder / "events")], folder / "out")
        seconds = perf_counter() - started
        parsing = (before + _seconds_to_parse(folder / "events")) / 2  # the machine is not as quick all the time
        if done.accepted != count:
            raise AssertionError(f"{done.refused} of {count} events of a cohort were refused")
        name = f"{count:,} events, {MENTORS:,} mentors, against parsing"
        yield rate_row("replay", name, count / seconds, count / parsing, "events/s", 0.15)


def _write(path: Path, events: Iterator[str], count: int) -> int:
    chosen = list(islice(events, count))
    path.write_text("".join(f"{event}\n" for event in chosen))
    return len(chosen)


def _seconds_to_parse(path: Path) -> float:
    started = perf_counter()
    with path.open("rb") as file:
        for line in file:
            parse(line)
    return perf_counter() - started
