"""A platform's service that tells Kindred who joined: reads sign-ups from a file, and publishes an event for each.

    python examples/publish_joins.py localhost:9092 signups.csv

A line of the file is ``member,program,time,code,state``. A line that Kindred could not read is named on stderr, and
all others are sent. The id of an event is made of what it says, so running it again does nothing twice.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from streams.publisher import EventPublisher


def joined(row: dict[str, str]) -> dict[str, object]:
    """The event of a sign-up."""
    return {
        "specversion": "1.0",
        "id": f"joined-{row['program']}-{row['member']}-{row['time']}",
        "source": "/signups",
        "type": "kindred.member.joined.v1",
        "subject": row["member"],
        "partitionkey": row["program"],
        "time": row["time"],
        "data": {"experiences": [{"code": row["code"], "state": row["state"]}], "seeks_mentor": True},
    }


def events(path: Path) -> Iterator[dict[str, object]]:
    """The events of a file of sign-ups."""
    with path.open(newline="") as file:
        yield from map(joined, csv.DictReader(file))


def main(brokers: str, path: Path) -> int:
    """Publish them, and say what became of each."""
    with EventPublisher(brokers, waiting=lambda text: print(text, file=sys.stderr)) as out:
        done = out.publish_many(events(path))
    for event in done.refused:
        print(f"line {event.index + 2}: {event.code}: {event.reason}", file=sys.stderr)
    for lost in done.undelivered:
        print(f"{lost.id} may not have arrived, run this again: {lost.reason}", file=sys.stderr)
    print(f"{len(done.acknowledged)} people joined")
    return 1 if done.refused or done.undelivered else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
