"""Insights: how a program does, in counts that name nobody; and the same numbers as a file.

Everybody counts, also who looks: left out for one account and not for another, their record would be the difference.
Programs are never added up, so that what is hidden of one is not what another leaves of a sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict

from dashboard import history, measuring, sheets, words
from dashboard.cells import CELL_MIN, TABLE_MIN
from dashboard.draw import lengths, steps
from dashboard.figures import Figure, Line
from dashboard.frame import VIEWERS, Ask, File, Page
from dashboard.groups import BYS, By
from dashboard.measuring import Measured
from dashboard.memo import by_minute
from dashboard.survival import Looks, curve
from matcher.program import Program

measured = by_minute(measuring.measured)

ABOUT: Final = {
    "match": (
        "Time to match",
        "From asking for a mentor to the first pair. The aim is a day. Who was paired counts; who waits is below.",
    ),
    "contact": ("Time to first contact", "From the first pair to its first contact on record. The aim is two days."),
    "survival": ("How long pairs last", "First pairs, looked at on the same days after they began."),
    "waiting": ("Who waits now", "People without a mentor or a proposal, and whether they wait longer than the aim."),
}
HALVES: Final = {"match": "were paired", "contact": "are known to have been in touch"}
ENDS: Final = {"match": measuring.TO_MATCH, "contact": measuring.TO_CONTACT}


class Query(BaseModel):
    """How people are told apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: By = "everybody"


class Lasts(BaseModel):
    """The share of pairs that still go on after some days, in whole per cent, with the band of 95 in 100."""

    day: int
    percent: int
    low: int
    high: int


class Lasting(BaseModel):
    """How long pairs last, of one group."""

    group: str
    points: list[Lasts]


class Shown(BaseModel):
    """One figure with its words, its chart as SVG, and the table of the same numbers."""

    figure: Figure
    title: str
    about: str
    headline: str
    chart: str
    lasting: list[Lasting]
    hides: bool
    """Whether anything in the table is hidden."""


class Of(BaseModel):
    """The figures of one program."""

    program: str
    paired: int | None
    waiting: int | None
    """Shown from ``TABLE_MIN`` people on."""

    figures: list[Shown]
    made_at: int
    whole: bool
    """Whether the history is known from the beginning."""


class Insights(BaseModel):
    """The figures of all programs."""

    by: By
    bys: list[tuple[By, str]]
    cell_min: int
    table_min: int
    programs: list[Of]


class Download(File):
    """The figures as CSV."""


def view(ask: Ask) -> Insights:
    """Figures at most a minute old. Cost of a new one: linear in pairs and people."""
    by = _by(ask)
    return Insights(
        by=by,
        bys=list(BYS.items()),
        cell_min=CELL_MIN,
        table_min=TABLE_MIN,
        programs=[_of(ask, program, by) for program in ask.programs.values()],
    )


def download(ask: Ask) -> Download:
    """The same numbers, one a line: a hidden one says so."""
    by = _by(ask)
    head = ("program", "as_of", "figure", "by", "group", "column", "people")
    return Download(text=sheets.sheet(head, _lines(ask, by)))


def _lines(ask: Ask, by: By) -> Iterator[tuple[str | int, ...]]:
    for program in ask.programs.values():
        found, made_at = measured(program, ask.now, ask.db)
        for figure in found.by[by]:
            for line in figure.lines:
                about = (program.id, made_at, figure.name, by, line.group)
                yield *about, "total", _cell(line.total)
                yield from ((*about, name, _cell(n)) for name, n in zip(figure.columns, line.counts, strict=True))


def _cell(count: int | None) -> str | int:
    return "hidden" if count is None else count


def _by(ask: Ask) -> By:
    assert isinstance(ask.query, Query)
    return ask.query.by


def _of(ask: Ask, program: Program, by: By) -> Of:
    found, made_at = measured(program, ask.now, ask.db)
    return Of(
        program=program.id,
        paired=found.paired if found.paired >= TABLE_MIN else None,
        waiting=found.waiting if found.waiting >= TABLE_MIN else None,
        figures=[_shown(figure, found) for figure in found.by[by]],
        made_at=made_at,
        whole=history.is_whole(ask.db, program.id),
    )


def _shown(figure: Figure, found: Measured) -> Shown:
    title, about = ABOUT[figure.name]
    everybody = figure.lines[0]
    lasts = _lasting(figure.lines, found.looks) if figure.name == "survival" and found.looks else []
    chart = (
        steps.chart(curve(_counts(everybody), found.looks), _words(lasts[0]))
        if lasts and found.looks
        else lengths.chart(
            [] if len(figure.columns) < 2 else list(zip(figure.columns, _counts(everybody), strict=True)), title
        )
    )
    return Shown(
        figure=figure,
        title=title,
        about=about,
        headline=_headline(figure, lasts, found),
        chart=str(chart),
        lasting=lasts,
        hides=not all(line.is_open for line in figure.lines),
    )


def _lasting(lines: Sequence[Line], looks: Looks) -> list[Lasting]:
    """The estimate of every group of which nothing is hidden."""
    return [
        Lasting(
            group=line.group,
            points=[
                Lasts(day=each.day, percent=_percent(each.share), low=_percent(each.low), high=_percent(each.high))
                for each in curve(_counts(line), looks)
            ],
        )
        for line in lines
        if line.is_open
    ]


def _counts(line: Line) -> list[int]:
    return [count for count in line.counts if count is not None]


def _percent(share: float) -> int:
    return round(100 * share)


def _words(lasting: Lasting) -> str:
    said = [f"{point.percent} per cent after {point.day} days" for point in lasting.points]
    return f"Share of pairs that go on: {', '.join(said)}"


def _headline(figure: Figure, lasts: Sequence[Lasting], found: Measured) -> str:
    """The first that one wants to know."""
    if lasts:
        last = lasts[0].points[-1]
        return f"{last.percent} of 100 pairs go on after {last.day} days (95 times in 100: {last.low} to {last.high})."
    if figure.name not in HALVES:
        return f"{words.many(figure.lines[0].total, 'person waits', 'people wait')}."
    end, before = _half(figure) if len(figure.columns) > 1 else _half_of_all(figure.name, found)
    said = HALVES[figure.name]
    return f"Half of them {said} within {end}." if end else f"Fewer than half {said} within {before}."


def _half(figure: Figure) -> tuple[str, str]:
    """The end of the column in which the half is reached, and of the one before it: what the table says too."""
    counts, reached, before = _counts(figure.lines[0]), 0, ""
    for column, count in zip(figure.columns, counts, strict=True):
        reached, end = reached + count, measuring.end_of(column)
        if 2 * reached >= sum(counts):
            return end, before
        before = end
    return "", before


def _half_of_all(name: str, found: Measured) -> tuple[str, str]:
    """Where all stand in one column, half is at least ``CELL_MIN``, and so may the rest be."""
    end = found.halves.get(name)
    return words.lasting(end) if end else "", words.lasting(ENDS[name][-1])


PAGE = Page("/insights", "Insights", VIEWERS, view, "insights.html", query=Query, nav="more", order=20)
DOWNLOAD = Page(
    "/insights/download", "Insights as a file", VIEWERS, download, "insights.html", query=Query,
    audited=True, what="exported", file="insights.csv",
)  # fmt: skip
