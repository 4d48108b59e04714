"""The counting rule: which entries of a log count. Every reader and every owner uses this one pure function.

- A claim counts if its epoch is exactly one above that of the last claim that counts.
- A record or a chunk counts if its epoch is that of the last claim that counts, and its seq the next one.
- A snapshot counts when all its chunks count, one directly after the other.

So what a replaced owner (a zombie) still writes is ignored by everybody, wherever it lands. An entry that counts must
carry as ``prev`` the digest of everything that counts before it; another value is damage, and a safe halt.

Source: docs/adr/0003. The rules are explored exhaustively in ``tests/journal/test_explorer.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final, NamedTuple

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


@dataclass(frozen=True, slots=True)
class Tally:
    """What follows from the entries counted so far.

    ``position`` is the last entry that counts and ``record`` the last record among them; ``announced`` the last record
    whose notices the log says are sent. ``snapshots`` are the complete ones that still matter: the first is the base
    when it covers no more than what is announced, the others wait until that is so for them. ``opened`` is the snapshot
    whose chunks are being counted, ``parts`` how many of them have been.
    """

    epoch: int = 0
    seq: int = 0
    chain: bytes = bytes(CHAIN_BYTES)
    position: int = NONE
    record: int = NONE
    announced: int = NONE
    source: Source | None = None
    opened: Base | None = None
    parts: int = 0
    snapshots: tuple[Base, ...] = ()

    @property
    def base(self) -> int:
        """Where a reader without a state begins: the newest complete snapshot with nothing unannounced before it.

        So one reading gives the state and every record whose notices may be missing. -1: at the head.
        """
        return base_position(self.snapshots, self.announced)

    def link(self, announced: int) -> Link:
        """The place in the chain that the next entry of this epoch takes."""
        return Link(self.epoch, self.seq + 1, self.chain, max(announced, self.announced), self.base)


def count(tally: Tally, entry: Entry, frame: Frame) -> Tally | None:
    """The tally after ``entry`` (whose decoded form is ``frame``), or ``None`` when the entry does not count.

    Raises ``SafeHalt`` when the entry counts and is not linked to what counts before it. Cost: one hash of its bytes.
    """
    if isinstance(frame, Claim):
        return _count_claim(tally, entry, frame) if claim_counts(tally, frame) else None
    link = frame.link
    if link.epoch != tally.epoch or link.seq != tally.seq + 1:
        return None
    if link.prev != tally.chain:
        raise SafeHalt(CHAIN, f"the journal's entry at position {entry.position} does not follow from those before it")
    after = replace(
        tally,
        seq=link.seq,
        chain=_chain(tally, entry),
        position=entry.position,
        announced=link.announced,
        opened=None,
        parts=0,
        snapshots=_still_of_use(tally.snapshots, link.announced),
    )
    return _with_record(after, frame) if isinstance(frame, Record) else _with_chunk(after, tally, frame)


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
    return max((base.position for base in snapshots if base.covers <= announced), default=NONE)


def _still_of_use(snapshots: tuple[Base, ...], announced: int) -> tuple[Base, ...]:
    """Without the snapshots that a newer base has replaced."""
    if len(snapshots) < 2:
        return snapshots
    base = base_position(snapshots, announced)
    return tuple(snapshot for snapshot in snapshots if snapshot.position >= base)


def _chain(tally: Tally, entry: Entry) -> bytes:
    digest = blake2b(tally.chain, digest_size=CHAIN_BYTES)
    digest.update(entry.body)
    return digest.digest()


def _count_claim(tally: Tally, entry: Entry, claim: Claim) -> Tally:
    chain = _chain(tally, entry)
    return replace(tally, epoch=claim.epoch, seq=0, chain=chain, position=entry.position, opened=None, parts=0)


def _with_record(after: Tally, frame: Record) -> Tally:
    return replace(after, record=after.position, source=frame.batch.source or after.source)


def _with_chunk(after: Tally, before: Tally, chunk: Chunk) -> Tally:
    opened = Base(after.position, chunk.covers) if chunk.part == 0 else before.opened
    if opened is None or (chunk.part and chunk.part != before.parts):
        return after
    complete = chunk.part + 1 == chunk.parts
    snapshots = (*after.snapshots, opened) if complete else after.snapshots
    return replace(after, opened=opened, parts=chunk.part + 1, snapshots=snapshots)
