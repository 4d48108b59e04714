"""Sign-in with a real, certified provider: npm's oidc-provider, by program and in a real browser."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2 as httpx
import pytest
from sqlalchemy import create_engine

from dashboard.access import invites
from dashboard.access.provider import Provider, Registration
from tests.dashboard.chromium import chromium
from tests.dashboard.house import House, form_token, served
from tools.oidc_provider import SECRET, OidcProvider
from tools.parts import Unavailable

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]


class Clinic:
    """The house on an address, and the provider that signs its people in."""

    def __init__(self, house: House, address: str, provider: OidcProvider) -> None:
        self.house, self.address, self.provider = house, address, provider
        self.register()

    def register(self, secret: str | None = SECRET) -> None:
        registered = Registration(self.provider.issuer, "kindred", self.address, secret, "The clinic")
        object.__setattr__(self.house.parts, "provider", Provider(registered))

    def invite(self, account: str) -> str:
        with self.house.engine.begin() as db:
            return f"{self.address}/welcome/{invites.invite(db, account, self.house.now)}"

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, follow_redirects=False, timeout=20)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    file = tmp_path_factory.mktemp("dashboard") / "dashboard.db"
    house = House(engine=create_engine(f"sqlite:///{file}"))
    house.now = int(time.time())
    with served(house) as address:
        try:
            provider = OidcProvider([f"{address}/sign-in/back"])
            provider.start()
        except Unavailable as trouble:
            pytest.skip(str(trouble))
        try:
            yield Clinic(house, address, provider)
        finally:
            provider.stop()
    house.engine.dispose()


def next_address(page: httpx.Response) -> str:
    return html.unescape(re.search(r'content="0;url=([^"]+)"', page.text)[1])


def leave(client: httpx.Client) -> str:
    token = form_token(client.get("/sign-in"))
    return next_address(client.post("/sign-in/provider", data={"form_token": token, "then": "/account"}))


def at_provider(where: str, name: str) -> str:
    """Sign in and agree there; the address that the provider sends the browser back to."""
    with httpx.Client(follow_redirects=False, timeout=20) as browser:
        answer = browser.get(where)
        for _ in range(12):
            if answer.is_redirect:
                where = urljoin(str(answer.url), answer.headers["location"])
                if urlsplit(where).path == "/sign-in/back":
                    return where
                answer = browser.get(where)
                continue
            action = html.unescape(re.search(r'action="([^"]+)"', answer.text)[1])
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)[1]
            fields = {"prompt": prompt, **({"login": name, "password": "x"} if prompt == "login" else {})}
            answer = browser.post(urljoin(str(answer.url), action), data=fields)
    raise AssertionError(answer.text)


def test_an_invited_colleague_binds_comes_again_and_signs_out(clinic: Clinic) -> None:
    account = clinic.house.account(("river", "coordinator"), name="Robin")
    link = clinic.invite(account)
    with clinic.browser() as client:
        page = client.get(link)
        where = next_address(client.post(link, data={"form_token": form_token(page), "by": "provider"}))
        assert client.get(at_provider(where, "robin")).headers["location"] == "/"
        first = client.cookies["kindred_session"]
        page = client.get("/account")
        assert "coordinator of river" in page.text
        assert client.post("/sign-out", data={"form_token": form_token(page)}).headers["location"] == "/sign-in"
        assert client.get("/account").headers["location"] == "/sign-in?then=/account"
        answer = client.get(at_provider(leave(client), "robin"))
        assert answer.headers["location"] == "/account"
        assert client.cookies["kindred_session"] != first


def test_a_stranger_is_not_let_in(clinic: Clinic) -> None:
    with clinic.browser() as client:
        answer = client.get(at_provider(leave(client), "stranger"))
        assert (answer.status_code, "KND-oidc-nobody" in answer.text) == (403, True)
        assert "kindred_session" not in client.cookies


def test_a_code_works_once_whatever_state_it_comes_with(clinic: Clinic) -> None:
    with clinic.browser() as client, clinic.browser() as thief:
        there = at_provider(leave(client), "stranger")
        client.get(there)
        assert "KND-oidc-expired" in client.get(there).text
        code = parse_qs(urlsplit(there).query)["code"][0]
        state = parse_qs(urlsplit(leave(thief)).query)["state"][0]
        stolen = thief.get("/sign-in/back", params={"code": code, "state": state})
        assert (stolen.status_code, "KND-oidc-code" in stolen.text) == (403, True)


def test_a_fresh_code_is_of_no_use_to_another_browser(clinic: Clinic) -> None:
    with clinic.browser() as client, clinic.browser() as thief:
        code = parse_qs(urlsplit(at_provider(leave(client), "robin")).query)["code"][0]
        state = parse_qs(urlsplit(leave(thief)).query)["state"][0]
        assert "KND-oidc-code" in thief.get("/sign-in/back", params={"code": code, "state": state}).text


def test_who_turns_back_at_the_provider_is_told_so(clinic: Clinic) -> None:
    with clinic.browser() as client, httpx.Client(follow_redirects=False, timeout=20) as browser:
        page = browser.get(leave(client))
        page = browser.get(urljoin(str(page.url), page.headers["location"]))
        abort = html.unescape(re.search(r'href="([^"]+/abort)"', page.text)[1])
        answer = browser.get(urljoin(str(page.url), abort))
        while urlsplit(str(answer.headers["location"])).path != "/sign-in/back":
            answer = browser.get(urljoin(str(answer.url), answer.headers["location"]))
        denied = client.get(answer.headers["location"])
        assert (denied.status_code, "KND-oidc-denied" in denied.text) == (403, True)


def test_a_wrong_secret_and_a_provider_that_is_away_have_their_own_pages(clinic: Clinic) -> None:
    clinic.register("not the secret")
    with clinic.browser() as client:
        assert "KND-oidc-code" in client.get(at_provider(leave(client), "robin")).text
        clinic.register()
        there = at_provider(leave(client), "robin")
        clinic.provider.stop()
        away = client.get(there)
        assert (away.status_code, "KND-oidc-away" in away.text) == (503, True)
    clinic.provider.start()


@pytest.mark.parametrize("scripts", [True, False])
def test_in_a_real_browser(clinic: Clinic, scripts: bool) -> None:
    name = f"browser-{scripts}"
    link = clinic.invite(clinic.house.account(("river", "lead"), name=name))
    with chromium() as browser:
        page = browser.new_page(java_script_enabled=scripts)
        page.goto(link)
        page.get_by_role("button", name="Sign in with The clinic").click()
        page.locator('input[name="login"]').fill(name)
        page.locator('input[name="password"]').fill("x")
        page.locator('button[type="submit"]').click()
        page.locator('button[type="submit"]').click()
        page.wait_for_url(f"{clinic.address}/today")
        page.goto(f"{clinic.address}/account")
        assert page.get_by_role("heading", name=name).is_visible()
