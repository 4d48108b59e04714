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

from matcher.pairing.pairs import Pairs, meets
from matcher.pairing.setting import UNRELATED, Setting
from matcher.people.columns import Mask, Person, Rows, Side
from matcher.people.member import FOREVER
from matcher.people.roster import Roster
from matcher.people.rows import IN_PERSON
from matcher.policy import Policy

Class = Literal["SAFETY", "CONSENT", "QUALITY"]
OneSided = Callable[[Side, Setting], Mask]
TwoSided = Callable[[Pairs], Mask]


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


def same_person(pairs: Pairs) -> Mask:
    """Nobody is their own mentor."""
    bars: Mask = pairs.n.rows == pairs.m.rows
    return bars


def excluded(pairs: Pairs) -> Mask:
    """Family, staff, a conflict, or "not again": either way round."""
    relations = pairs.setting.relations
    return _among(pairs, relations.excluded, relations.excluded)


def in_lineage(pairs: Pairs) -> Mask:
    """Nobody mentors their own mentor, nor anybody further up that line."""
    relations = pairs.setting.relations
    return _among(pairs, relations.lineage, relations.lineage_of_mentor)


def reported(side: Side, setting: Setting) -> Mask:
    """A report that is not settled freezes new pairs."""
    return side.open_reports > 0


def not_admitted(m: Side, setting: Setting) -> Mask:
    """Not a mentor, not cleared by a coordinator, declined, or cleared for a time that is over."""
    return m.admitted_until <= setting.at


def short_recovery(m: Side, setting: Setting) -> Mask:
    """The time in recovery that a mentor needs is not reached, and no waiver holds."""
    return m.recovered_at > setting.at


def not_ahead(pairs: Pairs) -> Mask:
    """The mentor has not come further than the newcomer by enough, and no waiver holds."""
    return pairs.n.starts_at < pairs.m.ahead_from


def untrained(m: Side, setting: Setting) -> Mask:
    """Training is required and was not done, and no waiver holds."""
    return m.trained_at > setting.at


def unsupervised(m: Side, setting: Setting) -> Mask:
    """The last supervision is too long ago, and no waiver holds. It bars new pairs and ends none."""
    return m.supervised_until <= setting.at


def away(side: Side, setting: Setting) -> Mask:
    """The person is away, or has left."""
    return side.paused_until > setting.at


def takes_nobody(m: Side, setting: Setting) -> Mask:
    """The mentor is away, or takes nobody new for a while: of their own wish or after a slip, which read alike."""
    return m.intake_paused_until > setting.at


def distressed(m: Side, setting: Setting) -> Mask:
    """A mentor in distress has enough to carry."""
    return m.calm_at > setting.at


def same_risk(pairs: Pairs) -> Mask:
    """Both are at risk in the same family now. Source: Buddy Project, JMIR Ment Health 2021;8:e21819."""
    return meets(pairs.n.at_risk, pairs.m.at_risk)


def minor_newcomer(n: Side, setting: Setting) -> Mask:
    """A newcomer under 18: what a program for minors needs cannot be had yet."""
    return n.minor_until > setting.at


def minor_mentor(m: Side, setting: Setting) -> Mask:
    """A mentor who is not an adult, in any program."""
    return m.mentors_from > setting.at


def gender_unwished(pairs: Pairs) -> Mask:
    """A wish on gender, of either side, that the other does not meet or has said nothing about."""
    n, m = pairs.n, pairs.m
    bars: Mask = (n.wished_genders & m.gender == 0) | (m.welcomed_genders & n.gender == 0)
    return bars


def no_language(pairs: Pairs) -> Mask:
    """No language in common where both said theirs; or none of those that one of them asks of the other."""
    n, m = pairs.n, pairs.m
    fine = meets(n.own_languages, m.languages)
    fine &= meets(n.wished_languages, m.languages)
    fine &= meets(m.welcomed_languages, n.languages)
    return ~fine


def no_format(pairs: Pairs) -> Mask:
    """No way of talking in common where both said theirs; or none of those that the newcomer asks for."""
    n, m = pairs.n, pairs.m
    bars: Mask = (n.own_formats & m.formats == 0) | (n.wished_formats & m.formats == 0)
    return bars


def consent_missing(side: Side, setting: Setting) -> Mask:
    """The consent to be matched was revoked, is over, or is required and not on record."""
    return side.consent_until <= setting.at


def declined(pairs: Pairs) -> Mask:
    """One of the two said no, a coordinator rejected the pair, or it ended."""
    relations = pairs.setting.relations
    return _among(pairs, relations.declined, relations.declined)


def few_shared(pairs: Pairs) -> Mask:
    """The newcomer wishes for more shared families of experience. A wish: it does not widen."""
    if not pairs.n.wished_shared.any():
        return pairs.none()
    return pairs.shared_families() < pairs.n.wished_shared


def few_hours(pairs: Pairs) -> Mask:
    """Too few hours of the week in common, where both said theirs; widens."""
    least = pairs.setting.least_half_hours[pairs.steps]
    return pairs.both_state_hours() & (pairs.common_half_hours < least)


def too_far(pairs: Pairs) -> Mask:
    """In person is the only format in common and the way is too long, which widens; or the newcomer's wish is shorter.

    The wish needs both places to be known: a mentor who does not say where they live is not known to live near.
    """
    n, m = pairs.n, pairs.m
    only_in_person = (n.formats & m.formats) == IN_PERSON
    wished = n.wished_chord < FOREVER
    if not (only_in_person.any() or wished.any()):
        return pairs.none()
    apart = pairs.squared_chords
    beyond = pairs.both_state_places() & only_in_person & (apart > pairs.setting.farthest_chords[pairs.steps])
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
        mentor=short_recovery, pair=not_ahead, told_as="paused",
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
_ON_MENTORS = tuple((each.code, each.mentor) for each in BLOCKERS if each.mentor)
_ON_NEWCOMERS = tuple((each.code, each.newcomer) for each in BLOCKERS if each.newcomer)


def mentor_barred(roster: Roster, mentor: int, at: int, policy: Policy) -> tuple[str, ...]:
    """Codes of what closes this mentor to everybody, in the order of ``BLOCKERS``."""
    person, setting = Person(roster, mentor), Setting(at, policy, UNRELATED)
    return tuple(code for code, rule in _ON_MENTORS if rule(person, setting))


def newcomer_barred(roster: Roster, newcomer: int, at: int, policy: Policy) -> tuple[str, ...]:
    """Codes of what closes this newcomer to everybody, in the order of ``BLOCKERS``."""
    person, setting = Person(roster, newcomer), Setting(at, policy, UNRELATED)
    return tuple(code for code, rule in _ON_NEWCOMERS if rule(person, setting))


def pair_blockers(pairs: Pairs) -> list[Blocker]:
    """What bars the one pair that ``pairs`` holds, the least fit left aside, in the order of ``BLOCKERS``."""
    return [each for each in BLOCKERS if any(rule(pairs)[0] for rule in _rules(each))]


def unbarred(pairs: Pairs, *, admitted: bool = False) -> tuple[Rows, Pairs]:
    """The pairs that nothing but the fit can bar, and their positions among the many, rising.

    Rules are asked in stages: what one stage bars is not looked at again. Of ``admitted`` sides, whom nothing bars by
    themselves, only the rules on two people are asked.
    """
    positions = np.arange(len(pairs))
    for rules in _STAGES_OF_TWO if admitted else (*_STAGES_OF_ONE, *_STAGES_OF_TWO):
        barred = pairs.none()
        for rule in rules:
            barred |= rule(pairs)
        if barred.any():
            left = np.flatnonzero(~barred)
            positions, pairs = positions[left], pairs.at(left)
        if not len(positions):
            break
    return positions, pairs


def _rules(blocker: Blocker) -> Iterator[TwoSided]:
    if blocker.mentor:
        yield _of_mentor(blocker.mentor)
    if blocker.newcomer:
        yield _of_newcomer(blocker.newcomer)
    if blocker.pair:
        yield blocker.pair


def _of_mentor(rule: OneSided) -> TwoSided:
    return lambda pairs: rule(pairs.m, pairs.setting)


def _of_newcomer(rule: OneSided) -> TwoSided:
    return lambda pairs: rule(pairs.n, pairs.setting)


_COSTLY = (few_shared, few_hours, too_far)
_STAGES_OF_ONE: tuple[tuple[TwoSided, ...], ...] = (
    tuple(_of_newcomer(each.newcomer) for each in BLOCKERS if each.newcomer),
    tuple(_of_mentor(each.mentor) for each in BLOCKERS if each.mentor),
)
_STAGES_OF_TWO: tuple[tuple[TwoSided, ...], ...] = (
    tuple(each.pair for each in BLOCKERS if each.pair and each.pair not in _COSTLY),
    _COSTLY,
)
"""The rules in the order in which they are asked: what is cheap and bars many comes first."""


def _among(pairs: Pairs, of_newcomer: Callable[[int], Rows], of_mentor: Callable[[int], Rows]) -> Mask:
    """Whether the many are among those that are related to the one."""
    related = (of_newcomer if pairs.one is pairs.n else of_mentor)(int(pairs.one.rows[0]))
    return np.isin(pairs.many.rows, related) if len(related) else pairs.none()
