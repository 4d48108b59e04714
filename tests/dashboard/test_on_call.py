"""Pages of the rota: who writes it, what every page says when nobody would be called, and what was not delivered."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dashboard.access import accounts
from dashboard.database import beside, open_database
from dashboard.oncall import store
from dashboard.oncall.caller import Caller, Calling
from dashboard.oncall.gaps import NO_CHANNEL
from dashboard.oncall.rota import week_of
from matcher.errors import Unreachable
from tests.dashboard.house import Browser
from tests.dashboard.rivers import HOUR, T0, Living, river
from tests.kindred.shell import kindred
from tests.matcher.people import join, tell

pytestmark = pytest.mark.slow


class Broken:
    name = "mail"

    def send(self, message: object, to: str | None) -> None:
        raise Unreachable("KND-call-mail", "the mail server did not take a message")


@pytest.fixture
def house() -> Living:
    events = tell("progress.distress", "n-1", T0 + HOUR, level="high")
    report = tell("safety.reported", "n-2", T0 + HOUR, severity="serious", by="m-1")
    house = Living(river(join("n-2", T0), events, report).program)
    object.__setattr__(house.parts, "channels", frozenset({"mail"}))
    return house


def lead(house: Living) -> Browser:
    return house.signed_in(("river", "lead"))


def weeks(browser: Browser, *accounts: str, deputy: str = "-"):
    filled = [*accounts, *["-"] * (8 - len(accounts))]
    first = browser.get("/api/v1/on-call").json()["programs"][0]["first"]
    return browser.post("/on-call/river/weeks", {"first": first, "accounts": filled, "deputy": deputy})


def test_a_lead_writes_the_rota_and_everybody_sees_who_is_on_call(house: Living) -> None:
    robin = house.account(("river", "coordinator"), name="Robin")
    sam = house.account(("river", "coordinator"), name="Sam")
    browser = lead(house)
    assert weeks(browser, robin, sam, deputy=sam).status_code == 303
    page = browser.get("/on-call")
    assert "On call now: <strong>Robin</strong>, then Sam" in page.text
    model = browser.get("/api/v1/on-call").json()["programs"][0]
    assert [week["account"] for week in model["weeks"][:3]] == [robin, sam, None]
    assert "On call: Robin, then Sam." in house.browser(robin).get("/alerts").text
    assert weeks(browser, sam).status_code == 303
    model = browser.get("/api/v1/on-call").json()["programs"][0]
    assert ([week["account"] for week in model["weeks"][:3]], model["deputy"]) == ([sam, None, None], None)


def test_only_who_coordinates_or_leads_the_program_can_be_on_call(house: Living) -> None:
    elsewhere = house.account(("hill", "coordinator"))
    viewer = house.account(("river", "viewer"))
    browser = lead(house)
    for stranger in (elsewhere, viewer, "a-nobody"):
        assert weeks(browser, stranger).status_code == 422
        assert weeks(browser, browser.account, deputy=stranger).status_code == 422
    assert browser.post("/on-call/hill/weeks", {"first": 1, "accounts": ["-"]}).status_code == 404
    assert house.signed_in(("river", "coordinator")).get("/on-call").status_code == 403


def test_a_leave_passes_the_call_on_and_can_be_taken_away(house: Living) -> None:
    robin = house.account(("river", "coordinator"), name="Robin")
    browser = lead(house)
    weeks(browser, robin, deputy=browser.account)
    day = "2026-03-02"
    assert browser.post("/on-call/leave", {"account": robin, "since": day, "until": "2026-03-01"}).status_code == 422
    assert browser.post("/on-call/leave", {"account": "a-x", "since": day, "until": day}).status_code == 422
    assert browser.post("/on-call/leave", {"account": robin, "since": day, "until": "2029-03-01"}).status_code == 422
    assert browser.post("/on-call/leave", {"account": robin, "since": day, "until": "2026-12-01"}).status_code == 303
    model = browser.get("/api/v1/on-call").json()
    assert "Robin" not in model["programs"][0]["now"]
    assert "is away" in browser.get("/on-call").text
    (leave,) = model["leaves"]
    assert house.signed_in(("hill", "lead")).post(f"/on-call/leave/{leave['id']}/end").status_code == 404
    assert browser.post(f"/on-call/leave/{leave['id']}/end").status_code == 303
    assert browser.get("/api/v1/on-call").json()["programs"][0]["now"][0] == "Robin"


def test_every_page_says_when_nobody_would_be_called(house: Living) -> None:
    browser = lead(house)
    opened = [page.path for page in house.app.state.pages if "{" not in page.path and "lead" in page.roles]
    paths = [path for path in opened if "text/html" in browser.get(path).headers["content-type"]]
    assert len(paths) > 10
    for path in paths:
        assert "Nobody is on call in river." in browser.get(path).text, path
    weeks(browser, browser.account)
    assert "Nobody on call in river can be reached: no mail address." in browser.get("/account").text
    browser.post("/account/mail", {"mail": "lead@clinic.example"})
    assert 'class="now gap"' not in browser.get("/account").text
    object.__setattr__(house.parts, "channels", frozenset())
    for path in paths:
        assert NO_CHANNEL in browser.get(path).text, path


@pytest.mark.parametrize("wrong", ["x", "a@b c", "a@b\r\nBcc: all@example.org", "a@" + "b" * 300])
def test_a_mail_address_is_one_and_can_be_taken_away(house: Living, wrong: str) -> None:
    browser = lead(house)
    assert browser.post("/account/mail", {"mail": wrong}).status_code == 422
    assert browser.post("/account/mail", {"mail": "lead@clinic.example"}).status_code == 303
    assert browser.get("/api/v1/account").json()["mail"] == "lead@clinic.example"
    assert browser.post("/account/mail").status_code == 303
    assert browser.get("/api/v1/account").json()["mail"] is None


def test_a_failed_delivery_is_shown_to_those_who_may_see_its_alert(house: Living) -> None:
    robin = house.browser(house.account(("river", "coordinator"), name="Robin"))
    browser = lead(house)
    robin.post("/account/mail", {"mail": "robin@clinic.example"})
    browser.post("/account/mail", {"mail": "lead@clinic.example"})
    weeks(browser, robin.account)
    now = [house.now]
    calling = Calling((Broken(),), "http://localhost/alerts", 900)
    Caller(house.engine, house.replica, calling, clock=lambda: now[0]).look()
    shown = browser.get("/api/v1/alerts").json()["failures"]
    assert {(each["name"], each["tries"], each["code"]) for each in shown} == {
        ("Robin", 1, "KND-call-mail"),
        ("account 1", 1, "KND-call-mail"),  # the report: for leads
    }
    assert [each["name"] for each in robin.get("/api/v1/alerts").json()["failures"]] == ["Robin"]
    assert "was not delivered" in robin.get("/alerts").text
    health = browser.get("/health-and-letters")
    assert "KND-call-mail" in health.text
    assert "n-1" not in health.text


def test_what_was_sent_stands_beside_its_alert(house: Living) -> None:
    class Taken(Broken):
        def send(self, message: object, to: str | None) -> None:
            pass

    browser = lead(house)
    browser.post("/account/mail", {"mail": "lead@clinic.example"})
    weeks(browser, browser.account)
    Caller(house.engine, house.replica, Calling((Taken(),), "http://localhost", 900), clock=lambda: house.now).look()
    assert "was told" in browser.get("/alerts").text
    assert "nothing undelivered" in browser.get("/health-and-letters").text


def test_status_says_when_nobody_would_be_called(tmp_path: Path) -> None:
    events = kindred("cohort", "--members", "10", "--mentors", "3", "--days", "10", at=tmp_path).stdout
    (tmp_path / "events.jsonl").write_text(events)
    kindred("replay", "events.jsonl", "--out", "d", at=tmp_path)
    assert NO_CHANNEL in kindred("status", "d", at=tmp_path).stdout
    mail = {
        "KINDRED_SMTP_HOST": "mail.example",
        "KINDRED_SMTP_FROM": "k@clinic.example",
        "KINDRED_PUBLIC_ADDRESS": "https://kindred.example",
    }
    said = kindred("status", "d", at=tmp_path, **mail)
    assert "Nobody is on call in river." in said.stdout, said.stderr
    engine = open_database(beside(tmp_path / "d"))
    with engine.begin() as db:
        id_ = accounts.make(db, "Robin", [("river", "coordinator")], 0)
        store.set_mail(db, id_, "robin@clinic.example")
        now = time.time()
        for ahead in (0, 1):
            store.set_week(db, "river", week_of(int(now)) + ahead, id_)
    engine.dispose()
    assert "on call" not in kindred("status", "d", at=tmp_path, **mail).stdout
    away = kindred("status", "d", at=tmp_path, **mail, KINDRED_DATABASE_URL="sqlite:////nowhere/at/all.db")
    assert "database cannot be read" in away.stdout, away.stderr
    assert "Nobody is on call" not in away.stdout
    lame = {name: value for name, value in mail.items() if name != "KINDRED_PUBLIC_ADDRESS"}
    wrong = kindred("status", "d", at=tmp_path, **lame)
    assert (wrong.returncode, "KND-call-settings" in wrong.stderr) == (2, True)
