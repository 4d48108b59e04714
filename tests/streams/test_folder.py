"""A data folder: the same bytes for the same input, cut, killed and repeated; readable beside its writer."""

import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from random import Random
from time import sleep

import pytest

from kindred.verify import violations
from matcher.errors import ConfigurationError, Unreachable
from streams.folder import DataFolder, read_dead_letters, read_facts, read_state
from streams.intake import read_input
from streams.projection import CERTAIN, FILES, SUMMARY
from streams.replay import replay
from tests.streams.cases import BAD_INPUTS, cohort_lines, event, inputs

REPLAY = (
    "import sys; from pathlib import Path; from streams.replay import replay; replay([sys.argv[2]], Path(sys.argv[1]))"
)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def all_lines() -> list[bytes]:
    """A cohort with everything that can be wrong in between, and some lines twice."""
    good, bad = list(cohort_lines()), [raw for raw, _ in BAD_INPUTS.values() if b"\n" not in raw]
    return good[:200] + bad + good[150:] + bad[:5]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "e.jsonl"
    path.write_bytes(b"\n".join(all_lines()))
    return path


@pytest.fixture(scope="module")
def whole(events: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    replay([str(events)], folder)
    assert list(violations(folder)) == []
    return contents(folder)


def test_what_replay_leaves_behind(events: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    done = replay([str(events)], tmp_path)
    summary = json.loads((tmp_path / SUMMARY).read_bytes())
    assert summary == done.summary
    assert summary["events"] == len(all_lines())
    assert summary["accepted"] == len(cohort_lines())
    assert summary["facts"] == whole["facts.jsonl"].count(b"\n")
    assert summary["notices"] == whole["notices.jsonl"].count(b"\n") > 0
    assert summary["dead_letters"] == whole["dead-letters.jsonl"].count(b"\n") == len(list(read_dead_letters(tmp_path)))
    assert read_state(tmp_path).summary() == summary
    assert b"\n".join(fact.line() for fact in read_facts(tmp_path)) + b"\n" == whole["facts.jsonl"]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_bytes_however_the_input_is_cut(
    events: Path, whole: dict[str, bytes], tmp_path: Path, seed: int
) -> None:
    cuts = sorted(Random(seed).sample(range(len(all_lines())), 3))
    lines = all_lines()
    for part, (start, end) in enumerate(pairwise([0, *cuts, len(lines)])):
        piece = tmp_path / f"{part}.in"
        piece.write_bytes(b"\r\n".join(lines[start:end]))
        replay([str(piece)], tmp_path / "d")
    replay([str(events)], tmp_path / "d")
    assert contents(tmp_path / "d") == whole


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["torn", "longer", "shorter", "gone", "offsets gone", "offsets of another"])
def test_files_are_mended_from_the_journal(events: Path, whole: dict[str, bytes], tmp_path: Path, damage: str) -> None:
    replay([str(events)], tmp_path)
    facts = tmp_path / "facts.jsonl"
    if damage in ("torn", "longer"):
        facts.write_bytes(whole["facts.jsonl"] + (b'{"prog' if damage == "torn" else b"{}\n{}\n"))
    elif damage == "shorter":
        facts.write_bytes(whole["facts.jsonl"][:-9])
    elif damage == "gone":
        facts.unlink()
    elif damage == "offsets gone":
        (tmp_path / CERTAIN).unlink()
    else:
        beyond = {"record": 999_999, **dict.fromkeys(FILES, 0)}
        (tmp_path / CERTAIN).write_text(json.dumps(beyond))
    DataFolder.open(tmp_path).close()
    assert contents(tmp_path) == whole
    assert list(violations(tmp_path)) == []


def test_files_that_lag_are_written_on_from_where_they_are_certain(whole: dict[str, bytes], tmp_path: Path) -> None:
    items = [read_input(raw) for raw in all_lines()]
    folder = DataFolder.open(tmp_path, snapshot_facts=300)  # a checkpoint on the way
    for start in range(0, len(items), 100):
        folder.take(items[start : start + 100])
    folder.abandon()  # as if killed: what was written after the checkpoint is cut off and written again
    certain = json.loads((tmp_path / CERTAIN).read_bytes())["facts.jsonl"]
    assert 0 < certain < len(whole["facts.jsonl"])
    os.truncate(tmp_path / "facts.jsonl", certain + 5)
    DataFolder.open(tmp_path).close()
    assert contents(tmp_path) == whole


def test_what_was_refused_before_is_refused_still(events: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    first, again = replay([str(events)], tmp_path), replay([str(events)], tmp_path)
    assert first.refused == again.refused > len(BAD_INPUTS)  # five of them come twice in one call
    assert again.refused + again.duplicates == len(all_lines())
    assert contents(tmp_path) == whole


def test_a_file_that_is_missing_leaves_no_folder_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="KND-no-file"):
        replay([str(tmp_path / "missing")], tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_a_reader_beside_the_writer_sees_what_was_taken(tmp_path: Path) -> None:
    with DataFolder.open(tmp_path) as folder:
        folder.take(inputs(event()))
        assert read_state(tmp_path).summary()["members"] == 1
        folder.take(inputs(event("e-2", subject="m-2")))
        assert read_state(tmp_path).summary()["members"] == 2


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with DataFolder.open(tmp_path), pytest.raises(Unreachable, match="KND-journal-taken"):
        DataFolder.open(tmp_path)


def test_a_folder_without_a_journal_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="KND-journal-missing"):
        read_state(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1", "77"])
def test_the_same_bytes_under_any_hash_seed(events: Path, whole: dict[str, bytes], tmp_path: Path, seed: str) -> None:
    command = [sys.executable, "-c", REPLAY, str(tmp_path), str(events)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
    assert contents(tmp_path) == whole


def _killed_and_repeated(events: Path, folder: Path, kills: int, chance: Random) -> None:
    command = [sys.executable, "-c", REPLAY, str(folder), str(events)]
    for _ in range(kills):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        sleep(chance.uniform(0.3, 2.5))  # anywhere: the point is not to know where
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True)


@pytest.mark.slow
def test_the_same_bytes_after_kills_and_the_same_call_again(
    events: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    _killed_and_repeated(events, tmp_path, 4, Random(1))
    assert contents(tmp_path) == whole


@pytest.mark.soak
def test_the_same_bytes_after_many_kills(events: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    for seed in range(10):
        _killed_and_repeated(events, tmp_path / str(seed), 10, Random(seed))
        assert contents(tmp_path / str(seed)) == whole
