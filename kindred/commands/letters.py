"""Commands for what was refused: list, show, send again. On Kafka when it is set and no folder is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kindred.console import note, result, result_json, result_table
from matcher.errors import ConfigurationError, code

if TYPE_CHECKING:
    from kindred.letterbox import Letterbox

NO_LETTER = code(
    "KND-no-letter", "There is no such dead letter. `kindred dead-letters list` shows those that there are."
)

letters = typer.Typer(help="Inputs that were refused, and why.")

Folder = Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Data folder; else Kafka, or KINDRED_DATA.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]
Code = Annotated[str | None, typer.Option("--code", metavar="KND-...", help="Only those with this code.")]
Program = Annotated[str | None, typer.Option("--program", help="Only those of this program.")]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="Refused at this time or later (Kafka).")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Refused before this time (Kafka).")]


@letters.command("list")
def letters_list(
    folder: Folder = None,
    code: Code = None,
    program: Program = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """List the refused inputs with their reasons."""
    from kindred.letterbox import Choice

    found = _box(folder).read(Choice(code, program, _time("since", since), _time("until", until)))
    if as_json:
        result_json([each.document for each in found])
        return
    if not found:
        note("no input was refused")
        return
    result_table(("position", "code", "reason"), [(each.position, each.code, each.reason) for each in found])


@letters.command("show")
def letters_show(
    words: Annotated[list[str], typer.Argument(metavar="[DIR] POSITION", help="As `list` shows it.")],
) -> None:
    """Print one refused input whole: reason and original."""
    from kindred.letterbox import Choice

    *folder, position = words
    found = _box(Path(folder[0]) if folder else None).read(Choice(positions=frozenset([position])))
    if not found:
        raise ConfigurationError(NO_LETTER, f"there is no dead letter at position {position}")
    result(json.dumps(found[0].document, ensure_ascii=False, indent=2))


@letters.command("replay")
def letters_replay(
    words: Annotated[list[str] | None, typer.Argument(metavar="[DIR] [POSITION...]", help="Which; none: all.")] = None,
    code: Code = None,
    program: Program = None,
    since: Since = None,
    until: Until = None,
    send: Annotated[bool, typer.Option("--send", help="Do it; without, only say what would be sent.")] = False,
) -> None:
    """Send refused events again, after what barred them was mended.

    Each is sent as it came, under an id of its own (e-7 becomes e-7~again-1), because the refused one is remembered.
    That mends what came too early: of a member who joined since, or of a type that an upgrade has brought. An event
    that is wrong itself is refused again: correct it, give it a new id and publish it. A letter that is sent again
    twice is taken once.
    """
    from kindred.letterbox import Choice

    folder, positions = _parted(words or [])
    box = _box(folder)
    found = box.read(Choice(code, program, _time("since", since), _time("until", until), positions))
    ready = [each for each in found if each.sent]
    for each in found:
        if not each.sent:
            note(f"{each.position} cannot be sent again: {each.trouble}")
    if not send:
        result_table(("position", "code", "would be sent as"), [(each.position, each.code, each.id) for each in ready])
        note(f"{len(ready)} of {len(found)} would be sent; nothing was: --send does it")
        return
    outcome = box.send(ready) if ready else []
    rows = [(each.position, each.id, became) for each, became in zip(ready, outcome, strict=True)]
    result_table(("position", "sent as", "became"), rows)


def _box(folder: Path | None) -> Letterbox:
    from kindred import settings, wiring
    from kindred.letterbox import letterbox

    wiring.prepare("warning")
    return letterbox(folder, settings.load().settings)


def _parted(words: list[str]) -> tuple[Path | None, frozenset[str]]:
    """Tell ``[DIR] [POSITION...]`` apart: the first word is a folder when there is such a folder."""
    if words and Path(words[0]).is_dir():
        return Path(words[0]), frozenset(words[1:])
    return None, frozenset(words)


def _time(name: str, text: str | None) -> int | None:
    from kindred.commands.run import instant

    return None if text is None else instant(text, f"--{name}")
