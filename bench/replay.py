"""The whole job on files beside only reading them: how much of a replay is not the parsing of events.

A cohort of 3,000 newcomers and 2,000 mentors, of which 100,000 events, goes from a file into a data folder: parsed,
told from repeats, decided under the default policy, appended to SQLite with every batch on the disk, and written out.
The peer parses the same lines with the same models and does nothing else. The two take turns, some twenty thousand
events at a time, as these machines are twice as quick in one minute as in the next. The row is the middle of three
rounds.
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
TURN = 20_000  # events
ROUNDS = 3
WARM_UP = 400  # events of a small program, so that compiled code is loaded before the clock runs


def rows() -> Iterator[Row]:
    """One row: events a second, and the share of parsing alone that they are."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write(folder / "warm", lines(members=40, mentors=8, days=30), WARM_UP)
        replay([str(folder / "warm")], folder / "warmed")
        count = _write(folder / "events", lines(members=NEWCOMERS, mentors=MENTORS, days=DAYS, seed=7), EVENTS)
        rounds = [_round(folder / "events", folder / f"out-{number}", count) for number in range(ROUNDS)]
        seconds, parsing = sorted(rounds, key=lambda times: times[1] / times[0])[ROUNDS // 2]
        name = f"{count:,} events, {MENTORS:,} mentors, against parsing"
        yield rate_row("replay", name, count / seconds, count / parsing, "events/s", 0.15)


def _round(events: Path, out: Path, count: int) -> tuple[float, float]:
    """The seconds that the job takes, and those that only parsing takes."""
    peer = _Peer(events)
    started = perf_counter()
    done = replay([str(events)], out, progress=peer.follow)
    seconds = perf_counter() - started - peer.seconds
    peer.finish()
    if done.accepted != count:
        raise AssertionError(f"{done.refused} of {count} events of a cohort were refused")
    return seconds, peer.seconds


def _write(path: Path, events: Iterator[str], count: int) -> int:
    chosen = list(islice(events, count))
    path.write_text("".join(f"{event}\n" for event in chosen))
    return len(chosen)


class _Peer:
    """Parses what the job has done, whenever that is enough to be quick at it."""

    def __init__(self, path: Path) -> None:
        self._lines = path.read_bytes().splitlines()
        self._parsed = 0
        self.seconds = 0.0

    def follow(self, done: int) -> None:
        """So many events are done."""
        if done - self._parsed >= TURN:
            self._parse(done)

    def finish(self) -> None:
        """The job is done."""
        self._parse(len(self._lines))

    def _parse(self, end: int) -> None:
        started = perf_counter()
        for line in self._lines[self._parsed : end]:
            parse(line)
        self.seconds += perf_counter() - started
        self._parsed = end
