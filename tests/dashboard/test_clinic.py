"""Clinicians see those who consented, as long as they do, and nothing about anybody else."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from dashboard.access import accounts
from matcher.instants import DAY, HOUR
from matcher.program import Program
from tests.dashboard.house import Browser
from tests.dashboard.rivers import T0, Living, cohort, river
from tests.matcher.people import River, day, join, tell

NEXT = T0 + HOUR
TIERED = {"review": {"mode": "tiered"}}


def granted(who: str = "n-1", at: int = NEXT, **data: Any):
    return tell("consent.granted", who, at, scope="clinician", **data)


def revoked(who: str = "n-1", at: int = NEXT + HOUR, **data: Any):
    return tell("consent.revoked", who, at, scope="clinician", **data)


class Clinic:
    """A program whose n-1 is paired with m-1, and clinicians of it."""

    def __init__(self, *events: Any) -> None:
        self.river = river(*events, **TIERED)
        self.house = Living(self.river.program, Program("hill")).remember(*self.river.facts)
        self.ann = self.house.account(("river", "clinician"), name="Ann")
        self.ben = self.house.account(("*", "clinician"), name="Ben")

    def take(self, *events: Any) -> None:
        self.river.take(*events)

    def sees(self, account: str, who: str = "n-1") -> bool:
        """Whether the account sees somebody: in the list, on the page and in both twins, or in none of them."""
        browser = self.house.browser(account)
        listed = {line["id"] for line in browser.get("/api/v1/clinic").json()["lines"]}
        answers = {browser.get(path).status_code for path in (f"/clinic/river/{who}", f"/api/v1/clinic/river/{who}")}
        seen = who in listed
        assert answers == ({200} if seen else {404})
        assert (f'href="/clinic/river/{who}"' in browser.get("/clinic").text) == seen
        return seen


# Whom


def test_nobody_is_seen_without_a_consent_to_clinicians() -> None:
    clinic = Clinic(tell("consent.granted", "n-1", NEXT, scope="matching"))
    assert not clinic.sees(clinic.ann)
    assert "Nobody yet" in clinic.house.browser(clinic.ann).get("/clinic").text


def test_a_consent_to_any_is_for_every_clinician_of_the_program_and_its_leads() -> None:
    clinic = Clinic(granted())
    assert clinic.sees(clinic.ann)
    assert clinic.sees(clinic.ben)
    assert clinic.sees(clinic.house.account(("river", "lead")))
    assert not clinic.sees(clinic.ann, "m-1")


def test_a_consent_to_one_is_for_nobody_else_also_no_lead() -> None:
    clinic = Clinic()
    clinic.take(granted(to=clinic.ann))
    assert clinic.sees(clinic.ann)
    assert not clinic.sees(clinic.ben)
    assert not clinic.sees(clinic.house.account(("river", "lead")))


def test_a_consent_is_of_its_program() -> None:
    clinic = Clinic(granted())
    hill = clinic.house.signed_in(("hill", "clinician"))
    assert hill.get("/clinic/river/n-1").status_code == 404
    assert hill.get("/api/v1/clinic").json()["total"] == 0


@pytest.mark.parametrize("to", ["any", "ann"])
def test_from_the_moment_at_which_it_is_taken_back_there_is_nobody(to: str) -> None:
    clinic = Clinic()
    about = {"to": clinic.ann} if to == "ann" else {}
    clinic.take(granted(**about))
    browser = clinic.house.browser(clinic.ann)
    tag = browser.get("/api/v1/clinic/river/n-1").headers["etag"]
    clinic.take(revoked(**about))
    assert browser.get("/api/v1/clinic/river/n-1", headers={"If-None-Match": tag}).status_code == 404
    gone, nobody = browser.get("/clinic/river/n-1"), browser.get("/clinic/river/n-99")
    assert gone.text == nobody.text, "that somebody once consented is told by nothing"
    assert not clinic.sees(clinic.ann)


def test_it_is_over_with_the_end_of_its_last_day() -> None:
    clinic = Clinic(granted(until=day(T0)))
    midnight = T0 // DAY * DAY + DAY
    clinic.house.now = midnight - 1
    assert clinic.sees(clinic.ann)
    clinic.house.now = midnight
    assert not clinic.sees(clinic.ann)


def test_who_leaves_or_is_erased_is_gone() -> None:
    for what in ("member.left", "member.erased"):
        clinic = Clinic(granted())
        assert clinic.sees(clinic.ann)
        clinic.take(tell(what, "n-1", NEXT + HOUR))
        assert not clinic.sees(clinic.ann)


def test_a_clinician_who_is_a_member_does_not_see_themselves() -> None:
    clinic = Clinic(granted())
    own = clinic.house.signed_in(("river", "clinician"), member="n-1")
    assert own.get("/clinic/river/n-1").status_code == 403
    assert own.get("/api/v1/clinic").json()["lines"] == []


def test_each_opening_is_written_down() -> None:
    clinic = Clinic(granted())
    clinic.house.browser(clinic.ann).get("/clinic/river/n-1")
    clinic.house.browser(clinic.ann).get("/clinic/river/m-1")  # not there: nothing was opened
    page = clinic.house.signed_in(("river", "lead")).get("/api/v1/audit").json()
    lines = [line for line in page["lines"] if "clinic/" in str(line)]
    assert len(lines) == 1
    assert "n-1" in str(lines[0])


def test_a_long_list_comes_in_pages() -> None:
    clinic = Clinic(granted(), *(event for n in range(2, 9) for event in (join(f"n-{n}", T0), granted(f"n-{n}"))))
    browser, seen, after = clinic.house.browser(clinic.ann), [], None
    while True:
        page = browser.get("/api/v1/clinic", params={"limit": 3} | ({"after": after} if after else {})).json()
        seen += [line["id"] for line in page["lines"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"n-{n}" for n in range(1, 9)]
    assert page["total"] == 8
    assert "after=river/n-3" in unescape(browser.get("/clinic?limit=3").text)


# What


TOLD = (
    tell("progress.checked_in", "n-1", NEXT, mood=3, craving=8),
    tell("progress.setback", "n-1", NEXT + HOUR, code="F11.20", severity="lapse"),
    tell("progress.assessed", "n-1", NEXT + 2 * HOUR, instrument="PHQ-9", total=18, items=[2] * 9),
    tell("progress.distress", "n-1", NEXT + 3 * HOUR, level="high"),
    tell("member.paused", "n-1", NEXT + 4 * HOUR, kind="hospital", until=day(T0 + 3 * DAY)),
    granted(at=NEXT + 5 * HOUR, purpose="treatment", until=day(T0 + 30 * DAY)),
)
HIDDEN = (
    tell("safety.reported", "n-1", NEXT + 6 * HOUR, by="m-2", severity="minor"),
    tell("exclusion.added", "n-1", NEXT + 6 * HOUR, other="m-2", kind="family"),
    tell("member.contacted", "n-1", NEXT + 6 * HOUR, by="s-7", outcome="message_left"),
    tell("progress.distress", "m-2", NEXT + 6 * HOUR, level="high"),
)


def test_a_record_says_how_somebody_is() -> None:
    clinic = Clinic(*TOLD)
    record = clinic.house.browser(clinic.ann).get("/api/v1/clinic/river/n-1").json()
    assert record["experiences"][0]["words"] == "opioids, early remission"
    assert record["experiences"][0]["exact"].startswith("F11.20 ")
    assert record["recovery"] == "in recovery for 30 days; a slip with opioids 4 hours ago did not end it"
    assert record["stands"] == {"words": "has a mentor", "since": T0}
    assert record["consent"] == {
        "to_any": True, "since": NEXT + 5 * HOUR, "until": T0 // DAY * DAY + 31 * DAY, "purpose": "treatment",
    }  # fmt: skip
    assert [each["words"] for each in record["check_ins"]] == ["Checked in: mood 3 of 10, craving 8 of 10."]
    assert [each["words"] for each in record["setbacks"]] == ["Slipped with opioids, told by themselves."]
    assert record["assessments"] == [{"at": NEXT + 2 * HOUR, "instrument": "PHQ-9", "total": 18}]
    assert [each["words"] for each in record["distress"]] == ["Was in great distress."]
    assert "in hospital" in record["pauses"][0]["words"]
    assert "<svg" in record["chart"]
    page = clinic.house.browser(clinic.ann).get("/clinic/river/n-1").text
    for said in ("PHQ-9", "opioids", "F11.20", "has a mentor", "great distress", "in hospital", "treatment"):
        assert said in page


def test_what_others_say_of_a_mentor_is_for_coordinators_to_check_first() -> None:
    said = tell("progress.setback", "m-1", NEXT + HOUR, code="F11.20", severity="relapse", by="mentor")
    clinic = Clinic(granted("m-1"), said)
    record = clinic.house.browser(clinic.ann).get("/api/v1/clinic/river/m-1").json()
    assert (record["setbacks"], record["chart"]) == ([], "")


def test_and_nothing_of_others_nor_what_coordinators_know() -> None:
    clinic = Clinic(*TOLD, *HIDDEN)
    browser = clinic.house.browser(clinic.ann)
    pages = [
        browser.get(path) for path in ("/clinic/river/n-1", "/api/v1/clinic/river/n-1", "/clinic", "/api/v1/clinic")
    ]
    for answer in pages:
        assert answer.status_code == 200
        assert "n-1" in answer.text
        assert not re.search(r"\b(m-1|m-2|s-7|x-\d+)\b", answer.text)
        assert not re.search("report|reached out|must not|family|message|matched|approved", answer.text.lower())


@pytest.mark.parametrize("decision", ["none", "hold"])
def test_a_hold_looks_like_a_proposal(decision: str) -> None:
    made = river(granted())
    if decision == "hold":
        made.take(tell("match.reviewed", made.match("n-1").id, NEXT, decision="hold", by="s-1"))
    house = Living(made.program)
    record = house.signed_in(("river", "clinician")).get("/api/v1/clinic/river/n-1").json()
    assert record["stands"] == {"words": "a mentor is proposed", "since": T0}


@pytest.mark.slow
def test_no_record_of_a_cohort_holds_the_id_of_anybody_else() -> None:
    facts = cohort()
    program = Program.fold(facts)
    made = River()
    made.program = program
    everybody = [member.id for member in program.state.members if member.present]
    made.take(*(granted(who, program.at or 0) for who in everybody))
    house = Living(program).remember(*facts)
    browser = house.signed_in(("river", "clinician"))
    opened = 0
    for who in everybody[::3]:
        others = re.compile("|".join(rf"\b{re.escape(each.id)}\b" for each in program.state.members if each.id != who))
        for path in (f"/clinic/river/{who}", f"/api/v1/clinic/river/{who}"):
            answer = browser.get(path)
            assert answer.status_code == 200
            assert not others.search(answer.text)
            assert not re.search("report|exclu|alarm|x-[0-9]", answer.text.lower())
            opened += 1
    assert opened > 30


# The way there


def test_a_clinician_comes_to_the_list_first_and_finds_nothing_else() -> None:
    clinic = Clinic(granted(), tell("progress.distress", "n-1", NEXT, level="high"))
    browser = clinic.house.browser(clinic.ann)
    assert browser.get("/").headers["location"] == "/clinic"
    page = browser.get("/clinic").text
    assert re.findall(r'<li><a href="([^"]+)"', page.partition("<main")[0]) == ["/clinic", "/account"]
    assert "cannot wait" in page
    assert "/alerts" not in page, "a count, and no way to what it counts"
    for path in ("/people", "/people/river/n-1", "/alerts", "/today", "/record/river/n-1"):
        assert browser.get(path).status_code == 403


def test_for_a_lead_the_bar_stays_as_it_was() -> None:
    page = Clinic().house.signed_in(("river", "lead")).get("/today").text
    bar, _, more = page.partition("<details")
    assert 'href="/clinic"' not in bar
    assert 'href="/clinic"' in more


# Recording it


def form(browser: Browser, **fields: str):
    return browser.post("/record/river/n-1/consent", {"answer": "granted", "scope": "clinician", **fields})


def test_a_coordinator_records_to_whom_for_what_and_until_when() -> None:
    clinic = Clinic()
    coordinator = clinic.house.signed_in(("river", "coordinator"))
    page = coordinator.get("/record/river/n-1").text
    assert f'<option value="{clinic.ann}">Ann</option>' in page
    assert form(coordinator, to=clinic.ann, purpose="aftercare", until=day(T0 + 60 * DAY)).status_code == 303
    assert clinic.house.sent[-1]["data"] == {
        "scope": "clinician", "to": clinic.ann, "purpose": "aftercare", "until": day(T0 + 60 * DAY),
    }  # fmt: skip
    assert clinic.sees(clinic.ann)
    assert not clinic.sees(clinic.ben)
    assert "Ann, ends" in coordinator.get("/people/river/n-1").text
    assert form(coordinator, answer="revoked", to=clinic.ann).status_code == 303
    assert not clinic.sees(clinic.ann)
    assert "May be seen by" not in coordinator.get("/people/river/n-1").text


def test_a_consent_names_a_clinician_of_the_program() -> None:
    clinic = Clinic()
    coordinator = clinic.house.signed_in(("river", "coordinator"))
    elsewhere = clinic.house.account(("hill", "clinician"))
    closed = clinic.house.account(("river", "clinician"))
    with clinic.house.engine.begin() as db:
        accounts.set_active(db, closed, False)
    for to in ("a-nobody", elsewhere, closed, coordinator.account):
        answer = form(coordinator, to=to)
        assert answer.status_code == 422
        assert "no such clinician" in answer.text
    assert form(coordinator, scope="matching", to=clinic.ann).status_code == 422
    assert not clinic.house.sent
    assert form(coordinator, answer="revoked", to=closed).status_code == 303, "what was given can be taken back"
