"""Files for spreadsheets: CSV in which nothing is a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""With these a spreadsheet begins a formula (OWASP, CSV injection)."""


def sheet(head: Sequence[str], rows: Iterable[Sequence[str | int | None]]) -> str:
    """The rows as CSV (RFC 4180) with a line of headings. Texts that would be formulas begin with an apostrophe."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([tamed(cell) for cell in row] for row in rows)
    return out.getvalue()


def tamed(cell: str | int | None) -> str | int:
    """A cell that is only ever shown."""
    if cell is None:
        return ""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell
