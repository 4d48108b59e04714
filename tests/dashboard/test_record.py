"""What is entered and recorded becomes ordinary events, each form with its own checks; alerts and mentors."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import insert

from dashboard import recording, telling
from dashboard.blanks import blanks
from dashboard.history import Happened
from dashboard.tables import LETTERS
from matcher.instants import DAY, HOUR, parse_instant
from matcher.messages.catalog import parse
from matcher.messages.facts import Fact, Told
from matcher.program import Program
from tests.dashboard.filled import forms_of
from tests.dashboard.rivers import T0, Living, river
from tests.dashboard.test_alarms import Lived
from tests.matcher.people import join, tell, veteran

pytestmark = pytest.mark.slow


@pytest.fixture
def house() -> Living:
    """n-1 has m-1; m-2 is free; v-1 could become a mentor."""
    program = river(veteran("v-1"), review={"mode": "tiered"})
    program.until(T0 + 5 * DAY)
    return Living(program.program)


def browser_of(house: Living, role: str = "lead", name: str = ""):
    return house.browser(house.account(("river", role), name=name))


def program_of(house: Living) -> Program:
    return house.replica.programs["river"]


def last(house: Living) -> tuple[str, str, dict]:
    event = house.sent[-1]
    return event["type"].removeprefix("kindred.").removesuffix(".v1"), event["subject"], event["data"]


RECORDED = [
    ("n-1", "contacted", {"outcome": "reached"}, "member.contacted", {"outcome": "reached"}),
    ("n-1", "check-in", {"mood": "4"}, "progress.checked_in", {"mood": 4}),
    ("n-1", "setback", {"severity": "lapse", "code": "F11.20", "by": "mentor"}, "progress.setback",
     {"code": "F11.20", "severity": "lapse", "by": "mentor"}),
    ("n-1", "distress", {"level": "high"}, "progress.distress", {"level": "high"}),
    ("n-1", "wish", {"mentor_gender": ["woman"], "max_km": "20"}, "member.updated",
     {"wishes": {"mentor_gender": ["woman"], "max_km": 20}}),
    ("n-1", "consent", {"answer": "granted", "scope": "matching", "until": "2027-01-01"}, "consent.granted",
     {"scope": "matching", "until": "2027-01-01"}),
    ("n-1", "consent", {"answer": "revoked", "scope": "matching"}, "consent.revoked", {"scope": "matching"}),
    ("n-1", "pause", {"pause": "hospital", "until": "2026-04-01"}, "member.paused",
     {"kind": "hospital", "until": "2026-04-01"}),
    ("n-1", "in-touch", {"by": "mentor", "channel": "phone"}, "match.contacted", {"by": "m-1", "channel": "phone"}),
    ("n-1", "pulse", {"by": "newcomer", "going": "4", "helped": ["sleep", "work"]}, "match.pulsed",
     {"by": "n-1", "going": 4, "helped": ["sleep", "work"]}),
    ("n-1", "close", {"reason": "completed"}, "match.closed", {"reason": "completed"}),
    ("v-1", "volunteer", {"capacity": "1", "trained": "2025-05-01", "strategies": ["sleep"]}, "mentor.volunteered",
     {"capacity": 1, "trained": "2025-05-01", "strategies": ["sleep"], "backup": False}),
    ("m-2", "screen", {"outcome": "declined"}, "mentor.screened", {"outcome": "declined"}),
    ("m-2", "supervision", {"on": "2026-03-05"}, "mentor.supervised", {}),
    ("m-2", "intake-pause", {}, "mentor.paused", {}),
    ("m-2", "intake-resume", {}, "mentor.resumed", {}),
    ("m-2", "withdraw", {}, "mentor.withdrawn", {}),
    ("m-2", "waiver", {"rule": "recovery_time", "reason": "steady", "until": "2026-05-01"}, "waiver.granted",
     {"rule": "recovery_time", "reason": "steady", "until": "2026-05-01"}),
    ("m-2", "report", {"severity": "serious", "by": "n-1"}, "safety.reported", {"severity": "serious", "by": "n-1"}),
    ("n-1", "never-again", {"other": "m-2"}, "exclusion.added", {"other": "m-2", "kind": "never_again"}),
    ("n-1", "left", {"reason": "moved"}, "member.left", {"reason": "moved"}),
    ("n-1", "erase", {"again": "n-1"}, "member.erased", {}),
]  # fmt: skip


@pytest.mark.parametrize(("who", "kind", "form", "type_", "data"), RECORDED, ids=[f"{r[0]}-{r[1]}" for r in RECORDED])
def test_a_form_becomes_its_event(house: Living, who: str, kind: str, form: dict, type_: str, data: dict) -> None:
    browser = browser_of(house)
    answer = browser.post(f"/record/river/{who}/{kind}", form)
    assert answer.status_code == 303, re.sub(r"<[^>]+>", " ", answer.text)
    told, subject, said = last(house)
    assert (told, subject) == (type_, who if not type_.startswith("match.") else subject)
    assert {name: value for name, value in said.items() if name != "by" or "by" in data} == data
    assert browser.get(answer.headers["location"]).status_code == 200


def test_a_wish_is_shown_before_it_is_replaced(house: Living) -> None:
    asked = {"mentor_gender": ["woman", "nonbinary"], "max_km": 12.5, "min_shared": 1}
    program_of(house).handle(tell("member.updated", "n-1", T0 + 5 * DAY, wishes=asked), T0 + 5 * DAY)
    browser = browser_of(house)
    form = forms_of(browser.get("/record/river/n-1").text)["/record/river/n-1/wish"]
    assert form["mentor_gender"] == ["woman", "nonbinary"]
    assert form["max_km"] == ["12.5"]
    assert browser.post("/record/river/n-1/wish", form).status_code == 303
    assert last(house)[2]["wishes"] == asked, "what was sent as it was shown changes nothing"
    form["mentor_gender"] = ["any", "woman"]
    assert browser.post("/record/river/n-1/wish", form).status_code == 422
    assert browser.post("/record/river/n-1/wish", {"max_km": "20"}).status_code == 422, "nobody is un-asked by omission"


def test_every_kind_is_tried() -> None:
    told_elsewhere = {"resume", "pair", "report-settled"}
    assert {kind.name for kind in recording.KINDS} - {row[1] for row in RECORDED} == told_elsewhere


def test_what_can_be_recorded_follows_from_who_somebody_is(house: Living) -> None:
    def offered(who: str, role: str = "lead") -> set[str]:
        page = browser_of(house, role).get(f"/api/v1/record/river/{who}").json()
        return {form["name"] for group in page["groups"] for form in group["forms"]}

    assert {"pulse", "close", "volunteer"} <= offered("n-1")
    assert "pair" not in offered("n-1")
    assert {"supervision", "withdraw"} <= offered("m-2")
    assert "waiver" in offered("m-2")
    assert not {"waiver", "erase"} & offered("m-2", "coordinator")
    assert browser_of(house, "coordinator").post("/record/river/n-1/erase", {"again": "n-1"}).status_code == 403


def test_every_form_has_fields_with_titles() -> None:
    for kind in recording.KINDS:
        for blank in blanks(kind.form):
            assert blank.title
            is_asked = kind.choices is not recording.Kind.choices  # of the program, when the form is opened
            assert blank.kind not in ("choice", "many") or blank.choices or is_asked, (kind.name, blank.name)


REFUSED = [
    ("check-in", {}, "Fill in one of the two."),
    ("check-in", {"mood": "11"}, "less than or equal to 10"),
    ("setback", {"severity": "lapse", "on": "2029-01-01"}, "This day has not come yet."),
    ("never-again", {"other": "n-1"}, "There is nobody else of this id."),
    ("never-again", {"other": "<script>"}, "pattern"),
    ("erase", {"again": "n-2"}, "This is another id."),
    ("close", {}, "This is needed."),
    ("report", {"severity": "serious", "by": "x-9"}, "There is nobody of this id."),
]


def test_a_person_who_is_shown_by_a_form_that_was_refused_was_opened(house: Living) -> None:
    browser = browser_of(house)
    assert browser.post("/record/river/n-1/contacted").status_code == 422
    line = browser.get("/api/v1/audit").json()["lines"][0]
    assert (line["what"], line["about"], line["where"]) == ("opened", "n-1", "/record/{program}/{person}")


@pytest.mark.parametrize(("kind", "form", "why"), REFUSED)
def test_a_form_that_cannot_be_says_why_and_sends_nothing(house: Living, kind: str, form: dict, why: str) -> None:
    answer = browser_of(house).post(f"/record/river/n-1/{kind}", form)
    assert answer.status_code == 422
    assert why in unescape(answer.text)
    assert "<script>" not in answer.text.replace("<script src", "")
    assert house.sent == []


def test_what_happened_days_ago_is_told_with_its_day(house: Living) -> None:
    browser_of(house).post("/record/river/n-1/setback", {"severity": "relapse", "on": "2026-03-03"})
    assert house.sent[-1]["time"] == "2026-03-03T12:00:00Z"


# What happened today: T0 is 09:14 UTC of 2026-03-02


def test_distress_of_today_stands_after_one_of_this_afternoon_was_resolved() -> None:
    house = Lived(tell("progress.distress", "n-1", T0 + 5 * HOUR, level="high"))
    house.resolve()
    house.now = T0 + 8 * HOUR
    assert house.lead.post("/record/river/n-1/distress", {"level": "high", "on": "2026-03-02"}).status_code == 303
    assert [line["words"] for line in house.stand()] == ["In great distress."]


def test_a_setback_of_today_stands_after_one_of_this_afternoon_was_resolved() -> None:
    house = Lived(tell("progress.setback", "n-1", T0 + 5 * HOUR, code="F11.20", severity="lapse"))
    house.resolve()
    house.now = T0 + 8 * HOUR
    form = {"severity": "relapse", "code": "F11.20", "by": "self", "on": "2026-03-02"}
    assert house.lead.post("/record/river/n-1/setback", form).status_code == 303
    assert [line["words"] for line in house.stand()] == ["Had a setback."]


def test_contact_of_today_is_known_when_a_pair_of_this_afternoon_is_taken_back() -> None:
    house = Lived(review={"mode": "automatic"})
    first = house.river.match("n-1").id
    house.hear(tell("match.closed", first, T0 + 5 * HOUR, by="s-1", reason="completed"), join("n-3", T0 + 5 * HOUR))
    house.now = T0 + 7 * HOUR
    assert house.lead.post("/record/river/n-3/in-touch", {"by": "mentor", "on": "2026-03-02"}).status_code == 303
    [pair] = house.lead.get("/api/v1/today").json()["lately"]
    assert pair["told"] == "They know, and have been in touch."


def test_a_consent_of_today_counts_after_it_was_taken_back_at_two() -> None:
    house = Lived(tell("consent.revoked", "n-1", T0 + 5 * HOUR, scope="clinician"))
    house.now = T0 + 7 * HOUR
    form = {"answer": "granted", "scope": "clinician", "on": "2026-03-02"}
    assert house.lead.post("/record/river/n-1/consent", form).status_code == 303
    assert house.lead.get("/api/v1/people/river/n-1").json()["seen_by"]


def test_a_consent_to_be_matched_from_before_it_was_taken_back_opens_nothing() -> None:
    house = Lived(tell("consent.revoked", "n-1", T0 + 2 * HOUR, scope="matching"))
    form = {"answer": "granted", "scope": "matching", "on": "2026-03-01"}
    assert house.lead.post("/record/river/n-1/consent", form).status_code == 303
    assert house.river.program.state.matches.of_newcomer("n-1") is None


@pytest.mark.parametrize(
    ("clock", "zone", "on", "at"),
    [
        ("2026-03-02T17:14:00Z", None, "2026-03-02", "2026-03-02T17:14:00Z"),
        ("2026-03-02T09:14:00Z", None, "2026-03-02", "2026-03-02T09:14:00Z"),
        ("2026-03-02T17:14:00Z", None, "2026-03-01", "2026-03-01T12:00:00Z"),
        ("2026-03-03T02:00:00Z", None, "2026-03-02", "2026-03-02T12:00:00Z"),
        ("2026-03-03T02:00:00Z", "America/Denver", "2026-03-02", "2026-03-03T02:00:00Z"),  # seven in the evening
        ("2026-03-03T02:00:00Z", "America/Denver", "2026-03-01", "2026-03-01T12:00:00Z"),
        ("2026-03-03T07:30:00Z", "America/Denver", "2026-03-02", "2026-03-02T12:00:00Z"),
        ("2026-03-02T12:00:00Z", "Pacific/Auckland", "2026-03-03", "2026-03-02T12:00:00Z"),
        ("2026-03-02T12:00:00Z", "Pacific/Auckland", "2026-03-01", "2026-03-01T12:00:00Z"),
        ("2026-03-02T10:00:00Z", None, "2026-03-03", "2026-03-02T10:00:00Z"),  # has begun on Kiritimati
    ],
)
def test_a_day_that_is_not_over_is_told_as_now_and_one_that_is_at_its_noon(
    clock: str, zone: str | None, on: str, at: str
) -> None:
    house = Living(river(join("n-2", T0, zone=zone)).program)
    house.now = parse_instant(clock)
    assert browser_of(house).post("/record/river/n-2/contacted", {"outcome": "reached", "on": on}).status_code == 303
    assert house.sent[-1]["time"] == at


def test_a_day_that_has_begun_nowhere_has_not_come() -> None:
    house = Living(river().program)
    house.now = parse_instant("2026-03-02T09:59:59Z")
    assert (
        browser_of(house).post("/record/river/n-1/distress", {"level": "high", "on": "2026-03-03"}).status_code == 422
    )


UNTIL = [
    ("n-1", "pause", {"pause": "away"}, "Is on a pause, away until 2026-04-01."),
    ("n-1", "consent", {"answer": "granted", "scope": "matching"}, "Consented to being matched until 2026-04-01."),
    ("m-1", "screen", {"outcome": "cleared"}, "Was cleared to take people on until 2026-04-01, by"),
    ("m-1", "intake-pause", {}, "Takes nobody new until 2026-04-01."),
    ("m-1", "waiver", {"rule": "recovery_time", "reason": "steady"},
     "A waiver of “not long enough in recovery” until 2026-04-01"),
]  # fmt: skip


@pytest.mark.parametrize(("who", "kind", "form", "said"), UNTIL, ids=[each[1] for each in UNTIL])
def test_until_a_day_is_said_as_it_was_typed(who: str, kind: str, form: dict, said: str) -> None:
    house = Lived()
    assert house.lead.post(f"/record/river/{who}/{kind}", form | {"until": "2026-04-01"}).status_code == 303
    events = house.lead.get(f"/api/v1/people/river/{who}").json()["events"]
    assert any(event["words"].startswith(said) for event in events), events[0]


def test_an_end_within_a_day_is_said_with_its_minute() -> None:
    held = Happened(1, T0, T0, "match.held", "p-1", {"until": "2026-04-01T14:12:00Z"})
    assert telling.sentence(held) == "The proposal is on hold until 2026-04-01 14:12 UTC."


def test_an_existing_pair_is_recorded_and_a_bar_is_said() -> None:
    program = river(join("n-2", T0 + HOUR))
    house = Living(program.program)
    browser = browser_of(house)
    assert browser.post("/record/river/n-2/pair", {"mentor": "m-2", "since": "2026-01-01"}).status_code == 303
    assert program.mentor_of("n-2") == ("m-2", "active")
    program.take(tell("exclusion.added", "n-1", T0 + 2 * HOUR, other="m-1"))
    refused = browser.post("/record/river/n-1/pair", {"mentor": "m-1"})
    assert refused.status_code == 422
    assert "KND-barred" in refused.text


# Entering


def entry(**fields: object) -> dict[str, object]:
    return {"program": "river", "person": "p-9", "role": "newcomer", "lived_1": "F10.20", "state_1": "early"} | fields


def test_somebody_new_is_entered_by_a_form(house: Living) -> None:
    browser = browser_of(house, "coordinator")
    form = entry(
        since_1="2026-02-01", lived_4="Z59.0", themes=["sleep"], languages="en, es", formats=["phone"],
        days=["0", "2"], parts=["evening"], zone="America/Denver", gender="woman", birth_year="1990", wish="woman",
    )  # fmt: skip
    answer = browser.post("/enter", form)
    assert answer.headers["location"] == "/people/river/p-9"
    member = program_of(house).state.members["p-9"]
    assert [each.code for each in member.profile.experiences] == ["F10.20", "Z59.0"]
    assert member.seeks
    assert member.profile.languages == ("en", "es")
    assert member.profile.hours.bit_count() == 8
    assert member.profile.wishes.mentor_gender == ("woman",)
    page = browser.get("/people/river/p-9")
    assert "alcohol, early remission" in page.text


def test_somebody_who_wants_to_mentor_is_entered_with_the_offer(house: Living) -> None:
    browser_of(house).post("/enter", entry(role="mentor", state_1="sustained", capacity="1", trained="2025-01-01"))
    member = program_of(house).state.members["p-9"]
    assert member.mentorship.capacity == 1
    assert not member.seeks


def test_the_first_person_begins_a_program_that_waits() -> None:
    house = Living()
    for grant, name in (("*", ""), ("river", "river")):
        browser = house.browser(house.account((grant, "coordinator")))
        assert forms_of(browser.get("/enter").text)["/enter"]["program"] == [name]
        assert browser.post("/enter", entry(program="hill/1")).status_code == 422
    assert browser.post("/enter", entry(program="hill")).status_code == 422, "not theirs"
    answer = browser.post("/enter", entry())
    assert (answer.status_code, answer.headers["location"]) == (303, "/people/river/p-9")
    state = program_of(house).state
    assert state.members["p-9"].seeks
    assert not state.pairing
    page = browser.get("/people/river/p-9").text
    assert "proposes nobody until you start pairing" in page
    assert browser.post("/enter", entry(program="rivr", person="p-8")).status_code == 422, "a slip begins no other"


def test_what_was_ticked_is_ticked_again_when_an_entry_is_refused(house: Living) -> None:
    browser = browser_of(house, "coordinator")
    form = entry(person="n-1", themes=["sleep", "work"], formats=["phone"], days=["0", "2"], parts=["evening"])
    again = forms_of(browser.post("/enter", form).text)["/enter"]
    assert {name: again.get(name) for name in ("themes", "formats", "days", "parts")} == {
        "themes": ["sleep", "work"], "formats": ["phone"], "days": ["0", "2"], "parts": ["evening"],
    }  # fmt: skip
    assert browser.post("/enter", again | {"person": ["p-9"]}).status_code == 303
    assert program_of(house).state.members["p-9"].profile.hours.bit_count() == 8


def test_a_mentor_is_entered_with_the_offer_or_not_at_all(house: Living) -> None:
    answer = browser_of(house).post("/enter", entry(role="mentor", trained="2030-01-01"))
    assert answer.status_code == 422
    assert "Nothing was taken" in answer.text
    assert program_of(house).state.members.get("p-9") is None


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"person": "n-1"}, "Somebody of this id is here already."),
        ({"person": "Ana Maria"}, "pattern"),
        ({"lived_1": ""}, "One experience at least is needed"),
        ({"lived_4": "F99.99"}, "ICD-10-CM"),
        ({"program": "hill"}, "Choose one of your programs."),
        ({"birth_year": "never"}, "whole number"),
        ({"colour": "red"}, "There is no such field."),
    ],
)
def test_an_entry_that_cannot_be_says_why(house: Living, fields: dict, why: str) -> None:
    answer = browser_of(house).post("/enter", entry(**fields))
    assert answer.status_code == 422
    assert why in unescape(answer.text)
    assert house.sent == []
    assert 'value="F10.20" selected' in answer.text or "lived_1" in fields, "nobody types it twice"


def test_what_is_entered_can_be_read_by_the_program(house: Living) -> None:
    browser_of(house).post("/enter", entry())
    assert parse(house.sent[-1]).subject == "p-9"


# Mentors


def test_one_form_records_a_group_supervision(house: Living) -> None:
    browser = browser_of(house, "coordinator")
    answer = browser.post("/mentors/river/supervision", {"on": "2026-03-06", "came": ["m-1", "m-2"]})
    assert answer.status_code == 303
    assert [(event["subject"], event["time"]) for event in house.sent] == [
        ("m-1", "2026-03-06T12:00:00Z"),
        ("m-2", "2026-03-06T12:00:00Z"),
    ]
    assert browser.post("/mentors/river/supervision", {"on": "2026-03-06"}).status_code == 422
    house.meanwhile.append(tell("member.left", "m-2", house.now, reason="moved"))
    told = len(house.sent)
    assert browser.post("/mentors/river/supervision", {"on": "2026-03-06", "came": ["m-1", "m-2"]}).status_code == 422
    assert len(house.sent) == told, "one is gone meanwhile: nobody is noted, or the page would lie"
    refused = browser.post("/mentors/river/supervision", {"on": "2027-03-06", "came": ["m-1"]})
    assert forms_of(refused.text)["/mentors/river/supervision"]["came"] == ["m-1"]
    assert browser.post("/mentors/river/supervision", {"on": "2027-03-06", "came": ["m-1"]}).status_code == 422
    assert browser.post("/mentors/river/supervision", {"on": "2026-03-06", "came": ["n-1"]}).status_code == 422


def test_a_coordinator_who_mentors_records_nothing_of_their_own_pair_or_supervision(house: Living) -> None:
    own = house.signed_in(("river", "coordinator"), member="m-1")
    forms = {
        "/record/river/n-1/in-touch": {"by": "mentor"},
        "/record/river/n-1/pulse": {"by": "mentor", "going": "5"},
        "/record/river/n-1/close": {"reason": "completed"},
        "/record/river/n-1/never-again": {"other": "m-1"},
        "/mentors/river/supervision": {"on": "2026-03-05", "came": ["m-1", "m-2"]},
    }
    for path, form in forms.items():
        assert (path, own.post(path, form).status_code) == (path, 422)
    assert not house.sent
    assert "/n-1/pulse" not in own.get("/record/river/n-1").text
    assert 'value="m-1"' not in own.get("/mentors").text
    assert own.post("/record/river/n-1/check-in", {"mood": "4"}).status_code == 303
    other = house.signed_in(("river", "coordinator"), member="m-2")
    for path, form in forms.items():
        assert (path, other.post(path, {**form, **({"came": ["m-1"]} if "came" in form else {})}).status_code) == (
            path,
            303,
        )


def test_mentors_are_listed_with_load_and_what_closes_them(house: Living) -> None:
    program_of(house).handle(tell("mentor.paused", "m-2", T0 + 5 * DAY), T0 + 5 * DAY)
    page = browser_of(house).get("/api/v1/mentors").json()
    lines = {line["id"]: line for line in page["lines"]}
    assert (lines["m-1"]["caseload"], lines["m-1"]["open_slots"]) == (1, 0)
    assert lines["m-2"]["barred"] == ["not free for a new pair now"]
    assert lines["m-2"]["open_slots"] == 0
    assert page["open_slots"] == 0


def test_who_meets_the_rules_can_be_invited(house: Living) -> None:
    browser = browser_of(house)
    assert [one["id"] for one in browser.get("/api/v1/mentors").json()["eligible"]] == ["v-1"]
    assert browser.post("/mentors/river/v-1/invite").status_code == 303
    assert last(house) == ("member.contacted", "v-1", {"by": browser.account, "outcome": "invited_to_mentor"})
    assert browser.post("/mentors/river/n-1/invite").status_code == 404


def test_who_could_become_a_mentor_is_listed_page_by_page() -> None:
    program = river(*[veteran(f"v-{number}") for number in range(5)])
    program.until(T0 + 5 * DAY)
    browser, seen, after = browser_of(Living(program.program)), [], ""
    while True:
        page = browser.get("/api/v1/mentors", params={"limit": 2} | ({"eligible": after} if after else {})).json()
        assert len(page["eligible"]) <= 2
        seen += [one["id"] for one in page["eligible"]]
        after = page["eligible_next"]
        if after is None:
            break
    assert seen == [f"v-{number}" for number in range(5)]
    assert page["eligible_total"] == 5
    assert 'href="/mentors?eligible=river/v-1"' in browser.get("/mentors?limit=2").text


# Alerts


def test_an_alert_is_taken_by_one_and_resolved_with_an_outcome() -> None:
    program = river(tell("progress.distress", "n-1", T0 + HOUR, level="high"))
    house = Living(program.program)
    ana = browser_of(house, name="Ana")
    assert "3 things" not in ana.get("/today").text
    assert "1 thing cannot wait" in re.sub(r"<[^>]+>", "", ana.get("/today").text)
    [group] = ana.get("/api/v1/alerts").json()["groups"]
    [alert] = group["lines"]
    assert (group["level"], alert["person"]) == ("now", "n-1")
    path = f"/alerts/river/{alert['alert']}"
    ben = house.browser(house.account(("river", "coordinator"), name="Ben"))
    assert ana.post(f"{path}/acknowledge").status_code == 303
    at_once = ben.post(f"{path}/acknowledge")  # before the read model has it
    assert at_once.status_code == 409
    assert "Ana has it already" in at_once.text
    house.remember(*program.facts, *_after(program, house))
    assert "cannot wait</a>" not in ana.get("/today").text
    refused = ben.post(f"{path}/acknowledge")
    assert refused.status_code == 409
    assert "Ana has it already" in refused.text
    assert ana.post(f"{path}/resolve").status_code == 422
    assert ana.post(f"{path}/resolve", {"outcome": "safe"}).status_code == 303


def _after(program, house: Living) -> list:
    """The facts of what was sent since, as the service would have made them."""
    n = len(program.facts)
    found = []
    for number, document in enumerate(house.sent, start=n + 1):
        event = parse(document)
        found.append(Fact("river", number, event.time, event.type, Told(event.subject, event.time, event.data)))
    return found


def test_a_report_is_an_alert_for_leads_alone() -> None:
    house = Living(river(tell("safety.reported", "m-1", T0 + HOUR, severity="serious")).program)
    assert "A safety report is open." in browser_of(house, "lead").get("/alerts").text
    assert "report" not in re.sub(r"<[^>]+>", "", browser_of(house, "coordinator").get("/alerts").text)


# Starting, policy, dead letters


def test_a_program_that_waits_to_be_told_is_started_by_a_button() -> None:
    program = river(program={"start": "when_told"}, review={"mode": "tiered"})
    house = Living(program.program)
    browser = browser_of(house, "coordinator")
    assert "/start/river" in browser.get("/today").text
    assert "Start pairing" in browser.get("/start/river").text
    assert program.mentor_of("n-1") is None
    assert browser.post("/start/river/on").status_code == 303
    assert program.mentor_of("n-1") is not None
    assert browser.post("/start/river/on").status_code == 409
    assert browser.post("/start/river/off").status_code == 303


def test_every_number_of_the_policy_has_a_reason_and_a_source(house: Living) -> None:
    page = browser_of(house).get("/api/v1/policy").json()
    [adopted] = page["programs"]
    numbers = [number for table in adopted["tables"] for number in table["numbers"]]
    assert all(number["reason"] and number["source"] for number in numbers)
    assert adopted["changed"] == 0
    assert "Prev Sci 2021" in browser_of(house).get("/policy").text


def test_dead_letters_are_shown_without_what_they_said(house: Living) -> None:
    with house.engine.begin() as db:
        for number, program in enumerate(["river", "hill", None]):
            db.execute(
                insert(LETTERS).values(
                    home="0", position=number, number=0, at=house.now, code="KND-unknown-member",
                    program=program, type="member.updated",
                )
            )  # fmt: skip
    lead = browser_of(house).get("/api/v1/health-and-letters").json()
    assert [letter["program"] for letter in lead["letters"]] == ["river"]
    admin = house.browser(house.account(("*", "admin"))).get("/api/v1/health-and-letters").json()
    assert {letter["program"] for letter in admin["letters"]} == {"river", "hill", None}
    assert "who never joined this program" in browser_of(house).get("/health-and-letters").text
