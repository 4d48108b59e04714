"""Reading ahead gives what reading gives, whatever is in the files and whatever becomes of the second process."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from shutil import which
from subprocess import Popen

import pytest

from matcher.errors import ConfigurationError
from matcher.messages.facts import Fact, Told
from streams import ahead, files
from streams.intake import EVENT_BYTES_MAX, Input
from streams.projection import FILES
from streams.replay import replay
from tests.streams.cases import BAD_INPUTS, cohort_lines, line

SAMPLES = Path(__file__).parent.parent / "samples" / "v1" / "inbound.json"
SIZE = 8  # so that few lines are many batches


@pytest.fixture(autouse=True)
def readers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Popen[bytes]]]:
    """The second processes that were started, however small the files are and however many cores there are."""
    started, start = list[Popen[bytes]](), ahead._start
    monkeypatch.setattr(ahead, "WORTH_BYTES", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(ahead, "_start", lambda *how: started.append(start(*how)) or started[-1])
    yield started
    assert all(reader.poll() is not None for reader in started)


def everything(folder: Path) -> list[str]:
    """Two files with every type of event, what is no event, and a whole cohort."""
    samples = [json.dumps(each) for documents in json.loads(SAMPLES.read_text()).values() for each in documents]
    bad = [raw for raw, _ in BAD_INPUTS.values() if b"\n" not in raw]
    (folder / "a").write_bytes(b"\n".join([*cohort_lines(), b"x" * (EVENT_BYTES_MAX + 9), b"", *bad]))
    (folder / "b").write_text("\n".join(samples))
    return [str(folder / "a"), str(folder / "b")]


def plain(batches: Iterator[list[Input]]) -> list[list[object]]:
    """Inputs to be compared; a refusal by what it says."""
    return [[(*item[:5], item.refusal and (item.refusal.code, item.refusal.message), *item[6:9]) for item in batch]
            for batch in batches]  # fmt: skip


def test_the_same_inputs(tmp_path: Path, readers: list[Popen[bytes]]) -> None:
    names = everything(tmp_path)
    assert plain(ahead.batches(names, SIZE)) == plain(files.batches(names, SIZE))
    assert [reader.returncode for reader in readers] == [0]


def test_what_was_written_already_is_what_the_fact_says(tmp_path: Path) -> None:
    taken = [item for batch in ahead.batches(everything(tmp_path), SIZE) for item in batch if item.rest and item.event]
    assert len({item.event.type for item in taken if item.event}) > 40
    for item in taken:
        assert item.event is not None
        told = Told(item.event.subject, item.event.time, item.event.data)
        for at in (told.time, told.time + 1):
            fact = Fact("river", 7, at, item.event.type, told)
            assert fact.line(item.rest) == fact.line()


@pytest.mark.slow
def test_the_second_process_may_die(tmp_path: Path, readers: list[Popen[bytes]]) -> None:
    names = everything(tmp_path)
    whole, taken = plain(files.batches(names, SIZE)), list[list[object]]()
    for batch in ahead.batches(names, SIZE):
        taken += plain(iter([batch]))
        if len(taken) == ahead.BATCHES_MEANWHILE + 3:
            readers[0].kill()
    assert taken == whole


def test_the_second_process_may_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", which("false"))
    names = everything(tmp_path)
    assert plain(ahead.batches(names, SIZE)) == plain(files.batches(names, SIZE))


def test_who_stops_leaves_no_process_behind(tmp_path: Path, readers: list[Popen[bytes]]) -> None:
    inputs = ahead.batches(everything(tmp_path), SIZE)
    next(inputs)
    inputs.close()
    assert readers[0].returncode is not None


def test_trouble_is_said_by_the_first_process(tmp_path: Path, readers: list[Popen[bytes]]) -> None:
    with pytest.raises(ConfigurationError, match="there is no file"):
        ahead.batches([str(tmp_path / "none")])
    assert not readers


def test_little_is_read_by_one_process(
    tmp_path: Path, readers: list[Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "e").write_bytes(line())
    monkeypatch.setattr(ahead, "WORTH_BYTES", 1_000_000)
    assert len(list(ahead.batches([str(tmp_path / "e")]))) == 1
    assert not readers


@pytest.mark.slow
def test_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = everything(tmp_path)
    monkeypatch.setattr("streams.replay.batches", partial(ahead.batches, size=SIZE))
    replay(names, tmp_path / "two")
    monkeypatch.setattr(ahead, "WORTH_BYTES", 1 << 40)
    replay(names, tmp_path / "one")
    for name in FILES:
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes(), name
