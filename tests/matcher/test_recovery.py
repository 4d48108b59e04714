"""Recovery folded from what is told, in whatever order it comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.instants import DAY
from matcher.people.recovery import YEAR, Recovery

JOINED = 1_000 * DAY


def member(*experiences: tuple[str, Any, int | None]) -> Recovery:
    recovery = Recovery()
    recovery.declare(experiences, JOINED)
    return recovery


WORDS = {
    "declare": st.tuples(
        st.lists(
            st.tuples(
                st.sampled_from(["F11.20", "F11.23", "F10.20", "F43.1", "Z59.0"]),
                st.sampled_from(["active", "early", "sustained", "past"]),
                st.none() | st.integers(0, JOINED),
            ),
            max_size=4,
        )
    ),
    "setback": st.tuples(
        st.none() | st.sampled_from(["F11.20", "F11.10", "F14.20", "F43.1"]),
        st.sampled_from(["lapse", "relapse"]),
        st.sampled_from(["self", "mentor", "clinician"]),
    ),
    "milestone": st.tuples(st.sampled_from(["days", "step", "work"]), st.none() | st.integers(0, 500)),
    "assess": st.tuples(
        st.sampled_from(["BARC-10", "PHQ-9"]), st.integers(0, 27), st.lists(st.integers(0, 3), max_size=9)
    ),
    "check_in": st.tuples(st.none() | st.integers(0, 10), st.none() | st.integers(0, 10)),
    "distress": st.tuples(st.sampled_from(["elevated", "high"])),
    "discharge": st.tuples(st.none() | st.just("residential")),
    "seen": st.tuples(),
}
TOLD = st.sampled_from(sorted(WORDS)).flatmap(lambda verb: st.tuples(st.just(verb), WORDS[verb]))
LIVES = st.lists(st.tuples(st.integers(0, 2_000 * DAY), TOLD), max_size=15, unique_by=lambda told: told[0])


def fold(life: list[tuple[int, tuple[str, tuple[Any, ...]]]]) -> Recovery:
    recovery = Recovery()
    for at, (verb, words) in life:
        getattr(recovery, verb)(*words, at)
    return recovery


@pytest.mark.slow
@given(LIVES.flatmap(lambda life: st.tuples(st.just(life), st.permutations(life))))
def test_the_order_of_arrival_leaves_no_trace(lives: tuple[list[Any], list[Any]]) -> None:
    life, shuffled = lives
    assert fold(life) == fold(shuffled)


@pytest.mark.slow
@given(LIVES)
def test_a_snapshot_brings_back_the_same_recovery(life: list[Any]) -> None:
    recovery = fold(life)
    assert Recovery.from_json(json.loads(json.dumps(recovery.to_json()))) == recovery


@pytest.mark.slow
@given(LIVES, st.integers(0, 2_000 * DAY), st.sampled_from(["F11.20", "F11.2", "F14.20", "F43.1"]))
def test_the_questions_agree_with_each_other(life: list[Any], at: int, code: str) -> None:
    recovery = fold(life)
    since, stage = recovery.since(code), recovery.stage(code, at)
    if since is None:
        assert stage in (None, "active")
        assert recovery.streak_days(at, code) == 0
    else:
        sustained = at >= (recovery.sustained_since(code) or 0)
        assert stage == "past" or stage == ("sustained" if sustained else "early")
        assert recovery.streak_days(at, code) == max(0, at - since) // DAY
    for relapse in recovery.setbacks:
        overall = recovery.in_recovery_since()
        if relapse.severity == "relapse" and relapse.family in ("", "F11", "F14"):
            assert overall is None or overall >= relapse.at


@pytest.mark.parametrize(
    ("state", "since", "days_before_joining", "reason"),
    [
        ("active", None, None, "no recovery has begun"),
        ("active", JOINED - DAY, None, "the date says when it became active"),
        ("early", JOINED - 40 * DAY, 40, "a stated date counts"),
        ("early", None, 0, "at least since it was said"),
        ("sustained", None, 365, "sustained says twelve months at least"),
        ("past", None, 365, "so does past"),
        ("sustained", JOINED - 4_000 * DAY, 4_000, "also before 1970"),
        ("early", 0, 1_000, "and at its very first second"),
    ],
)
def test_what_a_statement_says(state: str, since: int | None, days_before_joining: int | None, reason: str) -> None:
    recovery = member(("F10.20", state, since))
    expected = None if days_before_joining is None else JOINED - days_before_joining * DAY
    assert recovery.in_recovery_since() == recovery.since("F10.20") == expected, reason


def test_early_becomes_sustained_at_twelve_months_to_the_second() -> None:
    recovery = member(("F10.20", "early", JOINED))
    assert recovery.sustained_since() == JOINED + YEAR
    assert recovery.stage("F10.20", JOINED + YEAR - 1) == "early"
    assert recovery.stage("F10.20", JOINED + YEAR) == "sustained"


def test_a_relapse_starts_anew_at_its_date_also_when_told_late() -> None:
    recovery = member(("F10.20", "sustained", 0))
    recovery.check_in(8, 0, JOINED + 30 * DAY)
    recovery.setback("F10.20", "relapse", "clinician", JOINED + 10 * DAY)
    assert recovery.streak_days(JOINED + 30 * DAY) == 20
    assert recovery.stage("F10.20", JOINED + 30 * DAY) == "early"
    assert recovery.last_seen == JOINED + 30 * DAY


def test_a_relapse_of_before_the_stated_recovery_changes_nothing() -> None:
    recovery = member(("F10.20", "early", JOINED - 5 * DAY))
    recovery.setback("F10.20", "relapse", "self", JOINED - 9 * DAY)
    assert recovery.streak_days(JOINED) == 5


def test_a_lapse_is_remembered_and_ends_no_recovery() -> None:
    recovery = member(("F10.20", "sustained", 0))
    recovery.setback("F10.10", "lapse", "self", JOINED + DAY)
    assert recovery.streak_days(JOINED + DAY) == 1_001
    slip = recovery.last_setback("F10.20")
    assert slip is not None
    assert (slip.at, slip.severity, slip.by) == (JOINED + DAY, "lapse", "self")
    assert recovery.last_setback("F11.20") is None


def test_a_relapse_without_a_code_is_one_with_every_substance() -> None:
    recovery = member(("F10.20", "early", 0), ("F11.20", "early", 0), ("F43.1", "early", 0))
    recovery.setback(None, "relapse", "self", JOINED)
    assert recovery.since("F10.20") == recovery.since("F11.20") == recovery.in_recovery_since() == JOINED
    assert recovery.since("F43.1") == 0


def test_a_relapse_with_a_new_substance_breaks_recovery() -> None:
    recovery = member(("F10.20", "sustained", 0))
    assert recovery.stage("F14.20", JOINED) is None
    recovery.setback("F14.20", "relapse", "self", JOINED)
    assert recovery.in_recovery_since() == JOINED
    assert recovery.since("F10.20") == 0
    assert recovery.stage("F14.20", JOINED) == "active"


def test_one_active_substance_is_no_recovery_but_an_active_disorder_or_smoking_is_none_of_its_business() -> None:
    assert member(("F10.20", "sustained", 0), ("F12.20", "active", None)).in_recovery_since() is None
    assert member(("F10.20", "sustained", 0), ("F17.210", "active", None)).in_recovery_since() == 0
    assert member(("F10.20", "sustained", 0), ("F43.1", "active", None)).in_recovery_since() == 0


def test_without_a_substance_recovery_is_that_from_disorders() -> None:
    recovery = member(("F20.9", "sustained", 0), ("Z59.0", "active", None))
    assert recovery.in_recovery_since() == 0
    recovery.setback("F20.9", "relapse", "clinician", JOINED)
    assert recovery.in_recovery_since() == JOINED
    assert member(("Z59.0", "active", None)).in_recovery_since() is None


def test_days_reached_begin_a_recovery_that_was_not_dated() -> None:
    active = member(("F10.20", "active", None))
    active.milestone("days", 30, JOINED + 60 * DAY)
    assert active.since("F10.20") == JOINED + 30 * DAY
    active.setback("F10.20", "relapse", "self", JOINED + 70 * DAY)
    assert active.since("F10.20") == JOINED + 70 * DAY
    undated, dated = member(("F10.20", "early", None)), member(("F10.20", "early", 0))
    for recovery in (undated, dated):
        recovery.milestone("days", 90, JOINED + DAY)
    assert undated.since("F10.20") == JOINED - 89 * DAY
    assert dated.since("F10.20") == 0


def test_days_reached_before_the_statement_do_not_outlive_it() -> None:
    recovery = member(("F10.20", "active", None))
    recovery.milestone("days", 30, JOINED - DAY)
    assert recovery.since("F10.20") is None


def test_past_stays_past_until_a_relapse() -> None:
    recovery = member(("F10.20", "past", None))
    assert recovery.stage("F10.20", JOINED + 9 * YEAR) == "past"
    recovery.setback("F10.20", "relapse", "self", JOINED + DAY)
    assert recovery.stage("F10.20", JOINED + 2 * DAY) == "early"


def test_a_code_that_was_not_stated_is_answered_by_the_least_of_its_family() -> None:
    recovery = member(("F41.0", "past", 2), ("F41.1", "early", 5))
    assert recovery.stage("F41.0", JOINED) == "past"
    assert recovery.since("F41.9") == 5
    assert recovery.stage("F41.9", JOINED) == "sustained"


def test_assessments_keep_the_first_and_the_newest_of_each_instrument() -> None:
    recovery = Recovery()
    for at, total in ((20, 14), (10, 18), (30, 6)):
        recovery.assess("PHQ-9", total, (total - 6, 6), at)
    recovery.assess("BARC-10", 44, (), 15)
    assert [(each.key, each.at, each.total, each.items) for each in recovery.baseline] == [
        ("BARC-10", 15, 44, b""),
        ("PHQ-9", 10, 18, b""),
    ]
    assert [(each.key, each.total, each.items) for each in recovery.latest] == [
        ("BARC-10", 44, b""),
        ("PHQ-9", 6, bytes([0, 6])),
    ]


def test_what_others_tell_is_no_sign_of_life() -> None:
    recovery = Recovery()
    recovery.discharge("residential", 10)
    recovery.setback("F10.20", "lapse", "clinician", 11)
    assert "last_seen" not in recovery.to_json()
    recovery.setback("F10.20", "lapse", "self", 9)
    assert recovery.last_seen == 9


@pytest.mark.slow
@given(LIVES)
def test_a_long_life_takes_no_more_room_than_a_short_one(life: list[Any]) -> None:
    recovery = fold(life)
    kept = len(recovery.setbacks) + len(recovery.milestones) + len(recovery.latest) + len(recovery.baseline)
    assert kept <= 2 * 4 + 3 + 2 + 2  # families and none, times severities; kinds; instruments twice
