"""The rules of pairing as a plain Python loop over pydantic models: slow and obvious.

It has the policy and the models of people in common with ``matcher.pairing``, and no rule. The tests hold the vectors
to it, and ``bench score`` measures them against it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import files
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from matcher.people.experience import Closure, family, is_disorder, is_substance, taxonomy
from matcher.people.member import Member
from matcher.people.places import point, squared_chord
from matcher.people.profile import themes_of
from matcher.policy import Policy

DAY = 86_400
MILLION = 1_000_000
HALF = 500_000


class Person(BaseModel):
    """Everything that the rules ask about somebody, at one moment."""

    model_config = ConfigDict(frozen=True)

    id: str
    joined_at: int
    away: bool
    open_reports: int
    consent_until: int | None
    waivers: dict[str, int]
    distress_until: int
    recovers_since: int | None
    at_risk: frozenset[str]
    closure: Closure
    families: frozenset[str]
    needs: frozenset[str]
    languages: tuple[str, ...]
    formats: tuple[str, ...]
    half_hours: frozenset[int]
    gender: str | None
    birth_year: int | None
    place: tuple[int, int, int] | None
    seeks_since: int | None
    wished_genders: frozenset[str]
    wished_languages: frozenset[str]
    wished_formats: frozenset[str]
    wished_metres: int | None
    wished_shared: int
    volunteered: bool
    cleared_until: int
    intake_paused_until: int
    trained_at: int | None
    supervised_at: int
    strategies: frozenset[str]
    matches_had: int
    welcomed_genders: frozenset[str]
    welcomed_languages: frozenset[str]

    @classmethod
    def of(cls, member: Member, at: int, policy: Policy) -> Person:
        """A member at a moment."""
        profile, recovery, offer = member.profile, member.recovery, member.mentorship
        wishes, welcome = profile.wishes, offer.newcomer_wishes if offer else None
        return cls(
            id=member.id,
            joined_at=member.joined_at,
            away=member.paused_until > at or not member.present,
            open_reports=member.open_reports + member.upheld,
            consent_until=member.consent_until,
            waivers=member.waivers,
            distress_until=member.distress_until,
            recovers_since=recovery.in_recovery_since(),
            at_risk=frozenset(_at_risk(member, at, policy)),
            closure=taxonomy().closure(each.code for each in profile.experiences),
            families=frozenset(family(each.code) for each in profile.experiences),
            needs=frozenset(themes_of(profile.needs)),
            languages=_tongues(profile.languages),
            formats=profile.formats,
            half_hours=_half_hours(profile.hours, profile.zone, at),
            gender=profile.gender,
            birth_year=profile.birth_year,
            place=point(*profile.place) if profile.place else None,
            seeks_since=member.seeks_since,
            wished_genders=_genders(wishes.mentor_gender),
            wished_languages=frozenset(_tongues(wishes.languages)),
            wished_formats=frozenset(wishes.formats),
            wished_metres=None if wishes.max_km is None else int(wishes.max_km * 1_000),
            wished_shared=wishes.min_shared,
            volunteered=offer is not None,
            cleared_until=offer.cleared_until if offer and not offer.declined else 0,
            intake_paused_until=max([offer.paused_until, *_rests(member, policy)]) if offer else 0,
            trained_at=offer.trained_at if offer else None,
            supervised_at=(offer.volunteered_at if offer.supervised_at is None else offer.supervised_at)
            if offer
            else 0,
            strategies=frozenset(themes_of(offer.strategies)) if offer else frozenset(),
            matches_had=offer.matches_had if offer else 0,
            welcomed_genders=_genders(welcome.gender if welcome else None),
            welcomed_languages=frozenset(_tongues((welcome.languages if welcome else None) or ())),
        )


def _rests(member: Member, policy: Policy) -> list[int]:
    return [setback.at + policy.mentor.lapse_pause_days * DAY for setback in member.recovery.setbacks]


class Ties(BaseModel):
    """How members stand to each other, by their ids."""

    excluded: frozenset[frozenset[str]] = frozenset()
    declined: frozenset[frozenset[str]] = frozenset()
    supports: frozenset[tuple[str, str]] = frozenset()
    """(newcomer, mentor) where the newcomer mentors this mentor, directly or down the line."""


def fit_or_none(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> int | None:
    """The fit of a pair in millionths; None as soon as one rule bars it."""
    if any(rule(n, m, ties, at, policy) for rule in RULES.values()):
        return None
    fit = fit_of(n, m, policy)
    return None if fit < _narrowed(policy.quality.fit_min, n, at, policy) else fit


def blockers(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> set[str]:
    """The codes of everything that bars a pair."""
    codes = {name.split("/")[0] for name, rule in RULES.items() if rule(n, m, ties, at, policy)}
    if fit_of(n, m, policy) < _narrowed(policy.quality.fit_min, n, at, policy):
        codes.add("low_fit")
    return codes


def same_person(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return n.id == m.id


def exclusion(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return frozenset((n.id, m.id)) in ties.excluded


def lineage(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return (n.id, m.id) in ties.supports


def open_report(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return n.open_reports > 0 or m.open_reports > 0


def not_admitted(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return at >= m.cleared_until


def recovery_time(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    if not m.volunteered or _waived("recovery_time", m, at, policy):
        return False
    if m.recovers_since is None or at < m.recovers_since + policy.mentor.recovery_days * DAY:
        return True
    return _started(n) < m.recovers_since + policy.mentor.ahead_days * DAY


def training_lapsed(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    if not m.volunteered or not policy.mentor.training_required or _waived("training_lapsed", m, at, policy):
        return False
    return m.trained_at is None or m.trained_at > at


def supervision_lapsed(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    last_day_ends = (m.supervised_at // DAY + policy.mentor.supervision_days + 1) * DAY
    return m.volunteered and at >= last_day_ends and not _waived("supervision_lapsed", m, at, policy)


def paused(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return n.away or (m.volunteered and m.away) or m.intake_paused_until > at


def in_distress(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return m.volunteered and m.distress_until > at


def same_risk(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return bool(n.at_risk & m.at_risk)


def minor(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    year = datetime.fromtimestamp(at, UTC).year
    young = n.birth_year is not None and year <= n.birth_year + 18 and not policy.program.minors
    return young or (m.volunteered and m.birth_year is not None and year <= m.birth_year + policy.mentor.age_min_years)


def gender_wish(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return bool(
        (n.wished_genders and m.gender not in n.wished_genders)
        or (m.welcomed_genders and n.gender not in m.welcomed_genders)
    )


def no_common_language(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return bool(
        (n.languages and m.languages and not set(n.languages) & set(m.languages))
        or (n.wished_languages and not n.wished_languages & set(m.languages))
        or (m.welcomed_languages and not m.welcomed_languages & set(n.languages))
    )


def no_common_format(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return bool(
        (n.formats and m.formats and not set(n.formats) & set(m.formats))
        or (n.wished_formats and not n.wished_formats & set(m.formats))
    )


def consent_missing(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return not (_consents(n, at, policy) and _consents(m, at, policy))


def declined(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return frozenset((n.id, m.id)) in ties.declined


def few_shared(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    return n.wished_shared > 0 and len(n.families & m.families) < n.wished_shared


def no_common_hours(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    if not n.half_hours or not m.half_hours:
        return False
    return len(n.half_hours & m.half_hours) < _narrowed(2 * policy.quality.hours_min, n, at, policy)


def too_far(n: Person, m: Person, ties: Ties, at: int, policy: Policy) -> bool:
    if n.place is None:
        return False
    if n.wished_metres is not None and (m.place is None or _chord(n, m) > squared_chord(n.wished_metres)):
        return True
    if m.place is None or set(n.formats) & set(m.formats) != {"in_person"}:
        return False
    metres = policy.quality.distance_max_km * 1_000
    for _ in range(_steps(n, at, policy)):
        metres = metres * (100 + policy.quality.widen_percent) // 100
    return _chord(n, m) > squared_chord(metres)


RULES = {
    "same_person": same_person,
    "exclusion": exclusion,
    "lineage": lineage,
    "open_report": open_report,
    "not_admitted": not_admitted,
    "recovery_time": recovery_time,
    "training_lapsed": training_lapsed,
    "supervision_lapsed": supervision_lapsed,
    "paused": paused,
    "in_distress": in_distress,
    "same_risk": same_risk,
    "minor": minor,
    "gender_wish": gender_wish,
    "no_common_language": no_common_language,
    "no_common_format": no_common_format,
    "consent_missing": consent_missing,
    "declined": declined,
    "low_fit/shared": few_shared,
    "no_common_hours": no_common_hours,
    "too_far": too_far,
}
"""The rules by code; a code with two rules has the second after a stroke."""


def fit_of(n: Person, m: Person, policy: Policy) -> int:
    """The fit of a pair in millionths, blockers left aside."""
    return sum(value * getattr(policy.fit, name) // 1_000 for name, value in terms(n, m).items())


def terms(n: Person, m: Person) -> dict[str, int]:
    """The terms of a pair in millionths."""
    return {
        "experience": taxonomy().similarity(n.closure, m.closure),
        "distance": _distance(n, m),
        "strategies": len(n.needs & m.strategies) * MILLION // len(n.needs) if n.needs and m.strategies else HALF,
        "hours": min(len(n.half_hours & m.half_hours), 12) * MILLION // 12 if n.half_hours and m.half_hours else HALF,
        "language": _preferred(n.languages, m.languages),
        "format": _preferred(n.formats, m.formats),
        "place": _place(n, m),
        "spread": MILLION // (1 + min(m.matches_had, 63)),
    }


def _distance(n: Person, m: Person) -> int:
    if m.recovers_since is None:
        return HALF
    days = (_started(n) - m.recovers_since) // DAY
    if days <= 0:
        return 0
    if days <= 180:
        return days * 400_000 // 180
    if days <= 730:
        return 400_000 + (days - 180) * 600_000 // 550
    if days <= 1_825:
        return MILLION
    return MILLION + (days - 1_825) * -500_000 // 5_475 if days <= 7_300 else HALF


def _preferred(mine: tuple[str, ...], theirs: tuple[str, ...]) -> int:
    if not mine or not theirs:
        return HALF
    if mine[0] in theirs:
        return MILLION
    return HALF if set(mine) & set(theirs) else 0


def _place(n: Person, m: Person) -> int:
    if n.place is None or m.place is None:
        return HALF
    apart = _chord(n, m)
    for km, worth in ((5, MILLION), (10, 800_000), (25, 600_000), (50, 400_000), (100, 200_000)):
        if apart <= squared_chord(km * 1_000):
            return worth
    return 0


def _chord(n: Person, m: Person) -> int:
    return sum((a - b) ** 2 for a, b in zip(n.place or (), m.place or (), strict=True))


def _started(n: Person) -> int:
    return n.joined_at if n.recovers_since is None else n.recovers_since


def _waived(rule: str, m: Person, at: int, policy: Policy) -> bool:
    return rule in policy.waiver.allowed and m.waivers.get(rule, 0) > at


def _consents(person: Person, at: int, policy: Policy) -> bool:
    if person.consent_until is None:
        return not policy.consent.recorded_required
    return at < person.consent_until


def _steps(n: Person, at: int, policy: Policy) -> int:
    if n.seeks_since is None:
        return 0
    return sum(at - n.seeks_since >= days * DAY for days in policy.quality.widen_after_days)


def _narrowed(limit: int, n: Person, at: int, policy: Policy) -> int:
    for _ in range(_steps(n, at, policy)):
        limit = limit * (100 - policy.quality.widen_percent) // 100
    return limit


def _at_risk(member: Member, at: int, policy: Policy) -> Iterable[str]:
    codes = [each.code for each in member.profile.experiences]
    codes += [each.code for each in member.recovery.setbacks if each.code]
    for code in codes:
        if not is_substance(code) and not is_disorder(code):
            continue
        slip = member.recovery.last_setback(code)
        lately = slip is not None and at < slip.at + policy.review.slip_days * DAY
        if lately or member.recovery.stage(code, at) in ("active", "early"):
            yield family(code)


def _genders(asked: Iterable[str] | None) -> frozenset[str]:
    return frozenset() if asked is None or asked == "any" else frozenset(asked)


def _tongues(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.split("-")[0] for tag in tags))


def _half_hours(hours: int, zone: str | None, at: int) -> frozenset[int]:
    ahead = 0
    if zone is not None:
        with files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as rules:
            local = datetime.fromtimestamp(at, ZoneInfo.from_file(rules)).utcoffset()
        ahead = int(local.total_seconds()) // 1_800 if local is not None else 0
    return frozenset((2 * hour + half - ahead) % 336 for hour in range(168) if hours >> hour & 1 for half in (0, 1))
