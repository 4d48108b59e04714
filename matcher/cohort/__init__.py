"""Cohorts of people as real treatment data describe them: a file of platform events for demo, simulation and bench.

Same arguments, same bytes, on every machine: each person has a stream of chance of their own, named by seed, program
and id. Where the numbers come from is in ``records``, ``codes`` and ``people`` (who comes), ``course`` and ``lives``
(what happens); what a cohort must not be used for is in ``docs/explanation/cohort.md``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from operator import itemgetter

from matcher.cohort.course import Happening, Span
from matcher.cohort.dice import Dice, Weighted
from matcher.cohort.lives import Mentor, mentor_life, newcomer_life
from matcher.cohort.people import mentor, newcomer
from matcher.errors import ConfigurationError, code
from matcher.ids import ID_PATTERN
from matcher.instants import DAY, HOUR, format_instant, parse_instant
from matcher.messages.envelope import long_type

BAD_ARGUMENT = code("KND-cohort", "A cohort cannot be made from these numbers: give others, within the bounds named.")

MEMBERS_MAX = 1_000_000
DAYS_MAX = 3_660  # ten years
END_EARLIEST = "2000-01-01T00:00:00Z"  # before, the oldest would be born before messages take a year of birth
END_LATEST = "2099-01-01T00:00:00Z"  # after, the end of a pause could pass the last instant that messages take
PROGRAM_UTC_HOURS = -7  # the clock on the wall of the program, in winter
ARRIVALS_BY_WEEKDAY = (18, 18, 17, 16, 15, 8, 8)  # Monday first; offices are open, and weekends are not empty (a guess)
ARRIVALS_BY_HOUR = (1,) * 7 + (3, 8, 12, 12, 11, 9, 11, 11, 10, 8, 6, 5, 4, 3, 3, 2, 1)  # local (a guess)
FOUNDERS_PERCENT = 75  # of mentors: there from the first days; the others come within the first third (a guess)
FOUNDERS_DAYS = 3


def cohort(
    program: str = "river",
    members: int = 400,
    mentors: int = 60,
    days: int = 90,
    seed: int = 1,
    end: str = "2026-01-01T00:00:00Z",
) -> Iterator[dict[str, object]]:
    """CloudEvents of a program's ``members`` newcomers and ``mentors`` in the ``days`` before ``end``, by time.

    Newcomers ``n-1`` … arrive as a Poisson process (given their number) that follows weekday and hour; mentors
    ``m-1`` … are there from the first days or join in the first third. Each person joins exactly once, before
    anything else of theirs. Event ids grow with time and have one width, so that ties in time stand in the order of
    their ids. Costs about 20 µs an event; all are made
    before the first is given.

    Raises ``ConfigurationError`` (KND-cohort) for an argument out of bounds.
    """
    span = _span(program, members, mentors, days, end)
    happenings = sorted(_happenings(f"{seed}/{program}", members, mentors, span), key=itemgetter(0, 1))
    source = f"/cohort/{program}"
    width = len(str(len(happenings)))
    for number, (_, _, person, happening) in enumerate(happenings, 1):
        yield {
            "specversion": "1.0",
            "id": f"e-{number:0{width}}",
            "source": source,
            "type": long_type(happening.type),
            "subject": person,
            "partitionkey": program,
            "time": format_instant(happening.at),
            "datacontenttype": "application/json",
            "data": happening.data,
        }


def lines(
    program: str = "river",
    members: int = 400,
    mentors: int = 60,
    days: int = 90,
    seed: int = 1,
    end: str = "2026-01-01T00:00:00Z",
) -> Iterator[str]:
    """The same cohort as JSON lines without their line ends."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return map(encode, cohort(program, members, mentors, days, seed, end))


def _span(program: str, members: int, mentors: int, days: int, end: str) -> Span:
    if not re.fullmatch(ID_PATTERN, program):
        raise ConfigurationError(BAD_ARGUMENT, "the program of a cohort is 1-64 characters of A-Z a-z 0-9 . _ : -")
    for name, number, least, most in (
        ("members", members, 0, MEMBERS_MAX),
        ("mentors", mentors, 0, MEMBERS_MAX),
        ("days", days, 1, DAYS_MAX),
    ):
        if not least <= number <= most:
            raise ConfigurationError(BAD_ARGUMENT, f"{name} of a cohort lies between {least} and {most}, not {number}")
    try:
        last = parse_instant(end)
    except ValueError as error:
        raise ConfigurationError(BAD_ARGUMENT, "end of a cohort is a time such as 2026-01-01T00:00:00Z") from error
    if not parse_instant(END_EARLIEST) <= last <= parse_instant(END_LATEST):
        raise ConfigurationError(BAD_ARGUMENT, f"end of a cohort lies between {END_EARLIEST} and {END_LATEST}")
    return Span(last - days * DAY, last)


def _happenings(name: str, members: int, mentors: int, span: Span) -> Iterator[tuple[int, int, str, Happening]]:
    """Each happening with its time and a number that keeps a person's own order where times are equal."""
    number = 0
    roster = _mentors(name, mentors, span)
    for person, joined in roster:
        dice = Dice(f"{name}/{person}")
        for happening in mentor_life(mentor(joined, dice), dice, span):
            yield happening.at, (number := number + 1), person, happening
    for person, joined in _newcomers(name, members, span):
        dice = Dice(f"{name}/{person}")
        for happening in newcomer_life(newcomer(joined, dice), dice, span, roster):
            yield happening.at, (number := number + 1), person, happening


def _mentors(name: str, count: int, span: Span) -> list[Mentor]:
    dice = Dice(f"{name}/mentors")
    third = (span.end - span.start) // 3
    founding = min(third, FOUNDERS_DAYS * DAY)
    joined = sorted(dice.below(founding if dice.percent(FOUNDERS_PERCENT) else third) for _ in range(count))
    return [Mentor(f"m-{number}", span.start + after) for number, after in enumerate(joined, 1)]


def _newcomers(name: str, count: int, span: Span) -> list[tuple[str, int]]:
    dice = Dice(f"{name}/newcomers")
    hours = Weighted((hour, _intensity(hour)) for hour in range(span.start, span.end, HOUR))
    joined = sorted(dice.draw(hours) + dice.below(HOUR) for _ in range(count))
    return [(f"n-{number}", at) for number, at in enumerate(joined, 1)]


def _intensity(at: int) -> int:
    """How likely an arrival is in the hour from ``at``; the epoch began on a Thursday."""
    days, seconds = divmod(at + PROGRAM_UTC_HOURS * HOUR, DAY)
    return ARRIVALS_BY_WEEKDAY[(days + 3) % 7] * ARRIVALS_BY_HOUR[seconds // HOUR]
