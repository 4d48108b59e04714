"""From a row to the events that it tells: what is wrong with it is said by line and column, never by what it holds.

Ids of the events derive from program, person and what is said, not from the file or the day: the same line again,
from whatever file, is the same event. A line that was changed says something new, and is told again; ``again`` has what
was said before and holds no longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import orjson

from dashboard.importing.cells import Unreadable
from dashboard.importing.columns import BY_NAME, COLUMNS
from dashboard.importing.sheet import Row
from dashboard.when import moment
from matcher.instants import format_instant
from matcher.messages.envelope import long_type

SOURCE: Final = "/import"
Said = Mapping[str, Any]
_OF_PERSON: Final = tuple(column.name for column in COLUMNS if column.of == "the person")
_OF_MENTORS: Final = tuple(column.name for column in COLUMNS if column.of == "mentors")


class Problem(NamedTuple):
    """What is wrong with a cell, or with a line as a whole (no column), and what should stand there."""

    line: int
    column: str
    words: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column + ' ' if self.column else ''}{self.words}"


class Told(NamedTuple):
    """An event, the line that tells it, and the column to look at when it is refused."""

    line: int
    column: str
    document: dict[str, object]

    @property
    def id(self) -> str:
        """The event's id."""
        return str(self.document["id"])


@dataclass
class Entry:
    """A line that was read; without problems it can be told."""

    line: int
    said: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_person(self) -> bool:
        """Whether it says who somebody is, and does not only add a pair."""
        return "experiences" in self.said

    @property
    def is_mentor(self) -> bool:
        """Whether the person offers support."""
        return self.said.get("role") in ("mentor", "both")

    def refuse(self, column: str, words: str) -> None:
        """Note what is wrong."""
        self.problems.append(Problem(self.line, column, words))


def read(row: Row, places: Mapping[str, int], program: str, now: int) -> Entry:
    """The line with its cells read; never raises."""
    entry = Entry(row.line)
    if row.torn:
        entry.refuse("", "has more cells than there are columns: look for a separator or a quote inside a cell")
        return entry
    for name, place in places.items():
        cell = row.cells[place].strip()
        if not cell:
            continue
        try:
            entry.said[name] = BY_NAME[name].read(cell, now)
        except Unreadable as wrong:
            entry.refuse(name, str(wrong))
    if not entry.problems:
        _check(entry, program)
    return entry


def _check(entry: Entry, program: str) -> None:
    """What goes together, and what is missing."""
    said = entry.said
    if said.get("program", program) != program:
        entry.refuse("program", "is another program: import one program at a time")
    if entry.is_person and not entry.is_mentor:
        for name in _OF_MENTORS:
            if name in said:
                entry.refuse(name, "is for mentors: write mentor or both in role, or empty this cell")
    for column, is_wrong, words in _RULES:
        if is_wrong(said):
            entry.refuse(column, words)


def _lacks_experiences(said: Said) -> bool:
    """Only a line that adds a pair of people known already has none."""
    adds_a_pair = "mentor" in said and not any(name in said for name in (*_OF_PERSON, *_OF_MENTORS))
    return "experiences" not in said and not adds_a_pair


_RULES: Final[tuple[tuple[str, Callable[[Said], bool], str], ...]] = (
    ("id", lambda said: "id" not in said, "is needed: an opaque id, the same one for ever"),
    ("experiences", _lacks_experiences, "is needed: one code at least, without it nobody can be found"),
    ("lon", lambda said: "lat" in said and "lon" not in said, "is needed: a place has both lat and lon"),
    ("lat", lambda said: "lon" in said and "lat" not in said, "is needed: a place has both lat and lon"),
    (
        "mentor",
        lambda said: "together_since" in said and "mentor" not in said,
        "is needed: together_since is about a pair",
    ),
    (
        "mentor",
        lambda said: "mentor" in said and said["mentor"] == said.get("id"),
        "is the person themselves: nobody is their own mentor",
    ),
    (
        "wish_gender",
        lambda said: "any" in said.get("wish_gender", ()) and len(said["wish_gender"]) > 1,
        "is any, or a list of genders, not both",
    ),
    (
        "cleared",
        lambda said: "cleared_until" in said and not said.get("cleared"),
        "is needed: cleared_until is of who is cleared",
    ),
)


def of_person(entry: Entry, program: str, now: int) -> Iterator[Told]:
    """That they joined, and consented."""
    if not entry.is_person:
        return
    said, profile = entry.said, _profile(entry)
    since = [each["since"] for each in profile["experiences"] if "since" in each]
    joined = max([said["joined"], *since]) if "joined" in said else None
    yield _told(entry, program, "member.joined", "experiences", _at(joined, said, now), profile, joined)
    if "consent" in said:
        at = _at(said["consent"], said, now)
        yield _told(entry, program, "consent.granted", "consent", at, {"scope": "matching"}, said["consent"])


def of_mentor(entry: Entry, program: str, now: int, by: str | None) -> Iterator[Told]:
    """What they offer, and that they are cleared."""
    if not (entry.is_person and entry.is_mentor):
        return
    offer = {name: entry.said.get(name) for name in ("capacity", "strategies", "trained", "supervised", "backup")}
    yield _told(entry, program, "mentor.volunteered", "role", now, offer)
    if entry.said.get("cleared"):
        cleared = {"outcome": "cleared", "until": entry.said.get("cleared_until")}
        yield _told(entry, program, "mentor.screened", "cleared", now, cleared, by=by)


def of_pair(entry: Entry, program: str, now: int, by: str | None) -> Iterator[Told]:
    """The mentor whom they have already."""
    if "mentor" in entry.said:
        pair = {"mentor": entry.said["mentor"], "since": entry.said.get("together_since")}
        yield _told(entry, program, "match.recorded", "mentor", now, pair, by=by)


def switched(program: str, on: bool, now: int, because: str, by: str | None) -> dict[str, object]:
    """The event that stops or starts pairing; the same for the same reason."""
    type_ = "program.started" if on else "program.stopped"
    return document(program, program, type_, now, {}, because, by)


def _profile(entry: Entry) -> dict[str, Any]:
    said = entry.said
    plain = ("experiences", "needs", "languages", "formats", "hours", "zone", "gender", "birth_year")
    asked, far = said.get("wish_gender"), said.get("wish_max_km")
    wishes = {"mentor_gender": "any" if asked == ["any"] else asked, "max_km": far}
    wishes = {name: value for name, value in wishes.items() if value is not None}
    return {
        **{name: said.get(name) for name in plain},
        "place": {"lat": said["lat"], "lon": said["lon"]} if "lat" in said else None,
        "wishes": wishes or None,
        "seeks_mentor": said.get("role", "newcomer") in ("newcomer", "both") or None,
    }


def _told(
    entry: Entry, program: str, type_: str, column: str, at: int, data: Mapping[str, Any], of: str | None = None,
    *, by: str | None = None,
) -> Told:  # fmt: skip
    return Told(entry.line, column, document(program, entry.said["id"], type_, at, data, of, by))


def document(
    program: str, subject: str, type_: str, at: int, data: Mapping[str, Any], of: str | None, by: str | None
) -> dict[str, object]:
    """An event. Who imports and when is not part of its id: the same said by somebody else is the same."""
    said = {name: value for name, value in data.items() if value is not None}
    whole = orjson.dumps([program, subject, type_, said, of], option=orjson.OPT_SORT_KEYS)
    return {
        "specversion": "1.0",
        "id": blake2b(whole, digest_size=16).hexdigest(),
        "source": SOURCE,
        "type": long_type(type_),
        "subject": subject,
        "partitionkey": program,
        "time": format_instant(at),
        "datacontenttype": "application/json",
        "data": said if by is None else {**said, "by": by},
    }


def _at(day: str | None, said: Said, now: int) -> int:
    return now if day is None else moment(date.fromisoformat(day), now, said.get("zone"))
