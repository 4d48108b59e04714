"""Everybody of a program as columns, so that one person is compared with all others in a few vector operations.

A row holds what ``pairing`` asks about a member, as integers: instants in epoch seconds, sets as bit masks. It is right
from the moment it is written until ``next_change``: write it again when the member changes and when that instant comes.
A new policy, too, means writing every row again.

``Side`` names the columns and says what each means; looked at through a ``Side``, a column is cut down to the people in
question at its first use. One side of a comparison is one person, the other many; both are arrays, and numpy's
broadcasting makes the same rule serve a newcomer against many mentors and a mentor against many newcomers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Generic, TypeAlias, TypeVar, get_args, overload

import numpy as np
import numpy.typing as npt

from matcher.instants import DAY, HOUR
from matcher.messages.vocabulary import Format, Gender
from matcher.people import zones
from matcher.people.experience import Closure, ClosureColumns, family, is_disorder, is_substance, taxonomy
from matcher.people.member import FOREVER, Member, Mentorship
from matcher.people.places import point, squared_chord
from matcher.people.profile import Profile
from matcher.people.recovery import YEAR
from matcher.policy import Policy

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

WORD = 64
HALF_HOURS = 7 * 48
HALF_HOUR = 1_800
ADULT_YEARS = 18
_WORD_MASK = (1 << WORD) - 1
_Cell = TypeVar("_Cell", np.int64, np.int32, np.uint64)
_Changes: TypeAlias = Callable[[int], None]


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


_COLUMNS: dict[str, Column[Any]] = {name: column for name, column in vars(Side).items() if isinstance(column, Column)}


ANY = 1
"""The bit that everybody's statement has, so that who asks for nothing in particular finds it everywhere."""
UNSAID = 2
"""The bit in place of a statement that was not made."""


class Lexicon:
    """Words as bits, ``ANY`` and ``UNSAID`` before them; nothing follows from their order."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._bit_of = {word: bit for bit, word in enumerate(("", "?", *words))}

    def mask(self, words: Iterable[str]) -> int:
        """The set of these words as a bit mask; a word that is new gets the next bit, however many there are."""
        mask = 0
        for word in words:
            mask |= 1 << self._bit_of.setdefault(word, len(self._bit_of))
        return mask

    def said(self, words: Iterable[str]) -> int:
        """What somebody says of themselves: to be asked whether it meets ``own`` or ``wish`` of somebody else."""
        return (self.mask(words) or UNSAID) | ANY

    def own(self, words: Iterable[str]) -> int:
        """What goes with somebody's own words: one of them, or nothing said; anything when there are none."""
        mask = self.mask(words)
        return mask | UNSAID if mask else ANY

    def wish(self, words: Iterable[str] | None) -> int:
        """What somebody asks for: one of these words and no less; anything when there are none."""
        return self.mask(words or ()) or ANY


class Roster:
    """The columns of all members of one program. An index is a member's own until the member is dropped."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.ids: list[str] = []
        self.closures: list[Closure] = []
        self.experience = ClosureColumns(taxonomy())
        self.columns: dict[str, npt.NDArray[Any]] = {name: _empty(column) for name, column in _COLUMNS.items()}
        self._next_change: list[int] = []
        self._profiles: list[Profile | None] = []
        self._shifts: list[int] = []
        self._free: list[int] = []
        self._languages = Lexicon()
        self._families = Lexicon()

    def __len__(self) -> int:
        return len(self.index)

    def side(self, rows: Rows | int) -> Side:
        """One person, or many in the order of their rows."""
        return Side(self, np.atleast_1d(np.asarray(rows, dtype=np.int64)))

    def write(self, member: Member, at: int, policy: Policy) -> int:
        """Write the member's row as things are at ``at`` and return its index. Costs some 20 µs, less when only the
        state and not the profile has changed.
        """
        row = self.index.get(member.id)
        if row is None:
            row = self._new_row(member.id)
        shift = zones.offset(member.profile.zone, at) if member.profile.zone else 0
        if self._shifts[row] != shift or self._profiles[row] != member.profile:
            self._put(row, self._told(member.profile, shift))
            self.closures[row] = _closure(tuple(each.code for each in member.profile.experiences))
            self.experience.set(row, self.closures[row])
            self._profiles[row], self._shifts[row] = member.profile, shift
        changes: list[int] = []
        self._put(row, self._state(member, at, policy, changes.append))
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
            if _COLUMNS[name].words:
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
        """Make room for a 65th language or family: all columns of the same lexicon keep one width."""
        kin = _LANGUAGES if name in _LANGUAGES else _FAMILIES
        for each in kin:
            self.columns[each] = _padded(self.columns[each], words=words)

    def _told(self, profile: Profile, shift: int) -> Iterator[tuple[str, int]]:
        """What the profile alone says."""
        wishes, tongue = profile.wishes, self._languages
        languages = [_primary(tag) for tag in profile.languages]
        yield "languages", tongue.said(languages)
        yield "own_languages", tongue.own(languages)
        yield "first_language", tongue.mask(languages[:1])
        yield "wished_languages", tongue.wish(map(_primary, wishes.languages))
        yield "formats", _FORMATS.said(profile.formats)
        yield "own_formats", _FORMATS.own(profile.formats)
        yield "first_format", _FORMATS.mask(profile.formats[:1])
        yield "wished_formats", _FORMATS.wish(wishes.formats)
        yield "gender", _GENDERS.said((profile.gender,) if profile.gender else ())
        yield "wished_genders", _GENDERS.wish(_not_any(wishes.mentor_gender))
        yield "families", self._families.mask(family(each.code) for each in profile.experiences)
        yield "needs", profile.needs
        yield "hours", half_hours(profile.hours, shift)
        yield "states_hours", int(profile.hours != 0)
        yield "states_place", int(profile.place is not None)
        yield from zip("xyz", point(*profile.place) if profile.place else (0, 0, 0), strict=True)
        near = wishes.max_km is not None and profile.place is not None
        yield "wished_chord", squared_chord(int((wishes.max_km or 0) * 1_000)) if near else FOREVER
        yield "wished_shared", wishes.min_shared

    def _state(self, member: Member, at: int, policy: Policy, changes: _Changes) -> Iterator[tuple[str, int]]:
        """What is so at the moment; ``changes`` is told every instant at which time alone changes it."""
        began = member.recovery.in_recovery_since()
        yield "starts_at", member.joined_at if began is None else began
        yield "recovers_since", FOREVER if began is None else began
        yield "open_reports", member.open_reports
        yield "at_risk", self._families.mask(_families_at_risk(member, at, policy, changes))
        for name, until in _anybody(member, policy):
            changes(until)
            yield name, until
        if member.profile.zone and member.profile.hours:
            changes(zones.next_shift(member.profile.zone, at) or FOREVER)
        yield from _as_newcomer(member, policy, changes)
        yield from self._as_mentor(member, began, at, policy, changes)

    def _as_mentor(
        self, member: Member, began: int | None, at: int, policy: Policy, changes: _Changes
    ) -> Iterator[tuple[str, int]]:
        mentorship = member.mentorship
        if mentorship is None:
            yield from _NO_MENTOR.items()
            return
        waived = _waived(member, at, policy, changes)
        for name, instant in _mentor_instants(member, mentorship, began, policy):
            changes(instant)
            yield name, waived.get(name, instant)
        wishes = mentorship.newcomer_wishes
        yield "strategies", mentorship.strategies
        yield "matches_had", mentorship.matches_had
        yield "welcomed_genders", _GENDERS.wish(_not_any(wishes.gender) if wishes else None)
        yield "welcomed_languages", self._languages.wish(map(_primary, wishes.languages or ()) if wishes else None)


_LANGUAGES = ("languages", "own_languages", "first_language", "wished_languages", "welcomed_languages")
_FAMILIES = ("families", "at_risk")
_FORMATS = Lexicon(get_args(Format))
_GENDERS = Lexicon(get_args(Gender))
IN_PERSON = _FORMATS.mask(["in_person"]) | ANY
"""What the formats of two people have in common when they can only meet."""
_NO_MENTOR = {
    **dict.fromkeys(("admitted_until", "intake_paused_until", "calm_at", "mentors_from", "trained_at"), 0),
    "recovered_at": 0,
    "ahead_from": -FOREVER,
    "supervised_until": FOREVER,
    **dict.fromkeys(("strategies", "matches_had"), 0),
    **dict.fromkeys(("welcomed_genders", "welcomed_languages"), ANY),
}
"""Somebody who offers nothing is not admitted, and no other rule on mentors is asked of them."""
_WAIVERS = {
    "recovery_time": {"recovered_at": 0, "ahead_from": -FOREVER},
    "training_lapsed": {"trained_at": 0},
    "supervision_lapsed": {"supervised_until": FOREVER},
}
"""What a waiver of a rule puts into the columns while it holds."""


@lru_cache(maxsize=4_096)
def half_hours(hours: int, shift: int) -> int:
    """Local hours of the week (168 bits) as half hours of the week in UTC (336 bits).

    ``shift`` is how far, in seconds, local clocks are ahead of UTC. Zones at a quarter of an hour (Nepal, the Chathams)
    are taken as if they were at the half hour before.
    """
    local = sum(3 << 2 * hour for hour in range(HALF_HOURS // 2) if hours >> hour & 1)
    back = shift // HALF_HOUR % HALF_HOURS
    return (local >> back | local << HALF_HOURS - back) & (1 << HALF_HOURS) - 1


def _anybody(member: Member, policy: Policy) -> Iterator[tuple[str, int]]:
    yield "paused_until", member.paused_until if member.present else FOREVER
    consent = member.consent_until
    yield "consent_until", (0 if policy.consent.recorded_required else FOREVER) if consent is None else consent


def _as_newcomer(member: Member, policy: Policy, changes: _Changes) -> Iterator[tuple[str, int]]:
    since = member.seeks_since
    minor_until = _year_end(member.profile.birth_year, ADULT_YEARS)
    yield "minor_until", minor_until
    yield "seeks_since", FOREVER if since is None else since
    if since is not None:
        changes(minor_until)
        for days in policy.quality.widen_after_days:
            changes(since + days * DAY)
        for hours in policy.waiting.step_hours:
            changes(since + hours * HOUR)


def _mentor_instants(
    member: Member, mentorship: Mentorship, began: int | None, policy: Policy
) -> Iterator[tuple[str, int]]:
    rules = policy.mentor
    away_until = member.paused_until if member.present else FOREVER
    supervised_at = mentorship.volunteered_at if mentorship.supervised_at is None else mentorship.supervised_at
    trained_at = FOREVER if mentorship.trained_at is None else mentorship.trained_at
    yield "admitted_until", 0 if mentorship.declined else mentorship.cleared_until
    yield "intake_paused_until", max(away_until, mentorship.paused_until, mentorship.intake_paused_until)
    yield "calm_at", member.distress_until
    yield "mentors_from", _year_end(member.profile.birth_year, rules.age_min_years)
    yield "recovered_at", FOREVER if began is None else began + rules.recovery_days * DAY
    yield "ahead_from", FOREVER if began is None else began + rules.ahead_days * DAY
    yield "trained_at", trained_at if rules.training_required else 0
    yield "supervised_until", _day_end(supervised_at + rules.supervision_days * DAY)


def _waived(member: Member, at: int, policy: Policy, changes: _Changes) -> dict[str, int]:
    """Columns that a waiver holds for now, with what they hold."""
    waived: dict[str, int] = {}
    for rule, until in member.waivers.items():
        if rule in policy.waiver.allowed and until > at:
            changes(until)
            waived |= _WAIVERS[rule]
    return waived


def _not_any(genders: Iterable[str] | None) -> Iterable[str] | None:
    return None if genders == "any" else genders


def _families_at_risk(member: Member, at: int, policy: Policy, changes: _Changes) -> Iterator[str]:
    """Families of substances and disorders that are active, in early remission, or the ground of a recent setback."""
    recovery = member.recovery
    codes = {each.code for each in member.profile.experiences}
    codes.update(each.code for each in recovery.setbacks if each.code)
    for code in sorted(codes):
        if not (is_substance(code) or is_disorder(code)):
            continue
        stage, setback = recovery.stage(code, at), recovery.last_setback(code)
        passes = setback.at + policy.review.slip_days * DAY if setback else 0
        if stage == "early":
            passes = max(passes, (recovery.since(code) or 0) + YEAR)
        if stage == "active" or at < passes:
            changes(FOREVER if stage == "active" else passes)
            yield family(code)


@lru_cache(maxsize=4_096)
def _closure(codes: tuple[str, ...]) -> Closure:
    """One closure for all people with the same experiences."""
    return taxonomy().closure(codes)


@lru_cache(maxsize=1_024)
def _year_end(birth_year: int | None, age: int) -> int:
    """The end of the calendar year (UTC) in which somebody reaches an age; 0 when the year of birth is not known."""
    return 0 if birth_year is None else int(datetime(birth_year + age + 1, 1, 1, tzinfo=UTC).timestamp())


def _day_end(at: int) -> int:
    """24:00 UTC of the day of an instant; midnight ends the day before."""
    return -(-at // DAY) * DAY


def _primary(tag: str) -> str:
    """The language of a BCP 47 tag without script and region: who speaks pt-BR and who speaks pt-PT can talk."""
    return tag.partition("-")[0]


def _empty(column: Column[Any], people: int = 64) -> npt.NDArray[Any]:
    return np.zeros((column.words, people) if column.words else people, dtype=column.cell)


def _padded(column: npt.NDArray[Any], words: int = 0, people: int = 0) -> npt.NDArray[Any]:
    return np.pad(column, ((0, words), (0, people)) if column.ndim == 2 else (0, people))
