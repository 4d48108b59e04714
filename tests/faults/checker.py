"""An independent checker of everything that lies in the topics after a run: it shares no code with ``streams`` and none
with ``journal``; it reads the bytes with its own eyes.

Of the matcher it uses what has no part in deciding: how a fact is read, the audit, and which notice follows from a
fact. ``check`` gives each violation in words.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from typing import Any, NamedTuple
from zlib import crc32

from matcher.audit import Audit
from matcher.messages.facts import Fact, MatchActivated, MatchEnded, Told, read_fact
from matcher.messages.notices import notices
from matcher.program import Program


class Message(NamedTuple):
    """A record of a topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, b"").decode()


class Event(NamedTuple):
    """An event as a fact shows it."""

    program: str
    type: str
    subject: str
    time: str


@dataclass
class Counted:
    """A record of the journal that counts."""

    offset: int
    announced: int
    source: list[Any] | None
    facts: list[Fact]
    letters: list[dict[str, Any]]


@dataclass
class Topics:
    """What lies in the topics. ``journal`` and ``events`` by partition, in order; ``poisons`` are places of events."""

    journal: Mapping[int, Sequence[tuple[int, bytes]]]
    events: Sequence[Message]
    notices: Sequence[tuple[str, Message]]
    letters: Sequence[Message]
    acknowledged: set[tuple[str, str]] = field(default_factory=set)
    poisons: set[tuple[int, int]] = field(default_factory=set)
    partitions: int = 6
    believes_poisons: bool = True  # else any event may have been refused, but none both refused and taken


def check(topics: Topics) -> list[str]:
    """Every violation, in words."""
    counted, found = {}, list[str]()
    for partition, entries in sorted(topics.journal.items()):
        counted[partition] = list(_counted(partition, entries, found))
    facts = [fact for records in counted.values() for record in records for fact in record.facts]
    found += chain(
        _order(counted),
        _effects(topics, facts, counted),
        _promises(facts),
        _notices(topics, counted),
        _letters(topics, counted),
        _positions(topics, counted),
    )
    return found


def states(topics: Topics) -> dict[str, str]:
    """The hash of every program's state, folded from the facts."""
    programs: dict[str, Program] = {}
    for partition, entries in sorted(topics.journal.items()):
        for record in _counted(partition, entries, []):
            for fact in record.facts:
                programs.setdefault(fact.program, Program(fact.program)).evolve(fact)
    return {name: program.state_hash() for name, program in programs.items()}


def _counted(partition: int, entries: Sequence[tuple[int, bytes]], found: list[str]) -> Iterator[Counted]:
    """The records that count: an epoch begins with the first claim of its number, and has its records in a row."""
    epoch = seq = 0
    chained = bytes(16)
    for offset, body in entries:
        where = f"journal {partition}:{offset}"
        first, _, rest = body.partition(b"\n")
        if first.split()[-1] != b"%08x" % crc32(rest, crc32(first.split()[0])):
            found.append(f"{where}: the checksum does not hold")
            return
        header, _, lines = rest.partition(b"\n")
        about = json.loads(header)
        if about["kind"] == "claim":
            if about["epoch"] == epoch + 1:
                epoch, seq, chained = epoch + 1, 0, _link(chained, body)
            continue
        if (about["epoch"], about["seq"]) != (epoch, seq + 1):
            continue
        if bytes.fromhex(about["prev"]) != chained:
            found.append(f"{where}: the chain does not hold")
            return
        seq, chained = seq + 1, _link(chained, body)
        if about["kind"] == "record":
            yield _record(offset, about, lines)


def _link(chained: bytes, body: bytes) -> bytes:
    return blake2b(chained + body, digest_size=16).digest()


def _record(offset: int, about: dict[str, Any], lines: bytes) -> Counted:
    parts = lines.split(b"\n")
    facts, refused = about["facts"], about["refused"]
    letters = [json.loads(line) for line in parts[facts : facts + refused]]
    return Counted(offset, about["announced"], about["source"], list(map(read_fact, parts[:facts])), letters)


def _order(counted: Mapping[int, Sequence[Counted]]) -> Iterator[str]:
    """Facts of a program are numbered without a gap, and lie in one partition."""
    homes: dict[str, int] = {}
    numbers: Counter[str] = Counter()
    for partition, records in counted.items():
        for fact in (fact for record in records for fact in record.facts):
            if homes.setdefault(fact.program, partition) != partition:
                yield f"{fact.program} has facts in the partitions {homes[fact.program]} and {partition}"
            numbers[fact.program] += 1
            if fact.n != numbers[fact.program]:
                yield f"{fact.program}: fact {fact.n} stands where {numbers[fact.program]} should"


def _effects(topics: Topics, facts: Sequence[Fact], counted: Mapping[int, Sequence[Counted]]) -> Iterator[str]:
    """Every event has its effect once: it was told once, or refused, and nothing was told that nobody sent."""
    sent: dict[tuple[str, str], Event] = {}
    for message in topics.events:
        if (message.partition, message.offset) not in topics.poisons:
            sent[_id(message)] = _event(message)
    for id_ in sorted(topics.acknowledged - sent.keys()):
        yield f"the event {id_} was acknowledged and is not in the topic"
    told = Counter(
        Event(fact.program, fact.type, fact.data.subject, _text(fact)) for fact in facts if isinstance(fact.data, Told)
    )
    due = Counter(sent.values())
    refused = Counter() if topics.believes_poisons else _refused(topics, counted)
    for event in sorted(due.keys() | told.keys()):
        if told[event] + refused[event] != due[event]:
            yield f"{event} was sent {due[event]} times, told {told[event]} and refused {refused[event]} times"


def _refused(topics: Topics, counted: Mapping[int, Sequence[Counted]]) -> Counter[Event]:
    by_place = {(message.partition, message.offset): message for message in topics.events}
    refused: Counter[Event] = Counter()
    for partition, records in counted.items():
        for letter in (letter for record in records for letter in record.letters):
            if (partition, letter["offset"]) not in topics.poisons:
                refused[_event(by_place[partition, letter["offset"]])] += 1
    return refused


def _promises(facts: Sequence[Fact]) -> Iterator[str]:
    """The audit's books, and by hand the two that matter most."""
    books: dict[str, Audit] = {}
    active: dict[tuple[str, str], str] = {}
    for fact in facts:
        audit = books.setdefault(fact.program, Audit(fact.program))
        yield from audit.take(fact)
        match fact.data:
            case MatchActivated(match=name, newcomer=newcomer):
                if active.setdefault((fact.program, newcomer), name) != name:
                    yield f"{fact.program}: {newcomer} has two active mentors"
            case MatchEnded(newcomer=newcomer):
                active.pop((fact.program, newcomer), None)
    for audit in books.values():
        yield from audit.rest()


def _notices(topics: Topics, counted: Mapping[int, Sequence[Counted]]) -> Iterator[str]:
    """Every notice is there, at least once, and never with another content."""
    there: dict[str, tuple[str, dict[str, Any]]] = {}
    for topic, message in topics.notices:
        found = topic, _document(message)
        if there.setdefault(message.header("ce_id"), found) != found:
            yield f"the notice {message.header('ce_id')} is there with two contents"
        if message.key != found[1]["partitionkey"].encode():
            yield f"the notice {message.header('ce_id')} has the key {message.key!r}"
    expected = dict[str, dict[str, Any]]()
    for record in chain.from_iterable(counted.values()):
        for fact in record.facts:
            expected |= {notice["id"]: notice for notice in notices(fact)}
    for id_ in sorted(expected.keys() - there.keys()):
        yield f"the notice {id_} is missing"
    for id_ in sorted(there.keys() - expected.keys()):
        yield f"the notice {id_} follows from no fact that counts"
    for id_ in sorted(there.keys() & expected.keys()):
        topic, document = there[id_]
        if document != expected[id_]:
            yield f"the notice {id_} says something else than its fact"
        if topic != ("kindred.alerts" if document["type"].startswith("kindred.alert.") else "kindred.matches"):
            yield f"the notice {id_} is in {topic}"


def _letters(topics: Topics, counted: Mapping[int, Sequence[Counted]]) -> Iterator[str]:
    """Dead letters are the poisons, byte for byte, with their reasons."""
    events = {(message.partition, message.offset): message for message in topics.events}
    said = {
        (partition, letter["offset"]): letter["code"]
        for partition, records in counted.items()
        for record in records
        for letter in record.letters
    }
    there = set[tuple[int, int]]()
    for letter in topics.letters:
        place = int(letter.header("__streams.errors.partition")), int(letter.header("__streams.errors.offset"))
        there.add(place)
        event = events.get(place)
        if event is None:
            yield f"the dead letter of {place} is of no event"
        elif (letter.key, letter.value, letter.headers[: len(event.headers)]) != (
            event.key,
            event.value,
            event.headers,
        ):
            yield f"the dead letter of {place} is not the event byte for byte"
        if said.get(place) != letter.header("__kindred.errors.code"):
            yield f"the dead letter of {place} has another code than the journal"
    poisons = topics.poisons if topics.believes_poisons else topics.poisons | said.keys()
    for place in sorted(poisons - there):
        yield f"the poison at {place} is no dead letter"
    for place in sorted(there - poisons):
        yield f"the dead letter of {place} is no poison"


def _positions(topics: Topics, counted: Mapping[int, Sequence[Counted]]) -> Iterator[str]:
    """The journals have read every event, and their position never goes back."""
    ends: Counter[int] = Counter()
    for message in topics.events:
        ends[message.partition] = max(ends[message.partition], message.offset + 1)
    for partition in range(topics.partitions):
        position = 0
        for record in counted.get(partition, ()):
            if record.source is not None:
                if record.source[3] <= position:
                    yield f"journal {partition}:{record.offset} goes from {position} to {record.source[3]}"
                position = record.source[3]
        if position < ends[partition]:
            yield f"journal {partition} has read up to {position} of {ends[partition]}"


def _id(message: Message) -> tuple[str, str]:
    return message.header("ce_source"), message.header("ce_id")


def _event(message: Message) -> Event:
    type_ = message.header("ce_type").removeprefix("kindred.").removesuffix(".v1")
    return Event(message.header("ce_partitionkey"), type_, message.header("ce_subject"), message.header("ce_time"))


def _text(fact: Fact) -> str:
    """When the told event happened, as its platform wrote it: whole seconds, in UTC."""
    assert isinstance(fact.data, Told)
    return str(json.loads(fact.line())["data"]["time"])


def _document(message: Message) -> dict[str, Any]:
    attributes = {name[3:]: value.decode() for name, value in message.headers if name.startswith("ce_")}
    return {**attributes, "datacontenttype": message.header("content-type"), "data": json.loads(message.value)}
