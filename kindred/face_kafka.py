"""``kindred dashboard``: the pages as a process of their own, beside workers that share the programs over Kafka."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from threading import Event, Lock
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from dashboard import database
from dashboard.app import application
from dashboard.follow import Follower
from dashboard.frame import Sent
from dashboard.hub import Hub
from dashboard.means import Means
from dashboard.parts import Parts
from dashboard.projection import empty
from kindred import distributed, face, outside, wiring
from kindred.console import note
from matcher.errors import ConfigurationError, Refused, code
from matcher.messages.catalog import parse
from matcher.program import Program

if TYPE_CHECKING:
    from dashboard.replica import Replica
    from journal.port import Journal
    from kindred.settings import Settings
    from streams.connection import Connection
    from streams.publisher import EventPublisher

NO_DATABASE = code(
    "KND-no-database",
    "The dashboard of the distributed service needs a database: set KINDRED_DATABASE_URL to postgresql://...",
)
PLACES_MAX: Final = 10_000  # decisions that were sent and whose effect nobody waited for


def serve(settings: Settings, *, rebuild: bool) -> None:
    """Serve the pages until SIGTERM or Ctrl-C. Raises ConfigurationError without a database, Unreachable."""
    from streams.publisher import EventPublisher
    from streams.reach import quiet
    from streams.serving import Server
    from streams.topics import check_topics

    address = database_address(settings)
    wiring.prepare(settings.log_level)
    quiet()
    connection = wiring.connection(settings)
    check_topics(connection, waiting=note)
    wiring.warm_up()
    with ExitStack() as stack:
        door = stack.enter_context(wiring.listener(settings.host, settings.port, has_token=True))  # pages ask who comes
        engine = database.open_database(address)
        stack.callback(engine.dispose)
        if rebuild:
            empty(engine)
        publisher = stack.enter_context(EventPublisher(connection, waiting=note))
        hub, leaving = Hub(), Event()
        follower = stack.enter_context(face.following(homes(connection), engine, hub))
        line = Line(publisher, follower.replica)
        idle, paced = settings.idle_minutes * 60, settings.clock == "event"
        calling = outside.calling(settings)
        stack.enter_context(face.called(calling, engine, line, follower, paced=paced))
        parts = Parts(
            engine,
            line,
            line.send,
            means=Means(links=settings.person_links),
            idle_seconds=idle,
            hub=hub,
            closing=leaving.is_set,
            provider=outside.provider(settings),
            channels=frozenset() if calling is None else calling.names,
            paced=paced,
        )
        where = settings.public_address or wiring.address(door)
        api = _beside_health(application(parts), follower)
        server = Server(api, ready=lambda: face.invite(engine, where), leaving=leaving.set, proxies=settings.proxies)
        with suppress(KeyboardInterrupt):  # Ctrl-C is how it ends
            server.run(sockets=[door])


def database_address(settings: Settings) -> str:
    """Where the pages beside workers have their database. Raises ConfigurationError when nothing says so."""
    if settings.database_url is None:
        raise ConfigurationError(NO_DATABASE, "no database: set KINDRED_DATABASE_URL to postgresql://...")
    return settings.database_url.get_secret_value()


def homes(connection: Connection) -> dict[str, Callable[[], Journal]]:
    """The journal of each partition, to be opened."""
    return {
        str(number): partial(distributed.journal, connection, number) for number in distributed.partitions(connection)
    }


class Line:
    """Sends decisions over Kafka, and knows when their effect can be seen; the replica that pages read."""

    def __init__(self, publisher: EventPublisher, replica: Replica) -> None:
        self._publisher = publisher
        self._replica = replica
        self._numbers = itertools.count(1)
        self._places = OrderedDict[int, Mapping[int, int]]()
        self._lock = Lock()

    def reading(self) -> AbstractContextManager[Mapping[str, Program]]:
        """The programs, for as long as the context lasts."""
        return self._replica.reading()

    def send(self, events: Sequence[dict[str, object]]) -> Sent:
        """Publish a decision's events, all or none; Kafka has them when this returns. Raises Unreachable."""
        refused = [refusal for event in events if (refusal := _refusal(event)) is not None]
        if refused:
            return Sent(None, refused)
        underway = [self._publisher.publish(event) for event in events]
        for each in underway:
            each.wait()
        return Sent(self._remember(place for each in underway if (place := each.place) is not None))

    def wait(self, position: int, seconds: float) -> bool:
        """Wait until what was decided of these events can be seen."""
        with self._lock:
            places = self._places.pop(position, {})
        return all(self._replica.wait_for_offset(after, seconds, str(number)) for number, after in places.items())

    def _remember(self, places: Iterable[tuple[int, int]]) -> int:
        """A number that stands for the place behind these events, by partition."""
        behind = dict[int, int]()
        for partition, offset in places:
            behind[partition] = max(behind.get(partition, 0), offset + 1)
        with self._lock:
            number = next(self._numbers)
            self._places[number] = behind
            if len(self._places) > PLACES_MAX:
                self._places.popitem(last=False)
        return number


def _refusal(event: dict[str, object]) -> tuple[str, str] | None:
    try:
        parse(event)
    except Refused as refusal:
        return str(event.get("id")), refusal.code
    return None


def _beside_health(pages: FastAPI, follower: Follower) -> FastAPI:
    """The pages, and whether they follow the journals for whoever watches over the process."""
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    def live() -> Response:
        return JSONResponse({"status": "live"})

    def ready() -> Response:
        failures = {home: trouble.code for home, trouble in follower.failures.items()}
        return JSONResponse(
            {"status": "not ready" if failures else "ready", "journals": failures}, 503 if failures else 200
        )

    api.add_api_route("/health/live", live, methods=["GET", "HEAD"])
    api.add_api_route("/health/ready", ready, methods=["GET", "HEAD"])
    api.router.routes.append(face.Pages("/", app=pages))
    return api
