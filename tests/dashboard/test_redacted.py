"""What each side of a match would see of the other: what both share, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from itertools import product
from typing import Any

import pytest

from dashboard import words
from dashboard.views import redacted
from dashboard.views.redacted import Redacted
from matcher.instants import DAY
from matcher.messages.catalog import Event
from matcher.pairing.matches import Match
from matcher.people.member import Member
from matcher.program import Program
from tests.dashboard.rivers import HOUR, T0, Living, cohort
from tests.matcher.people import River, day, join, mentor, tell

SIDES = ("newcomer", "mentor")
STAGED = {"review": {"mode": "staged"}}


def pair(newcomer: dict[str, Any] | None = None, profile: dict[str, Any] | None = None, **offer: Any) -> River:
    """n-1 is proposed m-1."""
    made = River(mentor("m-1", profile=profile, **offer), join("n-1", T0, **(newcomer or {})), **STAGED)
    assert made.mentor_of("n-1") == ("m-1", "proposed")
    return made


def seen(made: River, side: str) -> dict[str, Any]:
    """The view as the API serves it."""
    browser = Living(made.program).signed_in(("river", "coordinator"))
    answer = browser.get(f"/api/v1/matches/river/{made.match('n-1').id}/as-{side}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def text_of(made: River, side: str) -> str:
    browser = Living(made.program).signed_in(("river", "coordinator"))
    answer = browser.get(f"/matches/river/{made.match('n-1').id}/as-{side}")
    assert answer.status_code == 200, answer.text
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def test_it_says_what_both_share_in_plain_words() -> None:
    evenings = {"hours": [18, 19, 42]}
    made = pair(evenings, evenings)
    assert seen(made, "newcomer") == {
        "program": "river", "match": made.match("n-1").id, "viewer": "newcomer", "withheld": False,
        "shared": ["anxiety or stress", "substance use"], "recovery": "more than a year in recovery",
        "themes": ["cravings"], "languages": ["English"], "formats": ["phone"], "hours": ["weekday evenings"],
        "wish": "",
    }  # fmt: skip
    assert seen(made, "mentor")["recovery"] == "at the beginning of recovery"
    said = text_of(made, "newcomer")
    assert "Somebody who could support you" in said
    assert "They know ways for what you need: cravings." in said
    assert "They look for ways that you know: cravings." in text_of(made, "mentor")


@pytest.mark.parametrize("side", SIDES)
def test_it_is_linked_from_the_proposal_and_opening_it_is_written_down(side: str) -> None:
    made = pair()
    house = Living(made.program)
    browser = house.signed_in(("river", "lead"))
    path = f"/matches/river/{made.match('n-1').id}/as-{side}"
    assert f'href="{path}"' in browser.get(f"/review/river/{made.match('n-1').id}").text
    assert browser.get(path).status_code == 200
    assert f"/matches/{{program}}/{{match}}/as-{side}" in browser.get("/audit").text
    made.take(tell("match.reviewed", made.match("n-1").id, T0 + HOUR, decision="approve", by="s-1"))
    assert made.match("n-1").stage == "active"
    assert f'href="{path}"' in browser.get(f"/review/river/{made.match('n-1').id}").text
    assert browser.get(path).status_code == 200


def test_there_is_none_of_a_match_that_is_over_nor_of_ones_own() -> None:
    made = pair()
    house, match = Living(made.program), made.match("n-1").id
    for who in ("n-1", "m-1"):
        own = house.browser(house.account(("river", "lead"), member=who))
        assert own.get(f"/matches/river/{match}/as-newcomer").status_code == 404
    made.take(tell("match.reviewed", match, T0 + HOUR, decision="reject", by="s-1"))
    assert house.signed_in(("river", "lead")).get(f"/matches/river/{match}/as-mentor").status_code == 404


# What makes no difference

EARLY = day(T0 - 40 * DAY)
SUBSTANCE = {"code": "F11.20", "state": "early", "since": day(T0 - 30 * DAY)}
STRESS = {"code": "F43.10"}
YEARS = {"state": "sustained", "since": day(T0 - 1_800 * DAY)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"gender": "man"},
        {"birth_year": 1950},
        {"place": {"lat": 39.7, "lon": -105.0}},
        {"zone": "America/Denver"},
        {"languages": ["en-GB", "es"]},
        {"formats": ["phone", "in_person"]},
        {"experiences": [{"code": c, **YEARS} for c in ("F11.20", "F43.10", "Z59.01", "F31.9")]},
        {"experiences": [{"code": c, **YEARS} for c in ("F11.20", "F43.12", "F14.20")]},
        {"needs": ["sleep"]},
    ],
    ids=lambda it: next(iter(it)),
)
def test_what_the_mentor_does_not_share_changes_nothing_for_the_newcomer(changes: dict[str, Any]) -> None:
    assert seen(pair(profile=changes), "newcomer") == seen(pair(), "newcomer")


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"gender": "nonbinary"},
        {"birth_year": 2000},
        {"place": {"lat": 39.7, "lon": -105.0}},
        {"zone": "Asia/Kolkata"},
        {"languages": ["en-US", "so"]},
        {"formats": ["phone", "chat"]},
        {"experiences": [SUBSTANCE, STRESS, {"code": "Z65.1"}, {"code": "F60.3"}]},
        {"experiences": [{"code": "F11.20", "state": "active"}, STRESS]},
        {"needs": ["cravings", "legal"]},
        {"wishes": {"mentor_gender": "any", "max_km": 3_000}},
    ],
    ids=lambda it: next(iter(it)),
)
def test_what_the_newcomer_does_not_share_changes_nothing_for_the_mentor(changes: dict[str, Any]) -> None:
    assert seen(pair(newcomer=changes), "mentor") == seen(pair(), "mentor")


@pytest.mark.slow
@pytest.mark.parametrize(
    "event",
    [
        tell("progress.setback", "n-1", T0 + HOUR, code="F11.20", severity="relapse"),
        tell("progress.setback", "n-1", T0 + HOUR, code="F10.20", severity="lapse", by="mentor"),
        tell("progress.distress", "n-1", T0 + HOUR, level="elevated"),
        tell("progress.checked_in", "n-1", T0 + HOUR, mood=1, craving=9),
        tell("progress.assessed", "n-1", T0 + HOUR, instrument="PHQ-9", total=18, items=[2] * 9),
        tell("treatment.discharged", "n-1", T0 + HOUR),
        tell("exclusion.added", "n-1", T0 + HOUR, other="n-9", kind="never_again"),
        tell("waiver.granted", "m-1", T0 + HOUR, rule="recovery_time", reason="steady", until=day(T0 + 9 * DAY)),
    ],
    ids=lambda it: it.type,
)
@pytest.mark.parametrize("side", SIDES)
def test_slips_distress_and_what_coordinators_know_are_not_told(event: Event, side: str) -> None:
    made = pair()
    before = seen(made, side)
    made.take(event)
    assert seen(made, side) == before


# Gender, hours, and when nothing is said


def test_gender_is_said_only_where_it_was_wished_and_in_the_words_of_the_wish() -> None:
    wishes = {"wishes": {"mentor_gender": ["woman", "nonbinary"]}}
    assert seen(pair(wishes), "newcomer")["wish"] == "a woman or a nonbinary person"
    assert "as you wished" in text_of(pair(wishes), "newcomer")
    assert seen(pair(wishes), "mentor")["wish"] == ""
    assert seen(pair(newcomer_wishes={"gender": ["woman"]}), "mentor")["wish"] == "a woman"
    assert seen(pair(newcomer_wishes={"gender": "any"}), "mentor")["wish"] == ""
    for side in SIDES:
        assert not re.search("woman|man|nonbinary|gender", text_of(pair(), side))


def test_hours_are_parts_of_the_week_where_the_viewer_lives() -> None:
    denver = {"hours": [*range(12, 20)], "zone": "America/Denver"}
    utc = {"hours": [*range(168)]}
    assert seen(pair(denver, utc), "newcomer")["hours"] == ["weekday afternoons", "weekday evenings"]
    assert seen(pair(denver, utc), "mentor")["hours"] == ["weekday nights", "weekday evenings"]
    assert seen(pair({}, utc), "newcomer")["hours"] == []


@pytest.mark.parametrize("side", SIDES)
def test_while_something_bars_them_nothing_is_said_and_not_what_it_is(side: str) -> None:
    """A program withdraws what is barred; what time alone bars it has not seen yet when somebody looks."""
    consents, lapses = pair(), pair()
    consents.take(tell("consent.granted", "n-1", T0 + HOUR, scope="matching", until=day(T0 + DAY)))
    said = []
    for made, at in ((consents, T0 + 3 * DAY), (lapses, T0 + 40 * DAY)):
        house = Living(made.program)
        browser = house.signed_in(("river", "coordinator"))
        path = f"/matches/river/{made.match('n-1').id}/as-{side}"
        assert not browser.get(f"/api/v1{path}").json()["withheld"]
        house.now = at
        browser = house.signed_in(("river", "coordinator"))
        said.append(browser.get(f"/api/v1{path}").json() | {"match": ""})
        assert "Nothing may be passed on" in browser.get(path).text
    assert said[0] == said[1] == Redacted(
        program="river", match="", viewer=side, withheld=True
    ).model_dump()  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("who", ["n-1", "m-1"])
def test_a_report_stops_it_also_for_two_who_are_paired(who: str) -> None:
    made = pair()
    made.take(tell("match.reviewed", made.match("n-1").id, T0 + HOUR, decision="approve", by="s-1"))
    made.take(tell("member.paused", who, T0 + HOUR))
    assert not seen(made, "newcomer")["withheld"]
    made.take(tell("safety.reported", who, T0 + 2 * HOUR, by="n-1" if who == "m-1" else "m-1"))
    assert made.mentor_of("n-1") == ("m-1", "active")
    for side in SIDES:
        assert seen(made, side)["withheld"]
        assert seen(made, side)["recovery"] == ""
        assert "report" not in text_of(made, side)


# Everybody with everybody


@pytest.fixture(scope="module")
def town() -> Program:
    return Program.fold(cohort())


def views(program: Program) -> Iterator[tuple[Member, Member, Redacted, Redacted]]:
    """Both views of every pair that could be, as if they were paired."""
    present = [member for member in program.state.members if member.present and not member.is_reported]
    mentors = [member for member in present if member.mentorship is not None]
    for newcomer, other in product([member for member in present if member.seeks], mentors):
        if newcomer is not other:
            match = Match("x-0", newcomer.id, other.id, 0, "active", program.at or 0)
            of = [redacted.of(program, match, side, program.at or 0) for side in ("newcomer", "mentor")]
            yield newcomer, other, of[0], of[1]


def chapters(member: Member) -> set[str]:
    return {words.chapter(each.code) for each in member.profile.experiences}


def test_no_view_of_any_pair_says_more_than_both_share(town: Program) -> None:
    found = list(views(town))
    assert len(found) > 300
    genders = {words.gender(each) for each in words.GENDERS}
    for newcomer, other, of_mentor, of_newcomer in found:
        for view in (of_mentor, of_newcomer):
            said = view.model_dump(exclude={"program", "match"})
            text = json.dumps(said)
            assert not re.search(r"\d", text), "no id, code, date, age, distance or count"
            assert set(view.shared) <= chapters(newcomer) & chapters(other)
            assert set(view.formats) <= {words.FORMATS[each] for each in newcomer.profile.formats}
            assert set(view.formats) <= {words.FORMATS[each] for each in other.profile.formats}
            assert view.wish or not any(each in text for each in genders)
            assert not re.search("slip|relaps|distress|pause|report|hospital|custody|active|remission", text)
        assert of_mentor.shared == of_newcomer.shared
        assert of_mentor.themes == of_newcomer.themes
    assert any(view.shared and view.themes and view.hours for _, _, view, _ in found), "the test sees something"


@pytest.mark.slow
def test_every_view_that_is_served_of_a_cohort_holds_no_id_of_anybody(town: Program) -> None:
    browser = Living(town).signed_in(("river", "coordinator"))
    ids = re.compile("|".join(rf"\b{re.escape(member.id)}\b" for member in town.state.members))
    served = 0
    for match in town.state.matches.open.values():
        for side in SIDES:
            path = f"/matches/river/{match.id}/as-{side}"
            for answer in (browser.get(path), browser.get(f"/api/v1{path}")):
                assert answer.status_code == 200
                assert not ids.search(answer.text)
                assert not re.search(r"\b[FZ]\d\d\b", answer.text)
                served += 1
    assert served > 20
