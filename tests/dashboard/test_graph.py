"""The graph: the same each time, no two labels over each other, and the table says what the picture says."""

from __future__ import annotations

import re
from html import unescape
from itertools import pairwise
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import circles
from dashboard.circles import MARKS_MAX, NEAR_MAX, Circle, Cluster, Mark, Tie
from dashboard.draw import graph
from matcher.graph import isolated
from matcher.program import Program
from tests.dashboard.chromium import chromium
from tests.dashboard.house import served
from tests.dashboard.rivers import Living, cohort, river
from tests.matcher.people import T0, River, join, mentor

ids = st.text("abcmn0123456789.-_:", min_size=1, max_size=64)


@st.composite
def crowds(draw: st.DrawFn) -> Circle:
    people = draw(st.lists(ids, min_size=1, max_size=250, unique=True))
    kinds = st.sampled_from(("newcomer", "mentor", "both", "member"))
    marks = [Mark(who, draw(kinds), draw(st.booleans())) for who in people]
    found = list[Cluster]()
    while marks:
        many = draw(st.integers(1, len(marks)))
        found.append(Cluster(f"F{len(found)}", draw(st.text(max_size=60)), tuple(marks[:many]), many))
        marks = marks[many:]
        if len(found) == 13:
            found[-1] = Cluster("others", "others", (*found[-1].marks, *marks), many + len(marks))
            break
    picked = st.sampled_from(people)
    return Circle(
        tuple(found), tuple(Tie(a, b, True) for a, b in draw(st.lists(st.tuples(picked, picked), max_size=30)))
    )


@pytest.mark.slow
@given(crowds())
def test_no_two_labels_overlap_and_there_are_never_too_many_marks(circle: Circle) -> None:
    thin = circles.thinned(circle)
    layout = graph.laid_out(thin)
    assert graph.overlapping(layout.labels()) == []
    assert graph.overlapping([box for _, box in layout.boxes]) == []
    assert len(layout.people) + len(layout.boxes) <= MARKS_MAX
    assert set(layout.people) == thin.ids
    for box in (*layout.labels(), *(box for _, box in layout.boxes)):
        assert box.x >= 0
        assert box.x + box.width <= graph.WIDTH
        assert box.y + box.height <= layout.height
    for cluster in circle.clusters:  # who is with nobody is seen in each
        drawn = next(each for each in thin.clusters if each.key == cluster.key).marks
        if len(drawn) > 1 or len(cluster.marks) == len(drawn):
            assert any(mark.alone for mark in drawn) == any(mark.alone for mark in cluster.marks)


@pytest.mark.slow
@given(crowds())
def test_a_line_touches_nobody_but_the_two_whom_it_joins(circle: Circle) -> None:
    layout = graph.laid_out(circles.thinned(circle))
    for number, tie in enumerate(layout.ties):
        theirs = {tie.mentor} | {each.newcomer for each in layout.ties if each.mentor == tie.mentor}
        corners = layout.way(number)
        assert corners[0] == (layout.people[tie.mentor].x, layout.people[tie.mentor].y)
        assert corners[-1] == (layout.people[tie.newcomer].x, layout.people[tie.newcomer].y)
        others = [each for who, each in layout.people.items() if who not in theirs]
        taken = [graph.Box(each.x - 8, each.y - 8, 16, 16) for each in others] + layout.labels()
        for (x1, y1), (x2, y2) in pairwise(corners):
            line = graph.Box(min(x1, x2), min(y1, y2), abs(x1 - x2), abs(y1 - y2))
            assert not [box for box in taken if graph.overlapping([line, box])]
            assert 0 <= line.x <= line.x + line.width <= graph.WIDTH
            assert line.y + line.height <= layout.height


@pytest.fixture(scope="module")
def told() -> Living:
    return Living(Program.fold(cohort()))


def coordinator(house: Living, member: str | None = None):
    return house.browser(house.account(("*", "coordinator"), member=member))


def drawn_in(svg: str) -> set[str]:
    return {unescape(who) for who in re.findall(r'<a href="/graph/river/([^"]+)"', svg)}


def test_the_same_people_stand_in_the_same_place_each_time(told: Living) -> None:
    pictures = []
    for _ in range(2):
        house = Living(Program.fold(cohort()))
        house.now = told.now
        pictures.append(coordinator(house).get("/api/v1/graph").json()["svg"])
    assert pictures[0] == pictures[1]


def test_everybody_who_is_drawn_is_in_the_table_and_who_is_with_nobody_is_drawn(told: Living) -> None:
    page, program = coordinator(told).get("/api/v1/graph").json(), told.replica.programs["river"]
    rows = {row["id"]: row for row in page["rows"]}
    assert drawn_in(page["svg"]) == set(rows)
    present = {member.id for member in program.state.members if member.present}
    assert set(rows) == present, "this program is small enough to draw everybody"
    alone = set(isolated(program.state.support, program.state.members))
    assert {who for who, row in rows.items() if row["alone"]} == alone
    assert page["alone"] == len(alone) > 0
    assert len(re.findall(r'class="\w+ alone"', page["svg"])) == len(alone)
    pairs = {(m.id, tie.newcomer) for m in program.state.members for tie in program.state.matches.of_mentor(m.id)
             if tie.stage == "active"}  # fmt: skip
    assert {(row["id"], who) for row in rows.values() for who in row["supports"]} == pairs
    assert {(who, row["id"]) for row in rows.values() for who in row["supported_by"]} == pairs
    assert page["svg"].count('class="tie"') == len(pairs)


def test_people_stand_with_those_who_share_the_most_common_condition() -> None:
    program = River(
        *(join(f"n-{n}", experiences=[{"code": "F10.20"}, {"code": "Z59.0"}]) for n in range(4)),
        *(join(f"o-{n}", experiences=[{"code": "F11.20"}, {"code": "F10.20"}]) for n in range(2)),
        *(join(f"p-{n}", experiences=[{"code": "F11.20"}]) for n in range(3)),
        join("q-0", experiences=[{"code": "F50.9"}]),
    )
    page = coordinator(Living(program.program)).get("/api/v1/graph").json()
    assert [(group["key"], group["people"]) for group in page["groups"]] == [("F10", 6), ("F11", 3), ("others", 1)]
    part = coordinator(Living(program.program)).get("/api/v1/graph?lived=F11").json()
    assert {row["id"] for row in part["rows"]} == {"p-0", "p-1", "p-2"}
    assert "Nobody stands there" in coordinator(Living(program.program)).get("/graph?lived=F99").text


def test_a_large_program_keeps_to_the_marks_and_says_how_many_are_not_drawn() -> None:
    program = River(*(join(f"n-{n}", T0, experiences=[{"code": f"F1{n % 5}.20"}]) for n in range(400)))
    page = coordinator(Living(program.program)).get("/api/v1/graph").json()
    assert len(page["rows"]) + len(page["groups"]) <= MARKS_MAX
    assert len(drawn_in(page["svg"])) == len(page["rows"])
    assert sum(group["people"] for group in page["groups"]) == page["people"] == 400
    assert all(0 < group["drawn"] < group["people"] for group in page["groups"])


@pytest.mark.slow
def test_somebodys_surroundings_are_one_link_away_and_small(told: Living) -> None:
    browser_, program = coordinator(told), told.replica.programs["river"]
    rows = browser_.get("/api/v1/graph").json()["rows"]
    for row in rows:
        around = browser_.get(f"/api/v1/graph/river/{row['id']}").json()
        assert len(around["rows"]) <= NEAR_MAX
        assert around["rows"][0]["id"] == around["person"] == row["id"]
        assert drawn_in(around["svg"]) == {each["id"] for each in around["rows"]}
        near = {each["id"] for each in around["rows"]}
        assert {*program.state.support.ancestors(row["id"]), *row["supports"], *row["supported_by"]} <= near
    assert f'href="/graph/river/{rows[0]["id"]}"' in browser_.get("/graph").text
    assert browser_.get("/graph/river/nobody").status_code == 404


def test_a_mentor_of_very_many_keeps_to_sixty() -> None:
    members = [join(f"n-{n}", experiences=[{"code": "F11.20"}]) for n in range(90)]
    program = River(*mentor("m-1", capacity=1), *members).program
    program.state.support._edges = {("m-1", f"n-{n}"): n % 2 == 0 for n in range(90)}
    program.state.support._graph = None
    assert len(circles.around(program, "m-1").ids) == NEAR_MAX


def test_nobody_is_in_a_picture_that_they_look_at(told: Living) -> None:
    program = told.replica.programs["river"]
    mentor_, newcomer = next((m, n) for m, n, active in program.state.support.graph.edges(data="active") if active)
    for own, other in ((mentor_, newcomer), (newcomer, mentor_)):
        mine = coordinator(told, member=own)
        for path in ("/graph", f"/graph/river/{other}"):
            page = mine.get("/api/v1" + path)
            assert page.status_code == 200
            assert f'"{own}"' not in page.text
            assert f"/{own}&" not in page.text
            assert own not in drawn_in(page.json()["svg"])
            assert f">{own}<" not in mine.get(path).text
        assert mine.get(f"/graph/river/{own}").status_code == 403


def test_only_coordinators_and_leads_see_it_and_only_their_programs(told: Living) -> None:
    assert told.signed_in(("river", "viewer")).get("/graph").status_code == 403
    elsewhere = told.signed_in(("hill", "lead"))
    assert elsewhere.get("/graph/river/n-1").status_code == 404
    assert elsewhere.get("/graph?program=river").status_code == 404
    assert "Nobody to draw yet" in elsewhere.get("/graph").text


def test_two_programs_are_never_in_one_picture() -> None:
    other = Program("hill")
    house = Living(river().program, other)
    page = coordinator(house).get("/graph")
    assert "Graph of hill" in page.text
    assert 'href="/graph?program=river"' in page.text
    assert "Graph of river" in coordinator(house).get("/graph?program=river").text


def test_what_an_id_may_hold_stays_text() -> None:
    program = River(join("n-1"))
    svg = graph.drawn(graph.laid_out(Circle((Cluster("x", "<b>&", (Mark("a<b", "member", False),), 1),), ())), "l", str)
    assert "<b>" not in svg
    assert "a&lt;b" in svg
    assert coordinator(Living(program.program)).get("/graph").status_code == 200


@pytest.mark.slow
def test_a_picture_of_ten_thousand_is_made_in_a_tenth_of_a_second() -> None:
    clusters = [
        Cluster(f"F{c}", "x", tuple(Mark(f"n-{c}-{n}", "newcomer", n % 2 == 0) for n in range(1000)), 1000)
        for c in range(10)
    ]
    begin = perf_counter()
    layout = graph.laid_out(circles.thinned(Circle(tuple(clusters), ())))
    graph.drawn(layout, "x", str)
    assert perf_counter() - begin < 0.1


@pytest.mark.slow
def test_labels_do_not_overlap_as_the_browser_sets_them() -> None:
    house = Living(Program.fold(cohort()))
    answer = coordinator(house).get("/graph").text
    with chromium() as browser, served(house) as address:
        page = browser.new_page()
        page.goto(address)
        page.set_content(answer.replace('href="/static', f'href="{address}/static'))
        page.wait_for_load_state("networkidle")
        boxes = page.eval_on_selector_all(
            "div.scroll svg.graph text",
            "all => all.map(each => { const b = each.getBBox(); return [b.x, b.y, b.width, b.height] })",
        )
        page.close()
    assert len(boxes) > 40
    assert graph.overlapping([graph.Box(*box) for box in boxes]) == []
