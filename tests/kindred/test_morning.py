"""A coordinator's morning, from signing in to the printed list, in a browser before the running service."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import do_without
from tests.dashboard.chromium import chromium
from tests.kindred.test_dashboard import PASSWORD, running, until
from tools.parts import Unavailable
from tools.postgres import Postgres

pytestmark = pytest.mark.slow

POLICY = '[review]\nmode = "staged"\n'
HEAD = ["id", "role", "experiences", "consent", "languages", "wish_gender", "strategies", "capacity", "trained"]
HEAD += ["cleared", "mentor", "together_since"]
MENTORS, PAIRED, ALONE = 16, 12, 12


def spreadsheet() -> bytes:
    """40 people: 16 mentors, 12 newcomers who have one of them, 12 who wait; n-12 speaks what no mentor does."""
    table = [HEAD]
    for number in range(1, MENTORS + 1):
        lived = "F11.20 sustained 2020-05-01; F43.10 past"
        table.append([f"m-{number}", "mentor", lived, "", "en", "", "cravings sleep", "2", "2026-08-01", "yes", "", ""])
    for number in range(1, ALONE + PAIRED + 1):
        who = [f"n-{number}", "newcomer", "F11.20 early 2026-09-01; F43.10", "2026-11-01"]
        pair = [f"m-{number - ALONE}", "2026-11-10"] if number > ALONE else ["", ""]
        table.append([*who, "so" if number == 12 else "en", "any", "", "", "", "", *pair])
    out = io.StringIO()
    csv.writer(out).writerows(table)
    return out.getvalue().encode()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings that choose the dashboard's database."""
    if request.param == "sqlite":
        yield {}
        return
    try:
        server = Postgres()
    except Unavailable as why:
        do_without("postgres", str(why))
    with server:
        yield {"KINDRED_DATABASE_URL": server.url("morning")}


def test_a_coordinators_morning(tmp_path: Path, browser: Browser, database: dict[str, str]) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    start = ["serve", "--data", "data", "--port", "0", "--policy", "policy.toml"]
    with running(*start, at=tmp_path, name="serve", **database) as said:
        until(lambda: re.search(r"works once", said()), "the link for the first account")
        link = re.search(r"http\S+/welcome/\S+", said())
        assert link
        page = browser.new_page(viewport={"width": 390, "height": 844})
        sign_in(page, link[0])
        bring_everybody_in(page)
        review_by_keyboard(page)
        record_a_call(page)
        take_an_alert(page)
        find_out_why(page)
        page.goto(page.url.partition("/people")[0] + "/waiting/recruit")
        expect(page.get_by_text("speaks Somali")).to_be_visible()
        assert page.pdf().startswith(b"%PDF"), "the list can be printed"
        page.context.close()


def sign_in(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Your name here").fill("Robin")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.goto(page.url.partition("/today")[0].rstrip("/") + "/account")
    page.get_by_role("button", name="Switch them on").click()


def bring_everybody_in(page: Page) -> None:
    page.goto(page.url.partition("/account")[0] + "/import")
    page.get_by_label("Program").fill("river")
    page.get_by_label("File").set_input_files({"name": "people.csv", "mimeType": "text/csv", "buffer": spreadsheet()})
    page.get_by_role("button", name="Look at the file").click()
    expect(page.get_by_role("heading", name="Ready to be taken in")).to_be_visible()
    page.get_by_role("button", name="Take all of it in").click()
    expect(page.locator("body > .notice")).to_have_text("Taken in: 40 people, 16 of them mentors, 12 pairs.")
    begin = page.url
    page.goto(begin.partition("/start")[0] + "/today")
    expect(page.locator("[data-card]")).to_have_count(0)  # nobody is proposed before this
    page.goto(begin)
    page.get_by_role("button", name="Start pairing").click()
    page.goto(begin.partition("/start")[0] + "/today")


def review_by_keyboard(page: Page) -> None:
    """Ten decisions: one is held, one rejected with a reason, the rest approved by two keys each."""
    page.locator("[data-card]").focus()
    for number in range(10):
        sentence = page.locator("[data-card] h2").inner_text()
        keys, done = {3: ("h", "on hold"), 6: ("r", "will not be proposed")}.get(number, ("a", "are paired"))
        page.keyboard.press(keys)
        if keys == "r":
            page.keyboard.type("not the right")
            page.keyboard.press("Tab")
        if keys != "h":
            page.keyboard.press("Enter")
        expect(page.locator("body > .notice")).to_contain_text(done)
        expect(page.locator("body > .notice")).to_contain_text(sentence.split()[0])


def record_a_call(page: Page) -> None:
    page.goto(page.url.partition("/today")[0] + "/record/river/n-13")
    page.get_by_text("Distress", exact=True).click()
    form = page.locator("form[action$='/distress']")
    form.locator("select").last.select_option("high")
    form.get_by_role("button").click()
    expect(page.locator("body > .notice")).to_be_visible()


def take_an_alert(page: Page) -> None:
    page.get_by_role("link", name="cannot wait").click()
    expect(page.get_by_text("In great distress")).to_be_visible()
    page.get_by_role("button", name="I take it").first.click()
    expect(page.get_by_text("It is in your hands: n-13.")).to_be_visible()


def find_out_why(page: Page) -> None:
    page.goto(page.url.partition("/alerts")[0] + "/waiting")
    line = page.get_by_role("row").filter(has=page.get_by_role("link", name="n-12", exact=True))
    expect(line).to_contain_text("no language in common")
    page.get_by_role("link", name="n-12", exact=True).click()
    expect(page.get_by_role("heading", name="n-12")).to_be_visible()
