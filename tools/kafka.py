"""A real Apache Kafka on this machine, without containers: for the tests, and by hand with ``make kafka``.

The jars come through Maven into a cache folder once (54 MB). Every start makes a new cluster in a folder of its own,
each node both broker and controller (KRaft), on free ports of the loopback; stopping removes it. Needs Java and Maven.
"""

from __future__ import annotations

import argparse
import base64
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Self

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from tools.kafka_jars import VERSION, jars
from tools.parts import Unavailable

HOST: Final = "127.0.0.1"
# Below the ports that Linux gives to outgoing connections: a client that knocks on the port of a stopped broker, out
# of that very range, can be connected to itself.
PORTS: Final = range(20_000, 32_000)
START_SECONDS: Final = 90  # five seconds alone; a minute and a half is a machine that is busy with something else
STOP_SECONDS: Final = 20
QUICK: Final = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # half the start of SERVING; for tests
SERVING: Final = ("-Xmx512m", "-XX:+UseSerialGC")  # for what runs longer or is measured

# Small and quick where a real deployment is large and safe. What the tests are about (acks, replicas, flushing to the
# page cache, transactions, sessions) is as Kafka ships it.
_PROPERTIES: Final = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners={listeners}
advertised.listeners={advertised}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
log.dirs={folder}
auto.create.topics.enable=false
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.num.partitions=4
transaction.state.log.min.isr={in_sync}
min.insync.replicas={in_sync}
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
"""

# A broker ends with the thread that started it, so that nothing is left of a run that was killed: where Linux's setpriv
# is. The thread lives as long as the process.
_MORTAL: Final = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
_starting: Final = ThreadPoolExecutor(1)


class Node:
    """One broker of a cluster: a Java process that can be killed, paused and started again on the same data."""

    def __init__(self, folder: Path, libs: Path, ports: Mapping[str, int], options: Sequence[str]) -> None:
        self.folder = folder
        self.ports = ports
        self._options = options
        self.process: subprocess.Popen[bytes] | None = None  # as long as it should run
        self._classpath = f"{libs}/*"

    @property
    def address(self) -> str:
        """Where clients without credentials reach it."""
        return f"{HOST}:{self.ports['PLAINTEXT']}"

    def format(self, cluster_id: str) -> None:
        """Prepare its data folder."""
        tool = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._properties))
        done = subprocess.run(self._java(*tool), capture_output=True, text=True, timeout=START_SECONDS, check=False)
        if done.returncode != 0:
            raise Unavailable(f"Kafka could not be prepared: {(done.stdout + done.stderr).strip()[-500:]}")

    def start(self) -> None:
        """Start the process; it is not ready yet (``Kafka.wait``)."""
        self.process = _starting.submit(self._started).result()

    def _started(self) -> subprocess.Popen[bytes]:
        """The process, in a group of its own: Ctrl-C in a terminal reaches only whoever started it."""
        command = [*_MORTAL, *self._java("kafka.Kafka", str(self._properties))]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, process_group=0)

    def kill(self) -> None:
        """``kill -9``: whatever it was doing ends here."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, as an operator would."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """SIGSTOP: alive, and silent."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._running().send_signal(signal.SIGCONT)

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, *arguments: str) -> list[str]:
        return ["java", *self._options, "-cp", self._classpath, *arguments]

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise RuntimeError(f"the broker at {self.address} does not run")
        return self.process

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)  # a paused process hears SIGTERM only then
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Kafka:
    """A running cluster of one or more nodes; a context manager that stops it and removes its data.

    ``listens`` names further security protocols that clients may use besides PLAINTEXT (``SASL_PLAINTEXT``, …), each
    on a port of its own; ``properties`` go into every node's ``server.properties``, and win.
    """

    def __init__(
        self,
        nodes: int = 1,
        *,
        port: int = 0,
        listens: tuple[str, ...] = (),
        properties: Mapping[str, str] | None = None,
        java: Sequence[str] = QUICK,
    ) -> None:
        libs = jars()
        self.folder = Path(tempfile.mkdtemp(prefix="kindred-kafka-"))
        names = ("PLAINTEXT", "CONTROLLER", *listens)
        ports = _free_ports(nodes * len(names), first=port)
        self.nodes = [
            Node(self.folder / str(n + 1), libs, dict(zip(names, ports[n::nodes], strict=True)), java)
            for n in range(nodes)
        ]
        for number, node in enumerate(self.nodes, 1):
            node.folder.mkdir()
            (node.folder / "server.properties").write_text(self._text(number, node, properties or {}))

    @property
    def address(self) -> str:
        """Bootstrap servers for clients without credentials: host:port, separated by commas."""
        return self.address_of("PLAINTEXT")

    def address_of(self, protocol: str) -> str:
        """Bootstrap servers for clients that speak ``protocol``."""
        return ",".join(f"{HOST}:{node.ports[protocol]}" for node in self.nodes)

    def start(self) -> None:
        """Prepare and start every node, and wait until the cluster serves."""
        cluster_id = _cluster_id()
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(lambda node: node.format(cluster_id), self.nodes))
        for node in self.nodes:
            node.start()
        self.wait()

    def wait(self, seconds: float = START_SECONDS) -> None:
        """Until all nodes that run have joined and a consumer group can be coordinated; a port alone says little."""
        until = time.monotonic() + seconds
        while not self._serves():
            if dead := [node for node in self.nodes if node.process is not None and node.process.poll() is not None]:
                raise Unavailable(f"a broker ended by itself: {_last_words(dead[0])}")
            if time.monotonic() > until:
                raise Unavailable(f"Kafka did not serve within {seconds:.0f} s: {_last_words(self.nodes[0])}")
            time.sleep(0.1)

    def restart(self, number: int) -> None:
        """Start node ``number`` (0 is the first) again after ``kill`` or ``stop``, and wait until all serve."""
        self.nodes[number].start()
        self.wait()

    def close(self) -> None:
        """End every process and remove the data."""
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _text(self, number: int, node: Node, properties: Mapping[str, str]) -> str:
        replicas = min(3, len(self.nodes))
        listeners = [f"{name}://{HOST}:{port}" for name, port in node.ports.items()]
        base = _PROPERTIES.format(
            node=number,
            voters=",".join(f"{n}@{HOST}:{each.ports['CONTROLLER']}" for n, each in enumerate(self.nodes, 1)),
            listeners=",".join(listeners),
            advertised=",".join(each for each in listeners if not each.startswith("CONTROLLER")),
            folder=node.folder / "data",
            replicas=replicas,
            in_sync=max(1, replicas - 1),
        )
        return base + "".join(f"{name}={value}\n" for name, value in properties.items())

    def _serves(self) -> bool:
        running = [node.address for node in self.nodes if node.process is not None]
        if not all(map(_answers, running)):
            return False
        try:
            with closing(KafkaAdminClient(bootstrap_servers=running, bootstrap_timeout_ms=5000)) as admin:
                joined = sum(not broker["is_fenced"] for broker in admin.describe_cluster()["brokers"])
                admin.describe_groups(["readiness"])  # raises while there is no coordinator
        except (KafkaError, OSError):
            return False
        return joined == len(running)


def _answers(address: str) -> bool:
    """Whether somebody listens: asked first, for a client that finds nobody waits longer before each new attempt."""
    host, _, port = address.partition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False


def _free_ports(count: int, first: int = 0) -> list[int]:
    """``count`` ports that nobody listens on; the first of them ``first`` unless that is 0."""
    ports = [first] if first else []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        if len(ports) == count:
            break
        with socket.socket() as door, suppress(OSError):
            door.bind((HOST, port))
            ports.append(port)
    return ports


def _cluster_id() -> str:
    """A random UUID as Kafka writes it; none that begins with a dash, which its tool would take for an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not text.startswith("-"):
            return text


def _last_words(node: Node) -> str:
    log = node.folder / "log"
    return log.read_text(errors="replace").strip()[-500:] if log.exists() else "it wrote no log"


def main() -> None:
    """Run a broker in the foreground until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="make kafka", description=main.__doc__)
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--port", type=int, default=0, help="port of the first broker; 0 takes a free one")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Kafka(arguments.nodes, port=arguments.port, java=SERVING) as kafka:
            print(f"export KINDRED_BROKERS={kafka.address}", flush=True)
            print(f"Apache Kafka {VERSION} in {kafka.folder}; Ctrl-C ends it", file=sys.stderr)
            signal.pause()
    except KeyboardInterrupt:
        pass
    except Unavailable as trouble:
        sys.exit(str(trouble))


if __name__ == "__main__":
    main()
