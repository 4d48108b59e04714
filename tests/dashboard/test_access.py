"""Who may come in, how, and what they leave behind."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from dashboard.access import accounts, attempts, audit, invites, sessions, tokens
from dashboard.access.tables import AUDIT, SESSIONS
from dashboard.frame import Conflict
from tests.dashboard.filled import forms_of
from tests.dashboard.house import NOW, ORIGIN, PASSWORD, House, form_token

pytestmark = pytest.mark.slow


@pytest.fixture
def house() -> House:
    return House()


def first_link(house: House) -> str:
    with house.engine.begin() as db:
        token = invites.first(db, house.now)
    assert token is not None
    return f"/welcome/{token}"


def make_first(house: House, name: str = "Robin"):
    client, link = house.client(), first_link(house)
    fields = {"name": name, "password": PASSWORD, "again": PASSWORD, "form_token": form_token(client.get(link))}
    return client, link, client.post(link, data=fields)


def sign_in(house: House, name: str, password: str, client=None, **fields: str):
    client = client or house.client()
    token = form_token(client.get("/sign-in"))
    return client, client.post(
        "/sign-in", data={"name": name, "password": password, "form_token": token, "then": "/account", **fields}
    )


def test_the_first_account_comes_in_by_a_link_that_works_once(house: House) -> None:
    client, link, answer = make_first(house)
    assert answer.status_code == 303
    assert "lead of all programs" in client.get("/account").text
    again = house.client().get(link)
    assert again.status_code == 404
    assert "no longer holds" in again.text
    with house.engine.begin() as db:
        assert invites.first(db, house.now) is None


def test_a_new_start_takes_the_older_link_out_of_use(house: House) -> None:
    older, newer = first_link(house), first_link(house)
    assert house.client().get(older).status_code == 404
    assert house.client().get(newer).status_code == 200


def test_a_link_ends(house: House) -> None:
    link = first_link(house)
    house.now += invites.FIRST_SECONDS
    assert house.client().get(link).status_code == 404


@pytest.mark.parametrize(
    ("password", "again", "why"),
    [
        ("short", "short", "at least 12"),
        ("aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaa", "too easy"),
        (PASSWORD, "x", "not the same"),
    ],
)
def test_weak_passwords_are_refused_with_a_reason(house: House, password: str, again: str, why: str) -> None:
    client, link = house.client(), first_link(house)
    fields = {"name": "Robin", "password": password, "again": again, "form_token": form_token(client.get(link))}
    answer = client.post(link, data=fields)
    assert answer.status_code == 422
    assert why in answer.text
    assert password not in answer.text.replace("at least", "")


def test_signing_in_starts_a_session_with_a_new_token(house: House) -> None:
    make_first(house)
    client, answer = sign_in(house, "  ROBIN ", PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    first = client.cookies["kindred_session"]
    cookie = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("kindred_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    client.cookies.set("kindred_session", first)
    house.now += 1
    client.cookies.delete("kindred_session")
    client, _ = sign_in(house, "robin", PASSWORD)
    assert client.cookies["kindred_session"] != first


def test_behind_tls_the_cookie_is_secure_and_bound_to_the_host(house: House) -> None:
    make_first(house)
    client = house.client()
    client.base_url = "https://testserver"
    token = form_token(client.get("/sign-in"))
    answer = client.post("/sign-in", data={"name": "robin", "password": PASSWORD, "form_token": token})
    cookie = next(line for line in answer.headers.get_list("set-cookie") if "kindred_session=" in line)
    assert cookie.startswith("__Host-kindred_session=")
    assert "Secure" in cookie
    assert answer.headers["strict-transport-security"]


def test_only_hashes_of_tokens_are_kept(house: House) -> None:
    browser = house.signed_in(("*", "lead"))
    token = browser.client.cookies["kindred_session"]
    with house.engine.connect() as db:
        rows = db.execute(select(SESSIONS.c.hash)).scalars().all()
        everything = " ".join(
            str(row) for table in ("session", "account") for row in db.execute(text(f"select * from {table}"))
        )
    assert tokens.hashed(token) in rows
    assert token not in everything


def test_a_session_that_was_there_before_signing_in_ends(house: House) -> None:
    make_first(house)
    client, _ = sign_in(house, "robin", PASSWORD)
    old = client.cookies["kindred_session"]
    token = form_token(client.get("/account"))
    assert client.post("/sign-out", data={"form_token": token}).status_code == 303
    replay = house.client()
    replay.cookies.set("kindred_session", old)
    assert replay.get("/account").headers["location"] == "/sign-in?then=/account"


def test_a_session_ends_when_nobody_works_and_lives_while_somebody_does(house: House) -> None:
    browser = house.signed_in(("*", "lead"))
    for _ in range(3):
        house.now += sessions.IDLE_SECONDS - 1
        assert browser.get("/account").status_code == 200
    house.now += sessions.IDLE_SECONDS
    assert browser.get("/account").status_code == 303


def test_no_session_outlives_a_working_day(house: House) -> None:
    browser = house.signed_in(("*", "lead"))
    while house.now < NOW + sessions.LONGEST_SECONDS:
        assert browser.get("/account").status_code == 200
        house.now += sessions.IDLE_SECONDS - 1
    assert browser.get("/account").status_code == 303


def test_what_was_filled_in_survives_the_end_of_a_session(house: House) -> None:
    make_first(house)
    client, _ = sign_in(house, "robin", PASSWORD)
    token = tokens.form_token(client.cookies["kindred_session"])
    house.now += sessions.IDLE_SECONDS
    asked = client.post("/accounts", data={"form_token": token, "name": "Kim", "role": "viewer", "program": "river"})
    assert asked.status_code == 401
    assert "is kept" in asked.text
    fields = {"form_token": form_token(asked), "name": "robin", "password": PASSWORD}
    draft = {"draft_path": "/accounts", "draft.name": "Kim", "draft.role": "viewer", "draft.program": "river"}
    with house.engine.connect() as db:
        draft |= {"draft_of": accounts.every(db)[0]["id"]}
    assert all(f'name="{name}" value="{value}"' in asked.text for name, value in draft.items())
    kept = client.post("/sign-in", data={**fields, **draft})
    assert 'value="Kim"' in kept.text
    made = client.post(
        "/accounts", data={"form_token": form_token(kept), "name": "Kim", "role": "viewer", "program": "river"}
    )
    assert "/welcome/" in made.text


def test_a_draft_keeps_all_values_of_a_field(house: House) -> None:
    """A rota that came back as its last week alone would leave the others without anybody."""
    make_first(house)
    client, _ = sign_in(house, "robin", PASSWORD)
    ids = [house.account(("river", "coordinator"), name=name) for name in ("Ann", "Bob", "Zoe")]
    form = forms_of(client.get("/on-call").text)["/on-call/river/weeks"]
    form["accounts"] = [*ids, "-"]
    house.now += sessions.IDLE_SECONDS
    asked = client.post("/on-call/river/weeks", data=form)
    wrong = forms_of(asked.text)["/sign-in"] | {"name": ["robin"], "password": ["not the password"]}
    again = forms_of(client.post("/sign-in", data=wrong).text)["/sign-in"]
    kept = client.post("/sign-in", data=again | {"name": ["robin"], "password": [PASSWORD]})
    draft = forms_of(kept.text)["/on-call/river/weeks"]
    assert draft["accounts"] == [*ids, "-"]
    assert client.post("/on-call/river/weeks", data=draft).status_code == 303
    assert forms_of(client.get("/on-call").text)["/on-call/river/weeks"]["accounts"][:4] == [*ids, "-"]


def test_a_draft_is_shown_to_nobody_but_whose_session_ended(house: House) -> None:
    make_first(house)
    other = house.account(("*", "lead"), name="Sam")
    with house.engine.begin() as db:
        accounts.set_password(db, other, PASSWORD)
    client, _ = sign_in(house, "robin", PASSWORD)
    house.now += sessions.LONGEST_SECONDS
    house.signed_in(("*", "lead"))  # tidies up sessions that are over
    asked = client.post("/accounts", data={"name": "Kim", "role": "viewer"})
    fields = forms_of(asked.text)["/sign-in"]
    theirs = client.post("/sign-in", data=fields | {"name": ["Sam"], "password": [PASSWORD]})
    assert (theirs.status_code, "Kim" in theirs.text) == (303, False)
    own = house.client()
    fields["form_token"] = [form_token(own.get("/sign-in"))]
    assert 'value="Kim"' in own.post("/sign-in", data=fields | {"name": ["robin"], "password": [PASSWORD]}).text


def test_where_nobody_knows_whose_session_ended_nothing_is_kept(house: House) -> None:
    browser = house.signed_in(("*", "admin"), ("*", "lead"))
    browser.post("/sign-out")
    browser.client.cookies.set("kindred_session", "of-nobody")
    asked = browser.client.post("/accounts", data={"name": "Kim", "role": "viewer"})
    assert (asked.status_code, "Kim" in asked.text, "is not kept" in asked.text) == (401, False, True)


def test_a_password_waits_nowhere(house: House) -> None:
    make_first(house)
    client, _ = sign_in(house, "robin", PASSWORD)
    secrets = {"old": "an old secret of mine", "password": "a new secret of mine", "again": "a new secret of mine"}
    form = {"form_token": form_token(client.get("/account")), **secrets}
    wrong = client.post("/account/password", data=form)
    house.now += sessions.IDLE_SECONDS
    ended = client.post("/account/password", data=form)
    assert (wrong.status_code, ended.status_code) == (422, 401)
    assert "secret of mine" not in wrong.text + ended.text


def test_a_draft_keeps_its_lines(house: House) -> None:
    browser = house.signed_in(("*", "lead"))
    with house.engine.begin() as db:
        accounts.set_password(db, browser.account, PASSWORD)
        name = accounts.every(db)[0]["name"]
    browser = house.browser(browser.account)
    house.now += sessions.IDLE_SECONDS
    asked = browser.post("/people/river/n-1/card/keep", {"notes": "Call first.\nNever on Mondays."})
    fields = forms_of(asked.text)["/sign-in"] | {"name": [name], "password": [PASSWORD]}
    kept = browser.client.post("/sign-in", data=fields)
    assert re.search(r"<textarea[^>]*>\s*Call first.\r?\nNever on Mondays.</textarea>", kept.text)


def test_wrong_passwords_say_the_same_of_known_and_unknown_names(house: House) -> None:
    make_first(house)
    texts = set()
    for name in ("robin", "nobody"):
        _, answer = sign_in(house, name, "wrong but long enough")
        assert answer.status_code == 422
        texts.add(answer.text.replace(name, "").replace(form_token(answer), ""))
    assert len(texts) == 1


def test_guessing_is_slowed_down_and_the_right_password_waits_too(house: House) -> None:
    make_first(house)
    for _ in range(attempts.BOTH_MAX):
        assert sign_in(house, "robin", "wrong but long enough")[1].status_code == 422
    _, answer = sign_in(house, "robin", PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= attempts.WINDOW_SECONDS
    house.now += attempts.WINDOW_SECONDS
    assert sign_in(house, "robin", PASSWORD)[1].status_code == 303


def test_tries_without_a_name_do_not_hold_up_who_was_invited(house: House) -> None:
    link = first_link(house)
    for _ in range(attempts.BOTH_MAX):
        assert sign_in(house, " ", "wrong but long enough")[1].status_code == 422
    fields = {"name": "Robin", "password": PASSWORD, "again": PASSWORD}
    guess = "/welcome/of-nobody"
    for path, status in [*[(guess, 404)] * attempts.BOTH_MAX, (guess, 429), (link, 303)]:
        client = house.client()
        answer = client.post(path, data={**fields, "form_token": form_token(client.get(link))})
        assert answer.status_code == status


def test_forms_of_other_sites_and_without_a_token_are_refused(house: House) -> None:
    browser = house.signed_in(("*", "admin"), ("*", "lead"))
    form = {"name": "Kim", "role": "lead"}
    assert browser.client.post("/accounts", data=form).status_code == 403
    assert browser.client.post("/accounts", data={**form, "form_token": "0" * 64}).status_code == 403
    other = house.signed_in(("*", "admin"))
    assert browser.client.post("/accounts", data={**form, "form_token": other.token}).status_code == 403
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.post("/accounts", form, headers=headers).status_code == 403
    assert browser.post("/accounts", form, headers={"Origin": ORIGIN}).status_code == 200


@pytest.mark.parametrize(
    "then",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%5cevil.example",
        "javascript:alert(1)",
        "/a\r\nX: y",
        "/ //x",
    ],
)
def test_no_link_leads_elsewhere_after_signing_in(house: House, then: str) -> None:
    make_first(house)
    _, answer = sign_in(house, "robin", PASSWORD, then=then)
    assert answer.headers["location"] == "/"


def test_less_granted_means_signed_out(house: House) -> None:
    admin, other = house.signed_in(("*", "admin"), ("*", "lead")), house.signed_in(("river", "coordinator"))
    assert other.get("/account").status_code == 200
    assert (
        admin.post(f"/accounts/{other.account}/revoke", {"program": "river", "role": "coordinator"}).status_code == 303
    )
    assert other.get("/account").status_code == 303


def test_the_last_lead_and_the_last_keeper_of_accounts_cannot_be_removed(house: House) -> None:
    admin = house.signed_in(("*", "admin"), ("river", "lead"))
    for change in ("revoke", "close"):
        refused = admin.post(
            f"/accounts/{admin.account}/{change}", {"program": "river", "role": "lead"} if change == "revoke" else {}
        )
        assert refused.status_code == 409
        assert "nobody else is" in refused.text
    closed = admin.api(f"/api/v1/accounts/{admin.account}/close", {})
    assert (closed.status_code, closed.json()["code"]) == (409, "KND-last-lead")
    second = house.account(("river", "lead"))
    assert admin.post(f"/accounts/{admin.account}/revoke", {"program": "river", "role": "lead"}).status_code == 303
    with house.engine.begin() as db, pytest.raises(Conflict):
        accounts.set_active(db, second, False)


def test_a_lead_of_all_programs_counts_for_each(house: House) -> None:
    house.account(("*", "lead"))
    one = house.account(("river", "lead"))
    with house.engine.begin() as db:
        accounts.set_grants(db, one, [])
        assert not accounts.grants(db, one)


def test_an_invited_colleague_chooses_a_password_and_comes_in(house: House) -> None:
    admin = house.signed_in(("*", "admin"), ("*", "lead"))
    made = admin.post("/accounts", {"name": "Kim", "role": "coordinator", "program": "river"})
    link = made.text.split("<code>")[1].split("</code>")[0].removeprefix(ORIGIN)
    client = house.client()
    fields = {"password": PASSWORD, "again": PASSWORD, "form_token": form_token(client.get(link))}
    assert client.post(link, data=fields).status_code == 303
    assert "coordinator of river" in client.get("/account").text
    assert link not in client.get("/account").text


def test_the_audit_says_who_came_and_what_they_did(house: House) -> None:
    make_first(house)
    sign_in(house, "robin", "wrong but long enough")
    client, _ = sign_in(house, "robin", PASSWORD)
    page = client.get("/audit").text
    for words in ("signed in", "failed to sign in", "set a password"):
        assert words in page


def test_the_audit_can_only_grow_but_for_tombstones(house: House) -> None:
    with house.engine.begin() as db:
        audit.note(db, NOW, "a-1", "opened", "/people/{program}/{person}", program="river", about="m-17")
    for statement in ("delete from audit", "update audit set what = 'nothing'", "update audit set about = 'm-2'"):
        with pytest.raises(DatabaseError, match="only appended"), house.engine.begin() as db:
            db.execute(text(statement))
    with house.engine.begin() as db:
        audit.erase(db, "m-17")
        assert db.execute(select(AUDIT.c.about)).scalars().all() == ["erased"]
