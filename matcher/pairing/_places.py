"""Who has which place in the market's tables, and weights as they come in: checked, in the order of places."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from hashlib import blake2b
from operator import index
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from matcher.errors import MarketError, code

WEIGHT_MAX = 2**22 - 1  # 22 bits of w, 40 of S: exact weights and every step of a search fit int64
SLOTS_MAX = 2**20  # of one mentor; far above anybody's, low enough to catch a wrong unit
ABSENT = -1  # in a numpy row or column: this pair may not be

UNKNOWN = code("KND-market-unknown", "The market has no newcomer or mentor of this id: it never came, or has gone.")
ID = code("KND-market-id", "The id of a newcomer or mentor is a text.")
WEIGHT = code("KND-market-weight", f"A weight is an integer from 0 to {WEIGHT_MAX}; leave a pair out to block it.")
SHAPE = code(
    "KND-market-shape", "A numpy row of weights is int64, one-dimensional, and as long as columns() or rows()."
)
SLOTS = code("KND-market-slots", f"Slots are an integer from 0 to {SLOTS_MAX}.")

Ints: TypeAlias = NDArray[np.int64]
Weights: TypeAlias = Mapping[str, int] | Ints


class Roll:
    """Numbers in the order in which they came. What ``order`` gave stays as it was."""

    def __init__(self) -> None:
        self._numbers: Ints = np.empty(0, np.int64)
        self._count = 0

    def add(self, number: int) -> None:
        """Put a number last. Costs nothing most times."""
        if self._count == len(self._numbers):
            held, self._numbers = self._numbers, np.empty(self._count * 9 // 8 + 64, np.int64)
            self._numbers[: self._count] = held
        self._numbers[self._count] = number
        self._count += 1

    def remove(self, number: int) -> None:
        """Take a number out. Cost: a pass."""
        held = self.order()
        self._numbers = held[held != number]
        self._count = len(self._numbers)

    def order(self) -> Ints:
        """All of them."""
        return self._numbers[: self._count]


class Side:
    """The ids of one side, each with its place in the tables; free places are taken lowest first."""

    def __init__(self, person: bytes) -> None:
        self.place: dict[str, int] = {}
        self.key: list[str | None] = []
        self._person = person
        self._free: list[int] = []
        self._roll = Roll()

    def add(self, key: str) -> int:
        """Give a new id a place."""
        place = heapq.heappop(self._free) if self._free else len(self.key)
        if place == len(self.key):
            self.key.append(None)
        self.place[key] = place
        self.key[place] = key
        self._roll.add(place)
        return place

    def remove(self, key: str) -> None:
        """Free an id's place."""
        place = self.place.pop(key)
        self._roll.remove(place)
        self.key[place] = None
        heapq.heappush(self._free, place)

    def order(self) -> Ints:
        """The places in the order in which the ids came."""
        return self._roll.order()

    def hash(self, key: str) -> np.uint64:
        """64 bits of the id, other ones on the other side."""
        return np.uint64(int.from_bytes(blake2b(_bytes(key), digest_size=8, person=self._person).digest(), "big"))


def _bytes(key: object) -> bytes:
    if not isinstance(key, str):
        raise MarketError(ID, f"an id is a text, not {type(key).__name__}")
    return key.encode(errors="surrogatepass")


def known(side: Side, key: str, what: str) -> int:
    """The place of an id."""
    place = side.place.get(key)
    if place is None:
        raise MarketError(UNKNOWN, f"the market has no {what} {key}")
    return place


def whole(number: object, bad: str) -> int:
    """An integer of any kind as int, or an error with the code ``bad``."""
    try:
        if not isinstance(number, bool):
            return index(number)  # type: ignore[arg-type]  # that it may not be an integer is the point
    except TypeError:
        pass
    raise MarketError(bad, f"{number!r} is not an integer")


def slots_given(slots: int) -> int:
    """How many slots, checked."""
    slots = whole(slots, SLOTS)
    if not 0 <= slots <= SLOTS_MAX:
        raise MarketError(SLOTS, f"{slots} slots are not between 0 and {SLOTS_MAX}")
    return slots


def in_order(weights: Weights, other: Side, are_within: Callable[[Ints, int, int], bool]) -> Ints:
    """Weights in the order of the other side, −1 for blocked, checked."""
    row = weights if isinstance(weights, np.ndarray) else _as_array(weights, other)
    if row.dtype != np.int64 or row.shape != (len(other.place),):
        raise MarketError(SHAPE, f"weights are {row.dtype}{row.shape}, not int64({len(other.place)},)")
    row = np.ascontiguousarray(row)
    if not are_within(row, ABSENT, WEIGHT_MAX):
        raise MarketError(WEIGHT, f"weights run from {row.min()} to {row.max()}, not within 0 … {WEIGHT_MAX}")
    return row


def _as_array(weights: Mapping[str, int], other: Side) -> Ints:
    row = np.full(len(other.place), ABSENT, np.int64)
    rank = {key: at for at, key in enumerate(other.place)}
    for key, weight in weights.items():
        known(other, key, "counterpart")
        if not 0 <= whole(weight, WEIGHT) <= WEIGHT_MAX:
            raise MarketError(WEIGHT, f"the weight {weight} of {key} is not between 0 and {WEIGHT_MAX}")
        row[rank[key]] = weight
    return row
