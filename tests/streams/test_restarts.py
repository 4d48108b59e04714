"""A worker whose consumer ends by itself makes it anew, and gives up when that goes on and on."""

import signal
from collections.abc import Iterator, Set
from typing import Any

import pytest

from matcher.errors import Unreachable
from streams import worker
from tests.streams.grounds import World


class Ended:
    """A consumer that has ended before it began."""

    crashed = should_stop = True

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass


class Brokers:
    def ends(self, topic: str, partitions: Set[int]) -> dict[int, int]:
        return {}

    def topic_id(self, topic: str) -> str:
        return "topic-1"


@pytest.fixture
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in worker.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("restarts", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_consumer_that_ends_again_and_again_ends_the_worker(monkeypatch: pytest.MonkeyPatch, restarts: int) -> None:
    monkeypatch.setattr(worker, "RESTARTS_MAX", restarts)
    made: list[Ended] = []

    def make(**_: Any) -> Ended:
        made.append(Ended())
        return made[-1]

    one = worker.Worker(lambda one: World().ground(on_fatal=one.fail), make, Brokers())
    with pytest.raises(Unreachable, match=f"KND-faust-ended: the consumer ended {restarts + 1} times") as ended:
        one.run()
    assert ended.value.exit_code == 4
    assert len(made) == restarts + 1
