"""``python -m bench score``: blockers and fit of one newcomer with many mentors, and what a person costs in memory.

Peers: the same rules in a plain Python loop over pydantic models (``bench.plain``), and a bare numpy pass, which reads
the same columns and does one operation a cell, as if there were no rules.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from statistics import mean
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import plain
from bench.report import Row, cost_row
from matcher.cohort import cohort
from matcher.instants import parse_instant
from matcher.messages import events as told
from matcher.messages.catalog import Event, parse
from matcher.pairing.judge import NOBODY, Judge
from matcher.people.experience import taxonomy
from matcher.people.member import FOREVER, Member, Mentorship
from matcher.people.profile import Profile, theme_mask
from matcher.people.record import PERSON, Rows
from matcher.people.recovery import Recovery
from matcher.people.roster import Roster
from matcher.policy import Policy

AT = parse_instant("2026-01-01T00:00:00Z")
POLICY = Policy()
NEWCOMERS = 8
BYTES_A_PERSON = 2_048


def rows() -> Iterator[Row]:
    """The rows of this benchmark."""
    yield from _against_peers(10_000)
    for mentors in (1_000, 100_000):
        roster, newcomers, mentors_ = _filled(_people(mentors))
        yield Row("score", f"row, {mentors:,} mentors", _row_us(roster, newcomers, mentors_), None, "µs", None, None)
    yield from _memory()


def _against_peers(mentors: int) -> Iterator[Row]:
    members = _people(mentors)
    roster, newcomers, mentors_ = _filled(members)
    ours = _row_us(roster, newcomers, mentors_)
    yield cost_row("score", f"row, {mentors:,} mentors, a plain loop", ours, _plain_us(members), "µs", 200)
    columns = _columns(roster)
    bare = mean(_best_us(partial(_bare_pass, columns, each, mentors_), 30) for each in newcomers)
    yield cost_row("score", f"row, {mentors:,} mentors, a bare numpy pass", ours, bare, "µs", 1 / 3)
    few = np.array(newcomers, dtype=np.int64)
    judge = Judge(roster, _Strangers(), POLICY)
    column = mean(_best_us(partial(judge.column, int(each), few, AT), 5) for each in mentors_[:100])
    yield Row("score", f"column, {NEWCOMERS} newcomers", column, None, "µs", None, None)


def _row_us(roster: Roster, newcomers: list[int], mentors: Rows) -> float:
    judge = Judge(roster, _Strangers(), POLICY)
    return mean(_best_us(partial(judge.row, each, mentors, AT), 30) for each in newcomers)


class _Strangers:
    """Nobody has anything to do with anybody."""

    def excluded(self, member: int) -> Rows:
        return NOBODY

    lineage = lineage_of_mentor = declined = excluded


def _plain_us(members: list[Member]) -> float:
    """The same answers for the same newcomers, one pair at a time; the models are made beforehand."""
    people = [plain.Person.of(member, AT, POLICY) for member in members]
    newcomers = [person for person in people if not person.volunteered]
    mentors = [person for person in people if person.volunteered]
    ties = plain.Ties()

    def loop(newcomer: plain.Person) -> None:
        for mentor in mentors:
            plain.fit_or_none(newcomer, mentor, ties, AT, POLICY)

    return mean(_best_us(partial(loop, each), 2) for each in newcomers)


def _columns(roster: Roster) -> list[npt.NDArray[Any]]:
    """Every number, word and node of the roster as a column of its own, which is what numpy reads best."""
    numbers = [roster.people[name] for name in PERSON.names or ()]
    tables = (roster.sets.view(np.int64), roster.nodes)
    return [np.ascontiguousarray(each) for each in [*numbers, *(column for table in tables for column in table.T)]]


def _bare_pass(columns: list[npt.NDArray[Any]], newcomer: int, mentors: Rows) -> npt.NDArray[np.int64]:
    """Everything that a row of fits looks at, gathered and combined with the newcomer's by one operation a cell."""
    total = np.zeros(len(mentors), dtype=np.int64)
    for column in columns:
        total += column.take(mentors) & column[newcomer]
    return total


def _best_us(work: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(times):
        began = perf_counter()
        work()
        best = min(best, perf_counter() - began)
    return best * 1_000_000


def _memory() -> Iterator[Row]:
    """Bytes a person (member, profile, recovery, columns, index) beyond the id and the strings of their events."""
    members = 5_000
    parsed = [parse(event) for event in cohort(members=members, mentors=members // 10, days=30)]
    gc.collect()
    taxonomy().ic.sum()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    people = _members(parsed)
    roster = Roster()
    for member in people:
        roster.write(member, AT, POLICY)
    gc.collect()
    each = (tracemalloc.get_traced_memory()[0] - before) / len(people)
    tracemalloc.stop()
    yield cost_row("score", f"memory a person, {len(people):,} people", each, BYTES_A_PERSON, "B", 1)


def _filled(members: list[Member]) -> tuple[Roster, list[int], Rows]:
    roster = Roster()
    newcomers: list[int] = []
    mentors: list[int] = []
    for member in members:
        row = roster.write(member, AT, POLICY)
        (newcomers if member.mentorship is None else mentors).append(row)
    return roster, newcomers, np.array(mentors, dtype=np.int64)


def _people(mentors: int) -> list[Member]:
    return _members([parse(event) for event in cohort(members=NEWCOMERS, mentors=mentors, days=30)])


def _members(parsed: list[Event]) -> list[Member]:
    """People as far as rules look at them, from the events of a cohort."""
    members: dict[str, Member] = {}
    for event in parsed:
        match event.data:
            case told.MemberJoined() as joined:
                members[event.subject] = _joined(event.subject, event.time, joined)
            case told.MentorVolunteered() as offer:
                members[event.subject].mentorship = Mentorship(
                    event.time,
                    strategies=theme_mask(offer.strategies or ()),
                    trained_at=offer.trained,
                    supervised_at=offer.supervised,
                )
            case told.MentorScreened(outcome="cleared"):
                _offer(members[event.subject]).cleared_until = FOREVER
            case told.MentorSupervised():
                _offer(members[event.subject]).supervised_at = event.time
    return list(members.values())


def _joined(name: str, at: int, joined: told.MemberJoined) -> Member:
    profile, recovery = Profile.joined(joined), Recovery()
    recovery.declare(profile.experiences, at)
    return Member(name, at, profile, recovery, seeks_since=at if joined.seeks_mentor else None)


def _offer(member: Member) -> Mentorship:
    assert member.mentorship is not None
    return member.mentorship
