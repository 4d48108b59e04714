"""A batch is decided, recorded and only then so: results, repeats, failures, clocks and policies."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.memory import MemoryJournal
from journal.port import UnknownOutcome
from journal.reader import Reader, Recorded, Snapshot
from matcher.errors import ConfigurationError, SafeHalt, Unreachable
from matcher.instants import DAY, parse_instant
from matcher.messages.facts import read_fact
from matcher.policy import PolicyBook, read_policy
from matcher.program import Program
from streams.intake import Input, key_of, read_input
from streams.processor import NotWhole, Processor
from streams.state import LAYOUT, State
from tests.streams.cases import BAD_INPUTS, START, cohort_lines, event, inputs, line

NOW = parse_instant(START)


def started(home: MemoryJournal, now: int | None = None, **how: Any) -> Processor:
    processor = Processor(home, **how)
    processor.start(now)
    return processor


def written(home: MemoryJournal) -> tuple[list[bytes], list[bytes]]:
    """All facts and dead letters of a journal."""
    records = [item.batch for item in Reader(home, whole=True).counted() if isinstance(item, Recorded)]
    return [fact for batch in records for fact in batch.facts], [bad for batch in records for bad in batch.refused]


def read_again(home: MemoryJournal, *, whole: bool = False) -> State:
    state = State()
    for item in Reader(home, whole=whole).counted():
        state.fold(item)
    return state


def hashes(state: State) -> dict[str, str]:
    return {name: program.state_hash() for name, program in state.programs.items()}


def process_all(processor: Processor, items: Sequence[Input], size: int = 512) -> None:
    for start in range(0, len(items), size):
        processor.process(items[start : start + size])


def cohort() -> list[Input]:
    return [read_input(raw) for raw in cohort_lines()]


def test_accepted_then_duplicate_then_reused() -> None:
    home = MemoryJournal()
    processor = started(home)
    changed = event(subject="m-2")
    receipt = processor.process(inputs(event(), event(), changed, changed))
    assert [(result.status, result.code) for result in receipt.results] == [
        ("accepted", None),
        ("duplicate", None),
        ("refused", "KND-id-reused"),
        ("duplicate", None),
    ]
    summary = processor.state.summary()
    assert {key: summary[key] for key in ("events", "accepted", "duplicates", "dead_letters", "members")} == {
        "events": 4, "accepted": 1, "duplicates": 2, "dead_letters": 1, "members": 1,
    }  # fmt: skip
    assert read_again(home).summary() == summary


def test_refused_events_are_dead_letters_with_their_place_among_distinct_inputs() -> None:
    home = MemoryJournal()
    processor = started(home)
    unknown_member = event("e-2", "progress.checked_in", "m-9")
    unknown_code = event("e-3", subject="m-3", data={"experiences": [{"code": "F99.9999"}]})
    receipt = processor.process(inputs(event(), event(), unknown_member, unknown_code, b"{"))
    assert [result.status for result in receipt.results] == ["accepted", "duplicate", "refused", "refused", "refused"]
    letters = [json.loads(letter) for letter in written(home)[1]]
    assert [letter["position"] for letter in letters] == [2, 3, 4]
    assert json.loads(letters[0]["original"]) == unknown_member
    assert letters[2] == {"code": "KND-malformed", "reason": letters[2]["reason"], "position": 4, "original": "{"}


@pytest.mark.parametrize(
    ("document", "place", "secret"),
    [
        (event("e-2", data={"experiences": [{"code": "F11.20"}, {"code": "F33.77"}]}), "experiences.1.code", "F33"),
        (
            event("e-2", "member.updated", data={"experiences": [{"code": "F33"}, {"code": "F3377"}]}),
            "experiences.1",
            "F33",
        ),
        (event("e-2", "progress.setback", data={"code": "F33.77", "severity": "lapse"}), "code", "F33"),
        (event("e-2", "progress.assessed", data={"instrument": "PHQ-9", "total": 60}), "total", "PHQ"),
        (event("e-2", "progress.assessed", data={"instrument": "PHQ-9", "total": 1, "items": [6]}), "items", "PHQ"),
    ],
)
def test_a_dead_letter_says_where_and_not_what(document: dict[str, Any], place: str, secret: str) -> None:
    home = MemoryJournal()
    started(home).process(inputs(event(), document))
    [letter] = [json.loads(raw) for raw in written(home)[1]]
    assert place in letter["reason"]
    assert secret not in letter["reason"]


def test_every_bad_input_is_refused_and_the_next_event_is_taken() -> None:
    processor = started(MemoryJournal())
    receipt = processor.process(inputs(*[raw for raw, _ in BAD_INPUTS.values()], event("e-good")))
    assert [result.code for result in receipt.results] == [code for _, code in BAD_INPUTS.values()] + [None]


def test_a_program_whose_first_event_is_refused_does_not_come_to_exist() -> None:
    processor = started(MemoryJournal())
    receipt = processor.process(inputs(event(type_="progress.checked_in")))
    assert receipt.results[0].status == "refused"
    assert processor.state.programs == {}


def test_only_accepted_events_move_the_clock() -> None:
    processor = started(MemoryJournal())
    processor.process(inputs(event()))
    far = event("e-2", subject="m-2", time="2027-12-01T00:00:00Z")
    stranger = event("e-3", "progress.checked_in", "m-9", time="2026-12-01T00:00:00Z")
    receipt = processor.process(inputs(far, stranger))
    assert [result.status for result in receipt.results] == ["refused", "refused"]
    assert receipt.results[0].code == "KND-time-jump"
    assert processor.state.programs["river"].at == NOW


def test_the_first_fact_of_a_program_is_its_policy() -> None:
    home = MemoryJournal()
    started(home).process(inputs(event()))
    facts = [read_fact(fact) for fact in written(home)[0]]
    assert [fact.type for fact in facts[:2]] == ["policy.adopted", "member.joined"]
    assert facts[0].at == NOW


def test_a_different_policy_at_a_later_start_is_a_fact_and_the_same_is_none() -> None:
    home = MemoryJournal()
    book = read_policy("[quality]\nfit_min = 100000\n[programs.lake.quality]\nfit_min = 1\n")
    started(home, policies=book).process(inputs(event(), event("e-2", partitionkey="lake")))
    before = written(home)[0]
    started(home, policies=book)
    started(home)
    assert written(home)[0] == before
    other = read_policy("[programs.lake.quality]\nfit_min = 2\n[quality]\nfit_min = 100000\n")
    processor = started(home, policies=other)
    added = [read_fact(fact) for fact in written(home)[0][len(before) :]]
    assert [(fact.program, fact.type) for fact in added] == [("lake", "policy.adopted")]
    assert processor.state.programs["lake"].policy.quality.fit_min == 2


@pytest.mark.slow
@given(st.lists(st.integers(0, len(cohort_lines())), max_size=8), st.integers(1, 300))
@settings(max_examples=8, deadline=None)
def test_the_same_facts_however_the_input_is_cut(cuts: list[int], snapshot_facts: int) -> None:
    whole, cut = MemoryJournal(), MemoryJournal()
    items = cohort() + inputs(*[raw for raw, _ in BAD_INPUTS.values()])
    process_all(started(whole), items)
    edges = [0, *sorted(cuts), len(items)]
    for start, end in pairwise(edges):  # each part by a process of its own
        process_all(started(cut, snapshot_facts=snapshot_facts), items[start:end], 100)
    process_all(started(cut), items)  # and all of it once more
    assert written(cut) == written(whole)


def test_readers_fold_what_the_processor_holds_with_and_without_snapshots() -> None:
    home = MemoryJournal()
    processor = started(home, snapshot_facts=100)
    process_all(processor, cohort(), 64)
    processor.close()
    live = processor.state
    for state in (read_again(home), read_again(home, whole=True)):
        assert hashes(state) == hashes(live)
        assert state.status() == live.status()
        assert state.seen.dump() == live.seen.dump()
        assert state.clock == "event"


class Failing(MemoryJournal):
    """Fails some appends, before or after they are written."""

    def __init__(self, outcomes: Sequence[str]) -> None:
        super().__init__()
        self.outcomes = list(outcomes)

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        outcome = self.outcomes.pop(0) if self.outcomes else "fine"
        positions = super().append(bodies) if outcome != "lost" else []
        if outcome != "fine":
            raise UnknownOutcome("the test", outcome)
        return positions


@pytest.mark.slow
@given(st.lists(st.sampled_from(["fine", "fine", "lost", "written"]), max_size=30))
@settings(max_examples=15, deadline=None)
def test_failing_appends_lose_nothing_and_double_nothing(outcomes: list[str]) -> None:
    items, whole, home = cohort()[:200], MemoryJournal(), MemoryJournal()
    process_all(started(whole), items)
    home = Failing([])
    processor = started(home)
    home.outcomes = list(outcomes)
    for start in range(0, len(items), 20):
        _until_taken(processor, items[start : start + 20])
    assert written(home) == written(whole)
    assert hashes(processor.state) == hashes(read_again(home, whole=True))


def _until_taken(processor: Processor, batch: Sequence[Input]) -> None:
    while True:
        try:
            processor.process(batch)
        except Unreachable:
            continue
        return


def test_after_a_failure_the_state_is_what_the_journal_says() -> None:
    home = Failing([])
    processor = started(home)
    processor.process(inputs(event()))
    home.outcomes = ["lost"]
    with pytest.raises(Unreachable):
        processor.process(inputs(event("e-2", subject="m-2")))
    with pytest.raises(Unreachable, match="KND-recovering"):
        processor.knows([key_of("/intake", "e-1")])
    assert processor.state.summary()["members"] == 1
    assert processor.knows([key_of("/intake", "e-1"), key_of("/intake", "e-2")]) == [True, False]


def test_a_defect_takes_nothing_of_its_batch_and_the_next_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    home = MemoryJournal()
    processor = started(home)
    processor.process(inputs(event()))
    before = written(home)
    with monkeypatch.context() as patch:
        patch.setattr(Program, "handle", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            processor.process(inputs(event("e-2", subject="m-2")))
    assert written(home) == before
    assert processor.process(inputs(event("e-2", subject="m-2"))).results[0].status == "accepted"


def test_a_journal_keeps_its_clock() -> None:
    home = MemoryJournal()
    started(home, clock="wall", now=NOW)
    end = home.tail()
    with pytest.raises(ConfigurationError, match="KND-clock-mode"):
        started(home, clock="event")
    assert home.tail() == end  # refused before anything is written
    assert started(home, now=NOW).state.clock == "wall"
    assert started(home, fresh="event", now=NOW).state.clock == "wall"


def test_with_the_wall_clock_facts_stand_at_their_arrival_and_time_fires_what_is_due() -> None:
    processor = started(MemoryJournal(), clock="wall", now=NOW)
    processor.process(inputs(event(time="2026-02-01T00:00:00Z")), arrival=NOW)
    assert processor.state.programs["river"].at == NOW
    late = processor.process(inputs(event("e-2", subject="m-2", time="2026-06-01T00:00:00Z")), arrival=NOW + DAY)
    assert late.results[0].code == "KND-time-ahead"


def test_with_the_wall_clock_a_tick_fires_what_is_due_and_no_more() -> None:
    home = MemoryJournal()
    processor = started(home, clock="wall", now=NOW)
    processor.process(cohort(), arrival=NOW)
    before = len(written(home)[0])
    due = processor.next_due()
    assert due is not None
    assert due > NOW
    processor.tick(due + DAY)
    assert (processor.next_due() or due + DAY + 1) > due + DAY
    fired = [read_fact(fact).at for fact in written(home)[0][before:]]
    assert fired == sorted(fired)
    assert all(due <= at <= due + DAY for at in fired)


def test_until_sets_every_clock_that_is_behind_and_fires_across_programs_in_order() -> None:
    home = MemoryJournal()
    processor = started(home)
    for program in ("river", "lake"):
        process_all(processor, [read_input(raw) for raw in cohort_lines(20, 4, 30, program)])
    before = len(written(home)[0])
    until = parse_instant("2026-03-01T00:00:00Z")
    processor.advance(until)
    added = [read_fact(fact) for fact in written(home)[0][before:]]
    fired = [(fact.at, fact.program) for fact in added if fact.type != "clock.advanced"]
    assert fired == sorted(fired)
    assert [fact.program for fact in added if fact.type == "clock.advanced"] == ["lake", "river"]
    assert all(program.at == until for program in processor.state.programs.values())
    processor.advance(until)
    started(home).advance(until - DAY)
    assert len(written(home)[0]) == before + len(added)  # the same call again does nothing again


def test_a_batch_beyond_an_entry_of_the_journal_is_cut_into_records() -> None:
    home = MemoryJournal()
    processor = started(home)
    huge = [line(f"e-{number}", "member.flew", pad="x" * 200_000) for number in range(30)]
    receipt = processor.process(inputs(*huge, event("e-good")))
    assert [result.status for result in receipt.results] == ["refused"] * 30 + ["accepted"]
    assert len(written(home)[1]) == 30
    assert read_again(home).summary() == processor.state.summary()


def test_counts_of_each_program() -> None:
    processor = started(MemoryJournal())
    lake = event("e-2", partitionkey="lake")
    processor.process(inputs(event(), lake, lake, event("e-3", "progress.checked_in", "m-9", partitionkey="lake")))
    status: Any = processor.state.status()
    assert set(status["programs"]) == {"river", "lake"}
    one = status["programs"]["lake"]
    assert set(one) == set(status) - {"programs"}
    assert (one["events"], one["accepted"], one["duplicates"], one["dead_letters"]) == (3, 1, 1, 1)


def test_new_programs_take_the_policy_of_the_book() -> None:
    book: PolicyBook = read_policy("[programs.lake.quality]\nfit_min = 7\n")
    processor = started(MemoryJournal(), policies=book)
    processor.process(inputs(event(), event("e-2", partitionkey="lake")))
    assert {name: program.policy.quality.fit_min for name, program in processor.state.programs.items()} == {
        "river": 150_000,
        "lake": 7,
    }


@pytest.mark.parametrize("change", ["header lacks", "header has more", "program lacks", "program has more", "member"])
def test_a_snapshot_of_another_layout_says_upgrade(change: str) -> None:
    processor = started(MemoryJournal())
    processor.process(inputs(event()))
    first, _, body = processor.state.dump().partition(b"\n")
    header = json.loads(first)
    [length] = header["programs"]
    program = json.loads(body[:length])
    if change == "header lacks":
        del header["refused"]
    elif change == "header has more":
        header["later"] = 1
    elif change == "program lacks":
        del program["members"]
    elif change == "program has more":
        program["later"] = 1
    else:
        program["members"][0]["later"] = 1
    dump = json.dumps(program).encode()
    state = json.dumps(header | {"programs": [len(dump)]}).encode() + b"\n" + dump + body[length:]
    with pytest.raises(SafeHalt, match=r"KND-snapshot-newer.*upgrade"):
        State().fold(Snapshot(1, 1, LAYOUT, None, state))


def test_after_a_clean_end_a_reader_begins_at_the_snapshot() -> None:
    home = MemoryJournal()
    processor = started(home)
    process_all(processor, cohort())
    processor.close()
    items = list(Reader(home).counted())
    assert [isinstance(item, Recorded) and len(item.batch.facts) for item in items] == [False, 0]
    assert hashes(read_again(home)) == hashes(processor.state)


def test_a_batch_that_counts_as_one_is_taken_whole_or_not_at_all() -> None:
    home = MemoryJournal()
    processor = started(home)
    processor.process(inputs(event("e-0", subject="m-0")))
    before = written(home)
    with pytest.raises(NotWhole) as refused:
        processor.process_whole(
            inputs(event("e-1"), event("e-2", "member.paused", "m-404"), event("e-3", subject="m-3"))
        )
    assert refused.value.code == "KND-not-whole"
    assert [(each.id, each.code) for each in refused.value.refused] == [("e-2", "KND-unknown-member")]
    assert written(home) == before
    assert list(processor.state.programs["river"].state.members.members) == ["m-0"]
    receipt = processor.process_whole(iter(inputs(event("e-1"), event("e-3", subject="m-3"))))
    assert receipt.number("accepted") == 2
    assert read_again(home).programs["river"].state.members.get("m-3") is not None


def test_what_came_before_is_known_by_source_and_id_whatever_it_says() -> None:
    processor = started(MemoryJournal())
    processor.process(inputs(event("e-1"), b"{}"))
    assert processor.knows([key_of("/intake", "e-1"), key_of("/intake", "e-2"), key_of("/import", "e-1")]) == [
        True,
        False,
        False,
    ]
