"""The command that runs the distributed service's part of one process."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from kindred.commands.run import Policy


def worker(
    policy: Policy = None,
    clock: Annotated[
        Literal["wall", "event"] | None, typer.Option(help="Whose time counts; a journal keeps its own.")
    ] = None,
    health_port: Annotated[
        int | None, typer.Option(help="Loopback port of health and metrics; 0 takes a free one.", show_default="none")
    ] = None,
) -> None:
    """Run a worker of the distributed service on Kafka.

    Any number of workers share the programs. Each takes a part of them, and takes over from those that are gone.

    Without --policy the programs keep theirs, and a program that is new gets the defaults.
    """
    from kindred import distributed, settings

    loaded = settings.load(policy=policy, clock=clock, health_port=health_port)
    distributed.worker(loaded.settings, None if loaded.origins["clock"] == "default" else loaded.settings.clock)
