"""Lines from files and standard input, whatever they hold."""

import io
from pathlib import Path

import pytest

from matcher.errors import ConfigurationError
from streams.files import BATCH_BYTES, batches
from streams.intake import EVENT_BYTES_MAX, KEPT_BYTES, read_input
from tests.streams.cases import line


def _raws(path: Path, content: bytes, size: int = 512) -> list[list[bytes]]:
    path.write_bytes(content)
    return [[item.raw for item in batch] for batch in batches([str(path)], size)]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"{}\n", [b"{}"]),
        (b"{}\n[]", [b"{}", b"[]"]),
        (b"{}\r\n\r\n \t\n[]\r\n", [b"{}", b"[]"]),
        (b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n", [b"{}", b"\xef\xbb\xbf{}"]),
        (b"\xff\x00\n", [b"\xff\x00"]),
    ],
)
def test_lines(tmp_path: Path, content: bytes, lines: list[bytes]) -> None:
    assert [raw for batch in _raws(tmp_path / "e", content) for raw in batch] == lines


def test_batches_have_a_size_and_files_an_order(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"1\n2\n3\n")
    (tmp_path / "a").write_bytes(b"4\n5\n")
    taken = [[item.raw for item in batch] for batch in batches([str(tmp_path / "b"), str(tmp_path / "a")], 2)]
    assert taken == [[b"1", b"2"], [b"3", b"4"], [b"5"]]


def test_of_large_events_fewer_are_held(tmp_path: Path) -> None:
    sizes = [len(batch) for batch in _raws(tmp_path / "e", (b"x" * EVENT_BYTES_MAX + b"\n") * 70)]
    assert sizes == [32, 32, 6]
    assert BATCH_BYTES == 32 * EVENT_BYTES_MAX


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [EVENT_BYTES_MAX - 1, EVENT_BYTES_MAX])
def test_a_line_of_just_the_largest_size_is_whole(tmp_path: Path, size: int, end: bytes) -> None:
    (tmp_path / "e").write_bytes(b"x" * size + end + b"y" * size)
    [[first, last]] = batches([str(tmp_path / "e")])
    assert (first.raw, last.raw) == (b"x" * size, b"y" * size)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [EVENT_BYTES_MAX + 1, EVENT_BYTES_MAX + 2, EVENT_BYTES_MAX + 1 + 1024 * 1024])
def test_of_a_longer_line_the_beginning_is_kept_and_the_next_line_is_read(
    tmp_path: Path, size: int, end: bytes
) -> None:
    (tmp_path / "e").write_bytes(b"x" * size + end + line())
    [[large, good]] = batches([str(tmp_path / "e")])
    assert (large.raw, large.size) == (b"x" * KEPT_BYTES, size)
    assert large.key == read_input(b"x" * size).key
    assert good.event is not None


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{}\n[]")))
    assert [[item.raw for item in batch] for batch in batches(["-"])] == [[b"{}", b"[]"]]


def test_a_missing_file_is_said_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "e").write_bytes(b"{}\n")
    with pytest.raises(ConfigurationError, match="KND-no-file"):
        batches([str(tmp_path / "e"), str(tmp_path / "missing")])


def test_a_folder_is_no_file_and_a_device_may_be_empty(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="KND-no-file"):
        batches([str(tmp_path)])
    assert list(batches(["/dev/null"])) == []
