"""Every page by axe-core (WCAG 2.2 AA and good practice), in both themes: nothing to find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import create_engine

from dashboard.access import accounts
from dashboard.contact.vault import Vault
from dashboard.importing import columns
from dashboard.pages import PAGES
from matcher.policy import Policy, ReviewTable
from matcher.program import Program
from tests.dashboard.chromium import chromium, come_in
from tests.dashboard.house import PASSWORD, served
from tests.dashboard.rivers import Living, cohort
from tests.matcher.people import tell

pytestmark = pytest.mark.slow
PATHS = [page.path for page in PAGES if page.file is None]
BESIDE = ("/sign-in", "/nowhere")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """A program of real-shaped people, with their history."""
    database = tmp_path_factory.mktemp("axe") / "dashboard.db"
    program = Program.fold(cohort())
    program.adopt(Policy(review=ReviewTable(mode="staged")), program.at or 0)  # so that a list of low risk is there
    told = next(match.newcomer for match in program.state.matches.open.values() if match.stage == "proposed")
    program.handle(tell("consent.granted", told, program.at or 0, scope="clinician"), program.at or 0)
    vault = Vault.at(database.with_name("card-keys"), fresh=True)
    made = Living(program, Program("hill"), engine=create_engine(f"sqlite:///{database}"), vault=vault)
    yield made.remember(*cohort())
    made.engine.dispose()


@pytest.fixture(scope="module")
def address(house: Living) -> Iterator[str]:
    with served(house) as url:
        yield url


@pytest.fixture(scope="module", params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, house: Living, address: str) -> Iterator[Page]:
    account = house.account(("*", "lead"), ("*", "admin"))
    with house.engine.begin() as db:
        accounts.set_password(db, account, PASSWORD)
    made = come_in(
        browser, house, account, address, color_scheme=request.param, viewport={"width": 1280, "height": 900}
    )
    yield made
    made.context.close()


def found(page: Page) -> list[str]:
    """What axe-core holds against the page as it is."""
    violations = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in violations for node in each["nodes"]]


def braces(house: Living) -> Mapping[str, str]:
    """Somebody who waits with a proposal, and their mentor's program."""
    program = house.replica.programs["river"]
    match = next(match for match in program.state.matches.open.values() if match.stage == "proposed")
    return {"program": "river", "person": match.newcomer, "newcomer": match.newcomer, "match": match.id}


@pytest.mark.parametrize("path", [*PATHS, *BESIDE])
def test_a_page_has_nothing_that_axe_finds(page: Page, house: Living, address: str, path: str) -> None:
    filled = path.format_map({**braces(house), "account": house.account(("river", "viewer")), "upload": "{upload}"})
    if "{upload}" in filled:
        page.goto(f"{address}/import")
        page.get_by_role("combobox", name="Program").fill("river")
        file = {"name": "people.csv", "mimeType": "text/csv", "buffer": columns.template().encode() + b"n-2,,x\n"}
        page.get_by_label("File").set_input_files(file)
        page.get_by_role("button", name="Look at the file").click()
        filled = page.url.removeprefix(address)
    answer = page.goto(address + filled)
    assert answer is not None
    assert answer.status == (404 if path == "/nowhere" else 200)
    expect(page.locator("main h1")).to_have_count(1)
    for menu in page.locator("details").all():
        menu.evaluate("it => it.open = true")
    assert found(page) == []


def test_the_measure_finds_something(page: Page) -> None:
    page.goto("about:blank")
    page.set_content("<main><h1>Hello</h1><img src='x.png'></main>")
    assert any(trouble.startswith("image-alt") for trouble in found(page))


def test_neither_has_an_unfolded_card_nor_a_form_with_errors(page: Page, house: Living, address: str) -> None:
    page.goto(f"{address}/today")
    page.get_by_role("link", name="Unfold").click()
    expect(page.get_by_role("heading", name="What it does to others")).to_be_visible()
    assert found(page) == []
    page.goto(f"{address}/account")
    page.get_by_label("The password you have").fill("not this one")
    page.get_by_label("The new one", exact=True).fill("short")
    page.get_by_label("The new one again").fill("shorter")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert found(page) == []
