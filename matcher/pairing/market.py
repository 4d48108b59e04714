"""The market: waiting newcomers, open slots, and the best plan between them, exact after every change.

The plan is a maximum-weight capacitated bipartite matching; leaving somebody unmatched is allowed. A pair's exact
weight is w·S + t: w is what the caller says, t a tie-break drawn from the two ids, and S stands above any plan's sum
of t. So the plan has the greatest Σ w, and among those the greatest Σ t: it is the same on every machine, whatever the
order of the changes that led to the same market, the hash seed or a restart. (Two plans tie only when their Σ t tie,
which is less likely than pairs / 2**27 even when all weights are equal; Mulmuley, Vazirani & Vazirani 1987.)

Nothing is ever solved again: a change is mended along shortest augmenting paths (``_augment``; ADR 0002).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from matcher.errors import MarketError, code
from matcher.pairing._places import WEIGHT, WEIGHT_MAX, Side, Weights, in_order, known, slots_given, whole
from matcher.pairing._tables import (
    TOUCHED,
    Ints,
    Tables,
    empty,
    grown,
    hide_column,
    pairs,
    take_touched,
    value,
    with_same_weights,
)

PLAN_MAX = 2**13 - 1  # pairs: with 27 bits of t each, their sum stays below S
SCALE = 2**40
ROOM = 64  # rows or columns of an empty market, a multiple of LANES; grows by a quarter

REPEATED = code("KND-market-repeated", "The market has this newcomer or mentor already: use reweigh instead.")
SIZE = code("KND-market-size", f"A plan holds at most {PLAN_MAX} pairs: split the program, or pair some people first.")
UNPLACED = code("KND-market-unplaced", "The plan gives this newcomer nobody, so there is nothing to commit.")
BARRED = code("KND-market-barred", "This pair is blocked, or the mentor has no slot: it cannot be forced.")


@dataclass(frozen=True)
class Certificate:
    """The proof that the plan is optimal, in exact weights: equal sums on both sides.

    ``duals`` has ``newcomers`` (what the plan would lose without each) and ``mentors`` (the price of a slot of each).
    They are never negative and u + v is at least the exact weight of every pair: no plan can be worth more than
    ``dual``, and this one is worth ``primal``, the same.
    """

    scale: int
    duals: dict[str, dict[str, int]]
    primal: int
    dual: int


class Market:
    """Waiting newcomers and mentors' open slots, with the plan of greatest weight kept after every change.

    Weights are given as a mapping from id to int in [0, 2**22), a missing pair being blocked; or, the fast way in, as a
    numpy int64 array with −1 for blocked: a newcomer's in the order of ``columns()``, a mentor's in that of ``rows()``.
    Every method that raises ``MarketError`` leaves the market as it was.

    A change costs O(n_mentors) to write and about as many looks along rows as people's plans it touches, each
    O(n_mentors) vector work; the worst case is O(n_newcomers · n_mentors). Memory: 8 bytes a pair of places.

    >>> market = Market()
    >>> market.open_mentor("j", slots=1)
    >>> market.arrive("i", {"j": 700})
    >>> market.arrive("h", {"j": 900})
    >>> market.plan(), market.value(), market.price("j")
    ({'h': 'j'}, 900, 700)
    >>> market.commit("h")
    'j'
    """

    def __init__(self) -> None:
        self._kernels = prepare()
        self._newcomers = Side(b"newcomer")
        self._mentors = Side(b"mentor")
        self._tables: Tables = empty(ROOM, ROOM)
        self._told: dict[str, str] = {}

    def open_mentor(self, key: str, *, slots: int, weights: Weights | None = None) -> None:
        """Add a mentor with so many open slots; without ``weights`` every newcomer present is blocked."""
        self._must_be_new(self._mentors, key)
        slots = slots_given(slots)
        column_weights = self._in_order({} if weights is None else weights, self._newcomers)
        self._refuse_overflow(gain=slots, slots=slots)
        key_hash = self._mentors.hash(key)
        column = self._mentors.add(key)
        self._make_room()
        record = self._tables.columns[column]
        record["hash"], record["slots"] = key_hash, slots
        self._kernels.weigh_column(self._tables, column, column_weights, self._newcomers.order())

    def arrive(self, key: str, weights: Weights) -> None:
        """Add a newcomer."""
        self._must_be_new(self._newcomers, key)
        row_weights = self._in_order(weights, self._mentors)
        self._refuse_overflow(gain=1, newcomers=1)
        key_hash = self._newcomers.hash(key)
        row = self._newcomers.add(key)
        self._make_room()
        self._tables.rows[row]["hash"] = key_hash
        self._kernels.weigh_row(self._tables, row, row_weights, self._mentors.order())

    def set_slots(self, mentor: str, slots: int) -> None:
        """Change how many open slots a mentor has; 0 keeps the mentor known."""
        column = self._column(mentor)
        slots = slots_given(slots)
        more = slots - self._tables.columns["slots"].item(column)
        self._refuse_overflow(gain=more, slots=more)
        self._kernels.resize_column(self._tables, column, slots)

    def reweigh(self, newcomer: str, weights: Weights) -> None:
        """Replace all weights of a newcomer."""
        row = self._row(newcomer)
        row_weights = self._in_order(weights, self._mentors)
        self._refuse_overflow(gain=1)
        self._kernels.weigh_row(self._tables, row, row_weights, self._mentors.order())

    def reweigh_mentor(self, mentor: str, weights: Weights) -> None:
        """Replace all weights of a mentor."""
        column = self._column(mentor)
        column_weights = self._in_order(weights, self._newcomers)
        self._refuse_overflow(gain=self._tables.columns["slots"].item(column))
        self._kernels.weigh_column(self._tables, column, column_weights, self._newcomers.order())

    def shift(self, newcomer: str, by: int) -> None:
        """Add ``by`` to every weight of a newcomer (a step of waiting): changes no plan while they stay placed."""
        row = self._row(newcomer)
        by = whole(by, WEIGHT)
        columns = self._mentors.order()
        if abs(by) > WEIGHT_MAX or not self._kernels.can_shift(self._tables, row, by, columns, WEIGHT_MAX):
            raise MarketError(WEIGHT, f"shifting {newcomer} by {by} takes a weight out of 0 … {WEIGHT_MAX}")
        self._refuse_overflow(gain=1)
        self._kernels.shift_row(self._tables, row, by, columns)

    def commit(self, newcomer: str) -> str:
        """Take a newcomer and the slot that the plan gives them out of the market; the mentor's id."""
        mentor = self.partner(newcomer)
        if mentor is None:
            raise MarketError(UNPLACED, f"{newcomer} has no mentor in the plan, so there is nothing to commit")
        self._tables.columns[self._mentors.place[mentor]]["slots"] -= 1
        self.leave(newcomer)
        return mentor

    def leave(self, newcomer: str) -> None:
        """Take a newcomer out."""
        self._kernels.drop_row(self._tables, self._row(newcomer))
        self._newcomers.remove(newcomer)
        self._told.pop(newcomer, None)

    def close_mentor(self, mentor: str) -> None:
        """Take a mentor out."""
        column = self._column(mentor)
        self._kernels.resize_column(self._tables, column, 0)
        hide_column(self._tables, column)
        self._mentors.remove(mentor)

    def plan(self) -> dict[str, str]:
        """Newcomer → mentor of every pair of the plan, in the order of ``rows()``."""
        return self._plan_of(self._tables)

    def _plan_of(self, tables: Tables) -> dict[str, str]:
        partner = tables.rows["partner"][self._newcomers.order()].tolist()
        return {
            key: self._mentor_at(column)
            for key, column in zip(self._newcomers.place, partner, strict=True)
            if column >= 0
        }

    def partner(self, newcomer: str) -> str | None:
        """The mentor whom the plan gives a newcomer, or None."""
        column = self._tables.rows["partner"].item(self._row(newcomer))
        return None if column < 0 else self._mentor_at(column)

    def changes(self) -> dict[str, str | None]:
        """Newcomers, sorted, whose partner is another than at the last call, each with the partner now.

        Who has left the market is not among them. Costs O(newcomers whose partner moved since), not O(plan).
        """
        if not self._tables.counts.item(TOUCHED):
            return {}
        touched = take_touched(self._tables)
        keys = [key for row in touched.tolist() if (key := self._newcomers.key[row]) is not None]
        now = {key: self.partner(key) for key in sorted(keys)}
        moved = {key: partner for key, partner in now.items() if partner != self._told.get(key)}
        for key, partner in moved.items():
            if partner is None:
                del self._told[key]
            else:
                self._told[key] = partner
        return moved

    def value(self) -> int:
        """Σ w over the plan."""
        return value(self._tables)

    def certificate(self) -> Certificate:
        """Scale, duals and both sums, in Python integers."""
        u = self._tables.rows["u"][self._newcomers.order()].tolist()
        v = self._tables.columns["v"][self._mentors.order()].tolist()
        slots = self._tables.columns["slots"][self._mentors.order()].tolist()
        return Certificate(
            scale=SCALE,
            duals={
                "newcomers": dict(zip(self._newcomers.place, u, strict=True)),
                "mentors": dict(zip(self._mentors.place, v, strict=True)),
            },
            primal=self.value() * SCALE + int(self._ties(*pairs(self._tables)).sum()),
            dual=sum(u) + sum(price * count for price, count in zip(v, slots, strict=True)),
        )

    def price(self, mentor: str) -> int:
        """What one slot of a mentor is worth to the plan, in units of w (rounded down).

        At most what the plan would lose with one slot less, at least what it would gain with one more. Between the two
        it may depend on the order of events: explain with it, decide with the plan.
        """
        return int(self._tables.columns[self._column(mentor)]["v"]) // SCALE

    def loss_of_pairing(self, newcomer: str, mentor: str) -> int:
        """By how much the plan's value would fall if this pair were made. The market stays as it is.

        Exact: the rest of the market is repaired on a copy of all but its weights, O(n_newcomers + n_mentors).
        """
        row, column = self._row(newcomer), self._column(mentor)
        weight, slots = int(self._tables.weight[row, column]), self._tables.columns["slots"].item(column)
        if weight < 0 or slots == 0:
            raise MarketError(BARRED, f"{newcomer} and {mentor} cannot be paired: blocked, or no slot")
        rest = with_same_weights(self._tables)
        self._kernels.drop_row(rest, row)
        self._kernels.resize_column(rest, column, slots - 1)
        return self.value() - weight - value(rest)

    def plan_without(self, newcomer: str | None, mentor: str | None) -> dict[str, str]:
        """The plan of everybody else, had this newcomer gone and this mentor a slot less. The market stays as it is.

        Costs as ``loss_of_pairing`` does, and O(plan) for the answer.
        """
        rest = with_same_weights(self._tables)
        if newcomer is not None:
            self._kernels.drop_row(rest, self._row(newcomer))
        if mentor is not None:
            column = self._column(mentor)
            self._kernels.resize_column(rest, column, max(0, int(rest.columns[column]["slots"]) - 1))
        return self._plan_of(rest)

    def open_to(self, mentor: str) -> list[str]:
        """The newcomers whom nothing bars from a mentor, in the order of ``rows()``; slots do not matter."""
        weights = self._tables.weight[self._newcomers.order(), self._column(mentor)].tolist()
        return [newcomer for newcomer, w in zip(self._newcomers.place, weights, strict=True) if w >= 0]

    def __len__(self) -> int:
        """How many newcomers wait."""
        return len(self._newcomers.place)

    def __contains__(self, newcomer: object) -> bool:
        return newcomer in self._newcomers.place

    def rows(self) -> list[str]:
        """The newcomers in the order of a mentor's numpy weights: as they arrived."""
        return list(self._newcomers.place)

    def columns(self) -> list[str]:
        """The mentors in the order of a newcomer's numpy weights: as they were opened."""
        return list(self._mentors.place)

    def slots(self) -> dict[str, int]:
        """Mentor → open slots, in the order of ``columns()``."""
        return dict(
            zip(self._mentors.place, self._tables.columns["slots"][self._mentors.order()].tolist(), strict=True)
        )

    def slots_of(self, mentor: str) -> int:
        """How many open slots a mentor has."""
        return int(self._tables.columns["slots"].item(self._column(mentor)))

    def weights_of(self, newcomer: str) -> dict[str, int]:
        """Mentor → w of a newcomer's unblocked pairs."""
        weights = self._tables.weight[self._row(newcomer), self._mentors.order()].tolist()
        return {mentor: w for mentor, w in zip(self._mentors.place, weights, strict=True) if w >= 0}

    def document(self) -> dict[str, Any]:
        """The market as numbers: what ``kindred market --json`` prints and ``verify.check_market`` checks."""
        rows, columns = self._newcomers.order(), self._mentors.order()
        weights = self._tables.weight[np.ix_(rows, columns)]
        i, j = np.nonzero(weights >= 0)
        t = self._ties(rows[i], columns[j])
        number = {column: at for at, column in enumerate(columns.tolist())}
        partner = self._tables.rows["partner"][rows].tolist()
        return {
            "newcomers": self.rows(),
            "mentors": [{"id": mentor, "slots": slots} for mentor, slots in self.slots().items()],
            "weights": np.stack([i, j, weights[i, j].astype(np.int64), t], axis=1).tolist(),
            "scale": SCALE,
            "plan": [[at, number[column]] for at, column in enumerate(partner) if column >= 0],
            "value": self.value(),
            "duals": {
                "newcomers": self._tables.rows["u"][rows].tolist(),
                "mentors": self._tables.columns["v"][columns].tolist(),
            },
        }

    def _row(self, newcomer: str) -> int:
        return known(self._newcomers, newcomer, "newcomer")

    def _column(self, mentor: str) -> int:
        return known(self._mentors, mentor, "mentor")

    def _mentor_at(self, column: int) -> str:
        key = self._mentors.key[column]
        assert key is not None, "a pair of the plan is with a mentor of the market"
        return key

    def _in_order(self, weights: Weights, other: Side) -> Ints:
        return in_order(weights, other, self._kernels.are_within)

    def _must_be_new(self, side: Side, key: str) -> None:
        if key in side.place:
            raise MarketError(REPEATED, f"{key} is in the market already")

    def _refuse_overflow(self, *, gain: int, newcomers: int = 0, slots: int = 0) -> None:
        """Refuse a change that may place more than PLAN_MAX rows.

        It brings so many newcomers and slots, and places at most ``gain`` more rows than are placed now.
        """
        if len(self) + newcomers <= PLAN_MAX or gain <= 0:
            return
        placed, seats = pairs(self._tables)[0].size, int(self._tables.columns["slots"].sum())
        if min(len(self) + newcomers, seats + slots, placed + gain) > PLAN_MAX:
            raise MarketError(SIZE, f"the plan has {placed} pairs and could come to hold more than {PLAN_MAX}")

    def _ties(self, rows: Ints, columns: Ints) -> Ints:
        out = np.zeros(rows.size, np.int64)
        self._kernels.ties(self._tables, rows, columns, out)
        return out

    def _make_room(self) -> None:
        """Grow the tables so that every place exists, and let the searches look that far."""
        n_rows, n_columns = self._tables.weight.shape
        rows, columns = _room(n_rows, len(self._newcomers.key)), _room(n_columns, len(self._mentors.key))
        if (rows, columns) != (n_rows, n_columns):
            self._tables = grown(self._tables, rows, columns)
        self._tables.counts[:2] = len(self._newcomers.key), len(self._mentors.key)


def prepare() -> ModuleType:
    """Load the compiled kernels: half a second; on a machine's first start some ten, because they are compiled then.

    ``Market()`` does it by itself; who wants to say beforehand what the first start is doing calls this.
    """
    from matcher.pairing import _augment

    return _augment


def _room(now: int, needed: int) -> int:
    return now if needed <= now else -(-needed * 5 // 4 // ROOM) * ROOM
