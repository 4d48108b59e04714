"""Who stands together: people in clusters of what they live with, who is paired with whom, and who is with nobody.

Everything is in a fixed order, so that the same people stand in the same place each time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Literal, NamedTuple

from dashboard import words
from matcher.graph import isolated
from matcher.people.experience import family, taxonomy
from matcher.people.member import Member
from matcher.program import Program

MARKS_MAX: Final = 150
"""People and clusters in one picture; more is a cloud."""

NEAR_MAX: Final = 60
"""People around one person, themselves included."""

CLUSTERS_MAX: Final = 14
OTHERS: Final = "others"
ALIKE_MAX: Final = 12

Kind = Literal["newcomer", "mentor", "both", "member"]


class Mark(NamedTuple):
    """A person in the picture."""

    id: str
    kind: Kind
    alone: bool
    """Seeks or gives support, and has no pair now."""


@dataclass(frozen=True)
class Cluster:
    """People who stand together, those who are with somebody first."""

    key: str
    label: str
    marks: tuple[Mark, ...]
    people: int
    """How many they are, drawn or not."""


class Tie(NamedTuple):
    """A pair, active or past."""

    mentor: str
    newcomer: str
    active: bool


@dataclass(frozen=True)
class Circle:
    """A picture before it is drawn."""

    clusters: tuple[Cluster, ...]
    ties: tuple[Tie, ...]

    @property
    def ids(self) -> set[str]:
        """Everybody who is drawn."""
        return {mark.id for cluster in self.clusters for mark in cluster.marks}


def gathered(program: Program, at: int = 0) -> Circle:
    """Everybody present, in clusters of the experience that most of them share. Cost: linear in people and codes."""
    members = {member.id: member for member in program.state.members if member.present}
    alone = set(isolated(program.state.support, members.values()))
    ties = tuple(_active(program, members))
    beside = _beside(ties)
    clusters = [
        Cluster(key, label, tuple(_ordered((_mark(members[who], alone) for who in people), beside)), len(people))
        for key, label, people in _shared(list(members.values()))
    ]
    return Circle(tuple(sorted(clusters, key=lambda each: (each.key == OTHERS, -each.people, each.key))), ties)


def without(circle: Circle, person: str | None) -> Circle:
    """The same without one person."""
    clusters = [
        replace(
            each,
            marks=tuple(mark for mark in each.marks if mark.id != person),
            people=each.people - any(mark.id == person for mark in each.marks),
        )
        for each in circle.clusters
    ]
    ties = tuple(tie for tie in circle.ties if person not in (tie.mentor, tie.newcomer))
    return Circle(tuple(each for each in clusters if each.marks), ties)


def thinned(circle: Circle, marks_max: int = MARKS_MAX) -> Circle:
    """At most so many marks, clusters counted: each cluster keeps its share, half of it for those who are alone."""
    room, people = marks_max - len(circle.clusters), sum(len(each.marks) for each in circle.clusters)
    if people <= room:
        return circle
    kept = [
        replace(each, marks=_some(each.marks, max(1, len(each.marks) * room // people))) for each in circle.clusters
    ]
    while sum(len(each.marks) for each in kept) > room:  # a share of at least one may be too many
        largest = max(range(len(kept)), key=lambda place: len(kept[place].marks))
        kept[largest] = replace(kept[largest], marks=kept[largest].marks[:-1])
    return Circle(tuple(kept), circle.ties)


def only(circle: Circle, key: str) -> Circle:
    """One cluster of it."""
    return Circle(tuple(each for each in circle.clusters if each.key == key), circle.ties)


def around(program: Program, person: str, hidden: str | None = None) -> Circle:
    """One person's neighbourhood: pairs now and before, the line of support, and who lives with the most the same.

    At most ``NEAR_MAX`` people, without ``hidden``. Cost: linear in people.
    """
    members, support = {member.id: member for member in program.state.members}, program.state.support
    alone = set(isolated(support, members.values()))
    own = [tie for tie in _all_ties(program) if person in (tie.mentor, tie.newcomer)]
    rings = {
        "Mentor now": [tie.mentor for tie in own if tie.active and tie.newcomer == person],
        "Supports now": [tie.newcomer for tie in own if tie.active and tie.mentor == person],
        "Mentor before": [tie.mentor for tie in own if not tie.active and tie.newcomer == person],
        "Supported before": [tie.newcomer for tie in own if not tie.active and tie.mentor == person],
        "Further up the line": support.ancestors(person),
        "Further down the line": support.descendants(person),
        "Live with the most the same": _alike(program, person),
    }
    found, seen = [Cluster("self", "This person", (_mark(members[person], alone),), 1)], {person, hidden}
    for label, people in rings.items():
        ring = [who for who in dict.fromkeys(people) if who not in seen and who in members]
        drawn = ring[: NEAR_MAX - sum(len(each.marks) for each in found)]
        seen.update(ring)
        if drawn:
            found.append(Cluster(label, label, tuple(_mark(members[who], alone) for who in drawn), len(ring)))
    circle = Circle(tuple(found), ())
    ids = circle.ids
    return replace(circle, ties=tuple(t for t in _all_ties(program) if t.mentor in ids and t.newcomer in ids))


def _mark(member: Member, alone: set[str]) -> Mark:
    kinds: Mapping[tuple[bool, bool], Kind] = {
        (True, True): "both", (True, False): "mentor", (False, True): "newcomer", (False, False): "member",
    }  # fmt: skip
    return Mark(member.id, kinds[member.mentorship is not None, member.seeks], member.id in alone)


def _all_ties(program: Program) -> list[Tie]:
    edges = program.state.support.graph.edges(data="active")
    return sorted(Tie(mentor, newcomer, bool(active)) for mentor, newcomer, active in edges)


def _active(program: Program, present: Mapping[str, Member]) -> list[Tie]:
    return [t for t in _all_ties(program) if t.active and t.mentor in present and t.newcomer in present]


def _beside(ties: Iterable[Tie]) -> Mapping[str, list[str]]:
    found = defaultdict[str, list[str]](list)
    for tie in ties:
        found[tie.mentor].append(tie.newcomer)
    return found


def _shared(members: Sequence[Member]) -> list[tuple[str, str, list[str]]]:
    """Everybody once: with the condition that most of those who are left share, then the next, then the rest.

    Circumstances of life (Z) only gather people who state no condition, and nicotine nobody: almost all would be there.
    """
    left = {member.id: {family(each.code) for each in member.profile.experiences} for member in members}
    found = list[tuple[str, str, list[str]]]()
    for chapter in ("F", "Z"):
        while len(found) < CLUSTERS_MAX - 1:
            counts = defaultdict[str, list[str]](list)
            for who in sorted(left):
                for code in left[who]:
                    if code.startswith(chapter) and code != "F17":
                        counts[code].append(who)
            if not counts:
                break
            code = min(counts, key=lambda code: (-len(counts[code]), code))
            if len(counts[code]) < 2:
                break
            found.append((code, words.experience(code), counts[code]))
            for who in counts[code]:
                del left[who]
    if left:
        found.append((OTHERS, "what few others live with", sorted(left)))
    return found


def _ordered(marks: Iterable[Mark], beside: Mapping[str, Sequence[str]]) -> list[Mark]:
    """Mentors with their newcomers beside them, then who is paired across clusters, then who is with nobody."""
    by_id = {mark.id: mark for mark in sorted(marks)}
    placed: dict[str, Mark] = {}
    for who, mark in by_id.items():
        if not mark.alone and beside.get(who):
            placed |= {each: by_id[each] for each in (who, *beside[who]) if each in by_id and each not in placed}
    rest = [mark for who, mark in by_id.items() if who not in placed]
    return [*placed.values(), *sorted(rest, key=lambda mark: (mark.alone, mark.id))]


def _some(marks: Sequence[Mark], many: int) -> tuple[Mark, ...]:
    alone = [mark for mark in marks if mark.alone]
    together = [mark for mark in marks if not mark.alone]
    kept = min(len(alone), max(-(-many // 2), many - len(together)))
    return (*islice(together, many - kept), *alone[:kept])


def _alike(program: Program, person: str) -> list[str]:
    known, members = taxonomy(), program.state.members
    mine = _closure(members[person])
    near = sorted(
        (-known.similarity(mine, _closure(member)), member.id)
        for member in members
        if member.present and member.id != person
    )
    return [who for alike, who in near[:ALIKE_MAX] if alike]


def _closure(member: Member) -> tuple[int, ...]:
    return taxonomy().closure(sorted({each.code for each in member.profile.experiences}))
