"""The dashboard in its places: on the embedded service's server, and as a process of its own beside Kafka's workers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooSlow
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.routing import Match, Mount

from dashboard import database
from dashboard.access import invites
from dashboard.app import application
from dashboard.contact import cards, vault
from dashboard.contact.vault import Vault
from dashboard.follow import Follower
from dashboard.frame import Sent
from dashboard.hub import Hub
from dashboard.means import Means
from dashboard.oncall.caller import Caller
from dashboard.parts import Parts
from journal.reader import Snapshot
from journal.sqlite import SqliteJournal
from kindred import outside
from kindred.console import note
from kindred.wiring import policy_book
from matcher.errors import ConfigurationError, Unreachable, code
from matcher.policy import Policy
from matcher.program import Program
from streams.intake import Input, key_of, read_input
from streams.processor import NotWhole, Receipt
from streams.state import State

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Engine
    from starlette.types import Scope

    from dashboard.oncall.caller import Calling
    from dashboard.parts import Replica
    from journal.port import Journal
    from kindred.settings import Settings
    from streams.service import Service

SLOW = code("KND-decision-slow", "The service has not answered in time. Look whether it was decided, then try again.")

ANSWER_SECONDS: Final = 10.0  # a batch takes milliseconds; ten seconds is a disk that hangs
EVENT_SECONDS: Final = 0.01  # more of a batch that is taken whole, for each event: ten times what one takes
SERVICE_PATHS: Final = ("/v1/", "/health/", "/metrics")


class Face:
    """The dashboard of a data folder, mounted on the server of its service."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        self._stack = ExitStack()
        self._engine: Engine | None = None

    def __enter__(self) -> Face:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def mount(self, api: FastAPI, service: Service) -> None:
        """Begin to follow the folder's journal, and put the pages beside the service's own addresses."""
        engine = self._engine = database.open_database(database_address(self._settings, self._folder))
        self._stack.callback(engine.dispose)
        homes = {"0": partial(SqliteJournal, self._folder, read_only=True)}
        hub = Hub()
        follower = self._stack.enter_context(following(homes, engine, hub))
        calling, paced = outside.calling(self._settings), service.clock == "event"
        self._stack.enter_context(called(calling, engine, follower.replica, follower, paced=paced))
        policies = None if self._settings.policy is None else policy_book(self._settings.policy)
        keys, trouble = _vault(engine, self._settings, self._folder)
        means = Means(
            known=partial(_known, service),
            policy_of=policies.of if policies else lambda program: Policy(),
            vault=keys,
            vault_trouble=trouble,
            links=self._settings.person_links,
        )
        idle = self._settings.idle_minutes * 60
        parts = Parts(
            engine,
            follower.replica,
            partial(_submit, service, follower),
            partial(_submit_whole, service, follower),
            means,
            idle_seconds=idle,
            hub=hub,
            closing=lambda: service.feed.closed,
            provider=outside.provider(self._settings),
            channels=frozenset() if calling is None else calling.names,
            paced=paced,
        )
        api.router.routes.append(Pages("/", app=application(parts)))

    def invite(self, address: str) -> None:
        """Say where the pages are, and print the link for the first account while there is none."""
        assert self._engine is not None
        invite(self._engine, self._settings.public_address or address)


@contextmanager
def following(homes: Mapping[str, Callable[[], Journal]], engine: Engine, hub: Hub) -> Iterator[Follower]:
    """A follower of these journals, for as long as the context lasts."""
    follower = Follower(homes, engine, programs_of, told=hub.tell)
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()


@contextmanager
def called(
    calling: Calling | None, engine: Engine, replica: Replica, follower: Follower, *, paced: bool
) -> Iterator[None]:
    """Whoever is on call is called for as long as the context lasts, once the journals were read to their end."""
    if calling is None:
        yield
        return
    caller = Caller(engine, replica, calling, paced=paced, ready=partial(follower.caught_up, 0))
    caller.start()
    try:
        yield
    finally:
        caller.stop()


def programs_of(snapshot: Snapshot) -> Iterable[Program]:
    """The programs that a snapshot of the journal holds."""
    return State.of([snapshot]).programs.values()


def invite(engine: Engine, address: str) -> None:
    """Say where the pages are; while there is no account, with a link that makes the first one."""
    address = address.rstrip("/")
    with engine.begin() as db:
        token = invites.first(db, int(time.time()))
    note(f"the dashboard is at {address}")
    if token is not None:
        note(f"it has no account yet: make the first at {address}/welcome/{token} (works once, for a day)")


class Pages(Mount):
    """The pages, at every address that is not the service's: those keep their own answers, also to a wrong method."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the address is one of theirs."""
        if scope["path"].startswith(SERVICE_PATHS):
            return Match.NONE, {}
        return super().matches(scope)


def card_keys(settings: Settings, folder: Path) -> Path:
    """The file with the keys of the local cards."""
    return settings.card_keys or folder / vault.FILE_NAME


def _vault(engine: Engine, settings: Settings, folder: Path) -> tuple[Vault | None, str | None]:
    """The vault of a house; where its keys cannot be used why, also to who started it: pairing goes on."""
    with engine.connect() as db:
        fresh = not cards.any_kept(db)
    try:
        return Vault.at(card_keys(settings, folder), fresh=fresh), None
    except (ConfigurationError, OSError) as trouble:
        note(f"the local cards stay closed: {trouble}")
        return None, str(trouble)


def _submit(service: Service, follower: Follower, events: Sequence[dict[str, object]]) -> Sent:
    """Hand a decision to the service in this process."""
    receipt = _answer(service.submit(_inputs(events)), ANSWER_SECONDS)
    follower.look()
    refused = [(result.id, result.code or "") for result in receipt.results if result.status == "refused"]
    return Sent(receipt.position, refused)


def _submit_whole(service: Service, follower: Follower, events: Sequence[dict[str, object]]) -> Sent:
    """Hand events to the service that it takes all or none."""
    try:
        receipt = _answer(service.submit(_inputs(events), whole=True), ANSWER_SECONDS + EVENT_SECONDS * len(events))
    except NotWhole as refusal:
        return Sent(None, [(result.id, result.code or "") for result in refusal.refused])
    follower.look()
    return Sent(receipt.position)


def _known(service: Service, events: Sequence[dict[str, object]]) -> list[str]:
    """Of events, the ids of those that the service has taken before."""
    keys = [key_of(str(event["source"]), str(event["id"])) for event in events]
    return [str(event["id"]) for event, known in zip(events, service.knows(keys), strict=True) if known]


def _inputs(events: Sequence[dict[str, object]]) -> list[Input]:
    return [read_input(json.dumps(event).encode()) for event in events]


def _answer(promised: Future[Receipt], seconds: float) -> Receipt:
    try:
        return promised.result(seconds)
    except TooSlow:
        raise Unreachable(SLOW, "the service has not answered in time: look whether it was decided") from None


def database_address(settings: Settings, folder: Path) -> str:
    """Where the pages of a data folder have their database: in the folder, unless the settings name another."""
    return settings.database_url.get_secret_value() if settings.database_url else database.beside(folder)
