"""Real parts that tests run against: fetched once into a cache folder, or said to be missing."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path


class Unavailable(Exception):
    """A part cannot be had on this machine; the message says why, and how it could."""


def fetched(name: str, fetch: Callable[[Path], None]) -> Path:
    """The folder of this name in the cache; ``fetch`` makes it, whole or not at all, if it is not there.

    Safe to call from several processes at once: one fetches, the others wait for it.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kindred"
    folder = cache / name
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                fetch(folder)
    return folder
