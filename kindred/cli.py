"""``kindred``: the command line. It gathers the commands, and turns every ending into one sentence and an exit code.

0 done (also after SIGTERM) · 1 a check found violations · 2 wrong usage or configuration · 3 input refused ·
4 a needed part is unreachable or taken · 5 safe halt.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

from kindred.commands import (
    bring,
    cards,
    dashboard,
    demo,
    journal,
    letters,
    look,
    publish,
    read_model,
    run,
    tell,
    topics,
    worker,
)
from kindred.console import note
from matcher.errors import KindredError, code

USAGE = code("KND-usage", "The command line is not as the command expects it. `kindred COMMAND --help` shows how.")
UNFORESEEN = code(
    "KND-unforeseen",
    "Something that should not happen: please report it with the traceback that `--debug` shows. The journal is as "
    "safe as after a crash: the same command can be run again.",
)
SYSTEM = code(
    "KND-system",
    "The operating system refused a file or a port that the message names, or there is no room for what was to be "
    "written.",
)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
INTERRUPTED = 130  # 128 + SIGINT, as shells expect it


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    signal.signal(signal.SIGTERM, _end)
    sys.exit(_run([argument for argument in given if argument != "--debug"], debug=debug))


def application() -> typer.Typer:
    """All commands, by name."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(_kindred)
    for command in (
        demo.demo,
        tell.cohort,
        run.replay,
        run.serve,
        worker.worker,
        dashboard.dashboard,
        publish.publish,
        look.status,
        look.why,
        look.market,
        look.verify,
        tell.settings,
        tell.schema,
        tell.version,
    ):
        app.command()(command)
    app.command("import")(bring.bring)
    app.add_typer(cards.cards, name="cards")
    app.add_typer(letters.letters, name="dead-letters")
    app.add_typer(journal.journal, name="journal")
    app.add_typer(tell.policy, name="policy")
    app.add_typer(read_model.read_model, name="read-model")
    app.add_typer(topics.topics, name="topics")
    return app


def _kindred(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Pairs people who are new to recovery with role models who have been through the same."""


def _run(arguments: list[str], *, debug: bool) -> int:
    try:
        _invoke(arguments)
        sys.stdout.flush()
    except typer.Exit as ending:
        return ending.exit_code
    except BrokenPipeError:
        return _reader_gone()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as trouble:
        if debug:
            raise
        return _told(trouble)
    return 0


def _invoke(arguments: list[str]) -> None:
    command = typer.main.get_command(application())
    with command.make_context("kindred", arguments or ["--help"]) as context:
        command.invoke(context)


def _told(trouble: Exception) -> int:
    match trouble:
        case KindredError():
            note(str(trouble))
            return trouble.exit_code
        case typer.TyperException():
            command = getattr(getattr(trouble, "ctx", None), "command_path", "kindred")
            note(f"{USAGE}: {trouble.format_message().rstrip('.')}; see `{command} --help`")
            return trouble.exit_code
        case OSError(filename=str() as name):
            note(f"{SYSTEM}: {name}: {trouble.strerror}; give another path, or mend this one")
            return KindredError.exit_code
        case OSError() if trouble.errno in NO_ROOM:  # what was being written has no name here: a file, or the output
            note(f"{SYSTEM}: {trouble.strerror}; make room, and run it again")
            return KindredError.exit_code
    note(f"{UNFORESEEN}: {type(trouble).__name__}; run it again with --debug and report what it shows")
    return KindredError.exit_code


def _reader_gone() -> int:
    """Whoever read our output has seen enough: nothing is wrong, and nothing more can be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
