"""Topics on a real broker: made as they must be, and named with the remedy when they are not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import ConfigResource

from matcher.errors import ConfigurationError
from streams.connection import Connection
from streams.topics import (
    DEAD_LETTERS,
    EVENTS,
    JOURNAL,
    MATCHES,
    NAMES,
    Fault,
    check_topics,
    create_topics,
    topic_faults,
)
from tests.conftest import KafkaMaker
from tests.journal.kafka_logs import administrator
from tests.kindred.shell import kindred
from tools.kafka import Kafka

pytestmark = pytest.mark.slow

Alter = Callable[..., None]


@pytest.fixture
def broker(kafka_broker: Kafka) -> Iterator[Connection]:
    """The shared node without Kindred's topics, before and after."""
    _remove(kafka_broker, NAMES)
    yield Connection(kafka_broker.address)
    _remove(kafka_broker, NAMES)


@pytest.fixture
def alter(kafka_broker: Kafka) -> Alter:
    """What an operator may do to a topic's settings."""

    def change(topic: str, **settings: str) -> None:
        configs = {name.replace("_", "."): value for name, value in settings.items()}
        with administrator(kafka_broker) as admin:
            admin.alter_configs([ConfigResource("TOPIC", topic, configs)])
        _settled(lambda: configs.items() <= _settings(kafka_broker, topic).items())

    return change


def test_topics_are_made_once_and_are_as_they_must_be(broker: Connection, kafka_broker: Kafka) -> None:
    assert [made.did for made in create_topics(broker)] == ["made"] * 5
    assert topic_faults(broker) == []
    check_topics(broker)
    assert {made.did for made in create_topics(broker, partitions=7)} == {"was there"}
    with administrator(kafka_broker) as admin:
        partitions = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(NAMES))}
    assert partitions == dict.fromkeys(NAMES, 12)


def test_nobody_who_is_erased_stays_longer_than_the_retention(broker: Connection, kafka_broker: Kafka) -> None:
    create_topics(broker, partitions=1, retention_hours=72)
    for name in set(NAMES) - {JOURNAL}:
        settings = _settings(kafka_broker, name)
        assert int(settings["retention.ms"]) + int(settings["segment.ms"]) <= 72 * 3_600_000
        assert settings["message.timestamp.type"] == "LogAppendTime"
    assert _settings(kafka_broker, JOURNAL)["retention.ms"] == "-1"


def test_a_topic_that_is_missing_is_named(broker: Connection, kafka_broker: Kafka) -> None:
    create_topics(broker, partitions=1)
    _remove(kafka_broker, [MATCHES])
    assert topic_faults(broker) == [Fault(MATCHES, "does not exist", "kindred topics create")]
    with pytest.raises(ConfigurationError, match="kindred topics create") as refusal:
        check_topics(broker)
    assert (refusal.value.code, refusal.value.exit_code) == ("KND-topics-wrong", 2)
    assert [made.topic for made in create_topics(broker, partitions=1) if made.did == "made"] == [MATCHES]


@pytest.mark.parametrize(
    ("topic", "settings", "says"),
    [
        (JOURNAL, {"cleanup_policy": "compact"}, "compaction"),
        (EVENTS, {"cleanup_policy": "compact,delete"}, "compaction"),
        (JOURNAL, {"retention_ms": "86400000"}, "delete what was decided"),
        (JOURNAL, {"retention_bytes": "1000000"}, "delete what was decided"),
        (JOURNAL, {"max_message_bytes": "500000"}, "at least 1048588"),
        (DEAD_LETTERS, {"max_message_bytes": "1048588"}, "at least 2097176"),
        (EVENTS, {"message_timestamp_type": "CreateTime"}, "LogAppendTime"),
        (JOURNAL, {"unclean_leader_election_enable": "true"}, "unclean"),
        (EVENTS, {"min_insync_replicas": "2"}, "min.insync.replicas is 2 and must be 1"),  # more than there are
    ],
)
def test_a_wrong_setting_is_named_and_mended(
    broker: Connection, alter: Alter, topic: str, settings: dict[str, str], says: str
) -> None:
    create_topics(broker, partitions=1)
    alter(topic, **settings)
    [fault] = topic_faults(broker)
    assert fault.topic == topic
    assert says in fault.what
    assert fault.mend == "kindred topics create --mend"
    assert {made.did for made in create_topics(broker)} == {"was there"}, "without --mend nothing is changed"
    mended = [made for made in create_topics(broker, mend=True) if made.did != "was there"]
    assert [made.topic for made in mended] == [topic]
    check_topics(broker)


def test_what_an_operator_may_choose_is_left_alone(broker: Connection, alter: Alter) -> None:
    create_topics(broker, partitions=1)
    alter(MATCHES, retention_ms="3600000", max_message_bytes="2000000")
    check_topics(broker)


def test_a_journal_with_another_number_of_partitions_is_refused(broker: Connection, kafka_broker: Kafka) -> None:
    create_topics(broker, partitions=2)
    with administrator(kafka_broker) as admin:
        admin.create_partitions({EVENTS: 3})
    _settled(lambda: bool(topic_faults(broker)))
    [fault] = topic_faults(broker)
    assert fault.mend.endswith("--delete --topic kindred.journal && kindred topics create --partitions 3")
    _write(kafka_broker, JOURNAL)
    [fault] = topic_faults(broker)
    assert "in use" in fault.what
    assert "--delete" not in fault.mend


def test_three_brokers_keep_three_replicas_and_two_must_have_a_record(new_kafka: KafkaMaker) -> None:
    with new_kafka(3) as kafka:
        broker = Connection(kafka.address)
        create_topics(broker, partitions=2)
        check_topics(broker)
        with administrator(kafka) as admin:
            for topic in admin.describe_topics(list(NAMES)):
                assert {len(each["replica_nodes"]) for each in topic["partitions"]} == {3}
            admin.alter_configs([ConfigResource("TOPIC", JOURNAL, {"min.insync.replicas": "1"})])
        _settled(lambda: _settings(kafka, JOURNAL)["min.insync.replicas"] == "1")
        assert _settings(kafka, EVENTS)["min.insync.replicas"] == "2"
        [fault] = topic_faults(broker)
        assert "min.insync.replicas is 1 and must be 2" in fault.what


def test_the_commands_say_what_they_did(broker: Connection, alter: Alter, tmp_path: Path) -> None:
    missing = kindred("topics", "check", at=tmp_path, KINDRED_BROKERS=broker.brokers)
    assert (missing.returncode, missing.stdout.count("kindred topics create")) == (1, 5)
    made = kindred("topics", "create", "--partitions", "2", at=tmp_path, KINDRED_BROKERS=broker.brokers)
    assert (made.returncode, made.stdout.count("made"), made.stderr) == (0, 5, "")
    alter(JOURNAL, retention_ms="1000")
    wrong = kindred("topics", "check", "--json", at=tmp_path, KINDRED_BROKERS=broker.brokers)
    assert wrong.returncode == 1
    assert [fault["topic"] for fault in json.loads(wrong.stdout)] == [JOURNAL]
    mended = kindred("topics", "create", "--mend", at=tmp_path, KINDRED_BROKERS=broker.brokers)
    assert (mended.returncode, "mended (retention.ms)" in mended.stdout) == (0, True)
    assert kindred("topics", "check", at=tmp_path, KINDRED_BROKERS=broker.brokers).returncode == 0
    assert kindred("topics", "create", at=tmp_path).returncode == 2, "no brokers named"


def _settings(kafka: Kafka, topic: str) -> dict[str, Any]:
    with administrator(kafka) as admin:
        found = admin.describe_configs([ConfigResource("TOPIC", topic)], config_filter="all")["topic"][topic]
    return {name: about["value"] for name, about in found.items()}


def _remove(kafka: Kafka, topics: Any) -> None:
    with administrator(kafka) as admin:
        there = sorted(set(topics) & set(admin.list_topics()))
        if there:
            admin.delete_topics(there)
        _settled(lambda: not set(there) & set(admin.list_topics()))


def _write(kafka: Kafka, topic: str) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=kafka.address, acks="all")
    producer.send(topic, b"a", partition=0).get(10)
    producer.close()


def _settled(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until brokers agree on what was just changed."""
    import time

    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)
