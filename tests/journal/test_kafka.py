"""The home on Kafka keeps the contract, on a real broker; and what a log that lives elsewhere adds to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.journal.contract import JournalContract
from tests.journal.kafka_logs import KafkaLog
from tools.kafka import Kafka


@pytest.mark.slow
class TestKafka(JournalContract):
    @pytest.fixture
    def new_log(self, kafka_broker: Kafka) -> Iterator[Callable[[], KafkaLog]]:
        made: list[KafkaLog] = []

        def make() -> KafkaLog:
            made.append(KafkaLog(kafka_broker))
            return made[-1]

        yield make
        for log in made:
            log.close()
