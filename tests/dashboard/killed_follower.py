"""A process that follows a journal until it is killed: ``python -m tests.dashboard.killed_follower FOLDER ADDRESS``.

Small drafts, so that a kill falls between two of them or into one; prints a line after every commit.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dashboard import chronicle
from dashboard.database import open_database
from dashboard.projection import Projection
from dashboard.replica import Replica
from tests.dashboard import told

DRAFT_FACTS = 7


def main(folder: Path, address: str) -> None:
    chronicle.DRAFT_FACTS = DRAFT_FACTS
    with told.reading(folder) as home:
        follows = chronicle.Chronicle(Projection(open_database(address), "0"), Replica(), told.programs_of)
        follows.begin(home)
        for facts in follows.advance():
            print(len(facts), flush=True)  # noqa: T201 - the pipe is the acknowledgement


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
