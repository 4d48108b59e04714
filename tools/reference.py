"""Write the reference pages that follow from the code: ``python -m tools.reference``. A test holds them to it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import typer

from kindred.cli import INTERRUPTED, application
from kindred.commands.tell import policy_page, settings_page
from kindred.console import markdown_table
from matcher.errors import CODES
from matcher.messages.envelope import long_type
from matcher.messages.events import EVENTS
from matcher.messages.facts import DECISIONS
from matcher.messages.notices import NOTICES
from matcher.messages.schema import words

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
PACKAGES = ("matcher", "journal", "streams", "dashboard", "kindred")

EXIT_CODES = (
    (0, "Done, also when ended by SIGTERM."),
    (1, "A check found violations."),
    (2, "Wrong usage or configuration, a missing folder, an unknown id."),
    (3, "Input was refused, with `--strict`."),
    (4, "A needed part is unreachable or taken."),
    (5, "Safe halt: the journal is damaged, or newer than this version."),
    (INTERRUPTED, "Ended by Ctrl-C."),
)


def pages() -> dict[str, str]:
    """Every page by its file name."""
    return {
        "commands.md": commands_page(),
        "errors.md": errors_page(),
        "messages.md": messages_page(),
        "policy.md": policy_page(),
        "settings.md": settings_page(),
    }


def commands_page() -> str:
    """What every command says to ``--help``."""
    helps = "\n".join(f"## {name}\n\n```text\n{text}\n```\n" for name, text in _helps())
    return f"# Commands\n\nFor those at a shell. Each command says the same to `--help`.\n\n{helps}"


def _helps() -> Iterator[tuple[str, str]]:
    with typer.Context(typer.main.get_command(application()), info_name="kindred", terminal_width=80) as context:
        yield from _helps_below(context)


def _helps_below(context: typer.Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, context.get_help()
    for name, command in sorted(getattr(context.command, "commands", {}).items()):
        with typer.Context(command, info_name=name, parent=context, terminal_width=80) as below:
            yield from _helps_below(below)


def errors_page() -> str:
    """Exit codes and all error codes, with their meaning and the way out."""
    _import_everything()
    exits = markdown_table(("Exit code", "Meaning"), [(str(number), about) for number, about in EXIT_CODES])
    codes = markdown_table(("Code", "Meaning, and what to do"), [(f"`{name}`", CODES[name]) for name in sorted(CODES)])
    return (
        "# Errors\n\nFor everybody who meets one. An error is one sentence with a code; `--debug` adds the traceback. "
        "Dead letters and HTTP answers carry the same codes.\n\n"
        f"## Exit codes\n\n{exits}\n## Codes\n\n{codes}"
    )


def messages_page() -> str:
    """Every message and fact with what it says, and the vocabulary."""
    inbound = [(f"`{long_type(name)}`", _about(model)) for name, model in EVENTS.items()]
    outbound = [(f"`{long_type(name)}`", _about(model)) for name, model in NOTICES.items()]
    decided = [(f"`{name}`", _about(model)) for name, model in DECISIONS.items()]
    lists = [(name.replace("_", " "), ", ".join(each)) for name, each in words().items()]
    return (
        "# Messages\n\nFor those who connect a platform. Every message is a CloudEvent 1.0 in JSON; `kindred schema "
        "--out DIR` writes a JSON Schema for each and an AsyncAPI document. Fields that a later version adds are left "
        "unread; a v1 message stays readable for ever.\n\n"
        f"## In: what platforms tell\n\n{markdown_table(('Type', 'What it says'), inbound)}\n"
        f"## Out: what platforms are told\n\n{markdown_table(('Type', 'What it says'), outbound)}\n"
        "## Facts: what a journal keeps\n\nEvery accepted event is a fact under its short name (`member.joined`). "
        f"Beside them stands what was decided:\n\n{markdown_table(('Type', 'What it says'), decided)}\n"
        f"## Vocabulary\n\n{markdown_table(('List', 'Words'), lists)}"
    )


def _about(model: type) -> str:
    return " ".join((model.__doc__ or "").split())


def _import_everything() -> None:
    """Error codes are registered beside the rules that raise them."""
    for package in map(importlib.import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations" not in module.name:  # Alembic runs those
                importlib.import_module(module.name)


def main() -> None:
    """Write every page."""
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
