"""How people are told apart in counts: by what they said about themselves, what they live with, and when they came.

A partition puts each person into one group. What people live with is not one partition, for they live with several
things: it is one a family of codes, those who do and those who do not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal

from dashboard import words
from matcher.instants import DAY
from matcher.people.experience import family
from matcher.people.member import Member

By = Literal["everybody", "gender", "age", "experience", "began"]

BYS: Final[Mapping[By, str]] = {
    "everybody": "Everybody together",
    "gender": "Gender, as they said it",
    "age": "Age",
    "experience": "What they live with",
    "began": "When it began",
}

NOT_SAID: Final = "not said"
_GENDERS: Final = {
    "woman": "women", "man": "men", "nonbinary": "nonbinary people", "other": "another gender", None: NOT_SAID,
}  # fmt: skip
_AGES: Final = ((25, "under 25"), (40, "25 to 39"), (55, "40 to 54"), (200, "55 and older"))
_QUARTERS_MAX: Final = 8


@dataclass(frozen=True)
class Person:
    """Somebody to be counted: who they are, and since when what is counted goes on."""

    member: Member
    began: int


@dataclass(frozen=True)
class Partition:
    """Groups by name, each the places of its people among all, in the order in which they are told."""

    groups: Mapping[str, Sequence[int]]

    is_one_or_not: bool = False
    """Whether there is one group, and beside it those who are not in it, who are not told."""


def partitions(people: Sequence[Person], by: By, at: int) -> list[Partition]:
    """The partitions that tell these people apart; none for ``everybody``. Cost: linear in people and codes."""
    if by == "experience":
        return _by_experience(people)
    if by == "everybody":
        return []
    found = defaultdict[str, list[int]](list)
    for place, person in enumerate(people):
        found[_GROUPS[by](person, at)].append(place)
    return [Partition({label: found[label] for label in _order(by, at) if label in found})]


def _by_experience(people: Sequence[Person]) -> list[Partition]:
    found = defaultdict[str, list[int]](list)
    for place, person in enumerate(people):
        for code in sorted({family(each.code) for each in person.member.profile.experiences}):
            found[code].append(place)
    ordered = sorted(found, key=lambda code: (-len(found[code]), code))
    return [Partition({words.experience(code): found[code]}, is_one_or_not=True) for code in ordered]


def _gender(person: Person, at: int) -> str:
    return _GENDERS.get(person.member.profile.gender, _GENDERS["other"])


def _age(person: Person, at: int) -> str:
    born = person.member.profile.birth_year
    age = 0 if born is None else int(_quarters(at // DAY)[0][:4]) - born
    return NOT_SAID if born is None else next(label for below, label in _AGES if age < below)


def _quarter(person: Person, at: int) -> str:
    label = _quarter_of(person.began // DAY)
    return label if label in _quarters(at // DAY) else "before that"


@lru_cache(maxsize=4096)
def _quarter_of(day: int) -> str:
    date = datetime.fromtimestamp(day * DAY, UTC)
    return f"{date.year}, {_MONTHS[(date.month - 1) // 3]}"


@lru_cache(maxsize=4)
def _quarters(day: int) -> tuple[str, ...]:
    """The last quarters, the newest first."""
    now = datetime.fromtimestamp(day * DAY, UTC)
    number = now.year * 4 + (now.month - 1) // 3
    return tuple(f"{each // 4}, {_MONTHS[each % 4]}" for each in range(number, number - _QUARTERS_MAX, -1))


_MONTHS: Final = ("January to March", "April to June", "July to September", "October to December")
_GROUPS: Final[Mapping[By, Callable[[Person, int], str]]] = {"gender": _gender, "age": _age, "began": _quarter}


def _order(by: By, at: int) -> list[str]:
    if by == "gender":
        return list(_GENDERS.values())
    return [*(label for _, label in _AGES), NOT_SAID] if by == "age" else [*_quarters(at // DAY), "before that"]
