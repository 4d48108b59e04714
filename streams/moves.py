"""Partitions that a consumer group gives and takes away, told from the client's own thread."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from kafka import ConsumerRebalanceListener, TopicPartition


class Moves(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Partitions that came since anybody looked. Called by the client's own thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._came = set[TopicPartition]()
        self._went = set[TopicPartition]()

    def taken(self) -> set[TopicPartition]:
        """What came; it is not told again."""
        with self._lock:
            came, self._came, self._went = self._came, set(), set()
        return came

    def are_pending(self, partition: TopicPartition) -> bool:
        """Whether a partition comes or goes."""
        with self._lock:
            return partition in self._came or partition in self._went

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """The group takes these away, if only for a moment."""
        with self._lock:
            self._went.update(revoked)

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """The group gives these."""
        with self._lock:
            self._came.update(assigned)
