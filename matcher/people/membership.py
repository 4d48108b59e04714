"""The members of a program: who is here, what they seek and offer, and what was told of their recovery.

The room keeps one ``Member`` a person and changes it by facts alone. What an event may say about whom is checked
before it becomes a fact (``check``); what follows from it is decided elsewhere (``care``, ``pairing.desk``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from matcher.errors import Refused, code
from matcher.instants import DAY, year_of
from matcher.messages import events as told
from matcher.messages import facts
from matcher.messages.catalog import Event
from matcher.messages.events import Data
from matcher.messages.facts import Fact, Told
from matcher.people import concerns, consents, zones
from matcher.people.experience import taxonomy
from matcher.people.member import FOREVER, NO_WAIVERS, Member, Mentorship
from matcher.people.profile import Profile, theme_mask
from matcher.people.recovery import Recovery
from matcher.policy import Policy

UNKNOWN_MEMBER = code(
    "KND-unknown-member", "The event is about somebody who never joined this program. Send their member.joined first."
)
HAS_LEFT = code("KND-has-left", "The event is about somebody who has left. A new member.joined is a return.")
NOT_A_MENTOR = code(
    "KND-not-a-mentor", "The event is about a mentor, but the member never volunteered. Send mentor.volunteered first."
)
IMPOSSIBLE_TIME = code(
    "KND-impossible-time",
    "A date of the event lies after the event itself, or a year of birth cannot be. Mend the date.",
)
WAIVER_REFUSED = code(
    "KND-waiver-refused", "The policy does not allow to lift this rule, or not for so long. See [waiver] in the policy."
)
ONE_PERSON = code(
    "KND-one-person",
    "An exclusion is between two people and names one of them twice. Send it with the id of the other.",
)
UNKNOWN_OUTCOME = code(
    "KND-unknown-outcome",
    "A safety report is resolved as upheld, unfounded, withdrawn or settled. Until one of these comes it stays open.",
)

UPHELD = "upheld"
LIFTED = ("unfounded", "withdrawn", "settled")
"""The outcomes of a safety report that no longer freeze new pairs."""
COMPLETED = "completed"
"""The reason of a match that reached its aim: the newcomer seeks no other mentor."""
REACHED = (None, "reached", "invited_to_mentor")
"""The outcomes of a contact in which the member was spoken with, as where nothing is said of it; any other is a try."""
STAYS_WITH_THE_ABSENT = (
    "progress.", "treatment.", "safety.", "exclusion.", "consent.", "member.joined", "member.erased",
)  # fmt: skip
"""Events that are taken of somebody who has left: late news of their recovery, what protects others, a return."""


class Membership:
    """Everybody who ever joined and was not erased, by id, in the order in which they came."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}

    def __getitem__(self, member_id: str) -> Member:
        return self.members[member_id]

    def get(self, member_id: str) -> Member | None:
        """The member of this id, present or not."""
        return self.members.get(member_id)

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members.values())

    # What may be said

    def check(self, event: Event) -> None:
        """Raise Refused when the event cannot be about its subject as things are."""
        member, what = self.members.get(event.subject), event.type
        if member is None:
            if what != "member.joined":
                raise Refused(UNKNOWN_MEMBER, f"nobody of this id has joined the program {event.program}")
        elif not member.present:
            if not what.startswith(STAYS_WITH_THE_ABSENT):
                raise Refused(HAS_LEFT, f"{what} is about somebody who has left; a member.joined brings them back")
        elif member.mentorship is None and what.startswith("mentor.") and what != "mentor.volunteered":
            raise Refused(NOT_A_MENTOR, f"{what} is about a member who has not volunteered as a mentor")
        check = _CHECKED.get(type(event.data))
        if check is not None:
            check(event.data, event.time)

    @staticmethod
    def check_waiver(waiver: told.Waiver, at: int, policy: Policy) -> None:
        """Raise Refused when the policy does not allow the waiver."""
        if waiver.rule not in policy.waiver.allowed:
            allowed = ", ".join(policy.waiver.allowed) or "no rule"
            raise Refused(WAIVER_REFUSED, f"this rule cannot be lifted; the policy allows waivers of {allowed}")
        if waiver.until is not None and waiver.until > at + policy.waiver.days_max * DAY:
            raise Refused(WAIVER_REFUSED, f"a waiver ends after at most {policy.waiver.days_max} days")

    @staticmethod
    def check_two(subject: str, other: str) -> None:
        """Raise Refused when an exclusion names one person twice: whoever was meant would not be kept apart."""
        if subject == other:
            raise Refused(ONE_PERSON, "other is the member whom the exclusion is about")

    # What a fact changes

    def evolve(self, fact: Fact, policy: Policy) -> None:
        """Take a fact in."""
        data = fact.data
        if not isinstance(data, Told):
            decided = _DECIDED.get(type(data))
            if decided is not None:
                decided(self, data, fact.at)
            return
        time = data.time if data.time < fact.at else fact.at  # never after the clock
        how = _HOW.get(fact.type)
        if how is not None:
            member, (tell, hear) = self.members[data.subject], how
            tell(member, data.what, time, policy)
            if hear is not None:
                hear(member, data.what, fact.n, time)
        elif fact.type == "member.joined":
            self._joined(data.subject, data.what, time)
        elif fact.type == "member.erased":
            del self.members[data.subject]

    def heard_of(self, people: Iterable[str], at: int) -> None:
        """These people were in touch, or answered."""
        for member in filter(None, map(self.get, people)):
            member.reached_at = max(member.reached_at, at)

    def _joined(self, who: str, what: Any, time: int) -> None:
        member, profile = self.members.get(who), Profile.joined(what)
        if member is None:
            member = self.members[who] = Member(who, time, profile, Recovery())
        elif not member.present:
            member.present, member.joined_at, member.paused_until = True, time, 0
        member.profile = profile
        member.recovery.declare(member.profile.experiences, time)
        if what.seeks_mentor is not None:
            _seek(member, what.seeks_mentor, time)

    def _matched(self, fact: facts.MatchActivated, at: int) -> None:
        self.members[fact.newcomer].seeks_since = None
        mentorship = self.members[fact.mentor].mentorship
        if mentorship is not None:
            mentorship.caseload += 1
            mentorship.matches_had += 1

    def _unmatched(self, fact: facts.MatchEnded, at: int) -> None:
        mentor, newcomer = self.members.get(fact.mentor), self.members.get(fact.newcomer)
        if mentor is not None and mentor.mentorship is not None:
            mentor.mentorship.caseload -= 1
        if newcomer is not None and newcomer.seeks:
            newcomer.seeks = fact.reason != COMPLETED
            newcomer.seeks_since = at if newcomer.seeks else None

    def _admitted(self, fact: facts.MentorAdmitted, at: int) -> None:
        _mentorship(self.members[fact.mentor]).admitted = True

    def _invited(self, fact: facts.MentorInvited, at: int) -> None:
        self.members[fact.member].invited = True


def _updated(member: Member, what: told.MemberUpdated, time: int, policy: Policy) -> None:
    member.profile = member.profile.updated(what)
    if what.experiences is not None:
        member.recovery.declare(member.profile.experiences, time)
    if what.seeks_mentor is not None:
        _seek(member, what.seeks_mentor, time)


def _left(member: Member, what: told.MemberLeft, time: int, policy: Policy) -> None:
    member.present, member.mentorship = False, None
    if member.clinicians:  # who comes back is asked again
        member.clinicians = consents.revoked(member.clinicians, None, time)
    _seek(member, False, time)


def _contacted(member: Member, what: told.MemberContacted, time: int, policy: Policy) -> None:
    if what.outcome in REACHED:
        member.reached_at = max(member.reached_at, time)


def _paused(member: Member, what: told.MemberPaused, time: int, policy: Policy) -> None:
    member.paused_until = what.until or FOREVER


def _resumed(member: Member, what: told.Nothing, time: int, policy: Policy) -> None:
    member.paused_until = 0


def _volunteered(member: Member, what: told.MentorVolunteered, time: int, policy: Policy) -> None:
    if member.mentorship is None:
        member.mentorship = Mentorship(volunteered_at=time)
    _offer(member, what, time, policy)


def _offer(member: Member, what: told.MentorUpdated, time: int, policy: Policy) -> None:
    mentorship = _mentorship(member)
    for name in what.model_fields_set & _OFFERED.keys():
        setattr(mentorship, _OFFERED[name], getattr(what, name))
    if what.strategies is not None:
        mentorship.strategies = theme_mask(what.strategies)


def _screened(member: Member, what: told.MentorScreened, time: int, policy: Policy) -> None:
    mentorship = _mentorship(member)
    cleared = what.outcome == "cleared"
    mentorship.cleared_until = (what.until or FOREVER) if cleared else 0
    mentorship.declined, mentorship.admitted = not cleared, False


def _supervised(member: Member, what: told.MentorSupervised, time: int, policy: Policy) -> None:
    mentorship = _mentorship(member)
    when = time if what.at is None else what.at
    mentorship.supervised_at = max(when, mentorship.supervised_at or when)


def _mentor_paused(member: Member, what: told.MentorPaused, time: int, policy: Policy) -> None:
    _mentorship(member).paused_until = what.until or FOREVER


def _mentor_resumed(member: Member, what: told.Nothing, time: int, policy: Policy) -> None:
    _mentorship(member).paused_until = 0


def _withdrew(member: Member, what: told.Nothing, time: int, policy: Policy) -> None:
    member.mentorship = None


def _checked_in(member: Member, what: told.CheckedIn, time: int, policy: Policy) -> None:
    member.recovery.check_in(what.mood, what.craving, time)


def _milestone(member: Member, what: told.Milestone, time: int, policy: Policy) -> None:
    member.recovery.milestone(what.kind, what.days, time)


def _setback(member: Member, what: told.Setback, time: int, policy: Policy) -> None:
    if member.believes(what.by):
        member.recovery.setback(what.code, what.severity, what.by, time)


def _assessed(member: Member, what: told.Assessed, time: int, policy: Policy) -> None:
    member.recovery.assess(what.instrument, what.total, tuple(what.items or ()), time)
    if concerns.self_harm(what):
        _distressed(member, time, policy)


def _distress(member: Member, what: told.Distress, time: int, policy: Policy) -> None:
    member.recovery.distress(what.level, time)
    _distressed(member, time, policy)


def _discharged(member: Member, what: told.Discharged, time: int, policy: Policy) -> None:
    member.recovery.discharge(what.setting, time)


def _reported(member: Member, what: told.Reported, time: int, policy: Policy) -> None:
    member.open_reports += 1


def _report_resolved(member: Member, what: told.Resolved, time: int, policy: Policy) -> None:
    member.open_reports = max(0, member.open_reports - 1)
    member.upheld |= what.outcome == UPHELD


def _consented(member: Member, what: told.Consent, time: int, policy: Policy) -> None:
    if what.scope == "matching":
        member.allow_matching(what.until or FOREVER, time)
    elif what.scope == "clinician":
        until = FOREVER if what.until is None else what.until
        member.clinicians = consents.granted(member.clinicians, what.to, time, until, what.purpose)


def _consent_revoked(member: Member, what: told.Consent, time: int, policy: Policy) -> None:
    if what.scope == "matching":
        member.refuse_matching(time)
    elif what.scope == "clinician":
        member.clinicians = consents.revoked(member.clinicians, what.to, time)


def _waived(member: Member, what: told.WaiverGranted, time: int, policy: Policy) -> None:
    member.waivers = {**member.waivers, what.rule: what.until}


def _waiver_revoked(member: Member, what: told.Waiver, time: int, policy: Policy) -> None:
    member.waivers = {rule: until for rule, until in member.waivers.items() if rule != what.rule} or NO_WAIVERS


_OFFERED = {
    "capacity": "capacity",
    "trained": "trained_at",
    "supervised": "supervised_at",
    "backup": "backup",
    "newcomer_wishes": "newcomer_wishes",
}

_TOLD: dict[str, Callable[[Member, Any, int, Policy], None]] = {
    "member.updated": _updated,
    "member.left": _left,
    "member.paused": _paused,
    "member.resumed": _resumed,
    "member.contacted": _contacted,
    "mentor.volunteered": _volunteered,
    "mentor.updated": _offer,
    "mentor.screened": _screened,
    "mentor.supervised": _supervised,
    "mentor.paused": _mentor_paused,
    "mentor.resumed": _mentor_resumed,
    "mentor.withdrawn": _withdrew,
    "progress.checked_in": _checked_in,
    "progress.milestone": _milestone,
    "progress.setback": _setback,
    "progress.assessed": _assessed,
    "progress.distress": _distress,
    "treatment.discharged": _discharged,
    "safety.reported": _reported,
    "safety.resolved": _report_resolved,
    "consent.granted": _consented,
    "consent.revoked": _consent_revoked,
    "waiver.granted": _waived,
    "waiver.revoked": _waiver_revoked,
}
_HOW = {type_: (tell, concerns.HEARD.get(type_)) for type_, tell in _TOLD.items()}
"""By type of event, what it changes, and what it makes a concern of."""

_DECIDED: dict[type[facts.Decision], Callable[[Membership, Any, int], None]] = {
    facts.MatchActivated: Membership._matched,
    facts.MatchEnded: Membership._unmatched,
    facts.MentorAdmitted: Membership._admitted,
    facts.MentorInvited: Membership._invited,
}


def _mentorship(member: Member) -> Mentorship:
    if member.mentorship is None:
        raise AssertionError("a fact about a mentor follows from one that made them a mentor")
    return member.mentorship


def _seek(member: Member, seeks: bool, time: int) -> None:
    if not seeks:
        member.seeks_since = None
    elif not member.seeks:  # who says it again has waited since the first time
        member.seeks_since = time
    member.seeks = seeks


def _distressed(member: Member, time: int, policy: Policy) -> None:
    member.distress_until = max(member.distress_until, time + policy.mentor.distress_days * DAY)


def _check_profile(what: told.MemberUpdated, time: int) -> None:
    known = taxonomy()
    for place, experience in enumerate(what.experiences or ()):
        if not known.can_be_had(experience.code):
            known.check(experience.code, f"experiences.{place}.code")
        if experience.since is not None:
            _must_not_be_later(time, experience.since)
    if what.birth_year is not None and what.birth_year > year_of(time):
        raise Refused(IMPOSSIBLE_TIME, "the year of birth lies after the event")
    if what.zone is not None:
        zones.check(what.zone)


def _check_setback(what: told.Setback, time: int) -> None:
    if what.code is not None:
        taxonomy().check(what.code, "code")


def _check_offer(what: told.MentorUpdated, time: int) -> None:
    _must_not_be_later(time, what.trained, what.supervised)


def _check_supervision(what: told.MentorSupervised, time: int) -> None:
    _must_not_be_later(time, what.at)


def _check_outcome(what: told.Resolved, time: int) -> None:
    if what.outcome not in (UPHELD, *LIFTED):
        raise Refused(UNKNOWN_OUTCOME, f"a report is resolved as {UPHELD}, {', '.join(LIFTED)}, and no other word")


_CHECKED: dict[type[Data], Callable[[Any, int], None]] = {
    told.MemberJoined: _check_profile,
    told.MemberUpdated: _check_profile,
    told.Setback: _check_setback,
    told.MentorVolunteered: _check_offer,
    told.MentorUpdated: _check_offer,
    told.MentorSupervised: _check_supervision,
    told.Resolved: _check_outcome,
}


def _must_not_be_later(time: int, *dates: int | None) -> None:
    for date in dates:
        if date is not None and date > time:
            raise Refused(IMPOSSIBLE_TIME, "a date in the event lies after the event's own time")
