"""Everybody of a program as columns, so that one person is compared with all others in a few vector operations.

A row holds what ``pairing`` asks about a member, as integers: instants in epoch seconds, sets as bit masks. It is right
from the moment it is written until ``next_change``: write it again when the member changes and when that instant comes.
A new policy, too, means writing every row again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.people import zones
from matcher.people.columns import COLUMNS, WORD, Column, Rows, Side
from matcher.people.experience import Closure, ClosureColumns, taxonomy
from matcher.people.member import FOREVER, Member
from matcher.people.profile import Profile
from matcher.people.rows import Lexicons, state, told
from matcher.policy import Policy

_KIN = (
    ("languages", "own_languages", "first_language", "wished_languages", "welcomed_languages"),
    ("families", "at_risk"),
)
"""Columns of sets over the same lexicon: they keep one width."""
_WORD_MASK = (1 << WORD) - 1


class Roster:
    """The columns of all members of one program. An index is a member's own until the member is dropped."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.ids: list[str] = []
        self.closures: list[Closure] = []
        self.experience = ClosureColumns(taxonomy())
        self.columns: dict[str, npt.NDArray[Any]] = {name: _empty(column) for name, column in COLUMNS.items()}
        self._next_change: list[int] = []
        self._profiles: list[Profile | None] = []
        self._shifts: list[int] = []
        self._free: list[int] = []
        self._lexicons = Lexicons()

    def __len__(self) -> int:
        return len(self.index)

    def side(self, rows: Rows | int) -> Side:
        """One person, or many in the order of their rows."""
        return Side(self, np.atleast_1d(np.asarray(rows, dtype=np.int64)))

    def write(self, member: Member, at: int, policy: Policy) -> int:
        """Write the member's row as things are at ``at`` and return its index.

        Costs some 80 µs, and 30 µs when the profile and the offset of its zone are as they were.
        """
        row = self.index.get(member.id)
        if row is None:
            row = self._new_row(member.id)
        shift = zones.offset(member.profile.zone, at) if member.profile.zone else 0
        if self._shifts[row] != shift or self._profiles[row] != member.profile:
            self._put(row, told(member.profile, shift, self._lexicons))
            self.closures[row] = _closure(tuple(each.code for each in member.profile.experiences))
            self.experience.set(row, self.closures[row])
            self._profiles[row], self._shifts[row] = member.profile, shift
        changes: list[int] = []
        self._put(row, state(member, at, policy, self._lexicons, changes.append))
        self._next_change[row] = min((instant for instant in changes if at < instant < FOREVER), default=FOREVER)
        return row

    def drop(self, member_id: str) -> None:
        """Forget a member; the row is free for somebody else."""
        row = self.index.pop(member_id)
        for column in self.columns.values():
            column[..., row] = 0
        self.experience.set(row, ())
        self.ids[row], self.closures[row], self._profiles[row], self._next_change[row] = "", (), None, FOREVER
        self._free.append(row)

    def next_change(self, index: int) -> int | None:
        """The first instant after the row was last written at which time alone changes it; None: there is none.

        Ends of pauses, waivers, consents, distress and clearance; supervision that lapses; recovery time that is
        reached; risk that passes; steps of waiting; a birthday year that ends; clocks put forward or back.
        """
        instant = self._next_change[index]
        return None if instant == FOREVER else instant

    def _new_row(self, member_id: str) -> int:
        if self._free:
            row = self._free.pop()
            self.ids[row] = member_id
        else:
            row = len(self.ids)
            self.ids.append(member_id)
            self.closures.append(())
            self._profiles.append(None)
            self._shifts.append(0)
            self._next_change.append(FOREVER)
            self._make_room(row)
        self.index[member_id] = row
        return row

    def _make_room(self, row: int) -> None:
        people = self.columns["gender"].shape[-1]
        if row >= people:
            for name, column in self.columns.items():
                self.columns[name] = _padded(column, people=people // 4)

    def _put(self, row: int, values: Iterator[tuple[str, int]]) -> None:
        for name, value in values:
            if COLUMNS[name].words:
                self._put_bits(name, row, value)
            else:
                self.columns[name][row] = value

    def _put_bits(self, name: str, row: int, mask: int) -> None:
        missing = -(-mask.bit_length() // WORD) - len(self.columns[name])
        if missing > 0:
            self._widen(name, missing)
        for place, word in enumerate(self.columns[name]):
            word[row] = mask >> WORD * place & _WORD_MASK

    def _widen(self, name: str, words: int) -> None:
        """Make room for a 65th language or family in all columns of the same lexicon."""
        for each in next(kin for kin in _KIN if name in kin):
            self.columns[each] = _padded(self.columns[each], words=words)


@lru_cache(maxsize=4_096)
def _closure(codes: tuple[str, ...]) -> Closure:
    """One closure for all people with the same experiences."""
    return taxonomy().closure(codes)


def _empty(column: Column[Any], people: int = 64) -> npt.NDArray[Any]:
    return np.zeros((column.words, people) if column.words else people, dtype=column.cell)


def _padded(column: npt.NDArray[Any], words: int = 0, people: int = 0) -> npt.NDArray[Any]:
    return np.pad(column, ((0, words), (0, people)) if column.ndim == 2 else (0, people))
