"""What is new, while a page is open: server-sent events without an id, a name or a reason in them.

Each fact is looked at once, whoever listens; a stream is handed ready bytes. A page that hears of something new says so
and changes nothing until it is asked to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from dashboard.access import gate
from dashboard.frame import COORDINATORS, Account
from dashboard.hub import Message
from dashboard.parts import Parts

BREATH_SECONDS: Final = 1.0  # so soon a stream notices that the process stops
KEEP_ALIVE_SECONDS: Final = 15.0  # proxies give up on a silent connection after 30 to 60
LONGEST_SECONDS: Final = 600.0  # then the browser is told to come again, and is asked who it is
LEAVE_SECONDS: Final = 10.0  # so long it is still told of what is new: by then the other stream is open
RETRY_MS: Final = 2_000


def add(app: FastAPI, parts: Parts) -> None:
    """The stream at ``/live``."""

    async def live(request: Request) -> Response:
        account = (await run_in_threadpool(gate.signed_in, parts, request, is_use=False)).account  # a page, by itself
        gate.may(account, COORDINATORS)
        parts.hub.admit()
        return StreamingResponse(_stream(parts, account), media_type="text/event-stream")

    app.add_api_route("/live", live, methods=["GET"], include_in_schema=False)


async def _stream(parts: Parts, account: Account) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    ends, quiet_since, told = loop.time() + LONGEST_SECONDS, loop.time(), False
    with parts.hub.listening() as queue:
        yield b"retry: %d\n\n" % RETRY_MS
        while loop.time() < ends + LEAVE_SECONDS and not parts.closing():
            if loop.time() >= ends and not told:
                told = True
                yield b"event: again\ndata: {}\n\n"
            text = await _next(queue, account)
            if text is None and loop.time() - quiet_since >= KEEP_ALIVE_SECONDS:
                text = b": still here\n\n"
            if text is not None:
                quiet_since = loop.time()
                yield text


async def _next(queue: asyncio.Queue[Message], account: Account) -> bytes | None:
    """The next message, if one comes soon and is of what the account sees."""
    try:
        news = await asyncio.wait_for(queue.get(), BREATH_SECONDS)
    except TimeoutError:
        return None
    roles = account.roles(news.program)
    if "lead" in roles:
        return news.to_leads
    return news.to_others if roles & COORDINATORS else None
