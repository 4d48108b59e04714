"""Making the dashboard's read model anew, from a data folder or from Kafka, without anything else running."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, func, select

from dashboard import database
from dashboard.chronicle import Chronicle
from dashboard.projection import Projection, empty
from dashboard.replica import Replica
from dashboard.tables import READ_MODEL
from journal.sqlite import SqliteJournal
from kindred import face, face_kafka, wiring

if TYPE_CHECKING:
    from journal.port import Journal
    from kindred.settings import Settings

Homes = Mapping[str, Callable[[], "Journal"]]


def rebuild(folder: Path | None, settings: Settings) -> dict[str, int]:
    """Empty the read model and fill it from the journals; the rows of each table.

    Accounts, the audit, cards and what people did about alerts stay. Raises ConfigurationError, Unreachable, SafeHalt;
    what it did up to then is good, and a dashboard or another call goes on from there.
    """
    wiring.prepare("warning")
    homes, address = _in_folder(folder, settings) if folder or not settings.brokers else _on_kafka(settings)
    for open_ in homes.values():
        open_().close()  # before anything is emptied: whether there is a journal to fill it from
    engine = database.open_database(address)
    try:
        empty(engine)
        for name, open_ in homes.items():
            with closing(open_()) as home:
                _follow(engine, name, home)
        return _counts(engine)
    finally:
        engine.dispose()


def _in_folder(named: Path | None, settings: Settings) -> tuple[Homes, str]:
    folder = wiring.data_folder(named, settings)
    return {"0": partial(SqliteJournal, folder, read_only=True)}, face.database_address(settings, folder)


def _on_kafka(settings: Settings) -> tuple[Homes, str]:
    address = face_kafka.database_address(settings)
    return face_kafka.homes(wiring.connection(settings)), address


def _follow(engine: Engine, name: str, home: Journal) -> None:
    chronicle = Chronicle(Projection(engine, name), Replica(), face.programs_of)
    chronicle.read(home)


def _counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in READ_MODEL}
