"""What two sides have in common: the questions that blockers and fit both ask."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matcher.pairing.setting import Values
from matcher.people.experience import MILLION, taxonomy
from matcher.people.roster import Mask, Side


def none_shared(a: npt.NDArray[np.uint64], b: npt.NDArray[np.uint64]) -> Mask:
    """Whether two columns of sets have nothing in common, pair by pair."""
    return ~_any(a & b)


def empty(sets: npt.NDArray[np.uint64]) -> Mask:
    """Whether nothing was said: the empty set."""
    return ~_any(sets)


def common_half_hours(n: Side, m: Side) -> Values:
    """Half hours of the week, from 0 to 336, that both have free."""
    count: Values = np.bitwise_count(n.hours & m.hours).sum(axis=0, dtype=np.int64)
    return count


def shared_families(n: Side, m: Side) -> Values:
    """How many families of codes both have lived with."""
    count: Values = np.bitwise_count(n.families & m.families).sum(axis=0, dtype=np.int64)
    return count


def squared_chords(n: Side, m: Side) -> Values:
    """Squared chord between the places of the two, in square metres."""
    x, y, z = n.x - m.x, n.y - m.y, n.z - m.z
    return x * x + y * y + z * z


def both_state_places(n: Side, m: Side) -> Mask:
    """Whether both have said where they live."""
    both: Mask = (n.states_place & m.states_place) != 0
    return both


def similarity(n: Side, m: Side) -> Values:
    """SimGIC of the experiences of the two in millionths, as ``Taxonomy.similarity`` has it; one side is one person.

    Costs one pass over the many for each node of the one.
    """
    one, many = (n, m) if len(n.rows) == 1 else (m, n)
    roster, nodes = one.roster, one.roster.closures[one.rows[0]]
    ic, experience = taxonomy().ic, roster.experience
    shared = np.zeros(len(many.rows), dtype=np.int64)
    for node in nodes:
        if (has := experience.who_has(node)) is not None:
            shared += has.take(many.rows) * ic[node]
    information = experience.information
    union = information.take(many.rows) + information[one.rows[0]] - shared
    values: Values = shared * MILLION // np.maximum(union, 1)
    return values


def _any(sets: npt.NDArray[np.uint64]) -> Mask:
    has: Mask = np.asarray(sets[0] != 0 if len(sets) == 1 else sets.any(axis=0))
    return has
