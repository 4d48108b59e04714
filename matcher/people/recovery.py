"""How far somebody has come, folded from what was told about them.

Every progress event counts by its own time. Told late or out of order, it leaves the same recovery; of two that bear
the same second, the one that came last counts. What is kept is bounded: the newest of each kind, by family of codes for
setbacks and by instrument for assessments (with the first as a baseline), and never the whole history.

The rules
    *Statement.* The newest statement of a member's experiences counts as a whole. An experience said to be early,
    sustained or past without a date is taken at the least that this says: since the day it was said, or for twelve
    months before it. Stable on prescribed medication counts as recovery: what is stated is the state, and nobody asks
    what it rests on.
    *Milestone.* "So many days" tells when a recovery began that was stated without a date, or that began after an
    experience was stated as active. A stated date is better knowledge, and stays.
    *Relapse.* Recovery from that family of codes starts anew at the relapse. A relapse that names no code is one with
    every substance.
    *Lapse.* A slip that ends no recovery: it is remembered with its date, and others decide for how long it matters.
    *Stage.* Early under twelve months, sustained from then on (365 days).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeVar

from matcher.instants import DAY
from matcher.messages.vocabulary import State
from matcher.people.experience import family, is_disorder, is_substance

YEAR = 365 * DAY
"""Twelve months of remission, in seconds: from here on it is sustained (DSM-5)."""

NEVER = -(1 << 62)
"""Before every instant; safe to add an interval to in int64."""

_NOT_ASKED = NEVER + 1

DATING = "days"
"""The kind of milestone that may tell when a recovery began."""

_UNNAMED = ""
"""The family of a setback without a code."""


class Stated(NamedTuple):
    """What a member said about one experience."""

    code: str
    state: State
    since: int | None


class Setback(NamedTuple):
    """A slip: with what (None: not said), when, and who told."""

    code: str | None
    severity: str
    at: int
    by: str

    @property
    def family(self) -> str:
        """The family of codes that it belongs to; empty when it names none."""
        return family(self.code) if self.code else _UNNAMED

    @property
    def key(self) -> str:
        """Of setbacks with the same key only the newest is kept."""
        return f"{self.family} {self.severity}"


class Milestone(NamedTuple):
    """Something reached, and the days it stands for, if any."""

    key: str  # the kind
    at: int
    days: int | None


class Assessment(NamedTuple):
    """The total of an instrument, with its items (each 0-6) where they were given and are kept."""

    key: str  # the instrument
    at: int
    total: int
    items: bytes = b""  # a third of what a tuple takes


class CheckIn(NamedTuple):
    """How somebody was, on scales of 0-10."""

    at: int
    mood: int | None
    craving: int | None


class Told(NamedTuple):
    """Something that one word says: a level of distress, a setting left."""

    at: int
    what: str | None


class _Dated(Protocol):
    @property
    def at(self) -> int: ...


class _Keyed(_Dated, Protocol):
    @property
    def key(self) -> str: ...


_D = TypeVar("_D", bound=_Dated)
_K = TypeVar("_K", bound=_Keyed)


def _newer(old: _D | None, new: _D) -> _D:
    return new if old is None or new.at >= old.at else old


def _older(old: _D | None, new: _D) -> _D:
    return new if old is None or new.at < old.at else old


def _fold(kept: tuple[_K, ...], new: _K, choose: Callable[[_K, _K], _K] = _newer) -> tuple[_K, ...]:
    """``kept`` with what ``choose`` takes of ``new`` and the one of its key; sorted: arrival leaves no trace."""
    for place, old in enumerate(kept):
        if old.key == new.key:
            return (*kept[:place], choose(old, new), *kept[place + 1 :])
    return tuple(sorted([*kept, new], key=attrgetter("key")))


def _unbroken(began: Iterable[int | None], relapses: Iterable[Setback]) -> int | None:
    """The latest of these beginnings and relapses; None when there is no beginning, or one of them has not begun."""
    latest = None
    for instant in began:
        if instant is None:
            return None
        if latest is None or instant > latest:
            latest = instant
    if latest is not None:
        for relapse in relapses:
            latest = max(latest, relapse.at)
    return latest


@dataclass(slots=True)
class Recovery:
    """One person's recovery. Instants are epoch seconds; each verb folds in what was told, the questions only look."""

    stated_at: int = NEVER
    stated: tuple[Stated, ...] = ()
    setbacks: tuple[Setback, ...] = ()  # the newest by family and severity
    milestones: tuple[Milestone, ...] = ()  # the newest by kind
    baseline: tuple[Assessment, ...] = ()  # the first by instrument, without its items
    latest: tuple[Assessment, ...] = ()  # the newest by instrument
    last_check_in: CheckIn | None = None
    last_distress: Told | None = None
    last_discharge: Told | None = None
    last_seen: int = NEVER
    _began_at: int | None = field(default=_NOT_ASKED, compare=False, repr=False)
    """The last answer of ``in_recovery_since``, kept until there is news of what it rests on."""

    def declare(self, experiences: Iterable[tuple[str, State, int | None]], at: int) -> None:
        """A statement of all experiences as (code, state, since), in place of any older one."""
        if at >= self.stated_at:
            self.stated_at, self._began_at = at, _NOT_ASKED
            self.stated = tuple([each if isinstance(each, Stated) else Stated(*each) for each in experiences])

    def setback(self, code: str | None, severity: str, by: str, at: int) -> None:
        """A ``lapse`` is remembered, a ``relapse`` starts recovery anew. Told by oneself, it is a sign of life."""
        self.setbacks, self._began_at = _fold(self.setbacks, Setback(code, severity, at, by)), _NOT_ASKED
        if by == "self":
            self.seen(at)

    def milestone(self, kind: str, days: int | None, at: int) -> None:
        """Something was reached; of kind ``days`` it may tell when recovery began."""
        self.milestones = _fold(self.milestones, Milestone(kind, at, days))
        if kind == DATING:
            self._began_at = _NOT_ASKED
        self.seen(at)

    def assess(self, instrument: str, total: int, items: Iterable[int], at: int) -> None:
        """The result of an instrument."""
        self.latest = _fold(self.latest, Assessment(instrument, at, total, bytes(items)))
        self.baseline = _fold(self.baseline, Assessment(instrument, at, total), _older)
        self.seen(at)

    def check_in(self, mood: int | None, craving: int | None, at: int) -> None:
        """How somebody is."""
        last = self.last_check_in
        if last is None or at >= last.at:
            # Not CheckIn(...), whose own constructor takes three times as long: this is most that is told.
            self.last_check_in = tuple.__new__(CheckIn, (at, mood, craving))
        self.seen(at)

    def distress(self, level: str, at: int) -> None:
        """Distress, ``elevated`` or ``high``. It has no end of its own: the policy says for how long it holds."""
        self.last_distress = _newer(self.last_distress, Told(at, level))
        self.seen(at)

    def discharge(self, setting: str | None, at: int) -> None:
        """Somebody left a treatment setting. No sign of life: the setting tells it."""
        self.last_discharge = _newer(self.last_discharge, Told(at, setting))

    def seen(self, at: int) -> None:
        """A sign of life."""
        if at > self.last_seen:
            self.last_seen = at

    def since(self, code: str) -> int | None:
        """When the current unbroken recovery from ``code`` began; None when there is none, or nothing is known of it.

        A code that was not stated is answered from its family, by the least of what was stated there.
        """
        statements = self._statements(code)
        if len(statements) == 1 and not self.setbacks:  # as of most
            return self._began(statements[0])
        return _unbroken([self._began(stated) for stated in statements], self._relapses(code))

    def _statements(self, code: str) -> list[Stated]:
        exact = [stated for stated in self.stated if stated.code == code]
        return exact or [stated for stated in self.stated if family(stated.code) == family(code)]

    def _began(self, stated: Stated) -> int | None:
        """When the stated recovery began, relapses left aside."""
        if stated.since is not None and stated.state != "active":
            return stated.since
        days = next((each for each in self.milestones if each.key == DATING), None) if self.milestones else None
        told = days.at - days.days * DAY if days and days.days is not None else None
        if stated.state == "active":
            return told if days and days.at > self.stated_at else None
        least = self.stated_at if stated.state == "early" else self.stated_at - YEAR
        return least if told is None else min(least, told)

    def _setbacks(self, code: str) -> list[Setback]:
        if not self.setbacks:  # most people, most of the time
            return []
        families = (family(code), _UNNAMED) if is_substance(code) else (family(code),)
        return [setback for setback in self.setbacks if setback.family in families]

    def _relapses(self, code: str) -> list[Setback]:
        if not self.setbacks:
            return []
        return [setback for setback in self._setbacks(code) if setback.severity == "relapse"]

    def stage(self, code: str, at: int) -> State | None:
        """``active``, ``early``, ``sustained`` or ``past`` at the moment; None when the person never had to do with it.

        Past stays past until a relapse. A setback with a substance that was never stated makes it active.
        """
        statements = self._statements(code)
        if not statements and not self._setbacks(code):
            return None
        since = self.since(code)
        if since is None:
            return "active"
        if self.is_past(code, since):
            return "past"
        return "sustained" if at - since >= YEAR else "early"

    def is_past(self, code: str, since: int) -> bool:
        """Whether what they have recovered from since then was stated as past, and they had no relapse."""
        states = {stated.state for stated in self._statements(code)}
        return states <= {"past"} and since not in [relapse.at for relapse in self._relapses(code)]

    def in_recovery_since(self) -> int | None:
        """When the person's current unbroken recovery began: from all substances or, without any, from all disorders.

        None while one of them is active. A relapse with any substance breaks it, also with one that was never stated.
        """
        if self._began_at == _NOT_ASKED:
            self._began_at = self._began_last()
        return self._began_at

    def _began_last(self) -> int | None:
        codes = [stated.code for stated in self.stated]
        counts = is_substance if any(map(is_substance, codes)) else is_disorder
        return _unbroken(
            [self.since(code) for code in codes if counts(code)],
            [each for each in self.setbacks if each.severity == "relapse" and _breaks(each, counts)],
        )

    def sustained_since(self, code: str | None = None) -> int | None:
        """When recovery (from ``code``, or as a whole) became or will become sustained; None when there is none."""
        since = self.in_recovery_since() if code is None else self.since(code)
        return None if since is None else since + YEAR

    def streak_days(self, at: int, code: str | None = None) -> int:
        """Whole days of unbroken recovery (from ``code``, or as a whole); 0 when there is none."""
        since = self.in_recovery_since() if code is None else self.since(code)
        return 0 if since is None else max(0, (at - since) // DAY)

    def last_setback(self, code: str | None = None) -> Setback | None:
        """The newest lapse or relapse: with the family of ``code``, or with anything."""
        setbacks = self.setbacks if code is None else self._setbacks(code)
        return max(setbacks, key=attrgetter("at", "severity", "key")) if setbacks else None

    def to_json(self) -> dict[str, Any]:
        """The recovery as JSON writes it (a tuple as a list), without what is empty; ``from_json`` makes it again."""
        told = {name: value for name, value in zip(_TOLD, _told(self), strict=True) if value not in (None, (), NEVER)}
        for name, value in told.items():
            if name in _ASSESSED:
                told[name] = [(*each[:-1], list(each.items)) for each in value]
            elif name in _MANY:
                told[name] = [*map(tuple, value)]  # named ones take several times as long to write
            elif name in _ONE:
                told[name] = tuple(value)
        return told

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Recovery:
        """The recovery that ``to_json`` made ``plain`` of."""
        return cls(**{name: _typed(name, value) for name, value in plain.items()})


_TOLD = [name for name in Recovery.__slots__ if not name.startswith("_")]
_told = attrgetter(*_TOLD)
_ASSESSED = ("baseline", "latest")


def _breaks(relapse: Setback, counts: Callable[[str], bool]) -> bool:
    return relapse.code is None or is_substance(relapse.code) or counts(relapse.code)


def _assessment(instrument: str, at: int, total: int, items: Iterable[int]) -> Assessment:
    return Assessment(instrument, at, total, bytes(items))


_MANY: dict[str, Callable[..., NamedTuple]] = {
    "stated": Stated,
    "setbacks": Setback,
    "milestones": Milestone,
    "baseline": _assessment,
    "latest": _assessment,
}
_ONE: dict[str, Callable[..., NamedTuple]] = {
    "last_check_in": CheckIn,
    "last_distress": Told,
    "last_discharge": Told,
}


def _typed(name: str, value: Any) -> Any:
    if name in _MANY:
        return tuple(_MANY[name](*each) for each in value)
    return _ONE[name](*value) if name in _ONE else value
