"""Homes that misbehave the way real ones do, around any home; and a few helpers to look at a journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from journal.frames import Batch
from journal.owner import Owner
from journal.port import Entry, Journal, UnknownOutcome
from journal.reader import Counted, Reader, Recorded, Snapshot

AT = "2026-03-02T09:14:00Z"


def batch(*facts: str) -> Batch:
    return Batch(AT, tuple(fact.encode() for fact in facts))


def owner_of(home: Journal, fold: Callable[[Counted], None] | None = None) -> Owner:
    owner = Owner(home)
    owner.claim(fold or (lambda _: None))
    return owner


def facts(home: Journal, *, whole: bool = True) -> list[str]:
    """The facts that count; a snapshot's state (facts, a line each) replaces what was read before."""
    return folded(Reader(home, whole=whole))


def folded(reader: Reader) -> list[str]:
    state: list[str] = []
    for item in reader.counted():
        fold_into(state, item)
    return state


def fold_into(state: list[str], item: Counted) -> None:
    match item:
        case Snapshot():
            state[:] = item.state.decode().splitlines()
        case Recorded():
            state += [fact.decode() for fact in item.batch.facts]


def entries(home: Journal) -> list[Entry]:
    found: list[Entry] = []
    start = home.head()
    while page := home.read(start):
        found += page
        start = found[-1].position + 1
    return found


class Around:
    """A home that passes everything on."""

    def __init__(self, home: Journal) -> None:
        self.home = home

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        return self.home.append(bodies)

    def read(self, start: int) -> Sequence[Entry]:
        return self.home.read(start)

    def head(self) -> int:
        return self.home.head()

    def tail(self) -> Entry | None:
        return self.home.tail()

    def truncate(self, before: int) -> None:
        self.home.truncate(before)

    def close(self) -> None:
        self.home.close()


class Meanwhile(Around):
    """Something happens once, between an owner's last look at the log and the arrival of its next append."""

    def __init__(self, home: Journal) -> None:
        super().__init__(home)
        self.happens: Callable[[], object] | None = None

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        happens, self.happens = self.happens, None
        if happens:
            happens()
        return self.home.append(bodies)


class Unsure(Around):
    """While ``failing``, appends end without an answer: they are ``written`` all the same, or kept as ``late``."""

    def __init__(self, home: Journal) -> None:
        super().__init__(home)
        self.failing = False
        self.written = False
        self.late: list[bytes] = []

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        if not self.failing:
            return self.home.append(bodies)
        if self.written:
            self.home.append(bodies)
        else:
            self.late += bodies
        raise UnknownOutcome("the test's home", "no answer")


class Gaps(Around):
    """Positions with gaps, as Kafka has them: the entry at p lies at 3p + 2. The last one cannot be told cheaply."""

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        return [3 * position + 2 for position in self.home.append(bodies)]

    def read(self, start: int) -> Sequence[Entry]:
        return [Entry(3 * position + 2, body) for position, body in self.home.read(max(0, start) // 3)]

    def head(self) -> int:
        return 3 * self.home.head()

    def tail(self) -> Entry | None:
        return None

    def truncate(self, before: int) -> None:
        self.home.truncate(before // 3)
