"""A look at the people of a program: who fits whom and what bars them, without the market.

To build the market takes seconds in a program of ten thousand; a page that shows some pairs needs only the rows of
those people. A look keeps its rows from page to page, and writes anew those that it is asked of: after a fact that
names them, or a minute later. It keeps nobody who was erased.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from dashboard.memo import MINUTE
from matcher import care
from matcher.pairing import explain, fit
from matcher.pairing.blockers import BY_CODE, Blocker
from matcher.pairing.explain import Nearest
from matcher.pairing.fit import Term
from matcher.pairing.judge import Judge
from matcher.pairing.relations import Relations
from matcher.people.experience import taxonomy
from matcher.people.member import Member
from matcher.people.record import Rows
from matcher.people.roster import Roster
from matcher.program import Program
from matcher.state import State


class Look:
    """Answers about the pairs of one program (``matcher.pairing.explain.Sight``)."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.policy = state.policy
        self.now = 0
        self.roster = Roster()
        self.judge = Judge(self.roster, Relations(state, self.roster), state.policy)
        self._seen: tuple[int, int] | None = None
        self._fresh: set[str] = set()
        self._sides: dict[bool, _Side] = {}

    def turn(self, program: Program, at: int) -> Look:
        """Look at things as they are at this instant."""
        seen, before = (program.n, at // MINUTE), self._seen
        if seen != before:
            self._seen, self.now = seen, max(at, self.state.at or at)
            named = program.named_since(before[0]) if before is not None and before[1] == seen[1] else None
            self._fresh = set() if named is None else self._fresh.difference(named)
            self._sides.clear()
            kept, members = self.roster.index, self.state.members.members
            for who in [who for who in (kept if named is None else named) if who in kept and who not in members]:
                self.roster.drop(who)
        return self

    def index(self, who: str) -> int | None:
        """The place in the roster of a present member, with columns as of now; None for anybody else."""
        member = self.state.members.get(who)
        if member is None or not member.present:
            return None
        if who not in self._fresh:
            self._fresh.add(who)
            return self.roster.write(member, self.now, self.state.policy)
        return self.roster.index[who]

    def open_slots(self, member: Member) -> int:
        """Capacity less active and held matches; 0 for who is no mentor."""
        offer = member.mentorship
        return 0 if offer is None else max(0, care.capacity(offer, self.state.policy) - self._taken(member))

    @property
    def volunteers(self) -> _Side:
        """Everybody who offers support. Cost: their rows, once a fact."""
        return self._side(only_open=False)

    @property
    def open_mentors(self) -> _Side:
        """Those of them who may be given somebody now."""
        return self._side(only_open=True)

    def terms(self, newcomer: str, mentor: str) -> list[Term]:
        """The terms of a pair; none when one of the two is not here."""
        one, other = self.index(newcomer), self.index(mentor)
        return [] if one is None or other is None else fit.breakdown(self.judge, one, other)

    def shared(self, newcomer: str, mentor: str) -> tuple[str, ...]:
        """The codes of what the two share, the rarest first."""
        one, other = self.index(newcomer), self.index(mentor)
        if one is None or other is None:
            return ()
        return taxonomy().shared(self.roster.closures[one], self.roster.closures[other])

    def hits(self, newcomer: str, mentor: str) -> list[Blocker]:
        """Every blocker of a pair; both must be present."""
        return explain.hits(self, newcomer, mentor)

    def own_bars(self, newcomer: str) -> list[str]:
        """Codes of what closes a newcomer to everybody."""
        index = self.index(newcomer)
        return [] if index is None else self.judge.codes(self.judge.newcomer_alone(index, self.now))

    def nearest(self, newcomer: str) -> Nearest:
        """The mentors with the fewest blockers for somebody who is present."""
        self.volunteers.order()
        return explain.nearest(self, newcomer)

    def open_to(self, newcomer: str) -> list[str]:
        """Mentors with an open slot whom nothing bars for this newcomer, the best fit first."""
        mentors, index = self.open_mentors.order(), self.index(newcomer)
        if index is None or not len(mentors):
            return []
        fits = self.judge.row(index, mentors, self.now)
        ranked = sorted(
            (-int(fit_), self.roster.ids[row]) for fit_, row in zip(fits, mentors, strict=True) if fit_ >= 0
        )
        return [who for _, who in ranked]

    def _taken(self, member: Member) -> int:
        return self.state.matches.seats_taken(member.id)

    def _side(self, *, only_open: bool) -> _Side:
        if only_open not in self._sides:
            mentors = [member for member in self.state.members if member.present and member.mentorship is not None]
            rows = [self._row(member.id) for member in mentors if not only_open or self._is_open(member)]
            self._sides[only_open] = _Side(np.array(rows, dtype=np.int64))
        return self._sides[only_open]

    def _row(self, who: str) -> int:
        index = self.index(who)
        assert index is not None, "only who is present has a row"
        return index

    def _is_open(self, member: Member) -> bool:
        return self.open_slots(member) > 0 and not self.judge.mentor_alone(self._row(member.id), self.now)


class _Side:
    """Rows of one side of the market."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def order(self) -> Rows:
        """The rows, in the order in which people came."""
        return self._rows


def told(code: str) -> str:
    """A report reads like any other pause: only leads see reports."""
    return "paused" if code == "open_report" else code


def would_help(own: list[str], found: Nearest) -> Blocker | None:
    """The rule that, relaxed, would help somebody most, as coordinators are told of it; None where none alone would."""
    rule = explain.helping(own, found)
    return None if rule is None else BY_CODE[told(rule)]


def at(program: Program, instant: int) -> Look:
    """A look at a program as it is at this instant; the same object as long as the policy is the same."""
    look = _LOOKS.get(program)
    if look is None or look.state is not program.state or program.policy is not look.policy:
        look = _LOOKS[program] = Look(program.state)
    return look.turn(program, instant)


_LOOKS: WeakKeyDictionary[Program, Look] = WeakKeyDictionary()
