"""What a stretch of the journal changes in the read model: facts go in, rows come out, nothing is written.

A draft is filled while the programs evolve: it looks at each before and after a fact. Rows that grow fact by fact, of
matches, of waiting and of alerts, are in a ``Memory`` that outlives the draft; the database is asked only for what this
process has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table

from dashboard import rows
from dashboard.decided import NOTHING, decision
from dashboard.memory import Key, Memory
from dashboard.rows import Row
from dashboard.tables import ALERTS, EXPERIENCES, FACTS, LETTERS, MATCHES, MENTORS, NAMED, PEOPLE, PROGRAMS, WAITS
from matcher.ids import match_id
from matcher.messages import events, facts
from matcher.messages.facts import Fact, Told
from matcher.named import named
from matcher.people.member import Member
from matcher.program import Program

_LISTED: Final = (FACTS, NAMED, EXPERIENCES, LETTERS)
_KEPT: Final = (PROGRAMS, PEOPLE, MENTORS, MATCHES, WAITS, ALERTS)
Rows = dict[tuple[str, ...], Row]
_MOVES_EXPERIENCES: Final = frozenset({"member.joined", "member.updated"})
_MOVES_LITTLE: Final = "progress."
_MOVES_OFFERS: Final = ("mentor.", "match.", "member.joined", "member.left")


class Draft:
    """Changes that are written in one transaction. ``facts`` are those taken in, for who listens to live events."""

    def __init__(self, home: str, memory: Memory) -> None:
        self.home = home
        self.facts: list[Fact] = []
        self.erased: dict[Key, int] = {}  # at the program's clock
        self.removed: dict[Table, list[Row]] = {MENTORS: [], EXPERIENCES: []}
        self.added: dict[Table, list[Row]] = {table: [] for table in _LISTED}
        self.put: dict[Table, Rows] = {table: {} for table in _KEPT}
        self._memory = memory
        self._touched: dict[Key, None] = {}
        self._lived: dict[Key, None] = {}
        self._offers: dict[Key, None] = {}
        self._decided = NOTHING

    def take(self, program: Program, fact: Fact) -> None:
        """Let the program evolve with a fact, and note what that changes."""
        self.facts.append(fact)
        if fact.type.startswith(_MOVES_LITTLE):  # most facts there are
            self._progress(program, fact)
            return
        people = named(program.state, fact)
        waited = [_since(program, who) for who in people]
        program.evolve(fact, people)
        self._note(program, fact, people)
        for who, since in zip(people, waited, strict=True):
            if since != _since(program, who):
                self._waiting(program, fact, who, since)
        if fact.type == "member.erased":
            self._erase(program.id, rows.subject(fact), fact.at)

    def letters(self, position: int, at: int, refused: Iterable[bytes], known: Iterable[str]) -> None:
        """Note what was refused in a record."""
        programs = frozenset(known)
        for number, line in enumerate(refused):
            self.added[LETTERS].append(rows.letter(self.home, position, number, at, line, programs))

    def whole(self, program: Program, unknown_to: int) -> None:
        """Note everything that is known of a program whose facts up to ``unknown_to`` may be missing."""
        self._memory.programs[program.id] = {"unknown_to": unknown_to, "unknown_until": program.at}
        self._touch(program, (member.id for member in program.state.members))
        self._lived |= self._touched
        matches = program.state.matches
        for match in matches.open.values():
            known, before = rows.known_match(program.id, match), self._memory.match((program.id, match.id))
            self._put_match(known if before is None else {**known, **_kept(before, known)})
        for past, pair in matches.past.items():
            row = self._memory.match((program.id, past)) or rows.new_match(program.id, past, *pair)
            self._put_match({**row, "stage": "past"} if row["stage"] in rows.OPEN else row)
        for member in program.state.members:
            self._waiting_known(program, member.id)

    def finish(self, programs: Mapping[str, Program]) -> None:
        """Look up who the people of the draft are now. After this the draft needs the programs no more."""
        for program in programs.values():
            self._program(program)
        for key in self._touched:
            program = programs[key[0]]
            member = program.state.members.get(key[1])
            if member is not None:
                self._finish(key, program, member)

    def _program(self, program: Program) -> None:
        unknown = self._memory.programs.setdefault(program.id, {"unknown_to": 0, "unknown_until": None})
        now = {"program": program.id, "home": self.home, "n": program.n, "at": program.at}
        self.put[PROGRAMS][program.id,] = {**now, **unknown}

    def _finish(self, key: Key, program: Program, member: Member) -> None:
        self.put[PEOPLE][key] = rows.person(program, member)
        gone = {"program": program.id, "person": member.id}
        if key in self._offers:
            offer = rows.mentor(program, member)
            if offer is None:
                self.removed[MENTORS].append(gone)
            else:
                self.put[MENTORS][key] = offer
        if key in self._lived:
            self.removed[EXPERIENCES].append(gone)
            self.added[EXPERIENCES] += rows.experiences(program, member)

    # Facts

    def _progress(self, program: Program, fact: Fact) -> None:
        """Word of somebody's recovery names nobody else, and moves neither matches nor waiting."""
        row = rows.fact(fact)
        who = row["subject"]
        program.evolve(fact, (who,))
        self._decided = NOTHING
        self.added[FACTS].append(row)
        self.added[NAMED].append({"program": fact.program, "person": who, "n": fact.n})
        self._touched[fact.program, who] = None

    def _note(self, program: Program, fact: Fact, people: Sequence[str]) -> None:
        name, n, _, type_, data = fact
        self.added[FACTS].append(rows.fact(fact))
        named = self.added[NAMED]
        for who in people:
            named.append({"program": name, "person": who, "n": n})
            self._touched[name, who] = None
        keys = dict.fromkeys((name, who) for who in people)
        if type_ in _MOVES_EXPERIENCES:
            self._lived |= keys
        if type_.startswith(_MOVES_OFFERS):
            self._offers |= keys
        if isinstance(data, Told):
            self._told(name, type_, data)
        elif isinstance(data, facts.PolicyAdopted):  # the capacity of who stated none is the policy's
            mentors = [member.id for member in program.state.members if member.mentorship is not None]
            self._touch(program, mentors)
        elif type(data) in _MATCHED:
            _MATCHED[type(data)](self, fact, data)

    def _touch(self, program: Program, people: Iterable[str]) -> None:
        keys = dict.fromkeys((program.id, who) for who in people)
        self._touched |= keys
        self._offers |= keys

    def _told(self, program: str, type_: str, told: Told) -> None:
        self._decided = decision(type_, told)
        if type_.startswith("alert."):
            self._alert(program, told)
        elif type_ == "match.contacted":
            self._change(program, told.subject, lambda row: _contacted(row, told.time))
        elif self._decided.decision not in (None, "record", "approve"):  # those two are noted of the match they make
            self._change(program, told.subject, self._decide)

    def _decide(self, row: Row) -> Row:
        return self._decided._asdict() if row["stage"] in rows.OPEN else {}

    def _alert(self, program: str, told: Told) -> None:
        key = (program, told.subject)
        row = self.put[ALERTS].get(key) or self._memory.look_up(ALERTS, key) or rows.new_alert(*key)
        what = told.what
        if isinstance(what, events.Resolved):
            row = {**row, "resolved_at": told.time, "resolved_by": what.by, "outcome": what.outcome}
        elif isinstance(what, events.Acknowledged):
            row = {**row, "acknowledged_at": told.time, "acknowledged_by": what.by}
        self.put[ALERTS][key] = row

    # Matches

    def _proposed(self, of: Fact, fact: facts.MatchProposed) -> None:
        row = rows.new_match(of.program, fact.match, fact.newcomer, fact.mentor)
        self._put_match({**row, "stage": "proposed", "fit": fact.fit, "proposed_at": of.at})

    def _activated(self, of: Fact, fact: facts.MatchActivated) -> None:
        is_new = fact.match == match_id(of.n)
        row = None if is_new else self._memory.match((of.program, fact.match))
        row = row or rows.new_match(of.program, fact.match, fact.newcomer, fact.mentor)
        by = {} if fact.how == "plan" else self._decided._asdict()
        over = {"over_at": None, "reason": None, "barred": None, "held_until": None}  # it may have been withdrawn
        now = {"stage": "active", "fit": fact.fit, "active_at": of.at, "how": fact.how}
        self._put_match({**row, **over, **now, **by})

    def _withdrawn(self, of: Fact, fact: facts.MatchWithdrawn) -> None:
        over = {
            "stage": "withdrawn",
            "over_at": of.at,
            "reason": fact.reason,
            "barred": fact.barred,
            "held_until": None,
        }
        self._change(of.program, fact.match, lambda row: over)

    def _ended(self, of: Fact, fact: facts.MatchEnded) -> None:
        over = {"stage": "closed", "over_at": of.at, "reason": fact.reason, "barred": fact.barred}
        self._change(of.program, fact.match, lambda row: over)

    def _held(self, of: Fact, fact: facts.MatchHeld) -> None:
        self._change(of.program, fact.match, lambda row: {"stage": "held", "held_until": fact.until})

    def _pinned(self, of: Fact, fact: facts.MatchPinned) -> None:
        self._change(of.program, fact.match, lambda row: {"held_until": fact.until})

    def _released(self, of: Fact, fact: facts.MatchReleased) -> None:
        self._change(of.program, fact.match, lambda row: {"stage": "proposed", "held_until": None})

    def _change(self, program: str, match: str, change: Callable[[Row], Row]) -> None:
        row = self._memory.match((program, match))
        if row is not None:  # one of an erased person is gone, and word of it may still come
            self._put_match({**row, **change(row)})

    def _put_match(self, row: Row) -> None:
        key = (row["program"], row["match"])
        self._memory.matches[key] = self.put[MATCHES][key] = row

    # Waiting

    def _waiting(self, program: Program, fact: Fact, who: str, before: int | None) -> None:
        since = _since(program, who)
        if before is not None:
            match = program.state.matches.of_newcomer(who)
            found = match.id if match is not None and since is None and match.stage == "active" else None
            self._end_wait((program.id, who), fact.at, found)
        if since is not None:
            self._begin_wait(rows.new_wait(program.id, who, fact.n, since))

    def _waiting_known(self, program: Program, who: str) -> None:
        """What the state knows of somebody's waiting, after facts that are missing."""
        since, key = _since(program, who), (program.id, who)
        row = self._memory.waits.get(key)
        if row is not None and row["since"] == since:
            return
        if row is not None:
            self._end_wait(key, program.at or 0, None)
        if since is not None:
            self._begin_wait(rows.new_wait(program.id, who, program.n, since))

    def _begin_wait(self, row: Row) -> None:
        self._memory.waits[row["program"], row["newcomer"]] = row
        self.put[WAITS][row["program"], row["newcomer"], str(row["n"])] = row

    def _end_wait(self, key: Key, until: int, match: str | None) -> None:
        row = self._memory.waits.pop(key, None)
        if row is not None:
            self.put[WAITS][(*key, str(row["n"]))] = {**row, "until": until, "match": match}

    # Erasure

    def _erase(self, program: str, who: str, at: int) -> None:
        """Take somebody out of what is to be written, and have them taken out of what was."""
        self.erased[program, who] = at
        gone = {row["n"] for row in self.added[NAMED] if (row["program"], row["person"]) == (program, who)}
        for table in (NAMED, FACTS):
            self.added[table] = [row for row in self.added[table] if row["program"] != program or row["n"] not in gone]
        for table, columns in ((MATCHES, ("newcomer", "mentor")), (WAITS, ("newcomer",))):
            kept = self.put[table].items()
            self.put[table] = {key: row for key, row in kept if not _is_of(row, program, who, columns)}
        matches = self._memory.matches.items()
        self._memory.matches = {
            key: row for key, row in matches if not _is_of(row, program, who, ("newcomer", "mentor"))
        }
        self._memory.waits.pop((program, who), None)


def _is_of(row: Row, program: str, who: str, columns: Iterable[str]) -> bool:
    return row["program"] == program and any(row[column] == who for column in columns)


def _since(program: Program, who: str) -> int | None:
    member = program.state.members.get(who)
    return None if member is None else member.seeks_since


def _contacted(row: Row, time: int) -> Row:
    first, last = row["contact_first"], row["contact_last"]
    return {
        "contact_first": time if first is None else min(first, time),
        "contact_last": time if last is None else max(last, time),
    }


def _kept(before: Row, known: Row) -> Row:
    """Of a match that was known before facts went missing: what the state does not say."""
    return {name: value for name, value in before.items() if known[name] is None and value is not None}


_MATCHED: Final[dict[type, Callable[[Draft, Fact, Any], None]]] = {
    facts.MatchProposed: Draft._proposed,
    facts.MatchActivated: Draft._activated,
    facts.MatchWithdrawn: Draft._withdrawn,
    facts.MatchEnded: Draft._ended,
    facts.MatchHeld: Draft._held,
    facts.MatchPinned: Draft._pinned,
    facts.MatchReleased: Draft._released,
}
