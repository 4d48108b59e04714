"""What a member's row holds: from the profile what was told, from everything else how things are at the moment.

Both give numbers and sets by name, see ``record``. What time alone will change is told to ``changes`` as it is met, so
that no instant is forgotten where something depends on one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache
from sys import intern
from typing import NamedTuple, TypeAlias, get_args

from matcher.instants import DAY
from matcher.messages.vocabulary import Format, Gender
from matcher.people.experience import family, is_disorder, is_substance
from matcher.people.member import FOREVER, Member, Mentorship
from matcher.people.places import point, squared_chord
from matcher.people.profile import Profile
from matcher.people.record import HALF_HOURS
from matcher.people.recovery import YEAR, Milestone, Recovery, Setback, Stated
from matcher.policy import Policy

Changes: TypeAlias = list[int]
"""Instants, past or to come, from which on something is different."""

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
        self.mask = lru_cache(maxsize=4_096)(self._mask)
        """The set of these words as a bit mask; a word that is new gets the next bit, however many there are."""

    def _mask(self, words: tuple[str, ...]) -> int:
        mask = 0
        for word in words:
            mask |= 1 << self._bit_of.setdefault(word, len(self._bit_of))
        return mask

    def said(self, words: tuple[str, ...]) -> int:
        """What somebody says of themselves: to be asked whether it meets ``own`` or ``wish`` of somebody else."""
        return (self.mask(words) or UNSAID) | ANY

    def own(self, words: tuple[str, ...]) -> int:
        """What goes with somebody's own words: one of them, or nothing said; anything when there are none."""
        mask = self.mask(words)
        return mask | UNSAID if mask else ANY

    def wish(self, words: tuple[str, ...] | None) -> int:
        """What somebody asks for: one of these words and no less; anything when there are none."""
        return self.mask(words or ()) or ANY


@dataclass(frozen=True, slots=True)
class Lexicons:
    """The open vocabularies of one roster."""

    languages: Lexicon = field(default_factory=Lexicon)
    families: Lexicon = field(default_factory=Lexicon)


_FORMATS = Lexicon(get_args(Format))
_GENDERS = Lexicon(get_args(Gender))
IN_PERSON = _FORMATS.mask(("in_person",)) | ANY
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
"""What a waiver of a rule puts in place of the numbers while it holds."""


class Standing(NamedTuple):
    """What somebody's recovery comes to (``since``, ``risks``), and what that was heard from: only news changes it."""

    stated_at: int = FOREVER
    stated: tuple[Stated, ...] = ()
    setbacks: tuple[Setback, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    since: int | None = None
    """When the present recovery began."""
    risks: tuple[tuple[str, int], ...] = ()
    """Families of substances and disorders, each with the end of its risk; FOREVER while it is active."""


UNHEARD = Standing()


def standing(member: Member, at: int, policy: Policy, known: Standing) -> Standing:
    """Where the member stands in recovery from ``at`` on: ``known``, unless there was news of it since.

    At risk is what is active, in early remission, or the ground of a recent setback.
    """
    recovery = member.recovery
    heard = (recovery.stated_at, recovery.stated, recovery.setbacks, recovery.milestones)
    if heard == known[:4]:
        return known
    codes = {each.code for each in member.profile.experiences} | {each.code for each in recovery.setbacks if each.code}
    risks = list[tuple[str, int]]()
    for code in sorted(codes):
        if (is_substance(code) or is_disorder(code)) and (until := _at_risk_until(recovery, code, policy)) > at:
            risks.append((intern(family(code)), until))
    return Standing(*heard, recovery.in_recovery_since(), tuple(risks))


def _at_risk_until(recovery: Recovery, code: str, policy: Policy) -> int:
    began = recovery.since(code)
    if began is None:
        return FOREVER
    setback = recovery.last_setback(code) if recovery.setbacks else None
    slipped_until = setback.at + policy.review.slip_days * DAY if setback else 0
    return slipped_until if recovery.is_past(code, began) else max(slipped_until, began + YEAR)


def told(profile: Profile, shift: int, lexicons: Lexicons) -> dict[str, int]:
    """What the profile alone says."""
    wishes, tongue = profile.wishes, lexicons.languages
    languages = _primary(profile.languages)
    x, y, z = point(*profile.place) if profile.place else (0, 0, 0)
    near = wishes.max_km is not None and profile.place is not None
    return {
        "languages": tongue.said(languages),
        "own_languages": tongue.own(languages),
        "first_language": tongue.mask(languages[:1]),
        "wished_languages": tongue.wish(_primary(wishes.languages)),
        "formats": _FORMATS.said(profile.formats),
        "own_formats": _FORMATS.own(profile.formats),
        "first_format": _FORMATS.mask(profile.formats[:1]),
        "wished_formats": _FORMATS.wish(wishes.formats),
        "gender": _GENDERS.said((profile.gender,) if profile.gender else ()),
        "wished_genders": _GENDERS.wish(_not_any(wishes.mentor_gender)),
        "families": lexicons.families.mask(tuple([family(each.code) for each in profile.experiences])),
        "needs": profile.needs,
        "hours": half_hours(profile.hours, shift),
        "states_hours": int(profile.hours != 0),
        "states_place": int(profile.place is not None),
        "x": x,
        "y": y,
        "z": z,
        "wished_chord": squared_chord(int((wishes.max_km or 0) * 1_000)) if near else FOREVER,
        "wished_shared": wishes.min_shared,
    }


def state(
    member: Member, stands: Standing, at: int, policy: Policy, lexicons: Lexicons, changes: Changes
) -> dict[str, int]:
    """What is so at the moment; ``changes`` is told every instant at which time alone changes it."""
    profile, began, risks, consent = member.profile, stands.since, stands.risks, member.consent_until
    values = _as_mentor(member, began, at, policy, lexicons, changes)
    if consent is None:
        consent = 0 if policy.consent.recorded_required else FOREVER
    values["paused_until"] = paused_until = member.paused_until if member.present else FOREVER
    values["consent_until"] = consent
    values["starts_at"] = member.joined_at if began is None else began
    values["recovers_since"] = FOREVER if began is None else began
    values["open_reports"] = int(member.is_reported)
    values["at_risk"] = 0
    values["minor_until"] = minor_until = _year_end(profile.birth_year, ADULT_YEARS)
    values["seeks_since"] = FOREVER if member.seeks_since is None else member.seeks_since
    changes += (paused_until, consent)
    if risks:
        values["at_risk"] = lexicons.families.mask(tuple([family for family, until in risks if at < until]))
        changes += [until for _, until in risks]
    if member.seeks_since is not None:
        changes.append(minor_until)
    return values


def _as_mentor(
    member: Member, began: int | None, at: int, policy: Policy, lexicons: Lexicons, changes: Changes
) -> dict[str, int]:
    mentorship = member.mentorship
    if mentorship is None:
        return _NO_MENTOR.copy()
    values = _mentor_instants(member, mentorship, began, policy)
    changes += values.values()
    if member.waivers:
        values |= _waived(member, at, policy, changes)
    values["strategies"] = mentorship.strategies
    values["matches_had"] = mentorship.matches_had
    values["welcomed_genders"] = values["welcomed_languages"] = ANY
    if (wishes := mentorship.newcomer_wishes) is not None:
        values["welcomed_genders"] = _GENDERS.wish(_not_any(wishes.gender))
        values["welcomed_languages"] = lexicons.languages.wish(_primary(tuple(wishes.languages or ())))
    return values


@lru_cache(maxsize=4_096)
def half_hours(hours: int, shift: int) -> int:
    """Local hours of the week (168 bits) as half hours of the week in UTC (336 bits).

    ``shift`` is how far, in seconds, local clocks are ahead of UTC. Zones at a quarter of an hour (Nepal, the Chathams)
    are taken as if they were at the half hour before.
    """
    doubled = _doubled()
    local = int.from_bytes(b"".join([doubled[eight] for eight in hours.to_bytes(HALF_HOURS // 16, "little")]), "little")
    back = shift // HALF_HOUR % HALF_HOURS
    return (local >> back | local << HALF_HOURS - back) & (1 << HALF_HOURS) - 1


@cache
def _doubled() -> list[bytes]:
    """For each byte of hours two of half hours."""
    return [sum(3 << 2 * bit for bit in range(8) if byte >> bit & 1).to_bytes(2, "little") for byte in range(256)]


def _mentor_instants(member: Member, mentorship: Mentorship, began: int | None, policy: Policy) -> dict[str, int]:
    rules = policy.mentor
    away_until = member.paused_until if member.present else FOREVER
    supervised_at = mentorship.volunteered_at if mentorship.supervised_at is None else mentorship.supervised_at
    trained_at = FOREVER if mentorship.trained_at is None else mentorship.trained_at
    rests_until = member.rests_until(rules.lapse_pause_days * DAY)
    return {
        "admitted_until": 0 if mentorship.declined else mentorship.cleared_until,
        "intake_paused_until": max(away_until, mentorship.paused_until, rests_until),
        "calm_at": member.distress_until,
        "mentors_from": _year_end(member.profile.birth_year, rules.age_min_years),
        "recovered_at": FOREVER if began is None else began + rules.recovery_days * DAY,
        "ahead_from": FOREVER if began is None else began + rules.ahead_days * DAY,
        "trained_at": trained_at if rules.training_required else 0,
        "supervised_until": _day_end(supervised_at + rules.supervision_days * DAY),
    }


def _waived(member: Member, at: int, policy: Policy, changes: Changes) -> dict[str, int]:
    """Numbers that a waiver holds for now."""
    waived: dict[str, int] = {}
    for rule, until in member.waivers.items():
        if rule in policy.waiver.allowed and until > at:
            changes.append(until)
            waived |= _WAIVERS[rule]
    return waived


def _not_any(genders: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if genders is None or genders == "any" else tuple(genders)


@lru_cache(maxsize=1_024)
def _year_end(birth_year: int | None, age: int) -> int:
    """The end of the calendar year (UTC) in which somebody reaches an age; 0 when the year of birth is not known."""
    return 0 if birth_year is None else int(datetime(birth_year + age + 1, 1, 1, tzinfo=UTC).timestamp())


def _day_end(at: int) -> int:
    """24:00 UTC of the day of an instant."""
    return (at // DAY + 1) * DAY


@lru_cache(maxsize=4_096)
def _primary(tags: tuple[str, ...]) -> tuple[str, ...]:
    """The languages of BCP 47 tags without script and region: who speaks pt-BR and who speaks pt-PT can talk."""
    return tuple([tag.partition("-")[0] for tag in tags])
