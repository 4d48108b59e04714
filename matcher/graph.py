"""The graph of a program: who supports and supported whom, and which experiences people share.

Support is kept by facts as a directed networkx graph (mentor → newcomer); from it come lineage and isolation.
Experience is added on demand as person-code edges, never person-person: that is linear in people, where pairs of
similar people would be quadratic (6.5 million edges for 10,000 people).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from matcher.messages import facts
from matcher.messages.facts import Fact, Told

if TYPE_CHECKING:
    import networkx

    from matcher.people.member import Member


class SupportGraph:
    """Directed edges mentor → newcomer of every match that was ever active; ``active`` says which are now."""

    def __init__(self) -> None:
        self._edges: dict[tuple[str, str], bool] = {}
        self._graph: networkx.DiGraph[str] | None = None

    @property
    def graph(self) -> networkx.DiGraph[str]:
        """The networkx graph; made at first use, kept by facts from then on."""
        if self._graph is None:
            import networkx  # 0.1 s, which a fold does not need

            self._graph = networkx.DiGraph()
            for (mentor, newcomer), active in self._edges.items():
                self._graph.add_edge(mentor, newcomer, active=active)
        return self._graph

    def evolve(self, fact: Fact) -> None:
        """Take a fact in."""
        data = fact.data
        if isinstance(data, facts.MatchActivated):
            self._put(data.mentor, data.newcomer, active=True)
        elif isinstance(data, facts.MatchEnded):
            self._put(data.mentor, data.newcomer, active=False)
        elif isinstance(data, Told) and fact.type == "member.erased":
            self._edges = {pair: active for pair, active in self._edges.items() if data.subject not in pair}
            self._graph = None

    def _put(self, mentor: str, newcomer: str, *, active: bool) -> None:
        self._edges[mentor, newcomer] = active
        if self._graph is not None:
            self._graph.add_edge(mentor, newcomer, active=active)

    def descendants(self, member: str) -> list[str]:
        """Everybody the member supported, and whom those supported, and so on; sorted. Cost: linear in the answer."""
        return self._line(member, up=False)

    def ancestors(self, member: str) -> list[str]:
        """The member's mentors, past ones too, and theirs, and so on; sorted. Cost: linear in the answer."""
        return self._line(member, up=True)

    def _line(self, member: str, *, up: bool) -> list[str]:
        if not self._edges or member not in self.graph:
            return []
        if not (self.graph.pred if up else self.graph.succ)[member]:  # almost everybody's line is short
            return []
        import networkx

        return sorted(networkx.ancestors(self.graph, member) if up else networkx.descendants(self.graph, member))

    def to_json(self) -> list[list[Any]]:
        """The state as plain JSON."""
        return [[mentor, newcomer, active] for (mentor, newcomer), active in self._edges.items()]

    @classmethod
    def from_json(cls, state: list[list[Any]]) -> SupportGraph:
        """The graph whose state this was."""
        room = cls()
        room._edges = {(mentor, newcomer): active for mentor, newcomer, active in state}
        return room


def people_and_experiences(support: SupportGraph, people: Iterable[Member]) -> networkx.Graph[str]:
    """One graph of present members (kind ``person``) and what they have lived through (kind ``experience``).

    Edges: person — experience (kind ``lived``) and mentor — newcomer (kind ``supports``, active pairs only). Nodes and
    edges come in a fixed order, so a layout drawn from it is the same every time. Cost: linear in people and codes.
    """
    import networkx

    graph: networkx.Graph[str] = networkx.Graph()
    for member in sorted(people, key=lambda member: member.id):
        if not member.present:
            continue
        graph.add_node(member.id, kind="person", mentor=member.mentorship is not None)
        for lived in sorted({stated.code for stated in member.profile.experiences}):
            graph.add_node(f"code:{lived}", kind="experience")
            graph.add_edge(member.id, f"code:{lived}", kind="lived")
    for mentor, newcomer, active in sorted(support.graph.edges(data="active")):
        if active and mentor in graph and newcomer in graph:
            graph.add_edge(mentor, newcomer, kind="supports")
    return graph


def isolated(support: SupportGraph, people: Iterable[Member]) -> list[str]:
    """Present members who seek or give support and have no active pair, sorted: the people nobody is with."""
    return sorted(
        member.id
        for member in people
        if member.present
        and (member.seeks or member.mentorship is not None)
        and not _has_active_pair(support, member.id)
    )


def _has_active_pair(support: SupportGraph, member: str) -> bool:
    graph = support.graph
    if member not in graph:
        return False
    return any(active for _, _, active in [*graph.in_edges(member, "active"), *graph.out_edges(member, "active")])
