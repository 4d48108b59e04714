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

import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition, errors
from pydantic_core import from_json

from matcher.errors import Refused
from streams.again import again_document, next_id, no_id
from streams.binary import CONTENT_TYPE, STRUCTURED, Record, program_of, read_record
from streams.connection import Connection
from streams.reach import PATIENCE_SECONDS, no_topic, reach, told
from streams.topics import DEAD_LETTERS

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

EXCEPTION: Final = "__streams.errors.exception"
MESSAGE: Final = "__streams.errors.message"
TOPIC: Final = "__streams.errors.topic"
PARTITION: Final = "__streams.errors.partition"
OFFSET: Final = "__streams.errors.offset"
CODE: Final = "__kindred.errors.code"
PROGRAM: Final = "__kindred.errors.program"

READ_SECONDS: Final = 30.0  # between two pages; a page takes milliseconds, so this is a broker that went away


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
    consumer = reach(
        lambda ms: _consumer(connection, ms), connection.brokers, patience_seconds=patience_seconds, waiting=waiting
    )
    try:
        found = [(place, each) for place, each in _every(consumer, topic) if wanted(each)]
    except errors.KafkaError as trouble:
        raise told(trouble, topic) from None
    finally:
        consumer.close(autocommit=False)
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


def _consumer(connection: Connection, bootstrap_ms: int) -> KafkaConsumer:
    return KafkaConsumer(
        **connection.kafka_python(),
        bootstrap_timeout_ms=bootstrap_ms,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        allow_auto_create_topics=False,
    )


def _every(consumer: KafkaConsumer, topic: str) -> Iterator[tuple[tuple[int, int, int], Letter]]:
    """Every letter that is there now, with what orders it: milliseconds, partition, offset."""
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise no_topic(topic)
    partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
    consumer.assign(partitions)
    firsts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, firsts[partition])
    until = time.monotonic() + READ_SECONDS
    while any(consumer.position(each) < ends[each] for each in partitions):
        for records in consumer.poll(timeout_ms=500).values():
            until = time.monotonic() + READ_SECONDS
            yield from (((each.timestamp, each.partition, each.offset), _letter(each)) for each in records)
        if time.monotonic() > until:
            raise errors.KafkaTimeoutError("the brokers gave nothing more")


def _letter(record: ConsumerRecord) -> Letter:
    kept = Record(record.key, record.value, record.headers)
    return opened(kept, f"{record.partition}:{record.offset}", record.timestamp // 1000)


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
