"""Commands that do the work: replay, serve."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from kindred.console import progress, result, result_json, result_pairs
from matcher.errors import ConfigurationError, Refused, code

BAD_TIME = code("KND-time", "A time on the command line is not one: write it as 2026-03-02T09:14:00Z.")
STRICT = code(
    "KND-strict",
    "Some input was refused and --strict was asked for. Everything else was taken; `kindred dead-letters list` says "
    "why.",
)

Policy = Annotated[Path | None, typer.Option(metavar="FILE", help="Policy file (TOML).")]


def replay(
    events: Annotated[list[str], typer.Argument(metavar="EVENTS.jsonl...", help="Files of CloudEvents; - is stdin.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Data folder; goes on where it stopped.")],
    policy: Policy = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Set the clock to this time at the end.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 3 when any input was refused.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON document.")] = False,
) -> None:
    """Run the main job on files of events.

    Events are read in the order given, and what follows is written to a data folder. Calling again with later events
    goes on where it stopped.

    The journal keeps the policy of each of its programs, not the file: without --policy they keep theirs, and a
    program that is new gets the defaults. Name the file at every call, or set KINDRED_POLICY.
    """
    from kindred import settings, wiring

    end = None if until is None else instant(until, "--until")
    chosen = settings.load(policy=policy).settings.policy
    with progress("events", _count(events)) as done_so_far:
        done = wiring.replay(events, out, chosen, end, done_so_far)
    if as_json:
        result_json(done.summary)
    else:
        _tell(done.summary)
        result(f"\nThe data folder is {out}. Look closer with `kindred status {out}`, `kindred why {out} NEWCOMER`.")
    if strict and done.refused:
        raise Refused(STRICT, f"{done.refused} inputs were refused: see `kindred dead-letters list {out}`")


def serve(
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Data folder.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8765")] = None,
    policy: Policy = None,
    clock: Annotated[
        Literal["wall", "event"] | None, typer.Option(help="Whose time counts; a journal keeps its own.")
    ] = None,
) -> None:
    """Run the embedded service: HTTP in and out.

    Without --policy the programs of the data folder keep theirs, and a program that is new gets the defaults.
    """
    from kindred import settings, wiring

    loaded = settings.load(data=data, host=host, port=port, policy=policy, clock=clock)
    asked = None if loaded.origins["clock"] == "default" else loaded.settings.clock
    wiring.serve(loaded.settings, asked)


def instant(text: str, where: str) -> int:
    """The time that an option of this name gives. Raises ConfigurationError (KND-time)."""
    from matcher.instants import parse_instant

    try:
        return parse_instant(text)
    except ValueError as trouble:
        raise ConfigurationError(BAD_TIME, f"{where} {text} is not a time ({trouble})") from None


def _count(names: list[str]) -> int | None:
    """How many lines there are to read; None when that is not known, and not asked when nobody looks."""
    if not sys.stderr.isatty() or not all(Path(name).is_file() for name in names):
        return None
    return sum(_lines(Path(name)) for name in names)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def _tell(summary: dict[str, object]) -> None:
    certificate = summary["certificate"]
    holds = isinstance(certificate, dict) and certificate["equal"]
    plain = {name.replace("_", " "): number for name, number in summary.items() if name != "certificate"}
    result_pairs({**plain, "plan is optimal": "yes, by its certificate" if holds else "NO: the certificate differs"})
