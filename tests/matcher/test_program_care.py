"""Care around a pair: who may mentor and until when, slips and distress, who is invited, and who goes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from matcher.errors import Refused
from matcher.instants import parse_day
from matcher.messages.catalog import Event
from matcher.messages.facts import Fact, IntakePaused, MentorRefused, NewcomerWaiting, read_fact
from matcher.messages.notices import notices
from matcher.policy import Policy
from tests.matcher.people import DAY, HOUR, T0, River, day, join, mentor, tell, types, veteran, volunteer

LATER = T0 + HOUR
NEXT = LATER + HOUR
LAST = parse_day("2099-12-31") - HOUR


def paired(**offer: Any) -> River:
    """n-1 with m-1."""
    river = River(mentor("m-1", **offer), join("n-1", LATER))
    assert river.mentor_of("n-1") == ("m-1", "active")
    return river


def opens(river: River, who: str = "m-1") -> bool:
    """Whether the mentor takes new people."""
    return who in river.in_market()[1]


# Becoming a mentor


def test_a_volunteer_is_screened_and_admitted() -> None:
    river = River(veteran("m-1"), volunteer("m-1"))
    assert not opens(river)
    assert types(river.take(tell("mentor.screened", "m-1", outcome="cleared"))) == [
        "mentor.screened",
        "mentor.admitted",
    ]
    assert opens(river.sound())


@pytest.mark.parametrize(
    ("rules", "profile", "offer"),
    [
        (("recovery_time",), {"experiences": [{"code": "F11.20", "state": "early", "since": day(T0 - 364 * DAY)}]}, {}),
        (("training_lapsed",), {}, {"trained": None}),
        (("supervision_lapsed",), {}, {"supervised": day(T0 - 40 * DAY)}),
        (("minor",), {"birth_year": 2008}, {}),
    ],
)
def test_who_is_cleared_but_barred_is_refused_with_the_rules(
    rules: tuple[str, ...], profile: dict[str, Any], offer: dict[str, Any]
) -> None:
    river = River()
    *_, refused = river.take(mentor("m-1", profile=profile, **offer))
    assert isinstance(refused.data, MentorRefused)
    assert refused.data.rules == rules
    assert not opens(river.sound())


def test_who_was_refused_is_admitted_at_the_instant_at_which_nothing_bars_them() -> None:
    river = River(mentor("m-1", profile={"birth_year": 2008, "experiences": [{"code": "Z59.01"}, _sober_for(300)]}))
    assert types(river.facts)[-1] == "mentor.refused"
    river.take(tell("mentor.supervised", "m-1", T0 + 290 * DAY))
    (admitted,) = river.until(T0 + 310 * DAY)
    assert (admitted.type, admitted.at) == ("mentor.admitted", parse_day("2026-12-31"))
    assert opens(river.sound())


def test_a_declined_volunteer_is_refused_and_may_be_screened_again() -> None:
    river = River(veteran("m-1"), volunteer("m-1"))
    assert types(river.take(tell("mentor.screened", "m-1", outcome="declined")))[-1] == "mentor.refused"
    assert types(river.take(tell("mentor.screened", "m-1", outcome="cleared")))[-1] == "mentor.admitted"
    river.take(tell("mentor.screened", "m-1", outcome="declined"))
    assert not opens(river.sound())


def test_a_clearance_ends_at_the_end_of_its_day() -> None:
    river = River(veteran("m-1"), volunteer("m-1"), tell("mentor.screened", "m-1", outcome="cleared", until=day(T0)))
    assert opens(river)
    river.until(parse_day(day(T0)) - 1)
    assert opens(river)
    river.until(parse_day(day(T0)))
    assert not opens(river.sound())


# Intake


def test_a_lapsed_supervision_closes_intake_at_its_instant_and_ends_no_pair() -> None:
    river = paired()
    lapses = parse_day(day(T0 + 31 * DAY))  # 24:00 of the last day
    assert river.until(lapses - 1) == []
    assert opens(river)
    river.until(lapses)
    assert not opens(river.sound())
    assert river.mentor_of("n-1") == ("m-1", "active")
    river.take(tell("mentor.supervised", "m-1", lapses + DAY))
    assert opens(river.sound())


def test_a_pause_closes_intake_and_ends_with_its_day() -> None:
    river = paired()
    *_, paused = river.take(tell("mentor.paused", "m-1", NEXT, until=day(T0 + DAY)))
    assert isinstance(paused.data, IntakePaused)
    assert paused.data.until == parse_day(day(T0 + DAY))
    assert not opens(river)
    river.take(join("n-2", NEXT))
    assert river.mentor_of("n-2") is None
    (made,) = river.until(T0 + 3 * DAY)
    assert (made.type, made.at) == ("match.activated", parse_day(day(T0 + DAY)))
    river.take(tell("mentor.paused", "m-1", T0 + 4 * DAY))
    assert not opens(river)
    river.take(tell("mentor.resumed", "m-1", T0 + 5 * DAY))
    assert opens(river.sound()) is False  # both seats are taken


def test_the_seats_of_who_takes_nobody_now_are_not_open() -> None:
    river = River(mentor("m-1", capacity=2), mentor("m-2", capacity=1), veteran("v-1"), volunteer("v-1"))
    assert river.program.summary()["open_slots"] == 3
    river.take(tell("mentor.paused", "m-1", NEXT), tell("safety.reported", "m-2", NEXT, by="v-1"))
    assert river.program.summary()["open_slots"] == 0
    river.take(tell("mentor.resumed", "m-1", NEXT + HOUR), join("n-1", NEXT + HOUR))
    assert river.program.summary()["open_slots"] == 1


def test_a_pause_until_the_last_day_that_messages_take_can_be_read_back() -> None:
    *_, paused = River(mentor("m-1")).take(tell("mentor.paused", "m-1", NEXT, until="2099-12-31"))
    assert read_fact(paused.line()) == paused
    with pytest.raises(Refused):
        tell("mentor.paused", "m-1", NEXT, until="2100-01-01")


def test_what_ends_after_the_last_time_that_messages_take_can_be_read_back() -> None:
    river = River(mentor("m-1", LAST - DAY), join("n-1", LAST, birth_year=2060), review={"mode": "staged"})
    river.take(tell("match.reviewed", river.match("n-1").id, LAST, decision="hold"))
    river.take(tell("progress.setback", "m-1", LAST, severity="lapse"))
    assert [read_fact(fact.line()) for fact in river.facts] == river.facts


@pytest.mark.parametrize("code", ["F11.20", "F33.1", None])
@pytest.mark.parametrize("severity", ["lapse", "relapse"])
def test_a_mentors_slip_stops_intake_at_once_and_ends_no_pair(severity: str, code: str | None) -> None:
    river = paired()
    told, paused, *_ = river.take(tell("progress.setback", "m-1", NEXT, severity=severity, code=code))
    assert (told.type, paused.type, paused.at) == ("progress.setback", "intake.paused", NEXT)
    assert not opens(river.sound())
    assert river.mentor_of("n-1") == ("m-1", "active")


@pytest.mark.parametrize("other", [{"trained": None}, {"supervised": None}, {"capacity": 0}, {}, None], ids=repr)
def test_no_notice_tells_a_slip_from_a_wish(other: dict[str, Any] | None) -> None:
    """Neither at once nor to those who wait later, whatever bars the other mentor and whatever the slip brings."""
    at_once, later = set[str](), set[str]()
    for type_, data in (
        ("mentor.paused", {}),
        ("mentor.paused", {"until": day(T0 + 40 * DAY), "reason": "holiday"}),
        ("progress.setback", {"severity": "lapse", "code": "F11.20"}),
        ("progress.setback", {"severity": "relapse"}),
        ("progress.setback", {"severity": "relapse", "by": "coordinator", "code": "F33.1"}),
        ("safety.reported", {"by": "n-1"}),
        ("progress.distress", {"level": "elevated"}),
    ):
        river = paired()
        river.take(*([] if other is None else mentor("m-2", **{"capacity": 0, **other})))
        seen = river.take(tell(type_, "m-1", NEXT, **data))
        if type_ in ("mentor.paused", "progress.setback"):  # of the others no pause is told at all
            at_once.add(_said(seen))
        later.add(_said(river.take(*(join(f"n-{number}", NEXT) for number in range(2, 6)))))
    (same,) = at_once
    assert "kindred.mentor.intake_paused.v1" in same
    (same,) = later
    assert "kindred.newcomer.waiting.v1" in same


@pytest.mark.parametrize("fit_min", [0, 700_000, 800_000, 850_000])
def test_what_a_slip_or_an_exclusion_brings_with_it_is_not_told_either(fit_min: int) -> None:
    """A lower fit, and a full mentor who would not be asked anyway."""
    said = set[str]()
    for event in (
        tell("mentor.paused", "m-1", NEXT),
        tell("progress.setback", "m-1", NEXT, severity="relapse", code="F11.20"),
        tell("exclusion.added", "n-2", NEXT, other="m-1", kind="never_again"),
    ):
        river = River(
            *(mentor("m-1", capacity=1), join("n-1"), mentor("m-2", trained=None)),
            *(join("n-2", LATER, seeks_mentor=False), event),
            quality={"fit_min": fit_min, "widen_after_days": ()},
        )
        assert len(river.in_market()[1]) == 0, "nobody has a seat"
        said.add(_said(river.take(tell("member.updated", "n-2", NEXT, seeks_mentor=True))))
    (same,) = said
    assert '"barred_by": [' in same


def test_a_report_about_a_newcomer_is_as_silent_as_a_pause() -> None:
    said = set[str]()
    for event in (tell("member.paused", "n-1", NEXT), tell("safety.reported", "n-1", NEXT, by="m-1")):
        river = River(mentor("m-1"), join("n-1"), review={"mode": "staged"})
        said.add(_said(river.take(event)))
    (same,) = said
    assert "match.withdrawn" in same
    assert "waiting" not in same


def _said(facts: Iterable[Fact]) -> str:
    """The notices, without the numbers of their facts."""
    return json.dumps([{**notice, "id": "-"} for fact in facts for notice in notices(fact)])


def test_a_lapse_holds_from_the_slip_on_and_a_relapse_starts_recovery_anew() -> None:
    for severity, days in (("lapse", 90), ("relapse", 365)):
        river = paired()
        *_, paused = river.take(
            tell("progress.setback", "m-1", NEXT, severity=severity, code="F11.20"), at=NEXT + 2 * DAY
        )
        back = NEXT + days * DAY
        assert isinstance(paused.data, IntakePaused)
        assert paused.data.until == back
        river.take(tell("mentor.supervised", "m-1", back - DAY))
        river.until(back - 1)
        assert not opens(river)
        river.until(back)
        assert opens(river.sound())


def test_a_slip_that_is_over_when_it_is_told_pauses_nothing() -> None:
    river = paired()
    told = tell("progress.setback", "m-1", T0 - 100 * DAY, severity="lapse", code="F17.210")
    assert types(river.take(told, at=NEXT)) == ["progress.setback"]
    assert opens(river.sound())


@pytest.mark.parametrize("by", ["mentor", "clinician"])
def test_a_mentors_slip_told_by_others_changes_nothing_else(by: str) -> None:
    river = paired()
    before = river.program.dump()
    assert types(river.take(tell("progress.setback", "m-1", NEXT, severity="relapse", by=by))) == ["progress.setback"]
    assert opens(river.sound())
    assert river.program.state.members["m-1"].concerns.pop("hearsay"), "it is a task to check"
    assert _without_clock(before) == _without_clock(river.program.dump())


def test_a_newcomers_slip_keeps_the_pair() -> None:
    river = paired()
    assert types(river.take(tell("progress.setback", "n-1", NEXT, severity="relapse"))) == ["progress.setback"]
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


@pytest.mark.parametrize(
    "sign",
    [
        tell("progress.distress", "m-1", LATER, level="elevated"),
        tell("progress.assessed", "m-1", LATER, instrument="PHQ-9", total=1, items=[0] * 8 + [1]),
    ],
)
def test_a_mentor_in_distress_takes_nobody_for_a_while(sign: Event) -> None:
    river = River(mentor("m-1"), sign)
    *_, waits = river.take(join("n-1", NEXT))
    assert isinstance(waits.data, NewcomerWaiting)
    assert waits.data.barred_by == ("paused",)  # distress is nobody's business
    river.until(LATER + 14 * DAY - 1)
    assert river.mentor_of("n-1") is None
    river.until(LATER + 14 * DAY)
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_a_report_freezes_new_pairs_until_it_is_settled_and_for_good_when_upheld() -> None:
    river = paired()
    river.take(tell("safety.reported", "m-1", NEXT, by="n-9"), join("n-2", NEXT))
    assert (river.mentor_of("n-1"), river.mentor_of("n-2")) == (("m-1", "active"), None)
    river.take(tell("safety.resolved", "m-1", NEXT, outcome="unfounded"))
    assert river.sound().mentor_of("n-2") == ("m-1", "active")
    river = paired()
    river.take(tell("safety.reported", "m-1", NEXT, by="n-9"), tell("safety.resolved", "m-1", NEXT, outcome="upheld"))
    assert not opens(river.sound())


def test_no_later_word_lifts_a_report_that_was_upheld() -> None:
    river = paired()
    for at in (NEXT, NEXT + 1):
        river.take(tell("safety.reported", "m-1", at, by="n-9"))
    for at, outcome in enumerate(("upheld", "unfounded", "unfounded"), NEXT + 2):
        river.take(tell("safety.resolved", "m-1", at, outcome=outcome))
    assert not opens(river.sound())


@pytest.mark.parametrize("shed", [["mentor.withdrawn"], ["member.left"]])
def test_a_slip_is_not_shed_by_going_and_coming_back(shed: list[str]) -> None:
    river = paired()
    river.take(tell("progress.setback", "m-1", NEXT, severity="lapse"))
    river.take(*(tell(type_, "m-1", NEXT + 1) for type_ in shed), mentor("m-1", NEXT + 2))
    assert not opens(river.sound())
    river.take(tell("mentor.supervised", "m-1", NEXT + 89 * DAY))
    river.until(NEXT + 90 * DAY)
    assert opens(river.sound())


def test_a_lapse_before_volunteering_rests_intake_too() -> None:
    first, *offer = mentor("m-1")
    river = River(first, tell("progress.setback", "m-1", severity="lapse"), offer)
    assert not opens(river.sound())


# Waivers


def test_a_waiver_lifts_the_rule_until_its_end() -> None:
    river = River(mentor("m-1", profile={"experiences": [_sober_for(300)]}))
    assert types(river.facts)[-1] == "mentor.refused"
    waiver = tell("waiver.granted", "m-1", LATER, rule="recovery_time", reason="steady", until=day(T0 + 9 * DAY))
    assert types(river.take(waiver)) == ["waiver.granted", "mentor.admitted"]
    assert opens(river)
    river.until(T0 + 20 * DAY)
    assert not opens(river.sound())
    river.until(T0 + 66 * DAY)  # a year of recovery
    river.take(tell("mentor.supervised", "m-1", T0 + 66 * DAY))
    assert opens(river.sound())


def test_a_waiver_holds_for_pairs_too_and_can_be_taken_back() -> None:
    river = River(mentor("m-1", profile={"experiences": [_sober_for(400)]}), review={"mode": "staged"})
    river.take(join("n-1", LATER, experiences=[_sober_for(370)]))
    assert river.mentor_of("n-1") is None  # not far enough ahead
    river.take(tell("waiver.granted", "m-1", LATER, rule="recovery_time", reason="steady", until=day(T0 + 9 * DAY)))
    assert river.sound().mentor_of("n-1") == ("m-1", "proposed")
    river.take(tell("waiver.revoked", "m-1", NEXT, rule="recovery_time"))
    assert river.sound().mentor_of("n-1") is None


# Consent and age


def test_consent_to_be_matched_can_be_taken_back_and_can_end() -> None:
    river = River(
        mentor("m-1"), join("n-1", LATER, seeks_mentor=None), tell("consent.revoked", "n-1", LATER, scope="matching")
    )
    *_, waits = river.take(tell("member.updated", "n-1", LATER, seeks_mentor=True))
    assert isinstance(waits.data, NewcomerWaiting)
    assert waits.data.barred_by == ("consent_missing",)
    river.take(tell("consent.granted", "n-1", NEXT, scope="clinician"))
    assert river.mentor_of("n-1") is None
    river.take(tell("consent.granted", "n-1", NEXT, scope="matching", until=day(T0 + DAY)))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")
    river.until(T0 + 3 * DAY)
    assert river.sound().mentor_of("n-1") == ("m-1", "active")  # no consent to be matched ends no pair


def test_a_program_may_want_consent_on_record() -> None:
    river = River(mentor("m-1"), join("n-1", LATER), consent={"recorded_required": True})
    assert river.mentor_of("n-1") is None
    river.take(*(tell("consent.granted", who, NEXT, scope="matching") for who in ("n-1", "m-1")))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_a_minor_waits_until_the_year_ends_in_which_they_come_of_age() -> None:
    river = River(mentor("m-1"), join("n-1", LATER, birth_year=2008))
    waits = river.facts[-1].data
    assert isinstance(waits, NewcomerWaiting)
    assert waits.barred_by == ("minor",)
    river.take(tell("mentor.supervised", "m-1", parse_day("2026-12-30")))
    (made,) = river.until(parse_day("2026-12-31"))
    assert (made.type, made.at) == ("match.activated", parse_day("2026-12-31"))


def test_an_unknown_year_of_birth_is_asked_for_before_pairing() -> None:
    river = River(mentor("m-1", profile={"birth_year": None}), join("n-1", LATER), review={"mode": "automatic"})
    assert river.mentor_of("n-1") == ("m-1", "proposed")


def _sober_for(days: int) -> dict[str, str]:
    return {"code": "F11.20", "state": "sustained", "since": day(T0 - days * DAY)}


def _without_clock(dump: bytes) -> bytes:
    return dump[dump.index(b'"policy"') :]


def test_the_policy_may_change_while_people_wait() -> None:
    river = River(mentor("m-1", capacity=3), *(join(f"n-{number}", LATER + number) for number in (1, 2, 3)))
    assert river.mentor_of("n-3") == ("m-1", "active")
    facts = river.program.adopt(Policy.model_validate({"mentor": {"capacity_max": 1}}), NEXT)
    assert types(facts) == ["policy.adopted"]
    river.facts += facts
    assert river.sound().mentor_of("n-3") == ("m-1", "active")  # nobody is sent away
