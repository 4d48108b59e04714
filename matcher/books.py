"""Small books of a program, kept from its facts alone: who is here, who may mentor, who is paired with whom.

They share no code with the program, so that ``audit`` can hold the program's facts against them. They take in whatever
a fact says, also when it should not have been said: judging is the audit's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from matcher.errors import SafeHalt
from matcher.messages import facts
from matcher.messages.facts import Fact, Told
from matcher.policy import Policy

NEVER = 0
ALWAYS = 1 << 62


@dataclass(slots=True)
class Offer:
    """What somebody offers as a mentor, and how far they are cleared for it."""

    capacity: int | None = None
    admitted: bool = False
    cleared_until: int = NEVER
    away_until: int = NEVER


@dataclass(slots=True)
class Person:
    """A member."""

    present: bool = True
    away_until: int = NEVER
    reports: int = 0
    consents_until: int = ALWAYS
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Two people, and how far it has come with them."""

    newcomer: str
    mentor: str
    stage: str


@dataclass(slots=True)
class Books:
    """Everything that the books know after the facts so far."""

    policy: Policy = field(default_factory=Policy)
    people: dict[str, Person] = field(default_factory=dict)
    matches: dict[str, Match] = field(default_factory=dict)
    apart: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Who asked to be kept apart from whom, and whether for ever."""
    mentors_of: dict[str, set[str]] = field(default_factory=dict)
    """Everybody who ever mentored somebody."""
    open_of: dict[str, str] = field(default_factory=dict)
    """The newest open match of a newcomer."""
    caseloads: Counter[str] = field(default_factory=Counter)

    def enter(self, fact: Fact) -> None:
        """Take a fact in, whatever is wrong with it."""
        match fact.data:
            case facts.PolicyAdopted(text=text) if policy := policy_of(text):
                self.policy = policy
            case facts.MentorAdmitted(mentor=mentor):
                if offer := self.offer_of(mentor):
                    offer.admitted = True
            case facts.MatchProposed() as made:
                self._move(made.match, Match(made.newcomer, made.mentor, "proposed"))
            case facts.MatchActivated() as made:
                self._move(made.match, Match(made.newcomer, made.mentor, "active"))
                self.mentors_of.setdefault(made.newcomer, set()).add(made.mentor)
            case (
                facts.MatchHeld()
                | facts.MatchPinned()
                | facts.MatchReleased()
                | facts.MatchWithdrawn()
                | facts.MatchEnded() as moved
            ):
                if match := self.matches.get(moved.match):
                    self._move(moved.match, replace(match, stage=_STAGES[type(moved)]))
            case Told(subject=who, what=what) if who in self.people or fact.type == "member.joined":
                if enter := ENTRIES.get(fact.type):
                    enter(self, who, what)

    def _move(self, name: str, match: Match) -> None:
        """Bring a match to a stage, and the counts with it."""
        before = self.matches.get(name)
        if before is not None and before.stage == "active":
            self.caseloads[before.mentor] -= 1
        if match.stage == "active":
            self.caseloads[match.mentor] += 1
        self.matches[name] = match
        if match.stage in _OVER and self.open_of.get(match.newcomer) == name:
            del self.open_of[match.newcomer]
        elif match.stage not in _OVER:
            self.open_of[match.newcomer] = name

    def present(self, who: str) -> bool:
        """Whether somebody is here."""
        return who in self.people and self.people[who].present

    def offer_of(self, who: str) -> Offer | None:
        """What somebody offers as a mentor; None for who is none."""
        return self.people[who].offer if who in self.people else None

    def capacity(self, mentor: str) -> int:
        """How many newcomers a mentor takes at the same time."""
        numbers, offer = self.policy.mentor, self.offer_of(mentor)
        stated = None if offer is None else offer.capacity
        return min(numbers.capacity_max, numbers.capacity_default if stated is None else stated)

    def line_above(self, who: str) -> set[str]:
        """Everybody's mentor up the line: one's own, theirs, and so on."""
        above: set[str] = set()
        ask = [who]
        while ask:
            new = self.mentors_of.get(ask.pop(), set()) - above
            above |= new
            ask += new
        return above

    def _joined(self, who: str, what: Any) -> None:
        person = self.people.setdefault(who, Person())
        if not person.present:  # who comes back is no longer away
            person.present, person.away_until = True, NEVER

    def _left(self, who: str, what: Any) -> None:
        self.people[who].present, self.people[who].offer = False, None

    def _erased(self, who: str, what: Any) -> None:
        self.people.pop(who)
        self.apart = {pair: ever for pair, ever in self.apart.items() if who not in pair}
        self.mentors_of.pop(who, None)
        for mentors in self.mentors_of.values():
            mentors.discard(who)

    def _paused(self, who: str, what: Any) -> None:
        self.people[who].away_until = what.until or ALWAYS

    def _resumed(self, who: str, what: Any) -> None:
        self.people[who].away_until = NEVER

    def _reported(self, who: str, what: Any) -> None:
        self.people[who].reports += 1

    def _settled(self, who: str, what: Any) -> None:
        if what.outcome == "upheld":
            self.people[who].reports = ALWAYS
        elif self.people[who].reports < ALWAYS:
            self.people[who].reports = max(0, self.people[who].reports - 1)

    def _consented(self, who: str, what: Any) -> None:
        if what.scope == "matching":
            self.people[who].consents_until = what.until or ALWAYS

    def _refused(self, who: str, what: Any) -> None:
        if what.scope == "matching":
            self.people[who].consents_until = NEVER

    def _offered(self, who: str, what: Any) -> None:
        offer = self.people[who].offer = self.people[who].offer or Offer()
        if "capacity" in what.model_fields_set:
            offer.capacity = what.capacity

    def _screened(self, who: str, what: Any) -> None:
        if offer := self.people[who].offer:
            offer.admitted = False
            offer.cleared_until = (what.until or ALWAYS) if what.outcome == "cleared" else NEVER

    def _intake_paused(self, who: str, what: Any) -> None:
        if offer := self.people[who].offer:
            offer.away_until = what.until or ALWAYS

    def _intake_resumed(self, who: str, what: Any) -> None:
        if offer := self.people[who].offer:
            offer.away_until = NEVER

    def _withdrew(self, who: str, what: Any) -> None:
        self.people[who].offer = None

    def _kept_apart(self, who: str, what: Any) -> None:
        for_ever = self.apart.get((who, what.other), False) or what.kind == "never_again"
        self.apart[who, what.other] = for_ever

    def _reconciled(self, who: str, what: Any) -> None:
        if not self.apart.get((who, what.other), True):
            del self.apart[who, what.other]


def policy_of(text: str) -> Policy | None:
    """The policy that a text says, if it says one."""
    try:
        return Policy.from_text(text)
    except SafeHalt:
        return None


_OVER = ("withdrawn", "ended")

_STAGES: dict[type[facts.Decision], str] = {
    facts.MatchHeld: "held",
    facts.MatchPinned: "pinned",
    facts.MatchReleased: "proposed",
    facts.MatchWithdrawn: "withdrawn",
    facts.MatchEnded: "ended",
}

ENTRIES: dict[str, Callable[[Books, str, Any], None]] = {
    "member.joined": Books._joined,
    "member.left": Books._left,
    "member.erased": Books._erased,
    "member.paused": Books._paused,
    "member.resumed": Books._resumed,
    "safety.reported": Books._reported,
    "safety.resolved": Books._settled,
    "consent.granted": Books._consented,
    "consent.revoked": Books._refused,
    "mentor.volunteered": Books._offered,
    "mentor.updated": Books._offered,
    "mentor.screened": Books._screened,
    "mentor.paused": Books._intake_paused,
    "mentor.resumed": Books._intake_resumed,
    "mentor.withdrawn": Books._withdrew,
    "exclusion.added": Books._kept_apart,
    "exclusion.removed": Books._reconciled,
}
