"""Whatever goes wrong, on a real broker: every event has its effect once, and everybody is told the same.

``make soak SOAK=kafka`` runs a hundred seeds more. ``python -m tests.faults.run SEED`` runs one by hand and says what
happened.
"""

from pathlib import Path

import pytest

from tests.conftest import do_without
from tests.faults.run import run
from tools.kafka import Kafka
from tools.parts import Unavailable

SEEDS = (1, 2, 3)  # wall and event clock, one broker and three, a newer version beside, a clock an hour off
SOAK = (4, 5, 8, *range(100, 200))


def _run(seed: int, folder: Path) -> None:
    def cluster(nodes: int) -> Kafka:
        try:
            return Kafka(nodes)
        except Unavailable as trouble:
            do_without("kafka", str(trouble))

    found, history = run(seed, folder, cluster)
    assert not found, "\n".join([*found[:20], *history])


@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_done_twice_or_told_differently(seed: int, tmp_path: Path) -> None:
    _run(seed, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SOAK)
def test_nothing_is_lost_done_twice_or_told_differently_a_hundred_times(seed: int, tmp_path: Path) -> None:
    _run(seed, tmp_path)
