"""The independent check sees every way in which a data folder was tampered with or does not hold together."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from journal.frames import Batch
from journal.owner import Owner
from journal.sqlite import SqliteJournal
from kindred.verify import violations
from matcher.cohort import lines
from matcher.errors import SafeHalt
from matcher.messages.facts import DECISION_TYPES, Decision, Fact, MatchActivated, MatchEnded, read_fact
from matcher.program import Program
from streams.folder import read_facts, read_state
from streams.replay import replay
from streams.state import LAYOUT, State


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("verify")
    (at / "e.jsonl").write_text("".join(f"{line}\n" for line in [*lines("river", 25, 8, 30), "not an event"]))
    replay([str(at / "e.jsonl")], at / "d")
    return at / "d"


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "d"))


def test_a_sound_folder_has_nothing_wrong(sound: Path) -> None:
    assert list(violations(sound)) == []


# The files


def change_a_line(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b"river", b"brook", 1))


def lose_the_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def add_a_line(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"{}\n")


def lose_a_line(path: Path) -> None:
    first, _, rest = path.read_bytes().partition(b"\n")
    path.write_bytes(rest + b" " * (len(first) + 1))


@pytest.mark.parametrize("name", ["facts.jsonl", "notices.jsonl"])
@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (change_a_line, "line 1 is not what the journal says"),
        (lose_a_line, "line 1 is not what the journal says"),
        (lose_the_end, "bytes, and had"),
        (add_a_line, "has lines that the journal does not have"),
        (Path.unlink, "has 0 bytes, and had"),
    ],
)
def test_a_file_that_differs_from_the_journal_is_named(
    folder: Path, name: str, tamper: Callable[[Path], None], says: str
) -> None:
    tamper(folder / name)
    [violation] = violations(folder)
    assert violation.startswith(name)
    assert says in violation


def test_a_dead_letter_that_was_changed_is_named(folder: Path) -> None:
    lose_a_line(folder / "dead-letters.jsonl")
    assert list(violations(folder)) == ["dead-letters.jsonl line 1 is not what the journal says"]


def test_files_of_unknown_length_are_not_trusted(folder: Path) -> None:
    (folder / "files.json").write_text("{")
    [violation] = violations(folder)
    assert violation.startswith("files.json")


# The journal


@pytest.mark.parametrize("change", ["flip a byte", "lose an entry"])
def test_a_damaged_journal_is_a_safe_halt(folder: Path, change: str) -> None:
    with closing(sqlite3.connect(folder / "journal.db")) as database, database:
        if change == "flip a byte":
            [body] = database.execute("SELECT body FROM entries WHERE position = 1").fetchone()
            flipped = body[:99] + bytes([body[99] ^ 1]) + body[100:]
            database.execute("UPDATE entries SET body = ? WHERE position = 1", (flipped,))
        else:
            database.execute("DELETE FROM entries WHERE position = 1")
    with pytest.raises(SafeHalt):
        list(violations(folder))


def append(folder: Path, *decisions: Decision) -> None:
    """Write facts that no program would decide, in a record that counts."""
    past = list(read_facts(folder))[-1]
    facts = [
        Fact("river", past.n + number, past.at, DECISION_TYPES[type(decision)], decision)
        for number, decision in enumerate(decisions, 1)
    ]
    with closing(SqliteJournal(folder)) as home:
        owner = Owner(home)
        owner.claim(lambda _: None)
        owner.append(Batch(at="", facts=tuple(fact.line() for fact in facts)))


def test_a_promise_that_the_facts_break_is_named(folder: Path) -> None:
    made = next(fact.data for fact in read_facts(folder) if isinstance(fact.data, MatchActivated))
    append(folder, made.model_copy(update={"match": "x-1"}))
    assert any(made.newcomer in violation for violation in violations(folder))


def test_a_plan_that_the_matches_do_not_follow_is_named(folder: Path) -> None:
    """Ending a match frees a seat; whoever decided that would have given it to somebody."""
    open_matches = read_state(folder).programs["river"].state.matches.open.values()
    ended = [
        MatchEnded(match=m.id, newcomer=m.newcomer, mentor=m.mentor, reason="ended", barred=False)
        for m in open_matches
        if m.stage == "active"
    ]
    append(folder, *ended)
    assert any("the plan gives" in violation for violation in violations(folder))


def test_a_certificate_that_does_not_hold_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = Program.market

    def boast(program: Program) -> dict[str, Any]:
        said = document(program)
        return {**said, "value": said["value"] + 1}

    monkeypatch.setattr(Program, "market", boast)
    assert any("value" in violation for violation in violations(folder))


def test_a_snapshot_that_says_something_else_than_the_facts_is_named(folder: Path) -> None:
    state = State()
    with closing(SqliteJournal(folder)) as home:
        owner = Owner(home)
        owner.claim(lambda item: [state.fold(item), None][1])
        state.programs["river"].state.matches.closed += 1
        owner.snapshot(state.dump(), LAYOUT)
    assert "river: a snapshot says something else than the facts" in list(violations(folder))


def test_a_fact_that_cannot_be_read_is_a_safe_halt(folder: Path) -> None:
    with closing(SqliteJournal(folder)) as home:
        owner = Owner(home)
        owner.claim(lambda _: None)
        owner.append(Batch(at="", facts=(b'{"program":"river","n":0,"at":"?","type":"?","data":{}}',)))
    with pytest.raises(SafeHalt):
        list(violations(folder))


def test_every_fact_of_the_folder_is_read_back_as_it_was_written(sound: Path) -> None:
    for line in (sound / "facts.jsonl").read_bytes().splitlines():
        assert read_fact(line).line() == line
