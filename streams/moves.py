"""Partitions that a consumer group gives and takes away, told from the client's own thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

from kafka import ConsumerRebalanceListener, TopicPartition


class Moves(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Partitions that came since anybody looked. Called by the client's own thread."""

    def __init__(self, rejoin: Callable[[], None]) -> None:
        """``rejoin`` tells the client that it has to join its group.

        kafka-python (3.0) forgets that it is joining when what made it join is over by then, as the partitions of a
        topic that it knew too few of, and somebody polls between the two answers of the broker. Nobody takes the second
        answer up then: it is a member that hears nothing, says nothing and is put out, without an error, for ever.
        Its own mark that it must join stays until it has; so it is set at the beginning of each joining.
        """
        self._rejoin = rejoin
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
        """The group takes these away, if only for a moment; it is joined again from here on."""
        self._rejoin()
        with self._lock:
            self._went.update(revoked)

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """The group gives these."""
        with self._lock:
            self._came.update(assigned)
