"""Where words go: results to stdout, everything else to stderr; colour only on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager


def result(text: str) -> None:
    """Write a result and a line end to stdout."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """Write something that is not a result to stderr."""
    sys.stderr.write(f"{text}\n")


def headline(text: str) -> None:
    """Write a title to stdout, bold on a terminal that shows it."""
    bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    result(f"\x1b[1m{text}\x1b[0m" if bold else text)


def result_json(document: object) -> None:
    """Write one JSON document to stdout: indented for eyes, compact for programs."""
    if sys.stdout.isatty():
        result(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        result(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def result_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table to stdout; the last column folds at the width of the terminal, the others stay whole."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for column in columns[:-1]:
        table.add_column(column, no_wrap=True)
    table.add_column(columns[-1])
    for row in rows:
        table.add_row(*(cell.replace("[", r"\[") for cell in row))
    Console(highlight=False).print(table)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None] | None]:
    """A bar on one line of stderr, told how far things are; None, and no bar, when stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (bars.TextColumn(what), bars.BarColumn(), bars.MofNCompleteColumn(), bars.TimeElapsedColumn())
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def result_pairs(pairs: Mapping[str, object]) -> None:
    """Write names and values in two columns."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        result(f"{name:<{width}}  {value}")


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; cells are plain text."""
    head = [list(columns), ["---"] * len(columns)]
    body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in head + body) + "\n"
