"""Events from files: a document a line, any bytes, in the order given; ``-`` is standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import nullcontext
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from matcher.errors import ConfigurationError, code
from streams.intake import EVENT_BYTES_MAX, KEPT_BYTES, Input, oversized, read_input

NO_FILE = code(
    "KND-no-file", "A file of events cannot be opened or read. Name a file that exists; `-` is standard input."
)

BATCH_LINES: Final = 2_048  # one record of the journal, and one wait for the disk
BATCH_BYTES: Final = 8 * 1024 * 1024  # what is held of events that are all as large as they may be
PIECE_BYTES: Final = 1024 * 1024
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def batches(names: Sequence[str], size: int = BATCH_LINES, skipped: int = 0) -> Generator[list[Input], None, None]:
    """The inputs of all files, ``size`` lines at a time, or fewer when they are large; not those ``skipped`` batches.

    Raises ConfigurationError at once when a file is missing or may not be read, later when reading it fails.

    Blank lines and the byte order mark of a file are skipped; a last line needs no line end. Memory is bounded: of
    a line that is too large only the beginning is held.
    """
    for name in names:
        if name != "-" and not (Path(name).is_file() or Path(name).is_fifo() or Path(name).is_char_device()):
            raise ConfigurationError(
                NO_FILE, f"there is no file {name}: name a file of events, or - for standard input"
            )
        if name != "-" and not os.access(name, os.R_OK):
            raise ConfigurationError(NO_FILE, f"{name} may not be read: give yourself permission, or name another")
    return _read(names, size, skipped)


def _read(names: Sequence[str], size: int, skipped: int) -> Generator[list[Input], None, None]:
    lines = (line for name in names for line in _file(name))
    for batch in islice(_cut(lines, size), skipped, None):
        yield [line if isinstance(line, Input) else read_input(line) for line in batch]


def _cut(lines: Iterator[bytes | Input], size: int) -> Iterator[list[bytes | Input]]:
    batch, held = list[bytes | Input](), 0
    for line in lines:
        batch.append(line)
        held += len(line.raw if isinstance(line, Input) else line)
        if len(batch) == size or held >= BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _file(name: str) -> Iterator[bytes | Input]:
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
            yield from _lines(file)
    except OSError as trouble:
        raise ConfigurationError(NO_FILE, f"{name} cannot be read: {trouble.strerror}") from None


def _lines(file: BinaryIO) -> Iterator[bytes | Input]:
    """The documents of a file as they are; of one that is too large what is kept of it."""
    first = True
    while line := file.readline(EVENT_BYTES_MAX + 2):
        if first:
            line, first = line.removeprefix(BYTE_ORDER_MARK), False
        if len(line) > EVENT_BYTES_MAX and not line.endswith(b"\n"):
            yield _too_large(line, file)
        elif not line.isspace():
            yield line.rstrip(b"\r\n")


def _too_large(piece: bytes, file: BinaryIO) -> Input:
    """Read on to the end of the line, holding only its beginning."""
    head, size, digest, held = piece[:KEPT_BYTES], 0, sha256(), b""
    while piece:
        text = held + piece
        body = text.rstrip(b"\r\n")
        held = text[len(body) :]  # the line's end, or a part of the line if more of it follows
        size += len(body)
        digest.update(body)
        if piece.endswith(b"\n"):
            break
        piece = file.readline(PIECE_BYTES)
    return oversized(head, size, digest.digest())
