"""The columns of a roster: what each holds about a person, and how some of the people are looked at.

``Side`` names the columns and says what each means; looked at through a ``Side``, a column is cut down to the people in
question at its first use. One side of a comparison is one person, the other many; both are arrays, and numpy's
broadcasting makes the same rule serve a newcomer against many mentors and a mentor against many newcomers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matcher.people.roster import Roster

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

WORD = 64
"""Bits in a word of a column of sets."""
HALF_HOURS = 7 * 48
"""Half hours in a week."""
_Cell = TypeVar("_Cell", np.int64, np.int32, np.uint64)


class Column(Generic[_Cell]):
    """A column, declared on ``Side``. It is cut down to the people of a side at the first look, and kept there."""

    words = 0
    """64-bit words a person in a column of sets; 0 for a column of numbers."""
    cell: type[_Cell]

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, side: None, owner: type) -> Column[_Cell]: ...
    @overload
    def __get__(self, side: Side, owner: type) -> npt.NDArray[_Cell]: ...
    def __get__(self, side: Side | None, owner: type) -> Column[_Cell] | npt.NDArray[_Cell]:
        if side is None:
            return self
        values: npt.NDArray[_Cell] = side.roster.columns[self.name].take(side.rows, axis=-1)
        side.__dict__[self.name] = values
        return values


class Numbers(Column[np.int64]):
    """A column with one integer a person."""

    cell = np.int64


class Small(Column[np.int32]):
    """A column with a count, a flag or a short set a person."""

    cell = np.int32


class Bits(Column[np.uint64]):
    """A column with a set a person: words by people, so that ``(a & b).any(axis=0)`` asks for one in common."""

    cell = np.uint64

    def __init__(self, words: int = 1) -> None:
        self.words = words


class Side:
    """Some people of the roster, one or many, as columns. An instant that never comes is ``FOREVER``."""

    def __init__(self, roster: Roster, rows: Rows) -> None:
        self.roster = roster
        self.rows = rows

    def at(self, positions: Rows) -> Side:
        """Those at these positions."""
        return Side(self.roster, self.rows[positions])

    # Anybody
    paused_until = Numbers()
    """The pause of the person; FOREVER after leaving."""
    open_reports = Small()
    consent_until = Numbers()
    """End of the consent to be matched: FOREVER where none is needed, 0 where it is revoked or missing."""
    gender = Small()
    """The gender that was said, and ANY."""
    formats = Small()
    """The formats that were said, or UNSAID; and ANY."""
    languages = Bits()
    """The languages that were said, or UNSAID; and ANY."""
    families = Bits()
    """Families of codes that the person has lived with."""
    at_risk = Bits()
    """Those of them, without nicotine and circumstances, in which the person is at risk now."""
    hours = Bits(-(-HALF_HOURS // WORD))
    """Half hours of the week, in UTC by the zone's offset now; none: not said."""
    states_hours = Small()
    states_place = Small()
    x = Numbers()
    y = Numbers()
    z = Numbers()
    """The place, in metres from the middle of the earth."""

    # As a newcomer
    seeks_since = Numbers()
    """FOREVER: seeks no mentor."""
    minor_until = Numbers()
    """End of the year in which the person turns 18; 0 where the year of birth is not known."""
    starts_at = Numbers()
    """When the recovery began; for somebody who is not in recovery yet, when they came."""
    needs = Small()
    """Themes; 0: not said."""
    own_formats = Small()
    """Formats of a mentor that go with the newcomer's own: these, or UNSAID; ANY when the newcomer said nothing."""
    own_languages = Bits()
    """Languages likewise."""
    first_format = Small()
    first_language = Bits()
    wished_genders = Small()
    wished_formats = Small()
    wished_languages = Bits()
    """What the newcomer asks of a mentor; ANY: no wish."""
    wished_chord = Numbers()
    """Squared chord of the farthest wished distance, in square metres; FOREVER: no wish, or no place to count from."""
    wished_shared = Small()
    """Least number of shared families; 0: no wish."""

    # As a mentor. A waiver that the policy allows and that holds when the row is written is already in the numbers.
    admitted_until = Numbers()
    """0: not a mentor, not cleared, or declined."""
    intake_paused_until = Numbers()
    """The latest of the person's own pause, the mentor's, and the one after a lapse."""
    calm_at = Numbers()
    """When distress no longer holds back new pairs."""
    mentors_from = Numbers()
    """End of the year in which the person reaches a mentor's age; 0 where the year of birth is not known."""
    recovers_since = Numbers()
    """FOREVER: not in recovery."""
    recovered_at = Numbers()
    """When the time in recovery that mentors need is reached; 0: waived."""
    ahead_from = Numbers()
    """Earliest beginning of a newcomer's recovery that the mentor is ahead of by enough; -FOREVER: waived."""
    trained_at = Numbers()
    """FOREVER: not trained; 0: waived, or no training is needed."""
    supervised_until = Numbers()
    """FOREVER: waived."""
    strategies = Small()
    """Themes; 0: not said."""
    matches_had = Small()
    welcomed_genders = Small()
    welcomed_languages = Bits()
    """What the mentor asks of a newcomer; ANY: no wish."""


COLUMNS: dict[str, Column[Any]] = {name: column for name, column in vars(Side).items() if isinstance(column, Column)}
"""Every column by its name."""
