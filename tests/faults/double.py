"""A worker that differs from a real one as a test asks for: ``python -m tests.faults.double WORDS -- worker …``

``shift=SECONDS`` sets its clock; ``newer`` makes it one of a later version, which writes snapshots in another layout
and reads both.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
import time


def main() -> None:
    faulthandler.register(signal.SIGUSR1)  # what every thread does, into the log
    cut = sys.argv.index("--")
    words, arguments = sys.argv[1:cut], sys.argv[cut + 1 :]
    for word in words:
        name, _, value = word.partition("=")
        WORDS[name](value)
    from kindred.cli import main as kindred

    kindred(arguments)


def shift(seconds: str) -> None:
    """Before anything is imported that keeps the clock it finds."""
    real = time.time
    time.time = lambda: real() + float(seconds)


def newer(_: str) -> None:
    """Snapshots of layout 2; those of layout 1 are read as before."""
    from streams import processor, state

    load = state.State._load

    def load_both(self: state.State, snapshot: state.Snapshot) -> None:
        from dataclasses import replace

        load(self, replace(snapshot, layout=state.LAYOUT) if snapshot.layout == 2 else snapshot)

    state.State._load = load_both  # type: ignore[method-assign]
    processor.LAYOUT = 2  # type: ignore[misc, assignment]


WORDS = {"shift": shift, "newer": newer}

if __name__ == "__main__":
    main()
