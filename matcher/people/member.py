"""One person as the program knows them: profile, recovery, and what they are to others.

Instants are epoch seconds; `FOREVER` stands for "without an end".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from matcher.messages.events import NewcomerWishes
from matcher.people.concerns import Concern
from matcher.people.consents import Consents
from matcher.people.profile import Profile
from matcher.people.recovery import Recovery

FOREVER = 1 << 62
"""An end that never comes; far above every instant, and safe to add an interval to in int64."""

NO_WAIVERS: Mapping[str, int] = {}
"""One for all who have none, as nearly everybody: an empty dictionary takes 64 bytes."""


@dataclass(slots=True)
class Mentorship:
    """What a member offers as a mentor, and how far they are cleared for it."""

    volunteered_at: int
    capacity: int | None = None  # None: the policy's default
    strategies: int = 0  # bit mask of themes, see profile.theme_mask
    trained_at: int | None = None
    supervised_at: int | None = None  # None at volunteering counts as supervised on that day
    backup: bool = False
    newcomer_wishes: NewcomerWishes | None = None
    cleared_until: int = 0  # 0: not cleared
    declined: bool = False
    paused_until: int = 0
    admitted: bool = False
    caseload: int = 0  # active matches now; `spread` looks at whether it is zero
    matches_had: int = 0  # active matches ever


@dataclass(slots=True)
class Member:
    """A person: newcomer, mentor, both in turn, or neither."""

    id: str
    joined_at: int
    profile: Profile
    recovery: Recovery
    present: bool = True
    left_n: int = 0  # number of the fact with which they left; 0 where nothing told before matters: they died
    seeks: bool = False  # a mentor, also while they have one
    seeks_since: int | None = None  # since when they wait for one; None: has one, or seeks none
    paused_until: int = 0
    distress_until: int = 0
    reached_at: int = 0  # when they last were in touch with staff or the other of a pair, or answered; 0: never
    invited: bool = False
    open_reports: int = 0
    upheld: bool = False  # a report that was found to be so; no later word lifts it
    consent_until: int | None = None  # of matching; None: nothing on record; 0: revoked
    consent_said: int | None = None  # when the last word on matching was said; None: no word, or an old snapshot's
    clinicians: Consents = ()  # to clinicians who may see the record
    waivers: Mapping[str, int] = field(default_factory=lambda: NO_WAIVERS)  # rule → until
    mentorship: Mentorship | None = None
    concerns: dict[str, Concern] = field(default_factory=dict)  # key of matcher.people.concerns → the newest telling

    def believes(self, teller: str) -> bool:
        """Whether a setback is believed as told; one of a mentor, told by others, is first a task to check."""
        return self.mentorship is None or teller in ("self", "coordinator")

    def allow_matching(self, until: int, at: int) -> None:
        """Take in a consent to be matched; one of before the last word on it opens nothing."""
        if self.consent_said is None or at >= self.consent_said:
            self.consent_until, self.consent_said = until, at

    def refuse_matching(self, at: int) -> None:
        """Take in that it was taken back; it holds whatever the order in which things are told."""
        self.consent_until, self.consent_said = 0, max(at, self.consent_said or at)

    @property
    def is_reported(self) -> bool:
        """Whether a safety report, open or upheld, freezes new pairs."""
        return self.upheld or self.open_reports > 0

    def rests_until(self, pause: int) -> int:
        """When a mentor's intake is open again, as far as their own setbacks decide; 0 without any.

        It follows from the setbacks, each with a pause of so many seconds, and so is not shed by leaving or by
        volunteering again. A relapse counts too: it need not touch the recovery that makes the mentor eligible.
        """
        setbacks = self.recovery.setbacks
        return max([setback.at for setback in setbacks]) + pause if setbacks else 0
