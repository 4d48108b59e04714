"""Settings: which source wins, where a value comes from, and what stays hidden."""

from __future__ import annotations

from pathlib import Path

import pytest

from kindred.settings import MASK, load, rows
from matcher.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_hold_when_nothing_is_said() -> None:
    loaded = load()
    assert loaded.settings.port == 8765
    assert set(loaded.origins.values()) == {"default"}


def test_the_command_line_wins_over_the_environment_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kindred.toml").write_text('port = 1\nhost = "127.0.0.3"\ndata = "three"\n')
    monkeypatch.setenv("KINDRED_PORT", "2")
    monkeypatch.setenv("KINDRED_HOST", "127.0.0.2")
    loaded = load(port=3, host=None)
    assert (loaded.settings.port, loaded.settings.host, loaded.settings.data) == (3, "127.0.0.2", Path("three"))
    origins = {name: loaded.origins[name] for name in ("port", "host", "data", "clock")}
    assert origins == {"port": "command line", "host": "KINDRED_HOST", "data": "kindred.toml", "clock": "default"}


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINDRED_TOKEN", "swordfish")
    shown = {row.name: row.value for row in rows(load())}
    assert shown["token"] == MASK
    assert shown["database_url"] == "-"
    assert not any("swordfish" in value for value in shown.values())


@pytest.mark.parametrize(
    ("brokers", "shown"),
    [
        ("kafka:9092,kafka-2:9092", "kafka:9092,kafka-2:9092"),
        ("sasl://ann:swordfish@kafka:9092", f"sasl://{MASK}@kafka:9092"),
        ("ann:swordfish@kafka:9092", f"{MASK}@kafka:9092"),
        ("sasl://ann:sword,f@/sh@kafka:9092", f"sasl://{MASK}@kafka:9092"),
        ("sasl://ann:swordfish@a:1,sasl://ann:swordfish@b:2", f"sasl://{MASK}@b:2"),
    ],
)
def test_who_signs_in_with_what_is_masked_in_an_address(
    monkeypatch: pytest.MonkeyPatch, brokers: str, shown: str
) -> None:
    monkeypatch.setenv("KINDRED_BROKERS", brokers)
    assert {row.name: row.value for row in rows(load())}["brokers"] == shown


@pytest.mark.parametrize(
    ("file", "says"), [("prot = 1", "prot"), ("port = 'x'", "port"), ("port = ", "not TOML"), ("port = 70000", "port")]
)
def test_a_wrong_file_is_refused_by_name_of_the_key(tmp_path: Path, file: str, says: str) -> None:
    (tmp_path / "kindred.toml").write_text(file)
    with pytest.raises(ConfigurationError, match=says) as refusal:
        load()
    assert refusal.value.code == "KND-settings"


def test_a_wrong_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINDRED_PORT", "swordfish")
    with pytest.raises(ConfigurationError) as refusal:
        load()
    assert "swordfish" not in str(refusal.value)


@pytest.mark.parametrize(("given", "token"), [("", None), ("swordfish", "swordfish"), (" swordfish\n", "swordfish")])
def test_a_token_is_what_is_between_the_blanks(monkeypatch: pytest.MonkeyPatch, given: str, token: str | None) -> None:
    monkeypatch.setenv("KINDRED_TOKEN", given)
    kept = load().settings.token
    assert (kept and kept.get_secret_value()) == token


def test_a_token_of_blanks_is_refused_as_nobody_could_send_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINDRED_TOKEN", " \t")
    with pytest.raises(ConfigurationError, match="token of blanks") as refused:
        load()
    assert refused.value.code == "KND-settings"


@pytest.mark.parametrize("proxies", ["0.0.0.0/0", "127.0.0.1,::/0", "*", "proxy.example", "10.0.0.1/8"])
def test_not_everybody_is_a_proxy_that_is_believed(monkeypatch: pytest.MonkeyPatch, proxies: str) -> None:
    monkeypatch.setenv("KINDRED_PROXIES", proxies)
    with pytest.raises(ConfigurationError) as refused:
        load()
    assert refused.value.code == "KND-settings"
    assert "proxies" in refused.value.message
