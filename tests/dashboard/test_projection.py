"""The read model follows from the journal: rebuilt or followed, on SQLite or PostgreSQL, it has the same rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from dashboard.access import audit
from dashboard.chronicle import Chronicle
from dashboard.contact import cards
from dashboard.projection import Overtaken, Projection, empty
from dashboard.replica import Replica
from dashboard.tables import PLACES
from streams.folder import DataFolder, read_facts, read_state
from tests.dashboard import told
from tests.dashboard.told import an_event, follow, hand_in, read_model, reading

pytestmark = pytest.mark.slow

NewDatabase = Callable[[], Engine]
JOINED = {"experiences": [{"code": "F10.20", "state": "early"}], "seeks_mentor": False}


@pytest.mark.slow
def test_a_rebuilt_read_model_is_the_one_that_was_followed_live(new_database: NewDatabase, tmp_path: Path) -> None:
    live, rebuilt, events = new_database(), new_database(), told.events()
    for start in range(0, len(events), 400):  # a process that starts and stops again and again
        told.tell(tmp_path / "data", events[start : start + 400])
        with reading(tmp_path / "data") as home:
            follow(live, home)
    with reading(tmp_path / "data") as home:
        follow(rebuilt, home)
    rows = read_model(live)
    assert rows == read_model(rebuilt)
    assert all(rows[name] for name in ("read_person", "read_mentor", "read_match", "read_wait", "read_named"))
    empty(live)
    assert not any(read_model(live).values())
    with reading(tmp_path / "data") as home:
        follow(live, home)
    assert read_model(live) == rows


@pytest.mark.slow
def test_both_databases_have_the_same_rows(tmp_path: Path, postgres, cohort_folder: Path) -> None:
    engines = [told.open_database(f"sqlite:///{tmp_path}/one.db"), told.open_database(postgres.url("same_rows"))]
    for engine in engines:
        with reading(cohort_folder) as home:
            follow(engine, home)
    one, other = map(read_model, engines)
    assert one == other
    for engine in engines:
        engine.dispose()


def test_people_and_matches_are_those_of_the_program(new_database: NewDatabase, cohort_folder: Path) -> None:
    engine = new_database()
    with reading(cohort_folder) as home:
        replica = follow(engine, home)
    rows, state = read_model(engine), read_state(cohort_folder).programs["river"].state
    assert {row["person"] for row in rows["read_person"]} == set(state.members.members)
    waiting = {row["person"]: row["seeks_since"] for row in rows["read_person"] if row["stage"] == "waiting"}
    free = {member.id for member in state.members if state.matches.of_newcomer(member.id) is None and member.present}
    assert waiting == {m.id: m.seeks_since for m in state.members if m.seeks_since is not None and m.id in free}
    open_ = {row["match"]: row for row in rows["read_match"] if row["stage"] in ("proposed", "held", "active")}
    assert open_.keys() == state.matches.open.keys()
    for match in state.matches.open.values():
        row = open_[match.id]
        assert (row["newcomer"], row["mentor"], row["stage"]) == (match.newcomer, match.mentor, match.stage)
        assert row["contact_last"] == match.last_contact
        assert (row["active_at"] if match.stage == "active" else row["proposed_at"]) == match.since
    assert sum(row["stage"] == "closed" for row in rows["read_match"]) == state.matches.closed
    mentors = {row["person"]: row["caseload"] for row in rows["read_mentor"]}
    assert mentors == {m.id: m.mentorship.caseload for m in state.members if m.mentorship is not None}
    experiences = {(row["person"], row["number"]): row["code"] for row in rows["read_experience"]}
    stated = {(m.id, n): each.code for m in state.members for n, each in enumerate(m.profile.experiences)}
    assert experiences == stated
    with replica.reading() as programs:
        assert programs["river"].state_hash() == read_state(cohort_folder).programs["river"].state_hash()


def test_every_fact_is_in_the_timeline_of_whom_it_names(new_database: NewDatabase, cohort_folder: Path) -> None:
    engine = new_database()
    with reading(cohort_folder) as home:
        follow(engine, home)
    rows, facts = read_model(engine), list(read_facts(cohort_folder))
    assert [(row["n"], row["type"], row["at"]) for row in rows["read_fact"]] == [(f.n, f.type, f.at) for f in facts]
    named = {(row["person"], row["n"]) for row in rows["read_named"]}
    for fact in facts:
        said = json.loads(fact.line())["data"]
        for name in ("newcomer", "mentor", "member"):
            if name in said:
                assert (said[name], fact.n) in named, fact
        if fact.type.startswith(("member.", "progress.", "mentor.")) and "subject" in said:
            assert (said["subject"], fact.n) in named, fact


def test_times_of_waiting_have_their_ends(new_database: NewDatabase, cohort_folder: Path) -> None:
    engine = new_database()
    with reading(cohort_folder) as home:
        follow(engine, home)
    rows, state = read_model(engine), read_state(cohort_folder).programs["river"].state
    still = {row["newcomer"]: row["since"] for row in rows["read_wait"] if row["until"] is None}
    assert still == {m.id: m.seeks_since for m in state.members if m.seeks_since is not None}
    made = {row["match"] for row in rows["read_match"] if row["active_at"] is not None}
    ended = {row["match"] for row in rows["read_wait"] if row["match"] is not None}
    assert ended
    assert ended <= made
    assert all(row["until"] >= row["since"] for row in rows["read_wait"] if row["until"] is not None)


def test_the_coordinator_who_decided_and_why_stand_beside_a_match(new_database: NewDatabase, tmp_path: Path) -> None:
    events = told.events()
    told.tell(tmp_path, events)
    state = read_state(tmp_path).programs["river"].state
    active = next(match for match in state.matches.open.values() if match.stage == "active")
    proposed = next(match for match in state.matches.open.values() if match.stage == "proposed")
    told.tell(
        tmp_path,
        [
            an_event("match.reviewed", proposed.id, {"decision": "reject", "by": "staff-1", "reason": "too_far"}),
            an_event("match.contacted", active.id, {"by": active.mentor}),
            an_event("match.closed", active.id, {"by": "staff-2", "reason": "moved"}),
            an_event("alert.acknowledged", "a-1", {"by": "staff-1"}),
            an_event("alert.resolved", "a-1", {"by": "staff-2", "outcome": "reached"}),
            an_event("match.closed", "x-999999", {"by": "staff-2"}, partitionkey="river"),
        ],
    )
    engine = new_database()
    with reading(tmp_path) as home:
        follow(engine, home)
    rows = read_model(engine)
    matches = {row["match"]: row for row in rows["read_match"]}
    assert matches[proposed.id]["stage"] == "withdrawn"
    assert [matches[proposed.id][name] for name in ("decision", "decided_by", "reason", "barred")] == [
        *("reject", "staff-1", "too_far"),
        True,
    ]
    assert [matches[active.id][name] for name in ("stage", "decision", "decided_by", "reason")] == [
        *("closed", "close", "staff-2", "moved"),
    ]
    assert matches[active.id]["contact_first"] is not None
    [alert] = rows["read_alert"]
    assert (alert["acknowledged_by"], alert["resolved_by"], alert["outcome"]) == ("staff-1", "staff-2", "reached")
    [letter] = rows["read_letter"]
    assert (letter["code"], letter["program"], letter["type"]) == ("KND-unknown-match", "river", "match.closed")


def test_an_erased_person_is_in_no_table_and_no_file(new_database: NewDatabase, tmp_path: Path) -> None:
    engine = new_database()
    told.tell(tmp_path / "data", told.events())
    state = read_state(tmp_path / "data").programs["river"].state
    whole_id = (match for match in state.matches.open.values() if len(match.newcomer) == len("n-12"))
    match = next(match for match in whole_id if match.stage == "active")
    erased = [match.newcomer, match.mentor]
    with reading(tmp_path / "data") as home:
        follow(engine, home)
    before = read_model(engine)
    assert all(json.dumps(before["read_match"]).count(f'"{who}"') for who in erased)
    told.tell(tmp_path / "data", [an_event("member.erased", who) for who in erased])
    with reading(tmp_path / "data") as home:
        follow(engine, home)
    rows, rebuilt = read_model(engine), new_database()
    for table, of_table in rows.items():
        words = [str(value) for row in of_table for value in row.values()]
        assert not [word for word in words for who in erased if who == word or f'"{who}"' in word], table
    with reading(tmp_path / "data") as home:
        follow(rebuilt, home)
    assert read_model(rebuilt) == rows
    if engine.dialect.name == "sqlite":
        for path in tmp_path.glob("read_model_*"):
            held = path.read_bytes()
            assert not [who for who in erased if who.encode() in held], path


def test_an_erased_person_is_a_tombstone_in_the_audit(new_database: NewDatabase, tmp_path: Path) -> None:
    engine = new_database()
    told.tell(tmp_path, told.events()[:100])
    with engine.begin() as db:
        for program in ("river", "hill"):  # the same id in another program is another person
            audit.note(db, 1, None, "opened", "/people", program=program, about="m-1")
    told.tell(tmp_path, [an_event("member.erased", "m-1")])
    with reading(tmp_path) as home:
        follow(engine, home)
    with engine.connect() as db:
        lines = audit.newest(db, before=None, programs=[], others=True, limit=9)
    assert {line["program"]: line["about"] for line in lines} == {"river": "erased", "hill": "m-1"}


def test_somebody_who_joins_again_after_an_erasure_begins_anew(new_database: NewDatabase, tmp_path: Path) -> None:
    engine = new_database()
    told.tell(tmp_path, told.events())
    told.tell(tmp_path, [an_event("member.erased", "n-3"), an_event("member.joined", "n-3", JOINED)])
    with reading(tmp_path) as home:
        follow(engine, home)
    rows = read_model(engine)
    assert [row["code"] for row in rows["read_experience"] if row["person"] == "n-3"] == ["F10.20"]
    assert len([row for row in rows["read_named"] if row["person"] == "n-3"]) == 1
    assert not [row for row in rows["read_match"] if row["newcomer"] == "n-3"]


def test_a_rebuild_leaves_alone_what_is_younger_than_an_erasure(new_database: NewDatabase, tmp_path: Path) -> None:
    engine = new_database()
    told.tell(tmp_path, told.events()[:100])

    def keep(content: bytes) -> None:
        with engine.begin() as db:
            assert cards.keep(db, "river", "n-3", content, 0, 1, "a-1")
            audit.note(db, 1, None, "opened", "/people", program="river", about="n-3")

    def follow_up() -> tuple[bytes | None, list[str]]:
        with reading(tmp_path) as home:
            follow(engine, home)
        with engine.connect() as db:
            card = cards.find(db, "river", "n-3")
            lines = audit.newest(db, before=None, programs=[], others=True, limit=9)
        return card and card.sealed, [line["about"] for line in lines]

    keep(b"old")
    told.tell(tmp_path, [an_event("member.erased", "n-3"), an_event("member.joined", "n-3", JOINED)])
    assert follow_up() == (None, ["erased"])
    keep(b"new")
    empty(engine)
    assert follow_up() == (b"new", ["n-3", "erased"])
    with engine.begin() as db:
        db.execute(update(PLACES).values(chain=b"another journal."))
    assert follow_up() == (b"new", ["n-3", "erased"])
    told.tell(tmp_path, [an_event("member.erased", "n-3", id="once more")])
    assert follow_up() == (None, ["erased", "erased"])


def test_whoever_took_an_alert_first_has_it(new_database: NewDatabase, tmp_path: Path) -> None:
    engine = new_database()
    done = [an_event("alert.acknowledged", "a-1", {"by": f"staff-{n}"}) for n in (1, 2)]
    done += [an_event("alert.resolved", "a-1", {"by": f"staff-{n}", "outcome": "reached"}) for n in (3, 4)]
    told.tell(tmp_path, [*told.events()[:20], *done])
    with reading(tmp_path) as home:
        follow(engine, home)
    [alert] = read_model(engine)["read_alert"]
    assert (alert["acknowledged_by"], alert["resolved_by"]) == ("staff-1", "staff-3")


def test_a_rebuild_of_a_shortened_journal_knows_what_was_done_about_an_alert(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    engine, events = new_database(), told.events()
    done = [
        an_event("alert.acknowledged", "a-1", {"by": "staff-1"}),
        an_event("alert.resolved", "a-1", {"by": "staff-2", "outcome": "reached"}),
    ]
    told.tell(tmp_path, [*events[:100], *done])
    with reading(tmp_path) as home:
        follow(engine, home)
    before = read_model(engine)["read_alert"]
    assert before
    _tell_and_truncate(tmp_path, [])
    empty(engine)
    with reading(tmp_path) as home:
        follow(engine, home)
    rows = read_model(engine)
    assert rows["read_program"][0]["unknown_to"] > 0
    assert rows["read_alert"] == before


def test_a_truncated_journal_still_gives_the_state_and_says_what_is_not_known(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    events, late = told.events(), new_database()
    _tell_and_truncate(tmp_path, events[: len(events) // 2])
    state = read_state(tmp_path).programs["river"]
    told.tell(tmp_path, events[len(events) // 2 :])
    with reading(tmp_path) as home:
        replica = follow(late, home)
    rows, now = read_model(late), read_state(tmp_path).programs["river"]
    [program] = rows["read_program"]
    assert (program["unknown_to"], program["unknown_until"]) == (state.n, state.at)
    assert program["n"] == now.n
    assert rows["read_fact"][0]["n"] == state.n + 1
    assert {row["person"] for row in rows["read_person"]} == set(now.state.members.members)
    assert {row["match"] for row in rows["read_match"] if row["stage"] in ("proposed", "held", "active")} == set(
        now.state.matches.open
    )
    known = {*now.state.matches.past, *now.state.matches.open}
    assert {row["match"] for row in rows["read_match"]} == known
    with replica.reading() as programs:
        assert programs["river"].state_hash() == now.state_hash()


def test_who_followed_before_the_truncation_keeps_the_history(new_database: NewDatabase, tmp_path: Path) -> None:
    events, engine = told.events(), new_database()
    told.tell(tmp_path, events[: len(events) // 2])
    with reading(tmp_path) as home:
        follow(engine, home)
    _tell_and_truncate(tmp_path, [])
    told.tell(tmp_path, events[len(events) // 2 :])
    with reading(tmp_path) as home:
        follow(engine, home)
    [program] = read_model(engine)["read_program"]
    assert program["unknown_to"] == 0
    assert [row["n"] for row in read_model(engine)["read_fact"]] == list(range(1, program["n"] + 1))


def test_what_went_missing_meanwhile_is_said_and_the_rest_kept(new_database: NewDatabase, tmp_path: Path) -> None:
    events, engine = told.events(), new_database()
    told.tell(tmp_path, events[: len(events) // 3])
    with reading(tmp_path) as home:
        follow(engine, home)
    seen = read_model(engine)["read_program"][0]["n"]
    _tell_and_truncate(tmp_path, events[len(events) // 3 : 2 * len(events) // 3])
    missed = read_state(tmp_path).programs["river"].n
    told.tell(tmp_path, events[2 * len(events) // 3 :])
    with reading(tmp_path) as home:
        follow(engine, home)
    rows, state = read_model(engine), read_state(tmp_path).programs["river"].state
    numbers = [row["n"] for row in rows["read_fact"]]
    assert rows["read_program"][0]["unknown_to"] == missed
    assert numbers == [*range(1, seen + 1), *range(missed + 1, state.n + 1)]
    open_ = {row["match"] for row in rows["read_match"] if row["stage"] in ("proposed", "held", "active")}
    assert open_ == set(state.matches.open)
    still = {row["newcomer"]: row["since"] for row in rows["read_wait"] if row["until"] is None}
    assert still == {m.id: m.seeks_since for m in state.members if m.seeks_since is not None}


def test_rows_that_lag_behind_a_snapshot_still_get_the_history(new_database: NewDatabase, tmp_path: Path) -> None:
    events, late, whole = told.events(), new_database(), new_database()
    for upto in (150, 300, 450):  # a snapshot is left at each end
        told.tell(tmp_path, events[upto - 150 : upto])
        if upto == 150:
            with reading(tmp_path) as home:
                follow(late, home)
    for engine in (late, whole):
        with reading(tmp_path) as home:
            follow(engine, home)
    assert read_model(late) == read_model(whole)
    assert read_model(late)["read_program"][0]["unknown_to"] == 0


@pytest.mark.parametrize("other", [{"members": 20}, {"members": 60}], ids=["shorter", "longer"])
def test_rows_of_another_journal_are_replaced(new_database: NewDatabase, tmp_path: Path, other: dict[str, int]) -> None:
    engine, fresh = new_database(), new_database()
    told.tell(tmp_path / "old", told.events())
    told.tell(tmp_path / "new", told.events(**other))
    for folder in ("old", "new"):
        with reading(tmp_path / folder) as home:
            follow(engine, home)
    with reading(tmp_path / "new") as home:
        follow(fresh, home)
    assert read_model(engine) == read_model(fresh)


def test_a_draft_whose_outcome_was_not_told_is_written_once(new_database: NewDatabase, cohort_folder: Path) -> None:
    engine = new_database()
    written = _Forgetful(engine, "0")
    with reading(cohort_folder) as home:
        chronicle = Chronicle(written, Replica(), told.programs_of)
        chronicle.begin(home)
        for _ in range(1_000):
            try:
                for _ in chronicle.advance():
                    pass
                break
            except ConnectionError:
                continue
        once = new_database()
        follow(once, home)
    assert written.lost > 1
    assert read_model(engine) == read_model(once)


def test_two_who_write_to_one_read_model_notice(new_database: NewDatabase, tmp_path: Path) -> None:
    events, engine = told.events(), new_database()
    told.tell(tmp_path, events[:200])
    with reading(tmp_path) as home:
        chronicle = Chronicle(Projection(engine, "0"), Replica(), told.programs_of)
        chronicle.begin(home)
        list(chronicle.advance())
        told.tell(tmp_path, events[200:300])
        with reading(tmp_path) as again:
            follow(engine, again)
        told.tell(tmp_path, events[300:400])
        with pytest.raises(Overtaken, match="KND-read-model-overtaken"):
            list(chronicle.advance())
        chronicle.begin(home)
        list(chronicle.advance())
        once = told.sqlite_engine(tmp_path / "once.db")
        follow(once, home)
        assert read_model(engine) == read_model(once)
        once.dispose()


def _tell_and_truncate(path: Path, events: list[dict[str, object]]) -> None:
    """Decide events, leave a snapshot and remove everything before it from the journal."""
    with DataFolder.open(path, clock="event") as folder:
        hand_in(folder, events)
        folder._processor.snapshot()
        folder._processor.truncate()


class _Forgetful(Projection):
    """Loses the answer of every other commit."""

    lost = 0

    def write(self, draft, place) -> None:
        before = self.place
        super().write(draft, place)
        self.lost += 1
        if self.lost % 2:
            self.place = before
            raise ConnectionError
