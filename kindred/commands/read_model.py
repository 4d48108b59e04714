"""Commands for the dashboard's read model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kindred.console import result_json, result_pairs

read_model = typer.Typer(help="Look after what the dashboard has read of the journal.")


@read_model.callback()
def _read_model() -> None:
    """Look after what the dashboard has read of the journal."""


@read_model.command("rebuild")
def rebuild(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Data folder; else Kafka if KINDRED_BROKERS is set, else KINDRED_DATA."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows of each table as one JSON document.")] = False,
) -> None:
    """Make the read model anew from the journal.

    Accounts, sessions and the audit stay. It may be called at any time: a dashboard that runs notices, and goes on
    from what is there. The database is dashboard.db in the data folder, or KINDRED_DATABASE_URL.
    """
    from kindred import settings
    from kindred.read_model import rebuild as make

    rows = make(folder, settings.load().settings)
    if as_json:
        result_json(rows)
    else:
        result_pairs({name.removeprefix("read_"): count for name, count in rows.items()})
