"""The hard rules: what bars a pair, in which class, in words, and what would unblock it.

A rule is one function that answers for a whole side, or for two sides pair by pair; True bars. A blocker may have a
rule on the mentor alone (which closes them to everybody), on the newcomer alone, and on the two together.

SAFETY never relaxes, except by a coordinator's dated waiver where the policy allows it. CONSENT relaxes only by the
person whose wish it is: a wish that is not known to be met is not met. QUALITY widens while the newcomer waits, except
where a newcomer's own wish (farthest way, least shared families) stands behind the code: that is theirs to change.
Of everything else, what was not said never bars.

Least fit (``low_fit``) needs the fit and is applied there; an open slot (``no_slot``) is for the market to say. Both
have their words here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from matcher.instants import DAY
from matcher.pairing.common import (
    both_state_places,
    common_half_hours,
    empty,
    none_shared,
    shared_families,
    squared_chords,
)
from matcher.pairing.setting import UNRELATED, Setting
from matcher.people.member import FOREVER
from matcher.people.roster import IN_PERSON, Mask, Roster, Rows, Side
from matcher.policy import Policy

Class = Literal["SAFETY", "CONSENT", "QUALITY"]
OneSided = Callable[[Side, Setting], Mask]
TwoSided = Callable[[Side, Side, Setting], Mask]


@dataclass(frozen=True)
class Blocker:
    """A hard rule. Words are for coordinators, notices and the people concerned: calm, and without any diagnosis."""

    code: str
    kind: Class
    reason: str
    unblocks: str
    mentor: OneSided | None = None
    newcomer: OneSided | None = None
    pair: TwoSided | None = None
    told_as: str = ""
    """The code to use outside of the coordinators' desk, when its own would tell what is nobody's business."""


# SAFETY


def same_person(n: Side, m: Side, setting: Setting) -> Mask:
    """Nobody is their own mentor."""
    bars: Mask = n.rows == m.rows
    return bars


def excluded(n: Side, m: Side, setting: Setting) -> Mask:
    """Family, staff, a conflict, or "not again": either way round."""
    return _among(n, m, setting.relations.excluded, setting.relations.excluded)


def in_lineage(n: Side, m: Side, setting: Setting) -> Mask:
    """Nobody mentors their own mentor, nor anybody further up that line."""
    return _among(n, m, setting.relations.lineage, setting.relations.lineage_of_mentor)


def reported(side: Side, setting: Setting) -> Mask:
    """A report that is not settled freezes new pairs."""
    return side.open_reports > 0


def not_admitted(m: Side, setting: Setting) -> Mask:
    """Not a mentor, not cleared by a coordinator, declined, or cleared for a time that is over."""
    return m.admitted_until <= setting.at


def short_recovery(m: Side, setting: Setting) -> Mask:
    """The time in recovery that a mentor needs is not reached, and no waiver holds."""
    return (m.recovered_at > setting.at) & (m.recovery_waived_until <= setting.at)


def not_ahead(n: Side, m: Side, setting: Setting) -> Mask:
    """The mentor has not come further than the newcomer by enough, and no waiver holds."""
    too_close = n.starts_at - m.recovers_since < setting.policy.mentor.ahead_days * DAY
    return too_close & (m.recovery_waived_until <= setting.at)


def untrained(m: Side, setting: Setting) -> Mask:
    """Training is required and was not done, and no waiver holds."""
    return (m.trained_at > setting.at) & (m.training_waived_until <= setting.at)


def unsupervised(m: Side, setting: Setting) -> Mask:
    """The last supervision is too long ago, and no waiver holds. It bars new pairs and ends none."""
    return (m.supervised_until <= setting.at) & (m.supervision_waived_until <= setting.at)


def away(side: Side, setting: Setting) -> Mask:
    """The person is away, or has left."""
    return side.paused_until > setting.at


def takes_nobody(m: Side, setting: Setting) -> Mask:
    """The mentor is away, or takes nobody new for a while: of their own wish or after a slip, which read alike."""
    return away(m, setting) | (m.intake_paused_until > setting.at)


def distressed(m: Side, setting: Setting) -> Mask:
    """A mentor in distress has enough to carry."""
    return m.calm_at > setting.at


def same_risk(n: Side, m: Side, setting: Setting) -> Mask:
    """Both are at risk in the same family now. Source: Buddy Project, JMIR Ment Health 2021;8:e21819."""
    return ~none_shared(n.at_risk, m.at_risk)


def minor_newcomer(n: Side, setting: Setting) -> Mask:
    """A newcomer under 18, in a program that is not made for minors."""
    return (n.minor_until > setting.at) & (not setting.policy.program.minors)


def minor_mentor(m: Side, setting: Setting) -> Mask:
    """A mentor who is not an adult, in any program."""
    return m.mentors_from > setting.at


# CONSENT


def gender_unwished(n: Side, m: Side, setting: Setting) -> Mask:
    """A wish on gender, of either side, that the other does not meet or has said nothing about."""
    return _unmet(n.wished_genders, m.gender) | _unmet(m.welcomed_genders, n.gender)


def no_language(n: Side, m: Side, setting: Setting) -> Mask:
    """No language in common where both said theirs; or none of those that one of them asks of the other."""
    both_said = ~(empty(n.languages) | empty(m.languages))
    return (
        (both_said & none_shared(n.languages, m.languages))
        | (~empty(n.wished_languages) & none_shared(n.wished_languages, m.languages))
        | (~empty(m.welcomed_languages) & none_shared(m.welcomed_languages, n.languages))
    )


def no_format(n: Side, m: Side, setting: Setting) -> Mask:
    """No way of talking in common where both said theirs; or none of those that the newcomer asks for."""
    both_said = (n.formats != 0) & (m.formats != 0)
    bars: Mask = (both_said & (n.formats & m.formats == 0)) | _unmet(n.wished_formats, m.formats)
    return bars


def consent_missing(side: Side, setting: Setting) -> Mask:
    """The consent to be matched was revoked, is over, or is required and not on record."""
    return side.consent_until <= setting.at


def declined(n: Side, m: Side, setting: Setting) -> Mask:
    """One of the two said no, a coordinator rejected the pair, or it ended."""
    return _among(n, m, setting.relations.declined, setting.relations.declined)


# QUALITY


def few_shared(n: Side, m: Side, setting: Setting) -> Mask:
    """The newcomer wishes for more shared families of experience. A wish: it does not widen."""
    return shared_families(n, m) < n.wished_shared


def few_hours(n: Side, m: Side, setting: Setting) -> Mask:
    """Too few hours of the week in common, where both said theirs; widens."""
    both_said = (n.states_hours & m.states_hours) != 0
    bars: Mask = both_said & (common_half_hours(n, m) < setting.least_half_hours[setting.steps(n)])
    return bars


def too_far(n: Side, m: Side, setting: Setting) -> Mask:
    """In person is the only format in common and the way is too long, which widens; or the newcomer's wish is shorter.

    The wish needs both places to be known: a mentor who does not say where they live is not known to live near.
    """
    apart = squared_chords(n, m)
    only_in_person = (n.formats & m.formats) == IN_PERSON
    beyond = both_state_places(n, m) & only_in_person & (apart > setting.farthest_chords[setting.steps(n)])
    wished = (n.states_place != 0) & (n.wished_chord < FOREVER)
    bars: Mask = beyond | (wished & ((m.states_place == 0) | (apart > n.wished_chord)))
    return bars


BLOCKERS: tuple[Blocker, ...] = (
    Blocker(
        "same_person", "SAFETY",
        "Newcomer and mentor are the same person.",
        "Nothing: nobody is their own mentor.",
        pair=same_person,
    ),
    Blocker(
        "exclusion", "SAFETY",
        "The two must not be paired.",
        "A coordinator removes the exclusion; \"not again\" is kept for ever.",
        pair=excluded, told_as="paused",
    ),
    Blocker(
        "lineage", "SAFETY",
        "The newcomer supports this mentor, directly or through others.",
        "The line of support between the two ends.",
        pair=in_lineage,
    ),
    Blocker(
        "open_report", "SAFETY",
        "A safety report about one of the two is open.",
        "A coordinator resolves the report.",
        mentor=reported, newcomer=reported, told_as="paused",
    ),
    Blocker(
        "not_admitted", "SAFETY",
        "The mentor is not cleared to take people on.",
        "A coordinator screens the mentor and clears them.",
        mentor=not_admitted,
    ),
    Blocker(
        "recovery_time", "SAFETY",
        "The mentor has not been in recovery for long enough, in itself or ahead of the newcomer.",
        "Time; or a coordinator's waiver with a reason and an end, where the policy allows it.",
        mentor=short_recovery, pair=not_ahead,
    ),
    Blocker(
        "training_lapsed", "SAFETY",
        "The mentor's training is not on record.",
        "The mentor completes the training.",
        mentor=untrained,
    ),
    Blocker(
        "supervision_lapsed", "SAFETY",
        "The mentor's last supervision is too long ago.",
        "A supervision contact takes place.",
        mentor=unsupervised,
    ),
    Blocker(
        "paused", "SAFETY",
        "One of the two is taking a pause.",
        "The pause ends, or the person comes back earlier.",
        mentor=takes_nobody, newcomer=away,
    ),
    Blocker(
        "in_distress", "SAFETY",
        "The mentor was in distress lately.",
        "Some quiet days, or a coordinator's word that all is well.",
        mentor=distressed, told_as="paused",
    ),
    Blocker(
        "same_risk", "SAFETY",
        "Both are at risk in the same thing at the moment.",
        "One of the two reaches a steadier stage.",
        pair=same_risk, told_as="paused",
    ),
    Blocker(
        "minor", "SAFETY",
        "One of the two is not of the age that the program is made for.",
        "A program for young people; or the year in which they come of age ends.",
        mentor=minor_mentor, newcomer=minor_newcomer,
    ),
    Blocker(
        "no_slot", "SAFETY",
        "The mentor has no open slot.",
        "A match of the mentor ends, or the mentor takes on more.",
    ),
    Blocker(
        "gender_wish", "CONSENT",
        "A wish on gender is not met, or not known to be met.",
        "The person who wished it changes the wish, or the other side says their gender.",
        pair=gender_unwished,
    ),
    Blocker(
        "no_common_language", "CONSENT",
        "The two have no language in common, or not one that was asked for.",
        "One of the two adds a language, or changes the wish.",
        pair=no_language,
    ),
    Blocker(
        "no_common_format", "CONSENT",
        "The two have no way of talking in common, or not one that was asked for.",
        "One of the two adds a way of talking, or changes the wish.",
        pair=no_format,
    ),
    Blocker(
        "consent_missing", "CONSENT",
        "The consent to be matched is missing or over.",
        "The person gives it.",
        mentor=consent_missing, newcomer=consent_missing,
    ),
    Blocker(
        "declined", "CONSENT",
        "The two were proposed or paired before, and it is not wished again.",
        "Both, or a coordinator with them, wish it again.",
        pair=declined, told_as="paused",
    ),
    Blocker(
        "low_fit", "QUALITY",
        "The two have too little in common, or less than the newcomer asked for.",
        "Waiting lowers the least fit step by step; a wish is lowered by the newcomer.",
        pair=few_shared,
    ),
    Blocker(
        "no_common_hours", "QUALITY",
        "The two have too few hours of the week in common.",
        "One of the two adds hours; waiting lowers the least step by step.",
        pair=few_hours,
    ),
    Blocker(
        "too_far", "QUALITY",
        "The two live too far apart.",
        "Another format than in person; waiting widens the distance step by step, a wish only by the newcomer.",
        pair=too_far,
    ),
)  # fmt: skip
"""Every blocker, in the order of the reference page; ``declined`` is the one that contract.md does not name."""


BY_CODE = {blocker.code: blocker for blocker in BLOCKERS}


def mentor_barred(roster: Roster, mentor: int, at: int, policy: Policy) -> tuple[str, ...]:
    """Codes of what closes this mentor to everybody, in the order of ``BLOCKERS``."""
    side, setting = roster.side(mentor), Setting(at, policy, UNRELATED)
    return tuple(each.code for each in BLOCKERS if each.mentor is not None and each.mentor(side, setting)[0])


def newcomer_barred(roster: Roster, newcomer: int, at: int, policy: Policy) -> tuple[str, ...]:
    """Codes of what closes this newcomer to everybody, in the order of ``BLOCKERS``."""
    side, setting = roster.side(newcomer), Setting(at, policy, UNRELATED)
    return tuple(each.code for each in BLOCKERS if each.newcomer is not None and each.newcomer(side, setting)[0])


def pair_blockers(n: Side, m: Side, setting: Setting) -> list[Blocker]:
    """What bars two people (each a side of one), the least fit left aside, in the order of ``BLOCKERS``."""
    return [each for each in BLOCKERS if any(mask.any() for mask in _masks(each, n, m, setting))]


def open_pairs(n: Side, m: Side, setting: Setting) -> Rows:
    """Positions on the side of many that nothing but the fit can bar, rising.

    Rules are asked in stages: what one stage bars is not looked at again.
    """
    many_newcomers = len(m.rows) == 1
    positions = np.arange(len(n.rows if many_newcomers else m.rows))
    left_n, left_m = n, m
    for rules in _STAGES:
        barred = np.zeros(len(positions), dtype=np.bool_)
        for rule in rules:
            barred |= rule(left_n, left_m, setting)
        if barred.any():
            positions = positions[~barred]
            left_n, left_m = (n.at(positions), m) if many_newcomers else (n, m.at(positions))
        if not len(positions):
            break
    return positions


def _masks(blocker: Blocker, n: Side, m: Side, setting: Setting) -> Iterator[Mask]:
    if blocker.mentor:
        yield blocker.mentor(m, setting)
    if blocker.newcomer:
        yield blocker.newcomer(n, setting)
    if blocker.pair:
        yield blocker.pair(n, m, setting)


def _of_mentor(rule: OneSided) -> TwoSided:
    return lambda n, m, setting: rule(m, setting)


def _of_newcomer(rule: OneSided) -> TwoSided:
    return lambda n, m, setting: rule(n, setting)


_COSTLY = (few_shared, few_hours, too_far)
_STAGES: tuple[tuple[TwoSided, ...], ...] = (
    tuple(_of_newcomer(each.newcomer) for each in BLOCKERS if each.newcomer),
    tuple(_of_mentor(each.mentor) for each in BLOCKERS if each.mentor),
    tuple(each.pair for each in BLOCKERS if each.pair and each.pair not in _COSTLY),
    _COSTLY,
)
"""The rules in the order in which they are asked: what is cheap and bars many comes first."""


def _unmet(wished: Rows, has: Rows) -> Mask:
    """A wish (a bit mask; 0: none) that ``has`` does not meet."""
    bars: Mask = (wished != 0) & (wished & has == 0)
    return bars


def _among(n: Side, m: Side, of_newcomer: Callable[[int], Rows], of_mentor: Callable[[int], Rows]) -> Mask:
    """Whether the many are among those that are related to the one."""
    if len(n.rows) == 1:
        related, many = of_newcomer(int(n.rows[0])), m.rows
    else:
        related, many = of_mentor(int(m.rows[0])), n.rows
    return np.isin(many, related) if len(related) else np.zeros(len(many), dtype=np.bool_)
