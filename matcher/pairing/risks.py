"""Risks: why a coordinator, and not the plan alone, should look at a pair before it is made.

Every risk has points in the policy; a pair with at most ``review.automatic_points_max`` of them is made at once in
tiered mode. Two of them are never left to the plan in any mode: an unknown year of birth, and another gender where
nobody asked for the newcomer's wish.
"""

from __future__ import annotations

from collections.abc import Callable

from matcher.instants import DAY
from matcher.people.member import Member
from matcher.policy import Policy
from matcher.state import State

NEVER_BY_THE_PLAN = frozenset({"age_unknown", "gender_not_asked"})

WORDS = {
    "first_time_mentor": "the mentor has not supported anybody yet",
    "age_unknown": "a year of birth is not known: ask before pairing",
    "gender_not_asked": "nobody asked for the wish on gender, and it differs or is not known",
    "waiver": "the mentor is eligible by a waiver",
    "recent_slip": "one of the two had a setback lately",
    "distress": "the newcomer is in distress: a person first",
    "low_fit": "the fit is under the automatic line",
}


def of(state: State, newcomer: str, mentor: str, fit: int, at: int) -> list[str]:
    """The risks of a pair, in the order of the policy's table."""
    one, other = state.members[newcomer], state.members[mentor]
    found = [name for name, stands in _RISKS.items() if stands(one, other, at, state.policy)]
    return [*found, "low_fit"] if fit < state.policy.review.automatic_fit_min else found


def decided_by_plan(found: list[str], policy: Policy) -> bool:
    """Whether a pair with these risks is made at once, without a coordinator."""
    if policy.review.mode == "staged" or NEVER_BY_THE_PLAN.intersection(found):
        return False
    points = sum(getattr(policy.risk, name) for name in found)
    return policy.review.mode == "automatic" or points <= policy.review.automatic_points_max


def _first_time_mentor(newcomer: Member, mentor: Member, at: int, policy: Policy) -> bool:
    return mentor.mentorship is not None and mentor.mentorship.matches_had == 0


def _age_unknown(newcomer: Member, mentor: Member, at: int, policy: Policy) -> bool:
    return newcomer.profile.birth_year is None or mentor.profile.birth_year is None


def _gender_not_asked(newcomer: Member, mentor: Member, at: int, policy: Policy) -> bool:
    wishes, theirs = newcomer.profile.wishes, mentor.profile.gender
    asked = wishes is not None and wishes.mentor_gender is not None
    return not asked and (theirs is None or theirs != newcomer.profile.gender)


def _waiver(newcomer: Member, mentor: Member, at: int, policy: Policy) -> bool:
    return any(until > at for until in mentor.waivers.values())


def _recent_slip(newcomer: Member, mentor: Member, at: int, policy: Policy) -> bool:
    slips = [person.recovery.last_setback() for person in (newcomer, mentor)]
    return any(slip is not None and slip.at > at - policy.review.slip_days * DAY for slip in slips)


def _distress(newcomer: Member, mentor: Member, at: int, policy: Policy) -> bool:
    return newcomer.distress_until > at


_RISKS: dict[str, Callable[[Member, Member, int, Policy], bool]] = {
    "first_time_mentor": _first_time_mentor,
    "age_unknown": _age_unknown,
    "gender_not_asked": _gender_not_asked,
    "waiver": _waiver,
    "recent_slip": _recent_slip,
    "distress": _distress,
}
