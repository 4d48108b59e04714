"""Care around a match: who is admitted as a mentor, who is invited to become one, how many a mentor takes.

The clocks after a match (first contact, pulses, backups, alerts) will live here too.
"""

from __future__ import annotations

from collections.abc import Sequence

from matcher.instants import DAY, end_of_year
from matcher.messages import facts
from matcher.people.member import FOREVER, Member, Mentorship
from matcher.policy import Policy

INVITED_BECAUSE = ("recovery_time", "adult", "no_distress", "no_open_report")
"""The rules that an invited member meets; a supporter's training and screening come after the invitation."""


def capacity(mentorship: Mentorship, policy: Policy) -> int:
    """How many newcomers the mentor takes at the same time: what they said, within the policy's bound."""
    stated = policy.mentor.capacity_default if mentorship.capacity is None else mentorship.capacity
    return min(stated, policy.mentor.capacity_max)


def admission(member: Member, barred: Sequence[str], *, screened_now: bool) -> facts.Decision | None:
    """What a mentor's screening, or what has changed since, decides; None when nothing does.

    ``barred`` are the rules that close the mentor to everybody. A volunteer who is cleared but barred is refused once,
    with the rules, and admitted as soon as nothing bars them any more.
    """
    offer = member.mentorship
    if offer is None or offer.admitted:
        return None
    if screened_now and barred:
        return facts.MentorRefused(mentor=member.id, rules=tuple(barred))
    if offer.cleared_until and not barred:
        return facts.MentorAdmitted(mentor=member.id)
    return None


def invitation(member: Member, at: int, policy: Policy) -> facts.Decision | None:
    """The invitation of a member who has become eligible to help others; None for everybody else.

    Once in a membership, never to somebody who still waits for a mentor of their own, and only where the year of
    birth is known: an invitation is not the place to find out that somebody is sixteen.
    """
    if member.invited or member.mentorship is not None or not member.present or member.seeks_since is not None:
        return None
    adult_at, since = _adult_at(member, policy), member.recovery.in_recovery_since()
    if member.is_reported or max(member.distress_until, member.paused_until) > at or adult_at is None or adult_at > at:
        return None
    if since is None or at < since + policy.mentor.recovery_days * DAY:
        return None
    return facts.MentorInvited(member=member.id, rules=INVITED_BECAUSE)


def next_look(member: Member, at: int, policy: Policy) -> int | None:
    """When time alone may make the member eligible for an invitation; None when it will not."""
    if member.invited or member.mentorship is not None or not member.present or member.seeks_since is not None:
        return None
    since, adult_at = member.recovery.in_recovery_since(), _adult_at(member, policy)
    if since is None or adult_at is None or member.is_reported:
        return None
    instant = max(since + policy.mentor.recovery_days * DAY, adult_at, member.distress_until, member.paused_until)
    return instant if at < instant < FOREVER else None


def _adult_at(member: Member, policy: Policy) -> int | None:
    """When the year ends in which the member comes of a mentor's age; None when the year of birth is not known."""
    born = member.profile.birth_year
    return None if born is None else end_of_year(born + policy.mentor.age_min_years)


def back_on(member: Member, policy: Policy) -> int | None:
    """When a mentor who slipped may take new people again, as far as time decides; None when the date is not known."""
    offer, since = member.mentorship, member.recovery.in_recovery_since()
    if offer is None or since is None:
        return None
    return max(member.rests_until(policy.mentor.lapse_pause_days * DAY), since + policy.mentor.recovery_days * DAY)
