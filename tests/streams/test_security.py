"""A broker with TLS, users and the authorizer on: each role works with the rights of the page, and with no others."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
)

from journal.kafka import KafkaJournal
from matcher.errors import ConfigurationError, KindredError, Unreachable
from streams.connection import Connection
from streams.letters import read_letters
from streams.listener import EventListener
from streams.publisher import EventPublisher
from tests.conftest import KafkaMaker
from tests.kindred.shell import KINDRED, environment, kindred
from tests.streams.cases import event
from tools.kafka import Kafka

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "how-to" / "secure-kafka.md").read_text()
ROW = re.compile(r"^\| (\w+) \| (topic|group|cluster) \| ([\w.-]+) \| ([\w, ]+) \|", flags=re.MULTILINE)
RIGHTS = ROW.findall(PAGE)
ROLES = sorted({role for role, *_ in RIGHTS})
STORE = "changeit"
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


@dataclass(frozen=True)
class Guarded:
    """A broker that lets nobody in without a user, and where its certificate and the passwords are."""

    kafka: Kafka
    folder: Path

    def connection(self, role: str, **changes: Any) -> Connection:
        plain = Connection(
            self.kafka.address_of("SASL_SSL"),
            protocol="SASL_SSL",
            mechanism="PLAIN",
            username=role,
            password=f"{role}-secret",
            ca_file=self.folder / "ca.pem",
        )
        return replace(plain, **changes)

    def settings(self, role: str) -> dict[str, str]:
        password = self.folder / f"{role}.password"
        password.write_text(f"{role}-secret\n")
        return {
            "KINDRED_BROKERS": self.kafka.address_of("SASL_SSL"),
            "KINDRED_KAFKA_PROTOCOL": "SASL_SSL",
            "KINDRED_KAFKA_MECHANISM": "PLAIN",
            "KINDRED_KAFKA_USERNAME": role,
            "KINDRED_KAFKA_PASSWORD_FILE": str(password),
            "KINDRED_KAFKA_CA_FILE": str(self.folder / "ca.pem"),
        }


def certified(folder: Path) -> None:
    """A certificate of the broker's own, which clients trust by its file."""
    store = ["-keystore", str(folder / "broker.p12"), "-storetype", "PKCS12", "-storepass", STORE, "-alias", "broker"]
    made = ["-genkeypair", "-keyalg", "EC", "-dname", "CN=broker", "-ext", "san=ip:127.0.0.1", "-ext", "bc:c"]
    for words in ([*made, "-validity", "30", *store], ["-exportcert", "-rfc", "-file", str(folder / "ca.pem"), *store]):
        subprocess.run(["keytool", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def guarded(new_kafka: KafkaMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    certified(folder)
    users = " ".join(f'user_{role}="{role}-secret"' for role in [*ROLES, "stranger"])
    listener = "listener.name.sasl_ssl."
    properties = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",  # the brokers among themselves, and this test; on no line that others reach
        "sasl.enabled.mechanisms": "PLAIN",
        f"{listener}plain.sasl.jaas.config": f"{LOGIN} required {users};",
        f"{listener}ssl.keystore.location": str(folder / "broker.p12"),
        f"{listener}ssl.keystore.type": "PKCS12",
        f"{listener}ssl.keystore.password": STORE,
        f"{listener}ssl.key.password": STORE,
    }
    with new_kafka(listens=("SASL_SSL",), properties=properties) as kafka:
        with closing(KafkaAdminClient(bootstrap_servers=kafka.address)) as admin:
            admin.create_acls([acl for row in RIGHTS for acl in acls(*row)])
        guarded = Guarded(kafka, folder)
        made = kindred("topics", "create", "--partitions", "1", at=folder, **guarded.settings("operator"))
        assert made.returncode == 0, made.stderr
        yield guarded


def acls(role: str, resource: str, name: str, operations: str) -> list[Any]:
    pattern = ResourcePattern(ResourceType[resource.upper()], name)
    named = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", each.strip()).upper() for each in operations.split(",")]
    return [ACL(f"User:{role}", "*", ACLOperation[each], ACLPermissionType.ALLOW, pattern) for each in named]


def test_the_page_has_a_table() -> None:
    assert ROLES == ["dashboard", "listener", "operator", "publisher", "worker"]


def test_every_role_does_its_work(guarded: Guarded) -> None:
    checked = kindred("topics", "check", at=guarded.folder, **guarded.settings("operator"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    worker = [*KINDRED, "worker", "--clock", "event"]
    plain = environment(**guarded.settings("worker"))
    with subprocess.Popen(worker, cwd=guarded.folder, env=plain, stderr=subprocess.PIPE, text=True) as working:
        try:
            with EventPublisher(guarded.connection("publisher")) as out:
                out.publish(event(data={"experiences": [{"code": "F11.20"}], "seeks_mentor": True}))
                out.publish(event("e-2", "progress.checked_in", "nobody", data={"mood": 5}))
            with EventListener(guarded.connection("listener"), group="messenger", idle_seconds=20) as notices:
                assert next(notices).type == "newcomer.waiting"
            end = time.monotonic() + 60
            while not (letters := read_letters(guarded.connection("dashboard"))) and time.monotonic() < end:
                time.sleep(0.2)
            assert [letter.code for letter in letters] == ["KND-unknown-member"]
            status = kindred("status", "--json", at=guarded.folder, **guarded.settings("dashboard"))
            assert json.loads(status.stdout)["accepted"] == 1
            sent = kindred("dead-letters", "replay", "--send", at=guarded.folder, **guarded.settings("dashboard"))
            assert "e-2~again-1" in sent.stdout
        finally:
            working.terminate()
            _, said = working.communicate(timeout=60)
    assert working.returncode == 0, said
    assert "secret" not in said
    verified = kindred("verify", at=guarded.folder, **guarded.settings("dashboard"))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def journal_append(connection: Connection) -> None:
    with closing(KafkaJournal(connection.aiokafka(), "kindred.journal", 0)) as home:
        home.append([b"words in Kindred's mouth"])


@pytest.mark.parametrize("role", ["publisher", "listener", "dashboard", "operator", "stranger"])
def test_nobody_but_a_worker_writes_to_the_journal(guarded: Guarded, role: str) -> None:
    with pytest.raises(KindredError):
        journal_append(guarded.connection(role))


@pytest.mark.parametrize("role", ["publisher", "listener", "operator", "stranger"])
def test_nobody_else_reads_dead_letters(guarded: Guarded, role: str) -> None:
    with closing(KafkaProducer(bootstrap_servers=guarded.kafka.address)) as out:  # where nothing is, nothing is refused
        out.send("kindred.dead-letters", b"somebody's").get(30)
    with pytest.raises(ConfigurationError) as caught:
        read_letters(guarded.connection(role), patience_seconds=5)
    assert caught.value.code in ("KND-kafka-forbidden", "KND-kafka-no-topic")


@pytest.mark.parametrize("role", ["listener", "operator", "worker", "stranger"])
def test_nobody_else_publishes(guarded: Guarded, role: str) -> None:
    def publish() -> None:
        with EventPublisher(guarded.connection(role), patience_seconds=5) as out:
            out.publish(event("e-9")).wait()

    with pytest.raises(KindredError) as caught:
        publish()
    assert caught.value.code in ("KND-kafka-forbidden", "KND-kafka-no-topic", "KND-undelivered")
    assert caught.value.code == "KND-kafka-no-topic" or "the Kafka user may not use" in caught.value.message


def test_wrong_credentials_and_wrong_certificates(guarded: Guarded, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EventPublisher(guarded.connection("publisher", password="wrong"))
    assert caught.value.code == "KND-kafka-credentials"
    certified(tmp_path)  # of another broker
    with pytest.raises(Unreachable) as away:
        EventPublisher(guarded.connection("publisher", ca_file=tmp_path / "ca.pem"), patience_seconds=2)
    assert "CERTIFICATE_VERIFY_FAILED" in away.value.message.upper().replace(" ", "_")
    published = kindred(
        "publish",
        "-",
        "--patience",
        "20",  # more than a busy machine takes: the answer of the broker ends it
        at=tmp_path,
        **guarded.settings("publisher") | {"KINDRED_KAFKA_USERNAME": "x"},
    )
    assert (published.returncode, published.stderr.splitlines()[-1].split(":")[0]) == (2, "KND-kafka-credentials")
