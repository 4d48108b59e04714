"""Commands that look into a data folder and change nothing: status, why, market, verify."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kindred.console import note, result, result_json, result_table
from matcher.errors import ConfigurationError, code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matcher.program import Program
    from streams.connection import Connection
    from streams.state import State

NO_PROGRAM = code("KND-no-program", "The data folder has no such program. `kindred status` lists those that it has.")
NO_MEMBER = code("KND-no-member", "No program of the data folder has this member. Ids are those of the events.")

Folder = Annotated[
    Path | None,
    typer.Argument(metavar="[DIR]", help="Data folder; else Kafka if KINDRED_BROKERS is set, else KINDRED_DATA."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def status(folder: Folder = None, as_json: AsJson = False) -> None:
    """Print how many people are paired, proposed and waiting, what no dashboard sees, and who is not on call."""
    document: dict[str, Any] = _state(folder).status()
    document |= _gaps(folder, {name: each["facts"] for name, each in document["programs"].items()})
    if as_json:
        result_json(document)
        return
    programs: Mapping[str, Mapping[str, Any]] = document["programs"]
    columns = ("members", "mentors", "open_slots", "waiting", "proposed", "active", "closed")
    rows = [(program, *(str(state[column]) for column in columns)) for program, state in programs.items()]
    result_table(("program", *(column.replace("_", " ") for column in columns)), rows)
    certificate = document["certificate"]
    result(f"Plan value {document['plan_value']}; certificate {'holds' if certificate['equal'] else 'DOES NOT HOLD'}.")
    for gap in (*document["unseen"], *document["on_call_gaps"]):
        result(gap)


def why(
    words: Annotated[list[str], typer.Argument(metavar="[DIR] NEWCOMER [MENTOR]", help="Whom it is about.")],
    program: Annotated[str | None, typer.Option(help="Where the ids are in more than one program.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say why this mentor, why not another, or why they wait."""
    from kindred.report import reasons

    folder, newcomer, mentor = _about(words)
    programs = _state(folder).programs
    document = _home(programs, newcomer, program).why(newcomer, mentor)
    if as_json:
        result_json(document)
    else:
        result(reasons(document))


def market(
    folder: Folder = None,
    program: Annotated[str | None, typer.Option(help="Only this program.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the market as numbers, for other solvers to check."""
    programs = _state(folder).programs
    chosen = list(programs.values()) if program is None else [_program(programs, program)]
    documents = [each.market() for each in chosen]
    if as_json:
        result_json(documents[0] if len(documents) == 1 else documents)
        return
    for document in documents:
        seats = sum(mentor["slots"] for mentor in document["mentors"])
        result(
            f"{document['program']}: {len(document['newcomers'])} newcomers, {seats} open slots, "
            f"{len(document['weights'])} open pairs, {len(document['plan'])} in the plan, value {document['value']}"
        )
    note("--json gives weights, plan and duals")


def verify(folder: Folder = None) -> None:
    """Check a data folder, or everything on Kafka, with independent code.

    Exit code 0 when everything holds, 1 with a violation on each line, 5 when it is unreadable or damaged.
    """
    where, violations = _violations(folder)
    found = 0
    for violation in violations:
        result(violation)
        found += 1
    if found:
        note(f"{found} {'violation' if found == 1 else 'violations'} in {where}")
        raise typer.Exit(1)
    note(f"{where}: everything holds")


def _state(named: Path | None) -> State:
    """The state of a data folder, or of all journals on Kafka."""
    from kindred import distributed
    from streams.folder import read_state

    kafka = _kafka(named)
    return read_state(_folder(named)) if kafka is None else distributed.read_state(kafka)


def _gaps(named: Path | None, facts: dict[str, int]) -> dict[str, list[str]]:
    """What the dashboard has not seen, and why nobody would be called if something could not wait."""
    from kindred import oncall, settings

    chosen = settings.load().settings
    folder = None if named is None and chosen.brokers else named or chosen.data
    return {
        "unseen": oncall.unseen_now(chosen, folder, facts),
        "on_call_gaps": oncall.gaps_now(chosen, folder, list(facts)),
    }


def _violations(named: Path | None) -> tuple[str, Iterator[str]]:
    """What is checked, in words, and what is wrong with it."""
    kafka = _kafka(named)
    if kafka is None:
        from kindred import verify as check

        return str(_folder(named)), check.violations(_folder(named))
    from kindred import verify_kafka

    return f"Kafka at {kafka.brokers}", verify_kafka.violations(kafka)


def _kafka(named: Path | None) -> Connection | None:
    """The brokers that a command looks at: those of the settings, unless a folder is named."""
    from kindred import settings, wiring

    wiring.prepare("warning")
    chosen = settings.load().settings
    return wiring.connection(chosen) if named is None and chosen.brokers else None


def _folder(named: Path | None) -> Path:
    from kindred import settings, wiring

    wiring.prepare("warning")
    return wiring.data_folder(named, settings.load().settings)


def _about(words: list[str]) -> tuple[Path | None, str, str | None]:
    """Tell ``[DIR] NEWCOMER [MENTOR]`` apart: of two words the first is the folder when there is such a folder."""
    match words:
        case [newcomer]:
            return None, newcomer, None
        case [first, second]:
            return (Path(first), second, None) if Path(first).is_dir() else (None, first, second)
        case [folder, newcomer, mentor]:
            return Path(folder), newcomer, mentor
    raise typer.BadParameter("give [DIR] NEWCOMER [MENTOR]")


def _program(programs: Mapping[str, Program], name: str) -> Program:
    if name not in programs:
        raise ConfigurationError(NO_PROGRAM, f"there is no program {name} here: `kindred status` lists the programs")
    return programs[name]


def _home(programs: Mapping[str, Program], member: str, name: str | None) -> Program:
    """The program that a member is in."""
    if name is not None:
        return _program(programs, name)
    homes = [program for program in programs.values() if member in program.state.members.members]
    if not homes:
        raise ConfigurationError(NO_MEMBER, f"there is no member {member} here")
    if len(homes) > 1:
        names = ", ".join(program.id for program in homes)
        raise ConfigurationError(NO_MEMBER, f"{member} is in several programs ({names}): choose with --program")
    return homes[0]
