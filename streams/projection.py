"""The files of a data folder: the journal in lines that any tool can read.

``facts.jsonl``, ``notices.jsonl`` and ``dead-letters.jsonl`` are copies: each record's lines are appended after the
journal has them. ``files.json`` says up to which record the files are certain to be whole, and how long they were
then. After a crash they are cut to that length and written on from the journal, so that they come out byte for byte
the same. ``summary.json`` is written at the end of a call.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from journal.frames import Batch

FACTS: Final = "facts.jsonl"
NOTICES: Final = "notices.jsonl"
DEAD_LETTERS: Final = "dead-letters.jsonl"
FILES: Final = (FACTS, NOTICES, DEAD_LETTERS)
CERTAIN: Final = "files.json"
SUMMARY: Final = "summary.json"


class Projection:
    """Writes the files of one folder; a sink of the processor."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, BinaryIO] = {}
        self._position = -1
        self._certain = -1

    @property
    def is_copy(self) -> bool:
        """The files hold everything."""
        return True

    @property
    def certain(self) -> int:
        """The last record whose lines are certain to be on the disk."""
        return self._certain

    @property
    def position(self) -> int:
        """The last record whose lines are in the files; -1 for none."""
        return self._position

    def resume(self) -> None:
        """Cut the files to where they are certain to be whole; to nothing when that is not known."""
        certain = _read_certain(self._folder)
        self._cut(certain["record"], {name: certain[name] for name in FILES})

    def restart(self) -> None:
        """Empty the files."""
        self._cut(-1, dict.fromkeys(FILES, 0))

    def begin(self, announced: int) -> None:
        """The files know themselves what they have."""

    def write(self, position: int, batch: Batch, notices: Sequence[bytes]) -> None:
        """Append the lines of a record."""
        for name, lines in ((FACTS, batch.facts), (NOTICES, notices), (DEAD_LETTERS, batch.refused)):
            if lines:
                file = self._open[name]
                file.write(b"\n".join(lines) + b"\n")
                file.flush()
        self._position = position

    def checkpoint(self) -> int:
        """Bring the files to the disk and note how far they are certain."""
        certain = {"record": self._position}
        for name, file in self._open.items():
            os.fsync(file.fileno())
            certain[name] = file.tell()
        replace_file(self._folder / CERTAIN, json.dumps(certain).encode() + b"\n")
        self._certain = self._position
        return self._position

    def close(self) -> None:
        """Close the files."""
        for file in self._open.values():
            file.close()
        self._open = {}

    def _cut(self, position: int, lengths: dict[str, int]) -> None:
        self.close()
        for name, length in lengths.items():
            file = (self._folder / name).open("ab")
            file.truncate(length)
            file.seek(length)
            self._open[name] = file
        self._position = self._certain = position


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file so that a crash leaves the old one or the new one."""
    unfinished = path.with_name(path.name + ".new")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _read_certain(folder: Path) -> dict[str, int]:
    """What ``files.json`` says, if it says it of these files; else that nothing is certain."""
    try:
        certain = json.loads((folder / CERTAIN).read_bytes())
        if all((folder / name).stat().st_size >= certain[name] for name in FILES) and certain["record"] >= -1:
            return {key: int(certain[key]) for key in ("record", *FILES)}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return dict.fromkeys(("record", *FILES), 0) | {"record": -1}
