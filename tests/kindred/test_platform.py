"""Kindred on Kafka as a platform meets it: publish, follow, see what was refused, send it again; and the examples."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kindred import distributed
from streams.binary import Place, Record, read_record
from streams.connection import Connection
from streams.letters import read_letters
from tests.conftest import do_without
from tests.docs.test_pages_run import run
from tests.kindred.shell import KINDRED, environment, kindred
from tests.streams.brokers import put, silent_port
from tests.streams.cases import event, line
from tests.streams.test_binary import BAD_RECORDS
from tools.kafka import Kafka
from tools.parts import Unavailable

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    """A broker with Kindred's own topics, and one worker."""
    try:
        kafka = Kafka()
    except Unavailable as trouble:
        do_without("kafka", str(trouble))
    with kafka:
        made = kindred("topics", "create", "--partitions", "2", at=ROOT, KINDRED_BROKERS=kafka.address)
        assert made.returncode == 0, made.stderr
        command = [*KINDRED, "worker", "--clock", "event"]
        with subprocess.Popen(
            command, cwd=ROOT, env=environment(KINDRED_BROKERS=kafka.address), stderr=subprocess.DEVNULL
        ) as worker:
            yield kafka.address
            worker.terminate()
            worker.wait(60)


def until(holds: Callable[[], Any], seconds: float = 60) -> Any:
    """What ``holds`` returns once it is true."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.2)
    return found


def published(brokers: str, at: Path, *lines: bytes, strict: bool = False) -> subprocess.CompletedProcess[str]:
    (at / "e.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return kindred("publish", "e.jsonl", "--json", *["--strict"] * strict, at=at, KINDRED_BROKERS=brokers)


def letters(brokers: str, program: str) -> list[str]:
    return [each.code for each in read_letters(Connection(brokers), lambda letter: letter.program == program)]


def test_publish_says_of_every_event_what_became_of_it(brokers: str, tmp_path: Path) -> None:
    lines = [line("p-1", partitionkey="pub"), b"nonsense", line("p-2", "member.flew", partitionkey="pub"), line("p-3")]
    done = published(brokers, tmp_path, *lines)
    said = json.loads(done.stdout)
    assert (done.returncode, said["acknowledged"], said["undelivered"]) == (0, 2, [])
    assert [(each["index"], each["id"], each["code"]) for each in said["refused"]] == [
        (2, "", "KND-malformed"),
        (3, "p-2", "KND-unknown-type"),
    ]
    strict = published(brokers, tmp_path, *lines, strict=True)
    assert (strict.returncode, json.loads(strict.stdout)["acknowledged"]) == (3, 2)
    assert "KND-publish-strict" in strict.stderr


def test_publish_without_brokers(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(line())
    with silent_port() as nobody:
        done = kindred("publish", "e.jsonl", "--patience", "2", at=tmp_path, KINDRED_BROKERS=nobody)
    assert done.returncode == 4
    first, *_, last = done.stderr.splitlines()
    assert "waiting" in first
    assert last.startswith("KND-kafka-away: ")
    assert kindred("publish", "e.jsonl", at=tmp_path).returncode == 2
    assert kindred("publish", "none.jsonl", at=tmp_path, KINDRED_BROKERS=nobody).returncode == 2


def test_what_came_too_early_is_listed_shown_and_sent_again(brokers: str, tmp_path: Path) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return kindred("dead-letters", *words, at=tmp_path, KINDRED_BROKERS=brokers)

    early = event("c-1", "progress.checked_in", "kit", partitionkey="mend", data={"mood": 5})
    published(brokers, tmp_path, json.dumps(early).encode())
    assert until(lambda: letters(brokers, "mend")) == ["KND-unknown-member"]

    [listed] = json.loads(command("list", "--program", "mend", "--json").stdout)
    assert (listed["code"], listed["program"], listed["key"]) == ("KND-unknown-member", "mend", "mend")
    assert json.loads(listed["original"]) == {"mood": 5}
    assert {"name": "ce_id", "value": "c-1"} in listed["headers"]
    assert json.loads(command("show", listed["position"]).stdout) == listed
    assert command("show", "9:9").returncode == 2
    chosen = ("--code", "KND-unknown-member", "--program", "mend", "--since", "2020-01-01T00:00:00Z")
    assert listed["position"] in command("list", *chosen).stdout
    assert listed["position"] not in command("list", *chosen, "--until", "2020-01-02T00:00:00Z").stdout

    published(brokers, tmp_path, line("c-0", subject="kit", partitionkey="mend"))
    assert "c-1~again-1" in command("replay", *chosen).stdout
    assert letters(brokers, "mend") == ["KND-unknown-member"]
    for _ in range(2):  # the second time it is a repeat
        assert "sent" in command("replay", *chosen, "--send").stdout
    accepted = until(lambda: _status(brokers, "mend", accepted=2, duplicates=1))
    assert accepted["dead_letters"] == 1


def _status(brokers: str, program: str, **numbers: int) -> dict[str, Any]:
    """What `kindred status` says of a program, once it says these numbers."""
    status: dict[str, Any] = distributed.read_state(Connection(brokers)).status()
    found: dict[str, Any] = status["programs"].get(program, {})
    return found if all(found.get(key) == number for key, number in numbers.items()) else {}


def test_whatever_comes_becomes_a_letter_and_stops_nobody(brokers: str, tmp_path: Path) -> None:
    before = len(read_letters(Connection(brokers)))
    # One of each input: two that say the same are a repeat, of which there is no second letter.
    bad = [record for record, _ in BAD_RECORDS.values() if record.value is not None or record.key is not None]
    records = list({read_record(record, Place(0, 2))[2:4]: record for record in reversed(bad)}.values())
    put(brokers, "kindred.events", records, partition=0)
    until(lambda: len(read_letters(Connection(brokers))) >= before + len(records))
    kept = read_letters(Connection(brokers))[before:]
    assert sorted(_comparable(each.original) for each in kept) == sorted(map(_comparable, records))
    published(brokers, tmp_path, line("after", partitionkey="after"))
    until(lambda: _status(brokers, "after", accepted=1))


def _comparable(record: Record) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    return record.key or b"", record.value or b"", list(record.headers)


def test_the_examples_publish_and_follow(brokers: str, tmp_path: Path) -> None:
    def example(name: str, *words: str) -> subprocess.CompletedProcess[str]:
        script = str(ROOT / "examples" / name)
        return subprocess.run(
            [sys.executable, script, brokers, *words],
            cwd=tmp_path, env=environment(), capture_output=True, check=False, text=True, timeout=120,
        )  # fmt: skip

    (tmp_path / "signups.csv").write_text(
        "member,program,time,code,state\n"
        "ash,spring,2026-03-02T09:00:00Z,F11.20,early\n"
        "kit,spring,2026-03-02T09:05:00Z,X1,early\n"
        "finn,spring,2026-03-02T09:10:00Z,F10.20,active\n"
    )
    first = example("publish_joins.py", "signups.csv")
    assert (first.returncode, first.stdout) == (1, "2 people joined\n")
    assert first.stderr.startswith("line 3: KND-bad-data: ")
    cohort = kindred("cohort", "--program", "brook", "--members", "12", "--mentors", "6", "--days", "20", at=tmp_path)
    published(brokers, tmp_path, *cohort.stdout.encode().splitlines())
    until(lambda: _status(brokers, "spring", accepted=2))
    active = until(lambda: _status(brokers, "brook").get("active"))

    heard = example("follow_matches.py", "pairs.db", "5")
    assert heard.returncode == 0, heard.stderr
    assert "newcomer.waiting spring ash" in heard.stdout
    with closing(sqlite3.connect(tmp_path / "pairs.db")) as database:
        [[told]] = database.execute("select count(*) from told")
        [[pairs]] = database.execute("select count(*) from pairs where state = 'activated'")
    assert told == len(heard.stdout.splitlines())
    assert pairs >= active > 0
    assert example("follow_matches.py", "pairs.db", "2").stdout == ""


def test_the_page_for_platforms_runs(brokers: str, tmp_path: Path) -> None:
    said = run("docs/how-to/publish-events.md", tmp_path, KINDRED_BROKERS=brokers)
    assert said.count("acknowledged      2") == 2
    assert "exit code 3" in said
    assert "p-2~again-1  sent" in said
    assert until(lambda: _status(brokers, "delta", accepted=3))["dead_letters"] == 1
