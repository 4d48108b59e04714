"""People, a person's timeline, who waits, and whom to recruit."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from dashboard import telling
from dashboard.views import recruit
from matcher.instants import DAY, HOUR
from matcher.messages.events import EVENTS
from matcher.messages.facts import DECISIONS
from matcher.policy import Policy
from matcher.program import Program
from tests.dashboard.rivers import STAGED, T0, Living, cohort, river
from tests.matcher.people import River, join, mentor, tell


@pytest.fixture(scope="module")
def told() -> Living:
    return Living(Program.fold(cohort())).remember(*cohort())


def coordinator(house: Living, role: str = "coordinator"):
    return house.browser(house.account(("river", role)))


def text_of(answer) -> str:
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


# People


def test_people_are_found_by_what_they_live_with_by_post_only(told: Living) -> None:
    browser = coordinator(told)
    found = browser.post("/people", {"lived": "F11", "standing": "waiting"})
    assert "opioids" in text_of(found)
    everybody = browser.get("/api/v1/people?limit=100").json()
    opioids = browser.get("/api/v1/people?limit=100&lived=F11").json()
    assert 0 < opioids["total"] < everybody["total"]
    assert all(any("opioids" in lived for lived in line["experiences"]) for line in opioids["lines"])
    assert 'method="post" action="/people"' in browser.get("/people").text
    assert 'method="get"' not in browser.get("/people").text
    somebody = everybody["lines"][0]["id"]
    assert somebody in text_of(browser.post("/people", {"find": somebody}))
    for path in ("/people?find=n-1", "/api/v1/people?find=n-1"):
        assert browser.get(path).status_code == 422


def test_pages_of_people_hold_everybody_once(told: Living) -> None:
    browser, seen, after = coordinator(told), [], None
    while True:
        page = browser.get("/api/v1/people", params={"limit": 30} | ({"after": after} if after else {})).json()
        seen += [line["id"] for line in page["lines"]]
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == page["total"]


def test_pages_hold_every_program_once_whatever_its_name_begins_with() -> None:
    house = Living(*map(small, ("north", "north-east")))
    browser = house.signed_in(("*", "coordinator"))
    for path, people in (("people", ["m-1", "m-2", "n-1"]), ("mentors", ["m-1", "m-2"])):
        seen, after = [], None
        while after != "":
            page = browser.get(f"/api/v1/{path}", params={"limit": 1} | ({"after": after} if after else {})).json()
            seen += [(line["program"], line["id"]) for line in page["lines"]]
            after = page["next"] or ""
        assert seen == [(program, who) for program in ("north", "north-east") for who in people]


def small(name: str) -> Program:
    program = Program(name)
    program.adopt(Policy.model_validate(STAGED), T0)
    for event in (*mentor("m-1"), *mentor("m-2"), join("n-1")):
        program.handle(replace(event, program=name), T0)
    return program


# A person


def test_every_page_of_a_cohort_opens(told: Living) -> None:
    browser = coordinator(told)
    for member in list(told.replica.programs["river"].state.members)[::4]:
        answer = browser.get(f"/people/river/{member.id}")
        assert answer.status_code == 200
        assert not re.search(r"\b[FZ]\d\d\b", re.sub(r'title="[^"]*"', "", answer.text)), "codes are words"


def test_a_timeline_tells_events_and_decisions_with_their_reasons_the_newest_first() -> None:
    program = river(
        tell("progress.checked_in", "n-1", T0 + HOUR, mood=4, craving=7),
        tell("progress.setback", "n-1", T0 + 2 * HOUR, code="F11.20", severity="relapse"),
        review={"mode": "tiered"},
    )
    house = Living(program.program).remember(*program.facts)
    page = coordinator(house).get("/api/v1/people/river/n-1").json()
    said = [event["words"] for event in page["events"]]
    assert said[0] == "Relapsed with opioids, told by themselves."
    assert said[1] == "Checked in: mood 4 of 10, craving 7 of 10."
    assert said[2].startswith("n-1 and m-1 were paired by the plan")
    assert page["whole"]
    assert page["pairs"][0]["other"] == "m-1"
    assert page["supported_by"] == ["m-1"]
    assert page["chart"].startswith("<svg")
    assert "Had a setback." in [alarm["words"] for alarm in page["alarms"]]


@pytest.mark.parametrize(
    ("code", "severity", "said"),
    [
        ("F11.20", "relapse", "in recovery for 8 days"),
        (None, "relapse", "in recovery for 8 days"),
        ("F11.20", "lapse", "in recovery for 2 months; a slip with opioids 8 days ago did not end it"),
        (None, "lapse", "in recovery for 2 months; a slip 8 days ago did not end it"),
        ("F32.9", "relapse", "in recovery for 2 months; a relapse with depression 8 days ago is counted apart"),
    ],
)
def test_how_long_somebody_is_in_recovery_says_what_a_setback_means_for_it(
    code: str | None, severity: str, said: str
) -> None:
    what = {"severity": severity} if code is None else {"severity": severity, "code": code}
    house = Living(river(tell("progress.setback", "n-1", T0 + 32 * DAY, **what)).program)
    house.now = T0 + 40 * DAY
    browser = coordinator(house)
    assert browser.get("/api/v1/people/river/n-1").json()["facts"]["recovery"] == said
    assert said in browser.get("/people/river/n-1").text


def test_a_timeline_names_who_did_it_and_keeps_what_people_say_of_themselves() -> None:
    house = Living(river().program)
    account = house.account(("river", "coordinator"), name="Ana")
    browser = house.browser(account)
    program = river()
    program.take(tell("match.reviewed", program.match("n-1").id, T0 + 1, decision="approve", by=account))
    program.take(tell("match.recalled", program.match("n-1").id, T0 + 2, by=account, reason="safety_concern"))
    house = house.remember(*program.facts)
    house.replica.programs["river"] = program.program
    said = [event["words"] for event in browser.get("/api/v1/people/river/n-1").json()["events"]]
    assert "The pair was taken back, by Ana: I am worried about safety." in said
    assert account not in str(said)


def test_people_can_be_found_by_gender_in_the_form() -> None:
    browser = coordinator(Living(river(join("n-2", T0, gender="man")).program))
    assert '<select id="gender" name="gender">' in browser.get("/people").text
    found = text_of(browser.post("/people", {"gender": "man"}))
    assert "1 found" in found
    assert "Nobody like this" in text_of(browser.post("/people", {"gender": "nonbinary"}))


def test_every_type_of_fact_has_a_sentence() -> None:
    missing = {*EVENTS, *DECISIONS} - telling.KNOWN
    about_nobody = {
        type_ for type_ in missing if type_.startswith(("alert.", "circle.", "program.", "policy.", "clock."))
    }
    assert missing == about_nobody


def test_only_a_lead_sees_a_report() -> None:
    program = river(tell("safety.reported", "m-1", T0 + HOUR, by="n-1", severity="serious"))
    house = Living(program.program).remember(*program.facts)
    assert "safety report" in text_of(coordinator(house, "lead").get("/people/river/m-1"))
    seen = text_of(coordinator(house).get("/people/river/m-1"))
    assert "report" not in seen
    assert "Record something" in seen


def told_to_a_lead(who: str, *events) -> list[str]:
    program = river(*events)
    house = Living(program.program).remember(*program.facts)
    page = coordinator(house, "lead").get(f"/api/v1/people/river/{who}").json()
    return [event["words"] for event in page["events"]]


@pytest.mark.parametrize(
    ("told", "of_the_subject", "of_the_other"),
    [
        (
            tell("exclusion.added", "n-1", T0 + HOUR, other="m-2", kind="never_again"),
            "Must not be paired with m-2: never again.",
            "n-1 must not be paired with them: never again.",
        ),
        (
            tell("safety.reported", "n-1", T0 + HOUR, by="m-2"),
            "A serious safety report about them.",
            "Reported n-1, in a serious safety report.",
        ),
        (
            tell("match.recorded", "n-1", T0 + HOUR, mentor="m-2"),
            "A pair made by people was recorded, with m-2.",
            "A pair made by people was recorded, with n-1.",
        ),
    ],
)
def test_a_timeline_says_whom_a_fact_is_about_that_two_pages_tell(told, of_the_subject: str, of_the_other: str) -> None:
    mine, theirs = told_to_a_lead("n-1", told), told_to_a_lead("m-2", told)
    assert (of_the_subject in mine, of_the_other in mine) == (True, False)
    assert (of_the_other in theirs, of_the_subject in theirs) == (True, False)


def test_what_is_between_somebody_and_whoever_looks_is_not_shown() -> None:
    program = river(
        tell("match.recorded", "n-1", T0 + HOUR, mentor="m-1"),
        join("n-2", T0 + HOUR),
    )
    match = program.match("n-1").id
    program.take(
        tell("safety.reported", "m-1", T0 + 2 * HOUR, by="n-1", severity="serious"),
        tell("exclusion.added", "n-1", T0 + 2 * HOUR, other="m-1", kind="never_again"),
        tell("match.pulsed", match, T0 + 2 * HOUR, by="n-1", going=1, wish="change"),
        tell("progress.checked_in", "n-1", T0 + 2 * HOUR, mood=4),
    )
    house = Living(program.program).remember(*program.facts)
    own = house.browser(house.account(("river", "lead"), member="m-1"))
    page = own.get("/api/v1/people/river/n-1").json()
    assert page["events"][0]["words"] == "Checked in: mood 4 of 10."
    assert not re.search("report|[Mm]ust not|it goes", str(page["events"]))
    assert (page["pairs"], page["supported_by"], page["apart"], page["match"]) == ([], [], 0, None)
    for path in ("people/river/n-1", "people/river/n-2", "waiting", "mentors"):
        assert "m-1" not in own.get(f"/api/v1/{path}").text, path
    card = own.get("/api/v1/today").json()["cards"][0]
    assert "m-1" not in own.get(f"/api/v1/review/river/{card['match']}").text
    assert "m-1" in coordinator(house, "lead").get("/api/v1/people/river/n-1").text


def test_a_report_is_not_told_by_how_a_pause_reads() -> None:
    program = river(
        *mentor("m-3", capacity=1),
        tell("mentor.paused", "m-1", T0 + HOUR, until="2026-04-01"),
        tell("safety.reported", "m-1", T0 + HOUR, severity="serious"),
        tell("safety.reported", "m-2", T0 + HOUR, severity="serious"),
        tell("progress.distress", "m-3", T0 + HOUR, level="elevated"),
    )
    browser = coordinator(Living(program.program).remember(*program.facts))
    barred = {line["id"]: line["barred"] for line in browser.get("/api/v1/mentors").json()["lines"]}
    assert barred["m-1"] == barred["m-2"] == barred["m-3"] == ["not free for a new pair now"]
    near = browser.get("/api/v1/people/river/n-1").json()["nearest"]
    assert {each["mentor"]: each["barred"] for each in near} == barred
    [line] = browser.get("/api/v1/waiting").json()["lines"]
    assert line["barred"] == ["not free for a new pair now"]


def test_a_report_about_who_waits_reads_like_a_pause() -> None:
    program = River(
        join("n-1"),
        join("n-2"),
        tell("safety.reported", "n-1", T0 + HOUR),
        tell("member.paused", "n-2", T0 + HOUR),
        **STAGED,
    )
    browser = coordinator(Living(program.program))
    page = browser.get("/api/v1/waiting").json()
    assert (page["total"], [(each["id"], each["until"]) for each in page["away"]]) == (
        0,
        [("n-1", None), ("n-2", None)],
    )
    lines = browser.get("/api/v1/people").json()["lines"]
    assert [line["standing"] for line in lines] == ["on a pause", "on a pause"]


def test_somebody_of_another_program_is_not_there(told: Living) -> None:
    told.replica.programs["hill"] = river(join("h-1")).program
    assert coordinator(told).get("/people/hill/h-1").status_code == 404
    del told.replica.programs["hill"]


def test_only_what_may_tell_of_how_it_went_counts_as_ended_early() -> None:
    program = River(mentor("m-1"), *[join(f"n-{number}") for number in range(5)], review={"mode": "automatic"})
    for number, (type_, data) in enumerate(
        [
            ("match.answered", {"by": "n-0", "answer": "decline"}),
            ("match.recalled", {"by": "Ana", "reason": "mistake"}),
            ("member.left", {"reason": "died"}),
            ("member.left", {"reason": "moved"}),
            ("match.closed", {"by": "Ana", "reason": "no_contact"}),
        ]
    ):
        who, at = f"n-{number}", T0 + (number + 1) * HOUR
        if program.mentor_of(who) is None:
            program.take(tell("match.recorded", who, at, mentor="m-1"))
        subject = who if type_.startswith("member.") else program.match(who).id
        program.take(tell(type_, subject, at + 1, **data))
    house = Living(program.program).remember(*program.facts)
    [line] = coordinator(house).get("/api/v1/mentors").json()["lines"]
    assert (line["had"], line["ended_early"]) == (5, 1)


# Waiting


def test_who_waits_is_told_with_what_bars_them_and_what_would_help() -> None:
    program = river(join("n-2", T0 + HOUR, wishes={"mentor_gender": ["man"]}))
    house = Living(program.program)
    page = coordinator(house).get("/api/v1/waiting").json()
    [line] = page["lines"]
    assert (line["id"], line["barred"]) == ("n-2", ["wish on gender"])
    assert line["whose"] == "Only the person can change this: ask."
    assert [cause["code"] for cause in page["causes"]] == ["gender_wish"]
    assert "n-2" in text_of(coordinator(house).get("/waiting"))


@pytest.mark.parametrize(
    ("news", "whose"),
    [
        (tell("mentor.paused", "m-1", T0 + HOUR), "Time; or ask how they are."),
        (tell("progress.distress", "m-1", T0 + HOUR, level="elevated"), "Time, or you: speak with the mentor."),
        (tell("mentor.screened", "m-1", T0 + HOUR, outcome="declined"), "Yours: decide on the screening."),
    ],
)
def test_whose_it_is_to_help_is_told_by_the_rule_and_no_waiver_is_offered_where_there_is_none(news, whose) -> None:
    program = River(mentor("m-1"), join("n-1"), news, **STAGED)
    [line] = coordinator(Living(program.program)).get("/api/v1/waiting").json()["lines"]
    assert line["whose"] == whose


def test_a_supervision_that_lapsed_is_the_coordinators_to_arrange() -> None:
    program = River(mentor("m-1"), join("n-1", T0 + HOUR, wishes={}), **STAGED)
    program.until(T0 + 40 * DAY)
    [line] = coordinator(Living(program.program)).get("/api/v1/waiting").json()["lines"]
    assert (line["would_help"], line["whose"]) == (
        "A supervision contact takes place.",
        "Yours: arrange it, and write it down.",
    )


def test_pages_of_who_waits_are_in_order(told: Living) -> None:
    browser, seen, after = coordinator(told), [], None
    while True:
        page = browser.get("/api/v1/waiting", params={"limit": 5} | ({"after": after} if after else {})).json()
        seen += [(line["since"], line["id"]) for line in page["lines"]]
        after = page["next"]
        if after is None:
            break
    assert seen == sorted(seen)
    assert len(seen) == page["total"] > 5


# Whom to recruit


def crowd(count: int, **changes):
    return [join(f"{changes.get('gender', 'x')}-{number}-{count}", T0 + number, **changes) for number in range(count)]


def test_what_is_handed_out_counts_nobody_below_five_and_no_diagnosis_with_a_gender() -> None:
    alcohol = [{"code": "F10.20", "state": "active"}]
    program = river(
        crowd(6, experiences=alcohol, wishes={"mentor_gender": ["man"]}, gender="man"),
        crowd(4, languages=["so"], wishes={"mentor_gender": ["nonbinary"]}, gender="woman"),
    ).program
    house = Living(program)
    public = text_of(coordinator(house).get("/waiting/recruit/public"))
    assert "6 people wait for somebody who has recovered from alcohol and speaks English." in public
    assert "6 people wait for a man who speaks English." in public
    assert "Somali" not in public
    assert "nonbinary" not in public
    assert not re.search(r"20\d\d-\d\d", public)
    ours = text_of(coordinator(house).get("/waiting/recruit"))
    assert "a man who has recovered from alcohol and speaks English" in ours
    assert "Somali" in ours


def test_public_lines_have_at_most_two_traits() -> None:
    people = list(Program.fold(cohort()).state.members)
    for line in recruit.public(people * 5):
        gendered = any(word in line.who for word in ("a woman", "a man", "a nonbinary", "another gender"))
        assert not (gendered and "recovered" in line.who)
        assert line.count >= recruit.CELL_MIN


def test_mentors_are_looked_for_also_for_who_lives_with_no_substance() -> None:
    lived = [{"code": "F43.10"}, {"code": "F32.9"}]
    program = River(*[join(f"n-{number}", T0, experiences=lived) for number in range(6)], **STAGED)
    browser = coordinator(Living(program.program))
    [one] = browser.get("/api/v1/waiting/recruit").json()["programs"]
    assert [(each["who"], each["count"]) for each in one["wanted"]] == [
        ("anybody who has lived with depression and speaks English", 6)
    ]
    assert "Whom to recruit" in text_of(browser.get("/waiting"))


def test_that_no_kind_of_mentor_stands_out_is_not_that_everybody_has_somebody() -> None:
    program = River(join("n-1", T0, experiences=[{"code": "Z59.00"}]), **STAGED)
    browser = coordinator(Living(program.program))
    said = text_of(browser.get("/waiting/recruit"))
    assert "river: 1 wait" in said
    assert "No kind of mentor stands out" in said
    assert "everybody has somebody" not in said
    assert "No kind of mentor stands out" in text_of(browser.get("/waiting"))


def stopped(*events) -> Living:
    house = Living(River(*events, **STAGED).program)
    house.now = T0 + HOUR
    house.signed_in(("river", "lead")).post("/start/river/off")
    return house


def test_nobody_is_recruited_for_who_has_a_free_seat_and_before_the_start_to_start_is_what_helps() -> None:
    house = stopped(mentor("m-1", capacity=1))
    for who in ("n-1", "n-2", "n-3", "n-4"):
        house.replica.programs["river"].handle(join(who, T0 + HOUR), T0 + HOUR)
    browser = coordinator(house)
    [one] = browser.get("/api/v1/waiting").json()["recruit"]
    assert (one["waiting"], one["unplaced"], one["mentors"], one["pairing"]) == (4, 3, 2, False)
    assert one["wanted"][0]["count"] == 3
    assert "Start pairing first" in text_of(browser.get("/waiting"))
    assert "2 more mentors with the usual number of seats would be enough for 3 of those who wait" in text_of(
        browser.get("/waiting/recruit")
    )


def test_nobody_is_recruited_for_whom_no_mentor_would_help() -> None:
    program = River(join("n-1"), tell("consent.revoked", "n-1", T0 + HOUR, scope="matching"), **STAGED)
    browser = coordinator(Living(program.program))
    [one] = browser.get("/api/v1/waiting").json()["recruit"]
    assert (one["waiting"], one["unplaced"], one["mentors"], one["wanted"]) == (1, 0, 0, [])
    assert "No more mentors are needed" in text_of(browser.get("/waiting"))


def test_after_an_own_start_the_page_does_not_ask_to_start() -> None:
    house = stopped()
    house.replica.programs["river"].handle(join("n-1", T0 + HOUR), T0 + HOUR)
    lead = coordinator(house, "lead")
    assert [cause["code"] for cause in lead.get("/api/v1/waiting").json()["causes"]] == ["not_started"]
    lead.post("/start/river/on")
    page = lead.get("/api/v1/waiting").json()
    assert [cause["code"] for cause in page["causes"]] == ["no_slot"]
    assert page["recruit"][0]["pairing"]


def test_what_a_seat_is_worth_is_of_mentors_of_the_whole_kind() -> None:
    women = [join(f"n-{number}", T0, wishes={"mentor_gender": ["woman"]}) for number in range(3)]
    assert prices(River(mentor("m-1", profile={"gender": "man"}), *women, **STAGED)) == ["no such mentor yet"]
    assert prices(River(mentor("m-2", capacity=1), *women, review={"mode": "automatic"})) == ["none is free"]


def prices(program: River) -> list[str]:
    page = coordinator(Living(program.program)).get("/waiting/recruit").text
    return re.findall(r'data-label="A seat is worth">([^<]*)<', page)
