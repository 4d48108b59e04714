"""The service as a process: it answers, stops on SIGTERM, and survives SIGKILL under load."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Timer

import httpx
import pytest

from kindred.verify import violations
from streams.folder import read_state
from streams.projection import FILES
from streams.replay import replay
from tests.streams.cases import cohort_lines, event, line

BATCH = {"content-type": "application/cloudevents-batch+json"}


@contextmanager
def serving(folder: Path, clock: str = "event") -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    command = [sys.executable, "-m", "tests.streams.serving", str(folder), clock]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with httpx.Client(base_url=process.stdout.readline().strip(), timeout=30) as client:
                yield process, client
        finally:
            process.kill()


def stopped(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(20)


@pytest.mark.slow
def test_sigterm_stops_it_with_a_reader_on_the_line_and_everything_on_the_disk(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, client):
        assert client.get("/health/ready").status_code == 200
        body = b"[" + b",".join(cohort_lines()) + b"]"
        answer = client.post("/v1/events", content=body, headers=BATCH)
        assert answer.json()["accepted"] == len(cohort_lines())
        with client.stream("GET", "/v1/notices", headers={"accept": "text/event-stream", "last-event-id": "4"}) as sse:
            lines = sse.iter_lines()
            assert next(text for text in lines if text.startswith("id:")) == "id: 5"
            assert stopped(process) == 0
    assert json.loads((tmp_path / "summary.json").read_bytes()) == read_state(tmp_path).summary()
    assert list(violations(tmp_path)) == []


@pytest.mark.slow
def test_sigterm_right_after_the_start(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, _):
        assert stopped(process) == 0


@pytest.mark.slow
def test_with_the_wall_clock_facts_are_of_now(tmp_path: Path) -> None:
    with serving(tmp_path, "wall") as (process, client):
        assert client.post("/v1/events", content=b"[%b]" % line(), headers=BATCH).json()["accepted"] == 1
        ahead = json.dumps([event("e-2", subject="m-2", time="2099-01-01T00:00:00Z")])
        assert client.post("/v1/events", content=ahead, headers=BATCH).json()["refused"][0]["code"] == "KND-time-ahead"
        assert stopped(process) == 0
    state = read_state(tmp_path)
    assert state.clock == "wall"


def _killed_under_load(folder: Path, kills: int, chance: Random) -> None:
    """Send a cohort in batches; after some answers, or in the middle of a request, the process is killed."""
    events, at, size = cohort_lines(200, 30, 60), 0, 25
    for life in range(kills + 1):
        with serving(folder) as (process, client):
            lifetime = chance.randrange(1, 12) if life < kills else len(events)
            while at < len(events) and lifetime > 0:
                body = b"[" + b",".join(events[at : at + size]) + b"]"
                answer = client.post("/v1/events", content=body, headers=BATCH)
                assert answer.status_code == 202, answer.text
                at, lifetime = at + size, lifetime - 1
            if life == kills:
                assert stopped(process) == 0
            else:
                _kill_in_the_middle(
                    process, client, b"[" + b",".join(events[at : at + size]) + b"]", chance.uniform(0, 0.05)
                )
    assert read_state(folder).summary()["accepted"] == len(events)
    (folder / "e").write_bytes(b"\n".join(events))
    replay([str(folder / "e")], folder / "replayed")
    for name in FILES:  # what a service that was killed has decided is what a replay decides, line by line
        assert (folder / name).read_bytes() == (folder / "replayed" / name).read_bytes()


def _kill_in_the_middle(process: subprocess.Popen[str], client: httpx.Client, body: bytes, after: float) -> None:
    """Kill while a request is under way: it may have been taken or not, and the next life gets it again either way."""
    killer = Timer(after, process.kill)
    killer.start()
    try:
        while True:
            client.post("/v1/events", content=body, headers=BATCH)
    except httpx.TransportError:
        process.wait()


@pytest.mark.slow
def test_killed_under_load_nothing_acknowledged_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    _killed_under_load(tmp_path, 3, Random(1))


@pytest.mark.soak
@pytest.mark.timeout(1800)  # 220 lives of two seconds each, on a machine that may have other work
def test_killed_two_hundred_times(tmp_path: Path) -> None:
    for seed in range(20):
        _killed_under_load(tmp_path / str(seed), 10, Random(seed))
