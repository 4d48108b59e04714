"""Insights through their door: who may, what is shown of few people, the file, and the age of figures."""

from __future__ import annotations

import csv
from io import StringIO
from itertools import product

import pytest

from dashboard.access import audit
from dashboard.cells import CELL_MIN
from dashboard.groups import BYS
from dashboard.sheets import sheet
from matcher.instants import DAY, HOUR
from matcher.program import Program
from tests.dashboard.rivers import T0, Living, cohort, river
from tests.matcher.people import River, join, mentor, tell

pytestmark = pytest.mark.slow

GENDERS = ("woman", "man")


def busy(people: int = 40, mentors: int = 14) -> River:
    """A program that pairs at once: women and men in turn, a contact after one day or four, some pairs that end."""
    program = River(*(mentor(f"m-{n}", capacity=3) for n in range(mentors)))
    for n in range(people):
        program.take(join(f"n-{n}", T0 + n * HOUR, gender=GENDERS[n % 2]))
    for n in range(people):
        match = program.program.state.matches.of_newcomer(f"n-{n}")
        if match is None or match.stage != "active":
            continue
        at = T0 + (n + 1) * HOUR + (1 if n % 3 else 4) * DAY - 2 * HOUR
        program.take(tell("match.contacted", match.id, at, by=match.mentor, channel="phone"))
        if n % 3 == 0:
            program.take(tell("match.closed", match.id, T0 + 20 * DAY, by="kim", reason="no_contact"))
    program.until(T0 + 100 * DAY)
    return program


@pytest.fixture(scope="module")
def told() -> Living:
    program = busy()
    house = Living(program.program).remember(*program.facts)
    house.now = T0 + 100 * DAY
    return house


def viewer(house: Living):
    return house.signed_in(("river", "viewer"))


def figures(house: Living, by: str = "everybody") -> dict[str, dict]:
    found = viewer(house).get(f"/api/v1/insights?by={by}").json()["programs"][0]["figures"]
    return {each["figure"]["name"]: each for each in found}


def test_a_viewer_sees_how_long_it_took_and_how_long_pairs_last(told: Living) -> None:
    found = figures(told)
    match, contact, survival = (found[name]["figure"] for name in ("match", "contact", "survival"))
    paired = match["lines"][0]["total"]
    assert paired == contact["lines"][0]["total"] == survival["lines"][0]["total"] >= 30
    assert found["match"]["headline"] == "Half of them were paired within 1 day."
    assert found["contact"]["headline"] == "Half of them are known to have been in touch within 1 day."
    first = dict(zip(contact["columns"], contact["lines"][0]["counts"], strict=True))
    assert first["within 1 day"] == sum(bool(n % 3) for n in range(paired))
    lasts = found["survival"]["lasting"][0]["points"][0]
    assert lasts["day"] == 30
    assert lasts["percent"] == round(100 * sum(bool(n % 3) for n in range(paired)) / paired)
    assert lasts["low"] < lasts["percent"] < lasts["high"]


@pytest.mark.parametrize("by", BYS)
def test_no_number_below_five_is_on_a_page_or_in_a_file(told: Living, by: str) -> None:
    for shown in figures(told, by).values():
        for line in shown["figure"]["lines"]:
            assert all(count is None or count >= CELL_MIN for count in [line["total"], *line["counts"]])
    rows = list(csv.DictReader(StringIO(viewer(told).get(f"/insights/download?by={by}").text)))
    assert rows
    assert all(row["people"] == "hidden" or int(row["people"]) >= CELL_MIN for row in rows)


def test_the_page_the_twin_and_the_file_say_the_same(told: Living) -> None:
    browser, shown = viewer(told), figures(told, "gender")
    page = browser.get("/insights?by=gender").text
    rows = list(csv.DictReader(StringIO(browser.get("/insights/download?by=gender").text)))
    said = {(row["figure"], row["group"], row["column"]): row["people"] for row in rows}
    for name, each in shown.items():
        figure = each["figure"]
        assert each["title"] in page
        assert each["chart"] in page
        for line, (column, number) in product(figure["lines"], enumerate(figure["columns"])):
            count = line["counts"][column]
            assert said[name, line["group"], number] == ("hidden" if count is None else str(count))
    assert {line["group"] for line in shown["match"]["figure"]["lines"]} == {"everybody", "women", "men"}


def test_nobody_is_named(told: Living) -> None:
    browser = viewer(told)
    for path in ("/insights", "/insights?by=experience", "/api/v1/insights", "/insights/download"):
        text = browser.get(path).text
        assert not any(f"{who}-{n}<" in text or f'"{who}-{n}"' in text for who in "mn" for n in range(40))


def test_a_file_is_saved_and_the_saving_is_on_record(told: Living) -> None:
    browser = viewer(told)
    answer = browser.get("/insights/download?by=age")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="insights.csv"'
    with told.engine.connect() as db:
        line = audit.newest(db, before=None, programs=[], others=True, limit=1)[0]
    assert (line["what"], line["where_"], line["account"]) == ("exported", "/insights/download", browser.account)


def test_what_would_be_a_formula_is_a_text() -> None:
    text = sheet(("program",), [["=1+1"], ["+1"], ["-1"], ["@x"], ["\tx"], ["river"], [-1], [None]])
    rows = [row[0] if row else "" for row in csv.reader(StringIO(text))]
    assert rows == ["program", "'=1+1", "'+1", "'-1", "'@x", "'\tx", "river", "-1", ""]


def test_of_few_people_nothing_is_shown() -> None:
    program = river()
    house = Living(program.program).remember(*program.facts)
    page = viewer(house).get("/insights")
    assert "Too few people to count" in page.text
    assert figures(house) == {}


def test_figures_are_at_most_a_minute_old_and_say_of_when_they_are() -> None:
    program = Program.fold(cohort())
    house = Living(program).remember(*cohort())
    begin = house.now

    def made_at() -> int:
        return viewer(house).get("/api/v1/insights").json()["programs"][0]["made_at"]

    assert made_at() == begin
    house.now = begin + 59
    assert made_at() == begin
    house.now = begin + 60
    assert made_at() == begin + 60


def test_programs_are_never_added_up() -> None:
    one, other = busy(), Program("hill")
    house = Living(one.program, other).remember(*one.facts)
    both = house.signed_in(("*", "viewer")).get("/api/v1/insights").json()["programs"]
    assert [each["program"] for each in both] == ["hill", "river"]
    mine = house.signed_in(("hill", "viewer")).get("/api/v1/insights").json()["programs"]
    assert [each["program"] for each in mine] == ["hill"]


def test_who_looks_makes_no_difference(told: Living) -> None:
    plain = viewer(told).get("/api/v1/insights?by=gender").json()
    of_member = told.signed_in(("river", "viewer"), member="n-1").get("/api/v1/insights?by=gender").json()
    assert plain == of_member, "or the difference would be their record"


def test_an_unknown_way_to_tell_people_apart_is_refused(told: Living) -> None:
    assert viewer(told).get("/api/v1/insights?by=program").status_code == 422
