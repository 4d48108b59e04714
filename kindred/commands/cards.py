"""Keys of the local cards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kindred.console import result

cards = typer.Typer(help="Keys of the local cards.", no_args_is_help=True)


@cards.callback()
def _cards() -> None:
    """Keys of the local cards."""


@cards.command()
def rotate(
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Data folder.")] = None,
) -> None:
    """Make a new key, and seal every local card with it.

    The service may run. The file keeps the key before it, in case a card was sealed meanwhile; every older one goes.
    """
    from kindred import card_keys, settings, wiring

    loaded = settings.load(data=data).settings
    sealed = card_keys.rotate(loaded, wiring.data_folder(None, loaded))
    result(f"{sealed} cards are sealed with a new key.")
