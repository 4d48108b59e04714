"""Every way that two owners, three claims and their requests can go, on the real owner and the real counting rule.

Requests are sent, land at once, late or never; answers arrive or do not; an owner may crash or give up at every step
and be replaced. The search goes through all states that can be reached, and checks in each of them that

- the log can be read (no safe halt is raised by a healthy run), and the facts that count are 0, 1, 2, … : each owner
  writes the number of facts it has folded, so a fact lost, doubled or decided on an old state would show;
- what an owner takes for acknowledged counts, and no two owners believe in the same epoch.

An owner's call is not interrupted but repeated: first up to the moment of sending, later from the same state with the
answer. It is deterministic, so both are the same call. With a rule left out the search must find a violation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Literal, NamedTuple

import pytest

from journal import counting
from journal.counting import Tally, begin, count
from journal.frames import Record, decode
from journal.owner import Lost, Owner
from journal.port import Entry, UnknownOutcome
from journal.reader import Counted, Recorded
from matcher.errors import SafeHalt
from tests.journal.homes import batch

CLAIMS = 3
RECORDS = 2  # of each ownership


class Violation(Exception):
    """The promise is broken in a state that can be reached."""


class Sent(Exception):
    """The moment at which a request leaves its owner."""

    def __init__(self, body: bytes) -> None:
        self.body = body


class Mind(NamedTuple):
    """What an owner knows when it is not in the middle of a call."""

    nonce: str
    tally: Tally
    next: int
    folded: int


class Asked(NamedTuple):
    """A request under way: what the owner had seen of the log, and where it landed (None: not yet, or never)."""

    body: bytes
    seen: int
    landed: int | None


class Place(NamedTuple):
    """One of the two that would be owner."""

    phase: Literal["idle", "claiming", "holding", "writing"] = "idle"
    mind: Mind = Mind("", Tally(), 0, 0)
    asked: Asked | None = None
    left: int = RECORDS


class World(NamedTuple):
    log: tuple[bytes, ...] = ()
    late: frozenset[bytes] = frozenset()
    places: tuple[Place, Place] = (Place(), Place())
    claims: int = 0


class Network:
    """A home that shows the log up to where its owner saw it, until the owner has its answer."""

    def __init__(self, log: Sequence[bytes], seen: int, answer: int | Exception) -> None:
        self._log, self._seen, self._answer = log, seen, answer

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        [body] = bodies
        if isinstance(self._answer, Exception):
            raise Sent(body) if isinstance(self._answer, Sent) else self._answer
        assert self._log[self._answer] == body
        self._seen = len(self._log)
        return [self._answer]

    def read(self, start: int) -> Sequence[Entry]:
        return [Entry(position, body) for position, body in enumerate(self._log[: self._seen])][start:]

    def head(self) -> int:
        return 0

    def tail(self) -> Entry | None:
        return None

    def truncate(self, before: int) -> None:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError


def call(place: Place, network: Network) -> Mind:
    """The owner's claim, or the append of its next fact, as far as the network lets it come."""
    folded = place.mind.folded
    owner = Owner(network, place.mind.nonce)

    def fold(item: Counted) -> None:
        nonlocal folded
        folded += isinstance(item, Recorded)

    if place.phase in ("idle", "claiming"):
        owner.claim(fold)
    else:
        owner._reader.adopt(place.mind.tally, place.mind.next)
        owner._holds = True
        owner.append(batch(str(folded)))
        folded += 1
    return Mind(place.mind.nonce, owner.tally, owner._reader.next, folded)


def send(world: World, place: Place) -> Asked:
    with pytest.raises(Sent) as sent:
        call(place, Network(world.log, len(world.log), Sent(b"")))
    return Asked(sent.value.body, len(world.log), None)


def answered(world: World, place: Place) -> Place:
    """The place after its answer: it holds the journal, or has lost it."""
    assert place.asked
    assert place.asked.landed is not None
    try:
        mind = call(place, Network(world.log, place.asked.seen, place.asked.landed))
    except Lost:
        return Place()
    if place.phase == "writing" and place.asked.landed not in audited(world.log)[1]:
        raise Violation("a record was acknowledged and does not count")
    return Place("holding", mind, None, place.left - (place.phase == "writing"))


def gives_up(world: World, place: Place) -> Place:
    if place.asked:
        with pytest.raises(Lost):
            call(place, Network(world.log, place.asked.seen, UnknownOutcome("the test", "no answer")))
    return Place()


@cache
def audited(log: tuple[bytes, ...]) -> tuple[Tally, tuple[int, ...]]:
    """What a reader of the whole log makes of it: the tally, and the positions of the records that count."""
    if not log:
        return Tally(), ()
    before, records = audited(log[:-1])
    entry = Entry(len(log) - 1, log[-1])
    frame = decode(entry)
    try:
        after = count(before if len(log) > 1 else begin(entry, frame), entry, frame)
    except SafeHalt as halt:
        raise Violation(halt.message) from halt
    if after is None:
        return before, records
    if not isinstance(frame, Record):
        return after, records
    if frame.batch.facts != (b"%d" % len(records),):
        raise Violation(f"fact {frame.batch.facts} counts after {len(records)} others")
    return after, (*records, entry.position)


def steps(world: World) -> Iterator[World]:
    for body in world.late:
        yield world._replace(log=(*world.log, body), late=world.late - {body})
    for at, place in enumerate(world.places):
        yield from (moved(world, at, after) for after in place_steps(world, place))
        if place.phase == "idle" and world.claims < CLAIMS:
            claimant = Place(mind=Mind(f"n{world.claims}", Tally(), 0, 0))
            after = claimant._replace(phase="claiming", asked=send(world, claimant))
            yield moved(world._replace(claims=world.claims + 1), at, after)
        if place.asked and place.asked.landed is None:
            landed = place._replace(asked=place.asked._replace(landed=len(world.log)))
            yield moved(world._replace(log=(*world.log, place.asked.body)), at, landed)
        if place.phase != "idle":
            unlanded = {place.asked.body} if place.asked and place.asked.landed is None else set()
            yield moved(world._replace(late=world.late | unlanded), at, gives_up(world, place))


def place_steps(world: World, place: Place) -> Iterator[Place]:
    if place.asked and place.asked.landed is not None:
        yield answered(world, place)
    if place.phase == "holding" and place.left:
        yield place._replace(phase="writing", asked=send(world, place))


def moved(world: World, at: int, place: Place) -> World:
    """The world with one place changed. Which of two alike places is first makes no difference: one order is kept."""
    first, second = sorted((place, world.places[1 - at]), key=hash)
    return world._replace(places=(first, second))


def check(world: World) -> None:
    audited(world.log)
    epochs = [place.mind.tally.epoch for place in world.places if place.phase in ("holding", "writing")]
    if len(epochs) != len(set(epochs)):
        raise Violation("two owners believe in the same epoch")


def explore(on_state: Callable[[int], None] = lambda _: None) -> int:
    """Visit every state once, and return how many there are; the first violation ends the search."""
    audited.cache_clear()
    start = World()
    seen, frontier = {start}, [start]
    while frontier:
        world = frontier.pop()
        on_state(len(seen))
        for after in steps(world):
            if after not in seen:
                check(after)
                seen.add(after)
                frontier.append(after)
    return len(seen)


@pytest.mark.slow
def test_no_state_breaks_the_promise() -> None:
    assert explore() > 20_000


def test_without_the_claim_rule_the_promise_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "claim_counts", lambda tally, claim: True)
    with pytest.raises(Violation):
        explore()


def test_without_looking_at_the_position_the_promise_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Owner, "_settle", lambda owner, positions: setattr(owner, "_holds", True))
    with pytest.raises(Violation):
        explore()


def test_without_looking_whether_it_counts_the_promise_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Owner, "_conclude", lambda owner, position: setattr(owner, "_holds", True))
    with pytest.raises(Violation):
        explore()
