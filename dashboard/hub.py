"""Between the thread that follows a journal and the streams of open pages: what is new, without whom it is about."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Final, NamedTuple

from dashboard.trouble import Trouble
from matcher.errors import code
from matcher.messages.facts import Fact

CROWDED = code(
    "KND-live-crowded", "More pages listen than the dashboard serves. Pages work without; reload to see news."
)

STREAMS_MAX: Final = 500
WAITING_MAX: Final = 100  # messages to a browser that does not read; then the oldest go: it is told to look anyhow
NEWS: Final = (
    *("match.", "newcomer.", "alert.", "safety.", "member.joined", "mentor.volunteered"),
    *("progress.setback", "progress.distress", "progress.assessed"),
)
"""What begins like this is news; check-ins, supervisions and clocks are not, nor is it news that somebody looks."""

LOOKS: Final = ("match.opened", "match.pinned")

FOR_LEADS: Final = "safety."
"""News of these is for leads: coordinators see no reports, nor that one came."""


class Message(NamedTuple):
    """What is new in a program, as it goes to a browser."""

    program: str
    to_leads: bytes
    to_others: bytes | None
    """None: nothing that they may know of."""


class Hub:
    """Between the thread that follows a journal and the streams of open pages."""

    def __init__(self) -> None:
        self._streams: dict[asyncio.Queue[Message], asyncio.AbstractEventLoop] = {}
        self._lock = Lock()

    def tell(self, facts: Sequence[Fact]) -> None:
        """Tell all streams of these facts; called on a follower's thread."""
        new = [fact for fact in facts if fact.type.startswith(NEWS) and fact.type not in LOOKS]
        news = Counter(fact.program for fact in new)
        known_to_all = Counter(fact.program for fact in new if not fact.type.startswith(FOR_LEADS))
        with self._lock:
            streams = list(self._streams.items())
        for program, number in sorted(news.items()):
            known = known_to_all[program]
            message = Message(program, _text(program, number), _text(program, known) if known else None)
            for queue, loop in streams:
                with suppress(RuntimeError):  # the server stopped meanwhile, and its loop with it
                    loop.call_soon_threadsafe(_put, queue, message)

    def admit(self) -> None:
        """Raises Trouble (KND-live-crowded) when no more streams are served."""
        with self._lock:
            if len(self._streams) >= STREAMS_MAX:
                raise Trouble(503, CROWDED, "too many pages listen: reload to see what is new")

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[Message]]:
        """A queue of what is told while the context lasts; on an event loop."""
        queue = asyncio.Queue[Message](WAITING_MAX)
        with self._lock:
            self._streams[queue] = asyncio.get_running_loop()
        try:
            yield queue
        finally:
            with self._lock:
                self._streams.pop(queue, None)


def _text(program: str, number: int) -> bytes:
    return f"event: news\ndata: {json.dumps({'program': program, 'new': number})}\n\n".encode()


def _put(queue: asyncio.Queue[Message], message: Message) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(message)
