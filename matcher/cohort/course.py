"""The course of recovery: check-ins, days in a row, slips, assessments and distress, as people would tell them.

A course is told as happenings, in days after joining. Every rate has its unit and source, or is marked a guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from matcher.cohort.codes import YEAR_DAYS, Role
from matcher.cohort.dice import Dice, Weighted
from matcher.cohort.people import Person
from matcher.instants import DAY, HOUR

STAFF = ("s-1", "s-2", "s-3", "s-4")
WAKING_HOURS = Weighted((hour, 10 if hour >= 17 else 5) for hour in range(8, 22))  # local; evenings busier (a guess)

CHECK_IN_DAYS: dict[Role, tuple[int, int]] = {"newcomer": (3, 11), "mentor": (6, 14)}  # from one to the next (a guess)
MOOD: dict[Role, tuple[int, int]] = {"newcomer": (3, 6), "mentor": (5, 8)}  # at the start, of 10 (a guess)
CRAVING: dict[Role, tuple[int, int]] = {"newcomer": (3, 8), "mentor": (0, 2)}  # at the start, of 10 (a guess)
EASING_PERCENT = 20  # of newcomers' check-ins: craving a step less (a guess)
SILENCE_PERCENT = 4  # of newcomers' check-ins: then nothing for a while (a guess)
SILENCE_DAYS = (14, 40)

SLIP_PERCENT = {"no": 50, "yes": 58, "-": 55}
"""Newcomers who slip within 90 days, by earlier treatment. Over half do within three months of treatment
(PMC7059216); the difference between the two is a guess."""
SLIP_DAYS = Weighted({(1, 30): 60, (31, 90): 40}.items())  # most relapses: the first 30-90 days; split by guess
LATE_SLIP_PERCENT = 12  # of the others, on days 91-180 (a guess)
AGAIN_PERCENT = 45  # of slips: another follows (a guess; in one network the most active third slipped 4.4 times)
AGAIN_DAYS = (3, 45)
SLIPS_MAX = 5  # a bound: a sixth would show no room anything new
MENTOR_SLIP_PERCENT_A_YEAR = 10  # a guess
RELAPSE_PERCENT = 40  # of slips; the others are lapses (a guess)
PRIMARY_PERCENT = 85  # of slips are with the primary substance (a guess)
SLIP_TOLD_BY: dict[Role, Weighted[str]] = {  # guesses
    "newcomer": Weighted({"self": 62, "mentor": 14, "coordinator": 14, "clinician": 10}.items()),
    "mentor": Weighted({"self": 80, "coordinator": 20}.items()),
}
REACHED_PERCENT = 60  # of slips: staff write down having reached the person within a day (a guess)

STREAK_DAYS = (30, 60, 90, 180)  # and every year
STOPS_DAYS = (1, 14)  # those who still use when they join: days until they stop (a guess)
STEP_PERCENT = 12  # of check-ins of people who attend self-help groups (a guess)
FOUND_PERCENT = 18  # of newcomers without housing or work: find it (a guess)
FOUND_DAYS = (20, 150)

BARC_DAYS = (0, 30, 90, 180)  # what the program measures, and when
BARC_PERCENT = 80  # of due assessments that are done (a guess)
BARC_START: dict[Role, tuple[int, int]] = {"newcomer": (26, 48), "mentor": (46, 60)}  # of 10-60; 47 is the cut-off
BARC_GAIN = (0, 8)  # points from one to the next (a guess)
MOOD_SCALES = (("PHQ-9", 9), ("GAD-7", 7))  # and the number of their items
MOOD_SCALE_DAYS = ((14, 27), (75, 88))  # newcomers only
MOOD_SCALE_PERCENT = {True: 60, False: 12}  # with and without depression or bipolar disorder (a guess)
ITEM = Weighted({0: 35, 1: 35, 2: 20, 3: 10}.items())  # an ordinary item (a guess)
ITEM_NINE = Weighted({0: 78, 1: 16, 2: 4, 3: 2}.items())
"""Thoughts of death or self-harm in PHQ-9: 30 % above 0 in one online sample (PMC8258235); lower here, by guess."""

DISTRESS_PER_MILLE = {"high": 2, "elevated": 5}
"""Of newcomers' check-ins, and of a mentor's a third of it (guesses): with item nine of PHQ-9, about one alert *now*
per 1,000 members a day; the care rules are made for two at most."""
MENTOR_DISTRESS_DIVISOR = 3


class Span(NamedTuple):
    """The time that is told, in seconds since 1970, UTC; both ends belong to it."""

    start: int
    end: int


class Happening(NamedTuple):
    """One thing that happened to a person: what it is called in ``kindred.<type>.v1``, and its data."""

    at: int
    type: str
    data: Mapping[str, object]


def moment(person: Person, dice: Dice, day: int) -> int:
    """A waking moment so many local days after joining; after joining also on that very day."""
    offset = person.utc_hours * HOUR
    midnight = (person.joined + offset) // DAY * DAY - offset
    at = midnight + day * DAY + dice.draw(WAKING_HOURS) * HOUR + dice.below(HOUR)
    return max(at, person.joined + 60 * dice.between(1, 60))


def last_day(person: Person, span: Span) -> int:
    """Whole days from joining to the end of the span."""
    return (span.end - person.joined) // DAY


def course(person: Person, dice: Dice, span: Span) -> Iterator[Happening]:
    """How recovery goes, in no order; may reach beyond the span."""
    slips = _newcomer_slips(person, dice) if person.role == "newcomer" else _mentor_slips(person, dice, span)
    yield from _setbacks(person, dice, slips)
    yield from _streaks(person, dice, span, slips)
    yield from _check_ins(person, dice, span)
    yield from _strengths(person, dice)
    if person.role == "newcomer":
        yield from _mood_scales(person, dice)
        yield from _found(person, dice)


def _check_ins(person: Person, dice: Dice, span: Span) -> Iterator[Happening]:
    least, most = CHECK_IN_DAYS[person.role]
    mood, craving = dice.between(*MOOD[person.role]), dice.between(*CRAVING[person.role])
    day = dice.between(0, most)
    while day <= last_day(person, span):
        at = moment(person, dice, day)
        yield Happening(at, "progress.checked_in", {"mood": mood, "craving": craving})
        yield from _distress(person, dice, at)
        if person.record.self_help == "yes" and dice.percent(STEP_PERCENT):
            yield Happening(at + 60, "progress.milestone", {"kind": "step", "days": day})
        mood = min(10, max(0, mood + dice.between(-1, 1)))
        craving = min(10, max(0, craving + dice.between(-1, 1) - dice.percent(EASING_PERCENT)))
        silent = person.role == "newcomer" and dice.percent(SILENCE_PERCENT)
        day += dice.between(*SILENCE_DAYS) if silent else dice.between(least, most)


def _distress(person: Person, dice: Dice, at: int) -> Iterator[Happening]:
    throw = dice.below(1000) * (MENTOR_DISTRESS_DIVISOR if person.role == "mentor" else 1)
    for level, per_mille in DISTRESS_PER_MILLE.items():
        if throw < per_mille:
            yield Happening(at + 120, "progress.distress", {"level": level})
            return
        throw -= per_mille


def _newcomer_slips(person: Person, dice: Dice) -> list[int]:
    """Days of slips, in order; the first third of a year, and what follows from it."""
    if dice.percent(SLIP_PERCENT[person.record.prior]):
        days = [dice.between(*dice.draw(SLIP_DAYS))]
    elif dice.percent(LATE_SLIP_PERCENT):
        days = [dice.between(91, 180)]
    else:
        return []
    while len(days) < SLIPS_MAX and dice.percent(AGAIN_PERCENT):
        days.append(days[-1] + dice.between(*AGAIN_DAYS))
    return days


def _mentor_slips(person: Person, dice: Dice, span: Span) -> list[int]:
    days = last_day(person, span)
    return [dice.between(1, days)] if dice.percent(MENTOR_SLIP_PERCENT_A_YEAR * days / YEAR_DAYS) else []


def _setbacks(person: Person, dice: Dice, slips: Sequence[int]) -> Iterator[Happening]:
    for day in slips:
        at = moment(person, dice, day)
        data = {
            "code": person.substances[0] if dice.percent(PRIMARY_PERCENT) else dice.pick(person.substances),
            "severity": "relapse" if dice.percent(RELAPSE_PERCENT) else "lapse",
            "by": dice.draw(SLIP_TOLD_BY[person.role]),
        }
        yield Happening(at, "progress.setback", data)
        if dice.percent(REACHED_PERCENT):
            reached = {"by": dice.pick(STAFF), "outcome": "reached"}
            yield Happening(at + dice.between(1, 22) * HOUR, "member.contacted", reached)


def _streaks(person: Person, dice: Dice, span: Span, slips: Sequence[int]) -> Iterator[Happening]:
    """Days in a row, counted from the last use; a slip starts the count again."""
    stopped = dice.between(*STOPS_DAYS) if person.clean_days is None else -person.clean_days
    starts = [min([stopped, *slips]), *slips]  # whoever slips has stopped before
    for start, stop in pairwise([*starts, last_day(person, span) + 1]):
        for days in _streak_days(stop - start):
            if start + days > 0:  # earlier ones were reached before joining
                reached = {"kind": "days", "days": days}
                yield Happening(moment(person, dice, start + days), "progress.milestone", reached)


def _streak_days(most: int) -> Iterator[int]:
    """Lengths worth a word that end before day ``most`` of the streak."""
    yield from (days for days in STREAK_DAYS if days < most)
    yield from range(YEAR_DAYS, most, YEAR_DAYS)


def _strengths(person: Person, dice: Dice) -> Iterator[Happening]:
    total = dice.between(*BARC_START[person.role])
    for day in BARC_DAYS:
        if dice.percent(BARC_PERCENT):
            yield _assessed(moment(person, dice, day), "BARC-10", _spread(total, 10, 1, 6, dice))
        total = min(60, total + dice.between(*BARC_GAIN))


def _spread(total: int, count: int, least: int, most: int, dice: Dice) -> list[int]:
    """Items between ``least`` and ``most`` that add up to the total, which must lie within their reach."""
    assert least * count <= total <= most * count
    items = [least] * count
    for _ in range(total - least * count):
        items[dice.pick([place for place in range(count) if items[place] < most])] += 1
    return items


def _mood_scales(person: Person, dice: Dice) -> Iterator[Happening]:
    depressed = any(code.startswith(("F31", "F32", "F33")) for code in person.disorders)
    for days in MOOD_SCALE_DAYS:
        for instrument, count in MOOD_SCALES:
            if dice.percent(MOOD_SCALE_PERCENT[depressed]):
                items = [dice.draw(ITEM) for _ in range(count)]
                if instrument == "PHQ-9":
                    items[8] = dice.draw(ITEM_NINE)
                yield _assessed(moment(person, dice, dice.between(*days)), instrument, items)


def _assessed(at: int, instrument: str, items: list[int]) -> Happening:
    return Happening(at, "progress.assessed", {"instrument": instrument, "total": sum(items), "items": items})


def _found(person: Person, dice: Dice) -> Iterator[Happening]:
    """A home or work, found by those who had none."""
    without = {"housing": person.record.living == "homeless", "work": person.record.work == "unemployed"}
    for kind, missing in without.items():
        if missing and dice.percent(FOUND_PERCENT):
            day = dice.between(*FOUND_DAYS)
            yield Happening(moment(person, dice, day), "progress.milestone", {"kind": kind, "days": day})
