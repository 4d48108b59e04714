"""Events in and notices out over HTTP: CloudEvents, and problem+json (RFC 9457) where something is wrong.

A request is answered with 202 once the journal has its events. What cannot be decided (an unknown member, a time that
is not believed) is a dead letter and named under ``refused``. What cannot even be read, an envelope or data of
another shape, is the sender's to mend: 422, and nothing of the request is taken.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Final
from urllib.parse import unquote

from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

from matcher.errors import KindredError, Refused, code
from matcher.messages.catalog import MALFORMED
from streams.announcer import Feed
from streams.binary import joined
from streams.intake import EVENT_BYTES_MAX, TOO_LARGE, Input, read_input
from streams.processor import Receipt
from streams.service import Busy, Service

UNAUTHORIZED = code(
    "KND-unauthorized",
    "The request needs the service's token: `Authorization: Bearer …`. A service without one answers this machine "
    "alone, and nothing that a proxy passes on: set KINDRED_TOKEN.",
)
BAD_QUERY = code("KND-bad-query", "A parameter of the request, or its Last-Event-ID, is not a number in its bounds.")
NO_DOOR = code(
    "KND-no-door",
    "The service has no such address, or not for this method. It has /v1/events (POST), and /v1/notices, "
    "/health/live, /health/ready and /metrics (GET); none of them ends in a slash.",
)
CROWDED = code("KND-crowded", "More readers follow the notices than the service serves. Read in pages instead.")

BODY_BYTES_MAX: Final = 1024 * 1024
DRAINED_BYTES_MAX: Final = 16 * BODY_BYTES_MAX  # read and thrown away, so that the sender gets to see its 413
RETRY_SECONDS: Final = 1
FOLLOWERS_MAX: Final = 64
PAGE_MAX: Final = 1000
POSITION_MAX: Final = 2**53 - 1  # every reader of JSON can hold it; at a million notices a second, three centuries
KEEP_ALIVE_SECONDS: Final = 15  # proxies give up on a silent connection after 30 to 60

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
SPACE: Final = " \t\r\n"
READING: Final = ["GET", "HEAD"]
PASSED_ON: Final = ("x-forwarded-for", "forwarded")  # a proxy says in them from where

Answer = Callable[[Request], Awaitable[Response]]


class Problem(Exception):
    """An answer that is not a success."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[dict[str, object]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    def response(self) -> Response:
        """The problem document; a refusal that will pass says when to come again."""
        body = {"title": self.code, "status": self.status, "code": self.code, "detail": self.detail}
        headers = dict(self.headers)
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if self.status in (429, 503):
            headers["Retry-After"] = str(RETRY_SECONDS)
        if self.errors:
            return _problem_json(body | {"errors": list(self.errors)}, self.status, headers)
        return _problem_json(body, self.status, headers)


def app(service: Service, *, token: str | None = None) -> FastAPI:
    """The service's doors. With a ``token``, all but health ask for it; without, what a proxy passes on is refused."""
    api = FastAPI(title="Kindred", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    doors = _Doors(service, token)
    api.add_api_route("/v1/events", doors.take, methods=["POST"], response_model=None)
    api.add_api_route("/v1/notices", doors.notices, methods=READING, response_model=None)
    api.add_api_route("/health/live", doors.live, methods=READING, response_model=None)
    api.add_api_route("/health/ready", doors.ready, methods=READING, response_model=None)
    api.add_api_route("/metrics", doors.metrics, methods=READING, response_model=None)
    api.add_exception_handler(Problem, _as_problem)
    api.add_exception_handler(RequestValidationError, _as_problem)
    api.add_exception_handler(HTTPException, _as_problem)
    return api


def split_batch(body: bytes) -> list[bytes]:
    """The documents of a JSON array, each as it was written. Raises Refused (KND-malformed)."""
    try:
        text = body.decode().strip(SPACE)
        if not (text.startswith("[") and text.endswith("]")):
            raise Refused(MALFORMED, "a batch is a JSON array of CloudEvents")
        return [part.encode() for part in _elements(text)]
    except (ValueError, IndexError, RecursionError):
        raise Refused(MALFORMED, "a batch is a JSON array of CloudEvents in UTF-8, nested a few levels deep") from None


class _Doors:
    def __init__(self, service: Service, token: str | None) -> None:
        self._service = service
        self._token = token.encode() if token else None
        self._followers = 0

    async def take(self, request: Request) -> Response:
        self._admit(request)
        inputs = _readable([read_input(raw) for raw in await _documents(request)])
        if not inputs:
            return JSONResponse({"position": None, "accepted": 0, "duplicates": 0, "refused": []}, 202)
        try:
            receipt = await asyncio.wrap_future(self._service.submit(inputs))
        except Busy as trouble:
            raise Problem(429, trouble.code, trouble.message) from None
        except KindredError as trouble:
            raise Problem(503, trouble.code, trouble.message) from None
        return JSONResponse(_answer(receipt), 202)

    async def notices(
        self,
        request: Request,
        after: Annotated[int, Query(ge=0, le=POSITION_MAX)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
        last_event_id: Annotated[int | None, Header(ge=0, le=POSITION_MAX)] = None,
    ) -> Response:
        self._admit(request)
        if "text/event-stream" in request.headers.get("accept", ""):
            if request.method == "HEAD":  # nobody would read the stream, and it has no end
                return Response(media_type="text/event-stream")
            return self._follow(after if last_event_id is None else last_event_id)
        items = await asyncio.to_thread(self._service.feed.read, after, limit)
        lines = [b'{"position":%d,"event":%b}' % item for item in items]
        next_ = items[-1][0] if items else after
        body = b'{"items":[%b],"next":%d}' % (b",".join(lines), next_)
        return Response(body, media_type="application/json")

    async def live(self) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(self) -> Response:
        if self._service.ready:
            return JSONResponse({"status": "ready"})
        failure = self._service.failure
        return JSONResponse({"status": "not ready", "code": failure.code if failure else None}, 503)

    async def metrics(self, request: Request) -> Response:
        self._admit(request)
        return Response(self._service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    def _admit(self, request: Request) -> None:
        if self._token is None:
            if any(name in request.headers for name in PASSED_ON):
                raise Problem(401, UNAUTHORIZED, "the service has no token, and answers this machine alone")
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token):
            raise Problem(401, UNAUTHORIZED, "send the service's token as Authorization: Bearer …")

    def _follow(self, after: int) -> Response:
        if self._followers >= FOLLOWERS_MAX:
            raise Problem(503, CROWDED, f"{FOLLOWERS_MAX} readers follow already: read in pages, with after and limit")
        return StreamingResponse(
            self._counted(_stream(self._service.feed, after)),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )

    async def _counted(self, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        self._followers += 1
        try:
            async for part in stream:
                yield part
        finally:
            self._followers -= 1


async def _stream(feed: Feed, after: int) -> AsyncIterator[bytes]:
    """Notices as server-sent events, from behind ``after`` until the feed is closed."""
    grown, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake() -> None:
        loop.call_soon_threadsafe(grown.set)

    leave = feed.follow(wake)
    try:
        yield b"retry: %d\n\n" % (RETRY_SECONDS * 1000)
        while not feed.closed:
            grown.clear()
            items = await asyncio.to_thread(feed.read, after, PAGE_MAX)
            if items:
                after = items[-1][0]
                yield b"".join([b"id: %d\ndata: %b\n\n" % item for item in items])
                continue
            try:
                await asyncio.wait_for(grown.wait(), KEEP_ALIVE_SECONDS)
            except TimeoutError:
                yield b": still here\n\n"
    finally:
        leave()


async def _documents(request: Request) -> list[bytes]:
    """The documents of a request, in the mode that its content type says."""
    body = await _body(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if "ce-specversion" in request.headers and kind not in (STRUCTURED, BATCH):
        return [_binary(request, body)]
    if kind == BATCH or (kind != STRUCTURED and body.lstrip().startswith(b"[")):
        try:
            return split_batch(body)
        except Refused as refusal:
            raise _unreadable([(0, refusal)]) from None
    return [body]


async def _body(request: Request) -> bytes:
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > DRAINED_BYTES_MAX:
            break
        if size <= BODY_BYTES_MAX:
            parts.append(part)
    if size > BODY_BYTES_MAX:
        raise Problem(413, TOO_LARGE, f"a body has at most {BODY_BYTES_MAX} bytes: send smaller batches")
    return b"".join(parts)


def _binary(request: Request, body: bytes) -> bytes:
    """The structured form of an event whose attributes are headers and whose body is its data."""
    attributes = {name[3:]: unquote(value) for name, value in request.headers.items() if name.startswith("ce-")}
    try:
        return joined(attributes, request.headers.get("content-type", "application/json"), body)[0]
    except Refused as refusal:
        raise _unreadable([(0, refusal)]) from None


def _elements(text: str) -> list[str]:
    """The elements of a JSON array's text, without looking into them twice."""
    scan, at, parts = json.JSONDecoder().raw_decode, _past_space(text, 1), list[str]()
    while text[at] != "]" or parts:
        _, end = scan(text, at)
        parts.append(text[at:end])
        at = _past_space(text, end)
        if text[at] == "]":
            break
        if text[at] != ",":
            raise ValueError("the elements of an array stand between commas")
        at = _past_space(text, at + 1)
    if at != len(text) - 1:
        raise ValueError("something stands behind the array")
    return parts


def _past_space(text: str, at: int) -> int:
    while text[at] in SPACE:
        at += 1
    return at


def _readable(inputs: list[Input]) -> list[Input]:
    """The inputs, if all of them are events."""
    refusals = [(index, item.refusal) for index, item in enumerate(inputs) if item.refusal is not None]
    if any(refusal.code == TOO_LARGE for _, refusal in refusals):
        raise Problem(413, TOO_LARGE, f"an event has at most {EVENT_BYTES_MAX} bytes")
    if refusals:
        raise _unreadable(refusals)
    return inputs


def _unreadable(refusals: Sequence[tuple[int, Refused]]) -> Problem:
    errors = [{"index": index, "code": refusal.code, "detail": refusal.message} for index, refusal in refusals]
    detail = f"{len(errors)} of the events cannot be read, and nothing was taken: mend them and send all again"
    return Problem(422, refusals[0][1].code, detail, errors)


def _answer(receipt: Receipt) -> dict[str, object]:
    refused = [{"id": result.id, "code": result.code} for result in receipt.results if result.status == "refused"]
    return {
        "position": receipt.position,
        "accepted": receipt.number("accepted"),
        "duplicates": receipt.number("duplicate"),
        "refused": refused,
    }


def _as_problem(_: Request, trouble: Exception) -> Response:
    match trouble:
        case Problem():
            return trouble.response()
        case HTTPException(status_code=status, headers=headers):
            detail = "there is nothing at this address, or not for this method: see docs/reference/errors.md"
            return Problem(status, NO_DOOR, detail, headers=headers).response()
    detail = f"after and Last-Event-ID are numbers from 0 to {POSITION_MAX}, limit is one from 1 to {PAGE_MAX}"
    return Problem(422, BAD_QUERY, detail).response()


def _problem_json(body: dict[str, object], status: int, headers: dict[str, str]) -> Response:
    return JSONResponse(body, status, headers, media_type="application/problem+json")
