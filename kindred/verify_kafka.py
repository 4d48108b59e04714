"""An independent check of everything on Kafka: do journals, notices and dead letters say the same, and is it possible?

The journals are checked as those of data folders are (``kindred.verify``). Notices are looked up in their topics: each
that is there must follow from a fact that counts, with the same id and the same content; each that a journal says is
announced must be there. The same holds of the dead letters.

Workers may be at work meanwhile. So the journals are looked at twice: what the first look says is announced must be in
the topics, and what is in the topics must be in the journals of the second look.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from journal.kafka import KafkaJournal
from journal.port import Journal
from journal.reader import Reader, Recorded
from kindred.verify import Log, check_log
from matcher.messages.facts import read_fact
from matcher.messages.notices import notices
from streams.announcing import topic_of
from streams.binary import partition_of, structured_form
from streams.connection import Connection
from streams.letters import Letter, opened
from streams.topics import ALERTS, DEAD_LETTERS, EVENTS, JOURNAL, MATCHES
from streams.whole import Topic

DIGEST_BYTES: Final = 16
Place = tuple[int, int]  # partition and offset of an event


@dataclass
class Told:
    """What lies in the topics: notices by id (topic and content), dead letters by the place of their event (code)."""

    notices: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    letters: dict[Place, str] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)


def violations(connection: Connection) -> Iterator[str]:
    """Each way in which the topics do not hold together, in words; nothing when everything holds.

    Raises SafeHalt when a journal is damaged or newer, Unreachable or ConfigurationError when topics cannot be read.
    Cost: some six readings of the journals, one of the other topics; 100 bytes a notice.
    """
    with ExitStack() as stack:
        journal = stack.enter_context(closing(Topic(connection, JOURNAL)))
        homes: list[Journal] = [
            stack.enter_context(closing(KafkaJournal(connection.aiokafka(), JOURNAL, number)))
            for number in range(journal.partitions)
        ]
        announced = [_announced(home) for home in homes]
        told = Told()
        for name in (MATCHES, ALERTS, DEAD_LETTERS):
            with closing(Topic(connection, name)) as topic:
                yield from _read(topic, told)
        yield from _check(homes, announced, told)


def _check(homes: Sequence[Journal], announced: Sequence[int], told: Told) -> Iterator[str]:
    whole = True
    for number, home in enumerate(homes):
        log = Log(home)
        folded, _ = yield from check_log(log)
        whole = whole and log.beginning() is None
        for program in sorted(folded.programs):
            if partition_of(program.encode(), len(homes)) != number:
                yield f"{program}: its facts are in partition {number}, which is not its own"
        for record in log.records():
            yield from _followed(record, number, announced[number], told)
    if whole:  # else what is left may follow from facts that were truncated
        yield from (f"{topic}: the notice {id_} follows from no fact" for id_, (topic, _) in told.notices.items())
        yield from (f"{DEAD_LETTERS}: that of event {place} is in no journal" for place in told.letters)


def _announced(home: Journal) -> int:
    """The last record of which the journal says that everything is sent."""
    reader = Reader(home)
    for _ in reader.counted():
        pass
    return reader.tally.announced


def _read(topic: Topic, told: Told) -> Iterator[str]:
    if topic.is_whole:
        told.whole.add(topic.name)
    for each in topic.records():
        if topic.name == DEAD_LETTERS:
            yield from _take_letter(opened(each.record, f"{each.partition}:{each.offset}", 0), told)
            continue
        document = json.loads(structured_form(each.record))
        found = topic.name, _digest(document)
        if told.notices.setdefault(document["id"], found) != found:
            yield f"{topic.name}: the notice {document['id']} is there twice, and not the same"


def _take_letter(letter: Letter, told: Told) -> Iterator[str]:
    if letter.origin is None:
        yield f"{DEAD_LETTERS}: the letter {letter.position} does not say where its event lies"
    else:
        told.letters[letter.origin.partition, letter.origin.offset] = letter.code


def _followed(record: Recorded, partition: int, announced: int, told: Told) -> Iterator[str]:
    """Whether what follows from a record is in the topics; what is found is taken out of ``told``."""
    must = record.position <= announced
    for fact in map(read_fact, record.batch.facts):
        for notice in notices(fact):
            topic = topic_of(notice["type"])
            found = told.notices.pop(notice["id"], None)
            if found is None and must and topic in told.whole:
                yield f"{topic}: the notice {notice['id']} is not there, and the journal says that it was sent"
            if found is not None and found != (topic, _digest(notice)):
                yield f"{found[0]}: the notice {notice['id']} says something else than its fact"
    for line in record.batch.refused:
        letter = json.loads(line)
        code = told.letters.pop((partition, letter.get("offset", -1)), None)
        if code is None and must and DEAD_LETTERS in told.whole:
            yield f"{DEAD_LETTERS}: that of {EVENTS} {partition}:{letter.get('offset')} is not there"
        if code not in (None, letter["code"]):
            yield f"{DEAD_LETTERS}: that of {EVENTS} {partition}:{letter.get('offset')} has another code"


def _digest(document: dict[str, Any]) -> bytes:
    canonical = json.dumps(document, sort_keys=True).encode()
    return blake2b(canonical, digest_size=DIGEST_BYTES).digest()
