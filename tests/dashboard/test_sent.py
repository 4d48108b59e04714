"""What no text holds, and numbers that no database holds, are refused before anything reads them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard.contact.vault import Vault
from tests.dashboard.house import PASSWORD, form_token
from tests.dashboard.rivers import Living, river

pytestmark = pytest.mark.slow


@pytest.fixture
def house(tmp_path: Path) -> Living:
    return Living(river().program, vault=Vault.at(tmp_path / "keys", fresh=True))


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_json_that_holds_what_no_text_does_is_refused(house: Living, text: str) -> None:
    lead = house.signed_in(("*", "lead"), ("*", "admin"))
    headers = {"X-Form-Token": lead.token, "Content-Type": "application/json"}
    for given in ({"name": text, "role": "viewer"}, {"name": ["m-1", {text: 1}]}, {"form_token": text}):
        answer = lead.client.post("/api/v1/accounts", content=json.dumps(given), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "KND-form")


def test_a_nul_is_refused_in_forms_and_addresses(house: Living) -> None:
    lead, client = house.signed_in(("*", "lead"), ("*", "admin")), house.client()
    fields = {"form_token": form_token(client.get("/sign-in")), "name": "a\0b", "password": PASSWORD}
    assert client.post("/sign-in", data=fields).status_code == 400
    assert client.post("/sign-in/provider", data=fields).status_code == 400
    assert lead.post("/accounts", {"name": "a\0b", "role": "viewer"}).status_code == 400
    assert lead.post("/people", {"find": "a\0b"}).status_code == 400
    assert lead.post("/accounts/a%00b/close").status_code == 404
    for path, status in (("/people/river/n%00", 404), ("/people?after=a%00b", 400), ("/sign-in?then=%00", 400)):
        assert (path, lead.get(path).status_code) == (path, status)
        assert "text/html" in lead.get(path).headers["content-type"]
    assert lead.get("/api/v1/people/river/n%00").status_code == 404


def test_a_form_in_another_encoding_is_refused_where_it_gives_no_text(house: Living) -> None:
    lead = house.signed_in(("*", "lead"), ("*", "admin"))
    body = '--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\\ud800\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x; charset=raw_unicode_escape"
    assert lead.client.post("/accounts", content=body, headers={"Content-Type": kind}).status_code == 400


def test_fields_of_any_name_are_refused_like_any_other(house: Living) -> None:
    lead = house.signed_in(("*", "lead"), ("*", "admin"))
    assert lead.get("/people?self=1").status_code == 422
    assert lead.api("/api/v1/accounts", {"self": 1}).status_code == 422
    assert lead.post("/accounts", {"self": "1"}).status_code == 422


@pytest.mark.parametrize("number", [2**63, 10**20])
def test_numbers_that_no_database_holds_are_refused(house: Living, number: int) -> None:
    lead = house.signed_in(("*", "lead"))
    assert lead.get(f"/audit?after={number}").status_code == 422
    assert lead.get(f"/people/river/n-1?after={number}").status_code == 422
    assert lead.get(f"/audit?after={2**63 - 1}").status_code == 200
    assert lead.get(f"/people/river/n-1?after={2**63 - 1}").status_code == 200
    assert lead.post("/people/river/n-1/card/keep", {"name": "Kim", "version": str(number)}).status_code == 422
