"""People as marks in boxes, one a cluster, with lines between pairs.

Each mark has a cell as wide as its label can be, and boxes stand on shelves: no two labels can overlap, and the same
people stand in the same place each time. Spring layouts (networkx) do neither, and place 150 people in seconds. A line
that leaves its row goes between columns and between rows, so that it touches nobody but the two whom it joins.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final, NamedTuple

from markupsafe import Markup

from dashboard.circles import Circle, Cluster, Mark, Tie

WIDTH: Final = 1130
MARGIN: Final = 16
"""Left of the boxes, for lines from one shelf to another."""

CELL_WIDTH: Final = 88
CELL_HEIGHT: Final = 46
PADDING: Final = 10
TITLE: Final = 26
GAP: Final = 14
BELOW: Final = 32  # from the middle of a mark to where a line may run below its label
TRACKS: Final = 5  # of lines that run the same way, so that they can be told apart
LABEL_MAX: Final = 11  # characters
LABEL_WIDTH: Final = 80  # so wide are 11 of the monospace type at 12 pixels

TITLE_CHAR: Final = 8.2  # how wide a character of a title may be
TITLE_SIZE, LABEL_SIZE = 14, 12
COLUMNS_MIN, COLUMNS_MAX = 2, 6  # two of the widest boxes stand side by side


class Box(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


class Placed(NamedTuple):
    """A mark and the middle of it."""

    mark: Mark
    x: float
    y: float
    box: int = 0
    """The number of the box in which it stands."""


@dataclass(frozen=True)
class Layout:
    """Where everything stands."""

    height: int
    boxes: tuple[tuple[Cluster, Box], ...]
    people: dict[str, Placed]
    ties: tuple[Tie, ...]
    floors: tuple[float, ...]
    """Of each box, where lines run below its shelf."""

    def labels(self) -> list[Box]:
        """The room that each label takes, titles included, by the widest type."""
        titles = [
            Box(box.x + PADDING, box.y + 4, len(title(cluster, box)) * TITLE_CHAR, TITLE_SIZE + 4)
            for cluster, box in self.boxes
        ]
        names = [
            Box(each.x - LABEL_WIDTH / 2, each.y + 11, LABEL_WIDTH, LABEL_SIZE + 4) for each in self.people.values()
        ]
        return [*titles, *names]

    def way(self, number: int) -> list[tuple[float, float]]:
        """The corners of a tie's line: straight within a row; else it leaves to the left and arrives from the right."""
        tie = self.ties[number]
        one, other = self.people[tie.mentor], self.people[tie.newcomer]
        start, end = (one.x, one.y), (other.x, other.y)
        if self._side_by_side(tie):
            return [start, end]
        track = number % TRACKS - TRACKS // 2
        left, right = (x + 1.5 * track for x in (one.x - CELL_WIDTH / 2, other.x + CELL_WIDTH / 2))
        if one.box == other.box:
            lanes = [one.y + BELOW + track]
        else:
            shared = [y for y in self._exits(one.box, left) if y in self._exits(other.box, right)]
            lanes = [y + 3 * track for y in shared[:1] or (self.floors[one.box], self.floors[other.box])]
        margin = MARGIN / 2 + 3 * track
        around = [(margin, lane) for lane in lanes] if len(lanes) > 1 else []
        return [start, (left, one.y), (left, lanes[0]), *around, (right, lanes[-1]), (right, other.y), end]

    def _exits(self, number: int, x: float) -> list[float]:
        """Where a line at this place may leave a box: below its shelf, and above unless that crosses the title."""
        cluster, box = self.boxes[number]
        over_title = x > box.x + PADDING + len(title(cluster, box)) * TITLE_CHAR
        return [self.floors[number], box.y - GAP / 2] if over_title and box.y else [self.floors[number]]

    def _side_by_side(self, tie: Tie) -> bool:
        """Whether the two stand on one line, with nobody between them but others whom this mentor supports."""
        one, other = self.people[tie.mentor], self.people[tie.newcomer]
        near, far = sorted((one.x, other.x))
        between = {each.mark.id for each in self.people.values() if each.y == one.y and near < each.x < far}
        theirs = {each.newcomer for each in self.ties if each.mentor == tie.mentor}
        return one.y == other.y and between <= theirs


def laid_out(circle: Circle) -> Layout:
    """Boxes on shelves, in the order of the clusters. Cost: linear in marks."""
    boxes, people = list[tuple[Cluster, Box]](), dict[str, Placed]()
    x, y, shelf = float(MARGIN), 0.0, 0.0
    floors = list[float]()
    pairs = {(tie.mentor, tie.newcomer) for tie in circle.ties}
    for cluster in circle.clusters:
        rows = _rows(cluster, pairs)
        columns = max(COLUMNS_MIN, *map(len, rows))
        width, height = columns * CELL_WIDTH + 2 * PADDING, TITLE + CELL_HEIGHT * len(rows) + PADDING
        if x > MARGIN and x + width > WIDTH:
            floors += [y + shelf + GAP / 2] * (len(boxes) - len(floors))
            x, y, shelf = float(MARGIN), y + shelf + GAP, 0.0
        box = Box(x, y, width, height)
        people.update(_cells(rows, box, len(boxes)))
        boxes.append((cluster, box))
        x, shelf = x + width + GAP, max(shelf, height)
    ties = tuple(tie for tie in circle.ties if tie.mentor in people and tie.newcomer in people)
    floors += [y + shelf + GAP / 2] * (len(boxes) - len(floors))
    return Layout(int(y + shelf + GAP), tuple(boxes), people, ties, tuple(floors))


def _rows(cluster: Cluster, pairs: Container[tuple[str, str]]) -> list[list[Mark]]:
    """The marks in rows; a mentor and the newcomers behind them stay in one row where they fit."""
    columns = max(COLUMNS_MIN, min(ceil(sqrt(len(cluster.marks) * 1.6)), COLUMNS_MAX))
    rows: list[list[Mark]] = [[]]
    for run in _runs(cluster.marks, pairs):
        if len(rows[-1]) + len(run) > columns and rows[-1]:
            rows.append([])
        for mark in run:
            if len(rows[-1]) == columns:
                rows.append([])
            rows[-1].append(mark)
    return rows


def _runs(marks: Sequence[Mark], pairs: Container[tuple[str, str]]) -> list[list[Mark]]:
    runs = list[list[Mark]]()
    for mark in marks:
        if runs and (runs[-1][0].id, mark.id) in pairs:
            runs[-1].append(mark)
        else:
            runs.append([mark])
    return runs


def _cells(rows: Sequence[Sequence[Mark]], box: Box, number: int) -> dict[str, Placed]:
    left, top = box.x + PADDING + CELL_WIDTH / 2, box.y + TITLE + 14
    return {
        mark.id: Placed(mark, left + column * CELL_WIDTH, top + row * CELL_HEIGHT, number)
        for row, line in enumerate(rows)
        for column, mark in enumerate(line)
    }


def title(cluster: Cluster, box: Box) -> str:
    """What stands over a box: the words and how many they are, as far as there is room."""
    tail = f": {cluster.people}" if cluster.people > 1 else ""
    return shortened(cluster.label, int((box.width - 2 * PADDING) / TITLE_CHAR) - len(tail)) + tail


def shortened(text: str, many: int) -> str:
    """The text in at most so many characters."""
    return text if len(text) <= many else f"{text[: many - 1]}…"


def drawn(layout: Layout, label: str, link: Callable[[str], str]) -> Markup:
    """The picture as SVG; each mark leads to where ``link`` says."""
    head = Markup('<svg class="graph" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="group" aria-label="{2}">')
    parts = [
        head.format(WIDTH, layout.height, label),
        *(_box(cluster, box) for cluster, box in layout.boxes),
        *(_tie(layout, number) for number in range(len(layout.ties))),
        *(_person(placed, link(placed.mark.id)) for placed in layout.people.values()),
        Markup("</svg>"),
    ]
    return Markup("").join(parts)


def _box(cluster: Cluster, box: Box) -> Markup:
    return Markup(
        '<rect class="cluster" x="{:.0f}" y="{:.0f}" width="{:.0f}" height="{:.0f}" rx="8"/>'
        '<text class="title" x="{:.0f}" y="{:.0f}">{}</text>'
    ).format(*box, box.x + PADDING, box.y + 4 + TITLE_SIZE, title(cluster, box))


def _tie(layout: Layout, number: int) -> Markup:
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in layout.way(number))
    return Markup('<polyline class="tie{}" points="{}"/>').format(
        "" if layout.ties[number].active else " past", corners
    )


WHAT: Final = {"newcomer": "newcomer", "mentor": "mentor", "both": "mentor and newcomer", "member": "member"}


def _person(placed: Placed, href: str) -> Markup:
    mark = placed.mark
    words = f"{mark.id}, {WHAT[mark.kind]}{', with nobody now' if mark.alone else ''}"
    return Markup(
        '<a href="{}" aria-label="{}"><title>{}</title>{}<text x="{:.0f}" y="{:.0f}" text-anchor="middle">{}</text></a>'
    ).format(href, words, words, _shape(placed), placed.x, placed.y + 11 + LABEL_SIZE, shortened(mark.id, LABEL_MAX))


def _shape(placed: Placed) -> Markup:
    mark, x, y, _ = placed
    name = f"{mark.kind}{' alone' if mark.alone else ''}"
    if mark.kind in ("mentor", "both"):
        return Markup('<rect class="{}" x="{:.0f}" y="{:.0f}" width="15" height="15" rx="2"/>').format(
            name, x - 7.5, y - 7.5
        )
    return Markup('<circle class="{}" cx="{:.0f}" cy="{:.0f}" r="{}"/>').format(
        name, x, y, 8 if mark.kind == "newcomer" else 5
    )


def overlapping(boxes: Sequence[Box]) -> list[tuple[Box, Box]]:
    """Boxes that share room, for whoever checks a layout."""
    return [(a, b) for n, a in enumerate(boxes) for b in boxes[n + 1 :] if _overlap(a, b)]


def _overlap(a: Box, b: Box) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height
