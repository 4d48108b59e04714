"""Every rule and every term of a pair, once, compiled: for one person with many, or for one pair to be explained.

``i`` is the newcomer's row and ``j`` the mentor's, ``n`` and ``m`` their records; a rule that says yes bars. A new rule
is a bit and a few lines where rules of its kind stand (``_newcomer_alone``, ``_mentor_alone``, or below ``_the_two``);
its words are in ``blockers``. A new term is a function, a name in ``setting.TERMS`` and a line in ``_terms``.

SAFETY never relaxes, CONSENT only by the person whose wish it is: a wish that is not known to be met is not met.
QUALITY widens while the newcomer waits, except where a newcomer's own wish (farthest way, least shared families)
stands behind the code. Of everything else, what was not said never bars, and counts as half in the fit.

Importing this module imports numba; see ``_compiled``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from numba import from_dtype, types

from matcher.instants import DAY
from matcher.pairing._compiled import inner, kernel, prefetch
from matcher.pairing.setting import HALF, TERMS, Setting
from matcher.people.experience import MILLION
from matcher.people.member import FOREVER
from matcher.people.record import HOUR_WORDS, PERSON, Person, Rows
from matcher.people.rows import IN_PERSON

Words = npt.NDArray[np.uint64]
Values = npt.NDArray[np.int64]

RULES = (
    "same_person", "exclusion", "lineage", "open_report", "not_admitted", "recovery_time", "training_lapsed",
    "supervision_lapsed", "paused", "in_distress", "same_risk", "minor", "gender_wish", "no_common_language",
    "no_common_format", "consent_missing", "declined", "low_fit", "no_common_hours", "too_far",
)  # fmt: skip
"""The code of each bit of an answer, the lowest first."""
(
    SAME_PERSON, EXCLUSION, LINEAGE, OPEN_REPORT, NOT_ADMITTED, RECOVERY_TIME, TRAINING_LAPSED,
    SUPERVISION_LAPSED, PAUSED, IN_DISTRESS, SAME_RISK, MINOR, GENDER_WISH, NO_COMMON_LANGUAGE,
    NO_COMMON_FORMAT, CONSENT_MISSING, DECLINED, LOW_FIT, NO_COMMON_HOURS, TOO_FAR,
) = (1 << bit for bit in range(len(RULES)))  # fmt: skip
BARRED = -1
"""In place of the fit of a pair that a rule bars."""
ENOUGH_HALF_HOURS = 12
"""Six hours a week in common are as good as more."""
AHEAD = 6
"""So many people later somebody's rows have come from memory."""
LINE = 64
"""Bytes that memory brings at once."""
PERSON_BYTES = PERSON.itemsize
WAITED, LEAST_FIT, LEAST_HALF_HOURS, FARTHEST_CHORD = range(4)  # rows of Setting.steps


class Crowd(NamedTuple):
    """The people of a roster, and what they have lived through.

    ``ic`` is the information content by node, and 0 behind the last; ``mine`` is as long, all 0, and scratch.
    """

    people: npt.NDArray[np.void]
    sets: Words
    tongues: int
    families: int
    nodes: npt.NDArray[np.int16]
    ic: Values
    mine: Values


class Apart(NamedTuple):
    """Rows of those who must not be put together with the one person, by how they stand to them."""

    excluded: Rows
    lineage: Rows
    declined: Rows


_I = types.int64
_INTS = types.int64[::1]
_TABLE = types.int64[:, ::1]
_named = cast(Callable[..., Any], types.NamedTuple)
_CROWD = _named(
    [from_dtype(PERSON)[::1], types.uint64[:, ::1], _I, _I, types.int16[:, ::1], _INTS, _INTS], Crowd
)  # fmt: skip
_SETTING = _named([_TABLE, _INTS, _INTS, _TABLE, _INTS], Setting)
_APART = cast(Callable[..., Any], types.NamedUniTuple)(_INTS, 3, Apart)


# Rules on one person alone


@inner
def _newcomer_alone(n: Person, at: int) -> int:
    found = 0
    if n.open_reports > 0:
        found |= OPEN_REPORT
    if n.paused_until > at:  # away, or has left
        found |= PAUSED
    if n.minor_until > at:  # what a program for minors needs cannot be had yet
        found |= MINOR
    if n.consent_until <= at:  # revoked, over, or required and not on record
        found |= CONSENT_MISSING
    return found


@inner
def _mentor_alone(m: Person, at: int) -> int:
    found = 0
    if m.open_reports > 0:
        found |= OPEN_REPORT
    if m.admitted_until <= at:  # no mentor, not cleared, declined, or cleared for a time that is over
        found |= NOT_ADMITTED
    if m.recovered_at > at:
        found |= RECOVERY_TIME
    if m.trained_at > at:
        found |= TRAINING_LAPSED
    if m.supervised_until <= at:  # it bars new pairs and ends none
        found |= SUPERVISION_LAPSED
    if m.intake_paused_until > at:  # of their own wish or after a slip, which read alike
        found |= PAUSED
    if m.calm_at > at:  # a mentor in distress has enough to carry
        found |= IN_DISTRESS
    if m.mentors_from > at:
        found |= MINOR
    if m.consent_until <= at:
        found |= CONSENT_MISSING
    return found


# Rules on two


@inner
def _among(rows: Rows, row: int) -> bool:
    for at in range(rows.size):  # noqa: SIM110  # by index: an iterator costs references
        if rows[at] == row:
            return True
    return False


@inner
def _meet(c: Crowd, i: int, mine: int, j: int, theirs: int, words: int) -> bool:
    """Whether two sets have something in common: those at these places in the rows of the two."""
    for word in range(words):  # noqa: SIM110
        if c.sets[i, mine + word] & c.sets[j, theirs + word] != 0:
            return True
    return False


@inner
def _count(word: np.uint64) -> int:
    """How many bits are set, in the form that becomes one instruction."""
    count = 0
    while word != 0:
        word &= word - np.uint64(1)
        count += 1
    return count


@inner
def _common(c: Crowd, i: int, j: int, place: int, words: int) -> int:
    """How many members a set of the one and the same set of the other have in common."""
    count = 0
    for word in range(place, place + words):
        count += _count(c.sets[i, word] & c.sets[j, word])
    return count


@inner
def _speaks(c: Crowd, i: int, set_: int, j: int) -> bool:
    """Whether the languages that ``j`` said meet the ``set_``-th set of languages of ``i``."""
    return _meet(c, i, HOUR_WORDS + set_ * c.tongues, j, HOUR_WORDS, c.tongues)


@inner
def _no_common_language(c: Crowd, i: int, j: int) -> bool:
    """None in common where both said theirs; or none of those that one of them asks of the other."""
    welcomed = HOUR_WORDS + 4 * c.tongues + 2 * c.families
    return not (_speaks(c, i, 1, j) and _speaks(c, i, 3, j) and _meet(c, j, welcomed, i, HOUR_WORDS, c.tongues))


@inner
def _families(c: Crowd) -> int:
    return HOUR_WORDS + 4 * c.tongues


@inner
def _same_risk(c: Crowd, i: int, j: int) -> bool:
    """Both are at risk in the same family now. Source: Buddy Project, JMIR Ment Health 2021;8:e21819."""
    at_risk = _families(c) + c.families
    return _meet(c, i, at_risk, j, at_risk, c.families)


@inner
def _squared_chord(n: Person, m: Person) -> int:
    x, y, z = n.x - m.x, n.y - m.y, n.z - m.z
    return x * x + y * y + z * z


@inner
def _step(n: Person, s: Setting, at: int) -> int:
    """How many steps of widening the newcomer has waited for; 0 for somebody who seeks no mentor."""
    step = 0
    for later in range(1, s.steps.shape[1]):
        if at - n.seeks_since >= s.steps[WAITED, later]:
            step += 1
    return step


@inner
def _too_far(n: Person, m: Person, farthest: int) -> bool:
    """In person is the only format in common and the way is too long, which widens; or the newcomer's wish is shorter.

    The wish needs both places to be known: a mentor who does not say where they live is not known to live near.
    """
    only_in_person, wished = n.formats & m.formats == IN_PERSON, n.wished_chord < FOREVER
    if not (only_in_person or wished):
        return False
    apart = _squared_chord(n, m)
    if wished and (m.states_place == 0 or apart > n.wished_chord):
        return True
    return only_in_person and n.states_place != 0 and m.states_place != 0 and apart > farthest


@inner
def _by_numbers(n: Person, m: Person) -> int:
    """Rules that a few numbers answer: not further on by enough, a wish on gender of either side, ways of talking."""
    found = 0
    if n.starts_at < m.ahead_from:
        found |= RECOVERY_TIME
    if n.wished_genders & m.gender == 0 or m.welcomed_genders & n.gender == 0:
        found |= GENDER_WISH
    if n.own_formats & m.formats == 0 or n.wished_formats & m.formats == 0:
        found |= NO_COMMON_FORMAT
    return found


@inner
def _by_relation(a: Apart, other: int) -> int:
    """Never again, family, staff, a conflict; the line of support; a no, a rejection or an ending."""
    found = 0
    if _among(a.excluded, other):
        found |= EXCLUSION
    if _among(a.lineage, other):
        found |= LINEAGE
    if _among(a.declined, other):
        found |= DECLINED
    return found


@inner
def _by_step(c: Crowd, s: Setting, i: int, j: int, step: int) -> int:
    """Rules that cost most, and widen but for the newcomer's own wishes: families, hours and the way."""
    n, m = c.people[i], c.people[j]
    found = 0
    if n.wished_shared > 0 and _common(c, i, j, _families(c), c.families) < n.wished_shared:
        found |= LOW_FIT
    if n.states_hours & m.states_hours != 0 and _common(c, i, j, 0, HOUR_WORDS) < s.steps[LEAST_HALF_HOURS, step]:
        found |= NO_COMMON_HOURS
    if _too_far(n, m, s.steps[FARTHEST_CHORD, step]):
        found |= TOO_FAR
    return found


@inner
def _the_two(c: Crowd, s: Setting, a: Apart, i: int, j: int, other: int, step: int, whole: bool) -> int:
    """The rules on two people; unless the ``whole`` answer is asked for, the first that bar are enough."""
    found = _by_numbers(c.people[i], c.people[j]) | _by_relation(a, other)
    if i == j:
        found |= SAME_PERSON
    if found and not whole:
        return found
    if _same_risk(c, i, j):
        found |= SAME_RISK
    if _no_common_language(c, i, j):
        found |= NO_COMMON_LANGUAGE
    if found and not whole:
        return found
    return found | _by_step(c, s, i, j, step)


# Terms, in millionths


@inner
def _experience(c: Crowd, n: Person, m: Person, other: int) -> int:
    """How much of what they have lived through the two share: SimGIC, as ``Taxonomy.similarity`` has it.

    The nodes of the one are marked in ``mine``; -1, which fills a row of nodes up, finds the 0 behind the last.
    """
    shared = 0
    for at in range(c.nodes.shape[1]):
        shared += c.mine[c.nodes[other, at]]
    union = n.information + m.information - shared
    return shared * MILLION // union if union > 0 else 0


@inner
def _distance(n: Person, m: Person, s: Setting) -> int:
    """How far the mentor is ahead in recovery. Time does not move it. Half for one who is here by a waiver."""
    if m.recovers_since == FOREVER:
        return HALF
    days = (n.starts_at - m.recovers_since) // DAY
    return int(s.days_ahead[min(max(days, 0), s.days_ahead.size - 1)])


@inner
def _strategies(n: Person, m: Person) -> int:
    """Share of the newcomer's needs for which the mentor has ways."""
    if n.needs == 0 or m.strategies == 0:
        return HALF
    return _count(np.uint64(n.needs & m.strategies)) * MILLION // _count(np.uint64(n.needs))


@inner
def _hours(c: Crowd, n: Person, m: Person, i: int, j: int) -> int:
    """Hours of the week in common, full from six on."""
    if n.states_hours & m.states_hours == 0:
        return HALF
    return min(_common(c, i, j, 0, HOUR_WORDS), ENOUGH_HALF_HOURS) * MILLION // ENOUGH_HALF_HOURS


@inner
def _language(c: Crowd, i: int, j: int) -> int:
    """Whole for the newcomer's first language, half for another in common."""
    return (int(_speaks(c, i, 1, j)) + int(_speaks(c, i, 2, j))) * HALF


@inner
def _format(n: Person, m: Person) -> int:
    """Whole for the newcomer's first way of talking, half for another in common."""
    return (int(n.own_formats & m.formats != 0) + int(n.first_format & m.formats != 0)) * HALF


@inner
def _place(n: Person, m: Person, s: Setting) -> int:
    """How near the two live."""
    if n.states_place & m.states_place == 0:
        return HALF
    apart = _squared_chord(n, m)
    for band in range(s.near.shape[1]):
        if apart <= s.near[0, band]:
            return int(s.near[1, band])
    return 0


@inner
def _spread(m: Person, s: Setting) -> int:
    """Whole for a mentor who has had nobody yet, half after one, a third after two …"""
    return int(s.spread[min(m.matches_had, s.spread.size - 1)])


@inner
def _terms(c: Crowd, s: Setting, i: int, j: int, other: int) -> tuple[int, ...]:
    """Every term of a pair, in the order of ``setting.TERMS``."""
    n, m = c.people[i], c.people[j]
    return (
        _experience(c, n, m, other),
        _distance(n, m, s),
        _strategies(n, m),
        _hours(c, n, m, i, j),
        _language(c, i, j),
        _format(n, m),
        _place(n, m, s),
        _spread(m, s),
    )


@inner
def _score(c: Crowd, s: Setting, i: int, j: int, other: int) -> int:
    """The fit, rules left aside: each contribution is rounded down by itself."""
    terms, fit = _terms(c, s, i, j, other), 0
    for at in range(len(TERMS)):
        fit += terms[at] * s.weights[at] // 1_000
    return fit


# Kernels


@inner
def _mark(c: Crowd, one: int) -> None:
    for at in range(c.nodes.shape[1]):
        c.mine[c.nodes[one, at]] = c.ic[c.nodes[one, at]]


@inner
def _wipe(c: Crowd, one: int) -> None:
    for at in range(c.nodes.shape[1]):
        c.mine[c.nodes[one, at]] = 0


@inner
def _approach(c: Crowd, one: int) -> None:
    """Have somebody's rows on the way from memory while others are judged: that took more than half of the time."""
    for byte in range(0, PERSON_BYTES, LINE):
        prefetch(c.people, one, byte)
    for byte in range(0, c.sets.shape[1] * 8, LINE):
        prefetch(c.sets, one, byte)
    prefetch(c.nodes, one, 0)


@kernel(types.void(_CROWD, _SETTING, _APART, _I, _INTS, types.boolean, types.boolean, _I, _INTS))
def fits(
    c: Crowd, s: Setting, a: Apart, one: int, many: Rows, seeking: bool, admitted: bool, at: int, out: Values
) -> None:
    """Add to each of ``out`` the fit of the one person with that one of the many; write ``BARRED`` where a rule bars.

    The one is the newcomer if ``seeking``, else the mentor. Of ``admitted`` people no rule on one alone is asked.
    """
    _mark(c, one)
    for k in range(many.size):
        other = many[k]
        if k + AHEAD < many.size:
            _approach(c, many[k + AHEAD])
        i, j = (one, other) if seeking else (other, one)
        fit, step = BARRED, _step(c.people[i], s, at)
        alone = 0 if admitted else _newcomer_alone(c.people[i], at) | _mentor_alone(c.people[j], at)
        if alone == 0 and _the_two(c, s, a, i, j, other, step, False) == 0:
            fit = _score(c, s, i, j, other)
        out[k] = out[k] + fit if fit >= s.steps[LEAST_FIT, step] else BARRED
    _wipe(c, one)


@kernel(types.void(_CROWD, _SETTING, _APART, _I, _INTS, _I, _TABLE))
def bars(c: Crowd, s: Setting, a: Apart, newcomer: int, mentors: Rows, at: int, out: Values) -> None:
    """For each mentor write what bars the mentor alone, what bars the two, and their fit, rules left aside."""
    _mark(c, newcomer)
    step = _step(c.people[newcomer], s, at)
    for k in range(mentors.size):
        j = mentors[k]
        fit = _score(c, s, newcomer, j, j)
        out[k, 0] = _mentor_alone(c.people[j], at)
        out[k, 1] = _the_two(c, s, a, newcomer, j, j, step, True)
        if fit < s.steps[LEAST_FIT, step]:
            out[k, 1] |= LOW_FIT
        out[k, 2] = fit
    _wipe(c, newcomer)


@kernel(types.void(_CROWD, _SETTING, _I, _I, _INTS))
def terms(c: Crowd, s: Setting, newcomer: int, mentor: int, out: Values) -> None:
    """Write the terms of one pair."""
    _mark(c, newcomer)
    values = _terms(c, s, newcomer, mentor, mentor)
    for at in range(len(TERMS)):
        out[at] = values[at]
    _wipe(c, newcomer)


@kernel(_I(from_dtype(PERSON)[::1], _I, _I))
def newcomer_alone(people: npt.NDArray[np.void], newcomer: int, at: int) -> int:
    """What bars a newcomer alone."""
    return _newcomer_alone(people[newcomer], at)


@kernel(_I(from_dtype(PERSON)[::1], _I, _I))
def mentor_alone(people: npt.NDArray[np.void], mentor: int, at: int) -> int:
    """What bars a mentor alone."""
    return _mentor_alone(people[mentor], at)
