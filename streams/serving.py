"""``kindred serve`` from start to stop: recover, listen, and on SIGTERM answer what is under way and leave."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from matcher.policy import PolicyBook
from streams.clock import Mode
from streams.folder import DataFolder
from streams.http import app
from streams.service import Service

GRACE_SECONDS: Final = 10  # a batch takes milliseconds; ten seconds is a reader that does not read
LOOPBACK: Final = "127.0.0.1,::1"


def serve(
    path: Path,
    *,
    listener: socket.socket,
    clock: Mode | None = None,
    policies: PolicyBook | None = None,
    token: str | None = None,
    proxies: str = LOOPBACK,
    mount: Callable[[FastAPI, Service], None] | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve the data folder on this socket until SIGTERM or SIGINT; to be called in the main thread.

    ``mount`` adds pages to the application after the API's routes, ``ready`` is called when requests are answered.
    ``proxies`` are the addresses or networks, separated by commas, whose word is taken for whom they speak.
    Raises what ``DataFolder.open`` raises, and the failure that halted the service.
    """
    with _Stop() as stop:
        folder = DataFolder.open(path, clock=clock, fresh="wall", policies=policies, now=int(time.time()))
        service = Service(folder)
        try:
            api = app(service, token=token)
            if mount is not None:
                mount(api, service)
            server = _StoppedServer(api, ready=ready or _nothing, leaving=service.feed.close, proxies=proxies)
            stop.server = service.on_failure = server.leave
            service.start()
            if not stop.requested:
                server.run(sockets=[listener])
        finally:
            service.stop()
    if service.failure is not None:
        raise service.failure


class Server(uvicorn.Server):
    """Uvicorn, which says when it answers, and tells those who follow that it leaves before it waits for them."""

    def __init__(
        self, api: FastAPI, *, ready: Callable[[], None], leaving: Callable[[], None], proxies: str = LOOPBACK
    ) -> None:
        super().__init__(
            uvicorn.Config(
                api,
                log_config=None,
                log_level="warning",
                access_log=False,  # an address may carry an id
                server_header=False,
                forwarded_allow_ips=proxies,  # said here, so that FORWARDED_ALLOW_IPS is not heard
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._ready = ready
        self._leaving = leaving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is under way, and end."""
        self._leaving()
        await super().shutdown(sockets)


class _StoppedServer(Server):
    """One that leaves signals to ``_Stop``."""

    def leave(self) -> None:
        """Stop listening as soon as the loop comes to it."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Stop:
    """Turns SIGTERM and SIGINT into a request to leave, from the first moment on."""

    def __init__(self) -> None:
        self.requested = False
        self.server: Callable[[], None] = _nothing

    def __enter__(self) -> _Stop:
        self._before = {number: signal.signal(number, self._request) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        self.server()


def _nothing() -> None:
    pass
