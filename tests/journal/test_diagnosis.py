"""What is said of a journal that is wrong: where, what of it is whole, and whether workers meet it."""

from __future__ import annotations

import pytest

from journal.counting import CHAIN, HEAD
from journal.diagnosis import Diagnosis, diagnose, examine
from journal.frames import CHECKSUM, Batch, Source
from journal.memory import MemoryJournal
from journal.port import Entry
from kindred.repair import plan
from tests.journal.homes import AT, Around, batch, entries, owner_of

SOURCE = Source("kindred.events", "u", 0, 7)


@pytest.fixture
def bodies() -> list[bytes]:
    """A claim, three records, a snapshot of them that is announced, and a record."""
    home = MemoryJournal()
    owner = owner_of(home)
    owner.append(batch("a", "b"))
    owner.append(Batch(AT, (b"c",), source=SOURCE))
    owner.append(batch("d"))
    owner.announce(owner.tally.record)
    owner.snapshot(b"state", layout=1)
    owner.append(batch("e"))
    return [entry.body for entry in entries(home)]


def journal(bodies: list[bytes]) -> MemoryJournal:
    home = MemoryJournal()
    home.append(bodies)
    return home


class Changed(Around):
    """Entries that are not what was written, or gone."""

    def __init__(self, home: MemoryJournal, changes: dict[int, bytes | None]) -> None:
        super().__init__(home)
        self.changes = changes

    def read(self, start: int) -> list[Entry]:
        found = [Entry(position, self.changes.get(position, body) or b"") for position, body in self.home.read(start)]
        return [entry for entry in found if self.changes.get(entry.position, b"") is not None]


def test_a_sound_journal_is_said_to_be_sound(bodies: list[bytes]) -> None:
    found = diagnose(journal(bodies))
    assert found == Diagnosis(intact=6, facts=5, source=SOURCE, begins=4)
    assert found.sound
    assert plan("d", found, on_kafka=False).possible == ()


def test_every_entry_says_whether_it_counts(bodies: list[bytes]) -> None:
    home = journal(bodies)
    zombie = owner_of(home)
    owner_of(home)
    home.append([bodies[1]])
    assert [seen.counts for seen in examine(home)] == [True] * 8 + [False]
    assert zombie.tally.epoch == 2


@pytest.mark.parametrize(
    ("changes", "code", "intact", "facts", "later", "unreadable", "halts"),
    [
        ({2: b"rubbish"}, CHECKSUM, 2, 2, 3, 0, False),  # before the snapshot that owners begin with
        ({2: b"rubbish", 3: b"rubbish"}, CHECKSUM, 2, 2, 3, 1, False),
        ({2: None}, CHAIN, 2, 2, 2, 0, False),
        ({4: b"rubbish"}, CHECKSUM, 4, 4, 1, 0, True),
        ({0: None, 1: None, 2: None}, HEAD, 0, 0, 2, 0, False),
        ({0: None, 1: None, 2: None, 3: None, 4: None}, HEAD, 0, 0, 0, 0, True),
    ],
)
def test_what_is_wrong_is_found_where_it_is(
    bodies: list[bytes],
    changes: dict[int, bytes | None],
    code: str,
    intact: int,
    facts: int,
    later: int,
    unreadable: int,
    halts: bool,
) -> None:
    found = diagnose(Changed(journal(bodies), changes))
    assert found.first_wrong is not None
    assert found.first_wrong.wrong is not None
    assert found.first_wrong.wrong.code == code
    assert (found.intact, found.facts, found.later, found.unreadable) == (intact, facts, later, unreadable)
    assert (found.sound, found.halt is not None) == (False, halts)
    steps = plan("d", found, on_kafka=True)
    assert ("workers stop" in steps.wrong) is halts
    assert f"{intact} entries with {facts} facts" in steps.whole
    assert steps.possible


def test_a_plan_never_begins_with_deleting(bodies: list[bytes]) -> None:
    found = diagnose(journal([*bodies[:2], b"rubbish"]))
    for on_kafka in (True, False):
        first, *others = plan("d", found, on_kafka=on_kafka).possible
        assert "copy" in first
        assert others
