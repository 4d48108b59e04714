"""Who stands together: people in clusters of what they live with, who is paired with whom, and who is with nobody.

Everything is in a fixed order, so that the same people stand in the same place each time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
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
LIKELY_MAX: Final = 500  # of whom likeness is worked out

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
    members, ties = program.state.members, _all_ties(program)
    found, seen, room = [("self", "This person", [person], 1)], {person, hidden}, NEAR_MAX - 1
    for label, people in _rings(program, person, ties).items():
        ring = [who for who in dict.fromkeys(people) if who not in seen and members.get(who) is not None]
        seen.update(ring)
        if ring[:room]:
            found.append((label, label, ring[:room], len(ring)))
            room -= len(ring[:room])
    drawn = {who for _, _, ring, _ in found for who in ring}
    alone = set(isolated(program.state.support, (members[who] for who in drawn)))
    clusters = [
        Cluster(key, label, tuple(_mark(members[who], alone) for who in ring), many) for key, label, ring, many in found
    ]
    return Circle(tuple(clusters), tuple(tie for tie in ties if tie.mentor in drawn and tie.newcomer in drawn))


def _rings(program: Program, person: str, ties: Sequence[Tie]) -> dict[str, list[str]]:
    """Who is around somebody, the nearest first; somebody may be in several."""
    support = program.state.support
    return {
        "Mentor now": [tie.mentor for tie in ties if tie.active and tie.newcomer == person],
        "Supports now": [tie.newcomer for tie in ties if tie.active and tie.mentor == person],
        "Mentor before": [tie.mentor for tie in ties if not tie.active and tie.newcomer == person],
        "Supported before": [tie.newcomer for tie in ties if not tie.active and tie.mentor == person],
        "Further up the line": support.ancestors(person),
        "Further down the line": support.descendants(person),
        "Live with the most the same": _alike(program, person),
    }


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
    lived = {member.id: _families(member) for member in sorted(members, key=lambda member: member.id)}
    holders = defaultdict[str, list[str]](list)
    for who, codes in lived.items():
        for code in codes:
            holders[code].append(who)
    counts, found = Counter({code: len(people) for code, people in holders.items()}), list[tuple[str, str, list[str]]]()
    for chapter in ("F", "Z"):
        mine = [code for code in sorted(holders) if code.startswith(chapter) and code != "F17"]
        while mine and len(found) < CLUSTERS_MAX - 1:
            code = max(mine, key=lambda code: counts[code])  # of equal ones the first
            if counts[code] < 2:
                break
            people = [who for who in holders[code] if who in lived]
            found.append((code, words.experience(code), people))
            for who in people:
                counts.subtract(lived.pop(who))
    return [*found, (OTHERS, "something rarer", list(lived))] if lived else found


def _families(member: Member) -> set[str]:
    return {family(each.code) for each in member.profile.experiences}


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
    """Who is most like somebody, among those who share the most families of codes with them."""
    known, members = taxonomy(), program.state.members
    codes, mine = _families(members[person]), _closure(members[person])
    sharing = [(-len(codes & _families(each)), each.id) for each in members if each.present and each.id != person]
    near = sorted(pair for pair in sharing if pair[0])[:LIKELY_MAX]
    ranked = sorted((-known.similarity(mine, _closure(members[who])), who) for _, who in near)
    return [who for _, who in ranked[:ALIKE_MAX]]


def _closure(member: Member) -> tuple[int, ...]:
    return taxonomy().closure(sorted({each.code for each in member.profile.experiences}))
