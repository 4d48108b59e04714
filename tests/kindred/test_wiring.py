"""The composition root: what it refuses, and what it sets for the whole process."""

from __future__ import annotations

import socket
import zoneinfo
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from kindred import wiring
from kindred.settings import load
from matcher.errors import ConfigurationError, PolicyError, Unreachable


@pytest.fixture
def _restored() -> Iterator[None]:
    paths = zoneinfo.TZPATH
    yield
    zoneinfo.reset_tzpath(paths)
    structlog.reset_defaults()


@pytest.mark.usefixtures("_restored")
def test_time_zones_are_those_of_the_package_on_every_machine() -> None:
    wiring.prepare()
    assert zoneinfo.TZPATH == ()
    assert zoneinfo.ZoneInfo("America/Denver").key == "America/Denver"


@pytest.mark.usefixtures("_restored")
def test_the_log_goes_to_stderr_and_below_its_level_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    wiring.prepare("warning")
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("heard", program="river")
    out, err = capsys.readouterr()
    assert (out, "quiet" in err, "heard" in err, "river" in err) == ("", False, True, True)


def test_a_folder_is_the_one_named_else_that_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(data=Path("d")).settings
    assert wiring.data_folder(Path("named"), settings) == Path("named")
    assert wiring.data_folder(None, settings) == Path("d")
    with pytest.raises(ConfigurationError, match="KND-no-folder"):
        wiring.data_folder(None, load().settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    with wiring.listener(host, 0, has_token=False) as door:
        assert wiring.address(door).startswith("http://127.0.0.1:")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.org"])
def test_anywhere_else_needs_one(host: str) -> None:
    with pytest.raises(ConfigurationError, match="KND-no-token"):
        wiring.listener(host, 0, has_token=False)


def test_an_address_that_is_taken_is_said_to_be() -> None:
    with (
        wiring.listener("127.0.0.1", 0, has_token=False) as door,
        pytest.raises(Unreachable, match="KND-address-taken"),
    ):
        wiring.listener("127.0.0.1", door.getsockname()[1], has_token=False)


def test_a_policy_is_read_from_its_file_or_refused(tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text('[programs.river.review]\nmode = "staged"\n')
    assert wiring.policy_book(policy).of("river").review.mode == "staged"
    assert wiring.policy_book(None).of("river").review.mode == "tiered"
    policy.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="KND-no-policy"):
        wiring.policy_book(policy)
    policy.write_text("[review]\nmood = 1")
    with pytest.raises(PolicyError, match=r"review\.mood"):
        wiring.policy_book(policy)


def test_an_answer_does_not_wait_for_word_that_its_head_came() -> None:
    with (
        closing(wiring.listener("127.0.0.1", 0, has_token=False)) as door,
        socket.create_connection(door.getsockname()),
        closing(door.accept()[0]) as taken,
    ):
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
