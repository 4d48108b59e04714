"""A platform's service that acts on what Kindred decided: it keeps who is whose mentor in a small database.

    python examples/follow_matches.py localhost:9092 pairs.db

A notice may come again after this service was killed, or when partitions move between several of it. So its id is
kept in the same transaction as what follows from it: a repeat finds the id there and changes nothing. SIGTERM ends it
cleanly.
"""

from __future__ import annotations

import signal
import sqlite3
import sys
from contextlib import closing

from streams.listener import EventListener, Notice

TABLES = """
create table if not exists told (id text primary key);
create table if not exists pairs (match text primary key, newcomer text, mentor text, state text);
"""


def act(database: sqlite3.Connection, notice: Notice) -> None:
    """Take in a notice, unless it was taken in before."""
    with database:  # one transaction
        if database.execute("insert or ignore into told values (?)", [notice.id]).rowcount == 0:
            return
        if notice.type.startswith("match."):
            state = notice.type.removeprefix("match.")
            pair = [notice.subject, notice.data["newcomer"], notice.data["mentor"], state]
            database.execute("insert or replace into pairs values (?, ?, ?, ?)", pair)


def main(brokers: str, path: str, idle_seconds: float | None = None) -> None:
    """Follow the notices until SIGTERM, or until nothing came for so long."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(TABLES)
        with EventListener(brokers, group="follow-matches", idle_seconds=idle_seconds) as notices:
            signal.signal(signal.SIGTERM, lambda *_: notices.stop())
            for notice in notices:
                act(database, notice)
                print(notice.type, notice.program, notice.subject, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(float, sys.argv[3:]))
