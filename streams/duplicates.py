"""The memory of what came in: from the digest of an input's source and id to the digest of its content.

It lasts as long as the journal, refused inputs included: a file that is given again does nothing again. An event
that is corrected is another event and needs an id of its own, as CloudEvents asks.

Two digests of 16 bytes an input: about 0.2 KB in memory (200 MB for a million inputs) and 32 bytes in a snapshot;
a refused input, of which there should be few, has its key twice.
"""

from __future__ import annotations

from enum import Enum
from hashlib import blake2b
from typing import Final

from matcher.errors import Refused, code

ID_REUSED = code(
    "KND-id-reused",
    "An event with this source and id came before, with other content. An id is unique for its source: send a changed "
    "event under a new one.",
)

DIGEST_BYTES: Final = 16


class Sight(Enum):
    """What an input is to this memory."""

    NEW = "new"
    REPEAT = "repeat"
    REUSED = "reused"


class Seen:
    """Keys to contents; ``len`` is the number of distinct inputs."""

    def __init__(self) -> None:
        self._contents: dict[bytes, bytes] = {}
        self._refused = set[bytes]()

    def __len__(self) -> int:
        return len(self._contents)

    def look(self, key: bytes, content: bytes) -> tuple[Sight, bytes]:
        """What this input is, and the key to remember it by: another content under a known key has a key of its own."""
        known = self._contents.get(key)
        if known is None:
            return Sight.NEW, key
        if known == content:
            return Sight.REPEAT, key
        own = blake2b(key + content, digest_size=DIGEST_BYTES).digest()
        return (Sight.REPEAT if own in self._contents else Sight.REUSED), own

    def add(self, key: bytes, content: bytes, *, refused: bool = False) -> bool:
        """Remember an input, and whether it was ``refused``; False when it was known."""
        new = key not in self._contents
        if new:
            self._contents[key] = content
        if refused:
            self._refused.add(key)
        return new

    def was_refused(self, key: bytes, content: bytes) -> bool:
        """Whether this input is a dead letter; False when it never came."""
        return self.look(key, content)[1] in self._refused

    def dump(self) -> tuple[bytes, bytes]:
        """All pairs, and the keys of the refused among them, in the order in which they came."""
        pairs = b"".join([part for pair in self._contents.items() for part in pair])
        return pairs, b"".join([key for key in self._contents if key in self._refused])

    @classmethod
    def load(cls, pairs: bytes, refused: bytes) -> Seen:
        """The memory that was dumped."""
        seen, digests = cls(), _digests(pairs)
        seen._contents = dict(zip(digests[::2], digests[1::2], strict=True))
        seen._refused = set(_digests(refused))
        return seen


def _digests(joined: bytes) -> list[bytes]:
    return [joined[start : start + DIGEST_BYTES] for start in range(0, len(joined), DIGEST_BYTES)]


def reused() -> Refused:
    """The refusal of an input whose id is taken."""
    return Refused(ID_REUSED, "an event with this source and id came before with other content: use a new id")
