"""Everybody of a program as rows of integers, so that one person is compared with all others in one compiled pass.

A row holds what ``pairing`` asks about a member: instants in epoch seconds, sets as bit masks. It is right from the
moment it is written until ``next_change``: write it again when the member changes and when that instant comes. A new
policy, too, means writing every row again.
"""

from __future__ import annotations

from array import array
from collections import namedtuple
from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter
from struct import Struct, error
from typing import cast

import numpy as np
import numpy.typing as npt

from matcher.people import zones
from matcher.people.experience import Closure, taxonomy
from matcher.people.member import FOREVER, Member
from matcher.people.profile import Profile
from matcher.people.record import ALONE, HOUR_WORDS, PAIRED, PERSON, SAID, TONGUES, WORD, Layout, Part, Person
from matcher.people.rows import UNHEARD, Lexicons, Standing, half_hours, standing, state, told
from matcher.policy import Policy

NO_NODE = -1
"""Fills up a row of ``Roster.nodes``."""
_WORD_MASK = (1 << WORD) - 1
_WORD_BYTES = WORD // 8
_HOURS = Struct(f"{HOUR_WORDS}Q")
_PARTS = (SAID, Part(PAIRED.numbers + ALONE.numbers, PAIRED.sets))
"""What is written in one go; a rule on two people reads no number of ``ALONE``."""
_SAID, _STATE = range(len(_PARTS))
_Numbers = namedtuple("_Numbers", PERSON.names or ())  # type: ignore[misc]  # the names are data
"""A record without numpy, which takes longer to give one number of it than this takes to give them all."""


class Roster:
    """The rows of all members of one program. An index is a member's own until the member is dropped.

    ``people`` has a record a row, ``sets`` the words of its sets as ``layout`` says, ``nodes`` the closure of what the
    person has lived through. They are other arrays after somebody new was written: look them up, do not keep them.
    ``editions`` has another number whenever something was written that rules on two people read, or the fit.
    """

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.ids: list[str] = []
        self.closures: list[Closure] = []
        self.layout = Layout()
        self.people: npt.NDArray[np.void] = np.zeros(0, PERSON)
        self.sets: npt.NDArray[np.uint64] = np.zeros((0, 0), np.uint64)
        self.nodes: npt.NDArray[np.int16] = np.full((0, 8), NO_NODE, np.int16)
        self._next_change = array("q")
        self._profiles: list[Profile | None] = []
        self._shifts = array("q")
        self._standings: list[Standing] = []
        self.editions = array("q")
        self._free: list[int] = []
        self._lexicons = Lexicons()
        self._lay_out(self.layout)

    def __len__(self) -> int:
        return len(self.index)

    def edition(self, member_id: str) -> int:
        """The edition of a member's row; 0: no row."""
        row = self.index.get(member_id)
        return 0 if row is None else self.editions[row]

    def write(self, member: Member, at: int, policy: Policy) -> int:
        """Write the member's row as things are at ``at`` and return its index.

        Costs some 60 µs, and 12 µs when profile, recovery and the offset of the zone are as they were.
        """
        row = self.index.get(member.id)
        if row is None:
            row = self._new_row(member.id)
        profile, known, shift, changes = member.profile, self._profiles[row], 0, [FOREVER]
        if profile.zone:
            _, _, shift, shifts_at = zones.steady(profile.zone, at)
            if profile.hours and shifts_at is not None:
                changes.append(shifts_at)
        if known is not profile and known != profile:
            self._write_profile(row, profile, shift)
        elif self._shifts[row] != shift:
            self._write_hours(row, profile, shift)
        stands = self._standings[row] = standing(member, at, policy, self._standings[row])
        self.editions[row] += self._put(row, state(member, stands, at, policy, self._lexicons, changes), _STATE)
        self._next_change[row] = min([instant for instant in changes if instant > at])
        return row

    def drop(self, member_id: str) -> None:
        """Forget a member; the row is free for somebody else."""
        row = self.index.pop(member_id)
        _replace(self._numbers, row * PERSON.itemsize, bytes(PERSON.itemsize))
        _replace(self._words, row * self._sets_bytes, bytes(self._sets_bytes))
        self.nodes[row] = NO_NODE
        self.ids[row], self.closures[row], self._profiles[row], self._next_change[row] = "", (), None, FOREVER
        self._standings[row] = UNHEARD
        self._free.append(row)

    def next_change(self, index: int) -> int | None:
        """The first instant after the row was last written at which time alone changes it; None: there is none.

        Ends of pauses, waivers, consents, distress and clearance; supervision that lapses; recovery time that is
        reached; risk that passes; a birthday year that ends; clocks put forward or back.
        """
        instant = self._next_change[index]
        return None if instant == FOREVER else instant

    def person(self, index: int) -> Person:
        """A record by the names of its numbers, as it is now."""
        return cast(Person, tuple.__new__(_Numbers, self.people.item(index)))

    def common_half_hours(self, one: int, other: int) -> int:
        """Half hours of the week that both have free."""
        common = self.sets[one, :HOUR_WORDS] & self.sets[other, :HOUR_WORDS]
        return sum(word.bit_count() for word in common.tolist())

    def _write_profile(self, row: int, profile: Profile, shift: int) -> None:
        closure, information = _lived(tuple([each.code for each in profile.experiences]))
        values = told(profile, shift, self._lexicons) | {"information": information}
        self.editions[row] += self._put(row, values, _SAID)
        if len(closure) > self.nodes.shape[1]:
            more = len(closure) - self.nodes.shape[1]
            self.nodes = np.pad(self.nodes, ((0, 0), (0, more)), constant_values=NO_NODE)
        self.nodes[row] = NO_NODE
        self.nodes[row, : len(closure)] = closure
        self.closures[row], self._profiles[row], self._shifts[row] = closure, profile, shift
        self._standings[row] = UNHEARD

    def _write_hours(self, row: int, profile: Profile, shift: int) -> None:
        """Clocks were put forward or back where the member lives."""
        hours = half_hours(profile.hours, shift)
        packed = _HOURS.pack(*[hours >> WORD * place & _WORD_MASK for place in range(HOUR_WORDS)])
        self.editions[row] += _replace(self._words, row * self._sets_bytes + self._hours_start, packed)
        self._shifts[row] = shift

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
            self.editions.append(1)
            if row >= len(self.people):
                self._lay_out(self.layout)
        self.index[member_id] = row
        return row

    def _lay_out(self, layout: Layout) -> None:
        """Make room for more people, or for wider sets."""
        room, before, places = len(self.ids) * 9 // 8 + 64, self.layout.places(), layout.places()
        people, sets, nodes = self.people, self.sets, self.nodes
        self.people = np.zeros(room, PERSON)
        self.sets = np.zeros((room, layout.width), np.uint64)
        self.nodes = np.full((room, nodes.shape[1]), NO_NODE, np.int16)
        self.people[: len(people)], self.nodes[: len(nodes)] = people, nodes
        for name, place in before.items():
            words = self.layout.words(name)
            if sets.size:
                self.sets[: len(sets), places[name] : places[name] + words] = sets[:, place : place + words]
        self.layout = layout
        self._numbers = self.people.view(np.uint8).data
        self._words = self.sets.reshape(-1).view(np.uint8).data
        self._forms = [_Form(part, layout) for part in _PARTS]
        self._sets_bytes = layout.width * _WORD_BYTES
        self._hours_start = layout.places()["hours"] * _WORD_BYTES

    def _put(self, row: int, values: Mapping[str, int], part: int) -> bool:
        """Write a part of a row; whether what pairs are judged by is another than it was."""
        form = self._forms[part]
        changed = _replace(self._numbers, row * PERSON.itemsize + form.start, form.numbers(values), form.judged)
        try:
            sets = form.sets(values)
        except error:  # a mask is wider than its words
            for name, words in form.widths:
                if values[name] >> WORD * words:
                    self._widen(name, words + 1)
            return self._put(row, values, part) or changed
        return _replace(self._words, row * self._sets_bytes + form.sets_start, sets) or changed

    def _widen(self, name: str, words: int) -> None:
        """Make room for a 65th language or family in all sets of its kind."""
        self._lay_out(self.layout._replace(tongues=words) if name in TONGUES else self.layout._replace(families=words))


class _Form:
    """How a part of a row is packed into bytes, and where they stand in it."""

    def __init__(self, part: Part, layout: Layout) -> None:
        self._named = itemgetter(*part.numbers)
        self._numbers = Struct(f"{len(part.numbers)}q")
        self.judged = sum(name not in ALONE.numbers for name in part.numbers) * _WORD_BYTES
        self.start = int(PERSON.fields[part.numbers[0]][1]) if PERSON.fields else 0
        self.widths = [(name, layout.words(name)) for name in part.sets]
        self._sets = Struct(f"{sum(words for _, words in self.widths)}Q")
        self._masks = itemgetter(*part.sets)
        self._is_narrow = all(words == 1 for _, words in self.widths)
        self.sets_start = layout.places()[part.sets[0]] * _WORD_BYTES

    def numbers(self, values: Mapping[str, int]) -> bytes:
        return self._numbers.pack(*self._named(values))

    def sets(self, values: Mapping[str, int]) -> bytes:
        """Raises ``struct.error`` when one is wider than its words."""
        if self._is_narrow:
            return self._sets.pack(*self._masks(values))
        words: list[int] = []
        for name, width in self.widths:
            mask = values[name]
            for _ in range(width - 1):
                words.append(mask & _WORD_MASK)
                mask >>= WORD
            words.append(mask)
        return self._sets.pack(*words)


def _replace(memory: memoryview, start: int, packed: bytes, judged: int | None = None) -> bool:
    """Write bytes to their place; whether others stood there, among the first ``judged``."""
    place = memory[start : start + len(packed)]
    stood = place.tobytes()  # a view is compared byte by byte
    if stood == packed:
        return False
    place[:] = packed
    return judged is None or stood[:judged] != packed[:judged]


@lru_cache(maxsize=4_096)
def _lived(codes: tuple[str, ...]) -> tuple[Closure, int]:
    """One closure for all people with the same experiences, and its information content."""
    closure = taxonomy().closure(codes)
    return closure, taxonomy().information(closure)
