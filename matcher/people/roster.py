"""Everybody of a program as columns, so that one person is compared with all others in a few vector operations.

A row holds what ``pairing`` asks about a member, as integers: instants in epoch seconds, sets as bit masks. It is right
from the moment it is written until ``next_change``: write it again when the member changes and when that instant comes.
A new policy, too, means writing every row again.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from functools import lru_cache
from struct import Struct
from typing import Any

import numpy as np
import numpy.typing as npt

from matcher.people import zones
from matcher.people.columns import COLUMNS, WORD, Rows, Side
from matcher.people.experience import Closure, ClosureColumns, taxonomy
from matcher.people.member import FOREVER, Member
from matcher.people.profile import Profile
from matcher.people.rows import UNHEARD, Lexicons, Standing, standing, state, told
from matcher.policy import Policy

_KIN = (
    ("languages", "own_languages", "first_language", "wished_languages", "welcomed_languages"),
    ("families", "at_risk"),
)
"""Columns of sets over the same lexicon: they keep one width."""
_WORD_MASK = (1 << WORD) - 1
_TOLD, _PAIRED, _ALONE = range(3)
"""The parts of a row: what the profile says; what else pairs are judged by; what only bars somebody by themselves."""


class Roster:
    """The columns of all members of one program. An index is a member's own until the member is dropped."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.ids: list[str] = []
        self.closures: list[Closure] = []
        self.experience = ClosureColumns(taxonomy())
        self.columns: dict[str, npt.NDArray[Any]] = {}
        self._widths = {name: column.words for name, column in COLUMNS.items()}
        self._next_change = array("q")
        self._profiles: list[Profile | None] = []
        self._shifts = array("q")
        self._standings: list[Standing] = []
        self._editions = array("q")
        self._free: list[int] = []
        self._lexicons = Lexicons()
        self._lay_out()

    def _lay_out(self) -> None:
        """One table for all columns, word by word in memory, each part of a row a slice of it."""
        people, before = len(self.ids) * 9 // 8 + 64, self.columns
        self._parts = _parts(self._widths)
        self._cells = np.zeros((self._parts[-1].place.stop, people), dtype=np.int64)
        self.columns = {name: view for part in self._parts for name, view in part.columns(self._cells).items()}
        for name, old in before.items():
            self.columns[name][tuple(map(slice, old.shape))] = old

    def __len__(self) -> int:
        return len(self.index)

    def side(self, rows: Rows | int) -> Side:
        """One person, or many in the order of their rows."""
        return Side(self, np.atleast_1d(np.asarray(rows, dtype=np.int64)))

    def edition(self, member_id: str) -> int:
        """Another number whenever something was written that rules on two people read, or the fit; 0: no row."""
        row = self.index.get(member_id)
        return 0 if row is None else self._editions[row]

    def write(self, member: Member, at: int, policy: Policy) -> int:
        """Write the member's row as things are at ``at`` and return its index.

        Costs some 80 µs, and 15 µs when profile, recovery and the offset of the zone are as they were.
        """
        row = self.index.get(member.id)
        if row is None:
            row = self._new_row(member.id)
        shift = zones.offset(member.profile.zone, at) if member.profile.zone else 0
        if self._shifts[row] != shift or self._profiles[row] != member.profile:
            self._editions[row] += self._put(row, told(member.profile, shift, self._lexicons), _TOLD)
            self.closures[row] = _closure(tuple(each.code for each in member.profile.experiences))
            self.experience.set(row, self.closures[row])
            self._profiles[row], self._shifts[row], self._standings[row] = member.profile, shift, UNHEARD
        changes: list[int] = []
        stands = self._standings[row] = standing(member, at, policy, self._standings[row])
        values = state(member, stands, at, policy, self._lexicons, changes.append)
        self._editions[row] += self._put(row, values, _PAIRED)
        self._put(row, values, _ALONE)
        self._next_change[row] = min((instant for instant in changes if at < instant < FOREVER), default=FOREVER)
        return row

    def drop(self, member_id: str) -> None:
        """Forget a member; the row is free for somebody else."""
        row = self.index.pop(member_id)
        self._cells[:, row] = 0
        self.experience.set(row, ())
        self.ids[row], self.closures[row], self._profiles[row], self._next_change[row] = "", (), None, FOREVER
        self._standings[row] = UNHEARD
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
            self._standings.append(UNHEARD)
            self._editions.append(1)
            if row >= self._cells.shape[1]:
                self._lay_out()
        self.index[member_id] = row
        return row

    def _put(self, row: int, values: Mapping[str, int], part: int) -> bool:
        """Write a part of a row; whether it is another than it was."""
        for name, words in self._parts[part].sets:
            if values[name] >> WORD * words:
                self._widen(name, words + 1)
                return self._put(row, values, part)
        return self._parts[part].write(self._cells, row, values)

    def _widen(self, name: str, words: int) -> None:
        """Make room for a 65th language or family in all columns of the same lexicon."""
        self._widths |= dict.fromkeys(next(kin for kin in _KIN if name in kin), words)
        self._lay_out()


class _Part:
    """Some columns, which stand next to each other in a table of words by people, numbers first."""

    def __init__(self, names: Iterable[str], widths: Mapping[str, int], first: int) -> None:
        names = list(names)
        self._numbers = [name for name in names if not widths[name]]
        self.sets = [(name, widths[name]) for name in names if widths[name]]
        self._struct = Struct(f"{len(self._numbers)}q{sum(words for _, words in self.sets)}Q")
        self.place = slice(first, first + self._struct.size * 8 // WORD)

    def columns(self, cells: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[Any]]:
        """The columns by name, looked at in place."""
        place = self.place.start
        columns: dict[str, npt.NDArray[Any]] = {}
        for name in self._numbers:
            columns[name], place = cells[place], place + 1
        for name, words in self.sets:
            columns[name], place = cells[place : place + words].view(np.uint64), place + words
        return columns

    def write(self, cells: npt.NDArray[np.int64], row: int, values: Mapping[str, int]) -> bool:
        """Write one person's values; whether they are others than they were."""
        words = [values[name] for name in self._numbers]
        for name, width in self.sets:
            mask = values[name]
            words += [mask] if width == 1 else [mask >> WORD * place & _WORD_MASK for place in range(width)]
        packed = self._struct.pack(*words)
        place = cells[self.place, row]
        if place.tobytes() == packed:
            return False
        place[:] = np.frombuffer(packed, dtype=np.int64)
        return True


def _parts(widths: Mapping[str, int]) -> list[_Part]:
    of_profile = told(Profile(()), 0, Lexicons())
    told_, paired, alone = list[str](), list[str](), list[str]()
    for name, column in COLUMNS.items():
        (told_ if name in of_profile else alone if column.alone else paired).append(name)
    parts, first = list[_Part](), 0
    for names in (told_, paired, alone):
        parts.append(_Part(names, widths, first))
        first = parts[-1].place.stop
    return parts


@lru_cache(maxsize=4_096)
def _closure(codes: tuple[str, ...]) -> Closure:
    """One closure for all people with the same experiences."""
    return taxonomy().closure(codes)
