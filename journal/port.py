"""The port that every home of a journal fills: an ordered log of opaque bytes, each at a position.

A home knows nothing of epochs, facts or people. What its entries mean is in ``journal.frames``, which of them
count in ``journal.counting``, and who may write in ``journal.owner``; the same code runs on every home.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from matcher.errors import Unreachable, code

UNKNOWN_OUTCOME = code(
    "KND-journal-unknown-outcome",
    "An append failed in a way that leaves open whether it was written. The owner gives up and claims again; "
    "reading the journal shows what was written. Look at the disk or the broker named in the message.",
)

ENTRY_BYTES_MAX = 1_000_000  # Kafka refuses messages above 1,048,588 bytes by default; every home keeps the same limit


class UnknownOutcome(Unreachable):
    """An append that may or may not have been written, or may still be."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(UNKNOWN_OUTCOME, f"appending to {where} ended without an answer ({why}); claim again")


class Entry(NamedTuple):
    """What lies at one position of the log."""

    position: int
    body: bytes


class Journal(Protocol):
    """A home: the log of one partition. Positions grow; they start at 0 or above and may have gaps.

    Other writers may append at any time. A handle is used by one thread at a time.
    """

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        """Write each body as an entry, in this order, and return their positions; durable when it returns.

        Each entry is whole or absent, and never there without those before it in the same call. Whether several are
        written all or none, and next to each other, is up to the home. Raises ``UnknownOutcome`` when some of them may
        have been written and some not.
        """

    def read(self, start: int) -> Sequence[Entry]:
        """The next entries at positions ``start`` and above, in order: a bounded page. Empty only at the end."""

    def head(self) -> int:
        """The lowest position not truncated: entries below it are gone. 0 for a log that never was truncated."""

    def tail(self) -> Entry | None:
        """The last entry, or ``None`` when there is none or the home cannot tell cheaply."""

    def truncate(self, before: int) -> None:
        """Remove every entry below position ``before``, physically where the home can; all of them or none."""

    def close(self) -> None:
        """Give the log back. The handle is not used again."""
