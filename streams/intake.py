"""Intake: from any bytes to an input, which is an event or the reason why it is none. Nothing raises here.

An input knows two digests, by which repeats are told (``streams.duplicates``):

- ``key``: of source and id; without a readable id, of the bytes (SHA-256).
- ``content``: of what Kindred reads of the document: type, subject, partitionkey, time and data, as canonical JSON.
  So the same event in a file, in an HTTP batch or with other spacing is the same event, and so is a repeat that
  carries a new trace id; it does not depend on which fields of the data this version understands. Its first four
  bytes are the program's own digest, by which repeats are counted per program.
"""

from __future__ import annotations

import json
from base64 import b64encode
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Any, Final, NamedTuple

import orjson
from pydantic_core import from_json

from matcher.errors import Refused, code
from matcher.messages.catalog import MALFORMED, Event, parse

TOO_LARGE = code(
    "KND-too-large",
    "An event is larger than 256 KiB, or an HTTP body larger than 1 MiB. Send less at once; of an event in a file the "
    "beginning and the SHA-256 are kept.",
)

EVENT_BYTES_MAX: Final = 256 * 1024
KEPT_BYTES: Final = 64 * 1024  # of an input that is too large; the whole is still where it came from
DEAD_LETTER_BYTES_MAX: Final = 600_000  # one must fit into an entry of the journal beside the rest of its record
PROGRAM_BYTES: Final = 4
NO_PROGRAM: Final = bytes(PROGRAM_BYTES)

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Input(NamedTuple):
    """What came in: its bytes, its digests (16 bytes each), and either an event or a refusal.

    ``id`` is empty when none could be read. ``size`` is set when ``raw`` is only the beginning of so many bytes.
    ``offset`` is its place in the partition that it came from, if it came from one. ``rest`` is how
    the line of the event's fact goes on, where that was written already (``Fact.line``).
    """

    raw: bytes
    id: str
    key: bytes
    content: bytes
    event: Event | None = None
    refusal: Refused | None = None
    size: int | None = None
    sha256: str = ""
    offset: int | None = None
    rest: bytes | None = None


def read_input(raw: bytes) -> Input:
    """The input that these bytes are; whatever is wrong with them is its ``refusal``."""
    if len(raw) > EVENT_BYTES_MAX:
        return oversized(raw[:KEPT_BYTES], len(raw), sha256(raw).digest())
    try:
        document = from_json(raw, allow_inf_nan=False, cache_strings="keys")
    except ValueError as trouble:
        return _without_id(raw, Refused(MALFORMED, f"not JSON in UTF-8: {trouble}"))
    if not isinstance(document, dict):
        return _without_id(raw, Refused(MALFORMED, "not a CloudEvent 1.0: the document is not a JSON object"))
    return read_document(raw, document)


def read_document(raw: bytes, document: dict[str, Any]) -> Input:
    """The input of a document that is already parsed; ``raw`` is what is kept of it."""
    event = refusal = None
    try:
        event = parse(document)
    except Refused as trouble:
        refusal = trouble.with_traceback(None)  # its frames would keep the document
    source, id_ = document.get("source"), document.get("id")
    if not (isinstance(source, str) and isinstance(id_, str) and source and id_):
        return _without_id(raw, refusal)
    return Input(raw, id_, key_of(source, id_), _content(document), event, refusal)


def key_of(source: str, id_: str) -> bytes:
    """The digest by which an input of this source and id is remembered."""
    return blake2b(b"%d:%b" % (len(source), (source + id_).encode()), digest_size=16).digest()


def oversized(head: bytes, size: int, digest: bytes) -> Input:
    """The refused input of ``size`` bytes that begin with ``head`` and have this SHA-256."""
    refusal = Refused(TOO_LARGE, f"an event has at most {EVENT_BYTES_MAX} bytes, this one has {size}")
    return Input(head, "", digest[:16], NO_PROGRAM + digest[16:28], None, refusal, size, digest.hex())


def dead_letter(item: Input, refusal: Refused, position: int) -> bytes:
    """The line that keeps a refused input byte for byte, with the reason.

    Bytes that are not UTF-8, or that JSON would blow up beyond an entry of the journal, are kept in base64.
    """
    letter: dict[str, object] = {"code": refusal.code, "reason": refusal.message, "position": position}
    if item.offset is not None:
        letter["offset"] = item.offset
    if item.size is not None:
        letter |= {"original_bytes": item.size, "original_sha256": item.sha256}
    try:
        line = _compact(letter | {"original": item.raw.decode()}).encode()
    except UnicodeDecodeError:
        line = b""
    if line and len(line) <= DEAD_LETTER_BYTES_MAX:
        return line
    return _compact(letter | {"original_base64": b64encode(item.raw).decode()}).encode()


@lru_cache(maxsize=1024)
def program_digest(program: str) -> bytes:
    """The four bytes by which a program is told in the content digests of its events."""
    return blake2b(program.encode(errors="surrogatepass"), digest_size=PROGRAM_BYTES).digest()


def _content(document: dict[str, Any]) -> bytes:
    program = document.get("partitionkey")
    read = [document.get("type"), document.get("subject"), program, document.get("time"), document.get("data", {})]
    try:
        canonical = orjson.dumps(read, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits
        canonical = _canonical(read).encode()
    digest = blake2b(canonical, digest_size=16 - PROGRAM_BYTES).digest()
    return (program_digest(program) if isinstance(program, str) else NO_PROGRAM) + digest


def _without_id(raw: bytes, refusal: Refused | None) -> Input:
    digest = sha256(raw).digest()
    return Input(raw, "", digest[:16], NO_PROGRAM + digest[16:28], None, refusal)
