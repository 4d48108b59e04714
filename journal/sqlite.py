"""A home in one SQLite file, ``journal.db`` in a data folder: the embedded service's memory.

One process writes, held to it by a lock on ``journal.lock`` for as long as the handle lives; any number may read.
Only the writing handle ever writes or checkpoints, so that the WAL-reset defect of SQLite before 3.51.3, a race
between two connections that do, cannot happen (docs/adr/0003).

Nothing here opens ``journal.db`` except through SQLite: closing another descriptor of it would drop SQLite's locks.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from journal.frames import UPGRADE
from journal.port import Entry, UnknownOutcome
from matcher.errors import ConfigurationError, KindredError, SafeHalt, Unreachable, code

MISSING = code(
    "KND-journal-missing", "There is no journal in this folder. Name the data folder of `serve` or `replay`."
)
FOLDER = code(
    "KND-journal-folder", "This path cannot be a data folder. Name another, or give permission to write to it."
)
TAKEN = code(
    "KND-journal-taken",
    "Another process writes to this data folder, and only one may. Stop it first, or use another folder.",
)
BUSY = code(
    "KND-journal-busy",
    "The journal cannot be used at this moment: a reader holds it, or the disk refuses. Look at the reason it gives "
    "and call again.",
)
FILE = code(
    "KND-journal-file",
    "The journal's file is damaged or is not a journal at all. Restore the data folder from a backup.",
)

FILE_NAME: Final = "journal.db"
LOCK_NAME: Final = "journal.lock"
APPLICATION_ID: Final = 0x4B4E4452  # "KNDR": tells the file from other SQLite databases
SCHEMA_VERSION: Final = 1
PAGE_BYTES: Final = 16_384  # of a new file: an entry may have a megabyte, which is a lot of SQLite's own 4 KiB
LOG_BYTES: Final = 4_096_000  # of the write-ahead log, about, before it is taken into the file
READ_BYTES: Final = 4_000_000  # what one read holds in memory, give or take an entry
BUSY_SECONDS: Final = 5  # a reader's page takes milliseconds; five seconds is a reader that hangs
_CIRCUMSTANCE: Final = (  # errors that say nothing against the file; every other one on our few statements does
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)

_TABLE: Final = "CREATE TABLE entries (position INTEGER PRIMARY KEY, body BLOB NOT NULL)"
_SCHEMA: Final = f"""
PRAGMA page_size = {PAGE_BYTES};
PRAGMA journal_mode = DELETE;
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
{_TABLE};
COMMIT;
PRAGMA journal_mode = WAL;
"""


class SqliteJournal:
    """The journal of a data folder. ``read_only`` handles may be many; the writing handle is one, in one process."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._path = folder / FILE_NAME
        self._lock = None if read_only else _lock(folder)
        try:
            if not read_only:
                _create(self._path)
            self._database = _connect(self._path, read_only)
        except BaseException:
            self._unlock()
            raise

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        """Write all bodies in one transaction, on the disk when it returns."""
        with self._trouble(appending=True), self._transaction():
            entries = [Entry(position, body) for position, body in enumerate(bodies, self._end())]
            self._database.executemany("INSERT INTO entries VALUES (?, ?)", entries)
        return [entry.position for entry in entries]

    def read(self, start: int) -> Sequence[Entry]:
        """The next page of about ``READ_BYTES``; no read transaction outlives the call."""
        page, held = list[Entry](), 0
        with self._trouble():
            rows = self._database.execute("SELECT position, body FROM entries WHERE position >= ? ORDER BY 1", (start,))
            for position, body in rows:
                page.append(Entry(position, body))
                held += len(body)
                if held >= READ_BYTES:
                    break
            rows.close()
        return page

    def head(self) -> int:
        """The lowest position there is: a truncation always leaves an entry."""
        with self._trouble():
            [position] = self._database.execute("SELECT coalesce(min(position), 0) FROM entries").fetchone()
        return int(position)

    def tail(self) -> Entry | None:
        """The last entry."""
        with self._trouble():
            row = self._database.execute("SELECT position, body FROM entries ORDER BY 1 DESC LIMIT 1").fetchone()
        return row and Entry(*row)

    def truncate(self, before: int) -> None:
        """Remove what lies below ``before`` from the file, its free pages and its write-ahead log.

        Raises ``Unreachable`` when a reader keeps the write-ahead log in use: calling again finishes the work.
        """
        with self._trouble():
            with self._transaction():
                self._database.execute("DELETE FROM entries WHERE position < ?", (before,))
            [busy, *_] = self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise Unreachable(
                BUSY, f"a reader of {self._path} holds what was to be removed: call again when it is done"
            )

    def close(self) -> None:
        """Close the file and let another process write."""
        self._database.close()
        self._unlock()

    def _end(self) -> int:
        """The position after the last: asked anew each time, for after a failed append only the file knows."""
        [position] = self._database.execute("SELECT coalesce(max(position) + 1, 0) FROM entries").fetchone()
        return int(position)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    @contextmanager
    def _trouble(self, *, appending: bool = False) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # a closed handle, or one used by two threads: nothing that a person at the keyboard can mend
        except sqlite3.Error as error:
            raise _as_kindred(error, self._path, appending=appending) from error

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(folder: Path) -> int:
    """Hold the folder's lock file for life; the system lets go of it when the process ends, however it ends."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is in there concerns the health of people
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            FOLDER, f"{folder} cannot be a data folder ({error.strerror}): name another"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Unreachable(TAKEN, f"another process writes to {folder}: stop it first, or use another folder") from None
    return descriptor


def _create(path: Path) -> None:
    """Make an empty journal unless there is one, under another name first: a crash leaves a whole one or none."""
    if path.exists():
        return
    if _beside(path, "-wal").exists():
        raise SafeHalt(FILE, f"{path} is gone and its write-ahead log is still there: restore the folder from a backup")
    unfinished = path.with_suffix(".new")
    for leftover in ("", "-journal", "-wal", "-shm"):
        _beside(unfinished, leftover).unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as database:
            database.executescript(_SCHEMA)
    except sqlite3.Error as error:
        raise _as_kindred(error, unfinished) from error
    unfinished.rename(path)
    _sync_folder(path.parent)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path, read_only: bool) -> sqlite3.Connection:
    """A connection to a journal that has been looked at."""
    if not path.exists():
        raise ConfigurationError(MISSING, f"there is no {path.name} in {path.parent}: name a data folder")
    try:
        database = _open(path, "ro" if read_only else "rw")
        try:
            _inspect(database, path)
            if not read_only:
                _prepare_for_writing(database, path)
        except BaseException:
            database.close()
            raise
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter: an error text that quotes a damaged schema
        raise _as_kindred(error, path) from error
    return database


def _open(path: Path, mode: str) -> sqlite3.Connection:
    database = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
    )
    database.text_factory = bytes  # a damaged file may hold text that is no text
    return database


def _inspect(database: sqlite3.Connection, path: Path) -> None:
    """Is this a journal, and one that this version reads?"""
    [application] = database.execute("PRAGMA application_id").fetchone()
    [version] = database.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise SafeHalt(FILE, f"{path} is empty or not a journal of Kindred: restore it, or name another folder")
    if version > SCHEMA_VERSION:
        raise SafeHalt(UPGRADE, f"{path} has format {version}, this version reads {SCHEMA_VERSION}: upgrade Kindred")
    if database.execute("SELECT sql FROM sqlite_master").fetchall() != [(_TABLE.encode(),)]:
        raise SafeHalt(FILE, f"{path} does not have the table of a journal: restore the folder from a backup")


def _prepare_for_writing(database: sqlite3.Connection, path: Path) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    [page_bytes] = database.execute("PRAGMA page_size").fetchone()
    database.execute(f"PRAGMA wal_autocheckpoint = {LOG_BYTES // page_bytes}")
    database.execute("PRAGMA fullfsync = ON")  # macOS: a plain fsync there does not reach the disk
    database.execute("PRAGMA secure_delete = ON")
    [verdict] = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != b"ok":
        raise SafeHalt(
            FILE, f"{path} is damaged ({verdict.decode(errors='replace')}): restore the folder from a backup"
        )


def _as_kindred(error: Exception, path: Path, *, appending: bool = False) -> KindredError:
    """What SQLite's error means here. The low byte of its code is the class of the error."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _CIRCUMSTANCE:
        return SafeHalt(FILE, f"{path} is damaged ({error}): restore the folder from a backup")
    if appending:
        return UnknownOutcome(str(path), str(error))
    return Unreachable(BUSY, f"{path} cannot be used ({error}): call again")
