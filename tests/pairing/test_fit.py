"""Fit: rows and columns are one thing, and both are what the plain rules say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bench import plain
from matcher.instants import DAY
from matcher.pairing import fit
from matcher.pairing.judge import BARRED, Judge
from matcher.pairing.setting import HALF, TERMS
from matcher.people.member import Member
from matcher.people.profile import theme_mask
from matcher.people.record import ALONE
from matcher.people.recovery import Stated
from matcher.people.roster import Roster
from matcher.policy import ConsentTable, MentorTable, Policy, QualityTable, WaiverTable
from tests.pairing.people import AT, Related, anybody, mentor, newcomer, ties

NAMES = ["a", "b", "c", "d", "e"]
POLICIES = [
    Policy(),
    Policy(
        mentor=MentorTable(training_required=False, age_min_years=20),
        quality=QualityTable(fit_min=450_000, hours_min=3, widen_percent=30),
        consent=ConsentTable(recorded_required=True),
        waiver=WaiverTable(allowed=("recovery_time", "training_lapsed", "supervision_lapsed")),
    ),
    Policy(mentor=MentorTable(recovery_days=0, ahead_days=0), quality=QualityTable(fit_min=0, widen_after_days=())),
]


@given(some.data(), some.sampled_from(POLICIES))
@settings(max_examples=25, deadline=None)
def test_row_column_and_breakdown_are_what_the_plain_rules_say(data: some.DataObject, policy: Policy) -> None:
    _agree(data, policy)


@pytest.mark.slow
@given(some.data(), some.sampled_from(POLICIES))
@settings(max_examples=400, deadline=None)
def test_the_same_with_many_more_people(data: some.DataObject, policy: Policy) -> None:
    _agree(data, policy)


def _agree(data: some.DataObject, policy: Policy) -> None:
    members = [data.draw(anybody(name)) for name in NAMES]
    how = data.draw(ties(NAMES))
    roster = _roster(*members, policy=policy)
    judge, everybody = Judge(roster, Related(roster, how), policy), np.arange(len(members))
    people = [plain.Person.of(member, AT, policy) for member in members]

    expected = [[plain.fit_or_none(n, m, how, AT, policy) for m in people] for n in people]
    rows = [judge.row(i, everybody, AT) for i in everybody]
    columns = [judge.column(j, everybody, AT) for j in everybody]

    assert [[None if value == BARRED else value for value in row] for row in rows] == expected
    assert np.array_equal(np.array(columns).T, np.array(rows))
    for i, n in enumerate(people):
        for j, m in enumerate(people):
            hits = fit.barred(judge, i, j, AT)
            assert {hit.code for hit in hits} == plain.blockers(n, m, how, AT, policy)
            terms = fit.breakdown(judge, i, j)
            assert {term.name: term.value for term in terms} == plain.terms(n, m)
            assert sum(term.contribution for term in terms) == plain.fit_of(n, m, policy)
            alone = judge.mentor_alone(j, AT) | judge.newcomer_alone(i, AT)
            assert set(judge.codes(alone)) <= {hit.code for hit in hits}


def test_the_fit_of_two_people_is_the_sum_of_its_contributions() -> None:
    judge = _judge(newcomer(), mentor())
    terms = fit.breakdown(judge, 0, 1)
    assert judge.row(0, np.array([1]), AT).tolist() == [sum(term.contribution for term in terms)]
    assert [term.contribution for term in terms] == [term.value * term.weight // 1_000 for term in terms]


BETTER = {
    "experience": (newcomer(), mentor(experiences=(Stated("F43.10", "past", AT - 1_800 * DAY),)), mentor()),
    "distance": (
        newcomer(),
        mentor(experiences=(Stated("F11.20", "sustained", AT - 370 * DAY), Stated("F43.10", "past", AT - 900 * DAY))),
        mentor(),
    ),
    "strategies": (newcomer(needs=theme_mask(["sleep", "work"])), mentor(), newcomer(needs=theme_mask(["sleep"]))),
    "hours": (newcomer(), mentor(hours=1 << 18), mentor()),
    "language": (newcomer(languages=("es", "en")), mentor(), newcomer()),
    "format": (newcomer(formats=("video", "phone")), mentor(), newcomer()),
    "place": (newcomer(), mentor(place=(40.4, -105.0)), mentor()),
    "spread": (newcomer(), None, mentor()),
}


@pytest.mark.parametrize("name", TERMS)
def test_each_term_tells_a_better_pair_from_a_worse_one_and_nothing_else_moves(name: str) -> None:
    one, other, better = BETTER[name]
    if other is None:
        other = mentor()
        other.mentorship = replace(other.mentorship, matches_had=2)
    worse = _values(one, other)
    improved = _values(better, other) if better.mentorship is None else _values(one, better)
    assert improved[name] > worse[name]
    assert {key for key in worse if worse[key] != improved[key]} == {name}


@pytest.mark.parametrize(
    ("name", "unsaid"),
    [("strategies", {"needs": 0}), ("hours", {"hours": 0}), ("language", {"languages": ()}),
     ("format", {"formats": ()}), ("place", {"place": None})],
)  # fmt: skip
def test_what_was_not_said_counts_as_half(name: str, unsaid: dict[str, object]) -> None:
    assert _values(newcomer(**unsaid), mentor())[name] == HALF


def test_a_mentor_without_a_beginning_counts_as_half_ahead() -> None:
    unsteady = mentor(experiences=(Stated("F11.20", "active", None), Stated("F43.10", "past", None)))
    assert _values(newcomer(), unsteady)["distance"] == HALF


@pytest.mark.parametrize(
    ("days", "worth"), [(-5, 0), (0, 0), (90, 200_000), (180, 400_000), (730, 1_000_000), (1_825, 1_000_000),
                        (7_300, 500_000), (20_000, 500_000)],
)  # fmt: skip
def test_how_far_ahead_is_best_between_two_and_five_years(days: int, worth: int) -> None:
    ahead = mentor(experiences=(Stated("F11.20", "sustained", AT - (30 + days) * DAY),))
    assert _values(newcomer(experiences=(Stated("F11.20", "early", AT - 30 * DAY),)), ahead)["distance"] == worth


def test_reasons_for_notices_name_no_condition() -> None:
    judge = _judge(newcomer(), mentor())
    terms = fit.breakdown(judge, 0, 1)
    assert fit.because(judge, 0, 1) == (
        sum(term.contribution for term in terms),
        ("shares three lived experiences", "is four years further on the way", "knows ways for one of two needs"),
    )
    assert "Opioid dependence" in terms[0].because


def test_a_rare_shared_experience_is_told_as_rare() -> None:
    judge = _judge(
        newcomer(experiences=(Stated("F50.01", "early", None),)), mentor(experiences=(Stated("F50.01", "past", None),))
    )
    terms = fit.breakdown(judge, 0, 1)
    assert terms[0].told == "shares one lived experience, a rare one"


@pytest.mark.slow
@given(some.data())
@settings(max_examples=30, deadline=None)
def test_pairs_are_judged_by_no_number_that_is_for_one_person_alone(data: some.DataObject) -> None:
    roster = _roster(*(data.draw(anybody(name)) for name in NAMES))
    judge, everybody = Judge(roster, Related(roster, plain.Ties()), Policy()), np.arange(len(NAMES))

    def judged() -> list[list[int]]:
        rows = [judge.row(i, everybody, AT, admitted=True).tolist() for i in everybody]
        return rows + [judge.bars(i, everybody, AT).of_the_two.tolist() for i in everybody]

    before = judged()
    for name in ALONE.numbers:
        roster.people[name] = data.draw(some.integers(-(2**62), 2**62))
    assert judged() == before


def test_nobody_on_the_other_side_is_an_empty_row() -> None:
    judge, nobody = _judge(newcomer(), mentor()), np.zeros(0, dtype=np.int64)
    assert judge.row(0, nobody, AT).tolist() == []
    assert judge.column(1, nobody, AT).tolist() == []


def _values(n: Member, m: Member) -> dict[str, int]:
    return {term.name: term.value for term in fit.breakdown(_judge(n, m), 0, 1)}


def _judge(*members: Member) -> Judge:
    roster = _roster(*members)
    return Judge(roster, Related(roster, plain.Ties()), Policy())


def _roster(*members: Member, policy: Policy | None = None) -> Roster:
    roster = Roster()
    for member in members:
        roster.write(member, AT, policy or Policy())
    return roster
