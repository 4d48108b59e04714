"""What stands between two people, as indices of the roster: exclusions, lineage, and pairs not to be made again."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from matcher.people.roster import Roster
from matcher.state import State

Indices = NDArray[np.int64]
NOBODY: Indices = np.empty(0, np.int64)


class Relations:
    """For one person, the others with whom a blocker of a pair stands; empty for almost everybody."""

    def __init__(self, state: State, roster: Roster) -> None:
        self._state = state
        self._roster = roster

    def excluded(self, member: int) -> Indices:
        """Everybody who must not be paired with the member, whoever said so."""
        return self._indices(self._state.exclusions.of(self._roster.ids[member]))

    def declined(self, member: int) -> Indices:
        """Everybody with whom a pair was declined, rejected or ended."""
        return self._indices(self._state.matches.declined_by(self._roster.ids[member]))

    def lineage(self, newcomer: int) -> Indices:
        """Who may not mentor the newcomer: those whom the newcomer supported, and down the line."""
        return self._indices(self._state.support.descendants(self._roster.ids[newcomer]))

    def lineage_of_mentor(self, mentor: int) -> Indices:
        """Whom the mentor may not take: the mentor's own mentors, and up the line."""
        return self._indices(self._state.support.ancestors(self._roster.ids[mentor]))

    def _indices(self, ids: Collection[str]) -> Indices:
        if not ids:
            return NOBODY
        places = [self._roster.index[who] for who in ids if who in self._roster.index]
        return np.array(places, np.int64) if places else NOBODY
