"""What the benchmarks of the distributed service run on: a cluster of its own, and workers as processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Thread
from typing import Any, Final
from urllib.request import urlopen

from streams.connection import Connection
from streams.topics import create_topics
from tools.kafka import SERVING, Kafka

SESSION_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 600.0


@contextmanager
def cluster(partitions: int, also: str | None = None) -> Iterator[str]:
    """A broker with Kindred's topics, and another one if named; its address."""
    with Kafka(java=SERVING) as kafka:
        create_topics(Connection(kafka.address), partitions=partitions)
        if also:
            from kafka.admin import KafkaAdminClient, NewTopic

            with closing(KafkaAdminClient(bootstrap_servers=kafka.address)) as admin:
                admin.create_topics([NewTopic(also, partitions, 1)])
        yield kafka.address


class Workers:
    """Worker processes, and what their metrics say."""

    def __init__(self, brokers: str, count: int) -> None:
        self._environment = {**os.environ, "KINDRED_BROKERS": brokers, "KINDRED_SESSION_SECONDS": str(SESSION_SECONDS)}
        self._count = count
        self._processes: list[subprocess.Popen[str]] = []
        self._addresses: list[str] = []

    def __enter__(self) -> Workers:
        command = [sys.executable, "-m", "kindred", "worker", "--clock", "event", "--health-port", "0"]
        for _ in range(self._count):
            process = subprocess.Popen(command, env=self._environment, stderr=subprocess.PIPE, text=True)
            self._processes.append(process)
            assert process.stderr is not None
            for line in process.stderr:
                if "/health/ready" in line:
                    self._addresses.append(line.split()[-1].removesuffix("/health/ready"))
                    break
            Thread(target=process.stderr.read, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(30)

    def kill(self, number: int) -> None:
        """``kill -9``."""
        self._processes[number].kill()
        self._processes[number].wait()

    def decided(self) -> float:
        """Events that are in the journal."""
        return sum(self._sum(number, "kindred_events_total") for number in range(self._count))

    def epochs(self) -> list[float]:
        """The epochs of each worker's claims, added up; 0 for who has none or is gone."""
        return [self._sum(number, "kindred_claim_epoch") for number in range(self._count)]

    def wait(self, until: Callable[[], bool]) -> None:
        """Until it is so, looked at twenty times a second."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not until():
            if time.monotonic() > end:
                raise AssertionError("what is measured did not happen")
            time.sleep(0.05)

    def _sum(self, number: int, metric: str) -> float:
        if self._processes[number].poll() is not None:
            return 0.0
        with urlopen(f"{self._addresses[number]}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(metric))
