"""What a worker shows of itself: ``/health/live``, ``/health/ready`` and ``/metrics``. Numbers only, no ids in labels.

Ready means that every partition of this worker is claimed and moves. It turns red when lag stands still, when a claim
is lost and not yet made again, when a partition has halted, and when the broker is gone.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from journal.port import Journal
from streams.partition import Partition
from streams.processor import Receipt

STALL_SECONDS: Final = 30.0  # a batch takes milliseconds; half a minute with events waiting is something that hangs
BROKER_SECONDS: Final = 15.0  # since it was last heard of


class Board:
    """The state of one worker as numbers and reasons. Every method may be called from any thread."""

    def __init__(self, partitions: Mapping[int, Partition]) -> None:
        self._partitions = partitions
        self._heard = -BROKER_SECONDS
        self.joined = False  # whether the group has said what is this worker's
        self.has_topic = True
        self.stopping = False
        self.registry = CollectorRegistry()
        registry, label = self.registry, ["partition"]
        self._lag = Gauge("kindred_lag", "Events that wait in the topic.", label, registry=registry)
        self._next = Gauge("kindred_next_offset", "Offset of the next event to decide.", label, registry=registry)
        self._epoch = Gauge("kindred_claim_epoch", "Epoch of the claim; 0 without one.", label, registry=registry)
        self._events = Counter("kindred_events", "Events by what became of them.", ["outcome"], registry=registry)
        self._refused = Counter("kindred_refused", "Dead letters, by code.", ["code"], registry=registry)
        self._batch = Histogram(
            "kindred_batch_events", "Events of a batch.", registry=registry, buckets=(1, 4, 16, 64, 128, 256, 512)
        )
        self._append = Histogram(
            "kindred_append_seconds", "Until the broker has a record of the journal.", registry=registry
        )
        self._seconds = Histogram(
            "kindred_batch_seconds", "From taking a batch to its being in the journal.", registry=registry
        )
        self._failures = Counter("kindred_failures", "Ownerships that ended by a failure.", label, registry=registry)

    def decided(self, partition: int, receipt: Receipt, seconds: float) -> None:
        """A batch is in the journal."""
        self._batch.observe(len(receipt.results))
        self._seconds.observe(seconds)
        for status in ("accepted", "duplicate", "refused"):
            self._events.labels(status).inc(receipt.number(status))
        for result in receipt.results:
            if result.code is not None:
                self._refused.labels(result.code).inc()

    def appended(self, seconds: float) -> None:
        """The broker has what was appended."""
        self._append.observe(seconds)

    def claimed(self, partition: int, epoch: int) -> None:
        """A journal is ours."""
        self._epoch.labels(str(partition)).set(epoch)

    def failed(self, partition: int) -> None:
        """An ownership ended."""
        self._epoch.labels(str(partition)).set(0)
        self._failures.labels(str(partition)).inc()

    def released(self, partition: int) -> None:
        """A partition is somebody else's: it is no longer shown."""
        for gauge in (self._lag, self._next, self._epoch):
            gauge.remove(str(partition))

    def heard(self) -> None:
        """The broker has answered."""
        self._heard = time.monotonic()

    def troubles(self) -> list[str]:
        """Why the worker is not ready; nothing when it is."""
        return list(self._troubles())

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        for number, partition in sorted(self._partitions.items()):
            self._lag.labels(str(number)).set(partition.line.lag)
            self._next.labels(str(number)).set(partition.next or 0)
        return generate_latest(self.registry)

    def _troubles(self) -> Iterator[str]:
        now = time.monotonic()
        if self.stopping:
            yield "the worker is stopping"
        if now - self._heard > BROKER_SECONDS:
            yield "no broker has answered for a while"
        if not self.has_topic:
            yield "the events topic does not exist: restore it"
        if not self.joined:
            yield "the worker has not joined its group yet"
        for number, partition in sorted(self._partitions.items()):
            if partition.failure is not None:
                yield f"partition {number} has halted: {partition.failure.code}"
            elif partition.phase == "claiming":
                yield f"partition {number} is not claimed"
            elif partition.line.lag and now - partition.line.moved > STALL_SECONDS:
                yield f"partition {number} stands still with {partition.line.lag} events waiting"


class Timed:
    """A home of a journal whose appends are timed."""

    def __init__(self, home: Journal, took: Callable[[float], None]) -> None:
        self._took = took
        self._append = home.append
        self.read, self.head, self.tail = home.read, home.head, home.tail
        self.truncate, self.close = home.truncate, home.close

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        """Append, and tell how long it took until it was there."""
        started = time.perf_counter()
        positions = self._append(bodies)
        self._took(time.perf_counter() - started)
        return positions


class Door:
    """A small HTTP server for the board, on a thread of its own."""

    def __init__(self, board: Board, listener: socket.socket) -> None:
        self._server = _Server(board, listener)
        self._thread = Thread(target=self._server.serve_forever, name="kindred-health", daemon=True)

    def open(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, board: Board, listener: socket.socket) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.board = board


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/health/live":
                self._answer(HTTPStatus.OK, {"live": True})
            case "/health/ready":
                troubles = self.server.board.troubles()
                status = HTTPStatus.SERVICE_UNAVAILABLE if troubles else HTTPStatus.OK
                self._answer(status, {"ready": not troubles, "reasons": troubles})
            case "/metrics":
                self._send(HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, self.server.board.text())
            case _:
                self._answer(HTTPStatus.NOT_FOUND, {"there is": ["/health/live", "/health/ready", "/metrics"]})

    def log_message(self, *_: object) -> None:
        """Nobody needs a line for every look at the health."""

    def _answer(self, status: HTTPStatus, document: object) -> None:
        self._send(status, "application/json", json.dumps(document).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
