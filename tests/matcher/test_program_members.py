"""Members who become eligible, leave, come back, are kept apart, or are erased."""

from __future__ import annotations

import pytest

from matcher.instants import parse_day
from matcher.messages.facts import Fact, MatchEnded, MentorInvited, Told
from matcher.people.exclusions import Exclusions
from tests.matcher.people import DAY, HOUR, T0, River, day, join, mentor, tell, types, veteran

LATER = T0 + HOUR
NEXT = LATER + HOUR


def paired() -> River:
    """n-1 with m-1, who has no other seat; n-2 waits."""
    river = River(mentor("m-1", capacity=1), join("n-1", LATER), join("n-2", NEXT, needs=["work"]))
    assert (river.mentor_of("n-1"), river.mentor_of("n-2")) == (("m-1", "active"), None)
    return river


# Invitations


def sober(days: int) -> list[dict[str, str]]:
    return [{"code": "F11.20", "state": "early", "since": day(T0 - days * DAY)}]


def test_a_member_is_invited_once_at_the_instant_at_which_the_time_is_reached() -> None:
    river = River(veteran("v-1", experiences=sober(300)))
    reached = parse_day(day(T0 - 300 * DAY)) - DAY + 365 * DAY
    assert river.program.next_due() == reached
    assert river.until(reached - 1) == []
    (invited,) = river.until(reached)
    assert isinstance(invited.data, MentorInvited)
    assert (invited.at, invited.data.member) == (reached, "v-1")
    assert "recovery_time" in invited.data.rules
    assert river.until(reached + 900 * DAY) == []
    river.take(tell("progress.setback", "v-1", reached + 901 * DAY, severity="relapse"))
    assert river.until(reached + 1_500 * DAY) == []


@pytest.mark.parametrize(
    ("told", "instant"),
    [
        (tell("member.paused", "v-1", until=day(T0 + 100 * DAY)), parse_day(day(T0 + 100 * DAY))),
        (tell("progress.distress", "v-1", T0 + 60 * DAY, level="high"), T0 + 74 * DAY),
        (tell("progress.setback", "v-1", T0 + DAY, severity="relapse"), T0 + 366 * DAY),
        (tell("member.updated", "v-1", birth_year=2008), parse_day("2026-12-31")),
    ],
)
def test_an_invitation_waits_for_its_moment(told: object, instant: int) -> None:
    river = River(veteran("v-1", experiences=sober(300)))
    river.take(told)  # type: ignore[arg-type]  # an event
    assert river.until(instant - 1) == []
    (invited,) = river.until(instant)
    assert (invited.type, invited.at) == ("mentor.invited", instant)
    river.sound()


@pytest.mark.parametrize(
    "told",
    [
        tell("member.paused", "v-1"),
        tell("safety.reported", "v-1", by="n-9"),
        tell("member.left", "v-1"),
        tell("member.updated", "v-1", birth_year=None),
        tell("member.updated", "v-1", seeks_mentor=True),
        tell("mentor.volunteered", "v-1"),
    ],
)
def test_some_are_not_invited(told: object) -> None:
    river = River(veteran("v-1", experiences=sober(300)))
    river.take(told)  # type: ignore[arg-type]  # an event
    assert "mentor.invited" not in types(river.until(T0 + 200 * DAY))


def test_an_open_pause_is_no_instant() -> None:
    river = River(veteran("v-1", experiences=sober(300)))
    river.take(tell("member.paused", "v-1"))
    assert river.program.next_due() is None


def test_an_invitation_comes_with_the_word_that_was_missing() -> None:
    river = River(veteran("v-1", birth_year=None))
    assert types(river.facts)[-1] == "member.joined"
    assert types(river.take(tell("member.updated", "v-1", birth_year=1980)))[-1] == "mentor.invited"


# Going and coming back


@pytest.mark.parametrize("reason", ["moved", "died", None])
def test_a_newcomer_who_goes_frees_the_seat(reason: str | None) -> None:
    river = paired()
    river.take(tell("member.left", "n-1", NEXT, reason=reason))
    (ended,) = [fact.data for fact in river.facts if isinstance(fact.data, MatchEnded)]
    assert (ended.reason, ended.barred) == (reason or "left", False)
    assert river.sound().mentor_of("n-2") == ("m-1", "active")
    assert river.program.summary()["closed"] == 1


@pytest.mark.parametrize(
    ("type_", "reason"), [("member.left", "left"), ("mentor.withdrawn", "mentor_withdrew"), ("member.erased", "left")]
)
def test_newcomers_of_a_mentor_who_goes_wait_again(type_: str, reason: str) -> None:
    river = paired()
    river.take(mentor("m-2", NEXT, capacity=1), tell(type_, "m-1", NEXT + 1))
    (ended,) = [fact.data for fact in river.facts if isinstance(fact.data, MatchEnded)]
    assert ended.reason == reason
    assert river.sound().mentor_of("n-1") is None
    river.take(mentor("m-3", NEXT + 2, capacity=1))
    assert river.sound().mentor_of("n-1") == ("m-3", "active")


def test_proposals_of_who_goes_are_withdrawn_also_while_held() -> None:
    for who in ("n-1", "m-1"):
        river = River(mentor("m-1"), join("n-1", LATER), review={"mode": "staged"})
        river.take(tell("match.reviewed", river.match("n-1").id, LATER, decision="hold"))
        assert "match.withdrawn" in types(river.take(tell("member.left", who, NEXT)))
        assert river.until(T0 + 9 * DAY) == []
        assert river.sound().mentor_of("n-1") is None


def test_who_comes_back_waits_anew_and_is_told_anew() -> None:
    river = River(join("n-1"), tell("member.left", "n-1", T0 + DAY))
    assert river.until(T0 + 9 * DAY) == []
    found = river.take(join("n-1", T0 + 10 * DAY))
    assert types(found) == ["member.joined", "newcomer.waiting"]
    member = river.program.state.members["n-1"]
    assert (member.present, member.joined_at, member.seeks_since) == (True, T0 + 10 * DAY, T0 + 10 * DAY)
    river.take(mentor("m-1", T0 + 11 * DAY))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_who_comes_back_is_no_longer_away() -> None:
    river = River(
        mentor("m-1"), join("n-1", LATER), tell("member.paused", "n-1", LATER), tell("member.left", "n-1", LATER)
    )
    river.take(join("n-1", NEXT))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_a_mentor_who_comes_back_volunteers_anew() -> None:
    river = River(mentor("m-1"), tell("member.left", "m-1", LATER), veteran("m-1", NEXT), join("n-1", NEXT))
    assert river.sound().mentor_of("n-1") is None
    river.take(*mentor("m-1", NEXT)[1:])
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_late_news_of_somebody_who_left_are_taken() -> None:
    river = River(join("n-1"), tell("member.left", "n-1", LATER))
    late = tell("progress.setback", "n-1", T0 + 1, severity="relapse", code="F11.20")
    assert types(river.take(late, at=NEXT)) == ["progress.setback"]
    river.take(join("n-1", NEXT))
    assert river.sound().program.state.members["n-1"].recovery.last_setback() is not None


# Kept apart


@pytest.mark.parametrize(("one", "other"), [("n-1", "m-1"), ("m-1", "n-1")])
def test_an_exclusion_ends_the_pair_and_keeps_the_two_apart_for_ever(one: str, other: str) -> None:
    river = paired()
    river.take(tell("exclusion.added", one, NEXT, other=other, kind="never_again"))
    assert (river.mentor_of("n-1"), river.mentor_of("n-2")) == (None, ("m-1", "active"))
    river.take(*(tell("exclusion.removed", who, NEXT, other=them) for who, them in ((one, other), (other, one))))
    river.take(tell("match.closed", river.match("n-2").id, NEXT, reason="completed"))
    river.until(T0 + 30 * DAY)
    assert river.sound().mentor_of("n-1") is None


def test_other_exclusions_are_lifted_when_all_who_said_so_take_them_back() -> None:
    river = River(mentor("m-1"))
    river.take(join("n-1", LATER, seeks_mentor=None))
    for one, other in (("n-1", "m-1"), ("m-1", "n-1")):
        river.take(tell("exclusion.added", one, LATER, other=other))
    river.take(
        tell("member.updated", "n-1", NEXT, seeks_mentor=True), tell("exclusion.removed", "n-1", NEXT, other="m-1")
    )
    assert river.sound().mentor_of("n-1") is None
    river.take(tell("exclusion.removed", "m-1", NEXT, other="n-1"))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_an_exclusion_takes_a_proposal_and_a_hold_back() -> None:
    for held in (False, True):
        river = River(mentor("m-1"), join("n-1", LATER), review={"mode": "staged"})
        if held:
            river.take(tell("match.reviewed", river.match("n-1").id, LATER, decision="hold"))
        river.take(tell("exclusion.added", "m-1", NEXT, other="n-1", kind="family"))
        assert river.sound().mentor_of("n-1") is None


def test_an_exclusion_takes_a_proposal_back_also_of_a_program_that_was_stopped() -> None:
    river = River(mentor("m-1"), join("n-1", LATER), review={"mode": "staged"})
    river.take(tell("program.stopped", "river", LATER), tell("exclusion.added", "n-1", NEXT, other="m-1"))
    assert river.sound().mentor_of("n-1") is None


def test_an_exclusion_holds_before_the_other_has_come() -> None:
    river = River(mentor("m-1"), tell("exclusion.added", "m-1", other="n-1", kind="staff"), join("n-1", LATER))
    assert river.sound().mentor_of("n-1") is None


def test_an_exclusion_of_oneself_that_an_older_version_took_says_nothing() -> None:
    exclusions = Exclusions()
    for n, type_ in enumerate(("exclusion.added", "exclusion.removed")):
        event = tell(type_, "n-1", other="n-1")
        exclusions.evolve(Fact("river", n, T0, type_, Told("n-1", T0, event.data)))
        assert exclusions.of("n-1") == ()


# Erasure


@pytest.mark.parametrize("who", ["n-1", "m-1"])
def test_erasure_leaves_no_trace_in_the_state(who: str) -> None:
    river = paired()
    river.take(tell("match.answered", river.match("n-1").id, NEXT, by=who, answer="accept"))
    river.take(tell("exclusion.added", who, NEXT, other="n-2"), tell("exclusion.added", "n-2", NEXT, other=who))
    river.take(tell("match.answered", river.match("n-1").id, NEXT, by=who, answer="decline"), join("n-3", NEXT))
    river.take(tell("safety.reported", "n-2", NEXT, by=who))
    assert f'"{who}"'.encode() in river.program.dump()
    river.take(tell("member.erased", who, NEXT + 1))
    assert f'"{who}"'.encode() not in river.program.dump()
    river.sound()
    found = river.take(join(who, NEXT + 2))
    assert types(found)[0] == "member.joined"
    river.sound()


def test_who_has_left_can_be_erased() -> None:
    river = paired()
    river.take(tell("member.left", "n-1", NEXT), tell("member.erased", "n-1", NEXT))
    assert b'"n-1"' not in river.program.dump()


def test_erasure_of_somebody_between_frees_the_line_of_support() -> None:
    ten_years = {"experiences": sober(3_650)}
    river = River(mentor("m-1", profile=ten_years), mentor("m-2"), join("n-1", LATER), review={"mode": "staged"})
    river.take(tell("match.recorded", "m-2", LATER, mentor="m-1"), tell("match.recorded", "n-1", LATER, mentor="m-2"))
    assert river.program.state.support.descendants("m-1") == ["m-2", "n-1"]
    river.take(tell("member.erased", "m-2", NEXT))
    assert river.sound().program.state.support.descendants("m-1") == []
