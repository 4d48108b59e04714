"""Pages of a large program beside a bare FastAPI route that answers with as many bytes, from the same server.

10,000 members, 1,000 mentors and 200,000 facts; the replica is warm, and each page is asked for as a browser does, in
turns with the bare route. Before each page somebody checks in, so that none is only shown once more; a proposal that is
opened is pinned, as ever. Then what the first visit loads, and what open live streams cost.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from statistics import quantiles
from threading import Thread

import httpx2 as httpx
import uvicorn
from fastapi import FastAPI, Response
from sqlalchemy import Engine

from bench.report import Row
from dashboard.access import accounts, sessions
from dashboard.app import application
from dashboard.chronicle import Chronicle
from dashboard.database import open_database
from dashboard.frame import Sent
from dashboard.hub import Hub
from dashboard.pages import PAGES
from dashboard.parts import Parts
from dashboard.projection import Projection
from dashboard.replica import Replica
from journal.pause import set_aside
from journal.sqlite import SqliteJournal
from kindred.wiring import listener
from matcher.cohort import cohort
from matcher.instants import format_instant
from matcher.messages.catalog import parse
from matcher.messages.facts import ClockAdvanced, Fact
from matcher.program import Program
from streams.folder import DataFolder
from streams.intake import read_input
from streams.state import State

MEMBERS, MENTORS, DAYS, FACTS = 10_000, 1_000, 120, 200_000
BATCH_EVENTS = 512
TIMES = 40
P95_GOAL_MS = 100.0
STREAMS, EVENTS_PER_SECOND, STREAM_SECONDS = 50, 10, 10.0
STREAM_GOAL_PERCENT = 10.0
FIRST_PAGE_GOAL_KB = 60.0
COOKIE = "kindred_session"


def large_journal(path: Path) -> None:
    """A journal of a large program, as the embedded service would write it."""
    left = (json.dumps(event).encode() for event in cohort("river", MEMBERS, MENTORS, DAYS))
    with DataFolder.open(path, clock="event") as folder:
        while folder.state.programs.get("river") is None or folder.state.programs["river"].n < FACTS:
            part = list(islice(left, BATCH_EVENTS))
            if not part:
                return
            folder.take([read_input(raw) for raw in part])


def rows(folder: Path, name: str, address: str) -> Iterator[Row]:
    """The rows of one database."""
    engine = open_database(address)
    parts, town = _parts(engine, folder)
    with closing(_Visitor(parts, town)) as visitor:
        for path in _paths(parts):
            ours, peer = visitor.compare(path)
            mine, theirs = (quantiles(seconds, n=100)[94] * 1_000 for seconds in (ours, peer))
            yield Row("dashboard", f"{path}, {name}, p95; a bare route", mine, theirs, "ms", P95_GOAL_MS / mine, 1.0)
        if engine.dialect.name == "sqlite":
            yield visitor.first_page()
            yield visitor.streams(parts.hub)
    engine.dispose()


class _Town:
    """The program where it is decided; the replica follows it, without the journal between them."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        with replica.reading() as programs:
            self._program = Program.load(programs["river"].dump())
        self._present = cycle([member.id for member in self._program.state.members if member.present])

    def send(self, events: Sequence[Mapping[str, object]]) -> Sent:
        """Take events in as the service would."""
        for event in events:
            told = parse(event)
            facts = self._program.handle(told, max(self._program.at or 0, told.time))
            with self._replica.changing("0") as programs:
                for fact in facts:
                    programs["river"].evolve(fact)
        return Sent(None)

    def check_in(self) -> None:
        """Somebody says how they are."""
        about = {"subject": next(self._present), "partitionkey": "river", "time": format_instant(self._program.at or 0)}
        known = {"specversion": "1.0", "id": f"bench-{self._program.n}", "source": "/bench", **about}
        self.send([{**known, "type": "kindred.progress.checked_in.v1", "data": {"mood": 6, "craving": 2}}])


def _parts(engine: Engine, folder: Path) -> tuple[Parts, _Town]:
    replica = Replica()
    with closing(SqliteJournal(folder, read_only=True)) as home:
        chronicle = Chronicle(Projection(engine, "0"), replica, lambda it: State.of([it]).programs.values())
        chronicle.read(home)
        chronicle.warm_up()
    town = _Town(replica)
    set_aside()
    return Parts(engine, replica, town.send, hub=Hub(), paced=True), town


def _paths(parts: Parts) -> list[str]:
    """Every page that lists, and one of a person and of a proposal."""
    with parts.replica.reading() as programs:
        match = next(it for it in programs["river"].state.matches.open.values() if it.stage == "proposed")
    braces = {"program": "river", "person": match.newcomer, "match": match.id}
    listed = [page.path for page in PAGES if "{" not in page.path and page.file is None]
    return [*listed, *(path.format_map(braces) for path in ("/people/{program}/{person}", "/review/{program}/{match}"))]


class _Visitor:
    """A browser that is signed in, at a server that also has bare routes."""

    def __init__(self, parts: Parts, town: _Town) -> None:
        self._town = town
        self._bare = dict[int, bytes]()
        app = FastAPI(openapi_url=None)
        app.add_api_route("/bare/{size}", self._answer, methods=["GET"])
        app.mount("/", application(parts))
        self._address, self._close, self.seconds = _serve(app)
        with parts.engine.begin() as db:
            account = accounts.make(db, "bench", [("*", "lead"), ("*", "admin")], parts.now())
            self._cookies = {COOKIE: sessions.start(db, account, parts.now())}
        self._client = httpx.Client(base_url=self._address, cookies=self._cookies, timeout=120)

    def close(self) -> None:
        """Stop the server."""
        self._client.close()
        self._close()

    def _answer(self, size: int) -> Response:
        return Response(self._bare.setdefault(size, b"x" * size), media_type="text/html")

    def compare(self, path: str) -> tuple[list[float], list[float]]:
        """Seconds of the page and of as many bytes, in turns, after both were asked for once."""
        size = len(self._ask(path)[1])
        pairs = []
        for _ in range(TIMES):
            self._town.check_in()
            pairs.append((self._ask(path)[0], self._ask(f"/bare/{size}")[0]))
        return [ours for ours, _ in pairs], [peer for _, peer in pairs]

    def _ask(self, path: str) -> tuple[float, bytes]:
        begin = time.perf_counter()
        answer = self._client.get(path)
        seconds = time.perf_counter() - begin
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return seconds, answer.content

    def first_page(self) -> Row:
        """Bytes that a first visit to Today loads, with everything that the page asks for."""
        page = self._client.get("/today")
        asked = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        total = len(page.content) + sum(_on_the_wire(self._client, path) for path in asked)
        plain = len(page.content) + sum(len(self._client.get(path).content) for path in asked)
        kilo = total / 1_000
        name = "first page with style and scripts; nothing compressed"
        return Row("dashboard", name, kilo, plain / 1_000, "kB", FIRST_PAGE_GOAL_KB / kilo, 1.0)

    def streams(self, hub: Hub) -> Row:
        """Share of a core that the server takes for open streams at a steady rate of news, less what it takes idle."""
        begin = self.seconds()
        time.sleep(STREAM_SECONDS)
        idle = self.seconds() - begin
        with _listening(self._address, self._cookies[COOKIE]):
            begin, told = self.seconds(), time.thread_time()
            _tell(hub)
            busy = self.seconds() - begin + time.thread_time() - told
        percent = 100 * (busy - idle) / STREAM_SECONDS
        name = f"{STREAMS} live streams at {EVENTS_PER_SECOND} events/s; none"
        return Row(
            "dashboard", name, percent, 100 * idle / STREAM_SECONDS, "% core", STREAM_GOAL_PERCENT / percent, 1.0
        )


def _on_the_wire(client: httpx.Client, path: str) -> int:
    answer = client.get(path, headers={"Accept-Encoding": "gzip"})
    packed = answer.headers.get("content-encoding") == "gzip"
    return len(gzip.compress(answer.content, mtime=0)) if packed else len(answer.content)


def _tell(hub: Hub) -> None:
    """News at a steady rate, as the follower's thread tells it."""
    begin = time.monotonic()
    for number in range(int(STREAM_SECONDS * EVENTS_PER_SECOND)):
        time.sleep(max(0.0, begin + number / EVENTS_PER_SECOND - time.monotonic()))
        hub.tell([Fact("river", number, 0, "match.proposed", ClockAdvanced())])
    time.sleep(max(0.0, begin + STREAM_SECONDS - time.monotonic()))


@contextmanager
def _listening(address: str, cookie: str) -> Iterator[None]:
    """Open streams, and a thread that reads them."""
    host, _, port = address.removeprefix("http://").partition(":")
    doors = [socket.create_connection((host, int(port))) for _ in range(STREAMS)]
    asked = f"GET /live HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {COOKIE}={cookie}\r\n\r\n".encode()
    threads = [Thread(target=_read, args=(door,), daemon=True) for door in doors]
    for door, thread in zip(doors, threads, strict=True):
        door.sendall(asked)
        assert b"200" in door.recv(200)
        thread.start()
    try:
        yield
    finally:
        for door in doors:
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)
            door.close()


def _read(door: socket.socket) -> None:
    with suppress(OSError):
        while door.recv(65_536):
            pass


def _serve(app: FastAPI) -> tuple[str, Callable[[], None], Callable[[], float]]:
    """The application on a free port, in a thread: its address, how to stop it, and its thread's CPU seconds so far."""
    door = listener("127.0.0.1", 0, has_token=False)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="warning"))
    thread = Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()

    def stop() -> None:
        server.should_exit = True
        thread.join(10)
        door.close()

    return f"http://127.0.0.1:{door.getsockname()[1]}", stop, lambda: _thread_seconds(thread)


def _thread_seconds(thread: Thread) -> float:
    """CPU seconds of a thread (Linux)."""
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
