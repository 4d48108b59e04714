"""What a member's row holds: from the profile what was told, from everything else how things are at the moment.

Both give columns by name, see ``columns``. What time alone will change is told to ``changes`` as it is met, so that no
instant is forgotten where a column depends on one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias, get_args

from matcher.instants import DAY, HOUR
from matcher.messages.vocabulary import Format, Gender
from matcher.people import zones
from matcher.people.columns import HALF_HOURS
from matcher.people.experience import family, is_disorder, is_substance
from matcher.people.member import FOREVER, Member, Mentorship
from matcher.people.places import point, squared_chord
from matcher.people.profile import Profile
from matcher.people.recovery import YEAR
from matcher.policy import Policy

Changes: TypeAlias = Callable[[int], None]
"""Is told an instant, past or to come, from which on something is different."""

HALF_HOUR = 1_800
ADULT_YEARS = 18

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


@dataclass(frozen=True, slots=True)
class Lexicons:
    """The open vocabularies of one roster."""

    languages: Lexicon = field(default_factory=Lexicon)
    families: Lexicon = field(default_factory=Lexicon)


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


def told(profile: Profile, shift: int, lexicons: Lexicons) -> Iterator[tuple[str, int]]:
    """What the profile alone says."""
    wishes, tongue = profile.wishes, lexicons.languages
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
    yield "families", lexicons.families.mask(family(each.code) for each in profile.experiences)
    yield "needs", profile.needs
    yield "hours", half_hours(profile.hours, shift)
    yield "states_hours", int(profile.hours != 0)
    yield "states_place", int(profile.place is not None)
    yield from zip("xyz", point(*profile.place) if profile.place else (0, 0, 0), strict=True)
    near = wishes.max_km is not None and profile.place is not None
    yield "wished_chord", squared_chord(int((wishes.max_km or 0) * 1_000)) if near else FOREVER
    yield "wished_shared", wishes.min_shared


def state(member: Member, at: int, policy: Policy, lexicons: Lexicons, changes: Changes) -> Iterator[tuple[str, int]]:
    """What is so at the moment; ``changes`` is told every instant at which time alone changes it."""
    began = member.recovery.in_recovery_since()
    yield "starts_at", member.joined_at if began is None else began
    yield "recovers_since", FOREVER if began is None else began
    yield "open_reports", member.open_reports
    yield "at_risk", lexicons.families.mask(_families_at_risk(member, at, policy, changes))
    for name, until in _anybody(member, policy):
        changes(until)
        yield name, until
    if member.profile.zone and member.profile.hours:
        changes(zones.next_shift(member.profile.zone, at) or FOREVER)
    yield from _as_newcomer(member, policy, changes)
    yield from _as_mentor(member, began, at, policy, lexicons, changes)


def _as_mentor(
    member: Member, began: int | None, at: int, policy: Policy, lexicons: Lexicons, changes: Changes
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
    yield "welcomed_languages", lexicons.languages.wish(map(_primary, wishes.languages or ()) if wishes else None)


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


def _as_newcomer(member: Member, policy: Policy, changes: Changes) -> Iterator[tuple[str, int]]:
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


def _waived(member: Member, at: int, policy: Policy, changes: Changes) -> dict[str, int]:
    """Columns that a waiver holds for now, with what they hold."""
    waived: dict[str, int] = {}
    for rule, until in member.waivers.items():
        if rule in policy.waiver.allowed and until > at:
            changes(until)
            waived |= _WAIVERS[rule]
    return waived


def _not_any(genders: Iterable[str] | None) -> Iterable[str] | None:
    return None if genders == "any" else genders


def _families_at_risk(member: Member, at: int, policy: Policy, changes: Changes) -> Iterator[str]:
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
