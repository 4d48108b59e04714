"""What is measured of a program (care.md): time to match, time to first contact, how long pairs last, who waits.

The first three are of the same people, everybody's first pair: a newcomer who was paired three times counts once, so
that counts are of people. They hold those who were paired; who was not, yet, is in the fourth.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from dashboard import firsts, survival, words
from dashboard.figures import Figure, Measure, figures, measure
from dashboard.firsts import First
from dashboard.groups import BYS, By, Person, partitions
from dashboard.survival import Lasted, Looks
from dashboard.views import card, today
from matcher.instants import DAY
from matcher.program import Program

TO_MATCH: Final = (DAY, 3 * DAY, 7 * DAY, 14 * DAY, 28 * DAY)
"""The first is the usual aim (``waiting.overdue_hours``); the ends are the same in every program, to compare them."""

TO_CONTACT: Final = (DAY, 2 * DAY, 3 * DAY)
"""Reminder, backup, coordinator: what happens at a first contact that is missed (care.md)."""


class Measured(NamedTuple):
    """The figures of a program by how people are told apart, and the days on which pairs were looked at."""

    by: dict[By, list[Figure]]
    looks: Looks | None
    paired: int
    waiting: int
    halves: dict[str, int]
    """Within how many seconds half of them were, by figure, where that is one of its ends."""


def measured(program: Program, at: int, db: Connection) -> Measured:
    """Everything that may be shown of a program. Cost: linear in pairs and people, times ways to tell them apart."""
    members = program.state.members
    pairs = [(first, member) for first in firsts.of(db, program.id) if (member := members.get(first.newcomer))]
    paired = [Person(member, first.active_at) for first, member in pairs]
    seen, measures = _of_pairs([first for first, _ in pairs], at)
    waiting = [Person(members[who], members[who].seeks_since or at) for who in today.unmatched(program, at)]
    waits = _of_waits(program, waiting, at)
    by: dict[By, list[Figure]] = {
        each: figures(measures, partitions(paired, each, at)) + figures(waits, partitions(waiting, each, at))
        for each in BYS
    }
    return Measured(by, seen, len(pairs), len(waiting), _halves([first for first, _ in pairs]))


def _halves(pairs: Sequence[First]) -> dict[str, int]:
    found = {}
    for name, ends, places in (
        ("match", TO_MATCH, sorted(map(_to_match, pairs))),
        ("contact", TO_CONTACT, sorted(map(_to_contact, pairs))),
    ):
        middle = places[(len(places) - 1) // 2] if places else len(ends)
        if middle < len(ends):
            found[name] = ends[middle]
    return found


def _of_pairs(pairs: Sequence[First], at: int) -> tuple[Looks | None, list[Measure]]:
    lasted = [_lasted(first, at) for first in pairs]
    seen = survival.looks(lasted)
    found = [
        measure("match", [_to_match(each) for each in pairs], len(TO_MATCH) + 1, lambda these: span(TO_MATCH, these)),
        measure("contact", [_to_contact(each) for each in pairs], len(TO_CONTACT) + 2, _contact_label),
        None if seen is None else _lasting(lasted, seen),
    ]
    return seen, [each for each in found if each is not None]


def _lasting(lasted: Sequence[Lasted], seen: Looks) -> Measure | None:
    def label(these: range) -> str:
        return _look_label(seen, these.start)

    places = [survival.column(each, seen) for each in lasted]
    return measure("survival", places, len(seen.days) + len(seen.followed), label, widens=False)


def _of_waits(program: Program, waiting: Sequence[Person], at: int) -> list[Measure]:
    places = [int(card.over_hours(program, person.began, at) > 0) for person in waiting]
    limit = words.many(program.policy.waiting.overdue_hours, "hour")
    said = (f"up to {limit}", f"more than {limit}")
    made = measure("waiting", places, 2, lambda these: said[these.start] if len(these) == 1 else "waiting")
    return [] if made is None else [made]


def _to_match(first: First) -> int:
    return bisect_left(TO_MATCH, first.active_at - first.waits_since)


def _to_contact(first: First) -> int:
    if first.contact_at is None:
        return len(TO_CONTACT) + 1
    return bisect_left(TO_CONTACT, first.contact_at - first.active_at)


def _lasted(first: First, at: int) -> Lasted:
    ended = None if first.over_at is None else (first.over_at - first.active_at) / DAY
    return Lasted((at - first.active_at) / DAY, ended)


def span(ends: Sequence[int], these: range) -> str:
    """A range of spans of time in words: ``within 1 day``, ``1 day to 7 days``, ``more than 7 days``."""
    low = words.lasting(ends[these.start - 1]) if these.start else None
    high = words.lasting(ends[these.stop - 1]) if these.stop <= len(ends) else None
    if high is None:
        return f"more than {low}" if low else "at any time"
    return f"{low} to {high}" if low else f"within {high}"


def end_of(column: str) -> str:
    """The end of such a range; empty where it has none."""
    if column.startswith("within "):
        return column.removeprefix("within ")
    return column.partition(" to ")[2]


def _contact_label(these: range) -> str:
    none_yet = len(TO_CONTACT) + 1
    if these.start == none_yet:
        return "none on record"
    said = span(TO_CONTACT, range(these.start, min(these.stop, none_yet)))
    return f"{said}, or none on record" if these.stop > none_yet else said


def _look_label(seen: Looks, place: int) -> str:
    """The words of a column: what ended by a day, or how long the rest were followed."""
    if place < len(seen.days):
        last, day = ((0, *seen.days)[place], seen.days[place])
        return f"ended on day {last + 1} to {day}" if last else f"ended by day {day}"
    group, edges = seen.followed[place - len(seen.days)], (0, *seen.days)
    low, high = edges[group.start], edges[group.stop] if group.stop < len(edges) else None
    if not low and not high:
        return "go on, as far as they were followed"
    return f"followed for {low} to {high} days" if high else f"followed for {low} days or more"
