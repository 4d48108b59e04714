"""Roster: rows that stay, instants at which time changes them, and as many people and words as come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bench import plain
from matcher.instants import DAY, HOUR, parse_instant
from matcher.pairing import fit
from matcher.pairing.judge import Judge
from matcher.people.member import FOREVER, Member
from matcher.people.record import HALF_HOURS, HOUR_WORDS
from matcher.people.recovery import Stated
from matcher.people.roster import Roster
from matcher.people.rows import half_hours
from matcher.policy import Policy, WaiverTable
from tests.pairing.people import AT, Related, anybody, mentor, newcomer

POLICY = Policy(waiver=WaiverTable(allowed=("recovery_time", "training_lapsed", "supervision_lapsed")))


@pytest.mark.slow
@given(anybody("n"), anybody("m"), some.integers(0, 1_000_000))
@settings(max_examples=80, deadline=None)
def test_a_row_is_right_until_its_next_change(n: Member, m: Member, step: int) -> None:
    roster = Roster()
    rows = [roster.write(each, AT, POLICY) for each in (n, m)]
    judge = Judge(roster, Related(roster, plain.Ties()), POLICY)
    changes = [change for row in rows if (change := roster.next_change(row)) is not None]
    assert all(change > AT for change in changes)
    last = min(changes, default=AT + 3_000 * DAY) - 1
    for at in (AT, AT + (last - AT) * step // 1_000_000, last):
        people = [plain.Person.of(each, at, POLICY) for each in (n, m)]
        hits = fit.barred(judge, *rows, at)
        assert {hit.code for hit in hits} == plain.blockers(*people, plain.Ties(), at, POLICY)
        terms = fit.breakdown(judge, *rows)
        assert {term.name: term.value for term in terms} == plain.terms(*people)


def _next(member: Member, at: int = AT) -> int | None:
    roster = Roster()
    return roster.next_change(roster.write(member, at, POLICY))


def _quiet_mentor() -> Member:
    member = mentor(birth_year=1970)
    member.mentorship = replace(member.mentorship, supervised_at=AT + 300 * DAY)
    return member


QUIET = AT + 331 * DAY + 15 * HOUR  # the supervision of a quiet mentor ends with its day


@pytest.mark.parametrize(
    ("change", "instant"),
    [
        ({}, QUIET),
        ({"paused_until": AT + 5}, AT + 5),
        ({"distress_until": AT + 5}, AT + 5),
        ({"consent_until": AT + 5}, AT + 5),
        ({"waivers": {"recovery_time": AT + 5}}, AT + 5),
        ({"waivers": {"recovery_time": AT}}, QUIET),
        ({"present": False}, QUIET),
    ],
)
def test_the_next_change_of_a_mentor(change: dict[str, object], instant: int) -> None:
    assert _next(replace(_quiet_mentor(), **change)) == instant


@pytest.mark.parametrize("part", ["cleared_until", "paused_until"])
def test_the_next_change_of_an_offer(part: str) -> None:
    member = _quiet_mentor()
    member.mentorship = replace(member.mentorship, **{part: AT + 5})
    assert _next(member) == AT + 5


def test_recovery_time_reached_and_risk_that_passes_are_changes() -> None:
    fresh = replace(_quiet_mentor(), profile=mentor(experiences=(Stated("F11.20", "early", AT - 300 * DAY),)).profile)
    fresh.recovery.declare(fresh.profile.experiences, AT)
    assert _next(fresh) == AT + 65 * DAY
    slipped = _quiet_mentor()
    slipped.recovery.setback("F11.20", "lapse", "self", AT - 10 * DAY)
    assert _next(slipped) == AT + 20 * DAY
    assert _next(slipped, AT + 20 * DAY) == AT + 80 * DAY  # intake after a slip


def test_a_birthday_year_and_clocks_are_changes() -> None:
    waited = replace(newcomer(), seeks_since=AT - 400 * DAY, recovery=mentor().recovery)
    assert _next(waited) is None
    assert _next(replace(waited, profile=newcomer(birth_year=2008).profile)) == parse_instant("2027-01-01T00:00:00Z")
    assert _next(replace(waited, profile=newcomer(zone="America/Denver").profile)) == parse_instant(
        "2026-03-08T09:00:00Z"
    )


def test_hours_of_the_week_follow_the_zone_by_date() -> None:
    monday_nine = 1 << 9
    assert half_hours(monday_nine, 0) == 3 << 18
    assert half_hours(monday_nine, -7 * HOUR) == 3 << 32
    assert half_hours(1, 5 * HOUR + 1_800) == 3 << HALF_HOURS - 11
    assert half_hours(1, 5 * HOUR + 2_700) == half_hours(1, 5 * HOUR + 1_800)
    roster, member = Roster(), newcomer(zone="America/Denver", hours=monday_nine)
    winter = roster.sets[roster.write(member, AT, POLICY), :HOUR_WORDS].tolist()
    summer = roster.sets[roster.write(member, AT + 30 * DAY, POLICY), :HOUR_WORDS].tolist()
    assert winter == [3 << 32, 0, 0, 0, 0, 0]
    assert summer == [3 << 30, 0, 0, 0, 0, 0]


def test_an_index_stays_and_a_dropped_row_is_used_again() -> None:
    roster = Roster()
    rows = [roster.write(newcomer(f"m-{number}"), AT, POLICY) for number in range(300)]
    assert rows == list(range(300)) == [roster.index[f"m-{number}"] for number in range(300)]
    roster.drop("m-7")
    assert "m-7" not in roster.index
    assert roster.next_change(7) is None
    assert len(roster) == 299
    assert roster.write(mentor("later"), AT, POLICY) == 7
    assert roster.ids[7] == "later"
    assert roster.write(mentor("latest"), AT, POLICY) == 300


def test_nothing_of_a_mentor_stays_when_the_offer_is_withdrawn() -> None:
    roster, member = Roster(), mentor()
    member.paused_until = FOREVER
    row = roster.write(member, AT, POLICY)
    member.mentorship, member.paused_until = None, 0
    roster.write(member, AT, POLICY)
    fresh = Roster()
    fresh.write(member, AT, POLICY)
    assert roster.people[row].tolist() == fresh.people[0].tolist()
    assert roster.sets[row].tolist() == fresh.sets[0].tolist()
    assert roster.nodes[row].tolist() == fresh.nodes[0].tolist()


def test_more_languages_than_a_word_has_bits() -> None:
    roster, policy = Roster(), Policy()
    tongues = [chr(97 + number // 26) + chr(97 + number % 26) for number in range(150)]
    n = roster.write(newcomer(languages=("zz",)), AT, policy)
    rows = [roster.write(mentor(f"m-{tongue}", languages=(tongue,)), AT, policy) for tongue in [*tongues, "zz"]]
    fits = Judge(roster, Related(roster, plain.Ties()), policy).row(n, np.array(rows), AT)
    assert [value >= 0 for value in fits] == [False] * 150 + [True]
    assert roster.layout.tongues == 3
