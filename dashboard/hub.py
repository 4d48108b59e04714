"""Between the thread that follows a journal and the streams of open pages: what is new, without whom it is about."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Final

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

Message = tuple[str, bytes]


class Hub:
    """Between the thread that follows a journal and the streams of open pages."""

    def __init__(self) -> None:
        self._streams: dict[asyncio.Queue[Message], asyncio.AbstractEventLoop] = {}
        self._lock = Lock()

    def tell(self, facts: Sequence[Fact]) -> None:
        """Tell all streams of these facts; called on a follower's thread."""
        news = Counter(fact.program for fact in facts if fact.type.startswith(NEWS) and fact.type not in LOOKS)
        with self._lock:
            streams = list(self._streams.items())
        for program, number in sorted(news.items()):
            text = json.dumps({"program": program, "new": number})
            message = (program, f"event: news\ndata: {text}\n\n".encode())
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


def _put(queue: asyncio.Queue[Message], message: Message) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(message)
