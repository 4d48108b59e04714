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

**Sent again** is an event under a new id, made of the old one: ``e-7~again-1``. Kindred remembers what it refused, as
it remembers what it took, so the same event under its old id would do nothing (docs/adr/0004). The new id is the same
however often a letter is sent again, so that is done once.
"""

from __future__ import annotations

import re
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition, errors
from pydantic_core import from_json, to_json

from matcher.errors import Refused, code
from streams.binary import CONTENT_TYPE, STRUCTURED, Record, program_of, read_record
from streams.connection import Connection
from streams.reach import no_topic, reach, told
from streams.topics import DEAD_LETTERS

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

NO_ID = code(
    "KND-letter-no-id",
    "The dead letter has no id that can be read, so it cannot be sent again under another. Publish the event anew.",
)

EXCEPTION: Final = "__streams.errors.exception"
MESSAGE: Final = "__streams.errors.message"
TOPIC: Final = "__streams.errors.topic"
PARTITION: Final = "__streams.errors.partition"
OFFSET: Final = "__streams.errors.offset"
CODE: Final = "__kindred.errors.code"
PROGRAM: Final = "__kindred.errors.program"

READ_SECONDS: Final = 30.0  # between two pages; a page takes milliseconds, so this is a broker that went away
AGAIN: Final = re.compile(r"(?P<id>.*)~again-(?P<times>[1-9]\d{0,5})", re.DOTALL)


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


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters are meant; None means all. ``since`` and ``until`` are epoch seconds, the second excluded."""

    code: str | None = None
    program: str | None = None
    since: int | None = None
    until: int | None = None
    positions: frozenset[str] = frozenset()

    def has(self, letter: Letter) -> bool:
        """Whether this letter is meant."""
        return (
            self.code in (None, letter.code)
            and self.program in (None, letter.program)
            and (self.since is None or letter.at >= self.since)
            and (self.until is None or letter.at < self.until)
            and (not self.positions or letter.position in self.positions)
        )


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


def read_letters(connection: Connection, choice: Choice | None = None, topic: str = DEAD_LETTERS) -> list[Letter]:
    """The chosen dead letters, oldest first. One that was announced twice, after a crash, is there once.

    Raises Unreachable when no broker answers, ConfigurationError when there is no such topic. Cost: one reading of
    the topic; the chosen ones are held.
    """
    consumer = reach(lambda ms: _consumer(connection, ms), connection.brokers)
    try:
        letters = list(_every(consumer, topic))
    except errors.KafkaError as trouble:
        raise told(trouble, topic) from None
    finally:
        consumer.close(autocommit=False)
    chosen = choice or Choice()
    once = {each.origin or each.position: each for each in reversed(letters)}  # the first of each wins
    return sorted((each for each in once.values() if chosen.has(each)), key=_place)


def again(original: Record) -> Record:
    """The event under its next id; everything else as it came. Raises Refused when no id can be read."""
    headers = [name for name, _ in original.headers]
    if "ce_id" in headers and "ce_specversion" in headers:
        renamed = [(name, _renamed(value) if name == "ce_id" else value) for name, value in original.headers]
        return original._replace(headers=renamed)
    return original._replace(value=again_document(original.value or b""))


def again_document(raw: bytes) -> bytes:
    """The event of a document under its next id. Raises Refused when no id can be read."""
    try:
        document: Any = from_json(raw, allow_inf_nan=False)
    except ValueError:
        raise _no_id() from None
    if not isinstance(document, dict) or not isinstance(document.get("id"), str):
        raise _no_id()
    return to_json(document | {"id": next_id(document["id"])})


def next_id(id_: str) -> str:
    """The id under which an event is sent again: ``e-7`` → ``e-7~again-1`` → ``e-7~again-2``."""
    before = AGAIN.fullmatch(id_)
    return f"{before['id']}~again-{int(before['times']) + 1}" if before else f"{id_}~again-1"


def from_journal(line: Mapping[str, Any], original: Record | None, topic: str, partition: int) -> Record:
    """The record of a dead letter that the journal has as a ``line``: of the record that it came in, ``original``.

    When that is no longer in its topic (None), what the journal kept takes its place, in structured mode.
    """
    if original is None:
        kept = line.get("original_base64")
        value = b64decode(kept) if isinstance(kept, str) else str(line.get("original", "")).encode()
        original = Record(None, value, [(CONTENT_TYPE, STRUCTURED.encode())])
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


def _every(consumer: KafkaConsumer, topic: str) -> Iterator[Letter]:
    """Every letter that is there now."""
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
            yield from (_letter(record) for record in records)
        if time.monotonic() > until:
            raise errors.KafkaTimeoutError("the brokers gave nothing more")


def _letter(record: ConsumerRecord) -> Letter:
    kept = Record(record.key, record.value, record.headers)
    return opened(kept, f"{record.partition}:{record.offset}", record.timestamp // 1000)


def _place(letter: Letter) -> tuple[int, ...]:
    return (letter.at, *map(int, letter.position.split(":")))


def _renamed(value: bytes) -> bytes:
    try:
        return next_id(value.decode()).encode()
    except UnicodeDecodeError:
        raise _no_id() from None


def _no_id() -> Refused:
    return Refused(NO_ID, "no id can be read in it, so it cannot be sent again: publish the event anew")
