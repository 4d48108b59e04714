"""What can be seen of a running service from outside: numbers only, no ids in labels."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from streams.processor import Receipt


class Metrics:
    """The metrics of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._events = Counter(
            "kindred_events", "Events taken, by what became of them.", ["outcome"], registry=self.registry
        )
        self._refused = Counter("kindred_refused", "Dead letters, by code.", ["code"], registry=self.registry)
        self._notices = Gauge("kindred_notices", "Notices of the journal.", registry=self.registry)
        self._position = Gauge("kindred_journal_position", "The journal's last record.", registry=self.registry)
        self._waiting = Gauge("kindred_queue_bytes", "Bytes of events that wait to be decided.", registry=self.registry)
        self._turned_away = Counter("kindred_turned_away", "Requests answered with 429.", registry=self.registry)
        self._seconds = Histogram(
            "kindred_batch_seconds", "From taking a batch to its being on the disk.", registry=self.registry
        )
        self._failures = Counter("kindred_failures", "Batches that failed and were not taken.", registry=self.registry)

    def decided(self, receipt: Receipt, seconds: float, notices: int) -> None:
        """A batch is in the journal."""
        for status in ("accepted", "duplicate", "refused"):
            self._events.labels(status).inc(receipt.number(status))
        for result in receipt.results:
            if result.code is not None:
                self._refused.labels(result.code).inc()
        self._position.set(receipt.position)
        self._notices.set(notices)
        self._seconds.observe(seconds)

    def failed(self) -> None:
        """A batch was not taken."""
        self._failures.inc()

    def turned_away(self) -> None:
        """A request found the queue full."""
        self._turned_away.inc()

    def queued(self, size: int) -> None:
        """So many bytes of events wait."""
        self._waiting.set(size)

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self.registry)
