"""Independent bookkeeping over facts: what must hold at every fact of a program, checked without the program's code.

It reads facts in order and keeps its own small books: who is here, who may mentor, who is paired with whom. It knows
nothing of fit, plan or market (those have a certificate of their own, ``pairing.verify``); it knows the promises:
numbers without a gap, a clock that never goes back, no newcomer with two mentors, no mentor over capacity, nobody
given to somebody who is not cleared, away, reported or excluded, and no ending of what never began.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from matcher.ids import match_id
from matcher.messages import facts
from matcher.messages.facts import Fact, Told
from matcher.policy import Policy

NEVER = 0
ALWAYS = 1 << 62


@dataclass(slots=True)
class _Person:
    """What the books know of a member."""

    present: bool = True
    away_until: int = NEVER
    reports: int = 0
    consents_until: int = ALWAYS
    offer: _Offer | None = None


@dataclass(slots=True)
class _Offer:
    """What the books know of a mentor."""

    capacity: int | None = None
    admitted: bool = False
    cleared_until: int = NEVER
    away_until: int = NEVER


@dataclass(frozen=True, slots=True)
class _Match:
    newcomer: str
    mentor: str
    stage: str


@dataclass(slots=True)
class Audit:
    """The books of one program. Feed every fact to ``take``, in order, and ask ``rest`` at the end."""

    program: str
    n: int = 0
    at: int | None = None
    policy: Policy = field(default_factory=Policy)
    people: dict[str, _Person] = field(default_factory=dict)
    matches: dict[str, _Match] = field(default_factory=dict)
    apart: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Who asked to be kept apart from whom, and whether for ever."""
    mentors_of: dict[str, set[str]] = field(default_factory=dict)
    """Everybody who ever mentored somebody."""
    open_of: dict[str, str] = field(default_factory=dict)
    """The newest open match of a newcomer."""
    caseloads: Counter[str] = field(default_factory=Counter)

    def take(self, fact: Fact) -> Iterator[str]:
        """What is wrong with the next fact, in words; then it is in the books."""
        where = f"{self.program} fact {fact.n} ({fact.type})"
        for trouble in [*self._order(fact), *self._content(fact)]:
            yield f"{where}: {trouble}"
        self.n = max(self.n, fact.n)
        self.at = fact.at if self.at is None else max(self.at, fact.at)
        self._enter(fact)

    def rest(self) -> Iterator[str]:
        """What is wrong with where things stand after the last fact."""
        for name, match in self.matches.items():
            for who in (match.newcomer, match.mentor):
                if match.stage == "active" and not self._present(who):
                    yield f"{self.program}: match {name} is active although {who} is gone"

    # Checks

    def _order(self, fact: Fact) -> Iterator[str]:
        if fact.program != self.program:
            yield f"belongs to the program {fact.program}"
        if fact.n != self.n + 1:
            yield f"does not follow fact {self.n}"
        if self.at is not None and fact.at < self.at:
            yield "the clock goes back"
        if fact.n == 1 and not isinstance(fact.data, facts.PolicyAdopted):
            yield "a program begins with the policy that is in force"

    def _content(self, fact: Fact) -> Iterator[str]:
        match fact.data:
            case facts.MatchProposed() as made:
                yield from self._new(fact, made)
            case facts.MatchActivated() as made:
                yield from self._activation(fact, made)
            case facts.MatchWithdrawn() | facts.MatchEnded() as over:
                yield from self._ending(over)
            case facts.MatchHeld(match=name):
                yield from self._must_be(name, "proposed", "held")
            case facts.MatchReleased(match=name):
                yield from self._must_be(name, "held")
            case facts.MentorAdmitted(mentor=mentor):
                if (offer := self._offer(mentor)) is None or offer.cleared_until <= fact.at:
                    yield f"{mentor} is admitted but not cleared"
            case facts.PolicyAdopted(text=text, digest=digest):
                if hashlib.sha256(text.encode()).hexdigest() != digest or _policy(text) is None:
                    yield "the policy's text is not what its digest says"
            case Told(subject=who) if fact.type in _ENTRIES and fact.type != "member.joined":
                if who not in self.people:
                    yield f"{who} never joined"

    def _new(self, fact: Fact, made: facts.MatchMade) -> Iterator[str]:
        if made.match != match_id(fact.n):
            yield f"a new match has the id {match_id(fact.n)}, not {made.match}"
        if made.match in self.matches:
            yield f"the match {made.match} is not new"
        yield from self._pair(fact, made)

    def _activation(self, fact: Fact, made: facts.MatchActivated) -> Iterator[str]:
        before = self.matches.get(made.match)
        if before is None:
            yield from self._new(fact, made)
        else:
            if before.stage in ("active", "ended"):
                yield f"the match {made.match} is {before.stage} already"
            if (before.newcomer, before.mentor) != (made.newcomer, made.mentor):
                yield f"the match {made.match} was proposed to other people"
            yield from self._pair(fact, made)
        taken, capacity = self.caseloads[made.mentor], self._capacity(made.mentor)
        if made.how != "recorded" and taken >= capacity:
            yield f"{made.mentor} has {taken} newcomers and takes {capacity}"

    def _pair(self, fact: Fact, made: facts.MatchMade) -> Iterator[str]:
        newcomer, mentor = made.newcomer, made.mentor
        other = self.open_of.get(newcomer, made.match)
        if other != made.match:
            yield f"{newcomer} has the {self.matches[other].stage} match {other}"
        if newcomer == mentor:
            yield f"{newcomer} is paired with themselves"
        if (newcomer, mentor) in self.apart or (mentor, newcomer) in self.apart:
            yield f"{newcomer} and {mentor} are excluded from each other"
        if newcomer in self._line_above(mentor):
            yield f"{newcomer} is in the line of mentors above {mentor}"
        for who in (newcomer, mentor):
            yield from self._open(who, fact.at)
        yield from self._admitted(mentor, fact.at)

    def _open(self, who: str, at: int) -> Iterator[str]:
        person = self.people.get(who)
        if person is None or not person.present:
            yield f"{who} is not here"
        elif person.away_until > at:
            yield f"{who} is away"
        elif person.reports:
            yield f"{who} has an open report"
        elif person.consents_until <= at:
            yield f"{who} does not consent to be matched"

    def _admitted(self, mentor: str, at: int) -> Iterator[str]:
        offer = self._offer(mentor)
        if offer is None:
            yield f"{mentor} is no mentor"
        elif not offer.admitted or offer.cleared_until <= at:
            yield f"{mentor} is not admitted"
        elif offer.away_until > at:
            yield f"{mentor} takes nobody new"

    def _ending(self, over: facts.MatchWithdrawn | facts.MatchEnded) -> Iterator[str]:
        yield from self._must_be(over.match, *(("active",) if isinstance(over, facts.MatchEnded) else _TENTATIVE))
        match = self.matches.get(over.match)
        if match is not None and (match.newcomer, match.mentor) != (over.newcomer, over.mentor):
            yield f"the match {over.match} is between other people"

    def _must_be(self, name: str, *stages: str) -> Iterator[str]:
        match = self.matches.get(name)
        if match is None:
            yield f"there is no match {name}"
        elif match.stage not in stages:
            yield f"the match {name} is {match.stage}, not {' or '.join(stages)}"

    # Books

    def _enter(self, fact: Fact) -> None:
        match fact.data:
            case facts.PolicyAdopted(text=text) if policy := _policy(text):
                self.policy = policy
            case facts.MentorAdmitted(mentor=mentor):
                if offer := self._offer(mentor):
                    offer.admitted = True
            case facts.MatchProposed() as made:
                self._move(made.match, _Match(made.newcomer, made.mentor, "proposed"))
            case facts.MatchActivated() as made:
                self._move(made.match, _Match(made.newcomer, made.mentor, "active"))
                self.mentors_of.setdefault(made.newcomer, set()).add(made.mentor)
            case facts.MatchHeld() | facts.MatchReleased() | facts.MatchWithdrawn() | facts.MatchEnded() as moved:
                if match := self.matches.get(moved.match):
                    self._move(moved.match, replace(match, stage=_STAGES[type(moved)]))
            case Told(subject=who, what=what) if who in self.people or fact.type == "member.joined":
                if enter := _ENTRIES.get(fact.type):
                    enter(self, who, what)

    def _move(self, name: str, match: _Match) -> None:
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

    def _present(self, who: str) -> bool:
        return who in self.people and self.people[who].present

    def _offer(self, who: str) -> _Offer | None:
        return self.people[who].offer if who in self.people else None

    def _capacity(self, mentor: str) -> int:
        numbers, offer = self.policy.mentor, self._offer(mentor)
        stated = None if offer is None else offer.capacity
        return min(numbers.capacity_max, numbers.capacity_default if stated is None else stated)

    def _line_above(self, who: str) -> set[str]:
        above: set[str] = set()
        ask = [who]
        while ask:
            new = self.mentors_of.get(ask.pop(), set()) - above
            above |= new
            ask += new
        return above

    def _joined(self, who: str, what: Any) -> None:
        self.people.setdefault(who, _Person()).present = True

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
        if what.outcome != "upheld":
            self.people[who].reports = max(0, self.people[who].reports - 1)

    def _consented(self, who: str, what: Any) -> None:
        if what.scope == "matching":
            self.people[who].consents_until = what.until or ALWAYS

    def _refused(self, who: str, what: Any) -> None:
        if what.scope == "matching":
            self.people[who].consents_until = NEVER

    def _offered(self, who: str, what: Any) -> None:
        offer = self.people[who].offer = self.people[who].offer or _Offer()
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


def _policy(text: str) -> Policy | None:
    try:
        return Policy.from_text(text)
    except ValidationError:
        return None


_TENTATIVE = ("proposed", "held")
_OVER = ("withdrawn", "ended")

_STAGES: dict[type[facts.Decision], str] = {
    facts.MatchHeld: "held",
    facts.MatchReleased: "proposed",
    facts.MatchWithdrawn: "withdrawn",
    facts.MatchEnded: "ended",
}

_ENTRIES: dict[str, Callable[[Audit, str, Any], None]] = {
    "member.joined": Audit._joined,
    "member.left": Audit._left,
    "member.erased": Audit._erased,
    "member.paused": Audit._paused,
    "member.resumed": Audit._resumed,
    "safety.reported": Audit._reported,
    "safety.resolved": Audit._settled,
    "consent.granted": Audit._consented,
    "consent.revoked": Audit._refused,
    "mentor.volunteered": Audit._offered,
    "mentor.updated": Audit._offered,
    "mentor.screened": Audit._screened,
    "mentor.paused": Audit._intake_paused,
    "mentor.resumed": Audit._intake_resumed,
    "mentor.withdrawn": Audit._withdrew,
    "exclusion.added": Audit._kept_apart,
    "exclusion.removed": Audit._reconciled,
}
