"""The columns of the template: what each holds, how it is read, and which columns of a file they are.

A column that looks like a name, a telephone number, an address or free text is never read: Kindred knows people by
opaque ids. Unknown columns are named and left unread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from dashboard.importing import cells
from dashboard.importing.cells import Read

ROLES: Final = ("newcomer", "mentor", "both", "neither")
Of = Literal["the line", "the person", "mentors", "the pair"]


@dataclass(frozen=True)
class Column:
    """One column of the template; ``aliases`` are other names for it that people write."""

    name: str
    read: Read
    of: Of
    about: str
    example: str
    aliases: tuple[str, ...] = ()


COLUMNS: Final = (
    Column("id", cells.opaque, "the line", "Who: an opaque id, the same one for ever. Needed.", "n-1",
           ("person", "person id", "member", "member id", "client id", "newcomer")),
    Column("program", cells.opaque, "the line", "The program, if the file names it: one file is one program.", "", ()),
    Column("role", cells.one_of(*ROLES), "the person", "newcomer (seeks a mentor), mentor, both or neither. Empty: "
           "newcomer.", "newcomer", ("kind", "type")),
    Column("experiences", cells.experiences, "the person", "What they have lived through: ICD-10-CM codes, each with "
           "how it is (active, early, sustained, past; empty is active) and since when. Needed, but for a line that "
           "only adds a pair.", "F11.20 early 2026-02-01; F43.10", ("experience", "codes", "diagnoses", "icd10")),
    Column("joined", cells.begun, "the person", "The day on which they joined. Empty: now; a later since on the line "
           "wins.", "2026-02-20", ("joined on", "intake date")),
    Column("consent", cells.begun, "the person", "The day on which they consented to be matched.", "2026-02-20",
           ("consent date", "consented", "consented on")),
    Column("needs", cells.themes, "the person", "What they need help with.", "cravings housing", ("needs help with",)),
    Column("languages", cells.languages, "the person", "Language codes, the preferred one first.", "en es",
           ("language",)),
    Column("formats", cells.formats, "the person", "Ways of talking.", "phone video", ("format", "channels")),
    Column("hours", cells.hours, "the person", "When they can talk: days and whole hours.", "mon-fri 18-20; sat 9-12",
           ("availability", "available")),
    Column("zone", cells.zone, "the person", "Time zone. Empty: UTC.", "America/Denver", ("time zone", "timezone")),
    Column("gender", cells.gender, "the person", "woman, man, nonbinary or other.", "woman", ()),
    Column("birth_year", cells.whole(1900, 2100), "the person", "Year of birth.", "1991", ("year of birth",)),
    Column("lat", cells.degrees(90), "the person", "Where they can meet: latitude, as rough as they wish. With lon.",
           "39.7", ("latitude",)),
    Column("lon", cells.degrees(180), "the person", "Longitude. With lat.", "-105.0", ("longitude", "lng")),
    Column("wish_gender", cells.several("any", "woman", "man", "nonbinary", "other"), "the person",
           "Wished gender of the mentor; any: asked, and it does not matter. Empty: not asked.", "any",
           ("mentor gender", "wished gender")),
    Column("wish_max_km", cells.whole(1, 20_000), "the person", "The mentor lives at most so many km away.", "",
           ("max km",)),
    Column("strategies", cells.themes, "mentors", "What they know ways for.", "", ("knows ways for",)),
    Column("capacity", cells.whole(0, 50), "mentors", "Newcomers at the same time. Empty: the usual.", "", ("slots",)),
    Column("trained", cells.day, "mentors", "The day of their training.", "", ("trained on",)),
    Column("supervised", cells.day, "mentors", "The day of their last supervision.", "", ("supervised on",)),
    Column("backup", cells.yes, "mentors", "yes: would step in as a backup.", "", ()),
    Column("cleared", cells.yes, "mentors", "yes: screened and cleared to take people on.", "", ("screened",)),
    Column("cleared_until", cells.until, "mentors", "The day until which they are cleared. Empty: without an end.", "",
           ()),
    Column("mentor", cells.opaque, "the pair", "The id of the mentor whom they have already.", "m-1",
           ("mentor id", "matched with", "paired with")),
    Column("together_since", cells.day, "the pair", "Since when the two are together.", "2026-02-25",
           ("matched on", "paired on", "paired since")),
)  # fmt: skip
BY_NAME: Final = {column.name: column for column in COLUMNS}

_PERSONAL: Final = re.compile(
    r"(^|_)(names?|surname|lastname|firstname|forename|nickname|phones?|tel|telephone|mobile|cell|e?mail|address|street|"
    r"zip|postcode|postal|ssn|social_security|insurance|birthday|dob|date_of_birth|birth_date|notes?|comments?|remarks?|"
    r"contact|whatsapp|signal|facebook|instagram)(_|$)"
)


@dataclass(frozen=True)
class Chosen:
    """Which column of a file is which of the template."""

    places: Mapping[str, int]
    """The template's name → the place in the file, from 0."""

    personal: Sequence[str]
    """Columns of the file that look like names or ways to reach people: never read."""

    unknown: Sequence[str]
    """Columns of the file that nothing is known of: not read."""

    twice: Sequence[str]
    """Names of the template that several columns of the file have: the first is read."""


def guess(header: Sequence[str]) -> Chosen:
    """The columns by their names, and by other names that people write."""
    places = dict[str, int]()
    personal, unknown, twice = list[str](), list[str](), list[str]()
    for place, name in enumerate(header):
        column = _NAMES.get(_plain(name))
        if column is None:
            (personal if is_personal(name) else unknown).append(name)
        elif column in places:
            twice.append(column)
        else:
            places[column] = place
    return Chosen(places, personal, unknown, twice)


def choose(header: Sequence[str], chosen: Mapping[str, int]) -> Chosen:
    """The columns as somebody chose them; a column that looks personal is not one to choose."""
    places = {
        name: place
        for name, place in chosen.items()
        if name in BY_NAME and 0 <= place < len(header) and not is_personal(header[place])
    }
    rest = [name for place, name in enumerate(header) if place not in places.values()]
    personal = [name for name in rest if is_personal(name)]
    return Chosen(places, personal, [name for name in rest if name not in personal], [])


def is_personal(name: str) -> bool:
    """Whether a column's name says that it holds a name, a way to reach somebody, or free text."""
    plain = _plain(name)
    return plain not in _NAMES and _PERSONAL.search(plain) is not None


def template() -> str:
    """The template as CSV: the names of the columns, and lines to be written over."""
    lines = [[column.name for column in COLUMNS], _mentor_line(), [column.example for column in COLUMNS]]
    return "".join(",".join(line) + "\r\n" for line in lines)


def _mentor_line() -> list[str]:
    shown = {
        "id": "m-1", "role": "mentor", "experiences": "F11.20 sustained 2021-05-01", "joined": "2026-01-15",
        "languages": "en", "formats": "phone", "hours": "mon-fri 17-20", "zone": "America/Denver", "gender": "woman",
        "strategies": "cravings sleep", "capacity": "2", "trained": "2025-10-01",
        "backup": "yes", "cleared": "yes",
    }  # fmt: skip
    return [shown.get(column.name, "") for column in COLUMNS]


def _plain(name: str) -> str:
    """The name in lower case, words joined by underscores: ``First Name``, ``firstName`` → ``first_name``."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\W_]+", "_", apart).strip("_").lower()


_NAMES: Final = {_plain(name): column.name for column in COLUMNS for name in (column.name, *column.aliases)}
