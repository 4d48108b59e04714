"""Commands for those who look after a journal: in a data folder, or partition by partition on Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from kindred.console import headline, result, result_json, result_table

if TYPE_CHECKING:
    from journal.diagnosis import Seen
    from journal.port import Journal
    from matcher.errors import SafeHalt

journal = typer.Typer(help="Look at the journal itself, entry by entry.")

Folder = Annotated[
    Path | None, typer.Argument(metavar="[DIR]", help="Data folder; else KINDRED_BROKERS, else KINDRED_DATA.")
]
Partition = Annotated[int | None, typer.Option(min=0, help="On Kafka: this partition only.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]


class Place(NamedTuple):
    """A journal, and where it is."""

    name: str
    partition: int | None
    home: Journal


@journal.command("inspect")
def inspect(folder: Folder = None, partition: Partition = None, as_json: AsJson = False) -> None:
    """List every entry: claims, records, parts of snapshots.

    Entries that do not count are listed too. Where one is wrong the list says so and goes on, and the exit code is 5.
    """
    from journal.diagnosis import examine

    rows: list[dict[str, object]] = []
    first: SafeHalt | None = None
    for place in _places(folder, partition):
        for seen in examine(place.home):
            rows.append(({} if place.partition is None else {"partition": place.partition}) | _described(seen))
            first = first or seen.wrong
    if as_json:
        result_json(rows)
    elif rows:
        result_table(tuple(rows[0]), [tuple(map(str, row.values())) for row in rows])
    if first is not None:
        raise first


@journal.command("repair-plan")
def repair_plan(folder: Folder = None, partition: Partition = None, as_json: AsJson = False) -> None:
    """Say what is wrong with a journal, what of it is whole, and what can be done. Changes nothing.

    Exit code 5 when something is wrong.
    """
    from journal.diagnosis import diagnose
    from kindred.repair import plan

    plans = []
    for place in _places(folder, partition):
        diagnosis = diagnose(place.home)
        plans.append((place, diagnosis, plan(place.name, diagnosis, on_kafka=place.partition is not None)))
    if as_json:
        result_json([{"journal": place.name, "sound": found.sound, **steps._asdict()} for place, found, steps in plans])
    else:
        for place, _, steps in plans:
            _tell(place.name, steps.wrong, steps.whole, steps.possible)
    for _, found, _ in plans:
        if trouble := found.halt or (found.first_wrong and found.first_wrong.wrong):
            raise trouble


def _places(folder: Path | None, partition: int | None) -> Iterator[Place]:
    """The journals that are meant, one open at a time."""
    from kindred import distributed, settings, wiring

    chosen = settings.load().settings
    if folder is None and chosen.brokers is not None:
        connection = wiring.connection(chosen)
        for number in distributed.partitions(connection) if partition is None else [partition]:
            with closing(distributed.journal(connection, number)) as home:
                yield Place(f"partition {number}", number, home)
        return
    from journal.sqlite import SqliteJournal

    path = wiring.data_folder(folder, chosen)
    with closing(SqliteJournal(path, read_only=True)) as home:
        yield Place(str(path), None, home)


def _described(seen: Seen) -> dict[str, object]:
    from journal.frames import Chunk, Claim, Record

    epoch: object = ""
    seq: object = ""
    match seen.frame:
        case None:
            kind, what = "?", ""
        case Claim(epoch=epoch):
            kind, what = "claim", "somebody owns the journal"
        case Record(link, batch):
            kind, epoch, seq = "record", link.epoch, link.seq
            what = f"{len(batch.facts)} facts, {len(batch.refused)} refused, {batch.at}"
        case Chunk(link=link, part=part, parts=parts, covers=covers):
            kind, epoch, seq = "snapshot", link.epoch, link.seq
            what = f"part {part + 1} of {parts}, covers {covers}"
    counts = {True: "yes", False: "no", None: "?"}[seen.counts]
    return {
        "position": seen.position,
        "bytes": seen.size,
        "kind": kind,
        "epoch": epoch,
        "seq": seq,
        "counts": counts,
        "what": str(seen.wrong) if seen.wrong else what,
    }


def _tell(name: str, wrong: str, whole: str, possible: tuple[str, ...]) -> None:
    headline(name)
    result(wrong)
    result(whole)
    for number, step in enumerate(possible, 1):
        result(f"  {number}. {step}")
