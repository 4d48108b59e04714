"""The counting rule: which entries of a log count. Every reader and every owner uses this one pure function.

- A claim counts if its epoch is exactly one above that of the last claim that counts.
- A record or a chunk counts if its epoch is that of the last claim that counts, and its seq the next one.
- A snapshot counts when all its chunks count, one directly after the other.

So what a replaced owner (a zombie) still writes is ignored by everybody, wherever it lands. An entry that counts must
carry as ``prev`` the digest of everything that counts before it; another value is damage, and a safe halt. So is an
entry ahead of its turn: nobody writes before having read, or written, what comes before.

Source: docs/adr/0003. The rules are explored exhaustively in ``tests/journal/test_explorer.py``.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final, NamedTuple

from journal.frames import Chunk, Claim, Frame, Link, Record, Source
from journal.port import Entry
from matcher.errors import SafeHalt, code

CHAIN = code(
    "KND-journal-chain",
    "An entry of the journal does not follow from those before it, although it claims to: something was lost or "
    "changed in between. Restore the journal from a backup.",
)
HEAD = code(
    "KND-journal-head",
    "The beginning of the journal is missing, and what is left does not start with a complete snapshot. Restore the "
    "journal from a backup.",
)

CHAIN_BYTES: Final = 16
NONE: Final = -1  # a position before every other


class Base(NamedTuple):
    """A complete snapshot: it starts at ``position`` and holds the state after the record at ``covers``."""

    position: int
    covers: int


class Opened(NamedTuple):
    """A snapshot of which ``parts`` chunks have been counted."""

    base: Base
    parts: int


class Tally(NamedTuple):
    """What follows from the entries counted so far.

    ``position`` is the last entry that counts and ``record`` the last record among them; ``announced`` the last record
    whose notices the log says are sent. ``snapshots`` are the complete ones that still matter: the first is the base
    when it covers no more than what is announced, the others wait until that is so for them. ``opened`` is the snapshot
    whose chunks are being counted.
    """

    epoch: int = 0
    seq: int = 0
    chain: bytes = bytes(CHAIN_BYTES)
    position: int = NONE
    record: int = NONE
    announced: int = NONE
    source: Source | None = None
    opened: Opened | None = None
    snapshots: tuple[Base, ...] = ()

    @property
    def base(self) -> int:
        """Where a reader without a state begins: the newest complete snapshot with nothing unannounced before it.

        So one reading gives the state and every record whose notices may be missing. -1: at the head.
        """
        return base_position(self.snapshots, self.announced)

    def link(self, announced: int) -> Link:
        """The place in the chain that the next entry of this epoch takes."""
        return Link(self.epoch, self.seq + 1, self.chain, announced, self.base)


def count(tally: Tally, entry: Entry, frame: Frame) -> Tally | None:
    """The tally after ``entry`` (whose decoded form is ``frame``), or ``None`` when the entry does not count.

    Raises ``SafeHalt`` when the entry counts and is not linked to what counts before it, or when it builds on entries
    that are not there: an owner writes only after what it has read. Cost: one hash of the entry's bytes.
    """
    if isinstance(frame, Claim):
        if claim_counts(tally, frame):
            chain = _chain(tally, entry)
            return tally._replace(epoch=frame.epoch, seq=0, chain=chain, position=entry.position, opened=None)
        _halt_if(frame.epoch > tally.epoch, entry)
        return None
    link = frame.link
    if link.epoch != tally.epoch or link.seq != tally.seq + 1:
        _halt_if((link.epoch, link.seq) > (tally.epoch, tally.seq), entry)
        return None
    _halt_if(link.prev != tally.chain, entry)
    if isinstance(frame, Record):
        source = frame.batch.source or tally.source
        return _linked(tally, entry, link, record=entry.position, source=source, opened=None)
    return _with_chunk(tally, entry, frame)


def claim_counts(tally: Tally, claim: Claim) -> bool:
    """Only one claim of an epoch counts, the first: a late one finds its epoch taken, an early one is unheard of."""
    return claim.epoch == tally.epoch + 1


def begin(entry: Entry, frame: Frame) -> Tally:
    """The tally before the first entry that a reader without a state sees: an empty log's, or a snapshot's.

    Raises ``SafeHalt`` when nothing can begin here.
    """
    match frame:
        case Claim(epoch=1):
            return Tally()
        case Chunk(link, part=0):
            return Tally(
                epoch=link.epoch,
                seq=link.seq - 1,
                chain=link.prev,
                record=frame.covers,
                announced=link.announced,
                source=frame.source,
            )
    raise SafeHalt(HEAD, f"the journal begins at position {entry.position}, which is neither its start nor a snapshot")


def base_position(snapshots: tuple[Base, ...], announced: int) -> int:
    """The newest of ``snapshots`` that covers nothing beyond ``announced``; -1 when there is none."""
    for base in reversed(snapshots):
        if base.covers <= announced:
            return base.position
    return NONE


def _halt_if(broken: bool, entry: Entry) -> None:
    if broken:
        raise SafeHalt(
            CHAIN,
            f"the journal's entry at position {entry.position} does not follow from those before it: "
            "something was lost or changed, restore the journal from a backup",
        )


def _still_of_use(snapshots: tuple[Base, ...], announced: int) -> tuple[Base, ...]:
    """Without the snapshots that a newer base has replaced."""
    if len(snapshots) < 2:
        return snapshots
    base = base_position(snapshots, announced)
    return tuple(snapshot for snapshot in snapshots if snapshot.position >= base)


def _chain(tally: Tally, entry: Entry) -> bytes:
    return blake2b(tally.chain + entry.body, digest_size=CHAIN_BYTES).digest()


def _linked(tally: Tally, entry: Entry, link: Link, **changes: Any) -> Tally:
    """The tally with the next entry of the chain, and what else it changes."""
    return tally._replace(
        seq=link.seq,
        chain=_chain(tally, entry),
        position=entry.position,
        announced=link.announced,
        snapshots=_still_of_use(tally.snapshots, link.announced),
        **changes,
    )


def _with_chunk(tally: Tally, entry: Entry, chunk: Chunk) -> Tally:
    opened = _opened(tally, entry, chunk)
    after = _linked(tally, entry, chunk.link, opened=opened)
    if opened is None or opened.parts < chunk.parts:
        return after
    return after._replace(snapshots=(*after.snapshots, opened.base))


def _opened(tally: Tally, entry: Entry, chunk: Chunk) -> Opened | None:
    """The snapshot that the chunk begins or goes on with; ``None`` when it does neither."""
    if chunk.part == 0:
        return Opened(Base(entry.position, chunk.covers), 1)
    if tally.opened is None or tally.opened.parts != chunk.part:
        return None
    return Opened(tally.opened.base, chunk.part + 1)
