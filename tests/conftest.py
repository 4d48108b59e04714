"""What tests share: a real Apache Kafka and PostgreSQL, one in each process that runs tests, started when asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import NoReturn

import pytest

from tools import postgres as servers
from tools.kafka import Kafka
from tools.parts import Unavailable
from tools.postgres import Postgres

KafkaMaker = Callable[..., AbstractContextManager[Kafka]]


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[Kafka]:
    """One node, shared: a test makes topics with names of its own, and leaves the node running."""
    with ExitStack() as stack:
        try:
            kafka = stack.enter_context(Kafka())
        except Unavailable as trouble:
            do_without("kafka", str(trouble))
        yield kafka


@pytest.fixture(scope="session")
def new_kafka() -> KafkaMaker:
    """Makes clusters that a test may break: ``with new_kafka(3) as kafka``. Takes the arguments of ``Kafka``."""

    def make(*arguments: object, **options: object) -> Kafka:
        try:
            return Kafka(*arguments, **options)  # type: ignore[arg-type]
        except Unavailable as trouble:
            do_without("kafka", str(trouble))

    return make


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server, shared: a test asks for a database of a name of its own, and leaves the server running."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(Postgres())
        except servers.Unavailable as trouble:
            do_without("postgres", str(trouble))
        yield server


def do_without(part: str, why: str) -> NoReturn:
    """Skip the test for want of ``part``, saying how to get it; fail where KINDRED_REQUIRE names it."""
    if part in os.environ.get("KINDRED_REQUIRE", "").split(","):
        pytest.fail(f"KINDRED_REQUIRE names {part}, and it cannot be had: {why}")
    pytest.skip(why)
