"""What a roster holds about a person: a record of numbers, and sets as words of bits.

A record has three parts. What was ``Said`` follows from the profile alone. ``Paired`` is what else pairs are judged by.
What only bars somebody by themselves is on ``Person``, and no rule on two people reads it. An instant that never comes
is ``FOREVER``.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
"""Places of people in the roster."""

WORD: Final = 64
"""Bits in a word of a set."""
HALF_HOURS: Final = 7 * 48
"""Half hours in a week."""
HOUR_WORDS: Final = -(-HALF_HOURS // WORD)


class Said:
    """What the profile says. What is asked of a newcomer comes first: the rest of many mentors is read in one sweep."""

    needs: int
    """Themes; 0: not said."""
    own_formats: int
    """Formats of a mentor that go with the newcomer's own: these, or UNSAID; ANY when the newcomer said nothing."""
    first_format: int
    wished_genders: int
    wished_formats: int
    """What the newcomer asks of a mentor; ANY: no wish."""
    wished_chord: int
    """Squared chord of the farthest wished distance, in square metres; FOREVER: no wish, or no place to count from."""
    wished_shared: int
    """Least number of shared families; 0: no wish."""
    gender: int
    """The gender that was said, and ANY."""
    formats: int
    """The formats that were said, or UNSAID; and ANY."""
    states_hours: int
    states_place: int
    x: int
    y: int
    z: int
    """The place, in metres from the middle of the earth."""
    information: int
    """Information content of everything that the person has lived through, in millionths of a nat."""


class Paired(Said):
    """What else pairs are judged by: how things are at the moment, with people and with their offers.

    A waiver that the policy allows and that holds when the row is written is already in the numbers.
    """

    ahead_from: int
    """Earliest beginning of a newcomer's recovery that the mentor is ahead of by enough; -FOREVER: waived."""
    welcomed_genders: int
    """What the mentor asks of a newcomer; ANY: no wish."""
    recovers_since: int
    """FOREVER: not in recovery."""
    strategies: int
    """Themes; 0: not said."""
    matches_had: int
    starts_at: int
    """When the recovery began; for somebody who is not in recovery yet, when they came."""
    seeks_since: int
    """FOREVER: seeks no mentor."""


class Person(Paired):
    """Everything, with what only bars somebody by themselves."""

    paused_until: int
    """The pause of the person; FOREVER after leaving."""
    open_reports: int
    consent_until: int
    """End of the consent to be matched: FOREVER where none is needed, 0 where it is revoked or missing."""
    minor_until: int
    """End of the year in which the person turns 18; 0 where the year of birth is not known."""
    admitted_until: int
    """0: not a mentor, not cleared, or declined."""
    intake_paused_until: int
    """The latest of the person's own pause, the mentor's, and the one after a lapse."""
    calm_at: int
    """When distress no longer holds back new pairs."""
    mentors_from: int
    """End of the year in which the person reaches a mentor's age; 0 where the year of birth is not known."""
    recovered_at: int
    """When the time in recovery that mentors need is reached; 0: waived."""
    trained_at: int
    """FOREVER: not trained; 0: waived, or no training is needed."""
    supervised_until: int
    """FOREVER: waived."""


class Part(NamedTuple):
    """The numbers and the sets of one part of a row, in their order in memory."""

    numbers: tuple[str, ...]
    sets: tuple[str, ...]


SAID: Final = Part(
    tuple(Said.__annotations__),
    ("hours", "languages", "own_languages", "first_language", "wished_languages", "families"),
)
PAIRED: Final = Part(tuple(Paired.__annotations__), ("at_risk", "welcomed_languages"))
ALONE: Final = Part(tuple(Person.__annotations__), ())
PARTS: Final = (SAID, PAIRED, ALONE)

TONGUES: Final = ("languages", "own_languages", "first_language", "wished_languages", "welcomed_languages")
"""Sets of languages: said (or UNSAID, and ANY), going with one's own, the first, wished of a mentor, of a newcomer."""
FAMILIES: Final = ("families", "at_risk")
"""Sets of families of codes: lived with, and at risk in now (without nicotine and circumstances)."""

PERSON: Final[np.dtype[Any]] = np.dtype([(name, np.int64) for part in PARTS for name in part.numbers])


class Layout(NamedTuple):
    """Where the sets of a person stand in a row of words, for so many words a set of languages and of families."""

    tongues: int = 1
    families: int = 1

    def words(self, name: str) -> int:
        """Words of this set."""
        return self.tongues if name in TONGUES else self.families if name in FAMILIES else HOUR_WORDS

    def places(self) -> dict[str, int]:
        """The first word of each set."""
        names = [name for part in PARTS for name in part.sets]
        return dict(zip(names, accumulate(map(self.words, names), initial=0), strict=False))

    @property
    def width(self) -> int:
        """Words of all sets."""
        return sum(self.words(name) for part in PARTS for name in part.sets)
