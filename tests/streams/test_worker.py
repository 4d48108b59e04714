"""``kindred worker`` on a real broker: what it makes of events, what it shows of itself, and how it ends."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from streams.binary import binary
from streams.connection import Connection
from streams.letters import read_letters
from streams.topics import EVENTS, create_topics
from tests.conftest import KafkaMaker
from tests.faults.traffic import everything
from tests.kindred.shell import KINDRED, environment, kindred
from tests.streams.cases import cohort_lines, event
from tests.streams.grounds import until
from tools.kafka import Kafka

pytestmark = pytest.mark.slow
PARTITIONS = 4
START_SECONDS = 60.0  # a worker needs three on a quiet machine


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    """A broker of this file's own: the topics of the distributed service have fixed names."""
    from tests.conftest import do_without
    from tools.parts import Unavailable

    try:
        with Kafka() as kafka:
            yield kafka
    except Unavailable as trouble:
        do_without("kafka", str(trouble))


@pytest.fixture
def brokers(kafka: Kafka) -> str:
    """The brokers, with topics as on the first day; the group still has the offsets of the last: they are a hint."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    there = [name for name in admin.list_topics() if name.startswith("kindred.")]
    if there:
        admin.delete_topics(there)
        until(lambda: not set(there) & set(admin.list_topics()))
    admin.close()
    create_topics(Connection(kafka.address), partitions=PARTITIONS)
    return kafka.address


class Worker:
    """A process with its log and its health."""

    def __init__(self, brokers: str, log: Path, *arguments: str, **settings: str) -> None:
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [*KINDRED, "worker", "--clock", "event", "--health-port", "0", *arguments],
                stdout=out,
                stderr=out,
                env=environment(KINDRED_BROKERS=brokers, KINDRED_SESSION_SECONDS="6", **settings),
            )

    def get(self, path: str) -> tuple[int, str]:
        text = self.log.read_text()
        address = text.partition("health at ")[2].partition("/health")[0]
        try:
            with urlopen(f"{address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as trouble:
            return trouble.code, trouble.read().decode()
        except (URLError, ValueError, OSError):
            return 0, ""

    def is_ready(self) -> bool:
        return self.get("/health/ready")[0] == 200

    def reasons(self) -> str:
        return self.get("/health/ready")[1]

    def accepted(self) -> int:
        """How many events this process has taken."""
        _, _, rest = self.get("/metrics")[1].partition('kindred_events_total{outcome="accepted"} ')
        return int(float(rest.split()[0])) if rest else 0

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@contextmanager
def worker(brokers: str, folder: Path, *arguments: str, **settings: str) -> Iterator[Worker]:
    """A worker, ready; killed at the end if it still runs."""
    one = Worker(brokers, folder / f"worker-{time.monotonic_ns()}.log", *arguments, **settings)
    try:
        until(lambda: one.is_ready() or one.process.poll() is not None, START_SECONDS)
        yield one
    finally:
        one.process.kill()
        one.process.wait()


def send(brokers: str, *documents: dict[str, Any]) -> None:
    producer = KafkaProducer(bootstrap_servers=brokers, acks="all")
    for document in documents:
        record = binary(document)
        producer.send(EVENTS, record.value, key=record.key, headers=list(record.headers))
    producer.flush()
    producer.close()


def activated(brokers: str) -> list[dict[str, Any]]:
    found = {
        message.header("ce_id"): json.loads(message.value)
        for message in everything(brokers, "kindred.matches")
        if message.header("ce_type") == "kindred.match.activated.v1"
    }
    return sorted(found.values(), key=json.dumps)


def members(brokers: str, folder: Path) -> int:
    done = kindred("status", "--json", at=folder, KINDRED_BROKERS=brokers)
    return json.loads(done.stdout)["members"] if done.returncode == 0 else -1


def test_two_workers_make_what_replay_makes_and_everything_verifies(brokers: str, tmp_path: Path) -> None:
    lines = [line for name in ("river", "harbor", "willow") for line in cohort_lines(program=name)]
    lines.sort(key=lambda line: json.loads(line)["time"])
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    assert kindred("replay", "events.jsonl", "--out", "replayed", at=tmp_path).returncode == 0
    wanted = [json.loads(line) for line in (tmp_path / "replayed" / "notices.jsonl").read_text().splitlines()]
    pairs = sorted(
        (each["data"] for each in wanted if each["type"] == "kindred.match.activated.v1"),
        key=json.dumps,
    )
    with worker(brokers, tmp_path) as one, worker(brokers, tmp_path) as other:
        published = kindred("publish", "events.jsonl", at=tmp_path, KINDRED_BROKERS=brokers)
        assert published.returncode == 0, published.stderr
        until(lambda: len(activated(brokers)) >= len(pairs), 60)
        assert activated(brokers) == pairs
        until(lambda: one.is_ready() and other.is_ready())
        metrics = one.get("/metrics")[1] + other.get("/metrics")[1]
        assert all(name in metrics for name in ("kindred_lag{", "kindred_append_seconds", "kindred_claim_epoch{"))
        assert not any(name in metrics for name in ("river", "harbor", "n-1"))
        assert [one.end(), other.end()] == [0, 0]
    verified = kindred("verify", at=tmp_path, KINDRED_BROKERS=brokers)
    assert (verified.returncode, verified.stdout) == (0, ""), verified.stdout
    told = json.loads(kindred("status", "--json", at=tmp_path, KINDRED_BROKERS=brokers).stdout)
    assert told == json.loads(kindred("status", "replayed", "--json", at=tmp_path).stdout)


def test_what_was_aborted_is_not_taken_and_what_is_committed_is(brokers: str, tmp_path: Path) -> None:
    with worker(brokers, tmp_path) as one:
        producer = KafkaProducer(bootstrap_servers=brokers, transactional_id="a-platform")
        producer.init_transactions()
        for number, ending in enumerate((producer.abort_transaction, producer.commit_transaction)):
            record = binary(event(f"e-{number}", subject=f"m-{number}"))
            producer.begin_transaction()
            producer.send(EVENTS, record.value, key=record.key, headers=list(record.headers))
            producer.flush()
            time.sleep(0.5)  # long enough that a worker which reads what is open would have taken it
            ending()
        producer.close()
        send(brokers, event("e-2", subject="m-2"))
        until(lambda: one.accepted() == 2, 30)
    assert members(brokers, tmp_path) == 2
    done = kindred("why", "m-0", at=tmp_path, KINDRED_BROKERS=brokers)
    assert "KND-no-member" in done.stderr


def test_a_topic_made_again_halts_with_a_clear_word(brokers: str, tmp_path: Path) -> None:
    with worker(brokers, tmp_path) as one:
        send(brokers, event("e-1"))
        until(lambda: one.accepted() == 1, 30)
        admin = KafkaAdminClient(bootstrap_servers=brokers)
        admin.delete_topics([EVENTS])
        until(lambda: EVENTS not in admin.list_topics())
        create_topics(Connection(brokers), partitions=PARTITIONS)
        send(brokers, event("e-2", subject="m-2"))
        until(lambda: "KND-source-lost" in one.reasons(), 60)
        assert one.get("/health/live")[0] == 200
        assert "has the id" in one.log.read_text()
        assert one.end() == 0
    assert members(brokers, tmp_path) == 1


def test_readiness_turns_red_without_a_broker_and_green_with_it(kafka: Kafka, brokers: str, tmp_path: Path) -> None:
    with worker(brokers, tmp_path) as one:
        kafka.nodes[0].kill()
        try:
            until(lambda: one.get("/health/ready")[0] == 503 and "broker" in one.reasons(), 40)
        finally:
            kafka.restart(0)
        until(one.is_ready, 60)
        send(brokers, event("e-1"))
        until(lambda: one.accepted() == 1, 30)


def test_events_may_be_compressed_with_anything(brokers: str, tmp_path: Path) -> None:
    from tools.kafka_jars import jars

    with worker(brokers, tmp_path) as one:
        for number, codec in enumerate(("gzip", "snappy", "lz4", "zstd"), 1):
            lines = "".join(f"river\t{json.dumps(event(f'{codec}-{n}', subject=f'{codec}-{n}'))}\n" for n in range(5))
            tool = ["java", "-cp", f"{jars()}/*", "org.apache.kafka.tools.ConsoleProducer", "--topic", EVENTS]
            how = ["--bootstrap-server", brokers, "--compression-codec", codec, "--reader-property", "parse.key=true"]
            subprocess.run([*tool, *how], input=lines.encode(), check=True, capture_output=True, timeout=60)
            until(lambda expected=5 * number: one.accepted() == expected, 30)


class Unreadable(str):
    """The name of a header that is no UTF-8: other clients than Kafka's own write what they are given."""

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


def test_a_header_with_a_name_that_is_no_text_holds_nothing_up(brokers: str, tmp_path: Path) -> None:
    odd = binary(event("e-1"))
    with worker(brokers, tmp_path) as one:
        producer = KafkaProducer(bootstrap_servers=brokers, acks="all")
        producer.send(EVENTS, odd.value, key=odd.key, headers=[*odd.headers, (Unreadable("xx"), b"1")])
        producer.flush()
        producer.close()
        send(brokers, event("e-2", subject="m-2"))
        until(lambda: one.accepted() == 2, 60)


def test_bad_records_are_dead_letters_as_they_came_and_nothing_else_is_held_up(brokers: str, tmp_path: Path) -> None:
    good, empty = binary(event("e-1")), binary(event("e-3"))
    bad: dict[str, tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]] = {
        "no key": (None, good.value, list(good.headers)),
        "another key": (b"harbor", good.value, list(good.headers)),
        "no value": (b"river", None, list(empty.headers)),
        "empty value": (b"river", b"", [("ce_specversion", b"1.0")]),
        "no headers": (b"river", b"hello", []),
        "headers that are no text": (b"river", good.value, [*good.headers, ("ce_odd", b"\xff\xfe")]),
        "a header twice": (b"river", good.value, [*good.headers, ("ce_id", b"x")]),
        "huge": (b"river", b"x" * 900_000, list(good.headers)),
    }
    with worker(brokers, tmp_path) as one:
        producer = KafkaProducer(bootstrap_servers=brokers, acks="all", max_request_size=2_000_000)
        for key, value, headers in bad.values():
            producer.send(EVENTS, value, key=key, headers=headers)
        producer.flush()
        producer.close()
        send(brokers, event("e-1"), event("e-2", subject="m-2"))
        until(lambda: one.accepted() == 2, 30)
        until(lambda: len(read_letters(Connection(brokers))) == len(bad), 30)
    letters = {
        (each.original.key, each.original.value, tuple(each.original.headers)): each.code
        for each in read_letters(Connection(brokers))
    }
    assert {(key, value, tuple(headers)) for key, value, headers in bad.values()} == letters.keys()
    assert kindred("verify", at=tmp_path, KINDRED_BROKERS=brokers).returncode == 0


def test_another_clock_than_the_journals_is_a_mistake_of_configuration(brokers: str, tmp_path: Path) -> None:
    with worker(brokers, tmp_path) as one:
        assert one.end() == 0
    with worker(brokers, tmp_path, "--clock", "wall") as other:
        assert other.process.wait(30) == 2
        assert "KND-clock-mode" in other.log.read_text()


def test_missing_topics_are_named_with_the_command_that_makes_them(new_kafka: KafkaMaker, tmp_path: Path) -> None:
    with new_kafka() as kafka:
        done = kindred("worker", at=tmp_path, KINDRED_BROKERS=kafka.address)
    assert done.returncode == 2
    assert "kindred topics create" in done.stderr
