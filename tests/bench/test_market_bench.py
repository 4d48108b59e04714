"""The market's bench works on a small town: its peers agree with the market, and its rows have the contract's keys."""

from __future__ import annotations

import json

import pytest

from bench.market import Case, Munkres, Peer, Pylmcf, Scipy, measure
from bench.report import Row, cost_row, rate_row


@pytest.mark.slow
@pytest.mark.parametrize(("peer", "mentors", "slots"), [(Scipy, 8, 3), (Pylmcf, 8, 3), (Munkres, 24, 1)])
def test_every_peer_comes_to_the_same_values(peer: type[Peer], mentors: int, slots: int) -> None:
    row = measure(Case("small", 22, mentors, slots, goal=None, peer=peer, steps=40, checked=40))
    assert row.row == "small (40 of 40 checked)"
    assert row.ours > 0
    assert row.peer is not None


def test_a_row_says_whether_the_goal_is_met() -> None:
    row = json.loads(cost_row("market", "n", ours=2.0, peer=1000.0, unit="µs", goal=250).as_json())
    assert list(row) == ["bench", "row", "ours", "peer", "unit", "ratio", "goal", "met"]
    assert (row["ratio"], row["met"]) == (500, True)
    assert rate_row("replay", "n", ours=10.0, peer=100.0, unit="1/s", goal=0.15).met is False
    assert Row("market", "n", 1.0, None, "µs", None, None).met is None
