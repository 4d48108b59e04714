"""One run: a cluster, three workers, eight programs, and what goes wrong, all of it from a seed.

By hand: ``python -m tests.faults.run SEED`` prints what it did and what it found.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from threading import Event, Thread

from kafka import KafkaConsumer, TopicPartition

from journal.kafka import KafkaJournal
from journal.owner import Lost, Owner
from journal.reader import Counted, Reader, Snapshot
from matcher.errors import Unreachable
from streams.connection import Connection
from streams.state import LAYOUT, State
from streams.topics import JOURNAL, create_topics
from tests.faults import traffic
from tests.faults.checker import Topics, check, states
from tools.kafka import Kafka

PARTITIONS = 6
PARTS = 24
SESSION_SECONDS = 6.0  # the least that a broker allows
PAUSE_SECONDS = 9.0
SETTLE_SECONDS = 90.0
STOP_SECONDS = 20.0


@dataclass
class Worker:
    """A process, and what it is."""

    process: subprocess.Popen[bytes]
    words: tuple[str, ...]
    log: Path
    paused_until: float = 0.0


@dataclass
class Plan:
    """What a run is like."""

    nodes: int
    clock: str
    newer: bool
    shifted: bool
    faults: dict[int, list[str]] = field(default_factory=dict)  # by the part before which they happen


FAULTS = (
    "kill", "kill", "pause", "pause", "terminate", "rogue", "add", "remove", "broker", "publisher",
)  # fmt: skip


def plan(seed: int) -> Plan:
    """The run of a seed. Twice as many faults are drawn as there are kinds of worker trouble."""
    dice = Random(seed)
    made = Plan(
        nodes=3 if seed % 3 == 0 else 1,
        clock="wall" if seed % 4 == 1 else "event",
        newer=seed % 5 == 2,
        shifted=seed % 4 == 1,
    )
    others = FAULTS if made.nodes > 1 else tuple(kind for kind in FAULTS if kind != "broker")  # once takes long enough
    kinds = ["kill", "pause", "broker", "rogue", "truncate", *dice.sample(others, k=3)]
    for kind in kinds:
        made.faults.setdefault(dice.randrange(2, PARTS - 2), []).append(kind)
    if made.newer:
        made.faults.setdefault(PARTS // 3, []).insert(0, "upgrade")
    return made


class Run:
    """The run of a seed on a cluster that was just started."""

    def __init__(self, seed: int, kafka: Kafka, folder: Path) -> None:
        self.seed, self.kafka, self.folder = seed, kafka, folder
        self.plan = plan(seed)
        self.dice = Random(seed + 1)
        self.workers: list[Worker] = []
        self.history: list[str] = []
        self.brokers = kafka.address
        self.recorder: Recorder
        self._broker_due = 0.0
        self._broker_back: Callable[[], None] | None = None
        self._started = time.monotonic()

    def go(self) -> list[str]:
        """Everything that is wrong at the end."""
        create_topics(Connection(self.brokers), partitions=PARTITIONS)
        recorder = self.recorder = Recorder(self.brokers)
        recorder.start()
        try:
            for number in range(3):
                self.start_worker(*self._words(number))
            self._joined()
            platforms = traffic.Platforms(self.brokers, self.seed)
            try:
                self._load(platforms)
            finally:
                platforms.close()
            self._heal()
            found = self._settled(platforms, recorder)
            if found:
                self._explain()
            return found or self._readers(platforms, recorder)
        finally:
            recorder.stop()
            for worker in self.workers:
                worker.process.kill()
                worker.process.wait()

    def _joined(self) -> None:
        """Until all workers have partitions: what happens before is the start, and has tests of its own."""
        until = time.monotonic() + SETTLE_SECONDS
        while not all(b"partitions assigned" in worker.log.read_bytes() for worker in self.workers):
            assert time.monotonic() < until, "the workers do not join their group"
            time.sleep(0.1)
        self._note("all workers have joined")

    def start_worker(self, *words: str) -> Worker:
        """Start a worker."""
        log = self.folder / f"worker-{len(list(self.folder.glob('worker-*')))}.log"
        arguments = ["worker", "--clock", self.plan.clock]
        command = [sys.executable, "-m", "tests.faults.double", *words, "--", *arguments]
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, env=self._environment())
        worker = Worker(process, words, log)
        self.workers.append(worker)
        self._note(f"worker {process.pid} {' '.join(words)} starts")
        return worker

    def _environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("KINDRED_")}
        return plain | {
            "KINDRED_BROKERS": self.brokers,
            "KINDRED_SESSION_SECONDS": str(SESSION_SECONDS),
            "KINDRED_SNAPSHOT_FACTS": "120",
        }

    def _words(self, number: int) -> tuple[str, ...]:
        if number == 1 and self.plan.shifted:
            return ("shift=3600",)
        return ()

    def _load(self, platforms: traffic.Platforms) -> None:
        for number, part in enumerate(traffic.parts(self.seed, PARTS)):
            for fault in self.plan.faults.get(number, ()):
                if fault == "publisher":
                    self._kill_publisher(part)
                else:
                    getattr(self, f"_{fault}")()
            self._continue()
            platforms.send(part)
            time.sleep(0.2)

    # What goes wrong.

    def _kill(self) -> None:
        worker = self._any()
        worker.process.kill()
        worker.process.wait()
        self.workers.remove(worker)
        self._note(f"worker {worker.process.pid} killed")
        self.start_worker(*worker.words)

    def _pause(self) -> None:
        worker = self._any()
        worker.process.send_signal(signal.SIGSTOP)
        worker.paused_until = time.monotonic() + PAUSE_SECONDS
        self._note(f"worker {worker.process.pid} paused")

    def _terminate(self) -> None:
        worker = self._any()
        self._stop(worker)
        self.start_worker(*worker.words)

    def _upgrade(self) -> None:
        """The first worker of a newer version; the others meet what it writes, and make room for newer ones."""
        self.start_worker("newer")

    def _add(self) -> None:
        if len(self.workers) < 4:
            self.start_worker()

    def _remove(self) -> None:
        if len(self.workers) > 2:
            self._stop(self._any())

    def _journal(self, number: int) -> KafkaJournal:
        """A journal, asked for until it can be had: a broker may just have been killed."""
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                return KafkaJournal(Connection(self.brokers).aiokafka(), JOURNAL, number)
            except Unreachable:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def _rogue(self) -> None:
        """Somebody claims a partition whose owner is at work."""
        number = self.dice.randrange(PARTITIONS)
        home = self._journal(number)
        with suppress(Lost, Unreachable):
            Owner(home).claim(lambda _: None)
        home.close()
        self._note(f"partition {number} claimed by a rogue")

    def _truncate(self) -> None:
        """The journals lose what their snapshots cover, while a worker that was just started reads them."""
        worker = self.start_worker()
        self._stop(next(each for each in self.workers if each is not worker))
        for number in range(PARTITIONS):
            home = self._journal(number)
            with closing(home):
                reader = Reader(home)
                for _ in reader.counted():
                    pass
                if reader.tally.base > 0 and self.recorder.has(number, reader.tally.base):
                    home.truncate(reader.tally.base)
                    self._note(f"journal {number} truncated before {reader.tally.base}")

    def _broker(self) -> None:
        number = self.dice.randrange(len(self.kafka.nodes))
        self.kafka.nodes[number].kill()
        self._note(f"broker {number} killed")
        if len(self.kafka.nodes) > 1:
            back = self._broker_due = time.monotonic() + 6

            def return_() -> None:
                time.sleep(max(0.0, back - time.monotonic()))
                self.kafka.restart(number)
                self._note(f"broker {number} is back")

            self._return_broker()
            self._broker_back = return_
        else:
            time.sleep(1.5)
            self.kafka.restart(number)
            self._note(f"broker {number} is back")

    def _kill_publisher(self, part: list[traffic.Sent]) -> None:
        """``kindred publish`` killed in the middle; the part is sent again from its beginning afterwards."""
        file = traffic.lines(part, self.folder / "part.jsonl")
        command = [sys.executable, "-m", "kindred", "publish", str(file)]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self._environment()
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(self.dice.uniform(0.8, 2.0))
        process.kill()
        process.wait()
        self._note("a publisher killed")

    # What mends it.

    def _continue(self) -> None:
        for worker in self.workers:
            if worker.paused_until and time.monotonic() > worker.paused_until:
                worker.process.send_signal(signal.SIGCONT)
                worker.paused_until = 0.0
                self._note(f"worker {worker.process.pid} goes on")
            elif worker.process.poll() is not None:
                self._gone(worker)
        if self._broker_back is not None and time.monotonic() > self._broker_due:
            self._return_broker()

    def _gone(self, worker: Worker) -> None:
        """A worker may end by itself only when a newer one is there to go on."""
        self.workers.remove(worker)
        text = worker.log.read_text(errors="replace")
        if not (self.plan.newer and worker.process.returncode == 5 and "KND-snapshot-newer" in text):
            raise AssertionError(f"worker {worker.process.pid} ended: {worker.process.returncode}\n{text[-2000:]}")
        self._note(f"worker {worker.process.pid} made room for a newer one")
        self.start_worker("newer")

    def _return_broker(self) -> None:
        back, self._broker_back = self._broker_back, None
        if back is not None:
            back()

    def _heal(self) -> None:
        self._return_broker()
        for worker in self.workers:
            if worker.paused_until:
                time.sleep(max(0.0, worker.paused_until - time.monotonic()))
                worker.paused_until = min(worker.paused_until, time.monotonic() - 1)
        self._continue()

    def _stop(self, worker: Worker) -> None:
        self.workers.remove(worker)
        worker.process.send_signal(signal.SIGCONT)
        worker.process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        status, text = worker.process.wait(STOP_SECONDS), worker.log.read_text(errors="replace")
        loading = status == -signal.SIGTERM and "working" not in text  # Python itself had not come to us yet
        older = self.plan.newer and status == 5 and "KND-snapshot-newer" in text
        assert status == 0 or loading or older, f"worker {worker.process.pid} ended with {status}\n{text[-2000:]}"
        self._note(f"worker {worker.process.pid} stopped in {time.monotonic() - started:.1f} s")

    def _any(self) -> Worker:
        able = [worker for worker in self.workers if not worker.paused_until and "newer" not in worker.words]
        return self.dice.choice(able or self.workers)

    # What is looked at.

    def _settled(self, platforms: traffic.Platforms, recorder: Recorder) -> list[str]:
        """What is wrong once nothing moves any more."""
        until = time.monotonic() + SETTLE_SECONDS
        while True:
            self._continue()
            found = check(self._topics(platforms, recorder))
            if not found or time.monotonic() > until:
                self._note(f"settled with {len(found)} violations")
                return found
            time.sleep(1.0)

    def _explain(self) -> None:
        """Have the workers write into their logs what they do."""
        for worker in self.workers:
            worker.process.send_signal(signal.SIGUSR1)
        time.sleep(1.0)

    def _topics(self, platforms: traffic.Platforms, recorder: Recorder) -> Topics:
        events = list(traffic.everything(self.brokers, "kindred.events"))
        return Topics(
            journal=recorder.entries(),
            events=events,
            notices=[
                (topic, message)
                for topic in ("kindred.matches", "kindred.alerts")
                for message in traffic.everything(self.brokers, topic)
            ],
            letters=list(traffic.everything(self.brokers, "kindred.dead-letters")),
            acknowledged=platforms.acknowledged,
            poisons=platforms.poisons,
            partitions=PARTITIONS,
            believes_poisons=self.plan.clock == "event",
        )

    def _readers(self, platforms: traffic.Platforms, recorder: Recorder) -> list[str]:
        """All workers stop when asked, and every reader has the same state."""
        for worker in self.workers:
            worker.process.send_signal(signal.SIGTERM)  # all at once; asked a second time below, they end as well
        for worker in list(self.workers):
            self._stop(worker)
        topics = self._topics(platforms, recorder)
        found = check(topics)
        whole = states(topics)
        for number in range(PARTITIONS):
            home = self._journal(number)
            state = State.of(map(_readable, Reader(home).counted()))
            home.close()
            for name, program in state.programs.items():
                if program.state_hash() != whole.pop(name):
                    found.append(f"{name}: a reader from the newest snapshot has another state")
        found += [f"{name}: readers from the newest snapshots do not have it" for name in whole]
        return found

    def _note(self, what: str) -> None:
        self.history.append(f"{time.monotonic() - self._started:6.1f} {what}")


def _readable(item: Counted) -> Counted:
    """As a reader of the newer version sees it."""
    return replace(item, layout=LAYOUT) if isinstance(item, Snapshot) else item


class Recorder:
    """Keeps every entry of the journal as it comes, whatever is truncated later."""

    def __init__(self, brokers: str) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=brokers.split(","), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        self._where = [TopicPartition(JOURNAL, number) for number in range(PARTITIONS)]
        self._entries: dict[int, list[tuple[int, bytes]]] = {number: [] for number in range(PARTITIONS)}
        self._stop = Event()
        self._asked, self._answered = Event(), Event()
        self._thread = Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        self._consumer.assign(self._where)
        self._consumer.seek_to_beginning()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)

    def has(self, partition: int, position: int) -> bool:
        """Whether everything up to this entry was kept."""
        entries = self._entries[partition]
        return bool(entries) and entries[-1][0] >= position

    def entries(self) -> dict[int, list[tuple[int, bytes]]]:
        """What is in the journal now, and what was."""
        self._answered.clear()
        self._asked.set()
        assert self._answered.wait(60), "the recorder does not come to the end of the journal"
        return {number: list(entries) for number, entries in self._entries.items()}

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(Exception):
                for where, records in self._consumer.poll(timeout_ms=200).items():
                    self._entries[where.partition] += [(record.offset, record.value) for record in records]
                if self._asked.is_set():
                    ends = self._consumer.end_offsets(self._where)
                    if all(self._consumer.position(where) >= end for where, end in ends.items()):
                        self._asked.clear()
                        self._answered.set()
        self._consumer.close()


def run(seed: int, folder: Path, kafka_of: Callable[[int], Kafka] = Kafka) -> tuple[list[str], list[str]]:
    """What was found wrong, and what happened."""
    with ExitStack() as stack:
        kafka = stack.enter_context(kafka_of(plan(seed).nodes))
        one = Run(seed, kafka, folder)
        try:
            return one.go(), one.history
        except BaseException:
            sys.stderr.write("\n".join([f"seed {seed}: {one.plan}", *one.history, ""]))
            raise


def main() -> None:
    seed = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        folder = sys.argv[2] if len(sys.argv) > 2 else folder
        found, history = run(seed, Path(folder))
        sys.stdout.write("\n".join([str(plan(seed)), *history, f"{len(found)} violations", *found[:20], ""]))
        if found:
            for log in sorted(Path(folder).glob("worker-*.log")):
                sys.stdout.write(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
