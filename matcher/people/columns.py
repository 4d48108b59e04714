"""The columns of a roster: what each holds about a person, and how some of the people are looked at.

``Side`` names the columns and says what each means; looked at through a ``Side``, a column is cut down to the people in
question at its first use. One side of a comparison is one person, the other many; both are arrays, and numpy's
broadcasting makes the same rule serve a newcomer against many mentors and a mentor against many newcomers. ``Person``
is one person in plain integers: rules on one person alone are the same functions there, and ten times as fast.
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
_Cell = TypeVar("_Cell", np.int64, np.uint64)


class Column(Generic[_Cell]):
    """A column, declared on ``Side``. It is cut down to the people of a side at the first look, and kept there."""

    words = 0
    """64-bit words a person in a column of sets; 0 for a column of numbers."""
    alone = False
    """Whether only rules on one person alone read it; all other columns may move the fit of a pair."""
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
        values: npt.NDArray[_Cell] = side.cut(side.roster.columns[self.name])
        side.__dict__[self.name] = values
        return values


class Numbers(Column[np.int64]):
    """A column with one integer a person: an instant, a count, a flag or a short set."""

    cell = np.int64

    def __init__(self, *, alone: bool = False) -> None:
        self.alone = alone


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

    def cut(self, column: npt.NDArray[Any]) -> Any:
        """What a column has of these people."""
        return column.take(self.rows, axis=-1)

    # Anybody
    paused_until = Numbers(alone=True)
    """The pause of the person; FOREVER after leaving."""
    open_reports = Numbers(alone=True)
    consent_until = Numbers(alone=True)
    """End of the consent to be matched: FOREVER where none is needed, 0 where it is revoked or missing."""
    gender = Numbers()
    """The gender that was said, and ANY."""
    formats = Numbers()
    """The formats that were said, or UNSAID; and ANY."""
    languages = Bits()
    """The languages that were said, or UNSAID; and ANY."""
    families = Bits()
    """Families of codes that the person has lived with."""
    at_risk = Bits()
    """Those of them, without nicotine and circumstances, in which the person is at risk now."""
    hours = Bits(-(-HALF_HOURS // WORD))
    """Half hours of the week, in UTC by the zone's offset now; none: not said."""
    states_hours = Numbers()
    states_place = Numbers()
    x = Numbers()
    y = Numbers()
    z = Numbers()
    """The place, in metres from the middle of the earth."""

    # As a newcomer
    seeks_since = Numbers()
    """FOREVER: seeks no mentor."""
    minor_until = Numbers(alone=True)
    """End of the year in which the person turns 18; 0 where the year of birth is not known."""
    starts_at = Numbers()
    """When the recovery began; for somebody who is not in recovery yet, when they came."""
    needs = Numbers()
    """Themes; 0: not said."""
    own_formats = Numbers()
    """Formats of a mentor that go with the newcomer's own: these, or UNSAID; ANY when the newcomer said nothing."""
    own_languages = Bits()
    """Languages likewise."""
    first_format = Numbers()
    first_language = Bits()
    wished_genders = Numbers()
    wished_formats = Numbers()
    wished_languages = Bits()
    """What the newcomer asks of a mentor; ANY: no wish."""
    wished_chord = Numbers()
    """Squared chord of the farthest wished distance, in square metres; FOREVER: no wish, or no place to count from."""
    wished_shared = Numbers()
    """Least number of shared families; 0: no wish."""

    # As a mentor. A waiver that the policy allows and that holds when the row is written is already in the numbers.
    admitted_until = Numbers(alone=True)
    """0: not a mentor, not cleared, or declined."""
    intake_paused_until = Numbers(alone=True)
    """The latest of the person's own pause, the mentor's, and the one after a lapse."""
    calm_at = Numbers(alone=True)
    """When distress no longer holds back new pairs."""
    mentors_from = Numbers(alone=True)
    """End of the year in which the person reaches a mentor's age; 0 where the year of birth is not known."""
    recovers_since = Numbers()
    """FOREVER: not in recovery."""
    recovered_at = Numbers(alone=True)
    """When the time in recovery that mentors need is reached; 0: waived."""
    ahead_from = Numbers()
    """Earliest beginning of a newcomer's recovery that the mentor is ahead of by enough; -FOREVER: waived."""
    trained_at = Numbers(alone=True)
    """FOREVER: not trained; 0: waived, or no training is needed."""
    supervised_until = Numbers(alone=True)
    """FOREVER: waived."""
    strategies = Numbers()
    """Themes; 0: not said."""
    matches_had = Numbers()
    welcomed_genders = Numbers()
    welcomed_languages = Bits()
    """What the mentor asks of a newcomer; ANY: no wish."""


class Person(Side):
    """One person, whose numbers are plain integers. Has no sets."""

    def __init__(self, roster: Roster, row: int) -> None:
        self.roster = roster
        self.row = row

    def cut(self, column: npt.NDArray[Any]) -> int:
        """What a column of numbers has of the person."""
        return int(column.item(self.row))


COLUMNS: dict[str, Column[Any]] = {name: column for name, column in vars(Side).items() if isinstance(column, Column)}
"""Every column by its name."""
