"""A spreadsheet becomes ordinary events, all of them or none: how it is read, what is refused, what the page does."""

from __future__ import annotations

import csv
import io
import re
from contextlib import suppress
from datetime import date
from html import unescape
from pathlib import Path
from tempfile import SpooledTemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.importing import columns
from dashboard.importing.columns import COLUMNS
from dashboard.importing.draft import Draft, Trial, told
from dashboard.importing.sheet import NotATable, Sheet
from dashboard.render import read_static
from matcher.instants import DAY
from matcher.messages.catalog import parse
from matcher.policy import Policy
from tests.dashboard.rivers import T0, Living, river
from tests.matcher.people import tell

NOW = T0 + 200 * DAY
MENTOR = "m-7,mentor,F11.20 sustained 2020-01-01,yes,2025-05-01,,"
HEAD = "id,role,experiences,cleared,trained,mentor,together_since"
SMALL = f"{HEAD}\n{MENTOR}\nn-7,newcomer,F11.20 early 2026-02-01,,,m-7,2026-02-20\nn-8,newcomer,F43.10,,,,\n"


def checked(content: str | bytes, program: str = "river", dump: bytes | None = None):
    """The report on a file, by the program's own rules."""
    sheet = Sheet.of(content.encode() if isinstance(content, str) else content)
    draft = Draft(sheet, columns.guess(sheet.header), program)
    return Trial(program, dump, Policy(), NOW).run(draft, lambda events: ())


def problems(content: str | bytes) -> list[str]:
    return [str(each) for each in checked(content).problems]


def subjects(content: str | bytes) -> list[tuple[str, str]]:
    sheet = Sheet.of(content.encode() if isinstance(content, str) else content)
    events = [parse(each.document) for each in told(Draft(sheet, columns.guess(sheet.header), "river"), NOW)]
    return [(event.type, event.subject) for event in events]


# How a file is read


def test_the_template_can_be_taken_in_as_it_is() -> None:
    report = checked(columns.template())
    assert (report.wrong, report.people, report.mentors, report.pairs) == (0, 2, 1, 1)
    assert read_static("kindred-import.csv") == columns.template().encode()


def test_the_how_to_says_what_each_column_holds() -> None:
    page = Path("docs/how-to/import.md").read_text()
    for column in COLUMNS:
        assert f"| `{column.name}` | {column.of} | {column.about} |" in page


def test_people_come_first_then_offers_then_pairs() -> None:
    assert subjects(SMALL) == [
        ("member.joined", "m-7"),
        ("member.joined", "n-7"),
        ("member.joined", "n-8"),
        ("mentor.volunteered", "m-7"),
        ("mentor.screened", "m-7"),
        ("match.recorded", "n-7"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_found_out_and_said(encoding: str, delimiter: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(
        [["id", "ort\nzweite, Zeile", "experiences"], ["n-1", "Köln", "F10.20"]]
    )
    sheet = Sheet.of(out.getvalue().encode(encoding))
    assert sheet.header == ["id", "ort\nzweite, Zeile", "experiences"]
    assert next(sheet.rows()).cells == ["n-1", "Köln", "F10.20"]
    assert sheet.delimiter == delimiter
    assert sheet.is_guessed == (encoding in ("cp1252", "latin-1"))
    assert ("Latin-1" in sheet.said) == sheet.is_guessed


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        (b"PK\x03\x04 workbook", "a workbook (.xlsx, .ods), not a table in text: save it as CSV first"),
        (b"\xd0\xcf\x11\xe0", "a workbook (.xls)"),
        (b"%PDF-1.7", "a PDF"),
        (b"id\x00\x01\x02", "is not text"),
        (b"id,\x81\x8d\n", "cannot be read"),
        (b"\n\nid\n", "first line is empty"),
        (b'"id\nn-1', "the first line cannot be read"),
        (b"a," * 300, "columns"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(content: bytes, why: str) -> None:
    with pytest.raises(NotATable) as refused:
        Sheet.of(content)
    assert why in refused.value.message


def test_a_quote_that_is_not_closed_is_named_by_its_line() -> None:
    assert problems(f'{HEAD}\nn-1,newcomer,F10.20,,,,\n"n-2,newcomer,F10.20') == [
        "line 3, cannot be read (unexpected end of data): look for a quote that is not closed"
    ]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    content = 'id,experiences,extra\nn-1,F10.20,"two\nlines"\n\nn-2,F99.99,\n'
    assert problems(content) == [
        "line 5, experiences has a code that ICD-10-CM does not have: look it up, or leave it out"
    ]


WRONG = [
    ("id,experiences\n,F10.20", "line 2, id is needed"),
    ("id,experiences\nAna Maria,F10.20", "line 2, id looks like a name or an address"),
    ("id,experiences\nana@example.org,F10.20", "line 2, id looks like a name or an address"),
    ("id,experiences\n=cmd|'/c calc'!A1,F10.20", "line 2, id begins like a formula"),
    ("id,experiences\n+1555,F10.20", "line 2, id begins like a formula"),
    ("id,experiences\n-1,F10.20", "line 2, id begins like a formula"),
    ("id,experiences\n@SUM(A1),F10.20", "line 2, id begins like a formula"),
    ("id,experiences\nn-1,=1+1", "line 2, experiences needs ICD-10-CM codes"),
    ("id,experiences\nn-1,<script>alert(1)</script>", "line 2, experiences needs ICD-10-CM codes"),
    ("id,experiences\nn-1,", "line 2, experiences is needed"),
    ("id,experiences\nn-1,F10.20 early 2031-01-01", "line 2, experiences is a day that has not come yet"),
    ("id,experiences,birth_year\nn-1,F10.20,91", "line 2, birth_year is a whole number from 1900 to 2100"),
    ("id,experiences,trained\nn-1,F10.20,3/2/2026", "line 2, trained is a date"),
    ("id,experiences,capacity\nn-1,F10.20,2", "line 2, capacity is for mentors"),
    ("id,experiences,lat\nn-1,F10.20,39.7", "line 2, lon is needed"),
    ("id,experiences,hours\nn-1,F10.20,mon 20-18", "line 2, hours has days or hours that run backwards"),
    ("id,experiences,zone\nn-1,F10.20,Mars/Olympus", "line 2, zone is the name of a time zone"),
    ("id,experiences,needs\nn-1,F10.20,hugs", "line 2, needs has a word that is not one of"),
    ("id,experiences,languages\nn-1,F10.20,English", "line 2, languages needs language codes"),
    ("id,experiences,wish_gender\nn-1,F10.20,any woman", "line 2, wish_gender is any, or a list"),
    ("id,experiences,mentor\nn-1,F10.20,n-1", "line 2, mentor is the person themselves"),
    ("id,experiences,mentor\nn-1,F10.20,m-404", "line 2, mentor is refused: the mentor is not a member"),
    ("id,experiences,program\nn-1,F10.20,hill", "line 2, program is another program"),
    ("id,experiences\nn-1,F10.20\nn-1,F11.20", "line 3, id stands on line 2 already"),
    ("id,experiences\nn-1,F10.20,oops", "line 2, has more cells than there are columns"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "why"), WRONG, ids=[why for _, why in WRONG])
def test_a_wrong_cell_is_named_by_line_and_column_and_never_repeated(content: str, why: str) -> None:
    [said] = problems(content)
    assert said.startswith(why)
    cell = content.splitlines()[-1].partition(",")[0 if "id " in why else 2][:40]
    assert not cell or len(cell) < 6 or cell not in said


def test_a_pair_that_safety_bars_is_refused_in_words() -> None:
    newcomer = "n-7,newcomer,F11.20,,,m-7,"
    assert problems(f"{HEAD}\nm-7,mentor,F11.20 early 2026-02-01,yes,,,\n{newcomer}") == [
        "line 3, mentor is refused: the two may not be paired: not long enough in recovery, "
        "training not on record, both at risk in the same thing "
        "(KND-barred)"
    ]


def test_columns_of_names_and_phones_are_never_read_and_unknown_ones_are_named() -> None:
    header = [
        "Person ID",
        "First Name",
        "lastName",
        "Phone number",
        "E-Mail",
        "Date of birth",
        "Notes",
        "colour",
        "codes",
    ]
    chosen = columns.guess(header)
    assert chosen.places == {"id": 0, "experiences": 8}
    assert chosen.personal == header[1:7]
    assert chosen.unknown == ["colour"]
    again = columns.choose(header, {"id": 1, "experiences": 8})
    assert again.places == {"experiences": 8}, "not even by choice"


def test_missing_columns_are_named() -> None:
    sheet = Sheet.of(b"name,phone\nAna,555\n")
    assert Draft(sheet, columns.guess(sheet.header), "river").missing == ["id", "experiences"]


def test_the_same_said_again_is_the_same_event_whatever_the_file_or_day() -> None:
    def ids(content: str, now: int) -> set[str]:
        sheet = Sheet.of(content.encode())
        return {each.id for each in told(Draft(sheet, columns.guess(sheet.header), "river"), now, f"a-{now}")}

    other = "\n".join(";".join(line.split(",")) for line in [HEAD, *reversed(SMALL.splitlines()[1:])])
    assert ids(SMALL, NOW) == ids(other, NOW + DAY)
    assert len(ids(SMALL, NOW) - ids(SMALL.replace("F43.10", "F41.1"), NOW)) == 1


# A round trip: what people could be, written as CSV and read back

CODES = ["F10.20", "F11.20", "F43.10", "Z59.0", "F33.1"]
day = st.dates(min_value=date(2001, 1, 1), max_value=date(2026, 2, 1)).map(str)
lived = st.tuples(st.sampled_from(CODES), st.sampled_from(["active", "early", "sustained", "past"]), st.none() | day)
person = st.fixed_dictionaries(
    {
        "id": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,63}", fullmatch=True),
        "experiences": st.lists(lived, min_size=1, max_size=4),
        "needs": st.lists(st.sampled_from(["sleep", "work", "grief"]), unique=True),
        "languages": st.lists(st.sampled_from(["en", "es", "pt-BR"]), unique=True),
        "hours": st.lists(st.integers(0, 167), unique=True).map(sorted),
        "birth_year": st.none() | st.integers(1930, 2007),
        "gender": st.none() | st.sampled_from(["woman", "man", "nonbinary", "other"]),
        "place": st.none() | st.tuples(st.integers(-9000, 9000), st.integers(-18000, 18000)),
    }
)


@pytest.mark.slow
@given(
    st.lists(person, min_size=1, max_size=8, unique_by=lambda one: one["id"]),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.permutations([column.name for column in COLUMNS]),
    st.sampled_from(["\r\n", "\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_was_written_is_what_is_told(people, delimiter, encoding, order, end, quoting) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, order, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writeheader()
    writer.writerows(_row(one) for one in people)
    sheet = Sheet.of(out.getvalue().encode(encoding))
    found = [parse(each.document) for each in told(Draft(sheet, columns.guess(sheet.header), "river"), NOW)]
    assert [event.subject for event in found] == [one["id"] for one in people]
    for event, one in zip(found, people, strict=True):
        said = event.data
        assert [(each.code, each.state) for each in said.experiences] == [each[:2] for each in one["experiences"]]
        assert (said.needs or [], said.languages or [], said.hours or []) == (
            one["needs"],
            one["languages"],
            one["hours"],
        )
        assert (said.birth_year, said.gender) == (one["birth_year"], one["gender"])
        place = said.place and (round(said.place.lat * 100), round(said.place.lon * 100))
        assert place == one["place"]


def _row(one: dict) -> dict[str, str]:
    place = one["place"]
    return {
        "id": one["id"],
        "experiences": "; ".join(" ".join(filter(None, each)) for each in one["experiences"]),
        "needs": " ".join(one["needs"]),
        "languages": " ".join(one["languages"]),
        "hours": " ".join(map(str, one["hours"])),
        "birth_year": str(one["birth_year"] or ""),
        "gender": one["gender"] or "",
        "lat": "" if place is None else f"{place[0] / 100:.2f}",
        "lon": "" if place is None else f"{place[1] / 100:.2f}",
    }


@given(st.binary(max_size=300))
def test_any_bytes_are_a_report_or_a_refusal(content: bytes) -> None:
    with suppress(NotATable):
        sheet = Sheet.of(content)
        for each in told(Draft(sheet, columns.guess(sheet.header), "river"), NOW):
            assert parse(each.document).program == "river"


# The page


def upload(browser, content: str | bytes, program: str = "river"):
    raw = content.encode() if isinstance(content, str) else content
    return browser.post("/import", {"program": program}, files={"file": ("people.csv", raw, "text/csv")})


@pytest.fixture
def empty() -> Living:
    house = Living()
    house.now = NOW
    return house


def test_from_a_file_to_pairs_and_nobody_is_paired_before_it_is_said(empty: Living) -> None:
    browser = empty.signed_in(("*", "coordinator"))
    answer = upload(browser, SMALL)
    assert answer.status_code == 303, answer.text
    page = browser.get(answer.headers["location"])
    assert "Ready to be taken in" in page.text
    assert empty.sent == []
    taken = browser.post(f"{answer.headers['location']}/take")
    assert (taken.status_code, taken.headers["location"]) == (303, "/start/river")
    matches = empty.replica.programs["river"].state.matches
    assert [(match.newcomer, match.mentor) for match in matches.open.values()] == [("n-7", "m-7")]
    assert browser.post("/start/river/on").status_code == 303
    assert empty.replica.programs["river"].state.matches.of_newcomer("n-8") is not None


def test_the_same_file_again_changes_nothing(empty: Living) -> None:
    browser = empty.signed_in(("*", "lead"))
    where = upload(browser, SMALL).headers["location"]
    browser.post(f"{where}/take")
    before = empty.replica.programs["river"].state_hash()
    assert browser.get(where).status_code == 200
    again = upload(browser, SMALL).headers["location"]
    assert "It changes nothing" in browser.get(again).text
    assert browser.post(f"{again}/take").status_code == 422
    assert empty.replica.programs["river"].state_hash() == before


def test_what_was_said_before_holds_again_only_when_that_is_asked_for(empty: Living) -> None:
    browser = empty.signed_in(("*", "lead"))

    def bring(gender: str, **ticked: str) -> dict:
        where = upload(browser, f"id,experiences,gender\nn-7,F11.20,{gender}\n").headers["location"]
        found = browser.get(f"/api/v1{where}").json()
        empty.taken = browser.post(f"{where}/take", ticked)
        return found

    def gender() -> str | None:
        return empty.replica.programs["river"].state.members["n-7"].profile.gender

    for said in ("woman", "man"):
        assert bring(said)["otherwise"] == 0
        assert gender() == said
    assert (bring("woman")["otherwise"], gender(), empty.taken.status_code) == (1, "man", 422)
    assert (bring("woman", again="true")["otherwise"], gender(), empty.taken.status_code) == (1, "woman", 303)
    assert bring("woman")["otherwise"] == 0
    empty.replica.programs["river"].handle(tell("member.left", "n-7", NOW, reason="moved"), NOW)
    assert bring("man", again="true")["otherwise"] == 0, "no file brings somebody back by what it said before"


def test_a_program_that_pairs_holds_its_breath_while_pairs_come_in() -> None:
    house = Living(river(review={"mode": "automatic"}).program)
    house.now = T0 + DAY
    browser = house.signed_in(("river", "coordinator"))
    where = upload(browser, f"{HEAD}\nn-9,newcomer,F11.20,,,m-2,2026-03-01\nn-8,newcomer,F11.20,,,,\n").headers[
        "location"
    ]
    assert browser.post(f"{where}/take").headers["location"] == "/import"
    program = house.replica.programs["river"]
    assert program.state.matches.of_newcomer("n-9").mentor == "m-2"
    assert program.state.pairing


def test_one_wrong_line_and_nothing_is_taken(empty: Living) -> None:
    browser = empty.signed_in(("*", "coordinator"))
    where = upload(browser, SMALL + "n-9,newcomer,F99.99,,,,\n").headers["location"]
    page = browser.get(where)
    assert "Something to mend first" in page.text
    assert browser.post(f"{where}/take").status_code == 422
    assert empty.sent == []
    assert browser.get(f"/api/v1{where}").json()["problems"][0]["line"] == 5


def test_what_changes_between_looking_and_taking_stops_all_of_it() -> None:
    house = Living(river().program)
    house.now = T0 + DAY
    browser = house.signed_in(("river", "coordinator"))
    where = upload(browser, "id,experiences,mentor\nn-9,F11.20,m-2\n").headers["location"]
    house.replica.programs["river"].handle(tell("mentor.withdrawn", "m-2", T0 + DAY), T0 + DAY)
    before = house.replica.programs["river"].state_hash()
    refused = browser.post(f"{where}/take")
    assert refused.status_code == 422
    assert "Nothing was taken" in unescape(refused.text)
    assert house.replica.programs["river"].state_hash() == before
    lines = house.signed_in(("river", "lead")).get("/api/v1/audit").json()["lines"]
    assert [line["what"] for line in lines if line["where"].endswith("/take")] == ["refused", "imported"]
    browser.post(f"{where}/columns")
    assert "line" in browser.get(where).text
    assert browser.get(f"/api/v1{where}").json()["wrong"] == 1


@pytest.mark.soak
@pytest.mark.timeout(1_200)
def test_a_hundred_thousand_lines_come_in(empty: Living) -> None:
    browser = empty.signed_in(("*", "lead"))
    rows = "".join(f"n-{n},F11.20,fr\n" for n in range(100_000))
    where = upload(browser, f"\ufeffid,experiences,languages\n{rows}".encode()).headers["location"]
    assert "100,000 lines" in browser.get(where).text
    assert browser.post(f"{where}/take").status_code == 303
    assert len(empty.replica.programs["river"].state.members.members) == 100_000


def test_a_large_file_is_not_written_to_a_disk(empty: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    def roll(_file: object) -> None:
        raise AssertionError("a column of names would lie in a file")

    monkeypatch.setattr(SpooledTemporaryFile, "rollover", roll)
    rows = "".join(f"n-{n},F11.20,{'Ana Maria ' * 60}\n" for n in range(2_500))
    assert len(rows) > 1_500_000
    where = upload(empty.signed_in(("*", "coordinator")), f"id,experiences,full name\n{rows}").headers["location"]
    assert where.startswith("/import/")


def test_columns_can_be_chosen_and_personal_ones_cannot(empty: Living) -> None:
    browser = empty.signed_in(("*", "coordinator"))
    where = upload(browser, "who,what,full name\np-1,F10.20,Ana Maria\n").headers["location"]
    assert "Columns are missing" in browser.get(where).text
    assert browser.post(f"{where}/columns", {"column": ["id", "experiences", "-"]}).status_code == 303
    page = browser.get(where)
    assert "Ready to be taken in" in page.text
    assert "Never read" in page.text
    assert "Ana" not in page.text
    assert browser.post(f"{where}/columns", {"column": ["id", "id", "-"]}).status_code == 422


def test_html_in_a_file_is_shown_as_text_and_cells_are_not_shown(empty: Living) -> None:
    browser = empty.signed_in(("*", "coordinator"))
    where = upload(browser, "id,<script>alert(1)</script>,experiences\n<b>n</b>,x,<img src=x>\n").headers["location"]
    text = browser.get(where).text
    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text
    assert "<img src" not in text
    assert "<b>n" not in unescape(text)


def test_a_file_is_its_bringers_alone_and_not_for_ever(empty: Living) -> None:
    ana, ben = empty.signed_in(("*", "coordinator")), empty.signed_in(("*", "coordinator"))
    where = upload(ana, SMALL).headers["location"]
    assert ben.get(where).status_code == 404
    assert ben.post(f"{where}/take").status_code == 404
    empty.now += 1_799  # the session lives an idle half hour
    assert ana.get(where).status_code == 200
    empty.now += 1_799
    ana.get("/import")
    empty.now += 3
    assert ana.get(where).status_code == 404


def test_only_ones_own_programs_take_a_file(empty: Living) -> None:
    browser = empty.signed_in(("hill", "coordinator"), ("river", "viewer"))
    refused = upload(browser, SMALL)
    assert refused.status_code == 422
    assert "not one of your programs" in refused.text
    assert upload(browser, SMALL, "hill").status_code == 303


def test_nobody_brings_their_own_record(empty: Living) -> None:
    browser = empty.signed_in(("*", "coordinator"), member="n-8")
    where = upload(browser, SMALL).headers["location"]
    [wrong] = browser.get(f"/api/v1{where}").json()["problems"]
    assert (wrong["line"], wrong["column"]) == (4, "id")
    assert browser.post(f"{where}/take").status_code == 422


def test_a_workbook_is_refused_on_the_form_and_an_empty_one_too(empty: Living) -> None:
    browser = empty.signed_in(("*", "coordinator"))
    assert "save it as CSV first" in upload(browser, b"PK\x03\x04rest").text
    assert upload(browser, b"").status_code == 422
    assert empty.sent == []


def test_the_import_page_says_what_each_column_holds(empty: Living) -> None:
    browser = empty.signed_in(("*", "coordinator"))
    page = browser.get("/import")
    for column in COLUMNS:
        assert f"<code>{column.name}</code>" in page.text
    found = re.search(r'href="(/static/kindred-import\.csv[^"]*)"', page.text)
    assert found
    assert browser.get(found[1]).headers["content-type"].startswith("text/csv")
