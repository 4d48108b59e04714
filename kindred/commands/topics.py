"""Commands for those who set up Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from kindred.console import note, result, result_json, result_table

if TYPE_CHECKING:
    from streams.topics import Fault

topics = typer.Typer(help="Make and check Kindred's topics on Kafka.")

VIOLATIONS = 1  # exit code: a check found something


@topics.command("create")
def create(
    partitions: Annotated[int, typer.Option(min=1, help="Of events and journal; a number for life.")] = 12,
    retention_hours: Annotated[
        int, typer.Option(min=24, help="How long events, notices and dead letters stay: whoever is erased, too.")
    ] = 168,
    mend: Annotated[bool, typer.Option("--mend", help="Also set what existing topics need and do not have.")] = False,
) -> None:
    """Make the topics that are not there. Can be called again.

    On as many replicas as there are brokers, at most three; all but one of them must have a record before it counts.
    """
    from kindred import settings, wiring
    from streams.reach import quiet
    from streams.topics import create_topics, topic_faults

    quiet()
    connection = wiring.connection(settings.load().settings)
    made = create_topics(connection, partitions=partitions, retention_hours=retention_hours, mend=mend, waiting=note)
    result_table(("topic", "what was done"), made)
    faults = topic_faults(connection)
    _tell(faults)
    if faults:
        raise typer.Exit(VIOLATIONS)


@topics.command("check")
def check(as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> None:
    """Say what is wrong with the topics, and which command mends it. Exit code 1 when something is."""
    from kindred import settings, wiring
    from streams.reach import quiet
    from streams.topics import topic_faults

    quiet()
    faults = topic_faults(wiring.connection(settings.load().settings), waiting=note)
    if as_json:
        result_json([fault._asdict() for fault in faults])
    elif not faults:
        result("the topics are as they must be")
    _tell([] if as_json else faults)
    if faults:
        raise typer.Exit(VIOLATIONS)


def _tell(faults: Sequence[Fault]) -> None:
    for fault in faults:
        result(f"{fault.topic}: {fault.what}")
        result(f"  to mend it: {fault.mend}")
