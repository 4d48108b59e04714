"""What every home of a journal, and the rules on top of it, must do. A home's test class inherits all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from zlib import crc32

import pytest

from journal.frames import CHECKSUM, Batch, Claim, Link, Record, Source, encode
from journal.owner import CHUNK_BYTES, Lost, Owner
from journal.port import ENTRY_BYTES_MAX, Journal
from journal.reader import Counted, Reader, Recorded, Snapshot
from matcher.errors import SafeHalt
from tests.journal.homes import AT, Gaps, Meanwhile, Unsure, batch, entries, fold_into, folded, owner_of
from tests.journal.homes import facts as facts_of


class Log(Protocol):
    """One log. ``handle`` gives a handle on it, another one where the home allows it; ``reopen`` after closing all."""

    def handle(self) -> Journal: ...

    def reopen(self) -> Journal: ...


LogMaker = Callable[[], Log]


class JournalContract:
    """Inherit, and give the fixture ``new_log``: a function that makes an empty log."""

    def test_entries_come_back_in_order_and_whole(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        bodies = [b"%d\n\0\xff" % n for n in range(1000)]
        positions = [*home.append(bodies[:1]), *home.append(bodies[1:])]
        assert positions == sorted(set(positions))
        assert entries(home) == list(zip(positions, bodies, strict=True))
        assert home.tail() in (None, (positions[-1], bodies[-1]))
        assert home.read(positions[-1] + 1) == []

    def test_an_empty_log_has_nothing_to_read(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        assert (home.head(), home.tail(), list(home.read(0)), home.append([])) == (0, None, [], [])

    def test_truncation_moves_the_head_and_keeps_positions(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        positions = home.append([b"a", b"b", b"c", b"d"])
        home.truncate(positions[2])
        assert home.head() == positions[2]
        assert [body for _, body in home.read(0)] == [b"c", b"d"]
        assert home.append([b"e"])[0] > positions[3]

    def test_pages_are_bounded(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        home.append([bytes(ENTRY_BYTES_MAX // 10)] * 300)
        assert 0 < len(home.read(0)) < 300
        assert len(entries(home)) == 300

    def test_what_an_owner_wrote_is_read_back(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        owner = owner_of(home)
        written = Batch(
            AT, (b'{"n":1}', b'{"n":2}'), (b'{"code":"KND-x"}',), ((b"i" * 16, b"c" * 16),), Source("t", "u", 3, 9)
        )
        positions = owner.append_many([written, Batch(AT)])
        assert list(Reader(home).counted()) == [Recorded(positions[0], written), Recorded(positions[1], Batch(AT))]
        assert owner.source == written.source
        assert owner.append_many([]) == []

    def test_nothing_is_written_without_a_claim(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        with pytest.raises(Lost) as lost:
            Owner(home).append(batch("a"))
        assert lost.value.code == "KND-journal-lost"
        assert entries(home) == []

    def test_a_batch_too_large_is_refused_before_anything_is_written(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        owner = owner_of(home)
        with pytest.raises(ValueError, match="above the limit"):
            owner.append_many([batch("small"), batch("x" * ENTRY_BYTES_MAX)])
        assert facts_of(home) == []
        owner.append(batch("after"))
        assert facts_of(home) == ["after"]

    def test_a_journal_opened_again_goes_on(self, new_log: LogMaker) -> None:
        log = new_log()
        owner_of(log.handle()).append_many([batch("a"), batch("b")])
        home = log.reopen()
        state: list[str] = []
        owner = owner_of(home, lambda item: fold_into(state, item))
        owner.append(batch("c"))
        assert state == ["a", "b"]
        assert owner.tally.epoch == 2
        assert facts_of(home) == ["a", "b", "c"]

    def test_a_reader_follows(self, new_log: LogMaker) -> None:
        log = new_log()
        owner, reader = owner_of(log.handle()), Reader(log.handle())
        owner.append(batch("a"))
        assert folded(reader) == ["a"]
        assert folded(reader) == []
        owner.append(batch("b"))
        assert folded(reader) == ["b"]

    def test_a_zombies_records_are_ignored_by_everybody(self, new_log: LogMaker) -> None:
        log = new_log()
        zombie, follower = owner_of(log.handle()), Reader(log.handle())
        zombie.append(batch("a"))
        heir = owner_of(log.handle())
        with pytest.raises(Lost):
            zombie.append(batch("lost"))
        heir.append(batch("b"))
        with pytest.raises(Lost):
            zombie.append(batch("lost too"))
        for whole in (True, False):
            assert facts_of(log.handle(), whole=whole) == ["a", "b"]
        assert folded(follower) == ["a", "b"]
        heir.append(batch("c"))

    def test_an_owner_goes_on_when_what_came_in_between_does_not_count(self, new_log: LogMaker) -> None:
        log = new_log()
        zombie = owner_of(log.handle())
        heir = owner_of(log.handle())
        with pytest.raises(Lost):
            zombie.append(batch("lost"))
        heir.append_many([batch("a"), batch("b")])
        assert facts_of(log.handle()) == ["a", "b"]

    def test_of_two_claimants_the_first_wins(self, new_log: LogMaker) -> None:
        log = new_log()
        slow, winners = Meanwhile(log.handle()), list[Owner]()
        slow.happens = lambda: winners.append(owner_of(log.handle()))
        with pytest.raises(Lost):
            owner_of(slow)
        winners[0].append(batch("a"))
        assert facts_of(log.handle()) == ["a"]

    def test_a_claimant_folds_what_lands_before_its_claim(self, new_log: LogMaker) -> None:
        log = new_log()
        old, slow, state = owner_of(log.handle()), Meanwhile(log.handle()), list[str]()
        slow.happens = lambda: old.append(batch("just in time"))
        owner = owner_of(slow, lambda item: fold_into(state, item))
        owner.append(batch("a"))
        assert state == ["just in time"]
        assert facts_of(log.handle()) == ["just in time", "a"]

    def test_a_claim_that_lands_in_between_makes_the_record_void(self, new_log: LogMaker) -> None:
        log = new_log()
        slow = Meanwhile(log.handle())
        owner = owner_of(slow)
        slow.happens = lambda: owner_of(log.handle()).append(batch("heir's"))
        with pytest.raises(Lost):
            owner.append_many([batch("void"), batch("void too")])
        assert facts_of(log.handle()) == ["heir's"]

    def test_a_claim_ahead_of_its_time_is_a_safe_halt(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        owner_of(home)
        home.append([encode(Claim(3, "early", -1))])
        with pytest.raises(SafeHalt) as halt:
            facts_of(home)
        assert halt.value.code == "KND-journal-chain"

    def test_a_late_claim_is_ignored(self, new_log: LogMaker) -> None:
        log = new_log()
        owner = owner_of(log.handle())
        log.handle().append([encode(Claim(1, "late", -1))])
        owner.append(batch("a"))
        assert facts_of(log.handle()) == ["a"]

    @pytest.mark.parametrize("written", [True, False])
    def test_an_unknown_outcome_ends_the_ownership(self, new_log: LogMaker, written: bool) -> None:
        log = new_log()
        home = Unsure(log.handle())
        owner = owner_of(home)
        home.failing, home.written = True, written
        with pytest.raises(Lost):
            owner.append(batch("perhaps"))
        home.failing = False
        with pytest.raises(Lost):
            owner.append(batch("never"))
        state: list[str] = []
        owner_of(home, lambda item: fold_into(state, item)).append(batch("after"))
        assert state == ["perhaps"] * written
        assert facts_of(log.handle()) == [*state, "after"]

    def test_a_request_that_lands_after_the_next_claim_is_void(self, new_log: LogMaker) -> None:
        log = new_log()
        home = Unsure(log.handle())
        owner = owner_of(home)
        home.failing = True
        with pytest.raises(Lost):
            owner.append(batch("perhaps"))
        with pytest.raises(Lost):
            owner_of(home)
        home.failing = False
        heir = owner_of(log.handle())
        log.handle().append(home.late)
        heir.append(batch("a"))
        assert facts_of(log.handle()) == ["a"]

    def test_gaps_between_positions_change_nothing(self, new_log: LogMaker) -> None:
        home = Gaps(new_log().handle())
        zombie = owner_of(home)
        zombie.append_many([batch("a"), batch("b")])
        owner = owner_of(home)
        with pytest.raises(Lost):
            zombie.append(batch("void"))
        owner.append(batch("c"))
        owner.announce(owner.tally.record)
        start = owner.snapshot(b"a\nb\nc\n" + b"\n" * CHUNK_BYTES, layout=1)
        owner.append(batch("d"))
        assert owner.truncate() == start
        assert [fact for fact in facts_of(home) if fact] == ["a", "b", "c", "d"]

    def test_an_entry_changed_is_a_safe_halt(self, new_log: LogMaker) -> None:
        for position, body in enumerate(_three_records(new_log())):
            for where in (0, 20, len(body) // 2, len(body) - 1):
                changed = body[:where] + bytes([body[where] ^ 1]) + body[where + 1 :]
                assert _halt(new_log(), _three_records(new_log()), {position: changed}) == CHECKSUM

    @pytest.mark.parametrize("missing", [0, 1, 2])
    def test_an_entry_lost_in_the_middle_is_a_safe_halt(self, new_log: LogMaker, missing: int) -> None:
        assert _halt(new_log(), _three_records(new_log()), {missing: None}) == (
            "KND-journal-head" if missing == 0 else "KND-journal-chain"
        )

    def test_an_entry_lost_before_a_claim_is_a_safe_halt(self, new_log: LogMaker) -> None:
        log = new_log()
        bodies = _three_records(log)
        owner_of(log.handle()).append(batch("d"))
        later = [body for _, body in entries(log.handle())][len(bodies) :]
        assert _halt(new_log(), bodies[:-1] + later, {}) == "KND-journal-chain"

    def test_an_entry_that_follows_from_another_history_is_a_safe_halt(self, new_log: LogMaker) -> None:
        forged = encode(Record(Link(1, 2, b"?" * 16, -1, -1), batch("forged")))
        assert _halt(new_log(), _three_records(new_log()), {2: forged}) == "KND-journal-chain"

    def test_a_newer_format_asks_for_an_upgrade(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        owner = owner_of(home)
        home.append([_of_format(2, owner.tally.link(-1))])
        for use in (lambda: facts_of(home), lambda: facts_of(home, whole=False), lambda: owner.append(batch("a"))):
            with pytest.raises(SafeHalt, match="upgrade") as halt:
                use()
            assert halt.value.code == "KND-journal-upgrade"

    def test_a_reader_begins_with_the_newest_snapshot_that_is_announced(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        owner = owner_of(home)
        owner.append_many([batch("a"), batch("b")])
        owner.announce(owner.tally.record)
        start = owner.snapshot(b"a\nb", layout=7)
        position = owner.append(batch("c"))
        owner.snapshot(b"a\nb\nc", layout=7)
        first, *rest = Reader(home).counted()
        assert first == Snapshot(start, start - 1, 7, None, b"a\nb")
        assert rest[0] == Recorded(position, batch("c"))
        assert facts_of(home, whole=False) == facts_of(home, whole=True) == ["a", "b", "c"]

    def test_a_large_snapshot_comes_back_whole(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        owner = owner_of(home)
        state = bytes(range(256)) * (CHUNK_BYTES // 100)
        owner.append(Batch(AT, source=Source("t", "u", 0, 5)))
        owner.announce(owner.tally.record)
        owner.snapshot(state, layout=1)
        owner.truncate()
        heir = Owner(home)
        read = list[object]()
        heir.claim(read.append)
        assert [item.state for item in read if isinstance(item, Snapshot)] == [state]
        assert heir.source == Source("t", "u", 0, 5)

    def test_an_empty_state_is_a_state(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        owner_of(home).snapshot(b"", layout=1)
        assert [item.state for item in Reader(home).counted() if isinstance(item, Snapshot)] == [b""]

    def test_a_snapshot_whose_chunks_do_not_all_count_is_ignored(self, new_log: LogMaker) -> None:
        log = new_log()
        home = log.handle()
        owner_of(home).append(batch("a"))
        whole = _bodies_of_a_snapshot(new_log(), b"s" * 2 * CHUNK_BYTES)
        broken = new_log()
        broken.handle().append(whole[:-1])
        assert not [item for item in Reader(broken.handle()).counted() if isinstance(item, Snapshot)]
        heir = owner_of(broken.handle())
        broken.handle().append(whole[-1:])
        assert heir.truncate() == -1
        assert facts_of(broken.handle()) == ["a"]
        heir.append(batch("b"))
        assert facts_of(broken.handle(), whole=False) == ["a", "b"]

    def test_truncation_passes_neither_the_announced_nor_the_newest_snapshot(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        owner = owner_of(home)
        first = owner.append(batch("a"))
        assert owner.truncate() == -1
        early = owner.snapshot(b"a", layout=1)
        assert owner.truncate() == -1, "a is not announced"
        owner.announce(first)
        second = owner.append(batch("b"))
        late = owner.snapshot(b"a\nb", layout=1)
        assert owner.truncate() == early == home.head(), "b is not announced"
        owner.announce(second)
        owner.append(batch())
        assert owner.truncate() == late == home.head()
        for whole in (True, False):
            assert facts_of(home, whole=whole) == ["a", "b"]

    def test_a_snapshot_of_a_state_read_from_a_snapshot_covers_the_same(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        owner = owner_of(home)
        position = owner.append(batch("a"))
        owner.announce(position)
        owner.snapshot(b"a", layout=1)
        owner.truncate()
        heir = owner_of(home)
        heir.snapshot(b"a", layout=1)
        assert [item.covers for item in Reader(home, whole=True).counted() if isinstance(item, Snapshot)] == [
            position
        ] * 2

    def test_a_head_cut_in_the_wrong_place_is_a_safe_halt(self, new_log: LogMaker) -> None:
        home = new_log().handle()
        [_, middle] = owner_of(home).append_many([batch("a"), batch("b")])
        owner_of(home).append(batch("c"))
        for head in (middle, middle + 1):  # a record, a later claim
            home.truncate(head)
            with pytest.raises(SafeHalt) as halt:
                facts_of(home)
            assert halt.value.code == "KND-journal-head"

    @pytest.mark.parametrize("cut_short_by", ["the end", "a record"])
    def test_a_head_with_half_a_snapshot_is_a_safe_halt(self, new_log: LogMaker, cut_short_by: str) -> None:
        chunks = _bodies_of_a_snapshot(new_log(), b"s" * 2 * CHUNK_BYTES)[2:]
        log = new_log()
        log.handle().append(chunks[:1])
        if cut_short_by == "a record":
            reader = Reader(log.handle())
            with pytest.raises(SafeHalt):
                list(reader.counted())
            log.handle().append([encode(Record(reader.tally.link(-1), batch("a")))])
        read: list[Counted] = []
        with pytest.raises(SafeHalt) as halt:
            read.extend(Reader(log.handle()).counted())
        assert halt.value.code == "KND-journal-head"
        assert read == []

    def test_a_reader_overtaken_by_truncation_begins_again(self, new_log: LogMaker) -> None:
        log = new_log()
        owner, follower = owner_of(log.handle()), Reader(log.handle())
        owner.append(batch("a"))
        state = folded(follower)
        owner.append_many([batch("b"), batch("c")])
        owner.announce(owner.tally.record)
        owner.snapshot(b"a\nb\nc", layout=1)
        owner.truncate()
        owner.append(batch("d"))
        for item in follower.counted():
            fold_into(state, item)
        assert state == ["a", "b", "c", "d"]

    def test_announcing_resumes_where_it_stopped(self, new_log: LogMaker) -> None:
        log = new_log()
        owner = owner_of(log.handle())
        assert owner.announced == -1
        done, open_ = owner.append(batch("a")), owner.append(batch("b"))
        owner.announce(done)
        owner.append(batch("c"))
        home = log.reopen()
        heir = owner_of(home)
        assert heir.announced == done
        resumed = [item.position for item in Reader(home).counted() if item.position > heir.announced]
        assert resumed == [open_, heir.tally.record]
        with pytest.raises(ValueError, match="beyond the last record"):
            heir.announce(heir.tally.record + 1)


def _three_records(log: Log) -> list[bytes]:
    owner_of(log.handle()).append_many([batch("a"), batch("b"), batch("c")])
    return [body for _, body in entries(log.handle())]


def _halt(log: Log, bodies: list[bytes], changes: dict[int, bytes | None]) -> str:
    """The code of the safe halt that a journal with these changes ends in, however it is read."""
    changed = [changes.get(position, body) for position, body in enumerate(bodies)]
    log.handle().append([body for body in changed if body is not None])
    codes = set()
    for use in (
        lambda: facts_of(log.handle()),
        lambda: facts_of(log.handle(), whole=False),
        lambda: owner_of(log.handle()),
    ):
        with pytest.raises(SafeHalt) as halt:
            use()
        codes.add(halt.value.code)
    [code] = codes
    return code


def _of_format(version: int, link: Link) -> bytes:
    """An entry as a later version might write it: the first line is the same, the rest may be anything."""
    mark, rest = b"kindred-journal/%d" % version, encode(Record(link, batch("a"))).partition(b"\n")[2] + b"more"
    return b"%b %08x\n%b" % (mark, crc32(rest, crc32(mark)), rest)


def _bodies_of_a_snapshot(log: Log, state: bytes) -> list[bytes]:
    """A claim, a record, and the chunks of a snapshot of it."""
    owner = owner_of(log.handle())
    owner.append(batch("a"))
    owner.announce(owner.tally.record)
    owner.snapshot(state, layout=1)
    return [body for _, body in entries(log.handle())]
