"""What becomes of pairs: recall, decline, closing, pairs that people made, and the switch that starts a program."""

from __future__ import annotations

import pytest

from matcher.errors import Refused
from matcher.messages.facts import MatchActivated, MatchEnded, NewcomerWaiting
from tests.matcher.people import DAY, HOUR, T0, River, day, join, mentor, tell, types, veteran, volunteer

LATER = T0 + HOUR
NEXT = LATER + HOUR
STAGED = {"mode": "staged"}


def paired(**tables: dict[str, object]) -> tuple[River, str]:
    """n-1 with m-1, who has no other seat, and the match."""
    river = River(mentor("m-1", capacity=1), join("n-1", LATER), **tables)
    assert river.mentor_of("n-1") == ("m-1", "active")
    return river, river.match("n-1").id


# Endings


@pytest.mark.parametrize(
    ("type_", "data", "reason"),
    [
        ("match.closed", {"reason": "moved_away"}, "moved_away"),
        ("match.closed", {}, "ended"),
        ("match.recalled", {"by": "s-1", "reason": "completed"}, "recalled"),
        ("match.answered", {"by": "n-1", "answer": "decline"}, "declined"),
        ("match.answered", {"by": "m-1", "answer": "decline"}, "declined"),
    ],
)
def test_an_ending_frees_the_seat_and_the_two_are_not_put_together_again(
    type_: str, data: dict[str, str], reason: str
) -> None:
    river, match = paired()
    river.take(join("n-2", LATER))
    assert river.mentor_of("n-2") is None
    river.take(tell(type_, match, NEXT, **data))
    ended = [fact.data for fact in river.facts if isinstance(fact.data, MatchEnded)]
    assert [(end.match, end.reason, end.barred) for end in ended] == [(match, reason, True)]
    assert river.sound().mentor_of("n-2") == ("m-1", "active")  # the seat went on
    river.take(tell("match.closed", river.match("n-2").id, NEXT, reason="completed"))
    river.until(T0 + 30 * DAY)
    assert river.sound().mentor_of("n-1") is None
    river.take(mentor("m-2", T0 + 31 * DAY))
    assert river.sound().mentor_of("n-1") == ("m-2", "active")


def test_who_waits_again_waits_from_the_ending_on_and_is_told() -> None:
    river, match = paired()
    *_, waits = river.take(tell("match.closed", match, T0 + 9 * DAY))
    assert waits.type == "newcomer.waiting"
    assert river.program.state.members["n-1"].seeks_since == T0 + 9 * DAY


def test_a_completed_match_ends_the_search_and_who_is_through_may_help_others() -> None:
    steady = [{"code": "F11.20", "state": "sustained", "since": day(T0 - 400 * DAY)}]
    river = River(mentor("m-1"), join("n-1", LATER, experiences=steady))
    found = river.take(tell("match.closed", river.match("n-1").id, NEXT, reason="completed"))
    assert types(found) == ["match.closed", "match.ended", "mentor.invited"]
    assert river.sound().in_market() == ([], {"m-1": 2})
    river.take(tell("member.updated", "n-1", NEXT, seeks_mentor=True))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")  # no grudge


@pytest.mark.parametrize("by", ["n-1", "m-1"])
def test_either_may_decline_a_proposal(by: str) -> None:
    river = River(mentor("m-1"), join("n-1", LATER), review=STAGED)
    found = river.take(tell("match.answered", river.match("n-1").id, LATER, by=by, answer="decline"))
    assert types(found) == ["match.answered", "match.withdrawn", "newcomer.waiting"]
    river.until(T0 + 20 * DAY)
    assert river.sound().mentor_of("n-1") is None


def test_a_yes_is_remembered_and_changes_no_stage() -> None:
    river = River(mentor("m-1"), join("n-1", LATER), review=STAGED)
    proposal = river.match("n-1").id
    for by in ("n-1", "m-1", "n-1"):
        assert types(river.take(tell("match.answered", proposal, LATER, by=by, answer="accept"))) == ["match.answered"]
    assert river.sound().match("n-1").accepted == ("m-1", "n-1")
    assert river.match("n-1").stage == "proposed"
    river.take(tell("match.reviewed", proposal, NEXT, decision="approve"))
    assert river.sound().match("n-1").accepted == ("m-1", "n-1")


def test_contact_is_kept_by_its_own_time() -> None:
    river, match = paired()
    for at in (NEXT + 9, NEXT):
        river.take(tell("match.contacted", match, at, by="m-1", channel="phone"))
    river.take(tell("match.pulsed", match, NEXT + 9, by="n-1", going=4, wish="continue"))
    assert river.sound().match("n-1").last_contact == NEXT + 9


# Pairs that people made


def test_a_pair_made_by_people_comes_in_before_the_program_is_told_to_start() -> None:
    river = River(mentor("m-1"), join("n-1"), join("n-2"), program={"start": "when_told"})
    assert river.in_market()[0] == ["n-1", "n-2"]
    found = river.take(tell("match.recorded", "n-1", LATER, mentor="m-1", since=day(T0 - 90 * DAY), by="s-1"))
    assert types(found) == ["match.recorded", "match.activated"]
    assert (river.mentor_of("n-1"), river.mentor_of("n-2")) == (("m-1", "active"), None)
    started = river.take(tell("program.started", "river", NEXT, by="s-1"))
    assert types(started) == ["program.started", "match.activated"]
    assert river.sound().mentor_of("n-2") == ("m-1", "active")


def test_a_stopped_program_proposes_nothing_and_goes_on_when_told() -> None:
    river = River(mentor("m-1"))
    river.take(tell("program.stopped", "river", LATER), join("n-1", LATER))
    river.until(T0 + DAY)
    assert river.sound().mentor_of("n-1") is None
    river.take(tell("program.started", "river", T0 + 2 * DAY))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_nobody_waits_in_silence_for_a_program_to_start() -> None:
    river = River(join("n-1"), program={"start": "when_told"})
    (waits,) = (fact.data for fact in river.facts if isinstance(fact.data, NewcomerWaiting))
    assert waits.barred_by == ("not_started",)
    assert types(river.take(tell("program.started", "river", NEXT))) == ["program.started", "newcomer.waiting"]
    assert river.sound().take(tell("progress.checked_in", "n-1", NEXT + 1))[1:] == []


def test_who_seeks_again_is_heard_again() -> None:
    river = River(join("n-1"))
    river.take(tell("member.updated", "n-1", LATER, seeks_mentor=False))
    found = river.take(tell("member.updated", "n-1", NEXT, seeks_mentor=True))
    assert types(found) == ["member.updated", "newcomer.waiting"]


def test_people_may_pair_whom_quality_or_a_wish_would_keep_apart_with_a_warning() -> None:
    river = River(mentor("m-1", profile={"gender": "man", "languages": ["so"]}))
    river.take(join("n-1", LATER, wishes={"mentor_gender": ["woman"]}))
    *_, made = river.take(tell("match.recorded", "n-1", NEXT, mentor="m-1"))
    assert isinstance(made.data, MatchActivated)
    assert (made.data.how, made.data.warnings) == ("recorded", ("gender_wish", "no_common_language"))
    river.sound()


def test_a_pair_over_capacity_is_taken_and_closes_intake() -> None:
    river, first = paired()
    river.take(join("n-2", LATER))
    *_, made = river.take(tell("match.recorded", "n-2", NEXT, mentor="m-1"))
    assert isinstance(made.data, MatchActivated)
    assert made.data.warnings == ("no_slot",)
    river.take(join("n-3", NEXT), tell("match.closed", first, NEXT, reason="completed"))
    assert river.sound().mentor_of("n-3") is None  # one of two is gone, and the mentor takes one
    river.take(tell("match.closed", river.match("n-2").id, NEXT, reason="completed"))
    assert river.sound().mentor_of("n-3") == ("m-1", "active")


@pytest.mark.parametrize(
    ("rule", "before"),
    [
        ("paused", [tell("member.paused", "n-1", LATER)]),
        ("paused", [tell("mentor.paused", "m-1", LATER)]),
        ("open_report", [tell("safety.reported", "m-1", LATER, by="n-7")]),
        ("in_distress", [tell("progress.distress", "m-1", LATER, level="elevated")]),
        ("exclusion", [tell("exclusion.added", "m-1", LATER, other="n-1", kind="family")]),
        ("not_admitted", [tell("mentor.screened", "m-1", LATER, outcome="declined")]),
        ("not_admitted", [tell("mentor.withdrawn", "m-1", LATER)]),
        ("minor", [tell("member.updated", "n-1", LATER, birth_year=2010)]),
        ("same_risk", [tell("progress.setback", "m-1", LATER, code="F11.20", severity="lapse")]),
    ],
)
def test_safety_refuses_a_pair_whoever_made_it(rule: str, before: list[object]) -> None:
    river = River(mentor("m-1"), join("n-1"), program={"start": "when_told"})
    river.take(before)  # type: ignore[arg-type]  # a list of events
    untouched = river.program.state_hash()
    with pytest.raises(Refused, match=rule) as refused:
        river.take(tell("match.recorded", "n-1", NEXT, mentor="m-1"))
    assert refused.value.code == "KND-barred"
    assert river.program.state_hash() == untouched


def test_nobody_is_their_own_mentor_nor_that_of_their_own_line() -> None:
    ten_years = [{"code": "F11.20", "state": "sustained", "since": day(T0 - 3_650 * DAY)}]
    river = River(mentor("m-1", profile={"experiences": ten_years}), mentor("m-2", LATER), review=STAGED)
    river.take(tell("match.recorded", "m-2", LATER, mentor="m-1"))
    river.take(tell("member.updated", "m-1", LATER, seeks_mentor=True), join("n-1", LATER))
    river.take(tell("match.recorded", "n-1", LATER, mentor="m-2"))
    for newcomer, who, rule in (("m-1", "m-2", "lineage"), ("m-1", "m-1", "same_person")):
        with pytest.raises(Refused, match=rule):
            river.take(tell("match.recorded", newcomer, NEXT, mentor=who))
    assert river.sound().mentor_of("m-1") is None


def test_a_recorded_pair_takes_the_place_of_a_proposal_or_a_hold() -> None:
    for held in (False, True):
        river = River(mentor("m-1"), mentor("m-2", strategies=["work"]), join("n-1", LATER), review=STAGED)
        proposal = river.match("n-1").id
        if held:
            river.take(tell("match.reviewed", proposal, LATER, decision="hold"))
        found = river.take(tell("match.recorded", "n-1", NEXT, mentor="m-2"))
        assert types(found) == ["match.recorded", "match.withdrawn", "match.activated"]
        river.until(T0 + 5 * DAY)
        assert river.sound().mentor_of("n-1") == ("m-2", "active")


def test_rules_on_a_recorded_pair_are_asked_at_its_own_instant() -> None:
    river = River(mentor("m-1"), join("n-1", LATER, seeks_mentor=None))
    river.take(tell("mentor.paused", "m-1", LATER, until=day(T0 + 2 * DAY)))
    river.take(tell("match.recorded", "n-1", T0 + 4 * DAY, mentor="m-1"))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


# Capacity


def test_lowering_capacity_ends_no_pair_and_withdraws_proposals() -> None:
    river = River(mentor("m-1", capacity=3), join("n-1", LATER), join("n-2", LATER, birth_year=None))
    assert (river.mentor_of("n-1"), river.mentor_of("n-2")) == (("m-1", "active"), ("m-1", "proposed"))
    river.take(tell("mentor.updated", "m-1", NEXT, capacity=0))
    assert (river.sound().mentor_of("n-1"), river.mentor_of("n-2")) == (("m-1", "active"), None)
    river.take(tell("mentor.updated", "m-1", NEXT, capacity=2))
    assert river.sound().mentor_of("n-2") == ("m-1", "proposed")


def test_the_policy_bounds_capacity() -> None:
    river = River(mentor("m-1", capacity=50), veteran("m-2"), volunteer("m-2"), mentor={"capacity_max": 4})
    river.take(tell("mentor.screened", "m-2", outcome="cleared"))
    assert river.sound().in_market()[1] == {"m-1": 4, "m-2": 2}
