"""The independent check sees every way in which a data folder was tampered with or does not hold together."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from journal.frames import Batch
from journal.owner import Owner
from journal.reader import Recorded
from journal.sqlite import SqliteJournal
from kindred.verify import Folder, check, violations
from matcher.cohort import lines
from matcher.errors import SafeHalt
from matcher.messages.facts import DECISION_TYPES, Decision, Fact, MatchActivated, MatchEnded, read_fact
from matcher.program import Program
from streams.folder import DataFolder, read_facts, read_state
from streams.intake import read_input
from streams.replay import replay
from streams.state import LAYOUT, State

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("verify")
    (at / "e.jsonl").write_text("".join(f"{line}\n" for line in [*lines("river", 25, 8, 40), "not an event"]))
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


@pytest.mark.parametrize("certain", ['{"record":-1,"facts.jsonl":0,"notices.jsonl":0,"dead-letters.jsonl":0}', None])
@pytest.mark.parametrize("length", [0, -1])
@pytest.mark.parametrize("name", ["facts.jsonl", "notices.jsonl", "dead-letters.jsonl"])
def test_after_a_clean_end_no_file_is_short_whatever_is_said_to_be_certain(
    folder: Path, name: str, length: int, certain: str | None
) -> None:
    (folder / "files.json").unlink()
    if certain is not None:
        (folder / "files.json").write_text(certain)
    (folder / name).write_bytes((folder / name).read_bytes()[:length])
    [violation] = violations(folder)
    assert violation.startswith(name)


def test_a_dead_letter_that_was_changed_is_named(folder: Path) -> None:
    lose_a_line(folder / "dead-letters.jsonl")
    assert list(violations(folder)) == ["dead-letters.jsonl line 1 is not what the journal says"]


def test_files_of_unknown_length_are_not_trusted(folder: Path) -> None:
    (folder / "files.json").write_text("{")
    [violation] = violations(folder)
    assert violation.startswith("files.json")


@pytest.mark.parametrize("change", [{"active": 99}, {"events": 99_999}, {"facts": 99_999}, {"new": 1}, {"facts": "1"}])
def test_a_summary_that_differs_from_the_journal_is_named(folder: Path, change: dict[str, object]) -> None:
    said = json.loads((folder / "summary.json").read_bytes())
    (folder / "summary.json").write_text(json.dumps(said | change))
    [violation] = violations(folder)
    assert violation.startswith("summary.json")


@pytest.mark.parametrize("content", ["{", "[]", "17", "{}"])
def test_a_summary_that_cannot_be_read_is_named(folder: Path, content: str) -> None:
    (folder / "summary.json").write_text(content)
    assert list(violations(folder)) == ["summary.json cannot be read"]


# In use, or killed


def test_a_folder_in_use_or_killed_is_sound_at_every_step(tmp_path: Path) -> None:
    items = [read_input(each.encode()) for each in [*lines("river", 25, 8, 30), "not an event"]]
    with DataFolder.open(tmp_path, snapshot_facts=100) as writer:
        assert list(violations(tmp_path)) == []
        for start in range(0, len(items), 40):
            writer.take(items[start : start + 40])
            assert list(violations(tmp_path)) == []
    again = DataFolder.open(tmp_path)
    again.take(items[:3])  # duplicates: the summary is that of the call before
    assert list(violations(tmp_path)) == []
    again.abandon()  # as if killed


@pytest.mark.parametrize("torn", [0, 1, 1000])
def test_files_that_end_early_after_a_kill_are_sound(folder: Path, torn: int) -> None:
    (folder / "summary.json").unlink()
    (folder / "files.json").unlink()
    (folder / "facts.jsonl").write_bytes((folder / "facts.jsonl").read_bytes()[:torn])
    assert list(violations(folder)) == []


def test_what_is_written_while_it_looks_is_not_looked_at(tmp_path: Path) -> None:
    items = [read_input(each.encode()) for each in lines("river", 100, 8, 60)]

    class Busy(Folder):
        """Somebody writes before every reading of the journal."""

        def records(self) -> Iterator[Recorded]:
            writer.take([items.pop(0) for _ in range(20)])
            yield from super().records()

        def recovered(self) -> State:
            for _ in range(2):  # a snapshot, and an entry behind it that names it
                writer.take([items.pop(0) for _ in range(150)])
            return super().recovered()

    with DataFolder.open(tmp_path, snapshot_facts=50) as writer:
        writer.take([items.pop(0) for _ in range(100)])
        with closing(Busy(tmp_path)) as seen:
            assert list(check(seen)) == []


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


@pytest.mark.parametrize("old", [1, 2])
def test_a_snapshot_of_an_older_format_that_could_not_tell_all_is_sound(
    old: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State()
    with closing(SqliteJournal(folder)) as home:
        owner = Owner(home)
        owner.claim(lambda item: [state.fold(item), None][1])
        assert any(member.concerns for member in state.programs["river"].state.members)
        assert any(member.reached_at for member in state.programs["river"].state.members)
        monkeypatch.setattr(Program, "dump", DUMPS[old])
        owner.snapshot(state.dump(), LAYOUT)
        monkeypatch.undo()
    assert list(violations(folder)) == []
    other = State()
    with closing(SqliteJournal(folder)) as home:
        owner = Owner(home)
        owner.claim(lambda item: [other.fold(item), None][1])
        assert not other.programs["river"].state.hears_all
        owner.snapshot(other.dump(), LAYOUT)
    assert list(violations(folder)) == []


LACKS_2 = ("reached_at", "left_n")


def dump_of_format_1(program: Program) -> bytes:
    plain = program.state.to_json()
    del plain["hears_all"]
    members = [
        {name: each for name, each in member.items() if name not in ("concerns", "clinicians", *LACKS_2)}
        for member in plain["members"]
    ]
    for match in plain["matches"]["open"]:
        del match["recorded"]
    return json.dumps({**plain, "format": 1, "members": members}).encode()


def dump_of_format_2(program: Program) -> bytes:
    plain = program.state.to_json()
    for member in plain["members"]:
        for name in LACKS_2:
            del member[name]
    return json.dumps({**plain, "format": 2}).encode()


DUMPS = {1: dump_of_format_1, 2: dump_of_format_2}


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
