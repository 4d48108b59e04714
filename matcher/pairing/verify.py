"""An independent check that a market's plan is allowed and optimal. It shares no code with the market.

The proof is linear programming duality. With a dual u ≥ 0 for every newcomer and v ≥ 0 for one
slot of every mentor such that u + v covers the exact weight of each pair, no plan whatever can be worth more than
Σ u + Σ slots·v. A plan worth exactly that is therefore optimal. All sums are Python integers, so nothing can overflow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict, cast


class _Mentor(TypedDict):
    id: str
    slots: int


class _Duals(TypedDict):
    newcomers: list[int]
    mentors: list[int]


class _Document(TypedDict):
    newcomers: list[str]
    mentors: list[_Mentor]
    weights: list[list[int]]
    scale: int
    plan: list[list[int]]
    value: int
    duals: _Duals


def check_market(document: Mapping[str, Any]) -> list[str]:
    """Every way in which a market's numbers do not hold together, in words; an empty list is a proof of optimality.

    ``document`` is what ``kindred market --json`` prints for one program: newcomers, mentors with slots, weights
    ``[i, j, w, t]`` (0-based; an absent pair is blocked), scale, plan ``[i, j]``, value, duals. Cost: O(pairs).
    """
    market = cast(_Document, document)
    misshapen = list(_shape(market))
    if misshapen:
        return misshapen
    exact = {(i, j): w * market["scale"] + t for i, j, w, t in market["weights"]}
    allowed = list(_plan(market, exact))
    return (
        allowed + list(_scale(market)) + list(_duals(market, exact)) + ([] if allowed else list(_sums(market, exact)))
    )


def _shape(market: _Document) -> Iterator[str]:
    n_newcomers, n_mentors = len(market["newcomers"]), len(market["mentors"])
    duals = market["duals"]
    if len(set(market["newcomers"])) < n_newcomers or len({mentor["id"] for mentor in market["mentors"]}) < n_mentors:
        yield "an id is listed twice on one side"
    if (len(duals["newcomers"]), len(duals["mentors"])) != (n_newcomers, n_mentors):
        yield "there is not one dual for every newcomer and every mentor"
    pairs = [(i, j) for i, j, _, _ in market["weights"]]
    if len(set(pairs)) < len(pairs):
        yield "a pair has two weights"
    if not all(0 <= i < n_newcomers and 0 <= j < n_mentors for i, j in [*pairs, *((i, j) for i, j in market["plan"])]):
        yield "a pair names a newcomer or mentor that is not listed"


def _plan(market: _Document, exact: Mapping[tuple[int, int], int]) -> Iterator[str]:
    newcomers, mentors = market["newcomers"], market["mentors"]
    for i, times in Counter(i for i, _ in market["plan"]).items():
        if times > 1:
            yield f"{newcomers[i]} is paired {times} times"
    load = Counter(j for _, j in market["plan"])
    for j, mentor in enumerate(mentors):
        if load[j] > mentor["slots"]:
            yield f"{mentor['id']} is given {load[j]} newcomers for {mentor['slots']} slots"
    for i, j in market["plan"]:
        if (i, j) not in exact:
            yield f"{newcomers[i]} is paired with {mentors[j]['id']}, which is blocked"


def _scale(market: _Document) -> Iterator[str]:
    ties = sorted((t for _, _, _, t in market["weights"]), reverse=True)
    seats = sum(mentor["slots"] for mentor in market["mentors"])
    if any(w < 0 or t < 0 for _, _, w, t in market["weights"]):
        yield "a weight or tie-break is negative"
    if sum(ties[: min(len(market["newcomers"]), seats)]) >= market["scale"]:
        yield f"the scale {market['scale']} is not above every plan's sum of tie-breaks"


def _duals(market: _Document, exact: Mapping[tuple[int, int], int]) -> Iterator[str]:
    newcomers, mentors = market["newcomers"], [mentor["id"] for mentor in market["mentors"]]
    u, v = market["duals"]["newcomers"], market["duals"]["mentors"]
    plan = {(i, j) for i, j in market["plan"]}
    placed, load = {i for i, _ in plan}, Counter(j for _, j in plan)
    yield from (
        f"the dual of {name} is negative" for name, dual in zip(newcomers + mentors, u + v, strict=True) if dual < 0
    )
    for (i, j), weight in exact.items():
        if u[i] + v[j] < weight:
            yield f"the duals of {newcomers[i]} and {mentors[j]} fall short of their weight by {weight - u[i] - v[j]}"
        elif (i, j) in plan and u[i] + v[j] > weight:
            yield f"{newcomers[i]} is paired with {mentors[j]} at {u[i] + v[j] - weight} less than their duals"
    for i, dual in enumerate(u):
        if dual > 0 and i not in placed:
            yield f"{newcomers[i]} is unplaced but has a dual above zero"
    for j, dual in enumerate(v):
        if dual > 0 and load[j] < market["mentors"][j]["slots"]:
            yield f"{mentors[j]} has a free slot but a price above zero"


def _sums(market: _Document, exact: Mapping[tuple[int, int], int]) -> Iterator[str]:
    primal = sum(exact[i, j] for i, j in market["plan"])
    slots = [mentor["slots"] for mentor in market["mentors"]]
    prices = sum(price * count for price, count in zip(market["duals"]["mentors"], slots, strict=True))
    dual = sum(market["duals"]["newcomers"]) + prices
    if primal != dual:
        yield f"the plan is worth {primal} but the duals say that {dual} may be reached"
    weight = {(i, j): w for i, j, w, _ in market["weights"]}
    value = sum(weight[i, j] for i, j in market["plan"])
    if value != market["value"]:
        yield f"the value says {market['value']} but the plan's weights add up to {value}"
