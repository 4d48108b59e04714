"""The composition root: the one place that opens journals, makes services, and touches what is global to a process.

Global to a process are the time zone database, the log and the listening socket. Everything else is passed along.
"""

from __future__ import annotations

import logging
import socket
import sys
import zoneinfo
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

from kindred.console import note
from matcher.errors import ConfigurationError, Unreachable, code
from matcher.policy import PolicyBook, read_policy

if TYPE_CHECKING:
    from pydantic import SecretStr

    from kindred.face import Face
    from kindred.settings import Settings
    from streams.clock import Mode
    from streams.connection import Connection
    from streams.replay import Replayed
    from streams.state import State

NO_FOLDER = code(
    "KND-no-folder",
    "The command needs a data folder and none was named: give DIR (or --data), or set KINDRED_DATA.",
)
NO_BROKERS = code("KND-no-brokers", "The command works on Kafka and no brokers were named: set KINDRED_BROKERS.")
NO_POLICY = code("KND-no-policy", "The policy file that the command line or a setting names cannot be read.")
NO_TOKEN = code(
    "KND-no-token",
    "A service that others can reach needs a token: set KINDRED_TOKEN, or listen on 127.0.0.1, the default.",
)
ADDRESS_TAKEN = code(
    "KND-address-taken",
    "The service cannot listen on its address: another process has the port, or the host is not of this machine. "
    "Choose others with --host and --port.",
)

LOADING_SECONDS = 2.0  # loading what an earlier start compiled takes half a second


def prepare(log_level: str = "info") -> None:
    """Set what is global to the process: time zones as the tzdata package has them, and the log on stderr.

    Every machine then reads the same hours from the same events, whatever its operating system knows of time zones.
    """
    import structlog

    zoneinfo.reset_tzpath(())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[log_level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def warm_up() -> None:
    """Load the market's compiled code before work begins, and say what is being waited for when that takes long."""
    from matcher.pairing import market

    saying = Timer(LOADING_SECONDS, note, ["loading the pairing code; a first start compiles it for some ten seconds"])
    saying.start()
    try:
        market.prepare()
    finally:
        saying.cancel()


def data_folder(named: Path | None, settings: Settings) -> Path:
    """The data folder that a command works on: the one named, else the setting's. Raises ConfigurationError."""
    folder = named or settings.data
    if folder is None:
        raise ConfigurationError(NO_FOLDER, "no data folder: name it, or set KINDRED_DATA")
    return folder


def connection(settings: Settings) -> Connection:
    """How to reach Kafka, by the settings. Raises ConfigurationError."""
    from streams.connection import Connection

    if settings.brokers is None:
        raise ConfigurationError(NO_BROKERS, "no Kafka brokers: set KINDRED_BROKERS")
    return Connection(
        settings.brokers,
        protocol=settings.kafka_protocol,
        mechanism=settings.kafka_mechanism,
        username=settings.kafka_username,
        password=secret(settings.kafka_password, settings.kafka_password_file, "kafka_password"),
        ca_file=settings.kafka_ca_file,
        cert_file=settings.kafka_cert_file,
        key_file=settings.kafka_key_file,
        plaintext_credentials=settings.kafka_plaintext_credentials,
    )


def secret(value: SecretStr | None, file: Path | None, name: str) -> str | None:
    """A secret from its setting or from the file that another names. Raises ConfigurationError (KND-settings)."""
    from kindred.settings import WRONG

    if file is None:
        return None if value is None else value.get_secret_value()
    if value is not None:
        raise ConfigurationError(WRONG, f"settings {name} and {name}_file are both given: take one away")
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as trouble:
        why = trouble.strerror if isinstance(trouble, OSError) else "not UTF-8"
        raise ConfigurationError(WRONG, f"setting {name}_file: {file} cannot be read ({why}): name another") from None


def policy_book(file: Path | None) -> PolicyBook:
    """The policies of a file; the defaults without one. Raises ConfigurationError or PolicyError."""
    if file is None:
        return read_policy("")
    try:
        return read_policy(file.read_text(encoding="utf-8"), where=str(file))
    except (OSError, UnicodeDecodeError) as trouble:
        why = trouble.strerror if isinstance(trouble, OSError) else "not UTF-8"
        raise ConfigurationError(NO_POLICY, f"the policy {file} cannot be read ({why}): name another file") from None


def replay(
    events: list[str], out: Path, policy: Path | None, until: int | None, progress: Callable[[int], None] | None
) -> Replayed:
    """Run the main job on files."""
    from streams import replay as job

    prepare("warning")
    policies = None if policy is None else policy_book(policy)
    warm_up()
    return job.replay(events, out, policies=policies, until=until, progress=progress)


def feed(
    folder: Path,
    events: Sequence[str],
    so_far: Callable[[int], None] | None,
    then: Callable[[State], Sequence[str]],
    batch: int = 512,
) -> None:
    """Hand events to the embedded service as HTTP would, on the clock of the events.

    After each batch those that ``then`` makes of the state are handed over as well.
    """
    from streams.folder import DataFolder
    from streams.intake import read_input
    from streams.service import Service

    prepare("warning")
    warm_up()
    home = DataFolder.open(folder, clock="event")
    service = Service(home)
    service.start()
    try:
        for start in range(0, len(events), batch):
            part = events[start : start + batch]
            service.submit([read_input(event.encode()) for event in part]).result()
            if told := then(home.state):
                service.submit([read_input(event.encode()) for event in told]).result()
            if so_far is not None:
                so_far(start + len(part))
    finally:
        service.stop()


def serve(settings: Settings, clock: Mode | None) -> None:
    """Run the embedded service until SIGTERM or Ctrl-C; `clock` of None keeps the journal's."""
    from kindred.face import Face
    from streams import serving

    folder = data_folder(None, settings)
    policies = None if settings.policy is None else policy_book(settings.policy)
    prepare(settings.log_level)
    warm_up()
    token = settings.token.get_secret_value() if settings.token else None
    with listener(settings.host, settings.port, has_token=token is not None) as door, Face(folder, settings) as face:
        serving.serve(
            folder,
            listener=door,
            clock=clock,
            policies=policies,
            token=token,
            proxies=settings.proxies,
            mount=face.mount,
            ready=lambda: _open(face, address(door)),
        )


def _open(face: Face, where: str) -> None:
    note(f"listening on {where}; Ctrl-C ends it")
    face.invite(where)


def listener(host: str, port: int, *, has_token: bool) -> socket.socket:
    """A listening socket. Raises ConfigurationError beyond loopback without a token, Unreachable when it is taken."""
    if not has_token and not _is_loopback(host):
        raise ConfigurationError(NO_TOKEN, f"listening on {host} needs a token: set KINDRED_TOKEN, or use 127.0.0.1")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        door = socket.create_server((host, port), family=family)
        # Taken over by every connection. Without, the body of each answer waits 40 ms for word that its head came:
        # asyncio sets it only on sockets that name their protocol.
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return door
    except OSError as trouble:
        raise Unreachable(
            ADDRESS_TAKEN, f"cannot listen on {host}:{port} ({trouble.strerror}): choose another --host or --port"
        ) from None


def address(door: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = door.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
