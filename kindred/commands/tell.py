"""Commands that only tell: version, settings, policy, schema, cohort."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from kindred.console import markdown_table, note, result, result_json, result_table

if TYPE_CHECKING:
    from matcher.policy import PolicyRow

policy = typer.Typer(help="Every number that a program may change.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="Policy file (TOML).", show_default=False)]
Program = Annotated[str, typer.Option(help="Id of the program.")]


def version() -> None:
    """Print the version."""
    from kindred import __version__

    result(f"kindred {__version__}")


def settings(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The reference page.", hidden=True)] = False,
) -> None:
    """Print every setting and where it comes from.

    Secrets are masked.
    """
    from kindred import settings as room

    rows = list(room.rows(room.load()))
    if markdown:
        result(settings_page())
    elif as_json:
        result_json({row.name: {"value": row.value, "origin": row.origin} for row in rows})
    else:
        result_table(("setting", "value", "origin", "about"), [(r.name, r.value, r.origin, r.about) for r in rows])


def settings_page() -> str:
    """The settings as a page in Markdown: names, environment, defaults; nothing of this machine."""
    from kindred.settings import FILE, PREFIX, Loaded, Settings, rows

    plain = Loaded(Settings.model_construct(), dict.fromkeys(Settings.model_fields, "default"))
    table = markdown_table(
        ("Setting", "Environment", "Default", "What it is"),
        [(f"`{row.name}`", f"`{PREFIX}{row.name.upper()}`", row.default, row.about) for row in rows(plain)],
    )
    return (
        "# Settings\n\nFor those who install and run Kindred. Written by `kindred settings --markdown`.\n\n"
        f"The command line wins over the environment, the environment over `{FILE}` in the folder where the command "
        "runs, and that over the defaults. `kindred settings` prints what is in force and where it comes from.\n\n"
        f"{table}"
    )


@policy.command("show")
def policy_show(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Policy file; none: the defaults.")] = None,
    program: Annotated[str | None, typer.Option(help="Show the policy of this program.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A page in Markdown.")] = False,
) -> None:
    """Print every number with its unit, reason and source."""
    from kindred.wiring import policy_book
    from matcher.policy import policy_rows

    book = policy_book(file)
    chosen = book.of(program) if program else book.default
    rows = list(policy_rows(chosen))
    if as_json:
        result_json(json.loads(chosen.text()))
    elif markdown:
        result(policy_page())
    else:
        result_table(
            ("number", "why, and where from"), [(_valued(row), f"{row.reason}\n({row.source})") for row in rows]
        )


def _valued(row: PolicyRow) -> str:
    """The key, and under it the value with its unit and the default where it differs: ``730 days, not 365``."""
    other = "" if row.value == row.default else f", not {row.default}"
    return "\n  ".join([row.key, *wrap(f"{row.value} {row.unit}{other}", 30)])


def policy_page() -> str:
    """The default policy as a page in Markdown."""
    from matcher.policy import Policy, policy_rows

    rows = policy_rows(Policy())
    table = markdown_table(
        ("Key", "Default", "Unit", "Why", "Source"),
        [(f"`{row.key}`", row.default, row.unit, row.reason, row.source) for row in rows],
    )
    return (
        "# Policy\n\nFor coordinators and those who set up a program. Written by `kindred policy show --markdown`.\n\n"
        "One TOML file holds what differs from these defaults: `[mentor]` with `recovery_days = 730` for all programs, "
        "`[programs.river.mentor]` for one. `kindred policy check FILE` says whether a file can be taken. The policy "
        "in force is part of the program's journal.\n\n"
        f"{table}"
    )


@policy.command("check")
def policy_check(file: File) -> None:
    """Check a policy file.

    Exit code 2 and one sentence when it cannot be taken.
    """
    from kindred.wiring import policy_book

    book = policy_book(file)
    own = f", with overrides for {len(book.programs)} programs" if book.programs else ""
    result(f"{file} can be taken{own}")


def schema(
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to write them; none: list the types.")] = None,
) -> None:
    """Write JSON Schemas and an AsyncAPI document.

    There is a JSON Schema for every message and fact, the vocabulary, and AsyncAPI 3.0 for the channels.
    """
    from kindred import __version__
    from matcher.messages.schema import VOCABULARY, documents

    written = documents(__version__)
    if out is None:
        result("\n".join(sorted(written)))
        for name, words in written[VOCABULARY].items():
            result(f"{name}: {' '.join(words)}")
        return
    for name, document in written.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    note(f"{len(written)} documents are in {out}")


def cohort(
    program: Program = "river",
    members: Annotated[int, typer.Option(help="Newcomers.")] = 400,
    mentors: Annotated[int, typer.Option(help="Mentors.")] = 60,
    days: Annotated[int, typer.Option(help="Length of the period.")] = 90,
    seed: Annotated[int, typer.Option(help="Other people for another number.")] = 1,
    end: Annotated[str, typer.Option(metavar="TIME", help="When the period ends.")] = "2026-01-01T00:00:00Z",
) -> None:
    """Write events of made-up people, drawn as in treatment data.

    CloudEvents as JSON lines, sorted by time. The same arguments give the same bytes.
    """
    from matcher import cohort as people

    sys.stdout.writelines(f"{line}\n" for line in people.lines(program, members, mentors, days, seed, end))
