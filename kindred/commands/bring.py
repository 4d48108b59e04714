"""Brings a spreadsheet of people, mentors and existing pairs into a data folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kindred.console import note, result, result_json, result_pairs
from matcher.errors import ConfigurationError, Refused, code

if TYPE_CHECKING:
    from kindred.bringing import Brought

LINES = code(
    "KND-import-lines",
    "Lines of the spreadsheet are not as they must be, so nothing of it was taken. Mend the lines that were named and "
    "import it again; `--dry-run` looks without taking anything.",
)


NOT_ON_KAFKA = code(
    "KND-import-kafka",
    "A spreadsheet is taken in all or none, and on Kafka every event is decided alone, so none is taken there. Send "
    "people, what mentors offer and existing pairs as events with `kindred publish`, or name a data folder: `--data`.",
)


def bring(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A spreadsheet, saved as CSV.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at every line and take nothing.")] = False,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Data folder.")] = None,
    program: Annotated[
        str | None, typer.Option(help="Id of the program; else the file's column, or the folder's only one, or river.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Import people, mentors and existing pairs from a spreadsheet.

    Each line's error is named, by line and column. Nothing is taken while one line is wrong; the same file again
    changes nothing. A program that is new is told to wait: nobody is paired until somebody starts it on the dashboard.
    Not on Kafka, where every event is decided alone.
    """
    from kindred import bringing, settings

    chosen = settings.load(data=data).settings
    if data is None and chosen.brokers:
        raise ConfigurationError(
            NOT_ON_KAFKA, "no spreadsheet is taken in on Kafka: send events with `kindred publish`, or name --data"
        )
    brought = bringing.bring(file, chosen, program, dry_run=dry_run)
    if as_json:
        result_json(brought.document)
    else:
        _tell(brought, dry_run=dry_run)
    if brought.wrong:
        raise Refused(LINES, f"{brought.wrong} problems in {file}: nothing was taken; mend the lines named above")


def _tell(brought: Brought, *, dry_run: bool) -> None:
    for remark in brought.remarks:
        note(remark)
    for problem in brought.problems:
        result(problem)
    result_pairs(brought.numbers)
    if brought.wrong:
        return
    if not brought.numbers["events"]:
        result("Everything in this file was taken before. It changes nothing.")
    elif dry_run:
        result("Nothing was taken: without --dry-run it is.")
    elif brought.waits:
        result(
            f"The program {brought.program} proposes nobody until you press \u201cstart pairing\u201d on the dashboard."
        )
