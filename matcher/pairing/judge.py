"""The judge: may two people be paired, and how well do they fit? One person with many, or one pair in full.

The rules and terms themselves are in ``_rules``, compiled. ``row`` and ``column`` are one pass with the sides swapped,
equal bit for bit, and what explains a pair asks the same rules.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from matcher.pairing.setting import TERMS, Values, setting
from matcher.people.experience import taxonomy
from matcher.people.record import Rows
from matcher.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from matcher.pairing._rules import Apart, Crowd
    from matcher.people.roster import Roster

BARRED = -1
"""In place of the fit of a pair that a blocker bars."""
NOBODY: Rows = np.zeros(0, dtype=np.int64)


class Relations(Protocol):
    """How members stand to each other, as rows of the roster."""

    def excluded(self, member: int) -> Rows:
        """Whom the member must not be paired with, either way round."""

    def lineage(self, newcomer: int) -> Rows:
        """Who may not mentor this newcomer: everybody they mentor, directly or down the line."""

    def lineage_of_mentor(self, mentor: int) -> Rows:
        """Whom this mentor may not mentor: everybody up their line."""

    def declined(self, member: int) -> Rows:
        """With whom a pair of this member was rejected, declined or ended."""


class Bars(NamedTuple):
    """One newcomer with many mentors in full: bits of what bars each, and the fit with blockers left aside."""

    of_mentor: Values
    of_the_two: Values
    fits: Values


class Judge:
    """Judges the people of one roster by one policy and by how they stand to each other."""

    def __init__(self, roster: Roster, relations: Relations, policy: Policy) -> None:
        self.roster = roster
        self._relations = relations
        self._setting = setting(policy)
        self._ic = np.append(taxonomy().ic, 0)
        self._scratch = np.zeros_like(self._ic)

    @cached_property
    def _rules(self) -> ModuleType:
        from matcher.pairing import _rules  # numba, which takes a second to load

        return _rules

    def row(self, newcomer: int, mentors: Rows, at: int, *, worth: int = 0, admitted: bool = False) -> Values:
        """The fits of one newcomer with these mentors in millionths; ``BARRED`` where a blocker but ``no_slot`` bars.

        ``worth`` is added to each. With ``admitted``, whom a rule on one person alone bars is known not to be among
        them. Cost: some 30 ns a pair; a few times that where the rows have to come from far memory.
        """
        out = np.empty(len(mentors), np.int64)
        out.fill(worth)
        apart = self._apart(newcomer, self._relations.lineage)
        self._rules.fits(self._crowd, self._setting, apart, newcomer, mentors, True, admitted, at, out)
        return out

    def column(
        self, mentor: int, newcomers: Rows, at: int, *, worths: Values | None = None, admitted: bool = False
    ) -> Values:
        """The fits of one mentor with these newcomers: ``row``, the other way round, with a worth for each."""
        out = np.zeros(len(newcomers), np.int64) if worths is None else worths.copy()
        apart = self._apart(mentor, self._relations.lineage_of_mentor)
        self._rules.fits(self._crowd, self._setting, apart, mentor, newcomers, False, admitted, at, out)
        return out

    def bars(self, newcomer: int, mentors: Rows, at: int) -> Bars:
        """Everything that bars these pairs but what bars the newcomer alone, and an open slot."""
        out = np.empty((len(mentors), 3), np.int64)
        apart = self._apart(newcomer, self._relations.lineage)
        self._rules.bars(self._crowd, self._setting, apart, newcomer, mentors, at, out)
        return Bars(out[:, 0], out[:, 1], out[:, 2])

    def terms(self, newcomer: int, mentor: int) -> list[int]:
        """The terms of a pair in millionths, in the order of ``TERMS``."""
        out = np.empty(len(TERMS), np.int64)
        self._rules.terms(self._crowd, self._setting, newcomer, mentor, out)
        values: list[int] = out.tolist()
        return values

    @cached_property
    def weights(self) -> list[int]:
        """The weights of the terms, per mille, in the order of ``TERMS``."""
        return [int(weight) for weight in self._setting.weights]

    def mentor_alone(self, mentor: int, at: int) -> int:
        """Bits of what closes this mentor to everybody."""
        return int(self._rules.mentor_alone(self.roster.people, mentor, at))

    def newcomer_alone(self, newcomer: int, at: int) -> int:
        """Bits of what closes this newcomer to everybody."""
        return int(self._rules.newcomer_alone(self.roster.people, newcomer, at))

    def codes(self, bits: int) -> list[str]:
        """The codes of blockers that the bits of an answer stand for."""
        return [code for bit, code in enumerate(self._rules.RULES) if bits >> bit & 1]

    def masks(self, bits: Values) -> dict[str, npt.NDArray[np.bool_]]:
        """By code of a blocker, which of many answers have it."""
        return {code: bits >> bit & 1 != 0 for bit, code in enumerate(self._rules.RULES)}

    @property
    def _crowd(self) -> Crowd:
        roster = self.roster
        crowd: Crowd = self._rules.Crowd(
            roster.people, roster.sets, *roster.layout, roster.nodes, self._ic, self._scratch
        )
        return crowd

    def _apart(self, one: int, lineage: Callable[[int], Rows]) -> Apart:
        relations = self._relations
        apart: Apart = self._rules.Apart(relations.excluded(one), lineage(one), relations.declined(one))
        return apart
