"""Where dead letters lie, in a data folder or on Kafka: the same list of them, and the way to send them again."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kindred import distributed, wiring
from kindred.console import note
from matcher.errors import ConfigurationError, Refused, code

if TYPE_CHECKING:
    from kindred.settings import Settings
    from streams.binary import Record
    from streams.letters import Letter

NO_TIMES = code(
    "KND-letters-no-times",
    "The dead letters of a data folder do not say when they came: choose them by code, program or position.",
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A dead letter for people: ``document`` is all of it.

    ``sent`` is the event that would be sent again, ``id`` its new id, and ``trouble`` why there is none.
    """

    position: str
    code: str
    reason: str
    program: str | None
    at: int | None
    document: dict[str, object]
    sent: Record | None = None
    id: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters are meant; None and no positions mean all. Times are epoch seconds, ``until`` excluded."""

    code: str | None = None
    program: str | None = None
    since: int | None = None
    until: int | None = None
    positions: frozenset[str] = frozenset()

    @property
    def asks_times(self) -> bool:
        """Whether it depends on when a letter came."""
        return self.since is not None or self.until is not None

    def means(self, letter: Letter | Shown) -> bool:
        """Whether this letter is meant."""
        return (
            self.code in (None, letter.code)
            and self.program in (None, letter.program)
            and (not self.positions or letter.position in self.positions)
            and (self.since is None or (letter.at or 0) >= self.since)
            and (self.until is None or (letter.at or 0) < self.until)
        )


class Letterbox(Protocol):
    """The dead letters of one place."""

    def read(self, choice: Choice) -> list[Shown]:
        """The chosen ones, in the order in which they came."""

    def send(self, letters: Sequence[Shown]) -> list[str]:
        """Send these again, and say of each what became of it, in a word or two."""


def letterbox(folder: Path | None, settings: Settings) -> Letterbox:
    """That of the folder named; else Kafka's when there are brokers, else that of the setting's folder."""
    if folder is None and settings.brokers is not None:
        return KafkaLetters(settings)
    return FolderLetters(wiring.data_folder(folder, settings))


class FolderLetters:
    """The dead letters of a data folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, choice: Choice) -> list[Shown]:
        """The chosen ones; every reading reads the whole journal."""
        from streams.folder import read_dead_letters

        if choice.asks_times:
            raise ConfigurationError(NO_TIMES, "dead letters of a data folder have no times: no --since, no --until")
        return [each for each in map(_of_folder, read_dead_letters(self._path)) if choice.means(each)]

    def send(self, letters: Sequence[Shown]) -> list[str]:
        """Take them into the folder, while no other process writes to it."""
        from streams.folder import DataFolder
        from streams.intake import read_input

        wiring.warm_up()
        inputs = [read_input(each.sent.value or b"") for each in letters if each.sent]
        with DataFolder.open(self._path) as folder:
            receipt = folder.take(inputs, int(time.time()))
        return [f"{each.status}{f': {each.code}' if each.code else ''}" for each in receipt.results]


class KafkaLetters:
    """The dead letters of the topic for them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def read(self, choice: Choice) -> list[Shown]:
        """The chosen ones; every reading reads the whole topic."""
        from streams.letters import read_letters
        from streams.reach import quiet

        quiet()
        return list(map(_of_kafka, read_letters(wiring.connection(self._settings), choice.means, waiting=note)))

    def send(self, letters: Sequence[Shown]) -> list[str]:
        """Publish them; what becomes of them is seen when a worker has decided."""
        with distributed.publisher(self._settings, 60) as out:
            done = out.publish_many(each.sent for each in letters if each.sent)
        lost = {each.id: each.reason for each in done.undelivered}
        return [lost.get(each.id, "sent") for each in letters]


def _of_folder(letter: dict[str, Any]) -> Shown:
    from streams.again import again_document
    from streams.binary import Record
    from streams.intake import read_input

    text = letter.get("original")
    raw = b64decode(letter["original_base64"]) if text is None else text.encode()
    shown = Shown(str(letter["position"]), letter["code"], letter["reason"], _program(raw), None, letter)
    try:
        item = read_input(again_document(raw))
    except Refused as refusal:
        return replace(shown, trouble=refusal.message)
    if item.event is None:
        return replace(shown, trouble=item.refusal.message if item.refusal else "")
    return replace(shown, sent=Record(None, item.raw, ()), id=item.id)


def _of_kafka(letter: Letter) -> Shown:
    from streams.letters import again
    from streams.outgoing import prepared

    shown = Shown(letter.position, letter.code, letter.reason, letter.program, letter.at, _document(letter))
    try:
        event, record = prepared(again(letter.original))
    except Refused as refusal:
        return replace(shown, trouble=refusal.message)
    return replace(shown, sent=record, id=event.id)


def _document(letter: Letter) -> dict[str, object]:
    """All of a letter that lies on Kafka; bytes as text where they are UTF-8, else in base64."""
    from matcher.instants import format_instant

    key, value, headers = letter.original
    return {
        "code": letter.code,
        "reason": letter.reason,
        "position": letter.position,
        "program": letter.program,
        "time": format_instant(letter.at),
        "from": letter.origin._asdict() if letter.origin else None,
        **_legible("key", key),
        "headers": [{"name": name, **_legible("value", each)} for name, each in headers],
        **_legible("original", value),
    }


def _legible(name: str, value: bytes | None) -> dict[str, object]:
    try:
        return {name: None if value is None else value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": b64encode(value or b"").decode()}


def _program(raw: bytes) -> str | None:
    from pydantic_core import from_json

    try:
        document = from_json(raw)
    except ValueError:
        return None
    program = document.get("partitionkey") if isinstance(document, dict) else None
    return program if isinstance(program, str) else None
