"""Faust with nothing around it, as a process of its own: what the worker's benchmarks are measured beside.

``python -m bench.faust_alone BROKERS TOPIC COUNT`` reads so many records with an agent that does nothing and prints
records a second between the first tenth and the last twentieth. With ``--to OUT`` the agent sends each record on, and
runs until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import faust

FIRST, LAST = 0.1, 0.95


def main() -> None:
    """Run until the records are read, or for ever."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("brokers")
    parser.add_argument("topic")
    parser.add_argument("count", type=int)
    parser.add_argument("--to")
    asked = parser.parse_args()
    asyncio.run(_run(asked.brokers, asked.topic, asked.count, asked.to))


async def _run(brokers: str, topic: str, count: int, to: str | None) -> None:
    done = asyncio.Event()
    with tempfile.TemporaryDirectory() as folder:
        app = faust.App(
            f"alone-{uuid.uuid4().hex[:8]}",
            broker=[f"kafka://{address}" for address in brokers.split(",")],
            datadir=Path(folder),
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            consumer_auto_offset_reset="earliest" if to is None else "latest",
            stream_wait_empty=False,
            broker_session_timeout=10,
            broker_heartbeat_interval=2,
            broker_commit_interval=0.5,
        )
        raw: dict[str, Any] = dict.fromkeys(("key_type", "value_type"), bytes)
        raw |= dict.fromkeys(("key_serializer", "value_serializer"), "raw")
        app.agent(app.topic(topic, **raw), concurrency=1)(
            _pass_over(count, done) if to is None else _hand_on(app.topic(to, **raw))
        )
        await app.start()
        print("ready", flush=True)
        await done.wait()
        await app.stop()


def _pass_over(count: int, done: asyncio.Event) -> Any:
    async def agent(stream: Any) -> None:
        read, began, first = 0, 0.0, int(count * FIRST)
        async for _ in stream:
            read += 1
            if read == first:
                began = time.perf_counter()
            elif read == int(count * LAST):
                print((read - first) / (time.perf_counter() - began), flush=True)
                done.set()

    return agent


def _hand_on(to: Any) -> Any:
    async def agent(stream: Any) -> None:
        async for event in stream.events():
            await to.send(key=event.message.key, value=event.message.value)

    return agent


if __name__ == "__main__":
    main()
