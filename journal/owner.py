"""Owning a journal: the one who may write to it, and how it learns that it no longer is.

An owner is good for one ownership. It claims once; when ``Lost`` is raised, its state may hold facts that do not
count: throw both away, and begin again with a new owner and a state folded anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

from journal.counting import Tally, base_position, count
from journal.frames import Batch, Chunk, Claim, Frame, Link, Record, Source, encode
from journal.port import ENTRY_BYTES_MAX, Entry, Journal
from journal.reader import Counted, Reader
from matcher.errors import Unreachable, code

LOST = code(
    "KND-journal-lost",
    "This process no longer owns the journal: another has claimed it, or an append ended without an answer. What was "
    "not acknowledged may be sent again; the owner claims again by itself.",
)

CHUNK_BYTES: Final = 512 * 1024  # half of what an entry may hold: room for the header, and few entries


class Lost(Unreachable):
    """The ownership has ended. What it last wrote may or may not count; only reading the journal tells."""

    def __init__(self, why: str) -> None:
        super().__init__(LOST, f"the ownership of the journal has ended: {why}; claim again")


class Owner:
    """Writes to a journal, one claim long. Used by one thread at a time.

    Every method that writes returns only when what it wrote is known to count, and raises ``Lost`` otherwise.
    """

    def __init__(self, home: Journal, nonce: str | None = None) -> None:
        self._home = home
        self._reader = Reader(home)
        self._nonce = nonce or secrets.token_hex(8)
        self._announced = self._reader.tally.announced
        self._holds = False

    @property
    def tally(self) -> Tally:
        """What counts so far: epoch, position of the last record, source and announced as the log has them."""
        return self._reader.tally

    @property
    def source(self) -> Source | None:
        """How far the journal says the source is read; ``None`` before the first record with a source."""
        return self.tally.source

    @property
    def announced(self) -> int:
        """The position of the last record whose notices are all sent; -1 for none. What comes after is still to do."""
        return self._announced

    def claim(self, fold: Callable[[Counted], None]) -> None:
        """Become the owner, passing everything that counts to ``fold``, from the base on and in order.

        Raises ``Lost`` when somebody else's claim came first, or when the outcome is unknown.
        """
        self._follow(fold)
        claim = Claim(self.tally.epoch + 1, self._nonce, self.tally.base)
        [position] = self._send([encode(claim)])
        self._follow(fold, position)
        self._conclude(position)
        self._announced = max(self._announced, self.tally.announced)

    def append(self, batch: Batch) -> int:
        """Write one record and return its position, once it counts."""
        return self.append_many([batch])[0]

    def append_many(self, batches: Sequence[Batch]) -> list[int]:
        """Write several records in one go (one transaction where the home has them) and return their positions.

        Raises ``ValueError`` before anything is written when a batch is above ``ENTRY_BYTES_MAX``: make it smaller.
        """
        return self._append([partial(Record, batch=batch) for batch in batches])

    def announce(self, position: int) -> None:
        """Note that all notices of the records up to ``position`` are sent. The next entry carries it."""
        if position > self.tally.record:
            raise ValueError(f"position {position} is beyond the last record, {self.tally.record}")
        self._announced = max(self._announced, position)

    def snapshot(self, state: bytes, layout: int) -> int:
        """Write the state folded so far, in encoding number ``layout``. Returns where the snapshot starts."""
        bodies = [state[start : start + CHUNK_BYTES] for start in range(0, len(state), CHUNK_BYTES)] or [b""]
        common: dict[str, Any] = {
            "parts": len(bodies),
            "layout": layout,
            "covers": self.tally.record,
            "source": self.source,
        }
        return self._append([partial(Chunk, part=part, body=body, **common) for part, body in enumerate(bodies)])[0]

    def truncate(self) -> int:
        """Remove what lies before the newest complete snapshot that covers only announced records.

        Returns the new head; -1, and nothing is removed, when there is no such snapshot.
        """
        self._require_holding()
        base = base_position(self.tally.snapshots, self._announced)
        if base >= 0:
            self._home.truncate(base)
        return base

    def _append(self, makers: Iterable[Callable[[Link], Frame]]) -> list[int]:
        """Write frames, each linked to the one before, expecting them at the next positions of the log."""
        self._require_holding()
        tally, entries = self.tally, list[Entry]()
        for make in makers:
            frame = make(tally.link(self._announced))
            entry = Entry(self._reader.next + len(entries), encode(frame))
            if len(entry.body) > ENTRY_BYTES_MAX:
                raise ValueError(f"an entry of {len(entry.body)} bytes is above the limit of {ENTRY_BYTES_MAX}")
            tally = _counted(count(tally, entry, frame))
            entries.append(entry)
        if not entries:
            return []
        positions = self._send([entry.body for entry in entries])
        if positions == [entry.position for entry in entries]:  # nobody wrote in between
            self._reader.adopt(tally, positions[-1] + 1)
            self._holds = True
        else:
            self._settle(positions)
        return positions

    def _settle(self, positions: list[int]) -> None:
        """Somebody wrote in between, or the home left a gap: look at what lies there before believing anything."""
        for position in positions:
            self._follow(_nothing_new, position)
            self._conclude(position)

    def _send(self, bodies: list[bytes]) -> list[int]:
        """Append, holding nothing until it is known to count."""
        self._holds = False
        try:
            return self._home.append(bodies)
        except Unreachable as error:
            raise Lost(error.message) from error

    def _follow(self, fold: Callable[[Counted], None], upto: int | None = None) -> None:
        for item in self._reader.counted(upto):
            fold(item)

    def _conclude(self, position: int) -> None:
        """Hold the journal if the entry at ``position``, our own, is the last that counts up to there."""
        self._holds = self.tally.position == position
        if not self._holds:
            raise Lost(f"the entry at position {position} does not count, the journal is at epoch {self.tally.epoch}")

    def _require_holding(self) -> None:
        if not self._holds:
            raise Lost("it was not claimed, or was lost before")


def _counted(tally: Tally | None) -> Tally:
    if tally is None:
        raise AssertionError("an owner's own entry follows from what it knows")
    return tally


def _nothing_new(_: Counted) -> None:
    """Between an owner's entries nothing but its own counts; a record of another follows that other's claim."""
