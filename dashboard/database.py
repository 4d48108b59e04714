"""The dashboard's database: opened by its address, brought to the newest schema, with what SQLite needs to be told.

SQLite for the embedded service, PostgreSQL (psycopg) for the distributed one; the same statements on both.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from matcher.errors import ConfigurationError, Unreachable, code

ADDRESS = code(
    "KND-database-url",
    "The address of the dashboard's database is not one that Kindred can use. Write sqlite:////path/dashboard.db or "
    "postgresql://user:password@host/name.",
)
AWAY = code(
    "KND-database-away",
    "The dashboard's database does not answer, or refuses. Look whether it runs, and at user, password and rights. "
    "Pairing goes on without it, and the dashboard goes on by itself when it is back.",
)
NEWER = code(
    "KND-database-newer",
    "The dashboard's database was brought to its schema by a newer version of Kindred. Upgrade this installation.",
)

FILE_NAME: Final = "dashboard.db"
BUSY_SECONDS: Final = 10  # a batch of the projection takes some milliseconds; ten seconds is a writer that hangs
MIGRATIONS: Final = Path(__file__).with_name("migrations")
_MIGRATING: Final = 4_957_235  # key of the advisory lock, so that two dashboards that start at once migrate in turn


def beside(folder: Path) -> str:
    """The address of the database in a data folder."""
    return URL.create("sqlite", database=str((folder / FILE_NAME).absolute())).render_as_string()


def open_database(address: str) -> Engine:
    """The engine for an address, on the newest schema. Raises ConfigurationError, or Unreachable when it is away."""
    engine = connect(address)
    try:
        migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def connect(address: str) -> Engine:
    """The engine for an address as its schema is. Raises ConfigurationError; nothing is opened yet."""
    try:
        url = make_url(address)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        if url.drivername not in ("postgresql+psycopg", "sqlite", "sqlite+pysqlite"):
            raise ArgumentError
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)  # an error's text holds no one's facts
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise ConfigurationError(
            ADDRESS, "the database's address is neither sqlite:///... nor postgresql://...: see KINDRED_DATABASE_URL"
        ) from None
    if engine.dialect.name == "sqlite":
        _private(url.database)
        event.listen(engine, "connect", _prepare)
    return engine


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision. Raises Unreachable or ConfigurationError."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # schema statements begin no transaction by themselves
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as trouble:
        raise ConfigurationError(
            NEWER, "the database has a schema that this version does not know: upgrade Kindred"
        ) from trouble
    except SQLAlchemyError as trouble:
        raise away(trouble) from trouble


def away(trouble: SQLAlchemyError) -> Unreachable:
    """The error to raise for what the database said. Its own text may quote rows, so only its kind is told."""
    kind = type(trouble.orig if isinstance(trouble, DBAPIError) else trouble).__name__
    return Unreachable(AWAY, f"the dashboard's database cannot be used ({kind}): look whether it runs and lets us in")


def upsert(connection: Connection) -> Callable[[Any], Any]:
    """The dialect's ``insert``, which knows what to do on conflict."""
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def forget(engine: Engine) -> None:
    """After an erasure, take what was deleted out of SQLite's write-ahead log too; PostgreSQL sees to that itself.

    Does nothing while somebody reads: the next call, or SQLite's own next checkpoint, finishes the work.
    """
    if engine.dialect.name == "sqlite":
        with suppress(SQLAlchemyError), engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _private(database: str | None) -> None:
    """Make the file before SQLite does, for the owner's eyes alone: it holds what concerns the health of people."""
    if database in (None, "", ":memory:"):
        return
    try:
        Path(database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as trouble:
        raise ConfigurationError(
            ADDRESS, f"{database} cannot be a database ({trouble.strerror}): name another"
        ) from None


def _prepare(database: sqlite3.Connection, _record: object) -> None:
    database.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")  # accounts and the audit are not in any journal
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA secure_delete = ON")
