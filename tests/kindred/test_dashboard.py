"""The dashboard as somebody starts it: on the embedded service, and on its own beside a worker on Kafka."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from matcher.instants import format_instant
from tests.conftest import KafkaMaker
from tests.kindred.shell import KINDRED, environment, kindred

pytestmark = pytest.mark.slow
PASSWORD = "four quiet words here"
WAIT_SECONDS = 90


@contextmanager
def running(*arguments: str, at: Path, name: str, **settings: str) -> Iterator[Callable[[], str]]:
    """A command until the end of the block, which it must leave with 0; gives what it has said so far."""
    log = at / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen([*KINDRED, *arguments], cwd=at, env=environment(**settings), stderr=out, stdout=out)
    try:
        yield log.read_text
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def until(found: Callable[[], object], what: str) -> object:
    ends = time.monotonic() + WAIT_SECONDS
    while not (answer := found()):
        assert time.monotonic() < ends, f"waited for {what}"
        time.sleep(0.1)
    return answer


def come_in(said: Callable[[], str]) -> httpx.Client:
    """A browser that made the first account by the link that the command printed."""
    until(lambda: re.search(r"works once", said()), "the link for the first account")
    link = re.search(r"http\S+/welcome/\S+", said())
    assert link
    client = httpx.Client(base_url=link[0].partition("/welcome")[0], follow_redirects=True, timeout=30)
    token = re.search(r'form_token" value="(\w+)"', client.get(link[0]).text)
    assert token
    fields = {"form_token": token[1], "name": "Robin", "password": PASSWORD, "again": PASSWORD}
    assert client.post(link[0], data=fields).status_code == 200
    client.headers["X-Form-Token"] = client.get("/api/v1/me").json()["form_token"]
    return client


def decide_first(client: httpx.Client) -> None:
    """Approve the first card of the queue, and see it gone at once."""
    cards = until(lambda: client.get("/api/v1/today").json()["cards"], "a card to decide on")
    assert isinstance(cards, list)
    card = cards[0]
    form = {"decision": "approve", **{name: card[name] for name in ("newcomer", "mentor", "version")}}
    answer = client.post(f"/api/v1/review/{card['program']}/{card['match']}/decide", json=form)
    assert answer.status_code == 200, answer.text
    assert answer.json()["seen"]
    matches = [each["match"] for each in client.get("/api/v1/today").json()["cards"]]
    assert card["match"] not in matches


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text(kindred("cohort", "--members", "60", "--mentors", "20", "--days", "40", at=tmp_path).stdout)
    return path


def test_serve_opens_on_a_dashboard_and_a_decision_goes_all_the_way(events: Path, tmp_path: Path) -> None:
    kindred("replay", str(events), "--out", "river", at=tmp_path)
    arguments = ("serve", "--data", "river", "--port", "0", "--clock", "event")
    with running(*arguments, at=tmp_path, name="serve") as said, closing(come_in(said)) as client:
        decide_first(client)
        assert client.get("/health/ready").json() == {"status": "ready"}
        wrong = client.post("/v1/notices")
        assert (wrong.status_code, wrong.json()["code"]) == (405, "KND-no-door")
    with running(*arguments, at=tmp_path, name="again") as said:
        until(lambda: "the dashboard is at" in said(), "the second start")
        assert "welcome" not in said()
    assert PASSWORD not in (tmp_path / "serve.log").read_text()
    assert kindred("verify", "river", at=tmp_path).returncode == 0


def test_when_the_dashboard_reads_no_further_every_page_says_so(tmp_path: Path) -> None:
    with (
        running("serve", "--data", "river", "--port", "0", at=tmp_path, name="serve") as said,
        closing(come_in(said)) as client,
    ):
        assert client.post("/v1/events", json=joined("n-1")).status_code == 202
        until(lambda: client.get("/api/v1/people/river/n-1").status_code == 200, "the person")
        assert "Nothing new is seen" not in client.get("/today").text
        with closing(sqlite3.connect(tmp_path / "river" / "dashboard.db")) as db, db:
            db.execute("INSERT INTO read_fact SELECT program, max(n) + 1, at, time, type, subject, said FROM read_fact")
        assert client.post("/v1/events", json=joined("n-2")).status_code == 202
        until(lambda: "Nothing new is seen in river since" in client.get("/today").text, "the word on the page")
        assert "KND-read-model" in client.get("/health-and-letters").text
    assert "has not seen the newest" in kindred("status", "river", at=tmp_path).stdout


def joined(who: str) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"joined-{who}",
        "source": "/tests",
        "type": "kindred.member.joined.v1",
        "subject": who,
        "partitionkey": "river",
        "time": format_instant(int(time.time()) - 5),
        "data": {"experiences": [{"code": "F11.20", "state": "early"}]},
    }


def test_on_kafka_a_decision_goes_to_the_worker_and_comes_back(
    events: Path, tmp_path: Path, new_kafka: KafkaMaker
) -> None:
    with new_kafka() as kafka:
        settings = {"KINDRED_BROKERS": kafka.address, "KINDRED_DATABASE_URL": f"sqlite:///{tmp_path / 'face.db'}"}
        assert kindred("topics", "create", "--partitions", "2", at=tmp_path, **settings).returncode == 0
        assert kindred("publish", str(events), at=tmp_path, **settings).returncode == 0
        with (
            running("dashboard", "--port", "0", "--clock", "event", at=tmp_path, name="dashboard", **settings) as said,
            closing(come_in(said)) as client,
        ):
            with running("worker", "--clock", "event", at=tmp_path, name="worker", **settings):
                decide_first(client)
                assert client.get("/health/ready").json()["status"] == "ready"
                say_what_the_worker_refuses(client)
            waits = client.post("/api/v1/enter", json=NEWCOMER | {"person": "x-3"}).json()
            assert (waits["seen"], waits["decided"]) == (False, False)
            assert "nobody has decided on it yet" in waits["notice"]
            say_that_no_file_is_taken_in(client, tmp_path, settings)


NEWCOMER = {"program": "river", "person": "x-1", "role": "newcomer", "lived_1": "F10.20"}


def say_what_the_worker_refuses(client: httpx.Client) -> None:
    """Enter two who must not be paired, for the mentor is not cleared, and pair them."""
    for form in (NEWCOMER, NEWCOMER | {"person": "x-2", "role": "mentor"}):
        entered = client.post("/api/v1/enter", json=form).json()
        assert (entered["seen"], entered["decided"]) == (True, True), entered
    refused = client.post("/api/v1/record/river/x-1/pair", json={"mentor": "x-2"})
    assert refused.status_code == 422
    assert "KND-barred" in refused.text
    page = client.post("/record/river/x-1/pair", data={"form_token": client.headers["X-Form-Token"], "mentor": "x-2"})
    assert (page.status_code, "KND-barred" in page.text) == (422, True)


def say_that_no_file_is_taken_in(client: httpx.Client, at: Path, settings: dict[str, str]) -> None:
    (at / "people.csv").write_text("id,experiences\nn-1,F10.20\n")
    assert "Send people, what mentors offer and existing pairs as events" in client.get("/import").text
    brought = client.post(
        "/import",
        data={"program": "river", "form_token": client.headers["X-Form-Token"]},
        files={"file": ("people.csv", (at / "people.csv").read_bytes(), "text/csv")},
    )
    assert brought.status_code == 422
    assert "so none is taken" in brought.text
    for more in ((), ("--dry-run",)):
        done = kindred("import", "people.csv", *more, at=at, **settings)
        assert (done.returncode, "KND-import-kafka" in done.stderr) == (2, True), done.stderr


def test_the_dashboard_on_kafka_says_what_it_lacks(tmp_path: Path) -> None:
    done = kindred("dashboard", at=tmp_path, KINDRED_BROKERS="127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr.startswith("KND-no-database: ")
    assert "KINDRED_DATABASE_URL" in done.stderr
