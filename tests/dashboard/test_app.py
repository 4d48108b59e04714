"""What holds of every page and every action: who may, what the browser is told, what the twin says."""

from __future__ import annotations

import itertools
import re
from html import unescape
from importlib.resources import files
from pathlib import Path

import pytest
from jinja2 import ChoiceLoader, DictLoader
from pydantic import BaseModel, ConfigDict, Field

from dashboard import render
from dashboard.access import audit
from dashboard.database import open_database
from dashboard.frame import (
    ADMINS,
    COORDINATORS,
    EVERYBODY,
    LEADS,
    VIEWERS,
    Action,
    Ask,
    Conflict,
    Decided,
    FormErrors,
    NotFound,
    Page,
    Role,
)
from dashboard.pages import ACTIONS, PAGES
from dashboard.shield import BODY_BYTES_MAX, POLICY
from dashboard.twin import address
from dashboard.views.standing import Urgent
from matcher.errors import Unreachable
from streams.service import STOPPING
from tests.dashboard.house import House
from tests.dashboard.rivers import T0, Living, river
from tests.matcher.people import tell

ROLES: tuple[Role, ...] = ("viewer", "coordinator", "lead", "clinician", "admin")
RIVER = {
    "program": "river",
    "person": "m-17",
    "match": "x-1",
    "account": "a-1",
    "alert": "a-1",
    "leave": "l-1",
    "newcomer": "m-17",
    "member": "m-17",
    "upload": "u-1",
}


class Shown(BaseModel):
    programs: list[str]
    words: str | None = None
    errors: dict[str, str] = {}


WORDS = frozenset({"words"})


class Search(BaseModel):
    model_config = ConfigDict(extra="forbid")

    words: str | None = Field(None, max_length=20)


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    by: str = Field(min_length=1)
    days: int = Field(0, ge=0)
    tags: list[str] = []


def show(ask: Ask) -> Shown:
    if ask.path.get("person") == "unknown":
        raise NotFound
    return Shown(programs=sorted(ask.programs), words=getattr(ask.query, "words", None), errors=dict(ask.errors))


def say(ask: Ask, said: Said) -> Decided:
    if said.by == "nobody":
        raise FormErrors(by="Say who.")
    if said.by == "late":
        raise Conflict("somebody else was quicker")
    events = [{"id": "e-1", "by": said.by, "tags": said.tags}] if said.by != "quiet" else []
    return Decided(events, "/today?x=1", "It is said.", about=ask.path["person"], program=ask.path["program"])


def breaks(ask: Ask) -> Shown:
    raise RuntimeError("m-17 has F11.20")


TEST_PAGES = (
    Page("/today", "Today", VIEWERS, show, "trial.html", query=Search, nav="bar", order=1, search=WORDS),
    Page("/people/{program}/{person}", "Person", COORDINATORS, show, "trial.html", person="person"),
    Page("/keys", "Keys", ADMINS, show, "trial.html", nav="more"),
    Page("/broken", "Broken", EVERYBODY, breaks, "trial.html"),
)
TEST_ACTIONS = (
    Action("/people/{program}/{person}/said", LEADS, Said, say, "/people/{program}/{person}", person="person"),
)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    shown = "<p>{{ model.programs }} {{ model.words }} {{ ask.errors }}</p>"
    trial = f'{{% extends "layout.html" %}}{{% block content %}}{shown}{{% endblock %}}'
    environment = render.environment()
    monkeypatch.setattr(environment, "loader", ChoiceLoader([environment.loader, DictLoader({"trial.html": trial})]))
    return House(pages=TEST_PAGES, actions=TEST_ACTIONS)


@pytest.fixture(scope="module")
def real() -> House:
    """The real pages, shared: each test makes accounts of its own."""
    return House()


def filled(path: str, program: str = "river") -> str:
    return path.format(**{**RIVER, "program": program})


# every real route × every role × another program


@pytest.mark.parametrize(
    ("page", "role"), list(itertools.product(PAGES, ROLES)), ids=lambda it: getattr(it, "path", it)
)
def test_a_page_opens_for_its_roles_and_no_other(real: House, page: Page, role: Role) -> None:
    browser = real.signed_in(("river", role))
    for path in (filled(page.path), address(filled(page.path))):
        answer = browser.get(path)
        if role in page.roles:
            assert answer.status_code in (200, 404), path  # 404: the program has nobody of this id
        elif path == "/":
            assert answer.headers["location"] != "/"
        else:
            assert answer.status_code == 403, path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "role"), list(itertools.product(ACTIONS, ROLES)), ids=lambda it: getattr(it, "path", it)
)
def test_an_action_is_for_its_roles_and_no_other(real: House, action: Action, role: Role) -> None:
    browser = real.signed_in(("river", role))
    answers = [browser.post(filled(action.path)), browser.api(address(filled(action.path)), {})]
    for answer in answers:
        assert (answer.status_code == 403) == (role not in action.roles), answer.text
        assert answer.status_code < 500


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if "{program}" in page.path], ids=lambda page: page.path)
@pytest.mark.parametrize("role", ROLES)
def test_nobody_opens_a_page_of_another_program(real: House, page: Page, role: Role) -> None:
    browser = real.signed_in(("hill", role))
    for path in (filled(page.path), address(filled(page.path))):
        assert browser.get(path).status_code in (403, 404)


@pytest.mark.slow
@pytest.mark.parametrize("action", [a for a in ACTIONS if "{program}" in a.path], ids=lambda action: action.path)
@pytest.mark.parametrize("role", ROLES)
def test_nobody_decides_in_another_program(real: House, action: Action, role: Role) -> None:
    browser, before = real.signed_in(("hill", role)), len(real.sent)
    for answer in (browser.post(filled(action.path)), browser.api(address(filled(action.path)), {})):
        assert answer.status_code in (403, 404, 422)
    assert len(real.sent) == before


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_nothing_is_shown_to_those_who_are_not_signed_in(real: House, page: Page) -> None:
    client = real.client()
    answer = client.get(filled(page.path))
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")
    refused = client.get(address(filled(page.path)))
    assert (refused.status_code, refused.json()["code"]) == (401, "KND-sign-in")


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.path)
def test_nothing_is_done_for_those_who_are_not_signed_in(real: House, action: Action) -> None:
    real.sent.clear()
    assert real.client().post(filled(action.path)).status_code == 401
    assert real.client().post(address(filled(action.path)), json={}).status_code == 401
    assert not real.sent


def test_every_page_and_action_names_a_role_and_every_person_has_a_program() -> None:
    for item in (*PAGES, *ACTIONS):
        assert item.roles
        if item.person:
            assert f"{{{item.person}}}" in item.path
            assert "{program}" in item.path
    for action in ACTIONS:
        assert action.page in {page.path for page in PAGES}


def test_the_programs_of_a_view_are_those_in_which_the_account_may(house: House) -> None:
    browser = house.signed_in(("river", "viewer"), ("hill", "clinician"))
    assert browser.get("/api/v1/today").json()["programs"] == ["river"]
    assert house.signed_in(("*", "viewer")).get("/api/v1/today").json()["programs"] == ["hill", "river"]


def test_the_switch_narrows_every_page_and_is_remembered(house: House) -> None:
    browser = house.signed_in(("*", "coordinator"))
    assert browser.get("/api/v1/today?program=hill").json()["programs"] == ["hill"]
    assert browser.post("/switch", {"program": "river", "then": "/today"}).headers["location"] == "/today"
    assert browser.get("/api/v1/today").json()["programs"] == ["river"]
    assert browser.post("/switch", {"program": ""}).status_code == 303
    assert browser.get("/api/v1/today").json()["programs"] == ["hill", "river"]
    assert house.signed_in(("hill", "viewer")).get("/today?program=river").status_code == 404


def test_nobody_sees_or_decides_about_themselves(house: House) -> None:
    browser = house.signed_in(("river", "lead"), member="m-17")
    for path in ("/people/river/m-17", "/api/v1/people/river/m-17"):
        refused = browser.get(path)
        assert (refused.status_code, "KND-own-record" in refused.text) == (403, True)
    assert browser.post("/people/river/m-17/said", {"by": "kim"}).status_code == 403
    assert browser.get("/people/river/m-18").status_code == 200
    assert not house.sent


def test_an_unknown_id_and_one_of_another_program_look_the_same(house: House) -> None:
    browser = house.signed_in(("river", "lead"))
    unknown, foreign = browser.get("/people/river/unknown"), browser.get("/people/hill/m-17")
    assert unknown.status_code == foreign.status_code == 404
    assert unknown.text == foreign.text
    assert "KND-page-not-found" in unknown.text


def test_a_decision_is_sent_audited_and_told(house: House) -> None:
    browser = house.signed_in(("river", "lead"))
    answer = browser.post("/people/river/m-17/said", {"by": "kim", "tags": ["a", "b"], "days": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, "/today?x=1")
    assert house.sent == [{"id": "e-1", "by": "kim", "tags": ["a", "b"]}]
    assert "It is said." in browser.get("/today").text
    assert "It is said." not in browser.get("/today").text
    with house.engine.connect() as db:
        line = audit.newest(db, before=None, programs=["river"], others=False, limit=1)[0]
    assert (line["what"], line["about"], line["account"]) == ("decided", "m-17", browser.account)
    assert line["where_"] == "/people/{program}/{person}/said"


def test_opening_a_person_is_audited(house: House) -> None:
    browser = house.signed_in(("river", "coordinator"))
    browser.get("/people/river/m-17")
    browser.get("/people/river/unknown")
    with house.engine.connect() as db:
        lines = audit.newest(db, before=None, programs=["river"], others=False, limit=5)
    assert [(line["what"], line["about"]) for line in lines] == [("opened", "m-17")]


def test_a_form_with_errors_comes_back_with_what_was_filled_in(house: House) -> None:
    browser = house.signed_in(("river", "lead"))
    for fields, why in (
        ({"by": ""}, "This is needed"),
        ({"by": "x", "days": "-1"}, "greater"),
        ({"by": "nobody"}, "Say who"),
    ):
        answer = browser.post("/people/river/m-17/said", fields)
        assert answer.status_code == 422
        assert why in answer.text
    late = browser.post("/people/river/m-17/said", {"by": "late"})
    assert late.status_code == 409
    assert "somebody else was quicker" in late.text
    assert not house.sent


def test_what_the_program_refuses_is_an_error_of_the_form(house: House) -> None:
    house.refuse = [("e-1", "KND-stopping")]
    browser = house.signed_in(("river", "lead"))
    answer = browser.post("/people/river/m-17/said", {"by": "kim"})
    assert answer.status_code == 422
    assert "KND-stopping" in answer.text
    assert browser.api("/api/v1/people/river/m-17/said", {"by": "kim"}).status_code == 422


def test_a_service_that_takes_nothing_says_so(house: House) -> None:
    def refuse(events: object) -> None:
        raise Unreachable(STOPPING, "the service is stopping")

    object.__setattr__(house.parts, "send", refuse)
    browser = house.signed_in(("river", "lead"))
    answer = browser.post("/people/river/m-17/said", {"by": "kim"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_a_decision_that_pages_do_not_show_yet_is_said_to_be_written(house: House) -> None:
    house.replica.is_late = True
    browser = house.signed_in(("river", "lead"))
    browser.post("/people/river/m-17/said", {"by": "kim"})
    assert "a moment later" in browser.get("/today").text


def test_every_answer_shields_the_browser(house: House) -> None:
    browser = house.signed_in(("*", "lead"))
    for path in ("/today", "/nowhere", "/sign-in", "/broken", "/api/v1/today", "/api/v1/nowhere", "/static/style.css"):
        headers = browser.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert "unsafe" not in POLICY
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"
        assert ("no-store" in headers["cache-control"]) == (not path.startswith("/static"))


def test_no_page_needs_inline_styles_or_scripts() -> None:
    for template in (files("dashboard") / "templates").iterdir():
        text = template.read_text()
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:|https?://(?!www\.w3\.org)", text), template.name
        assert not re.search(r"<script(?! src=)", text), template.name


def test_a_defect_tells_neither_browser_nor_log_whom_it_was_about(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = house.signed_in(("*", "lead"))
    answer = browser.get("/broken")
    assert answer.status_code == 500
    api = browser.get("/api/v1/broken")
    assert (api.status_code, api.headers["content-type"]) == (500, "application/problem+json")
    assert ("KND-dashboard" in answer.text, api.json()["code"]) == (True, "KND-dashboard")
    out = capsys.readouterr()
    for text in (answer.text, api.text, out.out, out.err):
        assert "F11.20" not in text
        assert "m-17" not in text
    assert "RuntimeError" in out.out + out.err


def test_also_a_page_of_errors_and_a_secret_say_what_cannot_wait() -> None:
    program = river(tell("progress.distress", "n-1", T0 + 60, level="high"))
    house = Living(program.program)
    browser = house.browser(house.account(("*", "lead"), ("*", "admin")))
    made = {"name": "Kim", "role": "viewer", "program": "river"}
    for page in (browser.get("/nowhere"), browser.get("/people/river/n-404"), browser.post("/accounts", made)):
        assert "1 thing cannot wait" in unescape(re.sub("<[^>]+>", "", page.text))
        assert "Nothing urgent" not in page.text
        assert "Nobody is called when something cannot wait" in page.text

    def fails(ask: Ask) -> Urgent:
        raise RuntimeError

    object.__setattr__(house.parts, "urgent", fails)
    page = browser.get("/nowhere")
    assert (page.status_code, "Nothing urgent" in page.text) == (404, False), "what was not counted is not said"


def test_a_database_that_is_away_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.db"
    engine = open_database(f"sqlite:///{path}")
    house = House(pages=PAGES, actions=ACTIONS, engine=engine)
    browser = house.signed_in(("river", "coordinator"))
    assert browser.get("/today").status_code == 200
    engine.dispose()
    path.rename(tmp_path / "elsewhere")
    path.mkdir()
    for door in ("/today", "/account", "/sign-in", "/static/nothing.css"):
        page = browser.get(door)
        assert page.headers["content-type"] == "text/html; charset=utf-8", door
        assert page.headers["content-security-policy"] == POLICY, door
        if page.status_code != 404:
            assert (page.status_code, "KND-database-away" in page.text) == (503, True), door
    problem = browser.get("/api/v1/today")
    assert (problem.status_code, problem.json()["code"]) == (503, "KND-database-away")


def test_a_page_of_errors_speaks_plainly_and_a_program_gets_a_problem(house: House) -> None:
    browser = house.signed_in(("river", "viewer"))
    assert "nothing at this address" in browser.get("/nowhere").text
    problem = browser.get("/api/v1/keys")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["code"] == "KND-not-yours"
    assert browser.get("/api/v1/today?other=1").json()["errors"][0]["field"] == "other"


def test_the_twin_says_the_same_has_a_tag_and_answers_304(house: House) -> None:
    browser = house.signed_in(("river", "viewer"))
    first = browser.get("/api/v1/today")
    assert browser.get("/api/v1/today", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    house.replica.programs.pop("river")
    other = browser.get("/api/v1/today")
    assert other.headers["etag"] != first.headers["etag"]


def test_words_that_are_looked_for_come_by_post(house: House) -> None:
    browser = house.signed_in(("river", "viewer"))
    assert "opioid" in browser.post("/today", {"words": "opioid"}).text
    assert browser.client.post("/today", data={"words": "opioid"}).status_code == 403
    for path in ("/today", "/api/v1/today"):
        refused = browser.get(f"{path}?words=opioid")
        assert (refused.status_code, "are not taken from an address" in refused.text) == (422, True)


def test_the_twin_of_an_action_takes_json_and_nothing_else(house: House) -> None:
    browser = house.signed_in(("river", "lead"))
    path = "/api/v1/people/river/m-17/said"
    answer = browser.api(path, {"by": "kim", "days": 3})
    assert answer.json()["notice"] == "It is said."
    assert answer.json()["position"] == 1
    assert browser.client.post(path, content=b'{"by":"kim"}', headers={"content-type": "text/plain"}).status_code == 415
    assert browser.client.post(path, json={"by": "kim"}).status_code == 403
    late = browser.api(path, {"by": "late"})
    assert (late.status_code, late.json()["code"]) == (409, "KND-outdated")
    for body in (b"[]", b"{", b"[" * 100_000, b"\xff"):
        headers = {"content-type": "application/json", "x-form-token": browser.token}
        assert browser.client.post(path, content=body, headers=headers).status_code == 422


def test_the_openapi_document_names_every_page_and_action(house: House) -> None:
    document = house.signed_in(("river", "viewer")).get("/api/v1/openapi.json").json()
    for item in (*TEST_PAGES, *TEST_ACTIONS):
        assert "/api/v1" + item.path in document["paths"]
    assert "Shown" in document["components"]["schemas"]
    assert house.client().get("/api/v1/openapi.json").status_code == 401


def test_bodies_that_no_form_has_are_refused(house: House) -> None:
    browser = house.signed_in(("river", "lead"))
    for headers in ({"content-length": str(BODY_BYTES_MAX + 1)}, {}):
        content = b"a" if headers else b"a" * (BODY_BYTES_MAX + 1)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        answer = browser.client.post("/people/river/m-17/said", content=content, headers={**kind, **headers})
        assert (answer.status_code, "KND-form-too-large" in answer.text) == (413, True)


def test_the_first_page_is_the_first_that_the_account_may_open(house: House) -> None:
    assert house.signed_in(("river", "viewer")).get("/").headers["location"] == "/today"
    assert house.signed_in(("*", "admin")).get("/").headers["location"] == "/keys"


def test_two_pages_with_one_path_are_refused() -> None:
    with pytest.raises(ValueError, match="two routes"):
        House(pages=(TEST_PAGES[0], TEST_PAGES[0]))
