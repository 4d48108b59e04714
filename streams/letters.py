"""Dead letters on Kafka: what was refused, byte for byte, with the reason beside it; read, chosen, and sent again.

A dead letter is the record as it came: key, value and headers. Behind the headers it came with stand ours, named as
Kafka Streams names them (KIP-1034), so that other tools can read them, and two of Kindred's own:

================================  =====================================================================
``__streams.errors.exception``    the class of the error
``__streams.errors.message``      the reason, which never repeats what stood in the event
``__streams.errors.topic``        where the record lies: topic,
``__streams.errors.partition``    partition
``__streams.errors.offset``       and offset, as decimal digits
``__kindred.errors.code``         the code (``KND-...``)
``__kindred.errors.program``      the program, when the key and the event agree on one
================================  =====================================================================

KIP-1034 also has a ``stacktrace``: a refusal is no defect, and a trace could hold parts of the event; it is left out.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from matcher.errors import Refused
from streams.again import again_document, next_id, no_id
from streams.binary import CONTENT_TYPE, STRUCTURED, Record, program_of, read_record
from streams.connection import Connection
from streams.reach import PATIENCE_SECONDS
from streams.topics import DEAD_LETTERS
from streams.whole import Lying, Topic

EXCEPTION: Final = "__streams.errors.exception"
MESSAGE: Final = "__streams.errors.message"
TOPIC: Final = "__streams.errors.topic"
PARTITION: Final = "__streams.errors.partition"
OFFSET: Final = "__streams.errors.offset"
CODE: Final = "__kindred.errors.code"
PROGRAM: Final = "__kindred.errors.program"


class Origin(NamedTuple):
    """Where a refused record lies."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: the record as it came, where it lies, why it was refused, and when (epoch seconds).

    ``position`` names it: partition and offset in the topic of dead letters.
    """

    position: str
    at: int
    original: Record
    origin: Origin | None
    code: str
    reason: str
    program: str | None


def letter_record(original: Record, origin: Origin, code: str, reason: str) -> Record:
    """The record that keeps a refused one. What Kafka's clients cannot send, a null beside a null, becomes empty."""
    program = program_of(original, read_record(original))
    ours = {
        EXCEPTION: f"{Refused.__module__}.{Refused.__qualname__}",
        MESSAGE: reason,
        TOPIC: origin.topic,
        PARTITION: str(origin.partition),
        OFFSET: str(origin.offset),
        CODE: code,
        **({PROGRAM: program} if program else {}),
    }
    headers = [(name, value or b"") for name, value in original.headers]
    headers += [(name, value.encode()) for name, value in ours.items()]
    value = b"" if original.key is None and original.value is None else original.value
    return Record(original.key, value, headers)


def opened(record: Record, position: str, at: int) -> Letter:
    """The letter of a record of the topic of dead letters; what is missing in it is empty. Never raises."""
    names = [name for name, _ in record.headers]
    start = len(names) - names[::-1].index(EXCEPTION) - 1 if EXCEPTION in names else len(names)
    ours = {name: (value or b"").decode(errors="replace") for name, value in record.headers[start:]}
    origin = None
    if ours.get(PARTITION, "").isdecimal() and ours.get(OFFSET, "").isdecimal():
        origin = Origin(ours.get(TOPIC, ""), int(ours[PARTITION]), int(ours[OFFSET]))
    original = record._replace(headers=record.headers[:start])
    return Letter(position, at, original, origin, ours.get(CODE, ""), ours.get(MESSAGE, ""), ours.get(PROGRAM))


def read_letters(
    connection: Connection,
    wanted: Callable[[Letter], bool] = lambda letter: True,
    *,
    topic: str = DEAD_LETTERS,
    patience_seconds: float = PATIENCE_SECONDS,
    waiting: Callable[[str], None] | None = None,
) -> list[Letter]:
    """The dead letters that are ``wanted``, oldest first. One that was announced twice, after a crash, is there once.

    Raises Unreachable when no broker answers, ConfigurationError when there is no such topic. Cost: one reading of
    the topic; what is wanted is held.
    """
    whole = Topic(connection, topic, patience_seconds=patience_seconds, waiting=waiting)
    with closing(whole):
        letters = (((each.at, each.partition, each.offset), _letter(each)) for each in whole.records())
        found = [(place, each) for place, each in letters if wanted(each)]
    once = dict[Origin | str, Letter]()
    for _, letter in sorted(found, key=lambda each: each[0]):
        once.setdefault(letter.origin or letter.position, letter)
    return list(once.values())


def again(original: Record) -> Record:
    """The event under its next id; everything else as it came. Raises Refused when no id can be read."""
    headers = [name for name, _ in original.headers]
    if "ce_id" in headers and "ce_specversion" in headers:
        renamed = [(name, _renamed(value) if name == "ce_id" else value) for name, value in original.headers]
        return original._replace(headers=renamed)
    return original._replace(value=again_document(original.value or b""))


def from_journal(line: Mapping[str, Any], original: Record | None, topic: str, partition: int) -> Record:
    """The record of a dead letter that the journal has as a ``line``: of the record that it came in, ``original``.

    When that is no longer in its topic (None), what the journal kept takes its place, in structured mode.
    """
    if original is None:
        kept = line.get("original_base64")
        value = b64decode(kept) if isinstance(kept, str) else str(line.get("original", "")).encode()
        original = Record(_program(value), value, [(CONTENT_TYPE, STRUCTURED.encode())])
    return letter_record(original, Origin(topic, partition, int(line.get("offset", -1))), line["code"], line["reason"])


def _letter(lying: Lying) -> Letter:
    record = lying.record._replace(headers=list(lying.record.headers))  # as kafka-python sends them
    return opened(record, f"{lying.partition}:{lying.offset}", lying.at // 1000)


def _program(raw: bytes) -> bytes | None:
    """The key that a document should have had."""
    try:
        document = from_json(raw, allow_inf_nan=False)
    except ValueError:
        return None
    program = document.get("partitionkey") if isinstance(document, dict) else None
    return program.encode() if isinstance(program, str) else None


def _renamed(value: bytes) -> bytes:
    try:
        return next_id(value.decode()).encode()
    except UnicodeDecodeError:
        raise no_id() from None
