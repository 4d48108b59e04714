"""A real PostgreSQL for tests and benchmarks: Debian's, on a free loopback port, under an ordinary user.

::

    with Postgres() as postgres:
        create_engine(postgres.url("mine"))

It runs from its binaries in a folder of its own and is stopped by its process id. When root starts it, it runs as
``postgres`` or ``nobody``, because PostgreSQL refuses root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from psycopg import sql

from tools.parts import Unavailable

HOW: Final = "PostgreSQL is not installed: `apt-get install postgresql` (Debian, Ubuntu), or put initdb on the PATH"
START_SECONDS: Final = 60  # a start takes a second; a minute is a machine that is very busy
PASSWORD: Final = "only-for-tests"  # noqa: S105 - of a server on loopback that lives as long as a test run


class Postgres:
    """One server with any number of databases. ``durable`` is off for tests: nothing there outlives a power cut."""

    def __init__(self, *, durable: bool = False) -> None:
        self._bin = _binaries()
        self._user = _ordinary_user()
        self._folder = Path(mkdtemp(prefix="kindred-postgres-"))
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self.port = _free_port()
        self._durable = durable
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._make()
            self._run()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    def url(self, database: str) -> str:
        """The address of a database, which is made when it is not there."""
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self._address(database)

    def stop(self) -> None:
        """End the server and remove its folder."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGINT)  # ends sessions that tests left open
            self._server.wait(START_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    def halt(self) -> None:
        """End the server and keep its folder; ``resume`` starts it again."""
        assert self._server is not None
        self._server.send_signal(signal.SIGINT)
        self._server.wait(START_SECONDS)

    def resume(self) -> None:
        """Start the server again, on the same port."""
        self._run()

    def _address(self, database: str) -> str:
        return f"postgresql://kindred:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def _make(self) -> None:
        secret = self._folder / "secret"
        secret.write_text(PASSWORD)
        if self._user is not None:
            os.chown(secret, self._user.pw_uid, self._user.pw_gid)
        options = ["--username=kindred", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"]
        made = self._start([str(self._bin / "initdb"), f"--pgdata={self._folder / 'data'}", *options])
        if made.wait(START_SECONDS):
            raise RuntimeError(f"initdb failed: {self._said()}")

    def _run(self) -> None:
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}"]
        settings += [] if self._durable else ["fsync=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        self._server = self._start([str(self._bin / "postgres"), "-D", str(self._folder / "data"), *options])
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start: {self._said()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        """A process of the ordinary user, with its words in a file."""
        user: dict[str, Any] = {}
        if self._user is not None:
            user = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self._folder,
                env={"LC_ALL": "C.UTF-8"},
                **user,
            )

    def _said(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-1000:]


def _binaries() -> Path:
    """Where initdb and postgres are; Debian keeps them off the PATH."""
    places = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise Unavailable(HOW)


def _ordinary_user() -> pwd.struct_passwd | None:
    """Whom to run as; None for whoever we are."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unavailable("PostgreSQL refuses root, and there is no user postgres or nobody to run it as")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
