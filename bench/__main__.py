"""``python -m bench NAME… [--json]``: run benchmarks and print their rows.

A benchmark is a module ``bench.NAME`` with ``rows() -> Iterator[Row]``. It is imported only when it is asked for.
Exit code 1 when a row with a goal misses it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module

from bench.report import Row, write

BENCHES = ("market", "score", "replay", "journal", "recovery", "dashboard", "kafka")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks named, in the order named (all of them when none is)."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Kindred beside its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON document a row instead of a table")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.names if name not in BENCHES]:
        parser.error(f"no bench named {', '.join(unknown)}; choose from {', '.join(BENCHES)}")
    done = list(write(_rows(asked.names or BENCHES), sys.stdout, as_json=asked.json))
    return int(any(row.met is False for row in done))


def _rows(names: Sequence[str]) -> Iterator[Row]:
    for name in names:
        yield from import_module(f"bench.{name}").rows()


if __name__ == "__main__":
    sys.exit(main())
