"""The policy's bounds: what would break the job, or people, is refused before it starts."""

from __future__ import annotations

import json

import pytest

from matcher.errors import PolicyError, SafeHalt
from matcher.policy import Policy, policy_rows, read_policy


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[mentor]\nrecovery_days = 9000000000000000000", "mentor.recovery_days"),
        ("[mentor]\nlapse_pause_days = 9999999", "mentor.lapse_pause_days"),
        ("[mentor]\nrecovery_days = true", "mentor.recovery_days"),
        ('[mentor]\nrecovery_days = "365"', "mentor.recovery_days"),
        ("[mentor]\ntraining_required = 1", "mentor.training_required"),
        ("[waiting]\nstep_hours = [12, true]", "waiting.step_hours.1"),
        ("[mentor]\ndistress_days = 0", "mentor.distress_days"),
        ("[quality]\nwiden_after_days = [-3]", "quality.widen_after_days.0"),
        ("[quality]\nwiden_percent = 101", "quality.widen_percent"),
        ("[waiting]\nstep_hours = [24, 12]", "step_hours rises"),
        ("[fit]\nexperience = 401", "add up to 1000"),
        ("[program]\nminors = true", "guardian"),
        ('[programs."bad id".review]\nhold_hours = 3', "'bad id' is not a program's id"),
        ("[programs]\nriver = 3", "programs.<id>.<table>"),
        ("[reviews]\nmode = 'staged'", "reviews"),
        ("[review", "not TOML"),
        (f"[mentor]\nrecovery_days = {'9' * 5_000}", "not TOML"),
        (f"[mentor]\nrecovery_days = 0x{'f' * 5_000}", "mentor.recovery_days"),
        (f"a = {'[' * 5_000}{']' * 5_000}", "not TOML"),
        (f"{'a.' * 3_000}a = 1", "a: Extra inputs"),
        ("[quality]\nwiden_after_days = 2026-03-02", "quality.widen_after_days"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(PolicyError, match="KND-policy") as refused:
        read_policy(text)
    assert says in str(refused.value)


def test_a_program_may_differ_in_some_numbers_only() -> None:
    book = read_policy("[review]\nhold_hours = 5\n[programs.lake.review]\nmode = 'staged'")
    assert (book.of("lake").review.mode, book.of("lake").review.hold_hours) == ("staged", 5)
    assert (book.of("river").review.mode, book.of("river").review.hold_hours) == ("tiered", 5)


def test_a_policy_comes_back_from_its_text() -> None:
    policy = read_policy("[quality]\nwiden_after_days = [1, 3]\n[waiting]\nstep_hours = [6]").default
    assert Policy.from_text(policy.text()) == policy
    assert Policy.from_text(policy.text()).digest() == policy.digest() != Policy().digest()


def test_a_policy_that_an_older_version_adopted_takes_the_defaults_of_what_it_did_not_know() -> None:
    older = json.loads(Policy().text())
    del older["alert"], older["waiting"]["overdue_hours"], older["review"]["recall_hours"]
    assert Policy.from_text(json.dumps(older)) == Policy()


def test_a_policy_of_a_newer_version_halts_with_the_word_upgrade() -> None:
    newer = Policy().text().replace('"mode":"tiered"', '"mode":"tiered","horizon_days":3')
    with pytest.raises(SafeHalt, match=r"KND-policy-other.*upgrade"):
        Policy.from_text(newer)


def test_every_number_says_its_unit_reason_and_source() -> None:
    rows = list(policy_rows(Policy()))
    assert len(rows) == sum(len(getattr(Policy(), name).__class__.model_fields) for name in Policy.model_fields)
    assert all(row.unit and row.reason and row.source and row.value == row.default for row in rows)
