"""How the settings on Kafka become a connection, and which are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from kindred import wiring
from kindred.settings import MASK, load, rows
from matcher.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KINDRED_BROKERS", "kafka:9093")
    monkeypatch.setenv("KINDRED_KAFKA_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("KINDRED_KAFKA_USERNAME", "worker")


def test_the_password_comes_from_a_file_without_its_line_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text(" swordfish \n")
    monkeypatch.setenv("KINDRED_KAFKA_PASSWORD_FILE", "password")
    assert wiring.connection(load().settings).kafka_python()["sasl_plain_password"] == " swordfish "


def test_the_password_comes_from_the_environment_and_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINDRED_KAFKA_PASSWORD", "swordfish")
    loaded = load()
    connection = wiring.connection(loaded.settings)
    assert connection.aiokafka()["sasl_plain_password"] == "swordfish"
    assert {row.name: row.value for row in rows(loaded)}["kafka_password"] == MASK
    assert "swordfish" not in repr((connection, loaded))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"PASSWORD": "a", "PASSWORD_FILE": "b"}, "both given"),
        ({"PASSWORD_FILE": "nowhere"}, "nowhere cannot be read"),
        ({}, "needs a user and a password"),
        ({"PASSWORD": "a", "PROTOCOL": "SASL_PLAINTEXT"}, "unencrypted"),
        ({"PASSWORD": "a", "PROTOCOL": "PLAINTEXT"}, "sends neither"),
        ({"PASSWORD": "a", "MECHANISM": "ROT13"}, "kafka_mechanism"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], says: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"KINDRED_KAFKA_{name}", value)
    with pytest.raises(ConfigurationError, match=says):
        wiring.connection(load().settings)


def test_credentials_over_a_plain_line_can_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINDRED_KAFKA_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("KINDRED_KAFKA_PASSWORD", "swordfish")
    monkeypatch.setenv("KINDRED_KAFKA_PLAINTEXT_CREDENTIALS", "true")
    assert wiring.connection(load().settings).kafka_python()["security_protocol"] == "SASL_PLAINTEXT"
