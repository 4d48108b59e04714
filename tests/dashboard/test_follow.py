"""A follower on its thread: seen in time, patient with what is away, and done with what is damaged."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from threading import Event, Thread

import pytest
from sqlalchemy import Engine, func, select

from dashboard.database import open_database
from dashboard.follow import LATE_SECONDS, Follower
from dashboard.replica import Replica
from dashboard.silence import Silence
from dashboard.tables import FACTS
from journal.sqlite import SqliteJournal
from matcher.instants import parse_instant
from streams.folder import DataFolder, read_state
from streams.intake import read_input
from tests.conftest import do_without
from tests.dashboard import told
from tests.dashboard.told import an_event, follow, hand_in, read_model, reading
from tools.parts import Unavailable
from tools.postgres import Postgres

pytestmark = pytest.mark.slow

BOUND = 30.0  # seconds in which a busy machine does what takes a moment


@contextmanager
def following(path: Path, engine: Engine, **options) -> Iterator[Follower]:
    homes = {"0": partial(SqliteJournal, path, read_only=True)}
    follower = Follower(homes, engine, told.programs_of, **options)
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()


def test_what_the_journal_has_is_seen_by_who_waits_for_it(new_database: Callable[[], Engine], tmp_path: Path) -> None:
    engine, events, heard = new_database(), told.events(), []
    with DataFolder.open(tmp_path, clock="event") as folder:
        hand_in(folder, events[:200])
        with following(tmp_path, engine, told=lambda facts: heard.append(list(facts))) as follower:
            assert follower.caught_up(BOUND)
            assert not heard  # what was there before is no news
            joined = an_event("member.joined", "new-1", {"experiences": [{"code": "F10.20"}]}, time=events[199]["time"])
            position = folder.take([read_input(told.json.dumps(joined).encode())]).position
            begun = time.monotonic()
            assert follower.replica.wait(position, BOUND)
            assert time.monotonic() - begun < 1 or sys.gettrace()
            with follower.replica.reading() as programs:
                assert programs["river"].state.members.get("new-1") is not None
            assert [row["stage"] for row in read_model(engine)["read_person"] if row["person"] == "new-1"] == ["none"]
            assert follower.alive
            assert not follower.failures
    assert [fact.type for facts in heard for fact in facts] == ["member.joined"]


def test_a_wait_for_what_does_not_come_ends_in_time() -> None:
    begun = time.monotonic()
    assert not Replica().wait(5, 0.1)
    assert 0.1 <= time.monotonic() - begun < BOUND


def test_a_wait_wakes_when_its_events_were_decided() -> None:
    replica, woke = Replica(), Event()

    def wait() -> None:
        assert replica.wait_for_offset(10, 10 * BOUND, "3")
        woke.set()

    waiting = Thread(target=wait, daemon=True)
    waiting.start()
    replica.reached("3", 4, 9)
    replica.reached("2", 9, 99)
    assert not woke.wait(0.1)
    replica.reached("3", 5, 10)
    assert woke.wait(BOUND)
    waiting.join()


def test_the_replica_is_the_program_also_from_a_snapshot(new_database: Callable[[], Engine], tmp_path: Path) -> None:
    engine, events = new_database(), told.events()
    for start in range(0, 900, 300):  # a snapshot is left at each end
        told.tell(tmp_path, events[start : start + 300])
        with following(tmp_path, engine) as follower:
            assert follower.caught_up(BOUND)
            with follower.replica.reading() as programs:
                assert programs["river"].state_hash() == read_state(tmp_path).programs["river"].state_hash()


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_is_lost_or_repeated_when_the_follower_is_killed(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    random, kills, data = Random(5), 6, tmp_path / "data"
    told.tell(data, told.events(), batch=2)
    address = f"sqlite:///{tmp_path}/killed.db"
    if database == "postgresql":
        address = request.getfixturevalue("postgres").url("killed")
    for _ in range(kills):
        command = [sys.executable, "-m", "tests.dashboard.killed_follower", str(data), address]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            for _ in range(random.randint(1, 12)):
                assert process.stdout.readline()
            process.kill()
    engine, once = open_database(address), told.sqlite_engine(tmp_path / "once.db")
    with engine.connect() as connection:
        written = connection.scalar(select(func.count()).select_from(FACTS))
    for each in (engine, once):
        with reading(data) as home:
            follow(each, home)
    rows = read_model(engine)
    assert 0 < (written or 0) < len(rows["read_fact"]), "the kills came too late to show anything"
    assert rows == read_model(once)
    engine.dispose()
    once.dispose()


def test_a_damaged_journal_stops_the_follower_with_the_reason(
    new_database: Callable[[], Engine], tmp_path: Path, cohort_folder: Path
) -> None:
    shutil.copytree(cohort_folder, tmp_path / "data")
    with closing(sqlite3.connect(tmp_path / "data" / "journal.db")) as journal, journal:
        journal.execute("UPDATE entries SET body = replace(body, 'member.joined', 'member.jo1ned') WHERE position = 3")
    with following(tmp_path / "data", new_database()) as follower:
        until = time.monotonic() + BOUND
        while follower.alive and time.monotonic() < until:
            Event().wait(0.02)
        assert follower.failures["0"].code == "KND-journal-checksum"
        [silence] = follower.silences()
        assert (silence.home, silence.code) == ("0", "KND-journal-checksum")
        assert time.time() - silence.since < 2 * BOUND


def test_a_folder_without_a_journal_is_waited_for(new_database: Callable[[], Engine], tmp_path: Path) -> None:
    engine = new_database()
    with following(tmp_path / "later", engine) as follower:
        assert not follower.caught_up(0.3)
        told.tell(tmp_path / "later", told.events()[:50])
        assert follower.caught_up(BOUND)
        assert not follower.failures


def test_a_journal_that_is_not_read_to_its_end_for_long_is_a_silence(
    new_database: Callable[[], Engine], tmp_path: Path
) -> None:
    now = [1_000.0]
    told.tell(tmp_path / "data", told.events()[:50])
    with following(tmp_path / "data", new_database(), clock=lambda: now[0]) as follower:
        assert follower.caught_up(BOUND)
        assert follower.silences() == []
    now[0] += LATE_SECONDS  # it was stopped, and looks no more
    assert follower.silences() == [Silence("0", 1_000, ("river",), None)]


@pytest.mark.slow
def test_a_database_that_is_away_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    try:
        server = Postgres()
    except Unavailable as trouble:
        do_without("postgres", str(trouble))
    events = told.events()
    with server, DataFolder.open(tmp_path / "data", clock="event") as folder:
        engine = open_database(server.url("away"))
        hand_in(folder, events[:150])
        with following(tmp_path / "data", engine) as follower:
            assert follower.caught_up(BOUND)
            server.halt()
            hand_in(folder, events[150:300])
            until = time.monotonic() + BOUND
            while not follower.failures and time.monotonic() < until:
                Event().wait(0.02)
            assert follower.failures["0"].code == "KND-database-away"
            with follower.replica.reading() as programs:
                assert programs  # the pairs can still be explained
            server.resume()
            hand_in(folder, events[300:350])
            position = folder.take([read_input(told.json.dumps(events[350]).encode())]).position
            assert follower.replica.wait(position, BOUND)
            once = told.sqlite_engine(tmp_path / "once.db")
            with reading(tmp_path / "data") as home:
                follow(once, home)
            assert read_model(engine) == read_model(once)
            once.dispose()
        engine.dispose()


def test_the_program_row_has_the_clock(new_database: Callable[[], Engine], cohort_folder: Path) -> None:
    engine = new_database()
    with reading(cohort_folder) as home:
        follow(engine, home)
    [program] = read_model(engine)["read_program"]
    assert program["at"] == read_state(cohort_folder).programs["river"].at
    assert program["at"] > parse_instant("2025-12-01T00:00:00Z")
