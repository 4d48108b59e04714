"""The processor: one journal's programs, decided one batch at a time.

A call is all or nothing: what it decides is appended to the journal before anybody hears of it. When the append
fails, the state in memory is thrown away and folded anew from the journal, so that it is never ahead of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal, NamedTuple, Protocol

import structlog

from journal.frames import Batch, Source
from journal.owner import Owner
from journal.pause import collector_paused
from journal.port import Journal
from journal.reader import Counted, Reader, Recorded, Snapshot
from matcher.errors import ConfigurationError, Refused, Unreachable, code
from matcher.instants import format_instant
from matcher.messages.catalog import Event
from matcher.messages.facts import Fact, read_fact
from matcher.policy import Policy, PolicyBook
from matcher.program import Program
from streams.clock import Mode, decided_at
from streams.draft import DIGESTS_BYTES, Draft
from streams.duplicates import Sight, reused
from streams.intake import Input, dead_letter
from streams.state import LAYOUT, State, notice_lines

CLOCK_MODE = code(
    "KND-clock-mode",
    "The journal keeps its clock mode for life: `event` for `replay`, `wall` for `serve` unless it was told otherwise. "
    "Name that mode, or another data folder.",
)
NOT_WHOLE = code(
    "KND-not-whole",
    "Something of a batch that is taken whole or not at all was refused, so nothing of it was taken. Look at the "
    "lines that were refused, and send the batch again.",
)
RECOVERING = code("KND-recovering", "The journal is being read anew after a failure. Ask again in a moment.")
SNAPSHOT_FACTS: Final = 50_000  # a second or so of folding at the next start
CLOSING_SHARE: Final = 2  # at the end, from half of the last snapshot on: to fold a byte takes two times writing one

log = structlog.get_logger("kindred.streams")

Status = Literal["accepted", "duplicate", "refused"]


class Result(NamedTuple):
    """What became of one input; `code` says why it was refused."""

    status: Status
    id: str
    code: str | None = None


class Receipt(NamedTuple):
    """What became of a batch, and the position of the journal's record that says so."""

    position: int
    results: tuple[Result, ...]

    def number(self, status: Status) -> int:
        """How many inputs became so."""
        return sum(result.status == status for result in self.results)


class NotWhole(Refused):
    """Something of a batch that counts as one was refused: nothing of it was taken."""

    def __init__(self, refused: Sequence[Result]) -> None:
        super().__init__(NOT_WHOLE, f"{len(refused)} of the batch were refused, so nothing was taken: see which")
        self.refused = refused


class Sink(Protocol):
    """Who is told of every record that counts, in order: the files of a data folder, or the announcer on Kafka."""

    @property
    def is_copy(self) -> bool:
        """Whether it needs every record from the first on; else only those whose notices may be missing."""

    @property
    def position(self) -> int:
        """The last record that it has taken; -1 for none."""

    @property
    def certain(self) -> int:
        """The last record that it has brought where it belongs, with all before it; -1 for none."""

    def resume(self) -> None:
        """Go back to the last record that is certain to be there whole."""

    def restart(self) -> None:
        """Go back to the beginning."""

    def begin(self, announced: int) -> None:
        """The journal is ours, and says that everything up to this record has been told."""

    def write(self, position: int, batch: Batch, notices: Sequence[bytes]) -> None:
        """Take a record and the notices that follow from it."""

    def checkpoint(self) -> int:
        """Make certain what was taken so far, and return the position of its last record."""


class Processor:
    """Owns a journal and decides what comes in. Used by one thread at a time."""

    def __init__(
        self,
        home: Journal,
        *,
        clock: Mode | None = None,
        fresh: Mode = "event",
        policies: PolicyBook | None = None,
        sink: Sink | None = None,
        source: Callable[[int], Source] | None = None,
        snapshot_facts: int = SNAPSHOT_FACTS,
        keeps_newer_policies: bool = False,
    ) -> None:
        """``clock`` is the mode that is asked for (None: the journal's); a new journal without one gets ``fresh``.

        Without ``policies`` the programs keep the policy of the journal, and new ones get the defaults. ``source``
        says of a next offset where it is: the inputs then come from there and have offsets, and a batch is one record.
        With ``keeps_newer_policies`` a policy that was in force once does not replace a later one: where several
        processes own the journal in turn, one of them may still have the file of yesterday.
        """
        self._keeps_newer_policies = keeps_newer_policies
        self._home = home
        self._source = source
        self._asked = clock
        self._fresh: Mode = clock or fresh
        self._policies = policies
        self._sink = sink
        self._since = _Since(snapshot_facts)
        self._owner: Owner
        self._state: State | None = None

    @property
    def state(self) -> State:
        """What the journal says; folded anew first when the last call failed."""
        if self._state is None:
            self._state = self._recover()
        return self._state

    @property
    def owner(self) -> Owner:
        """What is known of the journal, once it is claimed: epoch, source, announced."""
        return self._owner

    def start(self, now: int | None = None) -> None:
        """Recover, and adopt the policies where they differ from those in force. ``now`` is the wall clock's."""
        state, draft = self.state, Draft()
        if self._policies is None:
            return
        with self._or_forget():
            if state.clock == "wall" and now is not None:
                self._fire(draft, now)
            for name, program in sorted(state.programs.items()):
                if program.at is not None and not self._is_older(name):
                    at = program.at if state.clock == "event" or now is None else max(program.at, now)
                    draft.fired(program.adopt(self._policies.of(name), at))
            self._commit(draft, now)

    def process_whole(self, inputs: Iterable[Input], arrival: int | None = None) -> Receipt:
        """Decide a batch of which all is taken or nothing; it is in the journal when this returns.

        Raises NotWhole when anything of it is refused; the state is then folded anew from the journal. Inputs are
        looked at one by one, and may be made meanwhile. Not for a journal whose inputs come from a source.
        """
        draft = Draft()
        with collector_paused(), self._or_forget():
            if arrival is not None and self.state.clock == "wall":
                self._fire(draft, arrival)
            state = self.state
            results = tuple(self._decide(state, item, arrival, draft) for item in inputs)
            refused = [result for result in results if result.status == "refused"]
            if refused:
                raise NotWhole(refused)
            return Receipt(self._commit(draft, arrival), results)

    def knows(self, keys: Iterable[bytes]) -> list[bool]:
        """Of inputs, by their keys, whether they came before. Any thread may ask. Raises Unreachable."""
        state = self._state
        if state is None:
            raise Unreachable(RECOVERING, "the journal is being read anew: ask again in a moment")
        return [state.seen.knows(key) for key in keys]

    def process(self, inputs: Sequence[Input], arrival: int | None = None) -> Receipt:
        """Decide a batch; it is in the journal when this returns. ``arrival`` is needed with the wall clock.

        Refusals are results. Any exception means that nothing of the batch was taken, as far as is known. With a
        source only so many inputs are taken, from the first on, as fill a record: there are as many results.
        """
        draft = Draft()
        with collector_paused(), self._or_forget():
            if arrival is not None and self.state.clock == "wall":
                self._fire(draft, arrival)
            if self._source is not None:
                return self._process_record(inputs, arrival, draft)
            state = self.state
            results = tuple([self._decide(state, item, arrival, draft) for item in inputs])
            return Receipt(self._commit(draft, arrival), results)

    def next_due(self) -> int | None:
        """When something falls due next."""
        due = self.state.next_due()
        return due and due[0]

    def tick(self, now: int) -> None:
        """Fire what is due at ``now`` or before, of all programs."""
        draft = Draft()
        with self._or_forget():
            self._fire(draft, now)
            self._commit(draft, now)

    def advance(self, until: int) -> None:
        """Set the clock of every program that is behind to ``until``, firing what falls due on the way."""
        draft = Draft()
        with self._or_forget():
            self._fire(draft, until)
            for _, program in sorted(self.state.programs.items()):
                if program.at is not None and program.at < until:
                    draft.fired(program.advance(until))
            self._commit(draft, until)

    def snapshot(self) -> None:
        """Write the folded state into the journal, so that the next start reads no further back."""
        if self._sink is not None:
            self._owner.announce(self._sink.checkpoint())
        elif self._owner.tally.record >= 0:
            self._owner.announce(self._owner.tally.record)
        dump = self.state.dump()
        self._owner.snapshot(dump, LAYOUT)
        self._since.reset(len(dump))

    def truncate(self) -> None:
        """Remove from the journal what lies before the newest snapshot that covers only what is announced."""
        self._owner.truncate()

    def close(self) -> None:
        """Leave a snapshot behind when it is worth its size, and the sink complete."""
        if self._state is not None:
            if self._since.is_worth(CLOSING_SHARE):
                self.snapshot()
                # An entry names the base that its writer knew: one more, and the next reader begins at the snapshot.
                self._owner.append(Batch(format_instant(_latest(self._state))))
            elif self._sink is not None:
                self._sink.checkpoint()

    def _process_record(self, inputs: Sequence[Input], arrival: int | None, draft: Draft) -> Receipt:
        """Decide what goes into one record, which says how far the source is read with it."""
        if draft.is_full:  # time has brought much, and that may be split
            self._commit(draft, arrival)
            draft = Draft()
        results, next_offset = list[Result](), 0
        for item in inputs:
            if draft.is_full:
                break
            results.append(self._decide(self.state, item, arrival, draft))
            next_offset = _offset(item) + 1
        return Receipt(self._commit(draft, arrival, next_offset), tuple(results))

    def _decide(self, state: State, item: Input, arrival: int | None, draft: Draft) -> Result:
        content = item.content
        sight, key = state.seen.meet(item.key, content)
        pair, counts = (key, content), state.counts_of(content)
        if sight is Sight.REPEAT:
            counts.duplicates += 1
            draft.repeated(pair)
            return Result("duplicate", item.id)
        try:
            if (event := item.event) is None:
                raise item.refusal or AssertionError("an input is an event or a refusal")
            if sight is Sight.REUSED:
                raise reused()
            draft.accepted(pair, self._handle(state, event, arrival), item.rest)
        except Refused as refusal:
            draft.refused(pair, dead_letter(item, refusal, len(state.seen)))
            state.seen.refuse(key)
            counts.dead_letters += 1
            return Result("refused", item.id, refusal.code)
        counts.accepted += 1
        # Not Result(...): a named tuple's own constructor takes three times as long.
        return tuple.__new__(Result, ("accepted", item.id, None))

    def _handle(self, state: State, event: Event, arrival: int | None) -> list[Fact]:
        mode, program = state.clock or self._fresh, state.programs.get(event.program)
        if program is not None:
            last, rules = program.state.at, program.state.policy.clock
            return program.handle(event, decided_at(mode, rules, last=last, time=event.time, arrival=arrival))
        program, policy = Program(event.program), self._policy(event.program)
        at = decided_at(mode, policy.clock, last=None, time=event.time, arrival=arrival)
        facts = program.adopt(policy, at) + program.handle(event, at)
        state.programs[event.program] = program  # only now: a program whose first event is refused does not exist
        return facts

    def _is_older(self, program: str) -> bool:
        """Whether the policy at hand was in force before the journal's; that is said."""
        if not self._keeps_newer_policies or self._policies is None:
            return False
        older = self._policies.of(program).digest() in self.state.adopted.get(program, [])[:-1]
        if older:
            log.warning("the journal's policy is newer than the file's and stays", program=program)
        return older

    def _policy(self, program: str) -> Policy:
        return self._policies.of(program) if self._policies else Policy()

    def _fire(self, draft: Draft, at: int) -> None:
        """Everything due at ``at`` or before, in the order (due, program, id)."""
        while (due := self.state.next_due()) is not None and due[0] <= at:
            program = self.state.programs[due[1]]
            draft.fired(program.due(due[0]))
            later = program.next_due()
            if later is not None and later <= due[0]:
                raise AssertionError("what was due has happened, and is not due again")

    def _commit(self, draft: Draft, at: int | None, next_offset: int | None = None) -> int:
        """Append what was decided, tell the sink, and return the position of the last record."""
        state = self.state
        source = self._source(next_offset) if self._source is not None and next_offset else None
        records = draft.records(at if at is not None else _latest(state), source)
        if self._sink is not None:
            self._owner.announce(self._sink.certain)
        positions = self._owner.append_many([batch for batch, _ in records])
        for position, (batch, facts) in zip(positions, records, strict=True):
            self._since.add(batch)
            state.settle(batch)
            self._told(position, batch, state.announce(facts))
        if self._since.is_due:
            self.snapshot()
        return self._owner.tally.record

    @contextmanager
    def _or_forget(self) -> Iterator[None]:
        """Throw the state away when anything goes wrong: it may be ahead of the journal."""
        try:
            yield
        except BaseException:
            self._state = None
            raise

    def _told(self, position: int, batch: Batch, notices: Sequence[bytes]) -> None:
        if self._sink is not None and position > self._sink.position:
            self._sink.write(position, batch, notices)

    def _recover(self) -> State:
        """Claim the journal and fold it, telling the sink what it has not taken yet."""
        state, gap, sink = State(), False, self._sink
        if sink is not None:
            sink.resume()

        def fold(item: Counted) -> None:
            nonlocal gap
            notices = state.fold(item)
            if isinstance(item, Snapshot):
                self._agree_on_clock(state)
                self._since.reset(len(item.state))
                gap = gap or (sink is not None and sink.is_copy and sink.position < item.covers)
            else:
                self._since.add(item.batch)
                if not gap:
                    self._told(item.position, item.batch, notices)

        self._owner = Owner(self._home)
        with collector_paused():
            self._owner.claim(fold)
        if sink is not None and (gap or sink.position > self._owner.tally.record):
            self._rewrite(sink)
        if sink is not None:
            sink.begin(self._owner.announced)
        if state.clock is None:  # a new journal begins with an empty snapshot that says its mode
            state.clock = self._fresh
            self._owner.snapshot(state.dump(), LAYOUT)
        return state

    def _rewrite(self, sink: Sink) -> None:
        """The sink lost what the journal no longer repeats by itself: read the whole journal once."""
        sink.restart()
        for item in Reader(self._home, whole=True).counted():
            if isinstance(item, Recorded):
                notices = [line for fact in item.batch.facts for line in notice_lines(read_fact(fact))]
                sink.write(item.position, item.batch, notices)

    def _agree_on_clock(self, state: State) -> None:
        if self._asked not in (None, state.clock):
            raise ConfigurationError(
                CLOCK_MODE,
                f"the journal keeps the {state.clock} clock, not {self._asked}: name that mode or another folder",
            )


class _Since:
    """What was recorded since the last snapshot, to tell when the next is worth its size."""

    def __init__(self, facts_min: int) -> None:
        self._facts_min = facts_min
        self.reset(0)

    def reset(self, snapshot_bytes: int) -> None:
        self._facts, self._bytes, self._snapshot_bytes = 0, 0, snapshot_bytes

    def add(self, batch: Batch) -> None:
        self._facts += len(batch.facts)
        self._bytes += sum(map(len, batch.facts)) + DIGESTS_BYTES * len(batch.taken)

    def is_worth(self, share: int) -> bool:
        """Whether there is something, and at least so much of the last snapshot's size: writing stays linear."""
        return self._bytes > 0 and self._bytes * share >= self._snapshot_bytes

    @property
    def is_due(self) -> bool:
        return self._facts >= self._facts_min and self.is_worth(1)


def _offset(item: Input) -> int:
    if item.offset is None:
        raise ValueError("with a source every input has an offset")
    return item.offset


def _latest(state: State) -> int:
    return max((program.at for program in state.programs.values() if program.at is not None), default=0)
