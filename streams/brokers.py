"""What a worker asks the brokers itself, beside what Faust does for it: with kafka-python, from any thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from threading import Lock
from typing import Any, Final, TypeVar

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError, NotCoordinatorError
from kafka.structs import TopicPartition

from matcher.errors import Unreachable
from streams.announcing import NOT_SENT
from streams.binary import Record
from streams.source import SOURCE_AWAY
from streams.topics import DEAD_LETTER_BYTES

T = TypeVar("T")
ANSWER_MS: Final = 10_000  # an answer takes milliseconds
RECONNECT_MS: Final = 1_000  # at most between two attempts; kafka-python's own half a minute outlasts most outages
CLOSE_MS: Final = 1_000
DELIVERY_MS: Final = 60_000  # a broker that restarts is back within half of it; then all is sent again


class KafkaBrokers:
    """Where a topic ends, which one it is, and whom the group's current generation has assigned a partition."""

    def __init__(self, connection: Mapping[str, Any], *, group: str, client_id: str) -> None:
        """``connection`` are kafka-python's settings; ``client_id`` is this worker's own, and nobody else's."""
        self._connection = connection
        self._group = group
        self._client_id = client_id
        self._lock = Lock()
        self._admin: KafkaAdminClient | None = None
        self._consumer: KafkaConsumer | None = None

    def ends(self, topic: str, partitions: Set[int]) -> dict[int, int]:
        """Where the committed records of these partitions end."""
        where = [TopicPartition(topic, number) for number in sorted(partitions)]
        found = self._asked(lambda: self._reading().end_offsets(where, timeout_ms=ANSWER_MS) if where else {})
        return {each.partition: end for each, end in found.items()}

    def topic_id(self, topic: str) -> str:
        """The UUID of a topic; "" when it does not exist."""
        [described] = self._asked(lambda: self._describing().describe_topics([topic]))
        return "" if described["error_code"] else str(described["topic_id"])

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        [described] = self._asked(lambda: self._describing().describe_topics([topic]))
        return len(described["partitions"])

    def is_ours(self, topic: str, partition: int) -> bool:
        """Whether the group's current generation assigns the partition to this worker."""
        described = self._asked(self._described_group)
        return described["group_state"] == "Stable" and any(
            _has(member["member_assignment"], topic, partition)
            for member in described["members"]
            if member["client_id"] == self._client_id
        )

    def close(self) -> None:
        """Leave the brokers."""
        with self._lock:
            self._forget()
            if self._consumer is not None:
                with suppress(KafkaError, OSError):
                    self._consumer.close(autocommit=False, timeout_ms=CLOSE_MS)

    def _described_group(self) -> dict[str, Any]:
        described: dict[str, Any] = self._describing().describe_groups([self._group])[self._group]
        if described["error"] is not None:  # kafka-python remembers a coordinator for ever, also one that moved
            raise NotCoordinatorError(described["error"])
        return described

    def _describing(self) -> KafkaAdminClient:
        if self._admin is None:
            self._admin = KafkaAdminClient(
                **self._connection, request_timeout_ms=ANSWER_MS, reconnect_backoff_max_ms=RECONNECT_MS
            )
        return self._admin

    def _reading(self) -> KafkaConsumer:
        if self._consumer is None:
            self._consumer = KafkaConsumer(
                **self._connection,
                group_id=None,
                enable_auto_commit=False,
                isolation_level="read_committed",
                allow_auto_create_topics=False,
                reconnect_backoff_max_ms=RECONNECT_MS,
                metrics_enabled=False,
            )
        return self._consumer

    def _forget(self) -> None:
        """Ask with a new client the next time."""
        admin, self._admin = self._admin, None
        if admin is not None:
            with suppress(KafkaError, OSError):
                admin.close()

    def _asked(self, ask: Callable[[], T]) -> T:
        with self._lock:
            try:
                return ask()
            except (KafkaError, OSError) as error:
                self._forget()
                raise Unreachable(SOURCE_AWAY, f"the brokers do not answer ({type(error).__name__})") from error


class KafkaSender:
    """Hands records to the brokers, acks=all and idempotent; a record's key decides its partition."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        """Raises Unreachable when no broker answers."""
        try:
            self._producer = KafkaProducer(
                **connection,
                acks="all",
                enable_idempotence=True,
                linger_ms=5,
                delivery_timeout_ms=DELIVERY_MS,
                max_block_ms=ANSWER_MS,
                max_request_size=DEAD_LETTER_BYTES,
                reconnect_backoff_max_ms=RECONNECT_MS,
                allow_auto_create_topics=False,
                metrics_enabled=False,
            )
        except (KafkaError, OSError) as error:
            raise Unreachable(NOT_SENT, f"no broker takes anything ({type(error).__name__}): tried again") from error

    def send(self, topic: str, record: Record) -> Any:
        """Send a record; what is returned says when it is there. Raises Unreachable when there is no way to send."""
        try:
            return self._producer.send(topic, record.value, key=record.key, headers=list(record.headers))
        except (KafkaError, OSError) as error:
            raise Unreachable(NOT_SENT, f"{topic} takes nothing ({type(error).__name__}): tried again") from error

    def close(self) -> None:
        """Leave the brokers; what is not acknowledged is sent again by the next owner."""
        with suppress(KafkaError, OSError):
            self._producer.close(timeout=1)


def _has(assignment: Any, topic: str, partition: int) -> bool:
    """Whether a member's assignment, as kafka-python has decoded it, holds the partition."""
    pairs = assignment.get("assigned_partitions", []) if isinstance(assignment, dict) else []
    return any(each["topic"] == topic and partition in each["partitions"] for each in pairs)
