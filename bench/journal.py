"""The SQLite journal beside bare sqlite3 that writes the same bytes, durably, in transactions of the same size.

``ours`` goes through an owner's public door: encoding, checksum, chain, and the rule that what was written counts.
The peer inserts the finished bytes into the same table with the same settings. The two take turns, and each row is the
best of its rounds, so that what else the disk does meanwhile touches both alike.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.report import Row, rate_row
from journal.frames import Batch
from journal.owner import Owner
from journal.reader import Reader
from journal.sqlite import SqliteJournal

GROUP = 64
TRANSACTIONS = 200
ROUNDS = 7
GOAL = 0.5

Write = Callable[[], None]


def rows() -> Iterator[Row]:
    """A batch of 64 as the processor makes it; then what group commit costs when every batch has a single fact."""
    yield _row(f"a batch of {GROUP} facts a transaction", [_batch(GROUP)], GOAL)
    yield _row(f"{GROUP} batches of a fact a transaction", [_batch(1)] * GROUP, None)


def _batch(facts: int) -> Batch:
    """A batch with as many accepted events as facts, each of the size of a check-in's."""
    data = {"member": "m-1017", "mood": 6, "craving": 2, "source": "/intake", "id": "e-000001017"}
    fact = {"program": "river", "n": 812, "at": "2026-03-02T09:14:00Z", "type": "progress.checked_in", "data": data}
    line = json.dumps(fact, separators=(",", ":")).encode()
    return Batch("2026-03-02T09:14:00Z", [line] * facts, taken=[(bytes(16), bytes(16))] * facts)


def _row(name: str, batches: Sequence[Batch], goal: float | None) -> Row:
    facts = TRANSACTIONS * sum(len(batch.facts) for batch in batches)
    with TemporaryDirectory(dir=Path.cwd()) as folder:
        home = SqliteJournal(Path(folder))
        owner = Owner(home)
        owner.claim(lambda _: None)
        owner.append_many(batches)
        bodies = [entry.body for entry in home.read(1)]
        bare = _bare(Path(folder) / "bare.db")
        ours, peer = _alternate(lambda: _ours(owner, batches), lambda: _peer(bare, bodies))
        bare.close()
        assert sum(1 for _ in Reader(home).counted()) == (TRANSACTIONS * ROUNDS + 1) * len(batches)
        home.close()
    return rate_row("journal", name, facts / ours, facts / peer, "facts/s", goal)


def _alternate(ours: Write, peer: Write) -> tuple[float, float]:
    """The shortest time of each, in seconds."""
    times = [(_seconds(ours), _seconds(peer)) for _ in range(ROUNDS)]
    return min(own for own, _ in times), min(other for _, other in times)


def _seconds(write: Write) -> float:
    begin = perf_counter()
    write()
    return perf_counter() - begin


def _ours(owner: Owner, batches: Sequence[Batch]) -> None:
    for _ in range(TRANSACTIONS):
        owner.append_many(batches)


def _bare(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE entries (position INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    return database


def _peer(database: sqlite3.Connection, bodies: Sequence[bytes]) -> None:
    for _ in range(TRANSACTIONS):
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO entries (body) VALUES (?)", [(body,) for body in bodies])
        database.execute("COMMIT")
