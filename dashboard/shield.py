"""What every answer says to the browser, and how much a request may hold: an ASGI middleware.

No page loads, sends or shows anything of another origin, none is kept by the browser or a proxy, and no address of a
page is told to another site.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send our own forms with the origin "null"
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
KEEP_NOTHING: Final = "no-store"
BODY_BYTES_MAX: Final = 32 * 1024 * 1024  # a spreadsheet of 100,000 people with their codes has some 20 MB


class TooLarge(Exception):
    """The body of a request is larger than any form."""


class Shield:
    """Adds the headers, and ends a request whose body is too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, shielded both ways."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(scope, _counted(scope, receive), _shielded(scope, send))


class Lid:
    """Answers for whatever a page raised, so that no traceback, with what was in its hands, reaches a server's log."""

    def __init__(self, app: ASGIApp, trouble: Callable[[Request, Exception], Awaitable[Response]]) -> None:
        self._app = app
        self._trouble = trouble

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            answer = await self._trouble(Request(scope, receive), error)
            if not begun:
                await answer(scope, receive, send)


def _shielded(scope: Scope, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", KEEP_NOTHING)
            if scope.get("scheme") == "https":
                headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        await send(message)

    return sending


def _counted(scope: Scope, receive: Receive) -> Receive:
    if int(Headers(scope=scope).get("content-length") or 0) > BODY_BYTES_MAX:
        return _refuse
    size = 0

    async def receiving() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > BODY_BYTES_MAX:
            raise TooLarge
        return message

    return receiving


async def _refuse() -> Message:
    raise TooLarge
