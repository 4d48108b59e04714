"""For whoever folds a journal: what it makes lasts and has no cycles, so that searching it for some is for nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

FULL_SEARCH_AFTER: Final = 100
"""Searches of the middle generation before a full one; Python's own 10 means one in fifteen pages."""


@contextmanager
def collector_paused() -> Iterator[None]:
    """No search for reference cycles meanwhile: a fold makes many objects that last, and no cycles.

    A third of the time of a fold went into that search.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def set_aside() -> None:
    """Leave everything that is there now out of all later searches for reference cycles.

    For whoever has folded a journal and answers people from then on. Of 10,000 people one full search takes a third
    of a second, and whoever has just asked for a page waits for it. Also what is made from then on mostly lasts until
    the next fact, so that full searches become rarer.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_SEARCH_AFTER)
