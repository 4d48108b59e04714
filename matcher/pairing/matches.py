"""Matches: who is proposed to, held for, or paired with whom, and who must not be put together again.

A newcomer has at most one open match (proposed, held or active). The room changes by facts alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any, Literal

from matcher.messages import facts
from matcher.messages.facts import Fact, Told

Stage = Literal["proposed", "held", "active"]


@dataclass(slots=True)
class Match:
    """An open match; `since` is the clock at its present stage, `fit` in millionths.

    ``held_until`` is set while a tentative match is pinned: by a hold, or because somebody has its card open.
    """

    id: str
    newcomer: str
    mentor: str
    fit: int
    stage: Stage
    since: int
    held_until: int = 0
    last_contact: int | None = None
    accepted: tuple[str, ...] = ()
    recorded: bool = False  # people had made it, who knows how long ago; it was told afterwards

    @property
    def is_pinned(self) -> bool:
        """Whether a tentative match is out of the market for a while, with its row and its seat."""
        return self.held_until > 0

    @property
    def takes_seat(self) -> bool:
        """Whether the mentor's seat, and the newcomer, are out of the market."""
        return self.stage == "active" or self.held_until > 0


_plain = attrgetter(*Match.__slots__)


class Matches:
    """All matches of a program: the open ones whole, the others as who they were between."""

    def __init__(self) -> None:
        self.open: dict[str, Match] = {}
        self.past: dict[str, tuple[str, str]] = {}
        self.ended: dict[str, None] = {}
        """Those of the past that were active: what ended does not begin again under the same id."""
        self.closed = 0
        self.waiting_told: dict[str, None] = {}
        self._of_newcomer: dict[str, str] = {}
        self._of_mentor: dict[str, dict[str, None]] = {}
        self._declined: dict[str, dict[str, None]] = {}

    def of_newcomer(self, newcomer: str) -> Match | None:
        """The newcomer's open match."""
        match_id = self._of_newcomer.get(newcomer)
        return None if match_id is None else self.open[match_id]

    def of_mentor(self, mentor: str) -> list[Match]:
        """The mentor's open matches, in the order in which they were made."""
        return [self.open[match_id] for match_id in self._of_mentor.get(mentor, ())]

    def of_member(self, member: str) -> list[Match]:
        """The member's open matches: as newcomer, then as mentor."""
        own, others = self._of_newcomer.get(member), self._of_mentor.get(member)
        if own is None and others is None:  # as of most
            return []
        return [self.open[match_id] for match_id in chain([] if own is None else [own], others or ())]

    def seats_taken(self, mentor: str) -> int:
        """Seats that active and pinned matches take."""
        matches = self.open
        return sum([matches[match_id].takes_seat for match_id in self._of_mentor.get(mentor, ())])

    def declined_by(self, member: str) -> tuple[str, ...]:
        """Everybody the member must not be put together with again, after a rejection, a no or an ending."""
        return tuple(self._declined.get(member, ()))

    def members_of(self, match_id: str) -> tuple[str, str] | None:
        """Newcomer and mentor of a match, open or past."""
        match = self.open.get(match_id)
        return self.past.get(match_id) if match is None else (match.newcomer, match.mentor)

    def evolve(self, fact: Fact) -> None:
        """Take a fact in."""
        data = fact.data
        if isinstance(data, Told):
            tell = _TOLD.get(fact.type)
            if tell is not None:
                tell(self, data)
        else:
            decide = _DECIDED.get(type(data))
            if decide is not None:
                decide(self, data, fact.at)

    # Decisions

    def _proposed(self, fact: facts.MatchProposed, at: int) -> None:
        self._add(Match(fact.match, fact.newcomer, fact.mentor, fact.fit, "proposed", at))

    def _activated(self, fact: facts.MatchActivated, at: int) -> None:
        before = self.open.get(fact.match)
        match = Match(fact.match, fact.newcomer, fact.mentor, fact.fit, "active", at, recorded=fact.how == "recorded")
        match.accepted = before.accepted if before else ()
        self._add(match)
        self._forgive(fact.newcomer, fact.mentor)

    def _withdrawn(self, fact: facts.MatchWithdrawn, at: int) -> None:
        self._drop(fact.match)
        if fact.barred:
            self._bar(fact.newcomer, fact.mentor)

    def _held(self, fact: facts.MatchHeld, at: int) -> None:
        match = self.open[fact.match]
        match.stage, match.held_until = "held", fact.until

    def _pinned(self, fact: facts.MatchPinned, at: int) -> None:
        self.open[fact.match].held_until = fact.until

    def _released(self, fact: facts.MatchReleased, at: int) -> None:
        match = self.open[fact.match]
        match.stage, match.held_until = "proposed", 0

    def _ended(self, fact: facts.MatchEnded, at: int) -> None:
        self._drop(fact.match)
        self.ended[fact.match] = None
        self.closed += 1
        if fact.barred:
            self._bar(fact.newcomer, fact.mentor)

    def _waiting(self, fact: facts.NewcomerWaiting, at: int) -> None:
        self.waiting_told[fact.newcomer] = None

    # Told

    def _contacted(self, told: Told) -> None:
        match = self.open.get(told.subject)
        if match is not None:
            match.last_contact = max(told.time, match.last_contact or told.time)

    def _answered(self, told: Told) -> None:
        match, what = self.open.get(told.subject), told.what
        accepts = getattr(what, "answer", None) == "accept"
        by = getattr(what, "by", "")
        if match is not None and accepts and by not in match.accepted:
            match.accepted = tuple(sorted({*match.accepted, by}))

    def _joined(self, told: Told) -> None:
        self.waiting_told.pop(told.subject, None)

    def _updated(self, told: Told) -> None:
        if getattr(told.what, "seeks_mentor", None) is False:  # who seeks again is heard again
            self.waiting_told.pop(told.subject, None)

    def _switched(self, told: Told) -> None:
        self.waiting_told.clear()  # what bars people is another thing now

    def _erased(self, told: Told) -> None:
        who = told.subject
        self.waiting_told.pop(who, None)
        for other in self._declined.pop(who, ()):
            self._declined[other].pop(who, None)
        self.past = {match_id: pair for match_id, pair in self.past.items() if who not in pair}
        self.ended = {match_id: None for match_id in self.ended if match_id in self.past}

    # Bookkeeping

    def _add(self, match: Match) -> None:
        self.open[match.id] = match
        self.past.pop(match.id, None)  # an old proposal that was honoured after all
        self._of_newcomer[match.newcomer] = match.id
        self._of_mentor.setdefault(match.mentor, {})[match.id] = None
        self.waiting_told.pop(match.newcomer, None)

    def _drop(self, match_id: str) -> None:
        match = self.open.pop(match_id)
        del self._of_newcomer[match.newcomer]
        of_mentor = self._of_mentor[match.mentor]
        del of_mentor[match_id]
        if not of_mentor:
            del self._of_mentor[match.mentor]
        self.past[match_id] = (match.newcomer, match.mentor)

    def _bar(self, newcomer: str, mentor: str) -> None:
        self._declined.setdefault(newcomer, {})[mentor] = None
        self._declined.setdefault(mentor, {})[newcomer] = None

    def _forgive(self, newcomer: str, mentor: str) -> None:
        if mentor in self._declined.get(newcomer, ()):
            del self._declined[newcomer][mentor], self._declined[mentor][newcomer]

    # Snapshot

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON."""
        return {
            "open": [dict(zip(Match.__slots__, _plain(match), strict=True)) for match in self.open.values()],
            "past": [[match_id, *pair] for match_id, pair in self.past.items()],
            "ended": list(self.ended),
            "closed": self.closed,
            "waiting_told": list(self.waiting_told),
            "declined": [[who, *others] for who, others in self._declined.items() if others],
        }

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Matches:
        """The room whose state this was."""
        room = cls()
        for raw in state["open"]:
            room._add(Match(**{**raw, "accepted": tuple(raw["accepted"])}))
        room.past = {match_id: (newcomer, mentor) for match_id, newcomer, mentor in state["past"]}
        room.ended, room.closed = dict.fromkeys(state["ended"]), state["closed"]
        room.waiting_told = dict.fromkeys(state["waiting_told"])
        room._declined = {who: dict.fromkeys(others) for who, *others in state["declined"]}
        return room


_DECIDED: dict[type[facts.Decision], Callable[[Matches, Any, int], None]] = {
    facts.MatchProposed: Matches._proposed,
    facts.MatchActivated: Matches._activated,
    facts.MatchWithdrawn: Matches._withdrawn,
    facts.MatchHeld: Matches._held,
    facts.MatchPinned: Matches._pinned,
    facts.MatchReleased: Matches._released,
    facts.MatchEnded: Matches._ended,
    facts.NewcomerWaiting: Matches._waiting,
}

_TOLD: dict[str, Callable[[Matches, Told], None]] = {
    "match.contacted": Matches._contacted,
    "match.answered": Matches._answered,
    "member.joined": Matches._joined,
    "member.updated": Matches._updated,
    "member.erased": Matches._erased,
    "program.started": Matches._switched,
    "program.stopped": Matches._switched,
}
