"""Files between being looked at and being taken in: in memory alone, for an hour, one an account.

What was brought may hold more than Kindred may know (a column of names). Of that nothing is written to a disk; the file
as it was brought is in memory until its account brings another, or somebody looks here after the hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from threading import Lock
from typing import Final

from dashboard.importing.draft import Draft, Report

KEPT_SECONDS: Final = 3_600
BYTES_MAX: Final = 128 * 1024 * 1024  # four of the largest files; the oldest makes room


@dataclass(frozen=True)
class Brought:
    """A file, and what was found when it was tried out."""

    id: str
    account: str
    at: int
    draft: Draft
    report: Report

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.draft.sheet.content)


class Shelf:
    """Where they lie. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._files: dict[str, Brought] = {}

    def put(self, account: str, at: int, draft: Draft, report: Report, id_: str | None = None) -> str:
        """Keep a file, in place of what the account brought before; its id."""
        brought = Brought(id_ or token_hex(16), account, at, draft, report)
        with self._lock:
            self._drop(lambda other: other.account == account or other.at < at - KEPT_SECONDS)
            self._files[brought.id] = brought
            while sum(each.size for each in self._files.values()) > BYTES_MAX and len(self._files) > 1:
                del self._files[next(iter(self._files))]
        return brought.id

    def get(self, id_: str, account: str, now: int) -> Brought | None:
        """The file of this id if it is the account's and still here."""
        with self._lock:
            self._drop(lambda other: other.at < now - KEPT_SECONDS)
            found = self._files.get(id_)
            return found if found is not None and found.account == account else None

    def _drop(self, goes: Callable[[Brought], bool]) -> None:
        self._files = {id_: each for id_, each in self._files.items() if not goes(each)}
