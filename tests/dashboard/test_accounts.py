"""Keeping accounts: who may grant what, what the audit says of it, and one's own password."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from sqlalchemy import Engine, event

from dashboard.access import accounts, attempts, audit, passwords
from matcher.program import Program
from tests.dashboard.house import PASSWORD, Browser, House

pytestmark = pytest.mark.slow


@pytest.fixture
def house() -> House:
    return House()


def grants(house: House, account: str) -> list[dict[str, str]]:
    keeper = house.signed_in(("*", "admin"))
    found = keeper.get("/api/v1/accounts").json()["accounts"]
    return next(row["grants"] for row in found if row["id"] == account)


@pytest.mark.parametrize("program", ["*", "river", "not-there-yet"])
def test_nobody_grants_or_takes_away_in_programs_whose_accounts_they_do_not_keep(house: House, program: str) -> None:
    keeper, other = house.signed_in(("hill", "admin")), house.account((program, "lead"))
    house.account(("*", "lead"))
    for what, account in (("grant", keeper.account), ("revoke", other)):
        answer = keeper.post(f"/accounts/{account}/{what}", {"program": program, "role": "lead"})
        assert answer.status_code == 422
        assert "You do not keep the accounts of" in answer.text
    assert keeper.post("/accounts", {"name": "Kim", "program": program, "role": "lead"}).status_code == 422
    assert keeper.get("/people").status_code == 403
    assert grants(house, keeper.account) == [{"program": "hill", "role": "admin"}]
    assert grants(house, other) == [{"program": program, "role": "lead"}]
    own = {"program": "hill", "role": "coordinator"}
    assert keeper.post(f"/accounts/{other}/grant", own).status_code == 303
    assert own in grants(house, other)


@pytest.mark.parametrize("what", ["invite", "close", "open", "member"])
def test_an_account_itself_is_changed_by_who_keeps_all_that_it_is_granted(house: House, what: str) -> None:
    keeper = house.signed_in(("hill", "admin"))
    theirs, shared = house.account(("hill", "viewer")), house.account(("hill", "viewer"), ("river", "viewer"))
    form = {"member": "m-1"} if what == "member" else {}
    assert keeper.post(f"/accounts/{shared}/{what}", form).status_code == 422
    assert keeper.post(f"/accounts/{theirs}/{what}", form).status_code in (200, 303)
    page = keeper.get("/accounts").text
    assert f"/accounts/{theirs}/member" in page
    assert f"/accounts/{shared}/member" not in page
    assert '<option value="*">' not in page


def test_who_keeps_the_accounts_of_one_program_reads_the_audit_of_that_one(house: House) -> None:
    house.signed_in(("river", "lead")).get("/audit")
    house.signed_in(("*", "lead")).post("/switch", {"program": "river"})
    house.signed_in(("river", "lead")).post("/on-call/river/weeks", {"first": "3000", "accounts": "-"})
    assert "river" in house.signed_in(("*", "admin")).get("/audit").text
    seen = house.signed_in(("hill", "admin")).get("/api/v1/audit").json()["lines"]
    assert not seen


def test_who_is_a_member_neither_unbinds_nor_rebinds_themselves(house: House) -> None:
    account = house.account(("*", "admin"), ("river", "coordinator"))
    assert house.browser(account).post(f"/accounts/{account}/member", {"member": "m-1"}).status_code == 303
    for member in ("", "m-2"):
        refused = house.browser(account).post(f"/accounts/{account}/member", {"member": member})
        assert refused.status_code == 422
        assert "A colleague" in refused.text
    keeper = house.signed_in(("*", "admin"))
    assert keeper.post(f"/accounts/{account}/member", {"member": "m-2"}).status_code == 303


def test_two_who_take_each_other_away_at_once_leave_one(new_database: Callable[[], Engine]) -> None:
    house = House(engine=new_database())
    keeper, first, second = (house.account(("river", role)) for role in ("admin", "lead", "lead"))
    browser, writes = house.browser(keeper), Event()

    def note(_db: object, _cursor: object, statement: str, *_: object) -> None:
        if "account_grant" in statement and not statement.lstrip().startswith("SELECT"):
            writes.set()

    with ThreadPoolExecutor(1) as other:
        with house.engine.begin() as db:
            accounts.set_grants(db, first, [])
            event.listen(house.engine, "before_cursor_execute", note)
            sent = other.submit(browser.post, f"/accounts/{second}/revoke", {"program": "river", "role": "lead"})
            assert writes.wait(10), "the other never came so far as to write"
        assert sent.result(20).status_code == 409


def test_the_audit_says_which_account_was_given_or_lost_what_and_where(house: House) -> None:
    keeper, account = house.signed_in(("*", "admin")), house.account(("river", "viewer"), name="Kim")
    grant = {"program": "river", "role": "coordinator"}
    house.account(("river", "lead"))
    for what, form in (
        ("grant", grant),
        ("invite", {}),
        ("revoke", grant),
        ("member", {"member": "m-1"}),
        ("close", {}),
    ):
        keeper.post(f"/accounts/{account}/{what}", form)
    keeper.post("/accounts", {"name": "Lou", "program": "*", "role": "lead"})
    for reader in (keeper, house.signed_in(("river", "admin"))):
        lines = reader.get("/api/v1/audit").json()["lines"]
        about_kim = [(each["what"], each["about_name"], each["program"]) for each in lines if each["about"] == account]
        assert about_kim == [
            ("closed an account", "Kim", "river"),
            ("bound", "Kim", "river"),
            ("took away coordinator", "Kim", "river"),
            ("made a link", "Kim", "river"),
            ("granted coordinator", "Kim", "river"),
        ]
        assert "Kim" in reader.get("/audit").text
    made = [(each["what"], each["about_name"], each["program"]) for each in keeper.get("/api/v1/audit").json()["lines"]]
    assert ("made a lead", "Lou", "*") in made


def test_who_keeps_accounts_reads_nobody_of_a_program_in_the_audit(house: House) -> None:
    house.signed_in(("river", "coordinator")).get("/people/river/m-1")
    with house.engine.begin() as db:
        audit.note(db, house.now, None, "opened", "/people/{program}/{person}", program="river", about="m-1")
    lines = house.signed_in(("*", "admin")).get("/api/v1/audit").json()["lines"]
    assert not [each for each in lines if each["about"]]
    assert house.signed_in(("river", "lead")).get("/api/v1/audit").json()["lines"][-1]["about"] == "m-1"


def test_an_account_has_a_name(house: House) -> None:
    keeper = house.signed_in(("*", "admin"))
    for name in ("", "   ", "\u3000"):
        refused = keeper.post("/accounts", {"name": name, "role": "viewer"})
        assert (refused.status_code, "This is needed." in refused.text) == (422, True)
        assert keeper.api("/api/v1/accounts", {"name": name, "role": "viewer"}).status_code == 422
    keeper.post("/accounts", {"name": " Kim ", "role": "viewer"})
    assert "Kim" in [row["name"] for row in keeper.get("/api/v1/accounts").json()["accounts"]]


def test_no_two_accounts_have_one_name_however_it_is_written(house: House) -> None:
    keeper = house.signed_in(("*", "admin"))
    assert keeper.api("/api/v1/accounts", {"name": "Kim", "role": "viewer"}).status_code == 200
    for name in ("Kim", " kIM "):
        taken = keeper.api("/api/v1/accounts", {"name": name, "role": "viewer"})
        assert (taken.status_code, taken.json()["code"]) == (409, "KND-login-taken")
        shown = keeper.post("/accounts", {"name": name, "role": "viewer"})
        assert (shown.status_code, "another account has this name" in shown.text) == (409, True)


def test_who_is_bound_to_no_member_any_more_is_said_to_be(house: House) -> None:
    keeper, account = house.signed_in(("*", "admin")), house.account(("river", "viewer"), member="m-1")
    for member, said in (("", "bound to no member"), ("m-2", "neither sees nor decides about this member")):
        answer = keeper.api(f"/api/v1/accounts/{account}/member", {"member": member or None})
        assert said in answer.json()["notice"]


def with_password(house: House) -> Browser:
    account = house.account(("river", "viewer"), name="Kim")
    with house.engine.begin() as db:
        accounts.set_password(db, account, PASSWORD)
    return house.browser(account)


def change(browser: Browser, old: str) -> int:
    form = {"old": old, "password": "three other words", "again": "three other words"}
    return browser.post("/account/password", form).status_code


def test_ones_own_password_is_guessed_at_a_few_times_only(house: House) -> None:
    browser = with_password(house)
    assert [change(browser, "wrong but long enough") for _ in range(attempts.BOTH_MAX)] == [422] * attempts.BOTH_MAX
    assert change(browser, PASSWORD) == 429
    house.now += attempts.WINDOW_SECONDS
    browser = house.browser(browser.account)
    assert change(browser, PASSWORD) == 303
    assert browser.get("/account").status_code == 303
    assert change(house.browser(browser.account), "three other words") == 303


def test_no_page_waits_while_a_password_is_looked_at(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, inside, seen = with_password(house), list[bool](), list[int]()
    reading = house.replica.reading

    @contextmanager
    def counted() -> Iterator[Mapping[str, Program]]:
        with reading() as programs:
            inside.append(True)
            yield programs
            inside.pop()

    monkeypatch.setattr(house.replica, "reading", counted)
    for name in ("matches", "hashed"):
        work = getattr(passwords, name)
        monkeypatch.setattr(passwords, name, lambda *given, work=work: (seen.append(len(inside)), work(*given))[1])
    assert change(browser, PASSWORD) == 303
    assert seen == [0, 0]
