"""Reading ahead: a second process reads files of events and says what they are, while the first decides.

What it read comes through a pipe, a batch at a time, so it is never more than a batch and a pipe ahead. Nothing depends
on it: the first process reads the beginning itself while the second starts, and whatever the second leaves.
"""

from __future__ import annotations

import gc
import marshal
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import IO, Any, Final

from matcher.errors import Refused
from matcher.messages.catalog import Event
from matcher.messages.facts import Told, read, rest_of, write
from streams import files
from streams.intake import Input

WORTH_BYTES: Final = 4 * 1024 * 1024  # of files: less is read before a second process is ready
BATCHES_MEANWHILE: Final = 2  # read here while it starts
PIPE_BYTES: Final = 1024 * 1024  # where the system lets us: a batch fits in, and is there in one piece when asked for
_LENGTH_BYTES: Final = 4

_Packed = tuple[Any, ...]


def batches(names: Sequence[str], size: int = files.BATCH_LINES) -> Generator[list[Input], None, None]:
    """What ``files.batches`` gives, and raises; read by a second process where there is a core for it and enough to do.

    Cost: some 60 MB for the second process, and here a quarter of the time that reading takes.
    """
    here = files.batches(names, size)
    return _ahead(names, size, here) if _is_worth_it([Path(name) for name in names]) else here


def _is_worth_it(paths: Sequence[Path]) -> bool:
    regular = all(path.is_file() for path in paths)
    return regular and (os.cpu_count() or 1) > 1 and sum(path.stat().st_size for path in paths) >= WORTH_BYTES


def _ahead(names: Sequence[str], size: int, here: Iterator[list[Input]]) -> Generator[list[Input], None, None]:
    taken = 0
    with _start(names, size) as reader:
        try:
            for batch in islice(here, BATCHES_MEANWHILE):
                taken += 1
                yield batch
            while reader.stdout is not None and (packed := _receive(reader.stdout)):
                taken += 1
                yield [_unpack(*item) for item in marshal.loads(packed)]  # noqa: S302 - our own process
            left = reader.wait() != 0
        finally:
            reader.kill()
    if left:  # it was killed, or met with trouble that is to be met here
        yield from files.batches(names, size, taken)


def _start(names: Sequence[str], size: int) -> Popen[bytes]:
    """The second process, with the modules of this one wherever it is called from."""
    path = os.pathsep.join(filter(None, sys.path))
    return Popen(  # noqa: S603 - our own command
        [sys.executable, "-P", "-m", "streams.ahead", str(size), *names],
        env=os.environ | {"PYTHONPATH": path},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
        pipesize=PIPE_BYTES,
    )


def _receive(pipe: IO[bytes]) -> bytes:
    """The next batch; nothing when there is no whole one any more."""
    size = int.from_bytes(pipe.read(_LENGTH_BYTES))
    packed = pipe.read(size)
    return packed if len(packed) == size else b""


def _pack(item: Input) -> _Packed:
    event, refusal = item.event, item.refusal
    return (
        *item[:4],
        None if event is None else _pack_event(event),
        None if refusal is None else (refusal.code, refusal.message),
        *item[6:8],
    )


def _pack_event(event: Event) -> _Packed:
    what = write(event.data)
    rest = rest_of(event.time, event.type, Told(event.subject, event.time, event.data).write(what))
    source, type_, program = map(sys.intern, (event.source, event.type, event.program))  # one of each in a batch
    return source, type_, event.subject, program, event.time, what, rest


def _unpack(
    raw: bytes, id_: str, key: bytes, content: bytes, told: _Packed | None, refusal: _Packed | None, *large: Any
) -> Input:
    if told is None:
        return Input(raw, id_, key, content, None, Refused(*refusal) if refusal else None, *large)
    source, type_, subject, program, time, what, rest = told
    event = Event(id_, source, type_, subject, program, time, read(type_, what))
    # Not Input(...): a named tuple's own constructor takes three times as long.
    return tuple.__new__(Input, (raw, id_, key, content, event, None, None, "", None, rest))


def _main(size: int, names: Sequence[str]) -> None:
    gc.freeze()  # what was imported stays
    for batch in files.batches(names, size, BATCHES_MEANWHILE):
        packed = marshal.dumps([_pack(item) for item in batch])
        sys.stdout.buffer.write(len(packed).to_bytes(_LENGTH_BYTES) + packed)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])
