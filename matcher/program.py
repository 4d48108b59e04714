"""One program: its state and its two verbs, ``handle(event, at) -> facts`` and ``evolve(fact)``.

An event comes in, facts are decided, and each fact is taken into the state before the next is decided. ``evolve``
alone rebuilds the state from old facts and never runs the algorithm again. Time is an argument (epoch seconds), ids
derive from fact numbers: the same events at the same instants make the same facts on every machine.

This file reads like a table of contents: ``HANDLING`` says, for every event type, who checks it and what follows.
The rules live in their rooms.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, takewhile
from typing import Any

from pydantic_core import to_json

from matcher import care
from matcher.errors import Refused
from matcher.messages import events as told
from matcher.messages import facts
from matcher.messages.catalog import Event
from matcher.messages.facts import DECISION_TYPES, Decision, Fact, Told
from matcher.named import named
from matcher.pairing import explain, review
from matcher.pairing.desk import Desk
from matcher.people import concerns
from matcher.people.recovery import DATING
from matcher.policy import Policy
from matcher.state import State

FEW = 50, 10  # people, or one in so many: to follow one costs several times what one costs in a desk built anew
REMAKES = frozenset({"policy.adopted", "member.erased"})
"""Facts after which anything may be different: of every number, or of lines that ran through somebody."""

SAYS_LITTLE = "progress."
"""How facts begin after which people stand to each other as before: most there are."""


class Program:
    """People who are matched together. See the module for how it works and ``state`` for what it knows."""

    def __init__(self, program: str) -> None:
        self.state = State(program)
        self._desk: Desk | None = None
        self._desk_n = 0
        self._out: list[Fact] = []
        self._past_n = 0
        self._remade_n = 0
        self._named: dict[str, int] = {}
        self._moved: dict[str, int] = {}

    @property
    def id(self) -> str:
        """The program's id."""
        return self.state.program

    @property
    def n(self) -> int:
        """Number of the last fact; 0 before the first."""
        return self.state.n

    @property
    def at(self) -> int | None:
        """The clock: the instant of the last fact; None before the first."""
        return self.state.at

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.state.policy

    @property
    def desk(self) -> Desk:
        """The derived half, built from the state when it is first needed. Cost: a row of fits for each who waits.

        After facts of the past it follows those whom they name. Cost: at most a row and a column of fits for each.
        """
        if self._desk is not None and self._past_n > self._desk_n:
            self._desk = self._followed(self._desk)
        if self._desk is None:
            self._desk = Desk(self.state, self._decide)
        self._desk_n = self._past_n
        return self._desk

    # Deciding

    def adopt(self, policy: Policy, at: int) -> list[Fact]:
        """Put a policy in force, if it is another than the one that is; what follows from it."""
        digest = policy.digest()
        if digest == self.state.policy_digest:
            return []
        self._fire(at)
        self._now(at)
        self._decide(facts.PolicyAdopted(text=policy.text(), digest=digest))
        self._desk = None  # every column, row and alarm may depend on any number
        if self.state.members.members:
            self._look_at_all()
        return self._take()

    def handle(self, event: Event, at: int) -> list[Fact]:
        """Take an event in at instant ``at``, not before the clock; the facts that follow.

        What falls due at or before ``at`` happens first, and its facts come first. Raises Refused when the event cannot
        be taken: then nothing has happened at all, and the clock stands where it stood.
        """
        state, how = self.state, HANDLING[event.type]
        if event.program != state.program or (state.at is not None and at < state.at):
            raise ValueError("an event is handled by its own program, and not before the program's clock")
        if how.check is not None:
            how.check(self, event)
        desk = self.desk
        if (alarm := desk.next_alarm()) is not None and alarm <= at:
            self._let_time_pass(event, how, at)
            desk = self.desk
        elif how.check_now is not None:
            how.check_now(self, event)
        desk.now = at
        if how.before is not None:
            how.before(self, event)
        self._record(event.type, tuple.__new__(Told, (event.subject, event.time, event.data)), at)
        if how.then is not None:
            how.then(self, event)
            self.desk.settle()
        return self._take()

    def due(self, at: int) -> list[Fact]:
        """Let everything happen that falls due at or before ``at``, each at its own instant; the facts."""
        self._fire(at)
        return self._take()

    def next_due(self) -> int | None:
        """The next instant at which something may fall due; None when only an event can change anything."""
        return self.desk.next_alarm()

    def advance(self, at: int) -> list[Fact]:
        """Set the clock forward by hand: what falls due on the way, and the fact that the clock was set."""
        self._fire(at)
        if self.at is None or at > self.at:
            self._now(at)
            self._decide(facts.ClockAdvanced())
        return self._take()

    def _let_time_pass(self, event: Event, how: Handling, at: int) -> None:
        """Fire what is due before an event, and check what depends on the instant; refused, all is as it was."""
        if how.check_now is None or (how.lasting and _passes(how.check_now, self, event)):
            self._fire(at)
        else:
            self._fire_or_undo(how.check_now, event, at)

    def _fire_or_undo(self, check: Check, event: Event, at: int) -> None:
        before, out = self.dump(), list(self._out)
        self._fire(at)
        try:
            check(self, event)
        except Refused:
            self.state, self._desk, self._out = State.from_json(json.loads(before)), None, out
            raise

    def _fire(self, at: int) -> None:
        if self.state.at is None:
            return
        while (instant := self.desk.next_alarm()) is not None and instant <= at:
            while self.desk.next_alarm() == instant:  # the plan follows when all that changes at the instant is known
                self._ring()
            self.desk.settle()

    def _ring(self) -> None:
        rung = self.desk.ring()
        if isinstance(rung, str):
            if not self.desk.wait_on(rung):
                self.look_at(rung)
        elif rung is not None and rung.is_pinned:
            review.release(self.desk, rung)

    # Looking anew at people

    def look_at(self, *people: str, related: bool = False, screened_now: bool = False) -> None:
        """Bring the desk up to date with what was told of these people, and decide what care makes of it."""
        for who in people:
            desk = self.desk
            desk.refresh(who, related=related)
            review.free_holds(desk, who)
            member = self.state.members.get(who)
            if member is None or not member.present:
                continue
            if member.mentorship is None:
                decision = care.invitation(member, desk.now, self.state.policy)
            elif member.mentorship.admitted:
                continue
            else:
                barred = desk.judge.mentor_alone(desk.roster.index[who], desk.now)
                decision = care.admission(member, desk.judge.codes(barred), screened_now=screened_now)
            if decision is not None:
                self._decide(decision)

    def _look_at_all(self) -> None:
        self.look_at(*[member.id for member in self.state.members])
        self.desk.settle()

    # Facts

    def evolve(self, fact: Fact, people: Sequence[str] | None = None) -> None:
        """Take a fact of the past in; ``people`` are those whom it names, where the caller knows."""
        if people is None:
            people = named(self.state, fact)
        self.state.evolve(fact)
        self._past_n = fact.n
        if fact.type in REMAKES:
            self._remade_n = fact.n
            self._named.clear()
            self._moved.clear()
            return
        _note(self._named, people, fact.n)
        if not fact.type.startswith(SAYS_LITTLE):
            _note(self._moved, people, fact.n)

    def named_since(self, n: int) -> list[str] | None:
        """Whom facts of the past after fact ``n`` name, each once; None where anything at all may be different.

        So it is after facts that remake much, and where facts were decided here: those are not looked through.
        """
        if n < self._remade_n or self._past_n != self.n:
            return None
        return _since(self._named, n)

    @classmethod
    def fold(cls, past: Iterable[Fact]) -> Program:
        """The program after these facts, which are one program's and not none."""
        facts_ = iter(past)
        first = next(facts_)
        folded = cls(first.program)
        for fact in chain([first], facts_):
            folded.state.evolve(fact)
        return folded

    def _followed(self, desk: Desk) -> Desk | None:
        """The desk after facts of the past; None where to build it anew costs less."""
        people, moved = self.named_since(self._desk_n), _since(self._moved, self._desk_n)
        if people is None or len(moved) > max(FEW[0], len(self.state.members.members) // FEW[1]):
            return None
        desk.follow(people, moved, self.state.at or 0)
        return desk

    def _now(self, at: int) -> None:
        self.desk.now = at

    def _decide(self, decision: Decision) -> None:
        self._record(DECISION_TYPES[type(decision)], decision, self.desk.now)

    def _record(self, type_: str, data: Told | Decision, at: int) -> None:
        state = self.state
        # Not Fact(...), nor Told(...) above: a named tuple's own constructor takes three times as long.
        fact: Fact = tuple.__new__(Fact, (state.program, state.n + 1, at, type_, data))
        state.evolve(fact)
        self._out.append(fact)

    def _take(self) -> list[Fact]:
        out, self._out = self._out, []
        return out

    # Asking

    def dump(self) -> bytes:
        """The state for a snapshot, as JSON."""
        return to_json(self.state.to_json())

    @classmethod
    def load(cls, dump: bytes) -> Program:
        """The program that ``dump`` wrote."""
        raw = json.loads(dump)
        loaded = cls(raw["program"])
        loaded.state = State.from_json(raw)
        return loaded

    def state_hash(self) -> str:
        """SHA-256 over everything but plan, duals and market."""
        return self.state.hash()

    def summary(self) -> dict[str, Any]:
        """The program in numbers; see contract for the keys."""
        return explain.summary(self.desk)

    def market(self) -> dict[str, Any]:
        """The market as numbers: weights, plan and certificate, for checkers that share no code with this."""
        return explain.market(self.desk)

    def why(self, newcomer: str, mentor: str | None = None) -> dict[str, Any]:
        """Why this pair, why not, and what would unblock; without a mentor, of the one they have or are given."""
        return explain.why(self.desk, newcomer, mentor)

    def violations(self) -> list[str]:
        """What is wrong with plan and open matches, by an independent checker; nothing when all is well."""
        return explain.violations(self.desk)


def _note(when: dict[str, int], people: Iterable[str], n: int) -> None:
    for who in people:
        when.pop(who, None)  # so that those who were named last stand last
        when[who] = n


def _since(when: dict[str, int], n: int) -> list[str]:
    return [who for who, _ in takewhile(lambda each: each[1] > n, reversed(when.items()))]


# What is checked, and what follows, of every event type

Check = Callable[[Program, Event], None]


@dataclass(frozen=True, slots=True)
class Handling:
    """How an event type is handled: ``check`` refuses what no passing of time would mend, ``check_now`` what cannot be
    at the event's instant, when all that is due has happened (it costs a dump of the state where something is due, but
    not where what passes now is ``lasting``); ``before`` and ``then`` decide before and after the event is told."""

    check: Check | None = None
    then: Check | None = None
    before: Check | None = None
    check_now: Check | None = None
    lasting: bool = False


def _passes(check: Check, program: Program, event: Event) -> bool:
    try:
        check(program, event)
    except Refused:
        return False
    return True


def _known(program: Program, event: Event) -> None:
    program.state.members.check(event)


def _of_two(program: Program, event: Event) -> None:
    program.state.members.check(event)
    program.state.members.check_two(event.subject, _exclusion(event).other)


def _subject(program: Program, event: Event) -> None:
    program.look_at(event.subject)


def _both(program: Program, event: Event) -> None:
    review.part(program.desk, event)
    program.look_at(event.subject, _exclusion(event).other, related=True)


def _exclusion(event: Event) -> told.Exclusion:
    if not isinstance(event.data, told.Exclusion):
        raise TypeError(event.type)
    return event.data


def _ends_everything(program: Program, event: Event) -> None:
    review.end_all(program.desk, event)
    program.look_at(event.subject)


def _erased(program: Program, event: Event) -> None:
    program._desk = None  # lines of support that ran through the person are gone


def _before_erasure(program: Program, event: Event) -> None:
    review.end_all(program.desk, event)


def _screened(program: Program, event: Event) -> None:
    program.look_at(event.subject, screened_now=True)


def _mentor_paused(program: Program, event: Event) -> None:
    until = getattr(event.data, "until", None)
    program._decide(facts.IntakePaused(mentor=event.subject, until=until))
    program.look_at(event.subject)


def _slipped(program: Program, event: Event) -> None:
    member = program.state.members[event.subject]
    if member.mentorship is not None and isinstance(event.data, told.Setback) and member.believes(event.data.by):
        until = care.back_on(member, program.policy)
        if until is None or until > program.desk.now:  # a slip told late may be over
            program._decide(facts.IntakePaused(mentor=event.subject, until=until))
    program.look_at(event.subject)


def _closed(program: Program, event: Event) -> None:
    review.close(program.desk, event)
    program.look_at(*(program.state.matches.members_of(event.subject) or ()))  # who is through may help others now


def _milestone(program: Program, event: Event) -> None:
    if isinstance(event.data, told.Milestone) and event.data.kind == DATING:  # it may date a recovery
        program.look_at(event.subject)


def _assessed(program: Program, event: Event) -> None:
    if isinstance(event.data, told.Assessed) and concerns.self_harm(event.data):
        program.look_at(event.subject)


def _waiver(program: Program, event: Event) -> None:
    program.state.members.check(event)
    if isinstance(event.data, told.WaiverGranted):
        program.state.members.check_waiver(event.data, event.time, program.policy)


def _switched(program: Program, event: Event) -> None:
    program._look_at_all()


def _match(check: Callable[[Desk, Event], None]) -> Check:
    return lambda program, event: check(program.desk, event)


HANDLING: dict[str, Handling] = {
    "member.joined": Handling(_known, _subject),
    "member.updated": Handling(_known, _subject),
    "member.left": Handling(_known, _ends_everything),
    "member.paused": Handling(_known, _subject),
    "member.resumed": Handling(_known, _subject),
    "member.referred": Handling(_known),
    "member.contacted": Handling(_known),
    "member.erased": Handling(_known, _erased, before=_before_erasure),
    "mentor.volunteered": Handling(_known, _subject),
    "mentor.screened": Handling(_known, _screened),
    "mentor.supervised": Handling(_known, _subject),
    "mentor.updated": Handling(_known, _subject),
    "mentor.paused": Handling(_known, _mentor_paused),
    "mentor.resumed": Handling(_known, _subject),
    "mentor.withdrawn": Handling(_known, _ends_everything),
    "progress.checked_in": Handling(_known),
    "progress.milestone": Handling(_known, _milestone),
    "progress.setback": Handling(_known, _slipped),
    "progress.assessed": Handling(_known, _assessed),
    "progress.distress": Handling(_known, _subject),
    "treatment.discharged": Handling(_known),
    "match.recorded": Handling(_known, _match(review.record), check_now=_match(review.check_recorded)),
    "match.reviewed": Handling(None, _match(review.reviewed), check_now=_match(review.check_reviewed)),
    "match.opened": Handling(None, _match(review.opened), check_now=_match(review.check_known), lasting=True),
    "match.answered": Handling(None, _match(review.answered), check_now=_match(review.check_of_pair), lasting=True),
    "match.recalled": Handling(None, _closed, check_now=_match(review.check_active), lasting=True),
    "match.contacted": Handling(check_now=_match(review.check_of_pair), lasting=True),
    "match.pulsed": Handling(check_now=_match(review.check_of_pair), lasting=True),
    "match.closed": Handling(None, _closed, check_now=_match(review.check_active), lasting=True),
    "alert.acknowledged": Handling(),
    "alert.resolved": Handling(),
    "circle.confirmed": Handling(),
    "circle.dissolved": Handling(),
    "circle.joined": Handling(),
    "circle.left": Handling(),
    "circle.met": Handling(),
    "safety.reported": Handling(_known, _subject),
    "safety.resolved": Handling(_known, _subject),
    "exclusion.added": Handling(_of_two, _both),
    "exclusion.removed": Handling(_of_two, _both),
    "consent.granted": Handling(_known, _subject),
    "consent.revoked": Handling(_known, _subject),
    "waiver.granted": Handling(_waiver, _subject),
    "waiver.revoked": Handling(_waiver, _subject),
    "program.started": Handling(None, _switched),
    "program.stopped": Handling(None, _switched),
}
