"""Local cards of a service that runs: keys, their change, and what its folder and its log say."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path

import pytest

from kindred import settings
from matcher.errors import ConfigurationError
from tests.kindred.shell import kindred
from tests.kindred.test_dashboard import come_in, running, until

NAME = "Rosalind Quill"
CARD = "/api/v1/people/river/n-1/card"


@pytest.mark.slow
def test_a_card_lives_through_a_change_of_keys_and_stays_closed_without_them(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id,experiences\nn-1,F10.20\n")
    assert kindred("import", "people.csv", "--data", "river", at=tmp_path).returncode == 0
    keys = tmp_path / "river" / "card-keys"
    with (
        running("serve", "--data", "river", "--port", "0", at=tmp_path, name="serve") as said,
        closing(come_in(said)) as client,
    ):
        first = keys.read_bytes().split()
        assert stat.S_IMODE(keys.stat().st_mode) == 0o600
        until(lambda: client.get("/api/v1/people/river/n-1").status_code == 200, "the person")
        assert client.post(f"{CARD}/keep", json={"version": 0, "name": NAME}).status_code == 200
        for kept in (2, 2):
            assert "1 cards" in kindred("cards", "rotate", "--data", "river", at=tmp_path).stdout
            assert len(keys.read_bytes().split()) == kept
            assert client.post(CARD, json={}).json()["shown"]["card"] == {"name": NAME}
        assert first[0] not in keys.read_bytes()
    folder = b"".join(path.read_bytes() for path in (tmp_path / "river").iterdir() if path.is_file())
    assert NAME.encode() not in folder
    log = (tmp_path / "serve.log").read_text()
    assert NAME not in log
    assert not any(key.decode() in log for key in (*first, *keys.read_bytes().split()))
    keys.rename(tmp_path / "elsewhere")
    with (
        running("serve", "--data", "river", "--port", "0", at=tmp_path, name="without") as said,
    ):
        until(lambda: "the local cards stay closed: KND-card-keys" in said(), "word of the keys")
        until(lambda: "the dashboard is at" in said(), "the dashboard, all the same")
    assert not keys.exists(), "no other key is made while a card is sealed with one that is away"


@pytest.mark.parametrize(
    "link",
    [
        "http://crm.example/{id}",
        "https://crm.example/",
        "javascript:alert({id})",
        "https://{id}.example/",
        "https://crm.example/{id}/{name}",
        'https://crm.example/"><b>{id}',
    ],
)
def test_a_link_to_the_platforms_own_system_is_https_and_names_the_id(link: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        settings.load(person_links={"river": link})
    assert "person_links" in refused.value.message
    good = settings.load(person_links={"river": "https://crm.example/p/{id}"}).settings
    assert good.person_links["river"].endswith("{id}")
