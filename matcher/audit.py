"""What must hold at every fact of a program, checked with books that share no code with the program.

It knows nothing of fit, plan or market (those have a certificate of their own, ``pairing.verify``); it knows the
promises: numbers without a gap, a clock that never goes back, no newcomer with two mentors, no mentor over capacity,
nobody given to somebody who is not cleared, away, reported or excluded, and no ending of what never began.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from matcher.books import ENTRIES, Books, policy_of
from matcher.ids import match_id
from matcher.messages import facts
from matcher.messages.facts import Fact, Told

TENTATIVE = ("proposed", "pinned", "held")
_BEFORE: dict[type[facts.Decision], tuple[str, ...]] = {
    facts.MatchHeld: TENTATIVE,
    facts.MatchPinned: ("proposed", "pinned"),
    facts.MatchReleased: ("pinned", "held"),
}


@dataclass(slots=True)
class Audit:
    """The audit of one program. Feed every fact to ``take``, in order, and ask ``rest`` at the end."""

    program: str
    n: int = 0
    at: int | None = None
    books: Books = field(default_factory=Books)

    def take(self, fact: Fact) -> Iterator[str]:
        """What is wrong with the next fact, in words; then it is in the books."""
        where = f"{self.program} fact {fact.n} ({fact.type})"
        for trouble in [*self._order(fact), *self._content(fact)]:
            yield f"{where}: {trouble}"
        self.n = max(self.n, fact.n)
        self.at = fact.at if self.at is None else max(self.at, fact.at)
        self.books.enter(fact)

    def rest(self) -> Iterator[str]:
        """What is wrong with where things stand after the last fact."""
        for name, match in self.books.matches.items():
            for who in (match.newcomer, match.mentor):
                if match.stage == "active" and not self.books.present(who):
                    yield f"{self.program}: match {name} is active although {who} is gone"

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
            case facts.MatchHeld() | facts.MatchPinned() | facts.MatchReleased() as kept:
                yield from self._must_be(kept.match, *_BEFORE[type(kept)])
            case facts.MentorAdmitted(mentor=mentor):
                if (offer := self.books.offer_of(mentor)) is None or offer.cleared_until <= fact.at:
                    yield f"{mentor} is admitted but not cleared"
            case facts.PolicyAdopted(text=text, digest=digest):
                if hashlib.sha256(text.encode()).hexdigest() != digest or policy_of(text) is None:
                    yield "the policy's text is not what its digest says"
            case Told(subject=who) if fact.type in ENTRIES and fact.type != "member.joined":
                if who not in self.books.people:
                    yield f"{who} never joined"

    def _new(self, fact: Fact, made: facts.MatchMade) -> Iterator[str]:
        if made.match != match_id(fact.n):
            yield f"a new match has the id {match_id(fact.n)}, not {made.match}"
        if made.match in self.books.matches:
            yield f"the match {made.match} is not new"
        yield from self._pair(fact, made)

    def _activation(self, fact: Fact, made: facts.MatchActivated) -> Iterator[str]:
        before = self.books.matches.get(made.match)
        if before is None:
            yield from self._new(fact, made)
        else:
            if before.stage in ("active", "ended"):
                yield f"the match {made.match} is {before.stage} already"
            if (before.newcomer, before.mentor) != (made.newcomer, made.mentor):
                yield f"the match {made.match} was proposed to other people"
            yield from self._pair(fact, made)
        taken, capacity = self.books.caseloads[made.mentor], self.books.capacity(made.mentor)
        if made.how != "recorded" and taken >= capacity:
            yield f"{made.mentor} has {taken} newcomers and takes {capacity}"

    def _pair(self, fact: Fact, made: facts.MatchMade) -> Iterator[str]:
        newcomer, mentor = made.newcomer, made.mentor
        other = self.books.open_of.get(newcomer, made.match)
        if other != made.match:
            yield f"{newcomer} has the {self.books.matches[other].stage} match {other}"
        if newcomer == mentor:
            yield f"{newcomer} is paired with themselves"
        if (newcomer, mentor) in self.books.apart or (mentor, newcomer) in self.books.apart:
            yield f"{newcomer} and {mentor} are excluded from each other"
        if newcomer in self.books.line_above(mentor):
            yield f"{newcomer} is in the line of mentors above {mentor}"
        by_hand = isinstance(made, facts.MatchActivated) and made.how == "recorded"  # what is no safety rule only warns
        for who in (newcomer, mentor):
            yield from self._open(who, fact.at, by_hand)
        yield from self._admitted(mentor, fact.at, by_hand)

    def _open(self, who: str, at: int, by_hand: bool) -> Iterator[str]:
        person = self.books.people.get(who)
        if person is None or not person.present:
            yield f"{who} is not here"
        elif person.away_until > at:
            yield f"{who} is away"
        elif person.reports:
            yield f"{who} has an open report"
        elif person.consents_until <= at and not by_hand:
            yield f"{who} does not consent to be matched"

    def _admitted(self, mentor: str, at: int, by_hand: bool) -> Iterator[str]:
        offer = self.books.offer_of(mentor)
        if offer is None:
            yield f"{mentor} is no mentor"
        elif offer.cleared_until <= at or not (offer.admitted or by_hand):
            yield f"{mentor} is not admitted"
        elif offer.away_until > at:
            yield f"{mentor} takes nobody new"

    def _ending(self, over: facts.MatchWithdrawn | facts.MatchEnded) -> Iterator[str]:
        yield from self._must_be(over.match, *(("active",) if isinstance(over, facts.MatchEnded) else TENTATIVE))
        match = self.books.matches.get(over.match)
        if match is not None and (match.newcomer, match.mentor) != (over.newcomer, over.mentor):
            yield f"the match {over.match} is between other people"

    def _must_be(self, name: str, *stages: str) -> Iterator[str]:
        match = self.books.matches.get(name)
        if match is None:
            yield f"there is no match {name}"
        elif match.stage not in stages:
            yield f"the match {name} is {match.stage}, not {' or '.join(stages)}"
