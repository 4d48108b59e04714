"""``kill -9`` of a writing process at random moments: nothing acknowledged is missing, nothing is torn or doubled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from journal.sqlite import SqliteJournal
from tests.journal.killed_writer import claimed


@pytest.mark.parametrize("kills", [pytest.param(3, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.soak)])
def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path, kills: int) -> None:
    random = Random(kills)
    before = 0
    for kill in range(kills):
        acknowledged = _write_until_killed(tmp_path, seed=kill, groups=random.randint(1, 150))
        home = SqliteJournal(tmp_path)
        _, numbers = claimed(home)
        home.close()
        assert numbers.written >= acknowledged > before
        before = numbers.written


def _write_until_killed(folder: Path, seed: int, groups: int) -> int:
    """The last number acknowledged by a writer that is killed after so many groups, in the midst of another."""
    command = [sys.executable, "-m", "tests.journal.killed_writer", str(folder), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        acknowledged = [writer.stdout.readline() for _ in range(groups)]
        writer.kill()
        return int([*acknowledged, *writer.stdout.read().splitlines()][-1])
