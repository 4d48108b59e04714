"""The desk: where the plan becomes proposals and pairs.

Everything here is derived from the state and can be built again from it at any time: the roster's columns, the market
with its plan, and the alarms for what time alone will change. The desk decides (through ``decide``, which makes a fact
and takes it into the state) and never remembers anything that is not in a fact.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher import care
from matcher.ids import match_id
from matcher.messages import facts
from matcher.pairing import explain, fit, risks
from matcher.pairing._places import Roll
from matcher.pairing.judge import Judge
from matcher.pairing.market import Market
from matcher.pairing.matches import Match
from matcher.pairing.relations import Relations
from matcher.pairing.worth import Steps, Waited
from matcher.people.member import Member
from matcher.people.roster import Roster
from matcher.state import State

Indices = NDArray[np.int64]
Decide = Callable[[facts.Decision], None]


class Desk:
    """The derived half of a program, exact at the instant ``now``."""

    def __init__(self, state: State, decide: Decide) -> None:
        self.state = state
        self.now = state.at or 0
        self.roster = Roster()
        self.market = Market()
        self.judge = Judge(self.roster, Relations(state, self.roster), state.policy)
        self.decide = decide
        self.volunteers = Places()
        self.open_mentors = Places()
        self._newcomers = Places()
        self._steps = Steps(state.policy)
        self._waits: dict[str, Waited] = {}
        self._unsettled: dict[str, None] = {}
        self._alarms: list[tuple[int, str]] = []
        self._wakes: dict[str, int] = {}
        self._unpinned: Match | None = None
        self._build()

    def _build(self) -> None:
        for member in self.state.members:
            self.refresh(member.id)
        for match in self.state.matches.open.values():
            if match.is_pinned:
                self.set_pin_alarm(match)

    # What changed

    def refresh(self, who: str, *, related: bool = False) -> None:
        """Look at a member anew: columns, row, column, and when to look again.

        Weights are made anew only where what they rest on has changed: the columns that rules on two people read, or
        (``related``, which only the caller knows) how the member stands to others. What opens or closes somebody to
        everybody leaves them. Cost: at most one row and one column of fits.
        """
        member = self.state.members.get(who)
        if (member is not None and member.seeks_since is not None) or self.state.matches.of_newcomer(who) is not None:
            self._unsettled[who] = None
        if member is None or not member.present:
            self._forget(who)
        elif not _takes_part(member):
            self._take_out(who)
            self._drop_row(who)
            self.set_alarm(who, care.next_look(member, self.now, self.state.policy))
        else:
            before = self.roster.edition(who)
            index = self.roster.write(member, self.now, self.state.policy)
            changed = related or before != self.roster.editions[index]
            self._refresh_newcomer(member, index, changed)
            self._refresh_mentor(member, index, changed)
            self._set_next_alarm(member, index)

    def wait_on(self, who: str) -> bool:
        """Whether all that this instant changes of somebody is how long they have waited; the desk then knows it.

        That is most of what time alone changes, and needs no look at the member. Cost: at most one row of fits.
        """
        member, index = self.state.members.get(who), self.roster.index.get(who)
        if member is None or index is None or member.mentorship is not None or who not in self._newcomers:
            return False
        change = self.roster.next_change(index)
        if change is not None and change <= self.now:
            return False
        self._unsettled[who] = None
        self._refresh_newcomer(member, index, False)
        self._set_next_alarm(member, index)
        return True

    def follow(self, people: Iterable[str], related: Collection[str], now: int) -> None:
        """Come to the instant ``now``, after facts about these people that were decided elsewhere.

        ``related`` are those of them who may stand to others in another way than before.
        """
        while (at := self.next_alarm()) is not None and at <= now:
            rung = self.ring()
            if isinstance(rung, str):
                self.refresh(rung)
        self.now = now
        support = self.state.support
        lines = dict.fromkeys(chain(related, *map(support.ancestors, related)))
        for who in dict.fromkeys(chain(people, lines)):
            self.refresh(who, related=who in lines)
            match = self.state.matches.of_newcomer(who)
            if match is not None and match.is_pinned:
                self.set_pin_alarm(match)
        self.market.changes()
        self._unsettled.clear()  # what follows from all this was decided, too

    def index(self, who: str) -> int | None:
        """The place in the roster of a present member, with columns as of now; None for anybody else."""
        member = self.state.members.get(who)
        if member is None or not member.present:
            return None
        return self.roster.index[who] if _takes_part(member) else self.roster.write(member, self.now, self.state.policy)

    def _refresh_newcomer(self, member: Member, index: int, changed: bool) -> None:
        since = member.seeks_since
        if since is None or not self._is_free(member) or self.judge.newcomer_alone(index, self.now):
            self._take_out_newcomer(member.id)
            return
        waited, before = self._steps.until(self.now, since), self._waits.get(member.id)
        if before is None:
            self.market.arrive(member.id, self._row(index, waited.worth))
            self._newcomers.add(member.id, index)
        elif changed or before.widened != waited.widened:
            self.market.reweigh(member.id, self._row(index, waited.worth))
        elif before.worth != waited.worth:
            self.market.shift(member.id, waited.worth - before.worth)
        self._waits[member.id] = waited
        self._newcomers.note(member.id, waited.worth)

    def _set_next_alarm(self, member: Member, index: int) -> None:
        """Look again at somebody who takes part when time alone changes them, or what their waiting comes to.

        ``care.next_look`` has nothing to say here: who offers support or seeks it is not invited to.
        """
        change, since = self.roster.next_change(index), member.seeks_since
        step = None if since is None else self._steps.next(self.now, since)
        self.set_alarm(member.id, step if change is None or (step is not None and step < change) else change)

    def _refresh_mentor(self, member: Member, index: int, changed: bool) -> None:
        if member.mentorship is None:
            self.volunteers.remove(member.id)
            self._take_out_mentor(member.id)
            return
        self.volunteers.add(member.id, index)
        slots = self.open_slots(member)
        if slots == 0 or self.judge.mentor_alone(index, self.now):
            self._take_out_mentor(member.id)
        elif member.id not in self.open_mentors:
            self.market.open_mentor(member.id, slots=slots, weights=self._column(index))
            self.open_mentors.add(member.id, index)
        else:
            if slots != self.market.slots_of(member.id):
                self.market.set_slots(member.id, slots)
            if changed:
                self.market.reweigh_mentor(member.id, self._column(index))

    def _forget(self, who: str) -> None:
        self._take_out(who)
        self._drop_row(who)
        self._wakes.pop(who, None)

    def _drop_row(self, who: str) -> None:
        """Free the row of somebody who takes no part, so that the rows of those who do lie close together."""
        if who in self.roster.index:
            self.roster.drop(who)

    def _take_out(self, who: str) -> None:
        self._take_out_newcomer(who)
        self._take_out_mentor(who)
        self.volunteers.remove(who)

    def _take_out_newcomer(self, who: str) -> None:
        if self._waits.pop(who, None) is not None:
            self.market.leave(who)
            self._newcomers.remove(who)

    def _take_out_mentor(self, who: str) -> None:
        if who in self.open_mentors:
            self.market.close_mentor(who)
            self.open_mentors.remove(who)

    def _is_free(self, member: Member) -> bool:
        match = self.state.matches.of_newcomer(member.id)
        return match is None or not match.takes_seat or match is self._unpinned

    def is_overfull(self, mentor: str) -> bool:
        """Whether active and pinned matches take more seats than the mentor's capacity."""
        return self._spare_seats(self.state.members[mentor]) < 0

    def open_slots(self, member: Member) -> int:
        """Capacity less active and pinned matches; 0 for who is no mentor."""
        return max(0, self._spare_seats(member))

    def _spare_seats(self, member: Member) -> int:
        stated = care.capacity(member.mentorship, self.state.policy) if member.mentorship is not None else 0
        spared = self._unpinned is not None and self._unpinned.mentor == member.id
        return stated - self.state.matches.seats_taken(member.id) + spared

    @contextmanager
    def unpinned(self, match: Match) -> Iterator[Market]:
        """The market as it would be if a pinned proposal took nobody out of it. Cost: a row and a column of fits."""
        if match.is_pinned:
            self._unpinned = match
            self.refresh(match.mentor)
            self.refresh(match.newcomer)
        try:
            yield self.market
        finally:
            if self._unpinned is not None:
                self._unpinned = None
                self.refresh(match.newcomer)
                self.refresh(match.mentor)

    def _row(self, newcomer: int, worth: int) -> Indices:
        return self.judge.row(newcomer, self.open_mentors.order(), self.now, worth=worth, admitted=True)

    def _column(self, mentor: int) -> Indices:
        newcomers = self._newcomers.order()
        if not len(newcomers):
            return newcomers
        # What the market has, not what it is now: a step of waiting that is due at this very instant shifts the row.
        return self.judge.column(mentor, newcomers, self.now, worths=self._newcomers.notes(), admitted=True)

    # What follows

    def settle(self) -> None:
        """Make proposals and pairs follow the plan, until nothing changes any more.

        Ends because every round either changes nothing or takes newcomers out of the market; people who have waited
        longest are looked at first.
        """
        while True:
            if changes := self.market.changes():
                self._unsettled.update(dict.fromkeys(changes))
            if not self._unsettled:
                return
            people = sorted(self._unsettled, key=self._turn)
            self._unsettled.clear()
            before = self.state.n
            for who in people:
                self._settle(who)
            if self.state.n == before:  # nothing was decided, so nothing moved
                return

    def _turn(self, who: str) -> tuple[int, str]:
        member = self.state.members.get(who)
        since = member.seeks_since if member else None
        return (self.now if since is None else since, who)

    def _settle(self, who: str) -> None:
        match = self.state.matches.of_newcomer(who)
        if not self.state.pairing:
            if match is None and self._waits_unheard(who):
                self.decide(explain.waiting_for_start(self.state.members[who], self.now))
            return
        if match is not None and match.takes_seat:
            return
        mentor = self.market.partner(who) if who in self._newcomers else None
        if match is not None:
            if match.mentor == mentor:
                return
            self.withdraw(match.id, "plan_changed")
        if mentor is not None:
            self._pair(who, mentor)
        elif self._waits_unheard(who):
            self.decide(explain.waiting(self, who))

    def _waits_unheard(self, who: str) -> bool:
        member = self.state.members.get(who)
        return (
            member is not None
            and member.seeks_since is not None
            and member.paused_until <= self.now
            and not member.is_reported  # silent as in a pause: who sent none would know; leads have the alert
            and who not in self.state.matches.waiting_told
        )

    def _pair(self, newcomer: str, mentor: str) -> None:
        made = self.made(newcomer, mentor)
        found = risks.of(self.state, newcomer, mentor, made["fit"], self.now)
        if risks.decided_by_plan(found, self.state.policy):
            self.activate(facts.MatchActivated(**made, how="plan"))
        else:
            self.decide(facts.MatchProposed(**made, risks=tuple(found)))

    def made(self, newcomer: str, mentor: str) -> dict[str, Any]:
        """What every fact that puts two people together says, under a new match id."""
        one, other = self.index(newcomer), self.index(mentor)
        if one is None or other is None:
            raise AssertionError("only present members are put together")
        fit_, because = fit.because(self.judge, one, other)
        return {
            "match": match_id(self.state.n + 1),
            "newcomer": newcomer,
            "mentor": mentor,
            "fit": fit_,
            "because": because,
        }

    def activate(self, fact: facts.MatchActivated) -> None:
        """Make a pair: the newcomer's row and one slot leave the market. Where the plan gave the two to each other,
        the rest of the plan stays as it is."""
        self.decide(fact)
        if fact.newcomer in self._newcomers and self.market.partner(fact.newcomer) == fact.mentor:
            self.market.commit(fact.newcomer)
            self._newcomers.remove(fact.newcomer)
            del self._waits[fact.newcomer]
        self.refresh(fact.newcomer, related=True)
        self.refresh(fact.mentor, related=True)
        for above in self.state.support.ancestors(fact.mentor):  # they may no longer be mentored by who is below them
            if above in self._newcomers:
                self.refresh(above, related=True)

    def end(self, fact: facts.MatchEnded) -> None:
        """End a pair: the seat is free, and the newcomer waits again where they still seek somebody."""
        self.decide(fact)
        self.refresh(fact.newcomer, related=fact.barred)
        self.refresh(fact.mentor, related=fact.barred)

    def withdraw(self, match: str, reason: str, *, barred: bool = False) -> None:
        """Take a proposal back."""
        newcomer, mentor = self.state.matches.members_of(match) or ("", "")
        self.decide(facts.MatchWithdrawn(match=match, newcomer=newcomer, mentor=mentor, reason=reason, barred=barred))

    # What time alone changes

    def next_alarm(self) -> int | None:
        """The next instant at which something is to be looked at anew."""
        while self._alarms:
            at, who = self._alarms[0]
            if self._wakes.get(who) == at:
                return at
            heapq.heappop(self._alarms)
        return None

    def ring(self) -> str | Match | None:
        """Take the next alarm off, set ``now`` to its instant, and say what it is about.

        That is a member by id, or an open match that was pinned; None where the match was decided before that ended.
        """
        self.now, who = heapq.heappop(self._alarms)
        del self._wakes[who]
        return self.state.matches.open.get(who.removeprefix(_PIN)) if who.startswith(_PIN) else who

    def set_pin_alarm(self, match: Match) -> None:
        """Look at a pinned match when that ends."""
        self.set_alarm(_PIN + match.id, match.held_until)

    def set_alarm(self, who: str, at: int | None) -> None:
        """Look at a member or a pinned match at that instant, and at no earlier set one."""
        if self._wakes.get(who) == at:
            return
        if at is None:
            self._wakes.pop(who, None)
        else:
            self._wakes[who] = at
            heapq.heappush(self._alarms, (at, who))


def _takes_part(member: Member) -> bool:
    """Whether the roster must know the member at every instant: somebody who waits, or who offers support."""
    return member.seeks_since is not None or member.mentorship is not None


_PIN = "pin "
"""Before the id of a match in the alarms; no member's id has a space."""


class Places:
    """Ids in the market's order of one side, with their indices in the roster and a number noted of each."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self._roll = Roll()
        self._notes: Indices = np.zeros(0, np.int64)

    def __contains__(self, who: str) -> bool:
        return who in self._index

    def add(self, who: str, index: int) -> None:
        """Put somebody last; who is there keeps the place."""
        if who not in self._index:
            self._index[who] = index
            self._roll.add(index)

    def remove(self, who: str) -> None:
        """Take somebody out, if there."""
        index = self._index.pop(who, None)
        if index is not None:
            self._roll.remove(index)

    def note(self, who: str, number: int) -> None:
        """Note a number of somebody who is there."""
        index = self._index[who]
        if index >= len(self._notes):
            self._notes = np.pad(self._notes, (0, index + 1))
        self._notes[index] = number

    def order(self) -> Indices:
        """Roster indices in the market's order."""
        return self._roll.order()

    def notes(self) -> Indices:
        """The numbers noted, in the market's order."""
        return self._notes[self._roll.order()]
