"""The graph of support: lines up and down, who is alone, and people with what they have lived through."""

from __future__ import annotations

import subprocess
import sys

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from matcher.graph import SupportGraph, isolated, people_and_experiences
from matcher.messages import facts
from matcher.messages.events import Nothing
from matcher.messages.facts import DECISION_TYPES, Decision, Fact, Told
from tests.matcher.people import T0, River, join, mentor, tell, veteran


def graph(*decisions: Decision | Told) -> SupportGraph:
    support = SupportGraph()
    for n, data in enumerate(decisions, 1):
        type_ = "member.erased" if isinstance(data, Told) else DECISION_TYPES[type(data)]
        support.evolve(Fact("river", n, T0, type_, data))
    return support


def active(mentor: str, newcomer: str) -> Decision:
    return facts.MatchActivated(
        match=f"{mentor}{newcomer}", newcomer=newcomer, mentor=mentor, fit=1, because=(), how="plan"
    )


def ended(mentor: str, newcomer: str) -> Decision:
    return facts.MatchEnded(match=f"{mentor}{newcomer}", newcomer=newcomer, mentor=mentor, reason="x", barred=False)


def test_lines_run_down_and_up_through_past_pairs_too() -> None:
    support = graph(active("a", "b"), active("b", "c"), ended("a", "b"), active("a", "d"))
    assert support.descendants("a") == ["b", "c", "d"]
    assert support.ancestors("c") == ["a", "b"]
    assert (support.descendants("d"), support.ancestors("a"), support.descendants("nobody")) == ([], [], [])


def test_erasure_cuts_the_line() -> None:
    support = graph(active("a", "b"), active("b", "c"), Told("b", T0, Nothing()))
    assert (support.descendants("a"), support.ancestors("c"), support.to_json()) == ([], [], [])


PAIRS = some.lists(some.tuples(some.sampled_from("abcdefg"), some.sampled_from("abcdefg")), max_size=15)


@given(pairs=PAIRS, ask_between=some.booleans())
def test_lines_are_those_of_a_plain_search_whenever_they_are_asked_for(
    pairs: list[tuple[str, str]], ask_between: bool
) -> None:
    support, below = SupportGraph(), dict[str, set[str]]()
    for n, (one, other) in enumerate(pairs, 1):
        support.evolve(Fact("river", n, T0, "match.activated", active(one, other)))
        below.setdefault(one, set()).add(other)
        if ask_between:  # the graph is made at the first question and kept from then on
            support.descendants(one)
    for who in "abcdefg":
        found, ask = set[str](), list(below.get(who, ()))
        while ask:
            if (one := ask.pop()) not in found:
                found.add(one)
                ask += below.get(one, ())
        assert support.descendants(who) == sorted(found - {who})
    assert SupportGraph.from_json(support.to_json()).to_json() == support.to_json()


def test_alone_are_those_who_seek_or_give_support_and_have_no_active_pair() -> None:
    river = River(mentor("m-1", capacity=1), mentor("m-2", capacity=0), veteran("v-1"), join("n-1"), join("n-2"))
    river.take(join("n-3"), tell("member.left", "n-3"))
    state = river.program.state
    assert isolated(state.support, state.members) == ["m-2", "n-2"]
    river.take(tell("match.closed", river.match("n-1").id, reason="completed"))
    assert isolated(state.support, state.members) == ["m-2", "n-1"] or river.mentor_of("n-2")
    assert "n-2" not in isolated(state.support, state.members)


def town() -> networkx.Graph[str]:
    river = River(mentor("m-1"), veteran("v-1"), join("n-2"), join("n-1"), tell("member.left", "v-1"))
    return people_and_experiences(river.program.state.support, river.program.state.members)


def test_people_are_tied_by_what_they_lived_through_and_never_to_each_other_but_by_support() -> None:
    found = town()
    assert {node for node, kind in found.nodes(data="kind") if kind == "person"} == {"m-1", "n-1", "n-2"}
    kinds = dict(found.nodes(data="kind"))
    for one, other, kind in found.edges(data="kind"):
        persons = {kinds[one], kinds[other]} == {"person"}
        assert persons == (kind == "supports")
    assert found.has_edge("m-1", "n-1")
    assert found.has_edge("n-1", "code:F11.20")
    assert [node for node, is_mentor in found.nodes(data="mentor") if is_mentor] == ["m-1"]


SHOW = """
from tests.matcher.test_graph import town
found = town()
print(list(found.nodes(data=True)), list(found.edges(data=True)))
"""


@pytest.mark.slow
def test_the_order_is_the_same_under_every_hash_seed() -> None:
    shown = {
        subprocess.run(
            [sys.executable, "-c", SHOW], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, text=True
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(shown) == 1
