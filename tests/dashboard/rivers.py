"""Small programs for pages: hand-made, and a cohort of real-shaped people; and a house that decides at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from dashboard.frame import Sent
from dashboard.projection import Place, Projection
from matcher.cohort import lines
from matcher.errors import Refused
from matcher.messages.catalog import Event, parse
from matcher.messages.facts import Fact
from matcher.policy import Policy
from matcher.program import Program
from tests.dashboard.house import House
from tests.matcher.people import HOUR, T0, River, join, mentor

NOT_ASKED = {"wishes": {}}
"""A newcomer whom nobody asked about the mentor's gender: a person decides, where the mentor's differs."""

STAGED = {"review": {"mode": "staged"}}


def river(*events, **tables) -> River:
    """A program in which a coordinator decides on every pair: m-1 and m-2 (one seat each), n-1 waits a day longer."""
    program = River(
        mentor("m-1", capacity=1),
        mentor("m-2", capacity=1, profile={"needs": ["sleep"]}, strategies=["work"]),
        join("n-1", T0),
        **{**STAGED, **tables},
    )
    program.take(*events)
    return program


@cache
def cohort(members: int = 60, mentors: int = 14, days: int = 40) -> tuple[Fact, ...]:
    """The facts of a cohort, a small one if not told otherwise, as the service makes them."""
    program, facts = Program("river"), list[Fact]()
    for line in lines("river", members, mentors, days, 3):
        event = parse(line)
        at = max(program.at or event.time, event.time)
        if program.at is None:
            facts += program.adopt(Policy(), at)
        facts += program.handle(event, at)
    return tuple(facts)


class Living(House):
    """A house whose programs take what is sent to them, as the service would."""

    def __init__(self, *programs: Program, **parts) -> None:
        super().__init__(programs=(), **parts)
        self.replica.programs.update({program.id: program for program in programs})
        self.now = max((program.at or 0 for program in programs), default=self.now)
        self.meanwhile: list[Event] = []
        """What the programs take after a decision was checked and before it arrives."""

    def remember(self, *facts: Fact) -> Living:
        """Put facts into the read model, as the projection does; the programs are already beyond them."""
        projection = Projection(self.engine, "0")
        place = projection.resume()
        draft, programs = projection.draft(), dict[str, Program]()
        for fact in facts:
            draft.take(programs.setdefault(fact.program, Program(fact.program)), fact)
        draft.finish(programs)
        projection.write(draft, Place(place.position + 1, b"test"))
        return self

    def _send(self, events: Sequence[dict[str, object]]) -> Sent:
        self._pass()
        self.sent.extend(events)
        return Sent(len(self.sent), decide(self.replica.programs, events))

    def _send_whole(self, events: Sequence[dict[str, object]]) -> Sent:
        self._pass()
        refused = decide_whole(self.replica.programs, events)
        if not refused:
            self.sent.extend(events)
        return Sent(len(self.sent), refused)

    def _pass(self) -> None:
        while self.meanwhile:
            event = self.meanwhile.pop(0)
            self.replica.programs[event.program].handle(event, event.time)


def decide_whole(programs: dict[str, Program], events: Sequence[dict[str, object]]) -> list[tuple[str, str]]:
    """Have them decide events of which all are taken or none; a program that is not there yet begins."""
    names = {str(event["partitionkey"]) for event in events}
    copies = {name: Program.load(programs[name].dump()) if name in programs else begun(name, events) for name in names}
    refused = decide(copies, events)
    if not refused:
        decide({name: programs.setdefault(name, begun(name, events)) for name in names}, events)
    return refused


def begun(name: str, events: Sequence[dict[str, object]]) -> Program:
    """A program on the eve of its first event."""
    program = Program(name)
    program.adopt(Policy(), parse(events[0]).time)
    return program


def decide(programs: Mapping[str, Program], events: Sequence[dict[str, object]]) -> list[tuple[str, str]]:
    """Have the programs decide events at once, as the service would; those they refuse, with the code."""
    refused = []
    for document in events:
        try:
            event = parse(document)
            program = programs[event.program]
            program.handle(event, max(program.at or 0, event.time))
        except Refused as refusal:
            refused.append((str(document["id"]), refusal.code))
    return refused


__all__ = ["HOUR", "NOT_ASKED", "STAGED", "T0", "Living", "cohort", "decide", "river"]
