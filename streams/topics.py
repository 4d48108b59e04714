"""Kindred's topics on Kafka: what they must be like, how they are made, and what is wrong with those that are there.

====================  =============================================  ==============  ==============================
topic                 what it holds                                  key             how long
====================  =============================================  ==============  ==============================
kindred.events        what platforms tell                            program         ``retention_hours``
kindred.journal       what was decided: the memory (docs/adr/0006)   none            for ever; workers truncate it
kindred.matches       notices about matches, mentors and waiting     program         ``retention_hours``
kindred.alerts        notices that ask a person to do something      program         ``retention_hours``
kindred.dead-letters  what was refused, byte for byte                the original's  ``retention_hours``
====================  =============================================  ==============  ==============================

A partition of the journal belongs to the same partition of the events, so both have the same number, for life: with
another one, programs would move to partitions that know nothing of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import closing
from typing import Any, Final, NamedTuple

from kafka import errors
from kafka.admin import ConfigResource, KafkaAdminClient

from matcher.errors import ConfigurationError, code
from streams.connection import Connection
from streams.reach import PATIENCE_SECONDS, reach, told

TOPICS_WRONG = code(
    "KND-topics-wrong",
    "The Kafka topics are not as Kindred needs them, and a worker does not start on them. The message says what is "
    "wrong and which command mends it; `kindred topics check` lists everything.",
)

EVENTS: Final = "kindred.events"
JOURNAL: Final = "kindred.journal"
MATCHES: Final = "kindred.matches"
ALERTS: Final = "kindred.alerts"
DEAD_LETTERS: Final = "kindred.dead-letters"
NAMES: Final = (EVENTS, JOURNAL, MATCHES, ALERTS, DEAD_LETTERS)

PARTITIONS: Final = 12  # 1,000 programs and more spread evenly over a dozen workers; a number for life
REPLICAS_MAX: Final = 3
RETENTION_HOURS: Final = 168  # a week: a long weekend of workers that are down, and a month's end for who was erased
MESSAGE_BYTES: Final = 1_048_588  # Kafka's own default, and above ENTRY_BYTES_MAX of the journal
DEAD_LETTER_BYTES: Final = 2 * MESSAGE_BYTES  # the largest message there is, and headers that say what was wrong
SEGMENTS: Final = 8  # a record goes with its whole segment: an eighth of the time passes until a segment is full
SETTLE_SECONDS: Final = 10.0  # brokers hear of a change within milliseconds, or of little else
MEND: Final = "kindred topics create --mend"
_HOUR_MS: Final = 3_600_000


class Fault(NamedTuple):
    """What is wrong with a topic, and the command that mends it."""

    topic: str
    what: str
    mend: str


class Made(NamedTuple):
    """What ``create_topics`` did about a topic: made, mended, or nothing because it was there."""

    topic: str
    did: str


class Topic(NamedTuple):
    """A topic as it is: its partitions, the fewest replicas that one of them has, and the settings in force."""

    partitions: int
    replicas: int
    settings: Mapping[str, str]


def needed(topic: str, replicas: int) -> dict[str, str]:
    """The settings without which a topic is wrong."""
    settings = {
        "cleanup.policy": "delete",
        "max.message.bytes": str(DEAD_LETTER_BYTES if topic == DEAD_LETTERS else MESSAGE_BYTES),
        "min.insync.replicas": str(max(1, replicas - 1)),
        "message.timestamp.type": "LogAppendTime",  # what retention and the wall clock go by, not publishers' clocks
        "unclean.leader.election.enable": "false",
    }
    if topic == JOURNAL:
        settings |= {"retention.ms": "-1", "retention.bytes": "-1"}
    if topic == EVENTS:
        settings["compression.type"] = "uncompressed"  # whatever publishers compress with, a worker can read it
    return settings


def chosen(topic: str, retention_hours: int) -> dict[str, str]:
    """The settings with which a topic is made, besides those it needs. An operator may change them.

    Kafka deletes a segment when its last record is too old, so a record stays for retention and segment together.
    """
    segment_ms = retention_hours * _HOUR_MS // SEGMENTS
    settings = {"segment.ms": str(segment_ms)}
    if topic != JOURNAL:
        settings["retention.ms"] = str(retention_hours * _HOUR_MS - segment_ms)
    return settings


def create_topics(
    connection: Connection,
    *,
    partitions: int = PARTITIONS,
    retention_hours: int = RETENTION_HOURS,
    mend: bool = False,
    waiting: Callable[[str], None] | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> list[Made]:
    """Make the topics that are not there; with ``mend``, also set what the others need and do not have.

    Can be called again. Raises Unreachable or ConfigurationError.
    """
    with closing(_administrator(connection, waiting, patience_seconds)) as admin, _trouble():
        there = _described(admin)
        brokers = sum(not broker["is_fenced"] for broker in admin.describe_cluster()["brokers"])
        replicas = max(1, min(REPLICAS_MAX, brokers))
        missing = {
            name: {
                "num_partitions": partitions,
                "replication_factor": replicas,
                "configs": chosen(name, retention_hours) | needed(name, replicas),
            }
            for name in NAMES
            if name not in there
        }
        if missing:
            _make(admin, missing)
        wrong = {name: _unmet(name, topic) for name, topic in there.items()} if mend else {}
        if any(wrong.values()):
            admin.alter_configs([ConfigResource("TOPIC", name, unmet) for name, unmet in wrong.items() if unmet])
        _settle(admin, {name for name in NAMES if name in missing or wrong.get(name)})
        return [Made(name, _did(name, missing, wrong)) for name in NAMES]


def topic_faults(
    connection: Connection,
    *,
    waiting: Callable[[str], None] | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> list[Fault]:
    """Everything that is wrong with the topics. Raises Unreachable or ConfigurationError."""
    with closing(_administrator(connection, waiting, patience_seconds)) as admin, _trouble():
        there = _described(admin)
        faults = [fault for name in NAMES for fault in _faults(name, there.get(name))]
        if EVENTS in there and JOURNAL in there and there[EVENTS].partitions != there[JOURNAL].partitions:
            faults.insert(0, _uneven(connection.brokers, there, _is_empty(admin, there[JOURNAL].partitions)))
        return faults


def check_topics(
    connection: Connection,
    *,
    waiting: Callable[[str], None] | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Refuse topics that a worker must not run on. Raises ConfigurationError (KND-topics-wrong) with the remedy."""
    faults = topic_faults(connection, waiting=waiting, patience_seconds=patience_seconds)
    if faults:
        first, more = faults[0], len(faults) - 1
        others = f" ({more} more: `kindred topics check` lists them)" if more else ""
        raise ConfigurationError(TOPICS_WRONG, f"topic {first.topic}: {first.what}{others}: {first.mend}")


def _administrator(connection: Connection, waiting: Callable[[str], None] | None, patience_seconds: float) -> Any:
    def make(bootstrap_ms: int) -> Any:
        return KafkaAdminClient(**connection.kafka_python(), bootstrap_timeout_ms=bootstrap_ms)

    return reach(make, connection.brokers, patience_seconds=patience_seconds, waiting=waiting)


def _described(admin: Any) -> dict[str, Topic]:
    """Kindred's topics that are there. Raises a KafkaError for those that may not be looked at."""
    found = {}
    for topic in admin.describe_topics(list(NAMES)):
        trouble = errors.for_code(topic["error_code"])
        if trouble is not errors.NoError and trouble is not errors.UnknownTopicOrPartitionError:
            raise trouble(topic["name"])
        if trouble is errors.NoError:
            found[topic["name"]] = topic["partitions"]
    if not found:
        return {}
    asked = [ConfigResource("TOPIC", name) for name in found]
    settings = admin.describe_configs(asked, config_filter="all")["topic"]
    return {
        name: Topic(
            len(partitions),
            min(len(partition["replica_nodes"]) for partition in partitions),
            {key: str(about["value"]) for key, about in settings[name].items()},
        )
        for name, partitions in found.items()
    }


def _make(admin: Any, topics: Mapping[str, Mapping[str, Any]]) -> None:
    for answer in admin.create_topics(topics, raise_errors=False)["topics"]:
        trouble = errors.for_code(answer["error_code"])
        if trouble not in (errors.NoError, errors.TopicAlreadyExistsError):  # the latter: somebody else was quicker
            raise trouble(f"{answer['name']}: {answer['error_message']}")
    admin.wait_for_topics(list(topics))


def _settle(admin: Any, changed: Set[str]) -> None:
    """Wait until the brokers have heard of what was changed: the one that is asked next may be a step behind."""
    until = time.monotonic() + SETTLE_SECONDS
    while changed and time.monotonic() < until:
        there = _described(admin)
        changed = {name for name in changed if name not in there or _unmet(name, there[name])}
        if changed:
            time.sleep(SETTLE_SECONDS / 100)


def _did(name: str, missing: Iterable[str], wrong: Mapping[str, Mapping[str, str]]) -> str:
    if name in missing:
        return "made"
    return f"mended ({', '.join(sorted(wrong[name]))})" if wrong.get(name) else "was there"


def _faults(name: str, topic: Topic | None) -> list[Fault]:
    if topic is None:
        return [Fault(name, "does not exist", "kindred topics create")]
    return [
        Fault(name, f"{key} is {topic.settings.get(key)} and must be {_bound(key)}{value}{_why(name, key)}", MEND)
        for key, value in _unmet(name, topic).items()
    ]


def _unmet(name: str, topic: Topic) -> dict[str, str]:
    return {
        key: value
        for key, value in needed(name, topic.replicas).items()
        if not _met(key, value, topic.settings.get(key, ""), topic.replicas)
    }


def _met(key: str, value: str, found: str, replicas: int) -> bool:
    if key == "max.message.bytes":
        return found.isdecimal() and int(found) >= int(value)
    if key == "min.insync.replicas":
        return found.isdecimal() and int(value) <= int(found) <= replicas
    return found == value  # a topic that was just made may have no settings yet


def _bound(key: str) -> str:
    return "at least " if key == "max.message.bytes" else ""


def _why(name: str, key: str) -> str:
    """What would happen otherwise, where the name of a setting does not say it."""
    if key == "cleanup.policy":
        return " (compaction drops records)"
    return " (Kafka would delete what was decided)" if name == JOURNAL and key.startswith("retention.") else ""


def _is_empty(admin: Any, partitions: int) -> bool:
    """Whether the journal has never been written to."""
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    asked = {TopicPartition(JOURNAL, number): OffsetSpec.LATEST for number in range(partitions)}
    return all(answer.offset == 0 for answer in admin.list_partition_offsets(asked).values())


def _uneven(brokers: str, there: Mapping[str, Topic], journal_is_empty: bool) -> Fault:
    events, journal = there[EVENTS].partitions, there[JOURNAL].partitions
    what = f"has {journal} partitions and {EVENTS} {events}; the number is the same, for life"
    if journal_is_empty:
        delete = f"kafka-topics.sh --bootstrap-server {brokers} --delete --topic {JOURNAL}"
        return Fault(JOURNAL, what, f"{delete} && kindred topics create --partitions {events}")
    return Fault(
        JOURNAL,
        f"{what}, and the journal is in use: programs would move to partitions that know nothing of them",
        f"restore {EVENTS} with {journal} partitions, from a backup or from its publishers",
    )


class _trouble:  # noqa: N801 - used as a function
    """Kindred's errors for kafka-python's."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, errors.KafkaError):
            raise told(error, "the topics") from None
