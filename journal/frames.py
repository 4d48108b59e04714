"""What the entries of a journal look like: format 1, readable by eye.

::

    kindred-journal/1 5f0c2d19                          the format, and the CRC-32 of everything but itself
    {"kind":"record","epoch":3,"seq":17,"prev":"…",…}   the header: one JSON line
    {"program":"river","n":812,…}                       the facts, a line each, copied and never encoded again
    {"code":"KND-…",…}                                  the refused events (dead letters), a line each
    0b61…                                               the digests of the events taken, in hexadecimal

There are three kinds: a **claim** begins an epoch, a **record** is one processed batch, and a **chunk** is a part of a
snapshot; its body is the caller's bytes. A later format keeps the first line, so that an older reader can tell
"newer than I am" from "damaged".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import chain
from typing import Any, Final, NamedTuple
from zlib import crc32

from journal.port import Entry
from matcher.errors import SafeHalt, code

CHECKSUM = code(
    "KND-journal-checksum",
    "An entry of the journal is not what was written. Nothing after it can be trusted: restore the journal from a "
    "backup, or ask for help before changing anything.",
)
UPGRADE = code(
    "KND-journal-upgrade",
    "The journal was written by a newer version of Kindred and is not damaged. Upgrade this installation.",
)

FORMAT: Final = 1
DIGEST_BYTES: Final = 16
_MAGIC: Final = b"kindred-journal/"


@dataclass(frozen=True, slots=True)
class Source:
    """How far a batch has read its source: the next offset of a partition of the topic with this UUID."""

    topic: str
    topic_id: str
    partition: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One processed batch, written whole or not at all.

    ``facts`` and ``refused`` are single JSON lines without a line end, opaque here. ``taken`` has a pair for every
    accepted event: the digest of its id and of its content, 16 bytes each. ``source`` is absent for HTTP and timers.
    """

    at: str
    facts: Sequence[bytes] = ()
    refused: Sequence[bytes] = ()
    taken: Sequence[tuple[bytes, bytes]] = ()
    source: Source | None = None


class Link(NamedTuple):
    """An entry's place in the chain of those that count, and what its owner knew when it wrote it.

    ``announced`` is the position of the last record whose notices are all sent; ``base`` is where a reader without
    a state may begin (``journal.counting``). -1 is "none yet".
    """

    epoch: int
    seq: int
    prev: bytes
    announced: int
    base: int


class Claim(NamedTuple):
    """The first entry of an epoch: whoever wrote it owns the journal, if the claim counts.

    The nonce makes it unlike every other claim, and with it the chain of everything that follows.
    """

    epoch: int
    nonce: str
    base: int


class Record(NamedTuple):
    """A batch in its place."""

    link: Link
    batch: Batch


class Chunk(NamedTuple):
    """Part ``part`` of the ``parts`` of a snapshot: the state after the record at position ``covers``.

    ``layout`` is the version of the state's own encoding, which only the caller understands.
    """

    link: Link
    part: int
    parts: int
    layout: int
    covers: int
    source: Source | None
    body: bytes


Frame = Claim | Record | Chunk


def encode(frame: Frame) -> bytes:
    """The bytes of an entry. Raises ``ValueError`` for a line with a line end in it, or a digest not 16 bytes long."""
    match frame:
        case Claim(epoch, nonce, base):
            return _seal(f'"kind":"claim","epoch":{epoch},"nonce":{json.dumps(nonce)},"base":{base}', b"")
        case Record(link, batch):
            return _seal(_record_header(link, batch), _record_body(batch))
        case Chunk():
            return _seal(_chunk_header(frame), frame.body)


def decode(entry: Entry) -> Frame:
    """Read an entry back; ``SafeHalt`` when it is damaged or newer than this version. Cost: one pass over its bytes."""
    head, _, rest = entry.body.partition(b"\n")
    version, _, checksum = head.partition(b" ")
    if not version.startswith(_MAGIC) or checksum != _checksum(version, rest):
        raise _damaged(entry, "fails its checksum")
    if version != _MAGIC + b"%d" % FORMAT:
        raise newer_format(f"the entry at position {entry.position}", version.removeprefix(_MAGIC).decode())
    header, _, body = rest.partition(b"\n")
    try:
        return _parse(json.loads(header), body)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(entry, "cannot be read") from error


def newer_format(what: str, version: str) -> SafeHalt:
    """The error for something written by a newer version: the word is "upgrade", not "damage"."""
    return SafeHalt(UPGRADE, f"{what} has format {version}, this version reads up to {FORMAT}: upgrade Kindred")


def _damaged(entry: Entry, how: str) -> SafeHalt:
    return SafeHalt(CHECKSUM, f"the journal's entry at position {entry.position} {how}: restore it from a backup")


def _checksum(version: bytes, rest: bytes) -> bytes:
    return b"%08x" % crc32(rest, crc32(version))


def _seal(header: str, body: bytes) -> bytes:
    version = _MAGIC + b"%d" % FORMAT
    rest = b"{%b}\n%b" % (header.encode(), body)
    return b"%b %b\n%b" % (version, _checksum(version, rest), rest)


def _parse(header: dict[str, Any], body: bytes) -> Frame:
    if header["kind"] == "claim":
        return Claim(header["epoch"], header["nonce"], header["base"])
    link = Link(header["epoch"], header["seq"], bytes.fromhex(header["prev"]), header["announced"], header["base"])
    source = Source(*header["source"]) if header["source"] else None
    if header["kind"] == "record":
        return Record(link, _parse_batch(header, source, body))
    if header["kind"] == "chunk":
        return Chunk(link, header["part"], header["parts"], header["layout"], header["covers"], source, body)
    raise ValueError(header["kind"])


def _link_header(kind: str, link: Link, source: Source | None) -> str:
    """Written out by hand, as all headers are: a tenth of what ``json.dumps`` takes, and on the way of every batch."""
    read = json.dumps(astuple(source)) if source else "null"
    return (
        f'"kind":"{kind}","epoch":{link.epoch},"seq":{link.seq},"prev":"{link.prev.hex()}",'
        f'"announced":{link.announced},"base":{link.base},"source":{read}'
    )


def _record_header(link: Link, batch: Batch) -> str:
    counts = f'"facts":{len(batch.facts)},"refused":{len(batch.refused)},"taken":{len(batch.taken)}'
    return f'{_link_header("record", link, batch.source)},"at":{json.dumps(batch.at)},{counts}'


def _chunk_header(chunk: Chunk) -> str:
    own = f'"part":{chunk.part},"parts":{chunk.parts},"layout":{chunk.layout},"covers":{chunk.covers}'
    return f"{_link_header('chunk', chunk.link, chunk.source)},{own}"


def _record_body(batch: Batch) -> bytes:
    digests = list(chain.from_iterable(batch.taken))
    if not set(map(len, digests)) <= {DIGEST_BYTES}:
        raise ValueError("a digest of an event is 16 bytes long")
    body = b"\n".join([*batch.facts, *batch.refused, b"".join(digests).hex().encode()])
    if body.count(b"\n") != len(batch.facts) + len(batch.refused):
        raise ValueError("a fact or a refused event is one line")
    return body


def _parse_batch(header: dict[str, Any], source: Source | None, body: bytes) -> Batch:
    lines = body.split(b"\n")
    facts, refused, taken = header["facts"], header["refused"], header["taken"]
    digests = bytes.fromhex(lines[-1].decode())
    if len(lines) != facts + refused + 1 or len(digests) != 2 * DIGEST_BYTES * taken:
        raise ValueError("the header and the body differ")
    return Batch(header["at"], tuple(lines[:facts]), tuple(lines[facts:-1]), _pairs(digests), source)


def _pairs(digests: bytes) -> tuple[tuple[bytes, bytes], ...]:
    parts = [digests[start : start + DIGEST_BYTES] for start in range(0, len(digests), DIGEST_BYTES)]
    return tuple(zip(parts[::2], parts[1::2], strict=True))
