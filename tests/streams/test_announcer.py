"""Notices as a feed: each at its position, from anywhere."""

from pathlib import Path

import pytest

from streams import announcer
from streams.announcer import Feed


def _feed(path: Path, count: int) -> Feed:
    path.write_bytes(b"".join(b'{"id":"river/%d/1"}\n' % number for number in range(1, count + 1)))
    return Feed(path, count)


@pytest.mark.parametrize("first", [0, 7, 49, 50, 60])
def test_a_page_is_the_lines_behind_a_position(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    monkeypatch.setattr(announcer, "STRIDE", 8)
    feed = _feed(tmp_path / "notices.jsonl", 50)
    feed.read(first, 1)
    for after in range(60):
        for limit in (0, 1, 8, 13, 100):
            expected = [(n, b'{"id":"river/%d/1"}' % n) for n in range(after + 1, min(after + limit, 50) + 1)]
            assert feed.read(after, limit) == expected


def test_lines_behind_the_end_are_not_notices_yet(tmp_path: Path) -> None:
    feed = _feed(tmp_path / "notices.jsonl", 3)
    with (tmp_path / "notices.jsonl").open("ab") as file:
        file.write(b'{"id":"river/4/1"}\n{"torn')
    assert [position for position, _ in feed.read(0, 10)] == [1, 2, 3]
    feed.extend(4)
    assert [position for position, _ in feed.read(2, 10)] == [3, 4]


def test_those_who_follow_are_woken_when_it_grows_until_they_leave(tmp_path: Path) -> None:
    feed, woken = _feed(tmp_path / "notices.jsonl", 1), list[int]()
    leave = feed.follow(lambda: woken.append(feed.end))
    feed.extend(1)
    feed.extend(5)
    feed.close()
    leave()
    feed.extend(9)
    assert woken == [5, 5]
    assert feed.closed
