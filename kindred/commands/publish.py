"""Sends events from files to the distributed service."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from kindred.console import note, progress, result_json, result_pairs
from matcher.errors import Refused, code

if TYPE_CHECKING:
    from streams.publisher import Published, Undelivered, Unsent

NOT_ALL = code(
    "KND-publish-strict",
    "Some events were refused before they were sent, and --strict was asked for. All others are in Kafka; correct "
    "those that were named and publish them.",
)


def publish(
    events: Annotated[list[str], typer.Argument(metavar="EVENTS.jsonl...", help="Files of CloudEvents; - is stdin.")],
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 3 when any event was refused.")] = False,
    patience: Annotated[float, typer.Option(metavar="SECONDS", help="How long brokers may be away.", min=1)] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Send files of events to Kafka.

    Every event is checked before it is sent. Those that are refused are named with the reason, and all others are
    sent. Returns when Kafka has acknowledged them. What is published again does nothing twice.
    """
    from kindred import distributed, settings
    from streams.files import batches
    from streams.publisher import NotDelivered

    read = batches(events)  # before the brokers are asked: a name that is wrong is said at once
    total = _Total()
    with distributed.publisher(settings.load().settings, patience) as out, progress("events", None) as so_far:
        for batch in read:
            total.add(out.publish_many(batch))
            if so_far is not None:
                so_far(total.read)
            if total.undelivered:
                break  # what comes later would overtake it
    if as_json:
        result_json(total.document())
    else:
        total.tell()
    if total.undelivered:
        raise NotDelivered(total.undelivered)
    if strict and total.refused:
        raise Refused(NOT_ALL, f"{len(total.refused)} events were refused: correct them and publish them")


class _Total:
    """What became of all events of a call."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.refused: list[Unsent] = []
        self.undelivered: list[Undelivered] = []

    @property
    def read(self) -> int:
        """How many events were read so far."""
        return self.acknowledged + len(self.refused) + len(self.undelivered)

    def add(self, part: Published) -> None:
        """Count a batch; its refused events are numbered on through all files, from 1."""
        before = self.read + 1
        self.refused += [replace(each, index=each.index + before) for each in part.refused]
        self.acknowledged += len(part.acknowledged)
        self.undelivered += part.undelivered

    def document(self) -> dict[str, object]:
        """All of it for programs."""
        return {
            "acknowledged": self.acknowledged,
            "refused": [asdict(each) for each in self.refused],
            "undelivered": [asdict(each) for each in self.undelivered],
        }

    def tell(self) -> None:
        """The counts, and on stderr every event that is not in Kafka."""
        for each in self.refused:
            note(f"event {each.index}{f' ({each.id})' if each.id else ''} refused: {each.code}: {each.reason}")
        for one in self.undelivered:
            note(f"{one.source} {one.id} not acknowledged: {one.reason}")
        counts = {"refused": len(self.refused), "not acknowledged": len(self.undelivered)}
        result_pairs({"acknowledged": self.acknowledged, **counts})
