"""The home in SQLite keeps the contract, and what a file on a disk adds to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from journal.owner import Lost
from journal.port import Journal, UnknownOutcome
from journal.reader import Reader
from journal.sqlite import FILE, FILE_NAME, MISSING, TAKEN, SqliteJournal
from matcher.errors import ConfigurationError, SafeHalt, Unreachable
from tests.journal.contract import JournalContract
from tests.journal.homes import batch, facts, folded, owner_of


class SqliteLog:
    """One process writes, so all writers of a test share its handle."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = SqliteJournal(folder)

    def handle(self) -> Journal:
        return self.home

    def reopen(self) -> Journal:
        self.home.close()
        self.home = SqliteJournal(self.folder)
        return self.home


class TestSqlite(JournalContract):
    @pytest.fixture
    def new_log(self, tmp_path: Path) -> Iterator[Callable[[], SqliteLog]]:
        made: list[SqliteLog] = []
        names = count()

        def make() -> SqliteLog:
            made.append(SqliteLog(tmp_path / str(next(names))))
            return made[-1]

        yield make
        for log in made:
            log.home.close()


def written(folder: Path, facts: int = 40) -> list[str]:
    """A closed journal with some facts, a record each."""
    home = SqliteJournal(folder)
    owner = owner_of(home)
    for n in range(facts):
        owner.append(batch(f"fact {n}"))
    home.close()
    return [f"fact {n}" for n in range(facts)]


def read(folder: Path, *, read_only: bool = False) -> list[str]:
    home = SqliteJournal(folder, read_only=read_only)
    try:
        return facts(home)
    finally:
        home.close()


def test_a_second_writer_is_refused_at_once_and_readers_are_not(tmp_path: Path) -> None:
    home = SqliteJournal(tmp_path)
    owner_of(home).append(batch("a"))
    with pytest.raises(Unreachable) as taken:
        SqliteJournal(tmp_path)
    assert (taken.value.code, taken.value.exit_code) == (TAKEN, 4)
    assert read(tmp_path, read_only=True) == ["a"]
    home.close()
    assert read(tmp_path) == ["a"]


def test_a_failed_start_leaves_the_folder_free(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 1000)
    with pytest.raises(SafeHalt):
        SqliteJournal(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    SqliteJournal(tmp_path).close()


def test_a_path_that_cannot_be_a_folder_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError) as refused:
        SqliteJournal(tmp_path / "file")
    assert (refused.value.code, refused.value.exit_code) == ("KND-journal-folder", 2)


def test_a_crash_while_a_journal_is_made_leaves_none(tmp_path: Path) -> None:
    for leftover in ("journal.new", "journal.new-wal", "journal.new-shm", "journal.new-journal"):
        (tmp_path / leftover).write_bytes(b"half")
    assert written(tmp_path) == read(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {FILE_NAME, "journal.lock"}


def test_reading_where_there_is_no_journal_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as missing:
        SqliteJournal(tmp_path, read_only=True)
    assert (missing.value.code, missing.value.exit_code) == (MISSING, 2)
    assert list(tmp_path.iterdir()) == []


def test_a_reading_handle_follows_the_writing_one_and_writes_nothing(tmp_path: Path) -> None:
    home = SqliteJournal(tmp_path)
    owner = owner_of(home)
    watching = SqliteJournal(tmp_path, read_only=True)
    reader = Reader(watching)
    owner.append(batch("a"))
    assert folded(reader) == ["a"]
    owner.append(batch("b"))
    assert folded(reader) == ["b"]
    with pytest.raises(Lost, match="readonly"):
        owner_of(watching)
    watching.close()
    home.close()


def test_only_a_writing_connection_can_checkpoint(tmp_path: Path) -> None:
    """What the argument about the WAL-reset defect rests on (docs/adr/0003)."""
    home = SqliteJournal(tmp_path)
    owner_of(home).append(batch("a"))
    with closing(sqlite3.connect(f"file:{tmp_path / FILE_NAME}?mode=ro", uri=True)) as reading:
        before = (tmp_path / f"{FILE_NAME}-wal").read_bytes()
        assert reading.execute("SELECT count(*) FROM entries").fetchone() == (2,)
        with pytest.raises(sqlite3.OperationalError):
            reading.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (tmp_path / f"{FILE_NAME}-wal").read_bytes() == before
    home.close()


def test_an_append_waits_for_the_disk(tmp_path: Path) -> None:
    """A loss of power cannot be had in a test; these are the settings with which SQLite promises to survive it."""
    home = SqliteJournal(tmp_path)
    assert home._database.execute("PRAGMA journal_mode").fetchone() == (b"wal",)
    assert home._database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    home.close()


@pytest.mark.parametrize("page_bytes", [4_096, 16_384])
def test_the_write_ahead_log_stays_as_small_with_large_pages(tmp_path: Path, page_bytes: int) -> None:
    home = SqliteJournal(tmp_path)
    home.close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as database:
        assert database.execute("PRAGMA page_size").fetchone() == (16_384,)
        database.executescript(f"PRAGMA journal_mode = DELETE; PRAGMA page_size = {page_bytes}; VACUUM")
    home = SqliteJournal(tmp_path)  # a file of an earlier version has small ones
    assert home.append([bytes(700_000)] * 3) == [0, 1, 2]
    for _ in range(20):
        home.append([bytes(700_000)])
    assert (tmp_path / f"{FILE_NAME}-wal").stat().st_size < 8_000_000
    assert home._database.execute("PRAGMA page_size").fetchone() == (page_bytes,)
    home.close()


def test_what_is_truncated_is_in_no_file(tmp_path: Path) -> None:
    home = SqliteJournal(tmp_path)
    owner = owner_of(home)
    for n in range(200):
        owner.append(batch(f"m-erased {n}", "x" * 5000))
    owner.announce(owner.tally.record)
    owner.snapshot(b"m-kept", layout=1)
    assert _files_with(tmp_path, b"m-erased") != []
    owner.truncate()
    assert _files_with(tmp_path, b"m-erased") == []
    assert _files_with(tmp_path, b"m-kept") == [FILE_NAME]
    home.close()


def test_a_truncation_that_a_reader_holds_up_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journal.sqlite.BUSY_SECONDS", 0)
    home = SqliteJournal(tmp_path)
    owner = owner_of(home)
    owner.append(batch("m-erased"))
    owner.announce(owner.tally.record)
    owner.snapshot(b"state", layout=1)
    with closing(sqlite3.connect(f"file:{tmp_path / FILE_NAME}?mode=ro", uri=True, isolation_level=None)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM entries").fetchone()
        with pytest.raises(Unreachable) as busy:
            owner.truncate()
        assert busy.value.code == "KND-journal-busy"
    owner.truncate()
    assert _files_with(tmp_path, b"m-erased") == []
    home.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(b"This is a letter, not a journal. " * 500),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:50]),
        lambda file: file.write_bytes(file.read_bytes()[:-4096]),
        lambda file: file.write_bytes(file.read_bytes()[:-1000]),
        lambda file: file.write_bytes(file.read_bytes()[:4096] + bytes(len(file.read_bytes()) - 4096)),
        lambda file: file.rename(file.with_name("journal.db-wal")),
    ],
    ids=["no database", "empty", "half a header", "a page short", "cut", "zeros", "only the log left"],
)
def test_a_damaged_file_is_a_safe_halt(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    written(tmp_path, 400)
    spoil(tmp_path / FILE_NAME)
    with pytest.raises(SafeHalt) as halt:
        read(tmp_path)
    assert (halt.value.code, halt.value.exit_code) == (FILE, 5)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("CREATE TABLE entries (position INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(SafeHalt) as halt:
        SqliteJournal(tmp_path)
    assert halt.value.code == FILE
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_a_newer_file_asks_for_an_upgrade(tmp_path: Path) -> None:
    written(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("PRAGMA user_version = 2")
    for read_only in (True, False):
        with pytest.raises(SafeHalt, match="upgrade") as halt:
            read(tmp_path, read_only=read_only)
        assert halt.value.code == "KND-journal-upgrade"


@pytest.mark.parametrize("step", [pytest.param(7, marks=pytest.mark.slow), pytest.param(1, marks=pytest.mark.soak)])
def test_a_flipped_byte_anywhere_is_a_safe_halt_or_harmless(tmp_path: Path, step: int) -> None:
    """Harmless: in a page's unused bytes, or in a header field that SQLite does not use."""
    intact = written(tmp_path)
    file = tmp_path / FILE_NAME
    whole = file.read_bytes()
    halts = 0
    for at in [*range(100), *range(100, len(whole), step)]:
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            assert read(tmp_path) == intact, f"byte {at}"
        except SafeHalt:
            halts += 1
        for ending in ("-wal", "-shm"):
            (tmp_path / f"{FILE_NAME}{ending}").unlink(missing_ok=True)
    assert halts > 100


@pytest.mark.slow
def test_a_write_ahead_log_cut_or_changed_anywhere_leaves_whole_transactions(tmp_path: Path) -> None:
    """What a loss of power may leave behind: SQLite goes back to the last commit that is whole, and so do we."""
    home = SqliteJournal(tmp_path / "live")
    owner = owner_of(home)
    for n in range(0, 30, 2):
        owner.append_many([batch(f"fact {n}"), batch(f"fact {n + 1}")])
    database, log = ((tmp_path / "live" / name).read_bytes() for name in (FILE_NAME, f"{FILE_NAME}-wal"))
    home.close()
    lengths = set()
    for at in range(0, len(log), 997):
        for torn in (log[:at], log[:at] + bytes([log[at] ^ 1]) + log[at + 1 :]):
            folder = tmp_path / f"{at} {len(torn)}"
            folder.mkdir()
            (folder / FILE_NAME).write_bytes(database)
            (folder / f"{FILE_NAME}-wal").write_bytes(torn)
            found = read(folder)
            assert found == [f"fact {n}" for n in range(len(found))]
            lengths.add(len(found))
    assert lengths == set(range(0, 30, 2))


def test_a_full_disk_ends_the_ownership_and_loses_nothing(tmp_path: Path) -> None:
    home = SqliteJournal(tmp_path)
    owner = owner_of(home)
    owner.append(batch("a"))
    home._database.execute("PRAGMA max_page_count = 4")  # the nearest thing to a full disk that needs no root
    with pytest.raises(UnknownOutcome) as unknown:
        home.append([bytes(100_000)])
    assert unknown.value.code == "KND-journal-unknown-outcome"
    with pytest.raises(Lost, match="full"):
        owner.append(batch("x" * 100_000))
    home._database.execute("PRAGMA max_page_count = 100000")
    owner_of(home).append(batch("b"))
    assert facts(home) == ["a", "b"]
    home.close()


def _files_with(folder: Path, secret: bytes) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if secret in file.read_bytes())
