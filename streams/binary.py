"""CloudEvents on Kafka: binary mode, which Kindred writes; structured mode, which it reads as well.

In binary mode the attributes are headers (``ce_id``, ``ce_type``, ...), the value is the data as JSON, and
``content-type`` says so. In structured mode the value is the whole document and ``content-type`` is
``application/cloudevents+json``. In both the record's key is the program: the key decides the partition, and a
partition is where a program lives, so an event with another key must never reach its program's journal.

A record becomes the same input as the same event in a file. Nothing raises when reading: what is wrong is a refusal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

import orjson
from pydantic_core import from_json

from matcher.errors import Refused, code
from matcher.instants import format_instant
from matcher.messages.catalog import MALFORMED, Event
from matcher.messages.envelope import long_type
from streams.intake import (
    EVENT_BYTES_MAX,
    KEPT_BYTES,
    NO_PROGRAM,
    PROGRAM_BYTES,
    Input,
    oversized,
    program_digest,
    read_document,
    read_input,
)

WRONG_KEY = code(
    "KND-wrong-key",
    "The Kafka record has no key, or one that is not the program of its event (partitionkey), or lies in a partition "
    "that is not the key's. Publish it with the program as its key, and let the client choose the partition.",
)

Headers = Sequence[tuple[str, bytes]]

STRUCTURED: Final = "application/cloudevents+json"
JSON: Final = "application/json"
PREFIX: Final = "ce_"
CONTENT_TYPE: Final = "content-type"

_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class Record(NamedTuple):
    """What Kafka keeps of a message."""

    key: bytes | None
    value: bytes | None
    headers: Headers


class Place(NamedTuple):
    """Where a record lies: a partition, of so many."""

    partition: int
    partitions: int


def binary(document: Mapping[str, object]) -> Record:
    """The record of a CloudEvents document in binary mode. Raises ValueError for what JSON in UTF-8 cannot hold.

    Attributes that are not text, a number or a truth value are no CloudEvents attributes, and are left out.
    """
    headers = [
        (f"{PREFIX}{name}", _text(value).encode()) for name, value in document.items() if _is_attribute(name, value)
    ]
    headers.append((CONTENT_TYPE, str(document.get("datacontenttype", JSON)).encode()))
    return Record(_key(document), _compact(document.get("data", {})).encode(), headers)


def structured(document: Mapping[str, object]) -> Record:
    """The record of a CloudEvents document in structured mode. Raises ValueError as ``binary`` does."""
    return Record(_key(document), _compact(document).encode(), [(CONTENT_TYPE, STRUCTURED.encode())])


def document_of(event: Event) -> dict[str, object]:
    """The CloudEvents document of an event."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": long_type(event.type),
        "subject": event.subject,
        "partitionkey": event.program,
        "time": format_instant(event.time),
        "datacontenttype": JSON,
        "data": event.data.model_dump(mode="json", exclude_unset=True),
    }


def read_record(record: Record, place: Place | None = None) -> Input:
    """The input that this record is; whatever is wrong with it is its ``refusal``.

    An input of which no id can be read, or whose key is not its program, is known by all bytes of the record: the
    same event with the right key is another input, and is not held up by the memory of this one.
    """
    try:
        parts = _parts(record)
        raw, document = joined(*parts) if parts else (record.value or b"", None)
    except Refused as refusal:
        return _unreadable(record, refusal)
    item = read_input(raw) if document is None or len(raw) > EVENT_BYTES_MAX else read_document(raw, document)
    if item.event is not None and (trouble := _misplaced(record.key, item.event.program, place)):
        return _unreadable(record, Refused(WRONG_KEY, trouble))
    return item


def structured_form(record: Record) -> bytes:
    """The document of a record in either mode, as bytes of JSON. Raises Refused."""
    parts = _parts(record)
    return joined(*parts)[0] if parts else record.value or b""


def joined(attributes: Mapping[str, str], kind: str, body: bytes) -> tuple[bytes, dict[str, object]]:
    """The document of an event in binary mode, on Kafka as over HTTP, of its attributes, content type and data.

    As bytes of JSON, and parsed. Raises Refused (KND-malformed). The body is one JSON value and nothing behind it: it
    adds no attributes.
    """
    data = body or b"{}"
    try:
        parsed = from_json(data, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        raise Refused(MALFORMED, "in binary mode the body is the event's data, in JSON") from None
    document: dict[str, object] = {**attributes, "datacontenttype": kind.partition(";")[0].strip()}
    return orjson.dumps(document)[:-1] + b',"data":' + data + b"}", {**document, "data": parsed}


def program_of(record: Record, item: Input) -> str | None:
    """The program that a record is of, when both its key and its event say so."""
    key = (record.key or b"").decode(errors="replace")
    named = item.content[:PROGRAM_BYTES]
    return key if named != NO_PROGRAM and named == program_digest(key) else None


@lru_cache(maxsize=16_384)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as every Kafka client chooses it: murmur2, the sign cut off, modulo."""
    from kafka.partitioner import murmur2  # a sixth of a second, and HTTP shares this module without Kafka

    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def _parts(record: Record) -> tuple[dict[str, str], str, bytes] | None:
    """Attributes, content type and data of a record in binary mode; None in structured mode. Raises Refused."""
    headers, body = _decoded(record.headers), record.value or b""
    if len(body) > EVENT_BYTES_MAX:  # before anything is made of it
        raise _too_large(len(body))
    kind = headers.pop(CONTENT_TYPE, JSON)
    if f"{PREFIX}specversion" not in headers or kind.partition(";")[0].strip().lower() == STRUCTURED:
        return None
    return {name[len(PREFIX) :]: value for name, value in headers.items()}, kind, body


def _key(document: Mapping[str, object]) -> bytes:
    return str(document.get("partitionkey", "")).encode()


def _is_attribute(name: str, value: object) -> bool:
    return name not in ("data", "datacontenttype") and isinstance(value, str | int)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decoded(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """The headers that say something of the event. Raises Refused (KND-malformed) for those that cannot be read."""
    found = dict[str, str]()
    for name, value in headers:
        if name != CONTENT_TYPE and not name.startswith(PREFIX):
            continue
        if name in found:
            raise Refused(MALFORMED, "a header of the event stands there twice: send each attribute once")
        try:
            found[name] = (value or b"").decode()
        except UnicodeDecodeError:
            raise Refused(MALFORMED, "a header of the event is not UTF-8: send attributes as text") from None
    return found


def _misplaced(key: bytes | None, program: str, place: Place | None) -> str | None:
    if not key:
        return "the record has no key: it is the event's program, as in partitionkey"
    if key != program.encode():
        return "the record's key is not the program of its event (partitionkey)"
    if place is not None and partition_of(key, place.partitions) != place.partition:
        return f"the record lies in partition {place.partition}, which is not its key's: let the client choose"
    return None


def _too_large(size: int) -> Refused:
    refusal = oversized(b"", size, b"").refusal
    assert refusal is not None
    return refusal


def _unreadable(record: Record, refusal: Refused) -> Input:
    body, digest = record.value or b"", _digest(record)
    refused = refusal.with_traceback(None)
    if len(body) > EVENT_BYTES_MAX:
        whole = oversized(body[:KEPT_BYTES], len(body), sha256(body).digest())
        return whole._replace(key=digest[:16], content=NO_PROGRAM + digest[16:28])
    return Input(body, "", digest[:16], NO_PROGRAM + digest[16:28], None, refused)


def _digest(record: Record) -> bytes:
    parts = [record.key or b"", record.value or b""]
    for name, value in record.headers:
        parts += [name.encode(errors="surrogatepass"), value or b""]
    return sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).digest()
