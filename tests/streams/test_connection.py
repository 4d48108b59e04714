"""How the three clients connect: what is refused before anything is sent, and what a real broker with users says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from journal.kafka import KafkaJournal
from matcher.errors import ConfigurationError, Unreachable
from streams.brokers import KafkaBrokers
from streams.connection import Connection
from streams.reach import CREDENTIALS
from streams.topics import EVENTS, check_topics, create_topics
from tests.conftest import KafkaMaker
from tools.kafka import Kafka

PASSWORD = "swordfish"
USERS = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    f'username="broker" password="x" user_broker="x" user_worker="{PASSWORD}";'
)


@pytest.mark.parametrize(
    "brokers", ["", " , ", "kafka", "kafka:port", "sasl://ann:swordfish@kafka:9092", "kafka:1 2:3"]
)
def test_addresses_that_are_none_are_refused_and_not_repeated(brokers: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Connection(brokers)
    assert refusal.value.code == "KND-kafka-brokers"
    assert "swordfish" not in str(refusal.value)


def test_brokers_are_separated_by_commas() -> None:
    connection = Connection("kafka-1:9092, [::1]:9092")
    assert connection.kafka_python()["bootstrap_servers"] == ["kafka-1:9092", "[::1]:9092"]
    assert connection.faust() == {"broker": ["kafka://kafka-1:9092", "kafka://[::1]:9092"]}


def test_credentials_are_not_sent_over_a_plain_line_unless_that_is_allowed() -> None:
    options: Any = {"protocol": "SASL_PLAINTEXT", "username": "worker", "password": PASSWORD}
    with pytest.raises(ConfigurationError) as refusal:
        Connection("kafka:9092", **options)
    assert refusal.value.code == "KND-kafka-plaintext-credentials"
    assert Connection("kafka:9092", **options, plaintext_credentials=True).username == "worker"


@pytest.mark.parametrize(
    "options",
    [
        {"protocol": "SASL_SSL"},
        {"protocol": "SASL_SSL", "username": "worker"},
        {"username": "worker", "password": PASSWORD},
        {"ca_file": Path("ca.pem")},
        {"protocol": "SSL", "key_file": Path("key.pem")},
        {"protocol": "TLS"},
        {"protocol": "SASL_SSL", "username": "worker", "password": PASSWORD, "mechanism": "ROT13"},
    ],
)
def test_what_does_not_go_together_is_refused(options: Any) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Connection("kafka:9092", **options)
    assert refusal.value.code == "KND-kafka-security"


def test_all_three_clients_are_told_the_same() -> None:
    connection = Connection("kafka:9092", protocol="SASL_SSL", username="worker", password=PASSWORD)
    told = connection.kafka_python()
    assert (told["sasl_mechanism"], told["sasl_plain_username"]) == ("SCRAM-SHA-512", "worker")
    assert told["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert told["ssl_context"].check_hostname
    by_faust = credentials_to_aiokafka_auth(connection.faust()["broker_credentials"])
    for key in ("security_protocol", "sasl_mechanism", "sasl_plain_username", "sasl_plain_password"):
        assert told[key] == connection.aiokafka()[key] == by_faust[key]
    assert by_faust["ssl_context"].check_hostname


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for file in ("ca.pem", "nowhere.pem"):
        with pytest.raises(ConfigurationError, match=file) as refusal:
            Connection("kafka:9092", protocol="SSL", ca_file=tmp_path / file).aiokafka()
        assert refusal.value.code == "KND-kafka-security"


@pytest.fixture(scope="module")
def guarded(new_kafka: KafkaMaker) -> Iterator[Kafka]:
    """A broker that wants to know who is there, on a line that is not encrypted: certificates would add nothing."""
    properties = {
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": USERS,
    }
    with new_kafka(listens=("SASL_PLAINTEXT",), properties=properties) as kafka:
        yield kafka


def signing_in(kafka: Kafka, password: str) -> Connection:
    return Connection(
        kafka.address_of("SASL_PLAINTEXT"),
        protocol="SASL_PLAINTEXT",
        mechanism="PLAIN",
        username="worker",
        password=password,
        plaintext_credentials=True,
    )


@pytest.mark.slow
def test_the_clients_sign_in(guarded: Kafka) -> None:
    connection = signing_in(guarded, PASSWORD)
    create_topics(connection, partitions=1)
    check_topics(connection)
    with closing(KafkaJournal(connection.aiokafka(), "kindred.journal", 0)) as home:
        assert home.append([b"a"]) == [0]


@pytest.mark.slow
def test_wrong_credentials_are_said_to_be_wrong(guarded: Kafka) -> None:
    with pytest.raises(ConfigurationError, match="credentials") as refusal:
        check_topics(signing_in(guarded, "wrong"))
    assert refusal.value.code == CREDENTIALS
    assert "wrong" not in refusal.value.message.replace("wrongly", "")


def test_what_brokers_that_are_not_there_are_asked_has_no_answer_yet() -> None:
    hurried = {**Connection("127.0.0.1:1").kafka_python(), "bootstrap_timeout_ms": 50}
    with closing(KafkaBrokers(hurried, group="kindred", client_id="w-1")) as brokers:
        for ask in (lambda: brokers.topic_id(EVENTS), lambda: brokers.is_ours(EVENTS, 0)):
            with pytest.raises(Unreachable) as away:
                ask()
            assert away.value.code == "KND-source-away"


@pytest.mark.slow
def test_a_broker_that_is_not_there_is_waited_for_and_then_unreachable() -> None:
    said: list[str] = []
    with pytest.raises(Unreachable) as away:
        check_topics(Connection("127.0.0.1:1"), waiting=said.append, patience_seconds=3)
    assert away.value.exit_code == 4
    assert said
    assert all("127.0.0.1:1" in each for each in said)
    with pytest.raises(Unreachable) as away:
        KafkaJournal({"bootstrap_servers": "127.0.0.1:1"}, "kindred.journal", 0)
    assert away.value.code == "KND-journal-away"
