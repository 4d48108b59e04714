"""Commands for those who look after a journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kindred.console import result_json, result_table

if TYPE_CHECKING:
    from journal.port import Entry, Journal

journal = typer.Typer(help="Look at the journal itself, entry by entry.")


@journal.command("inspect")
def inspect(
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Data folder; else KINDRED_DATA.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """List every entry: claims, records, parts of snapshots.

    Entries that do not count are listed too. An entry that is damaged ends the list with exit code 5.
    """
    from journal.sqlite import SqliteJournal
    from kindred import settings, wiring

    with closing(SqliteJournal(wiring.data_folder(folder, settings.load().settings), read_only=True)) as home:
        entries = [_described(entry) for entry in _entries(home)]
    if as_json:
        result_json(entries)
    else:
        columns = ("position", "bytes", "kind", "epoch", "seq", "what")
        result_table(columns, [tuple(str(entry[column]) for column in columns) for entry in entries])


def _entries(home: Journal) -> Iterator[Entry]:
    start = home.head()
    while page := home.read(start):
        yield from page
        start = page[-1].position + 1


def _described(entry: Entry) -> dict[str, object]:
    from journal.frames import Chunk, Claim, Record, decode

    head: dict[str, object] = {"position": entry.position, "bytes": len(entry.body)}
    match decode(entry):
        case Claim(epoch=epoch):
            return {**head, "kind": "claim", "epoch": epoch, "seq": "", "what": "somebody owns the journal"}
        case Record(link, batch):
            what = f"{len(batch.facts)} facts, {len(batch.refused)} refused, {batch.at}"
            return {**head, "kind": "record", "epoch": link.epoch, "seq": link.seq, "what": what}
        case Chunk(link=link, part=part, parts=parts, covers=covers):
            what = f"part {part + 1} of {parts}, covers {covers}"
            return {**head, "kind": "snapshot", "epoch": link.epoch, "seq": link.seq, "what": what}
