"""A dashboard over a program that a test made, and clients that are signed in to it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

import httpx2 as httpx
import uvicorn
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool
from starlette.testclient import TestClient

from dashboard.access import accounts, sessions, tables, tokens
from dashboard.app import application
from dashboard.contact.vault import Vault
from dashboard.frame import Action, Page, Role, Sent
from dashboard.means import Means
from dashboard.pages import ACTIONS, PAGES
from dashboard.parts import Parts
from dashboard.tables import METADATA
from matcher.program import Program

assert tables  # their definitions are part of METADATA

NOW = 1_772_442_000
ORIGIN = "http://testserver"
PASSWORD = "four quiet words here"


@dataclass
class StillReplica:
    """Programs that nothing changes but the test."""

    programs: dict[str, Program] = field(default_factory=dict)
    is_late: bool = False

    @contextmanager
    def reading(self) -> Iterator[Mapping[str, Program]]:
        yield self.programs

    def wait(self, position: int, seconds: float) -> bool:
        return not self.is_late


class House:
    """The application with a database in memory, a clock that the test turns, and everything sent written down."""

    def __init__(
        self,
        programs: Sequence[str] = ("river", "hill"),
        pages: Iterable[Page] = PAGES,
        actions: Iterable[Action] = ACTIONS,
        engine: Engine | None = None,
        vault: Vault | None = None,
        links: Mapping[str, str] | None = None,
    ) -> None:
        self.now = NOW
        self.sent: list[dict[str, object]] = []
        self.refuse: list[tuple[str, str]] = []
        self.replica = StillReplica({program: Program(program) for program in programs})
        self.engine = engine or memory_engine()
        METADATA.create_all(self.engine)
        means = Means(known=self._known, vault=vault, links=links or {})
        self.parts = Parts(self.engine, self.replica, self._send, self._send_whole, means, clock=lambda: self.now)
        self.app = application(self.parts, pages, actions)

    def client(self) -> TestClient:
        """A browser that nobody has signed in with."""
        return TestClient(self.app, base_url=ORIGIN, follow_redirects=False)

    def account(self, *grants: tuple[str, Role], name: str = "", member: str | None = None) -> str:
        with self.engine.begin() as db:
            name = name or f"account {len(accounts.every(db))}"
            return accounts.make(db, name, grants, self.now, member=member)

    def signed_in(self, *grants: tuple[str, Role], member: str | None = None) -> Browser:
        """A browser of a new account with these grants."""
        return self.browser(self.account(*grants, member=member))

    def browser(self, account: str) -> Browser:
        with self.engine.begin() as db:
            token = sessions.start(db, account, self.now)
        client = self.client()
        client.cookies.set("kindred_session", token)
        return Browser(client, account)

    def _send(self, events: Sequence[dict[str, object]]) -> Sent:
        self.sent.extend(events)
        return Sent(len(self.sent), self.refuse)

    def _send_whole(self, events: Sequence[dict[str, object]]) -> Sent:
        return self._send(events)

    def _known(self, events: Sequence[dict[str, object]]) -> set[str]:
        return {str(event["id"]) for event in events} & {str(event["id"]) for event in self.sent}


@dataclass
class Browser:
    """A client with a session."""

    client: TestClient
    account: str

    @property
    def token(self) -> str:
        return tokens.form_token(self.client.cookies["kindred_session"])

    def get(self, path: str, **options) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, data: Mapping[str, object] | None = None, **options) -> httpx.Response:
        return self.client.post(path, data={"form_token": self.token, **(data or {})}, **options)

    def api(self, path: str, document: Mapping[str, object]) -> httpx.Response:
        return self.client.post(path, json=dict(document), headers={"X-Form-Token": self.token})


@contextmanager
def served(house: House) -> Iterator[str]:
    """The application on a free port of this machine, in a thread; its address."""
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(house.app, log_config=None, log_level="warning"))
    thread = Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        door.close()


def memory_engine() -> Engine:
    return create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})


def form_token(page: httpx.Response) -> str:
    """The token in the first form of a page."""
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return found[1]
