"""What stands in a cell, read: a value for the data of an event, or a sentence that says what should stand there.

No sentence repeats the cell: it may be a personal fact that came into the wrong column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

from dashboard.sheets import FORMULAS
from dashboard.when import has_come
from matcher.errors import Refused
from matcher.ids import OpaqueId
from matcher.instants import DAY, parse_day
from matcher.messages.vocabulary import ExperienceCode, Format, Gender, Language, State, Theme
from matcher.people import zones
from matcher.people.experience import taxonomy

T = TypeVar("T")
Read = Callable[[str, int], Any]
"""From a cell, stripped and not empty, and the instant of the import. Raises Unreadable."""

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
YES: Final = frozenset({"yes", "y", "true", "1", "x"})
NO: Final = frozenset({"no", "n", "false", "0"})
EXPERIENCES_MAX: Final = 40

_ID: Final = TypeAdapter(OpaqueId)
_CODE: Final = TypeAdapter(ExperienceCode)
_LANGUAGE: Final = TypeAdapter(Language)
_ITEMS: Final = re.compile(r"[;|\n]")
_WORDS: Final = re.compile(r"[\s;,|]+")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_SPAN: Final = re.compile(r"([a-z]{3})[a-z]*(?:\s*-\s*([a-z]{3})[a-z]*)?\s+(\d{1,2})(?::00)?\s*-\s*(\d{1,2})(?::00)?")


class Unreadable(Exception):
    """What should stand in the cell."""


def opaque(cell: str, now: int) -> str:
    """An id: of a person, a mentor or a program."""
    if cell.startswith(FORMULAS):
        raise Unreadable("begins like a formula: an id begins with a letter or a digit")
    if "@" in cell or " " in cell:
        raise Unreadable("looks like a name or an address: an id says nothing about the person, such as p-17")
    return _valid(_ID, cell, "an id has 1 to 64 of A-Z a-z 0-9 . _ : - and says nothing about the person")


def experiences(cell: str, now: int) -> list[dict[str, Any]]:
    """``F11.20 early 2026-02-01; F43.10; Z59.0``: a code, how it is now (active if not said), since when."""
    found = [_experience(item.split(), now) for item in _ITEMS.split(cell) if item.strip()]
    if not 1 <= len(found) <= EXPERIENCES_MAX:
        raise Unreadable(f"needs 1 to {EXPERIENCES_MAX} codes such as F11.20, separated by semicolons")
    return found


def _experience(parts: list[str], now: int) -> dict[str, Any]:
    code = _valid(_CODE, parts[0].upper(), "needs ICD-10-CM codes of chapter F or Z, such as F11.20 early 2026-02-01")
    try:
        taxonomy().check(code)
    except Refused:
        raise Unreadable("has a code that ICD-10-CM does not have: look it up, or leave it out") from None
    said: dict[str, Any] = {"code": code, "state": "active"}
    for part in parts[1:]:
        if part.lower() in get_args(State):
            said["state"] = part.lower()
        else:
            said["since"] = day(part, now)
    return said


def day(cell: str, now: int) -> str:
    """A date that has come."""
    read = _date(cell)
    if parse_day(read) - DAY > now:
        raise Unreadable("is a day that has not come yet")
    return read


def begun(cell: str, now: int) -> str:
    """A date that has come somewhere on earth: what it dates is told as now while the day is not over."""
    read = _date(cell)
    if not has_come(date.fromisoformat(read), now):
        raise Unreadable("is a day that has not come yet")
    return read


def until(cell: str, now: int) -> str:
    """A date that may lie ahead."""
    return _date(cell)


def yes(cell: str, now: int) -> bool:
    """Yes or no."""
    if cell.lower() in YES | NO:
        return cell.lower() in YES
    raise Unreadable("is yes, no or empty")


def hours(cell: str, now: int) -> list[int]:
    """``mon-fri 18-20; sat 9-12`` (local time, whole hours), or hours of the week as numbers, 0 = Monday 00-01."""
    found = {hour for item in _ITEMS.split(cell.lower()) if item.strip() for hour in _hours(item.strip())}
    return sorted(found)


def _hours(item: str) -> Iterator[int]:
    numbers = [part for part in _WORDS.split(item) if part]
    if all(part.isascii() and part.isdigit() and len(part) <= 3 and int(part) < 168 for part in numbers):
        yield from map(int, numbers)
        return
    span = _SPAN.fullmatch(item)
    if span is None or span[1] not in DAYS or (span[2] or span[1]) not in DAYS:
        raise Unreadable("needs days and whole hours: mon-fri 18-20; sat 9-12")
    first, last = DAYS.index(span[1]), DAYS.index(span[2] or span[1])
    start, end = int(span[3]), int(span[4])
    if last < first or not 0 <= start < end <= 24:
        raise Unreadable("has days or hours that run backwards: mon-fri 18-20; sat 9-12")
    for each in range(first, last + 1):
        yield from range(each * 24 + start, each * 24 + end)


def whole(low: int, high: int) -> Read:
    """A whole number between two others."""

    def read(cell: str, now: int) -> int:
        if not re.fullmatch(r"\d{1,9}", cell, re.ASCII) or not low <= int(cell) <= high:
            raise Unreadable(f"is a whole number from {low} to {high}")
        return int(cell)

    return read


def degrees(most: int) -> Read:
    """Latitude or longitude."""

    def read(cell: str, now: int) -> float:
        if not re.fullmatch(r"-?\d{1,3}([.,]\d{1,9})?", cell, re.ASCII) or abs(float(cell.replace(",", "."))) > most:
            raise Unreadable(f"is a number of degrees from -{most} to {most}, such as 39.7")
        return float(cell.replace(",", "."))

    return read


def one_of(*choices: str) -> Read:
    """One word of a list."""

    def read(cell: str, now: int) -> str:
        word = cell.lower().replace(" ", "_")
        if word not in choices:
            raise Unreadable(f"is one of: {', '.join(choices)}")
        return word

    return read


def several(*choices: str) -> Read:
    """Words of a list, each once."""

    def read(cell: str, now: int) -> list[str]:
        words = [word for word in _WORDS.split(cell.lower()) if word]
        if not set(words) <= set(choices):
            raise Unreadable(f"has a word that is not one of: {', '.join(choices)}")
        return list(dict.fromkeys(words))

    return read


def languages(cell: str, now: int) -> list[str]:
    """Language tags, the preferred one first."""
    wrong = "needs language codes such as en es, the preferred one first"
    found = [_valid(_LANGUAGE, word, wrong) for word in _WORDS.split(cell.strip(" ;,|")) if word]
    if not 1 <= len(found) <= 20:
        raise Unreadable(wrong)
    return found


def zone(cell: str, now: int) -> str:
    """A time zone's name."""
    try:
        zones.check(cell)
    except Refused:
        raise Unreadable("is the name of a time zone, such as America/Denver") from None
    return cell


themes: Final = several(*get_args(Theme))
formats: Final = several(*get_args(Format))
gender: Final = one_of(*get_args(Gender))


def _date(cell: str) -> str:
    try:
        if not _DATE.fullmatch(cell):
            raise ValueError
        parse_day(cell)
    except ValueError:
        raise Unreadable("is a date from 1900 on, written as 2026-03-02") from None
    return cell


def _valid(adapter: TypeAdapter[T], value: str, otherwise: str) -> T:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        raise Unreadable(otherwise) from None
