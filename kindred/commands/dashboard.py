"""The command that runs the dashboard of the distributed service."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def dashboard(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8765")] = None,
    clock: Annotated[
        Literal["wall", "event"] | None, typer.Option(help="The workers' clock: pages tell time by it.")
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make the read model anew from the journals.")] = False,
) -> None:
    """Run the dashboard beside workers on Kafka, with its read model in KINDRED_DATABASE_URL.

    A dashboard that lags or stops delays no pairing. `kindred serve` has its own on the same address as its API.
    """
    from kindred import face_kafka, settings

    face_kafka.serve(settings.load(host=host, port=port, clock=clock).settings, rebuild=rebuild)
