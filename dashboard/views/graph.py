"""The graph: who lives with the same, who is paired with whom, and who is with nobody; then one person's surroundings.

The table says what the picture says. Whoever asks is in neither: their own record is not theirs to see.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from dashboard import circles
from dashboard.circles import Circle
from dashboard.draw import graph
from dashboard.frame import COORDINATORS, Ask, NotFound, Page
from dashboard.memo import by_minute
from matcher.program import Program

gathered = by_minute(circles.gathered)


class Query(BaseModel):
    """Which part of the picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lived: str | None = Field(None, max_length=8, description="Only the cluster of this family of codes: F10.")


class Row(BaseModel):
    """A person who is drawn."""

    id: str
    what: str
    cluster: str
    supported_by: list[str]
    supports: list[str]
    before: list[str]
    """With whom they were paired and are not now; only in somebody's surroundings."""

    alone: bool


class Group(BaseModel):
    """A cluster: how many they are, and how many of them are drawn."""

    key: str
    label: str
    people: int
    drawn: int


class Graph(BaseModel):
    """A picture as SVG and the table of the same."""

    program: str
    programs: list[str]
    person: str | None
    lived: str | None
    svg: str
    rows: list[Row]
    groups: list[Group]
    people: int
    alone: int
    made_at: int


def view(ask: Ask) -> Graph:
    """One program, the first of those shown. Who stands together is at most a minute old; nobody in it is gone."""
    assert isinstance(ask.query, Query)
    if not ask.programs:
        return _nothing(ask)
    program = next(iter(ask.programs.values()))
    found, made_at = gathered(program, ask.now)
    gone = {who for who in found.ids if (member := program.state.members.get(who)) is None or not member.present}
    circle = circles.without(found, {ask.account.member, *gone})
    alone = sum(mark.alone for cluster in circle.clusters for mark in cluster.marks)
    people = sum(cluster.people for cluster in circle.clusters)
    if ask.query.lived is not None:
        circle = circles.only(circle, ask.query.lived)
    return _graph(ask, program, circles.thinned(circle), made_at).model_copy(
        update={"people": people, "alone": alone, "lived": ask.query.lived}
    )


def view_person(ask: Ask) -> Graph:
    """The surroundings of one person. Raises NotFound, also for somebody who was erased."""
    program, person = ask.program(ask.path["program"]), ask.path["person"]
    if program.state.members.get(person) is None:
        raise NotFound
    circle = circles.around(program, person, hidden=ask.account.member)
    return _graph(ask, program, circle, ask.now).model_copy(update={"person": person, "people": len(circle.ids)})


def _graph(ask: Ask, program: Program, circle: Circle, made_at: int) -> Graph:
    def link(person: str) -> str:
        return f"/graph/{quote(program.id)}/{quote(person)}"

    layout = graph.laid_out(circle)
    return Graph(
        program=program.id,
        programs=list(ask.everywhere),
        person=None,
        lived=None,
        svg=str(graph.drawn(layout, LABEL, link)) if circle.clusters else "",
        rows=_rows(circle, ask.account.member),
        groups=[Group(key=c.key, label=c.label, people=c.people, drawn=len(c.marks)) for c in circle.clusters],
        people=0,
        alone=0,
        made_at=made_at,
    )


LABEL: Final = (
    "People as marks, in boxes with others who live with the same; lines join pairs. The table says the same."
)


def _rows(circle: Circle, own: str | None) -> list[Row]:
    mentors, newcomers, before = (defaultdict[str, list[str]](list) for _ in range(3))
    for tie in circle.ties:
        if own in (tie.mentor, tie.newcomer):
            continue
        if tie.active:
            mentors[tie.newcomer].append(tie.mentor)
            newcomers[tie.mentor].append(tie.newcomer)
        else:
            before[tie.newcomer].append(tie.mentor)
            before[tie.mentor].append(tie.newcomer)
    return [
        Row(
            id=mark.id,
            what=graph.WHAT[mark.kind],
            cluster=cluster.label,
            supported_by=mentors[mark.id],
            supports=newcomers[mark.id],
            before=before[mark.id],
            alone=mark.alone,
        )
        for cluster in circle.clusters
        for mark in cluster.marks
    ]


def _nothing(ask: Ask) -> Graph:
    return Graph(
        program="", programs=[], person=None, lived=None, svg="", rows=[], groups=[], people=0, alone=0, made_at=ask.now
    )


PAGE = Page("/graph", "Graph", COORDINATORS, view, "graph.html", query=Query, nav="more", order=30)
PERSON = Page(
    "/graph/{program}/{person}", "Graph of a person", COORDINATORS, view_person, "graph.html", person="person"
)
PAGES: Final = (PAGE, PERSON)
