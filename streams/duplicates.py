"""The memory of what came in: from the digest of an input's source and id to the digest of its content.

It lasts as long as the journal, refused inputs included: a file that is given again does nothing again. An event
that is corrected is another event and needs an id of its own, as CloudEvents asks.

Where inputs come from Kafka, a redelivery is told by its offset, and this memory is for repeats by publishers: it lasts
``WINDOW_DAYS``. Every record with a source says when its inputs were appended to their topic (``at``); a day that comes
to an end there takes what is older than the window with it, for every reader alike. No clock of a worker is asked.

Two digests of 16 bytes an input: about 0.2 KB in memory (200 MB for a million inputs) and 32 bytes in a snapshot;
a refused input, of which there should be few, has its key twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import Enum
from hashlib import blake2b
from itertools import chain
from typing import Final

from matcher.errors import Refused, code

ID_REUSED = code(
    "KND-id-reused",
    "An event with this source and id came before, with other content. An id is unique for its source: send a changed "
    "event under a new one.",
)

DIGEST_BYTES: Final = 16
STAMP_BYTES: Final = 2  # of a day since 1970: enough until 2149
WINDOW_DAYS: Final = 14  # a publisher that was away sends again what it has no answer for; two weeks is a long outage
_EPOCH: Final = date(1970, 1, 1).toordinal()
_NEVER: Final = -1  # a day: nothing came from Kafka


class Sight(Enum):
    """What an input is to this memory."""

    NEW = "new"
    REPEAT = "repeat"
    REUSED = "reused"


class Seen:
    """Keys to contents, with the day behind those that came from Kafka; ``len`` is how many distinct inputs came."""

    def __init__(self) -> None:
        self._contents: dict[bytes, bytes] = {}
        self._refused = set[bytes]()
        self._today = _NEVER
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._contents) + self.forgotten

    def look(self, key: bytes, content: bytes) -> tuple[Sight, bytes]:
        """What this input is, and the key to remember it by: another content under a known key has a key of its own."""
        known = self._contents.get(key)
        if known is None:
            return Sight.NEW, key
        if known[:DIGEST_BYTES] == content:
            return Sight.REPEAT, key
        own = blake2b(key + content, digest_size=DIGEST_BYTES).digest()
        return (Sight.REPEAT if own in self._contents else Sight.REUSED), own

    def meet(self, key: bytes, content: bytes) -> tuple[Sight, bytes]:
        """As ``look``, and remember the input from here on."""
        if key not in self._contents:  # most are new
            self._contents[key] = content
            return Sight.NEW, key
        sight, own = self.look(key, content)
        if sight is Sight.REUSED:
            self._contents[own] = content
        return sight, own

    def refuse(self, key: bytes) -> None:
        """Remember that an input that is known was refused."""
        self._refused.add(key)

    def add(self, key: bytes, content: bytes, *, refused: bool = False) -> bool:
        """Remember an input, and whether it was ``refused``; False when it was known."""
        before = len(self._contents)
        self._contents.setdefault(key, content)
        if refused:
            self.refuse(key)
        return len(self._contents) > before

    def settle(self, at: str, taken: Iterable[tuple[bytes, bytes]]) -> None:
        """These inputs came at this instant, as a record says; what is older than the window is forgotten.

        Cost: one pass over everything on a day's first record, and nothing but the stamps otherwise.
        """
        day = max(self._today, 0, date.fromisoformat(at[:10]).toordinal() - _EPOCH)
        stamp, contents = day.to_bytes(STAMP_BYTES), self._contents
        for key, _ in taken:
            content = contents[key]
            if len(content) == DIGEST_BYTES:  # else it is a repeat: the window begins with the first
                contents[key] = content + stamp
        if day > self._today:
            self._today = day
            self._forget(day - WINDOW_DAYS)

    def _forget(self, first: int) -> None:
        if first <= 0:
            return
        stamp = first.to_bytes(STAMP_BYTES)
        kept = {key: content for key, content in self._contents.items() if content[DIGEST_BYTES:] >= stamp}
        self.forgotten += len(self._contents) - len(kept)
        self._contents = kept
        self._refused &= kept.keys()

    def knows(self, key: bytes) -> bool:
        """Whether an input of this source and id came, whatever became of it. Any thread may ask."""
        return key in self._contents

    def was_refused(self, key: bytes, content: bytes) -> bool:
        """Whether this input is a dead letter; False when it never came."""
        return self.look(key, content)[1] in self._refused

    def dump(self) -> tuple[bytes, bytes, bytes]:
        """All pairs, the keys of the refused among them, and their days if they have any, in the order of coming."""
        refused = b"".join([key for key in self._contents if key in self._refused]) if self._refused else b""
        if self._today == _NEVER:
            return b"".join(chain.from_iterable(self._contents.items())), refused, b""
        pairs = b"".join([part for key, content in self._contents.items() for part in (key, content[:DIGEST_BYTES])])
        return pairs, refused, b"".join([content[DIGEST_BYTES:] for content in self._contents.values()])

    @classmethod
    def load(cls, pairs: bytes, refused: bytes, stamps: bytes = b"", forgotten: int = 0) -> Seen:
        """The memory that was dumped."""
        seen, digests = cls(), _pieces(pairs, DIGEST_BYTES)
        contents = digests[1::2]
        if stamps:
            days = _pieces(stamps, STAMP_BYTES)
            contents = [content + day for content, day in zip(contents, days, strict=True)]
            seen._today = int.from_bytes(max(days))
        seen._contents = dict(zip(digests[::2], contents, strict=True))
        seen._refused = set(_pieces(refused, DIGEST_BYTES))
        seen.forgotten = forgotten
        return seen


def _pieces(joined: bytes, size: int) -> list[bytes]:
    return [joined[start : start + size] for start in range(0, len(joined), size)]


def reused() -> Refused:
    """The refusal of an input whose id is taken."""
    return Refused(ID_REUSED, "an event with this source and id came before with other content: use a new id")
