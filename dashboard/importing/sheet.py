"""From the bytes of a file to rows of a table: its encoding and delimiter are found out, and said.

Nothing of a cell is ever run, and nothing of it is in an error: a cell may hold a personal fact.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matcher.errors import ConfigurationError, code

if TYPE_CHECKING:
    from _csv import Reader

NO_TABLE = code(
    "KND-import-file",
    "The file is not a table that Kindred can read. Save it from the spreadsheet as CSV (comma separated values), "
    "UTF-8, with the names of the columns in the first line; `/import` has a template.",
)

COLUMNS_MAX: Final = 200
_SAMPLE: Final = 64 * 1024
_DELIMITERS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MARKS: Final = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_OTHER_FILES: Final = {
    b"PK\x03\x04": "a workbook (.xlsx, .ods)",
    b"\xd0\xcf\x11\xe0": "a workbook (.xls)",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a packed file",
    b"{\\rtf": "a text document",
}


class NotATable(ConfigurationError):
    """The file as a whole cannot be read."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(NO_TABLE, message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; ``line`` counts from 1, as an editor shows it. ``torn``: it has more cells than columns."""

    line: int
    cells: list[str]
    torn: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table in memory, decoded while it is read."""

    content: bytes
    encoding: str
    delimiter: str
    header: list[str]

    @classmethod
    def of(cls, content: bytes) -> Sheet:
        """Look at the beginning, and at every byte's encoding. Raises NotATable. Cost: one pass."""
        _refuse_other_files(content)
        encoding = _encoding(content)
        sample = content[:_SAMPLE].decode(encoding, errors="ignore")
        delimiter = _delimiter(sample)
        reader = _read(content, encoding, delimiter)
        header = _header(reader)
        return cls(content, encoding, delimiter, header)

    @property
    def said(self) -> str:
        """How the file was read, in words."""
        names = {"utf-8-sig": "UTF-8 with a mark in front", "cp1252": "Latin-1 (Windows-1252)"}
        letters = names.get(self.encoding, self.encoding.upper())
        return f"{letters}, separated by {_DELIMITERS[self.delimiter]}"

    @property
    def is_guessed(self) -> bool:
        """Whether letters beyond English may be other ones than were meant."""
        return self.encoding == "cp1252"

    def rows(self) -> Iterator[Row]:
        """The lines below the header that are not empty. Raises NotATable where a quote is never closed."""
        width, reader = len(self.header), _read(self.content, self.encoding, self.delimiter)
        before = 0
        try:
            for number, cells in enumerate(reader):
                line, before = before + 1, reader.line_num
                if number == 0 or not any(cell.strip() for cell in cells):
                    continue
                torn = any(cell.strip() for cell in cells[width:])
                yield Row(line, cells[:width] + [""] * (width - len(cells)), torn)
        except csv.Error as trouble:
            why = f"cannot be read ({trouble}): look for a quote that is not closed"
            raise NotATable(why, before + 1) from None


def _refuse_other_files(content: bytes) -> None:
    if not content.strip(b"\xef\xbb\xbf \t\r\n\x00"):
        raise NotATable("the file is empty: it needs a line with the names of the columns, and a line for each person")
    for mark, kind in _OTHER_FILES.items():
        if content.startswith(mark):
            raise NotATable(f"the file is {kind}, not a table in text: save it as CSV first")


def _encoding(content: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return _decodes(content, encoding)
    if b"\x00" in content:
        raise NotATable("the file is not text: save it as CSV first")
    try:
        return _decodes(content, "utf-8")
    except NotATable:
        return _decodes(content, "cp1252")  # what spreadsheets on Windows write; of Latin-1 it has all printed letters


def _decodes(content: bytes, encoding: str) -> str:
    try:
        for _ in io.TextIOWrapper(io.BytesIO(content), encoding, newline=""):
            pass
    except UnicodeError:
        raise NotATable("the letters of the file cannot be read: save it as CSV in UTF-8") from None
    return encoding


def _delimiter(sample: str) -> str:
    """What separates the names in the first line, counted outside quotes: a tie, or none at all, is the comma's.

    csv.Sniffer looks at cells too, and takes a letter or a space for a delimiter where cells hold lists.
    """
    quoted, counts = False, dict.fromkeys(_DELIMITERS, 0)
    for letter in sample.lstrip("\ufeff\r\n"):
        if letter == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif letter in "\r\n":
            break
        elif letter in counts:
            counts[letter] += 1
    return max(counts, key=lambda each: counts[each])


def _read(content: bytes, encoding: str, delimiter: str) -> Reader:
    text = io.TextIOWrapper(io.BytesIO(content), encoding, newline="")
    return csv.reader(text, delimiter=delimiter, strict=True)


def _header(reader: Reader) -> list[str]:
    try:
        cells: list[str] = next(reader, [])
    except csv.Error as trouble:
        raise NotATable(f"the first line cannot be read ({trouble}): it holds the names of the columns") from None
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise NotATable("the first line is empty: it holds the names of the columns")
    if len(names) > COLUMNS_MAX:
        raise NotATable(f"the file has {len(names)} columns: more than {COLUMNS_MAX} are not a list of people")
    return names
