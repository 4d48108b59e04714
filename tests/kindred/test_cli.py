"""The command line as its users and their scripts meet it: results, exit codes, sentences."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.kindred.shell import KINDRED, environment, kindred

pytestmark = pytest.mark.slow  # each starts processes
FILES = ("facts.jsonl", "notices.jsonl", "dead-letters.jsonl")
COUNTS = ["events", "accepted", "duplicates", "dead_letters", "facts", "notices"]
NUMBERS = ["members", "mentors", "open_slots", "waiting", "proposed", "active", "closed", "plan_value"]
SUMMARY = [*COUNTS, *NUMBERS, "certificate"]


def sentence(text: str) -> str:
    """The code of an error that is one sentence; a slow start may have said before what it is doing."""
    found = re.fullmatch(r"(?:loading [^\n]+\n)?(KND-[a-z-]+): [^\n]+\n", text)
    assert found, f"not one sentence with a code: {text!r}"
    return found[1]


def test_version_and_help_answer_at_once(tmp_path: Path) -> None:
    started = time.perf_counter()
    assert re.fullmatch(r"kindred \d+\.\d+\.\d+\n", kindred("version", at=tmp_path).stdout)
    assert "replay" in kindred("--help", at=tmp_path).stdout
    assert time.perf_counter() - started < 3  # two starts, generous on a busy machine; idle it is a fifth of a second


def test_version_and_help_do_not_load_the_mind(tmp_path: Path) -> None:
    ask = "import sys, kindred.cli as c; c.application(); print(*sorted(m for m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", ask], capture_output=True, check=True, text=True).stdout.split()
    assert not {"numpy", "networkx", "numba", "pydantic", "structlog", "fastapi"} & set(loaded)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (["nonsense"], 2, "KND-usage"),
        (["policy"], 2, "KND-usage"),
        (["cohort", "--members", "many"], 2, "KND-usage"),
        (["cohort", "--days", "0"], 2, "KND-cohort"),
        (["status"], 2, "KND-no-folder"),
        (["policy", "check", "none.toml"], 2, "KND-no-policy"),
        (["policy", "check", "wrong.toml"], 2, "KND-policy-wrong"),
        (["policy", "check", "unreadable.toml"], 2, "KND-policy-unreadable"),
        (["replay", "none.jsonl", "--out", "d"], 2, "KND-no-file"),
        (["replay", "empty.jsonl", "--out", "d", "--until", "tomorrow"], 2, "KND-time"),
        (["status", "nothing"], 2, "KND-journal-missing"),
        (["verify", "nothing"], 2, "KND-journal-missing"),
        (["verify", "garbage"], 5, "KND-journal-file"),
        (["serve", "--data", "d", "--host", "0.0.0.0"], 2, "KND-no-token"),
        (["topics", "check"], 2, "KND-no-brokers"),
        (["schema", "--out", "empty.jsonl"], 2, "KND-system"),
        (["dead-letters", "list", "nothing", "--since", "2026-03-01T00:00:00Z"], 2, "KND-letters-no-times"),
    ],
)
def test_an_ending_is_a_sentence_and_an_exit_code(
    tmp_path: Path, arguments: list[str], exit_code: int, code: str
) -> None:
    (tmp_path / "wrong.toml").write_text("[mentor]\nrecovery_dayz = 1\n")
    (tmp_path / "unreadable.toml").write_text("[mentor\n")
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "nothing").mkdir()
    (tmp_path / "garbage").mkdir()
    (tmp_path / "garbage" / "journal.db").write_bytes(b"not a journal" * 1000)
    done = kindred(*arguments, at=tmp_path)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert sentence(done.stderr) == code
    assert not (tmp_path / "d").exists()


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = kindred("status", "nothing", "--debug", at=tmp_path)
    assert done.returncode != 0
    assert "Traceback" in done.stderr


BROKEN = """
from kindred import cli
from kindred.commands import tell

def version() -> None:
    raise RuntimeError("m-17 has F11.20")

tell.version = version
cli.main(["version"])
"""


def test_what_nobody_foresaw_is_a_sentence_without_the_text_of_the_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN], cwd=tmp_path, env=environment(), capture_output=True, check=False, text=True
    )
    assert (done.returncode, sentence(done.stderr)) == (2, "KND-unforeseen")
    assert "RuntimeError" in done.stderr
    assert "m-17" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*KINDRED, "version"], cwd=tmp_path, env=environment(), stdout=full, stderr=subprocess.PIPE, check=False
        )
    said = done.stderr.decode()
    assert (done.returncode, sentence(said)) == (2, "KND-system")
    assert "No space left" in said


def test_the_same_cohort_has_the_same_bytes(tmp_path: Path) -> None:
    ask = ("cohort", "--members", "20", "--mentors", "5", "--days", "30", "--seed", "7")
    assert kindred(*ask, at=tmp_path).stdout == kindred(*ask, at=tmp_path, PYTHONHASHSEED="5").stdout


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    reader = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m kindred cohort --members 500 | head -1 | wc -l"],
        cwd=tmp_path, env=environment(), capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert (reader.returncode, reader.stdout.strip(), reader.stderr) == (0, "1", "")


def test_settings_are_told_with_their_origin_and_without_secrets(tmp_path: Path) -> None:
    done = kindred("settings", "--json", at=tmp_path, KINDRED_TOKEN="swordfish", KINDRED_PORT="9")
    told = json.loads(done.stdout)
    assert told["port"] == {"value": "9", "origin": "KINDRED_PORT"}
    assert "swordfish" not in done.stdout


def test_the_schema_is_written_whole(tmp_path: Path) -> None:
    assert kindred("schema", "--out", "s", at=tmp_path).returncode == 0
    assert json.loads((tmp_path / "s" / "asyncapi.json").read_text())["asyncapi"] == "3.0.0"
    assert (tmp_path / "s" / "inbound" / "member.joined.v1.json").exists()


# The main job


@pytest.fixture(scope="module")
def river(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with events ``e.jsonl`` and what replaying them made, ``d``."""
    at = tmp_path_factory.mktemp("river")
    events = kindred("cohort", "--members", "60", "--mentors", "12", "--days", "45", at=at).stdout
    (at / "e.jsonl").write_text(f"{events}not an event\n")
    assert kindred("replay", "e.jsonl", "--out", "d", at=at).returncode == 0
    return at


@pytest.mark.slow
def test_the_line_of_the_issue(tmp_path: Path) -> None:
    """cohort, replay, verify and market, as a user types them; the plan is worth what scipy finds."""
    from scipy.optimize import linear_sum_assignment

    line = (
        "kindred cohort --members 1000 --mentors 150 --days 180 --seed 7 > e.jsonl && "
        "kindred replay e.jsonl --out d > summary && kindred verify d && kindred market d --json"
    ).replace("kindred ", f"{sys.executable} -m kindred ")
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment(), capture_output=True, check=True)
    document = json.loads(done.stdout)
    weights = dense(document)
    rows, columns = linear_sum_assignment(weights, maximize=True)
    assert document["value"] == weights[rows, columns].sum() > 0


def dense(document: dict[str, object]) -> object:
    """Weights with a column for each slot; staying alone is worth nothing."""
    import numpy as np

    slots = [mentor["slots"] for mentor in document["mentors"]]  # type: ignore[attr-defined]
    starts = np.concatenate([[0], np.cumsum(slots)])
    table = np.zeros((len(document["newcomers"]), int(starts[-1]) + len(document["newcomers"])))  # type: ignore[arg-type]
    for i, j, weight, _ in document["weights"]:  # type: ignore[attr-defined]
        table[i, starts[j] : starts[j + 1]] = weight
    return table


@pytest.mark.slow
def test_replay_tells_what_it_did_and_fills_the_folder(river: Path) -> None:
    summary = json.loads((river / "d" / "summary.json").read_text())
    assert list(summary) == SUMMARY
    assert summary["dead_letters"] == 1
    assert summary["active"] > 0
    assert summary["certificate"]["equal"]
    status = json.loads(kindred("status", "d", "--json", at=river).stdout)
    assert {name: status[name] for name in SUMMARY} == summary
    assert list(status["programs"]) == ["river"]


@pytest.mark.slow
def test_any_hash_seed_any_cut_and_a_kill_give_the_same_bytes(river: Path, tmp_path: Path) -> None:
    lines = (river / "e.jsonl").read_bytes().splitlines(keepends=True)
    for seed in ("1", "77"):
        kindred("replay", str(river / "e.jsonl"), "--out", f"h{seed}", at=tmp_path, PYTHONHASHSEED=seed)
    for part in (lines[:100], lines[100:101], lines[50:300], lines[300:]):  # one part comes twice
        kindred("replay", "-", "--out", "cut", at=tmp_path, stdin=b"".join(part))
    killed = subprocess.Popen(
        [*KINDRED, "replay", str(river / "e.jsonl"), "--out", "killed"], cwd=tmp_path, env=environment()
    )
    wait_for(lambda: (tmp_path / "killed" / "journal.db").exists())
    killed.kill()
    killed.wait()
    kindred("replay", str(river / "e.jsonl"), "--out", "killed", at=tmp_path)
    for folder in ("h1", "h77", "cut", "killed"):
        for name in FILES:
            assert (tmp_path / folder / name).read_bytes() == (river / "d" / name).read_bytes(), (folder, name)


@pytest.mark.slow
def test_strict_refuses_with_its_own_exit_code_and_takes_the_rest(river: Path, tmp_path: Path) -> None:
    command = ("replay", str(river / "e.jsonl"), "--out", "d", "--strict", "--json")
    for _ in range(2):  # what was refused before is refused still
        done = kindred(*command, at=tmp_path)
        assert (done.returncode, sentence(done.stderr)) == (3, "KND-strict")
        assert json.loads(done.stdout)["accepted"] > 0
        assert json.loads(done.stdout)["dead_letters"] == 1


@pytest.mark.slow
def test_a_refused_input_can_be_listed_and_shown(river: Path) -> None:
    [letter] = json.loads(kindred("dead-letters", "list", "d", "--json", at=river).stdout)
    assert letter["code"] == "KND-malformed"
    shown = kindred("dead-letters", "show", "d", str(letter["position"]), at=river)
    assert json.loads(shown.stdout)["original"] == "not an event"
    assert "KND-malformed" in kindred("dead-letters", "list", "d", at=river).stdout
    assert sentence(kindred("dead-letters", "show", "d", "none", at=river).stderr) == "KND-no-letter"


@pytest.mark.slow
def test_the_journal_can_be_listed(river: Path) -> None:
    entries = json.loads(kindred("journal", "inspect", "d", "--json", at=river).stdout)
    assert entries[0]["kind"] == "claim"
    assert {"record", "snapshot"} <= {entry["kind"] for entry in entries}
    assert [entry["position"] for entry in entries] == list(range(len(entries)))
    assert "1 refused" in kindred("journal", "inspect", "d", at=river).stdout


@pytest.mark.slow
def test_why_answers_for_a_pair_for_somebody_who_waits_and_for_nobody(river: Path) -> None:
    notices = [json.loads(line) for line in (river / "d" / "notices.jsonl").read_text().splitlines()]
    pair = next(each["data"] for each in notices if each["type"] == "kindred.match.activated.v1")
    answer = json.loads(kindred("why", "d", pair["newcomer"], pair["mentor"], "--json", at=river).stdout)
    assert {"newcomer", "mentor", "blockers", "fit", "terms", "price", "instead"} <= answer.keys()
    assert pair["newcomer"] in kindred("why", "d", pair["newcomer"], at=river).stdout
    waits = next(each["subject"] for each in notices if each["type"] == "kindred.newcomer.waiting.v1")
    assert waits in kindred("why", waits, at=river, KINDRED_DATA="d").stdout
    unknown = kindred("why", "d", "nobody", at=river)
    assert (unknown.returncode, sentence(unknown.stderr)) == (2, "KND-no-member")
    elsewhere = kindred("why", "d", waits, "--program", "brook", at=river)
    assert (elsewhere.returncode, sentence(elsewhere.stderr)) == (2, "KND-no-program")


@pytest.mark.slow
def test_the_clock_can_be_set_and_a_journal_keeps_its_clock(river: Path, tmp_path: Path) -> None:
    until = "2026-03-01T00:00:00Z"
    assert kindred("replay", str(river / "e.jsonl"), "--out", "d", "--until", until, at=tmp_path).returncode == 0
    last = json.loads((tmp_path / "d" / "facts.jsonl").read_text().splitlines()[-1])
    assert (last["type"], last["at"]) == ("clock.advanced", until)
    other = kindred("serve", "--data", "d", "--clock", "wall", "--port", "0", at=tmp_path)
    assert (other.returncode, sentence(other.stderr)) == (2, "KND-clock-mode")


@pytest.mark.slow
def test_serve_takes_an_event_keeps_others_out_and_ends_with_sigterm(tmp_path: Path) -> None:
    port = free_port()
    served = subprocess.Popen(
        [*KINDRED, "serve", "--data", "d", "--port", str(port)], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE
    )
    try:
        wait_for(lambda: answers(port))
        post(port, "2026-03-02T09:14:00Z")
        second = kindred("serve", "--data", "d", "--port", "0", at=tmp_path)
        assert (second.returncode, sentence(second.stderr)) == (4, "KND-journal-taken")
        taken = kindred("serve", "--data", "e", "--port", str(port), at=tmp_path)
        assert (taken.returncode, sentence(taken.stderr)) == (4, "KND-address-taken")
        assert json.loads(kindred("status", "d", "--json", at=tmp_path).stdout)["members"] == 1
    finally:
        served.send_signal(signal.SIGTERM)
        _, said = served.communicate(timeout=30)
    assert served.returncode == 0
    assert f"http://127.0.0.1:{port}" in said.decode()
    assert kindred("verify", "d", at=tmp_path).returncode == 0


@pytest.mark.slow
def test_sigterm_ends_a_replay_with_exit_code_0(tmp_path: Path) -> None:
    waiting = subprocess.Popen(
        [*KINDRED, "replay", "-", "--out", "d"], cwd=tmp_path, env=environment(), stdin=subprocess.PIPE
    )
    wait_for(lambda: (tmp_path / "d" / "journal.db").exists())
    waiting.send_signal(signal.SIGTERM)
    waiting.communicate(timeout=30)
    assert waiting.returncode == 0


@pytest.mark.slow
def test_the_demo_tells_what_a_coordinator_would_read(tmp_path: Path) -> None:
    started = time.monotonic()
    done = kindred("demo", "--once", at=tmp_path)
    assert done.returncode == 0
    assert all("loading the pairing code" in line for line in done.stderr.splitlines())  # said on a slow machine
    assert time.monotonic() - started < 60
    for part in ("Paired", "Waiting", "Whom to recruit", "Three pairs, and why", "The plan", "Where to look next"):
        assert part in done.stdout
    assert "No plan is worth more" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert kindred("verify", ".demo", at=tmp_path).returncode == 0
    facts = [json.loads(line) for line in (tmp_path / ".demo" / "facts.jsonl").read_text().splitlines()]
    paired = {fact["data"]["match"] for fact in facts if fact["type"] == "match.activated"}
    in_touch = {fact["data"]["subject"] for fact in facts if fact["type"] == "match.contacted"}
    assert in_touch <= paired
    assert len(in_touch) > 0.8 * len(paired)
    assert any(fact["type"] == "match.pulsed" for fact in facts)
    assert (tmp_path / ".demo" / "dead-letters.jsonl").read_bytes() == b""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def post(port: int, when: str) -> None:
    event = {
        "specversion": "1.0", "id": "e-1", "source": "/intake", "type": "kindred.member.joined.v1", "subject": "n-1",
        "partitionkey": "river", "time": when, "data": {"experiences": [{"code": "F11.20"}], "seeks_mentor": True},
    }  # fmt: skip
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/events",
        data=json.dumps(event).encode(),
        headers={"content-type": "application/cloudevents+json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202


def wait_for(holds: object, seconds: float = 60) -> None:
    """Wait until a condition holds, looking twenty times a second."""
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
