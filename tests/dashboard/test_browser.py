"""In a real browser: signing in by keyboard and without JavaScript, and what every page must keep to there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import create_engine

from dashboard import live
from dashboard.access import accounts
from dashboard.pages import PAGES
from matcher.messages.facts import ClockAdvanced, Fact
from tests.dashboard.chromium import chromium, come_in
from tests.dashboard.house import PASSWORD, House, served
from tests.dashboard.rivers import HOUR, T0, Living, river
from tests.matcher.people import join, mentor

pytestmark = pytest.mark.slow
LISTED = [page.path for page in PAGES if "{" not in page.path and page.file is None]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def house_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("dashboard")
    house = House(engine=create_engine(f"sqlite:///{folder / 'dashboard.db'}"))
    with house.engine.begin() as db:
        id_ = accounts.make(db, "Robin", [("*", "lead"), ("*", "admin")], house.now)
        accounts.set_password(db, id_, PASSWORD)
    yield house
    house.engine.dispose()


@pytest.fixture(scope="module")
def address(house_of: House) -> Iterator[str]:
    with served(house_of) as url:
        yield url


def tell_of(house: House, type_: str, number: int) -> None:
    """As the follower would, of facts that were decided."""
    house.parts.hub.tell([Fact("river", n, house.now, type_, ClockAdvanced()) for n in range(number)])


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/account")
    page.get_by_label("Name").fill("Robin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Robin")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_signing_in_and_out(browser: Browser, address: str, scripts: bool) -> None:
    page = browser.new_page(java_script_enabled=scripts)
    sign_in(page, address)
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.close()


def test_signing_in_by_keyboard_alone(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/account")
    page.keyboard.press("Tab")
    expect(page.get_by_text("To the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("robin")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Robin")).to_be_visible()
    page.close()


@pytest.mark.parametrize("width", [320, 390, 1280, 1920])
def test_no_page_is_wider_than_the_screen_or_asks_for_anything_elsewhere(
    browser: Browser, address: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    said, asked = list[str](), set[str]()
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.add("/".join(request.url.split("/")[:3])))
    sign_in(page, address)
    for path in LISTED:
        page.goto(address + path)
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, f"{path} at {width}"
    assert said == []  # a broken content security policy would say so here
    assert asked == {address}
    page.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """Three proposals wait for a coordinator who has switched single keys on."""
    folder: Path = tmp_path_factory.mktemp("desk")
    program = river(mentor("m-3", capacity=5), join("n-2", T0 + HOUR), join("n-3", T0 + 2 * HOUR)).program
    house = Living(program, engine=create_engine(f"sqlite:///{folder / 'dashboard.db'}"))
    yield house
    house.engine.dispose()


def at_today(browser: Browser, house: Living, address: str, *, hotkeys: bool) -> Page:
    """Today, for a new coordinator."""
    page = come_in(browser, house, house.account(("river", "coordinator")), address)
    if hotkeys:
        page.goto(f"{address}/account")
        page.get_by_role("button", name="Switch them on").click()
    page.goto(f"{address}/today")
    return page


def test_single_keys_act_only_where_they_were_switched_on_and_only_in_a_card(browser: Browser, desk: Living) -> None:
    with served(desk) as address:
        page = at_today(browser, desk, address, hotkeys=False)
        page.locator("[data-card]").focus()
        page.keyboard.press("h")
        page.keyboard.press("a")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Press Enter to approve")).to_have_count(0)
        page = at_today(browser, desk, address, hotkeys=True)
        page.locator("#content").focus()
        page.keyboard.press("h")
        assert desk.sent == []
        page.locator("[data-card]").focus()
        page.keyboard.press("a")
        expect(page.get_by_text("Press Enter to approve")).to_be_visible()
        page.keyboard.press("x")
        expect(page.get_by_text("Press Enter to approve")).to_have_count(0)
        page.keyboard.press("Enter")
        assert desk.sent == [], "the first key was taken back"


def test_times_are_told_as_the_clock_of_who_reads_shows_them(browser: Browser, desk: Living) -> None:
    with served(desk) as address:
        account = desk.account(("river", "coordinator"))
        page = come_in(browser, desk, account, address, timezone_id="Asia/Kathmandu", locale="en-GB")
        page.goto(f"{address}/today")
        joined = page.locator("[data-card] time").first
        expect(joined).to_have_attribute("title", re.compile(r"2026, \d\d:\d5 here; 2026-03-02 \d\d:\d0 in UTC$"))
        page.close()


def test_who_unfolds_a_card_by_its_link_goes_on_inside_of_it(browser: Browser, desk: Living) -> None:
    with served(desk) as address:
        page = at_today(browser, desk, address, hotkeys=True)
        page.locator("[data-card]").first.get_by_role("link", name="Unfold").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="What it does to others")).to_be_focused()
        page.keyboard.press("a")
        expect(page.get_by_text("Press Enter to approve")).to_be_visible()
        page.close()


def test_a_review_by_keys_alone(browser: Browser, desk: Living) -> None:
    with served(desk) as address:
        page = at_today(browser, desk, address, hotkeys=True)
        page.locator("[data-card]").focus()
        page.keyboard.press("o")
        expect(page.get_by_role("heading", name="What it does to others")).to_be_visible()
        page.keyboard.press("a")
        page.keyboard.press("Enter")
        expect(page.locator(".notice")).to_contain_text("are paired")
        expect(page.locator("[data-card]")).to_be_focused()
        page.keyboard.press("h")
        expect(page.locator(".notice")).to_contain_text("on hold")
        page.keyboard.press("r")
        page.keyboard.type("they know")  # the reason, by its first letters
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator(".notice")).to_contain_text("will not be proposed")
        decisions = [event["data"]["decision"] for event in desk.sent if "reviewed" in str(event["type"])]
        assert decisions == ["approve", "hold", "reject"]


def test_what_is_new_is_said_and_nothing_moves(browser: Browser, house_of: House, address: str) -> None:
    page = browser.new_page()
    sign_in(page, address)
    with page.expect_response("**/live"):
        page.reload()
    page.get_by_label("The password you have").focus()
    before = page.get_by_label("The password you have").bounding_box()
    tell_of(house_of, "match.proposed", 2)
    expect(page.get_by_text("2 new")).to_be_visible()
    tell_of(house_of, "progress.checked_in", 5)
    tell_of(house_of, "newcomer.waiting", 1)
    expect(page.get_by_text("3 new")).to_be_visible()
    # Nothing that has focus is moved, replaced or re-ordered until "Show" is asked for.
    expect(page.get_by_label("The password you have")).to_be_focused()
    assert page.get_by_label("The password you have").bounding_box() == before
    page.get_by_role("button", name="Pause updates").click()
    tell_of(house_of, "match.proposed", 1)
    expect(page.get_by_text("Updates are paused")).to_be_visible()
    page.get_by_role("link", name="Show", exact=True).click()
    expect(page.get_by_text("Updates are paused")).to_be_visible()
    page.get_by_role("button", name="Pause updates").click()
    tell_of(house_of, "match.proposed", 1)
    page.get_by_role("link", name="Show", exact=True).click()
    expect(page.get_by_role("link", name="Show", exact=True)).to_be_hidden()
    expect(page.locator("#content")).to_be_focused()
    page.close()


def test_a_stream_that_is_renewed_says_nothing_that_is_not_so(
    browser: Browser, house_of: House, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LONGEST_SECONDS", 1.0)
    monkeypatch.setattr(live, "LEAVE_SECONDS", 2.0)
    page = browser.new_page()
    sign_in(page, address)
    for _ in range(3):
        page.wait_for_event("response", lambda answer: answer.url.endswith("/live"))
    expect(page.get_by_text("There may be something new")).to_be_hidden()
    tell_of(house_of, "match.proposed", 2)
    expect(page.get_by_text("2 new")).to_be_visible()
    page.close()
