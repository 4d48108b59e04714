"""What a member has said about themselves, small enough to keep for everybody.

What is empty was not said: absence is never held against anybody. Two things alone are told apart on purpose: a wish on
gender that was not asked for (None) and one that was asked and does not matter (``any``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from operator import attrgetter
from sys import intern
from typing import Any, Literal, TypeVar, get_args

from matcher.messages.events import MemberJoined, MemberUpdated, Wishes
from matcher.messages.vocabulary import State, Theme
from matcher.people import zones
from matcher.people.experience import taxonomy
from matcher.people.recovery import Stated

_THEMES: tuple[str, ...] = get_args(Theme)
_THEME_BIT = {theme: 1 << place for place, theme in enumerate(_THEMES)}
_T = TypeVar("_T")


def theme_mask(themes: Iterable[str]) -> int:
    """Themes as a bit mask, in the order of the vocabulary; repeated ones count once."""
    mask = 0
    for theme in themes:
        mask |= _THEME_BIT[theme]
    return mask


def themes_of(mask: int) -> tuple[str, ...]:
    """The themes of a mask, in the order of the vocabulary."""
    return tuple(theme for theme, bit in _THEME_BIT.items() if mask & bit)


@dataclass(frozen=True, slots=True)
class MentorWishes:
    """What a newcomer asks of a mentor; an empty wish was not asked for."""

    mentor_gender: tuple[str, ...] | Literal["any"] | None = None
    languages: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    max_km: float | None = None
    min_shared: int = 0

    @classmethod
    def of(cls, wishes: Wishes | None) -> MentorWishes:
        """The wishes of an event."""
        if wishes is None:
            return NO_WISHES
        asked = wishes.mentor_gender
        mine = cls(
            mentor_gender=asked if asked == "any" else _words(asked) or None,
            languages=_words(wishes.languages),
            formats=_words(wishes.formats),
            max_km=wishes.max_km,
            min_shared=wishes.min_shared or 0,
        )
        return _shared(mine)


NO_WISHES = MentorWishes()


@dataclass(frozen=True, slots=True)
class Profile:
    """One person's own statements. Hours are a mask of 168 bits, bit 0 = Monday 00-01 local to ``zone`` (None: UTC)."""

    experiences: tuple[Stated, ...]
    needs: int = 0  # mask of themes
    languages: tuple[str, ...] = ()  # the first is the preferred one
    hours: int = 0
    zone: str | None = None
    formats: tuple[str, ...] = ()  # the first is the preferred one
    gender: str | None = None
    birth_year: int | None = None
    place: tuple[float, float] | None = None  # latitude, longitude in degrees
    wishes: MentorWishes = NO_WISHES

    @classmethod
    def joined(cls, data: MemberJoined) -> Profile:
        """The profile of somebody who joins. Raises ``Refused`` for an unknown code (KND-unknown-code) or zone."""
        return cls(**_parts(data, cls._told(data)))

    def updated(self, data: MemberUpdated) -> Profile:
        """The profile with the parts that ``data`` sets; a part set to null is taken back. Raises like ``joined``.

        Experiences cannot be taken back, only replaced.
        """
        told = self._told(data)
        if data.experiences is None and "experiences" in told:
            told.remove("experiences")
        return replace(self, **_parts(data, told)) if told else self

    def to_json(self) -> dict[str, Any]:
        """The profile as JSON writes it (tuples as lists), without what was not said; ``from_json`` makes it again."""
        plain, wishes = _said(_SAID, _of_profile(self)), _said(_WISHED, _of_wishes(self.wishes))
        plain["experiences"] = [*map(tuple, self.experiences)]  # named ones take several times as long to write
        return {**plain, "wishes": wishes} if wishes else plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Profile:
        """The profile that ``to_json`` made ``plain`` of."""
        known = {name: _as_tuple(value) for name, value in plain.items()}
        known["experiences"] = tuple(_stated(*each) for each in plain["experiences"])
        known["wishes"] = _shared(
            MentorWishes(**{name: _as_tuple(value) for name, value in plain.get("wishes", {}).items()})
        )
        return cls(**known)

    @classmethod
    def _told(cls, data: MemberUpdated) -> list[str]:
        told = data.model_fields_set
        return [name for name in cls.__dataclass_fields__ if name in told]


def _parts(data: MemberUpdated, names: Iterable[str]) -> dict[str, Any]:
    return {name: _PARTS[name](data) for name in names}


def _experiences(data: MemberUpdated) -> tuple[Stated, ...]:
    known, stated = taxonomy(), []
    for each in data.experiences or ():
        known.check(each.code)
        stated.append(_stated(each.code, each.state, each.since))
    return tuple(stated)


def _stated(code: str, state: State, since: int | None) -> Stated:
    return _undated(code, state) if since is None else Stated(intern(code), state, since)


@lru_cache(maxsize=4_096)
def _undated(code: str, state: State) -> Stated:
    """One object for all who said the same without a date; ``_shared`` might give a plain tuple that is equal to it."""
    return Stated(intern(code), state, None)


def _zone(data: MemberUpdated) -> str | None:
    if data.zone is None:
        return None
    zones.check(data.zone)
    return intern(data.zone)


def _hours(data: MemberUpdated) -> int:
    mask = 0
    for hour in data.hours or ():
        mask |= 1 << hour
    return mask


_PARTS: dict[str, Any] = {
    "experiences": _experiences,
    "needs": lambda data: theme_mask(data.needs or ()),
    "languages": lambda data: _words(data.languages),
    "hours": _hours,
    "zone": _zone,
    "formats": lambda data: _words(data.formats),
    "gender": lambda data: data.gender,
    "birth_year": lambda data: data.birth_year,
    "place": lambda data: (data.place.lat, data.place.lon) if data.place else None,
    "wishes": lambda data: MentorWishes.of(data.wishes),
}


def _words(words: Iterable[str] | None) -> tuple[str, ...]:
    """Each word once, in the order given."""
    return _shared(tuple(dict.fromkeys(map(intern, words or ()))))


def _shared(said: _T) -> _T:
    """One object for all people who said the same: most say what many say."""
    first: _T = _first_to_say(said)
    return first


@lru_cache(maxsize=4_096)
def _first_to_say(said: Any) -> Any:
    return said


_SAID = [each.name for each in fields(Profile) if each.name != "wishes"]
_WISHED = [each.name for each in fields(MentorWishes)]
_of_profile, _of_wishes = attrgetter(*_SAID), attrgetter(*_WISHED)


def _said(names: Iterable[str], values: Iterable[Any]) -> dict[str, Any]:
    return {name: value for name, value in zip(names, values, strict=True) if value not in (None, 0, ())}


def _as_tuple(value: Any) -> Any:
    return _shared(tuple(_as_tuple(each) for each in value)) if isinstance(value, list) else value
