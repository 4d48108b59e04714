"""``kindred journal`` on Kafka: the same words as for a folder, partition by partition."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from journal.kafka import KafkaJournal
from streams.connection import Connection
from streams.topics import JOURNAL, create_topics
from tests.conftest import KafkaMaker
from tests.journal.homes import batch, owner_of
from tests.kindred.shell import kindred
from tools.kafka import Kafka

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kafka(new_kafka: KafkaMaker) -> Iterator[Kafka]:
    """Two partitions: one with two records, and one that ends in something that is no entry."""
    with new_kafka() as kafka:
        create_topics(Connection(kafka.address), partitions=2)
        for number in range(2):
            with closing(KafkaJournal({"bootstrap_servers": kafka.address}, JOURNAL, number)) as home:
                owner_of(home).append_many([batch("a"), batch("b", "c")])
                if number == 1:
                    home.append([b"rubbish"])
        yield kafka


def test_entries_are_listed_and_what_is_wrong_is_named(kafka: Kafka, tmp_path: Path) -> None:
    sound = kindred("journal", "inspect", "--partition", "0", "--json", at=tmp_path, KINDRED_BROKERS=kafka.address)
    assert sound.returncode == 0
    assert [(each["partition"], each["kind"], each["counts"]) for each in json.loads(sound.stdout)] == [
        (0, "claim", "yes"),
        (0, "record", "yes"),
        (0, "record", "yes"),
    ]
    every = kindred("journal", "inspect", "--json", at=tmp_path, KINDRED_BROKERS=kafka.address)
    assert every.returncode == 5
    assert every.stderr.startswith("KND-journal-checksum: ")
    last = json.loads(every.stdout)[-1]
    assert (last["partition"], last["position"], last["counts"]) == (1, 3, "?")
    assert "KND-journal-checksum" in last["what"]


def test_a_plan_says_what_is_whole_and_changes_nothing(kafka: Kafka, tmp_path: Path) -> None:
    plan = kindred("journal", "repair-plan", "--json", at=tmp_path, KINDRED_BROKERS=kafka.address)
    assert plan.returncode == 5
    [sound, wrong] = json.loads(plan.stdout)
    assert (sound["sound"], sound["possible"]) == (True, [])
    assert wrong["whole"].startswith("Whole: 3 entries with 3 facts.")
    assert "position 3" in wrong["wrong"]
    again = kindred("journal", "repair-plan", "--json", at=tmp_path, KINDRED_BROKERS=kafka.address)
    assert again.stdout == plan.stdout
    spoken = kindred("journal", "repair-plan", "--partition", "1", at=tmp_path, KINDRED_BROKERS=kafka.address)
    assert "  1. Stop" in spoken.stdout


def test_a_partition_that_is_not_there_is_wrong_usage(kafka: Kafka, tmp_path: Path) -> None:
    none = kindred("journal", "inspect", "--partition", "2", at=tmp_path, KINDRED_BROKERS=kafka.address)
    assert (none.returncode, none.stdout) == (2, "")
    assert none.stderr.startswith("KND-journal-no-partition: ")
