"""What platforms send during a run: eight programs' events in their order, with poisons, repeats and transactions.

Everything follows from the seed. The order of a program's events in its partition is theirs: whoever sends a part of
them that was interrupted sends it again from its beginning.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError

from matcher.cohort import cohort
from tests.faults.checker import Message

PROGRAMS = ("river", "harbor", "summit", "willow", "prairie", "beacon", "canyon", "ember")  # in all six partitions
TRANSACTING = PROGRAMS[-1]  # its platform sends in transactions
SEND_SECONDS = 90  # a cluster that restarts is back within half of it


class Sent(NamedTuple):
    """Something to send; ``poison`` when it must become a dead letter."""

    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    poison: bool = False


def parts(seed: int, count: int, *, members: int = 30, mentors: int = 6, days: int = 40) -> list[list[Sent]]:
    """All good events by time, in ``count`` parts, each with some poisons among them."""
    end = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime())
    documents = [event for name in PROGRAMS for event in cohort(name, members, mentors, days, seed, end)]
    documents.sort(key=lambda event: str(event["time"]))
    dice, size = Random(seed), -(-len(documents) // count)
    cut = [[good(document) for document in documents[start : start + size]] for start in range(0, len(documents), size)]
    for number, part in enumerate(cut):
        for kind in dice.sample(POISONS, k=dice.randint(0, 2)):
            part.insert(dice.randrange(len(part) + 1), kind(f"poison-{number}", dice.choice(PROGRAMS)))
    return cut


def good(document: dict[str, Any]) -> Sent:
    """An event in binary mode."""
    headers = [(f"ce_{name}", str(value).encode()) for name, value in document.items() if name not in NOT_HEADERS]
    headers.append(("content-type", b"application/json"))
    return Sent(str(document["partitionkey"]).encode(), json.dumps(document["data"]).encode(), tuple(headers))


NOT_HEADERS = ("data", "datacontenttype")


def _event(id_: str, program: str, subject: str = "nobody", data: object = None) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "/poisons",
        "type": "kindred.progress.checked_in.v1",
        "subject": subject,
        "partitionkey": program,
        "time": time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(time.time() - 86_400 * 60)),
        "data": data or {"mood": 5, "craving": 2},
    }


def _unknown_member(id_: str, program: str) -> Sent:
    return good(_event(f"{id_}-member", program))._replace(poison=True)


def _no_json(id_: str, program: str) -> Sent:
    return good(_event(f"{id_}-json", program))._replace(value=b"\x00{not json", poison=True)


def _wrong_key(id_: str, program: str) -> Sent:
    return good(_event(f"{id_}-key", program))._replace(key=b"another-program", poison=True)


def _huge(id_: str, program: str) -> Sent:
    return good(_event(f"{id_}-huge", program, data={"pad": "x" * 900_000}))._replace(poison=True)


def _bare(id_: str, program: str) -> Sent:
    return Sent(program.encode(), f"bare {id_}".encode(), (), poison=True)


POISONS = (_unknown_member, _no_json, _wrong_key, _huge, _bare)


class Platforms:
    """The senders: one that waits for every acknowledgement, and one that sends in transactions."""

    def __init__(self, brokers: str, seed: int) -> None:
        self._settings: dict[str, Any] = {
            "bootstrap_servers": brokers.split(","),
            "acks": "all",
            "delivery_timeout_ms": SEND_SECONDS * 1000,
            "max_request_size": 2_000_000,
            "allow_auto_create_topics": False,
            "linger_ms": 2,
        }
        self._dice = Random(seed)
        self._plain = KafkaProducer(**self._settings)
        self._transacting: KafkaProducer | None = None
        self.acknowledged = set[tuple[str, str]]()
        self.poisons = set[tuple[int, int]]()
        self._earlier = list[Sent]()

    def send(self, part: Sequence[Sent]) -> None:
        """Send a part, and some of what was sent before once more."""
        again = self._dice.sample(self._earlier, k=min(len(self._earlier), len(part) // 10))
        transacted = [each for each in part if each.key == TRANSACTING.encode() and not each.poison]
        self._plainly([each for each in part if each not in transacted] + again)
        self._in_transactions(transacted)
        self._earlier += [each for each in part if not each.poison and each.key != TRANSACTING.encode()]

    def close(self) -> None:
        for producer in (self._plain, self._transacting):
            if producer is not None:
                producer.close(timeout=2)

    def _plainly(self, sent: Sequence[Sent]) -> None:
        futures = [self._put(self._plain, each) for each in sent]
        for each, future in zip(sent, futures, strict=True):
            about = future.get(timeout=SEND_SECONDS)
            if each.poison:
                self.poisons.add((about.partition, about.offset))
            else:
                self.acknowledged.add(_id(each))

    def _in_transactions(self, sent: Sequence[Sent]) -> None:
        """In transactions, of which one in three is aborted first; after a failure all of it is sent again."""
        if not sent:
            return
        until = time.monotonic() + SEND_SECONDS
        while True:
            try:
                producer = self._transaction()
                if self._dice.random() < 0.3:
                    producer.begin_transaction()
                    for each in sent:
                        self._put(producer, each)
                    producer.flush()
                    producer.abort_transaction()
                producer.begin_transaction()
                futures = [self._put(producer, each) for each in sent]
                producer.flush()
                for future in futures:
                    future.get(timeout=SEND_SECONDS)
                producer.commit_transaction()
            except KafkaError:
                assert time.monotonic() < until, "no transaction came through"
                with suppress(KafkaError, AssertionError):
                    self._transacting.close(timeout=1) if self._transacting else None
                self._transacting = None
                time.sleep(0.5)
                continue
            self.acknowledged |= set(map(_id, sent))
            return

    def _transaction(self) -> KafkaProducer:
        if self._transacting is None:
            settings = {**self._settings, "request_timeout_ms": 10_000, "delivery_timeout_ms": 30_000}
            self._transacting = KafkaProducer(**settings, transactional_id="platform-h", transaction_timeout_ms=20_000)
            self._transacting.init_transactions()
        return self._transacting

    @staticmethod
    def _put(producer: KafkaProducer, each: Sent) -> Any:
        return producer.send("kindred.events", each.value, key=each.key, headers=list(each.headers))


def lines(part: Sequence[Sent], path: Path) -> Path:
    """The good events of a part as a file for ``kindred publish``."""
    with path.open("w") as file:
        for each in part:
            if not each.poison:
                attributes = {name[3:]: value.decode() for name, value in each.headers if name.startswith("ce_")}
                file.write(json.dumps({**attributes, "data": json.loads(each.value)}) + "\n")
    return path


def everything(brokers: str, topic: str) -> Iterator[Message]:
    """All committed records of a topic."""
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(
        bootstrap_servers=brokers.split(","), group_id=None, isolation_level="read_committed", enable_auto_commit=False
    )
    try:
        where = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(where)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(where)
        while any(consumer.position(each) < end for each, end in ends.items()):
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    yield Message(
                        record.partition, record.offset, record.key, record.value or b"", tuple(record.headers)
                    )
    finally:
        consumer.close()


def _id(sent: Sent) -> tuple[str, str]:
    headers = dict(sent.headers)
    return headers["ce_source"].decode(), headers["ce_id"].decode()
