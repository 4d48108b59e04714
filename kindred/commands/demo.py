"""The demo: a cohort of people, the embedded service, and a report that a coordinator would read."""

from __future__ import annotations

from typing import Annotated

import typer


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the report.")] = False,
    program: Annotated[str, typer.Option(help="Id of the program.")] = "river",
    members: Annotated[int, typer.Option(help="Newcomers.")] = 400,
    mentors: Annotated[int, typer.Option(help="Mentors.")] = 60,
    days: Annotated[int, typer.Option(help="Length of the period.")] = 90,
    seed: Annotated[int, typer.Option(help="Other people for another number.")] = 1,
) -> None:
    """Show the whole way on made-up people: events in, pairs out."""
    from kindred.demonstration import show

    show(program, members, mentors, days, seed, keep_open=not once)
