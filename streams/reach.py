"""Reaching the brokers with kafka-python: patience while they are away, and a clear sentence for what goes wrong."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TypeVar

from kafka import errors

from matcher.errors import ConfigurationError, KindredError, Unreachable, code

AWAY = code(
    "KND-kafka-away",
    "No Kafka broker answers at the addresses given, or none did in time. Look whether they run and whether "
    "KINDRED_BROKERS names them; the same command can be run again.",
)
CREDENTIALS = code(
    "KND-kafka-credentials", "The Kafka brokers refuse the user, the password or the mechanism. Correct the settings."
)
FORBIDDEN = code(
    "KND-kafka-forbidden",
    "The Kafka user is known but may not do this. docs/how-to/secure-kafka.md lists what each role needs.",
)
NO_TOPIC = code(
    "KND-kafka-no-topic", "A Kafka topic does not exist. `kindred topics create` makes those that Kindred needs."
)

PATIENCE_SECONDS: Final = 60.0  # a broker that restarts is back within half of it
FIRST_WAIT_SECONDS: Final = 1.0  # then twice as long each time, up to:
LONGEST_WAIT_SECONDS: Final = 10.0
RECONNECT_MS: Final = 1_000  # between two attempts at a broker that went away: one that is back is found within it

T = TypeVar("T")


def reach(
    make: Callable[[int], T],
    brokers: str,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    waiting: Callable[[str], None] | None = None,
) -> T:
    """The client that ``make`` makes, given how many milliseconds it may try to reach a first broker.

    While no broker answers it is tried again, for ``patience_seconds`` in all; ``waiting`` is told each time. Raises
    Unreachable (KND-kafka-away) then, ConfigurationError (KND-kafka-credentials) at once.
    """
    until, wait = time.monotonic() + patience_seconds, FIRST_WAIT_SECONDS
    with _Overheard() as heard:
        while True:
            left = until - time.monotonic()
            try:
                return make(max(1, int(min(wait, max(left, 0.001)) * 1000)))
            except errors.KafkaError as trouble:
                why = _first_reason(heard.reason or trouble)
                if isinstance(heard.reason, _CREDENTIALS):
                    raise told(heard.reason, brokers) from None
                if time.monotonic() >= until:
                    raise Unreachable(
                        AWAY, f"no broker answers at {brokers} ({why}): start it, or name another"
                    ) from None
            if waiting is not None:
                waiting(
                    f"no broker answers at {brokers} ({why}): waiting, for {until - time.monotonic():.0f} s at most"
                )
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)


def told(trouble: BaseException, what: str) -> KindredError:
    """The error of Kindred for one of kafka-python about ``what``: brokers, or a topic."""
    why = _first_reason(trouble)
    if isinstance(trouble, _CREDENTIALS):
        return ConfigurationError(
            CREDENTIALS, f"the brokers at {what} refuse the credentials ({why}): correct the settings"
        )
    if isinstance(trouble, errors.AuthorizationError) or "AuthorizationFailed" in why:  # some are told in words alone
        return ConfigurationError(
            FORBIDDEN, f"the Kafka user may not use {what} ({why}): give it the right, or another user"
        )
    if isinstance(trouble, errors.UnknownTopicOrPartitionError):
        return no_topic(what)
    return Unreachable(AWAY, f"{what} cannot be reached ({why}): the same can be tried again")


def no_topic(name: str) -> ConfigurationError:
    """The error of a topic that is not there."""
    return ConfigurationError(NO_TOPIC, f"there is no topic {name}: make it with `kindred topics create`")


def quiet() -> None:
    """Keep kafka-python's log from stderr, for commands that say themselves what is wrong."""
    log = logging.getLogger("kafka")
    log.addHandler(logging.NullHandler())
    log.propagate = False


_CREDENTIALS = (errors.SaslAuthenticationFailedError, errors.UnsupportedSaslMechanismError)


def _first_reason(trouble: BaseException) -> str:
    return str(trouble).partition("\n")[0][:200].rstrip(".") or type(trouble).__name__


class _Overheard(logging.Handler):
    """The reason for which kafka-python could not reach a broker: it tries on, and tells it to its log alone."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.reason: BaseException | None = None
        self._logger = logging.getLogger("kafka.net.manager")

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(self.reason, _CREDENTIALS):  # most later attempts hear less: the broker just hangs up
            return
        if isinstance(self.reason, _CREDENTIALS):
            return  # what follows is only that the line is closed
        for each in record.args if isinstance(record.args, tuple) else ():
            if isinstance(each, BaseException) and not isinstance(each, errors.KafkaTimeoutError):  # that says nothing
                self.reason = each

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._logger.removeHandler(self)
