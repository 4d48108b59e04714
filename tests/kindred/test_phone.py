"""A coordinator's afternoon: the dashboard on a phone, through the proxy of docs/how-to/open-from-a-phone.md."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from matcher.instants import format_instant, parse_instant
from tests.dashboard.chromium import chromium
from tests.kindred.proxy import CONFIG, NAME, Proxy, caddy, proxied
from tests.kindred.shell import kindred
from tests.kindred.test_cli import free_port
from tests.kindred.test_dashboard import PASSWORD, running, until

pytestmark = pytest.mark.slow

PHONE = {"width": 390, "height": 844}
NEARBY, DESK, ELSEWHERE = "127.0.0.3", "127.0.0.4", "127.0.0.2"
WRONG = "not the four words"


@dataclass
class Afternoon:
    """A service with people in it, the proxy before it, and the account that was made in the morning."""

    service: str
    proxy: Proxy
    folder: Path
    link: str

    def tell(self, event: dict[str, object]) -> None:
        answer = httpx.post(f"{self.service}/v1/events", json=event)
        assert answer.status_code == 202, answer.text


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Afternoon]:
    at, port = tmp_path_factory.mktemp("phone"), free_port()
    made = kindred("cohort", "--members", "60", "--mentors", "20", "--days", "40", at=at)
    (at / "events.jsonl").write_text(made.stdout)
    assert kindred("replay", "events.jsonl", "--out", "river", at=at).returncode == 0
    start = ("serve", "--data", "river", "--port", str(port), "--clock", "event")
    with proxied(port, at) as proxy:
        with running(*start, at=at, name="serve", KINDRED_PUBLIC_ADDRESS=proxy.origin) as said:
            until(lambda: "works once" in said(), "the link for the first account")
            link = re.search(r"first at (\S+)", said())
            assert link
            yield Afternoon(f"http://127.0.0.1:{port}", proxy, at, link[1])
        nobody_is_home(proxy)


def nobody_is_home(proxy: Proxy) -> None:
    """The service has stopped: the phone is told so in words, and the proxy's log does not say what it asked for."""
    answer = proxy.client(NEARBY).get("/people/river/n-31?of=n-31")
    assert answer.status_code == 502
    assert "Try again in a minute" in answer.text
    for told in ("n-31", "/people", "/welcome", "cookie", NEARBY):
        assert told not in proxy.said.lower()


def test_the_file_that_people_copy_is_right_as_it_is() -> None:
    command = [caddy(), "validate", "--config", str(CONFIG), "--adapter", "caddyfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_afternoon_on_the_phone(afternoon: Afternoon, browser: Browser) -> None:
    assert afternoon.link.startswith(f"{afternoon.proxy.origin}/welcome/")
    context = browser.new_context(viewport=PHONE, ignore_https_errors=True, has_touch=True)
    page = context.new_page()
    page.goto(afternoon.link)
    page.get_by_label("Your name here").fill("Robin")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Name").fill("Robin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    with page.expect_response("**/live"):
        page.goto(f"{afternoon.proxy.origin}/today")
    the_first_card_is_whole(page)
    session = {cookie["name"]: cookie for cookie in context.cookies()}["__Host-kindred_session"]
    assert (session["secure"], session["httpOnly"], session["sameSite"]) == (True, True, "Lax")
    afternoon.tell(somebody_new(afternoon.folder))
    expect(page.get_by_text(re.compile(r"\d+ new"))).to_be_visible()
    told = page.locator("[data-card] h2").first.inner_text()
    page.get_by_role("button", name="Approve", exact=True).first.click()
    expect(page.locator("body > .notice")).to_contain_text(told.split()[0])
    assert page.url.startswith(afternoon.proxy.origin)
    context.close()


def the_first_card_is_whole(page: Page) -> None:
    """All of its buttons can be seen without scrolling, and nothing is wider than the phone."""
    for name in ("Approve", "Hold", "Reject …"):
        button = page.locator("[data-card]").first.get_by_text(name, exact=True)
        box = button.bounding_box()
        assert box
        assert box["y"] + box["height"] <= PHONE["height"], name
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def somebody_new(folder: Path) -> dict[str, object]:
    """One more newcomer, like one who came before, a minute after everything that has happened."""
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    like = next(each for each in events if ".member.joined." in each["type"] and each["subject"].startswith("n-"))
    last = max(parse_instant(each["time"]) for each in events)
    return like | {"id": "afternoon-1", "subject": "n-afternoon", "time": format_instant(last + 60)}


def test_what_is_not_encrypted_leads_to_what_is(afternoon: Afternoon) -> None:
    plain = httpx.get(f"http://127.0.0.1:{afternoon.proxy.http}/today?show=new", headers={"Host": NAME})
    assert plain.status_code == 308
    assert plain.headers["location"] == f"https://{NAME}/today?show=new"
    with afternoon.proxy.client(NEARBY) as phone:
        answer = phone.get("/sign-in")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    cookies = answer.headers.get_list("set-cookie")
    assert cookies
    for cookie in cookies:
        assert re.match(r"__Host-\w+=\S+; HttpOnly; Path=/; SameSite=lax; Secure$", cookie), cookie


def test_what_platforms_ask_for_is_not_on_the_way(afternoon: Afternoon) -> None:
    with afternoon.proxy.client(NEARBY) as phone:
        for path in ("/v1/notices", "//v1/notices", "/%761/notices", "/metrics", "/health/ready"):
            assert phone.get(path).status_code == 404, path
        assert phone.post("/v1/events", json={}).status_code == 404
    forwarded = httpx.get(f"{afternoon.service}/v1/notices", headers={"X-Forwarded-For": NEARBY})
    assert (forwarded.status_code, forwarded.json()["code"]) == (401, "KND-unauthorized")  # by another proxy's file


def wrong_tries(client: Callable[[int], httpx.Client], name: str) -> list[int]:
    """What six sign-ins with a wrong password are answered, each by a client of its own."""
    return [sign_in(client(number), name, WRONG) for number in range(6)]


def sign_in(client: httpx.Client, name: str, password: str) -> int:
    with client:
        token = re.search(r'name="form_token" value="(\w+)"', client.get("/sign-in").text)
        assert token
        return client.post("/sign-in", data={"form_token": token[1], "name": name, "password": password}).status_code


def test_guesses_are_counted_by_the_phones_address_whatever_it_says(afternoon: Afternoon) -> None:
    def lying(number: int) -> httpx.Client:
        return afternoon.proxy.client(NEARBY, **{"X-Forwarded-For": f"192.0.2.{number}"})

    answers = wrong_tries(lying, "Sam")
    assert answers[-1] == 429
    assert 429 not in answers[:-1]
    assert sign_in(afternoon.proxy.client(DESK), "Sam", WRONG) != 429  # the proxy is not who guessed


def test_nobody_but_the_proxy_is_believed(afternoon: Afternoon) -> None:
    def direct(number: int) -> httpx.Client:
        lies = {"X-Forwarded-For": f"192.0.2.{number}", "X-Forwarded-Proto": "https"}
        transport = httpx.HTTPTransport(local_address=ELSEWHERE)
        return httpx.Client(base_url=afternoon.service, headers=lies, transport=transport)

    with direct(0) as client:
        answer = client.get("/sign-in")
    assert "strict-transport-security" not in answer.headers
    assert not [cookie for cookie in answer.headers.get_list("set-cookie") if "__Host-" in cookie or "Secure" in cookie]
    assert wrong_tries(direct, "Kim")[-1] == 429


def test_another_site_cannot_send_a_form(afternoon: Afternoon) -> None:
    with afternoon.proxy.client(DESK, Origin="https://elsewhere.example") as client:
        token = re.search(r'name="form_token" value="(\w+)"', client.get("/sign-in").text)
        assert token
        answer = client.post("/sign-in", data={"form_token": token[1], "name": "Robin", "password": PASSWORD})
    assert (answer.status_code, "KND-form-token" in answer.text) == (403, True)
