"""The soft score of a pair: a weighted mean of named terms, each from 0 to 1, in integer millionths.

``fit = Σ weight · term // 1000``, weights per mille from the policy. Each contribution is rounded down by itself: a
term that is the same for all pairs of a mentor (``spread``) shifts all of them by one constant.

What was not said is no reproach: a term that lacks a statement counts as half. The numbers of the terms' curves are
guesses, as care.md has no source for them; the weights are the policy's.

``row`` and ``column`` are one function with the sides swapped, equal bit for bit; the breakdown asks the same terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from matcher.instants import DAY
from matcher.pairing.blockers import BY_CODE, open_pairs, pair_blockers
from matcher.pairing.common import (
    both_state_places,
    common_half_hours,
    empty,
    none_shared,
    similarity,
    squared_chords,
)
from matcher.pairing.setting import Relations, Setting, Values
from matcher.people.experience import MILLION, taxonomy
from matcher.people.member import FOREVER
from matcher.people.places import squared_chord
from matcher.people.profile import themes_of
from matcher.people.roster import Mask, Roster, Rows, Side
from matcher.policy import Policy

HALF = MILLION // 2
"""A term without the statements it needs."""
BARRED = -1
"""In place of the fit of a pair that a blocker bars."""
ENOUGH_HALF_HOURS = 12
"""Six hours a week in common are as good as more."""
DAYS_AHEAD = ((0, 0), (180, 400_000), (730, MILLION), (1_825, MILLION), (7_300, HALF))
"""How well so many days ahead in recovery serve: best from two to five years; after twenty, a lifetime, half."""
NEAR = ((5, MILLION), (10, 800_000), (25, 600_000), (50, 400_000), (100, 200_000))
"""What living within so many kilometres is worth; farther: nothing."""
RARE = 3_000_000
"""Millionths of a nat: what fewer than one in twenty people in treatment have lived through."""
REASONS_MAX = 3


def experience(n: Side, m: Side) -> Values:
    """How much of what they have lived through the two share: SimGIC of their codes."""
    return similarity(n, m)


def distance(n: Side, m: Side) -> Values:
    """How far the mentor is ahead in recovery, along ``DAYS_AHEAD``. Time does not move it; half for a mentor without
    a beginning (who can only be here by a waiver).
    """
    days, worth = np.array(DAYS_AHEAD, dtype=np.int64).T
    ahead = np.minimum(np.maximum((n.starts_at - m.recovers_since) // DAY, 0), days[-1])
    step = np.minimum(np.searchsorted(days, ahead, side="right") - 1, len(days) - 2)
    rise, run = np.diff(worth), np.diff(days)
    return _stated(m.recovers_since < FOREVER, worth[step] + (ahead - days[step]) * rise[step] // run[step])


def strategies(n: Side, m: Side) -> Values:
    """Share of the newcomer's needs for which the mentor has ways; half when either said nothing."""
    needed = np.bitwise_count(n.needs).astype(np.int64)
    served = np.bitwise_count(n.needs & m.strategies).astype(np.int64)
    return _stated((n.needs != 0) & (m.strategies != 0), served * MILLION // np.maximum(needed, 1))


def hours(n: Side, m: Side) -> Values:
    """Hours of the week in common, full from six on; half when either said nothing."""
    common = np.minimum(common_half_hours(n, m), ENOUGH_HALF_HOURS)
    return _stated((n.states_hours & m.states_hours) != 0, common * MILLION // ENOUGH_HALF_HOURS)


def language(n: Side, m: Side) -> Values:
    """Whole for the newcomer's first language, half for another in common; half when either said nothing."""
    unknown = empty(n.languages) | empty(m.languages)
    common = ~none_shared(n.languages, m.languages)
    first = ~none_shared(n.first_language, m.languages)
    return (unknown | common) * HALF + first * HALF


def format_(n: Side, m: Side) -> Values:
    """Whole for the newcomer's first way of talking, half for another in common; half when either said nothing."""
    unknown = (n.formats == 0) | (m.formats == 0)
    common = (n.formats & m.formats) != 0
    first = (n.first_format & m.formats) != 0
    values: Values = (unknown | common) * HALF + first * HALF
    return values


def place(n: Side, m: Side) -> Values:
    """How near the two live, in the steps of ``NEAR``; half when either said nothing."""
    chords, worth = _nearness()
    return _stated(both_state_places(n, m), worth[np.searchsorted(chords, squared_chords(n, m))])


def spread(n: Side, m: Side) -> Values:
    """Whole for a mentor who has had nobody yet, half after one, a third after two …"""
    return MILLION // (1 + m.matches_had)


def _stated(known: Mask, values: Values) -> Values:
    return np.where(known, values, HALF)


@cache
def _nearness() -> tuple[Values, Values]:
    """Squared chords of ``NEAR``, and what each band and the space beyond is worth."""
    return np.array([squared_chord(km * 1_000) for km, _ in NEAR]), np.array([*(worth for _, worth in NEAR), 0])


TERMS: dict[str, Callable[[Side, Side], Values]] = {
    "experience": experience,
    "distance": distance,
    "strategies": strategies,
    "hours": hours,
    "language": language,
    "format": format_,
    "place": place,
    "spread": spread,
}
"""The terms by the names of their weights in the policy."""


def score(n: Side, m: Side, policy: Policy) -> Values:
    """The fit of each pair in millionths, blockers left aside."""
    total = np.zeros(max(len(n.rows), len(m.rows)), dtype=np.int64)
    for name, term in TERMS.items():
        weight = getattr(policy.fit, name)
        if weight:
            total += term(n, m) * weight // 1_000
    return total


def row(roster: Roster, newcomer: int, mentors: Rows, relations: Relations, at: int, policy: Policy) -> Values:
    """The fits of one newcomer with these mentors in millionths; ``BARRED`` where a blocker but ``no_slot`` bars."""
    return _fits(roster.side(newcomer), roster.side(mentors), Setting(at, policy, relations), len(mentors))


def column(roster: Roster, mentor: int, newcomers: Rows, relations: Relations, at: int, policy: Policy) -> Values:
    """The fits of one mentor with these newcomers: ``row``, the other way round."""
    return _fits(roster.side(newcomers), roster.side(mentor), Setting(at, policy, relations), len(newcomers))


def _fits(n: Side, m: Side, setting: Setting, many: int) -> Values:
    fits = np.full(many, BARRED, dtype=np.int64)
    positions = open_pairs(n, m, setting)
    if len(positions):
        n, m = (n, m.at(positions)) if len(n.rows) == 1 else (n.at(positions), m)
        scores = score(n, m, setting.policy)
        fits[positions] = np.where(scores < setting.least_fits[setting.steps(n)], BARRED, scores)
    return fits


@dataclass(frozen=True)
class Term:
    """One term of a pair's fit: value and contribution in millionths, weight per mille.

    ``because`` is for coordinators and may name shared conditions; ``told`` says the same without any, for notices, and
    is empty when there is nothing to tell.
    """

    name: str
    value: int
    weight: int
    contribution: int
    because: str
    told: str = ""


@dataclass(frozen=True)
class Hit:
    """A blocker that bars a pair, in words."""

    code: str
    kind: str
    reason: str
    unblocks: str


def breakdown(roster: Roster, newcomer: int, mentor: int, relations: Relations, at: int, policy: Policy) -> list[Term]:
    """The terms of one pair, blockers left aside; their contributions add up to its fit."""
    n, m = roster.side(newcomer), roster.side(mentor)
    terms = []
    for name, term in TERMS.items():
        weight, value = getattr(policy.fit, name), int(term(n, m)[0])
        because_, told = _WORDS[name](n, m, value)
        terms.append(Term(name, value, weight, value * weight // 1_000, because_, told))
    return terms


def because(terms: Sequence[Term]) -> tuple[str, ...]:
    """The three strongest reasons for a pair, in words that name no condition."""
    strongest = sorted((term for term in terms if term.told), key=lambda term: -term.contribution)
    return tuple(term.told for term in strongest[:REASONS_MAX])


def barred(roster: Roster, newcomer: int, mentor: int, relations: Relations, at: int, policy: Policy) -> list[Hit]:
    """Everything that bars a pair, an open slot left aside, in the order of ``BLOCKERS``."""
    n, m, setting = roster.side(newcomer), roster.side(mentor), Setting(at, policy, relations)
    hits = pair_blockers(n, m, setting)
    low = BY_CODE["low_fit"]
    if low not in hits and score(n, m, policy)[0] < setting.least_fits[setting.steps(n)][0]:
        hits = [each for each in BY_CODE.values() if each in hits or each is low]
    return [Hit(each.code, each.kind, each.reason, each.unblocks) for each in hits]


# Words


def _experience_words(n: Side, m: Side, value: int) -> tuple[str, str]:
    mine, theirs = (side.roster.closures[side.rows[0]] for side in (n, m))
    known = taxonomy()
    shared = known.shared(mine, theirs)
    if not shared:
        return "no lived experience in common", ""
    rare = ", one of them rare" if max(known.ic[list(set(mine).intersection(theirs))]) >= RARE else ""
    if len(shared) == 1:
        rare = rare and " that is rare"
    named = "; ".join(known.describe(code) for code in shared)
    return f"shares {named}", f"shares {_counted(len(shared), 'lived experience')}{rare}"


def _distance_words(n: Side, m: Side, value: int) -> tuple[str, str]:
    if m.recovers_since[0] == FOREVER:
        return "the beginning of the mentor's recovery is not known: counted as half", ""
    years, days = divmod(int(n.starts_at[0] - m.recovers_since[0]) // DAY, 365)
    if years < 0:
        return "is not further in recovery", ""
    ahead = _counted(years, "year") if years else _counted(days // 30, "month")
    return f"is {ahead} further in recovery", f"is {ahead} further on the way"


def _strategies_words(n: Side, m: Side, value: int) -> tuple[str, str]:
    needs, ways = int(n.needs[0]), int(m.strategies[0])
    if not needs or not ways:
        return "needs or strategies not said: counted as half", ""
    served = themes_of(needs & ways)
    if not served:
        return "knows ways for none of the needs", ""
    told = f"knows ways for {_number(len(served))} of {_counted(needs.bit_count(), 'need')}"
    return f"knows ways for {', '.join(served)}", told


def _hours_words(n: Side, m: Side, value: int) -> tuple[str, str]:
    if not (n.states_hours[0] and m.states_hours[0]):
        return "hours not said: counted as half", ""
    common = int(common_half_hours(n, m)[0]) // 2
    words = f"{_counted(common, 'hour')} a week in common"
    return words, words if common else ""


def _language_words(n: Side, m: Side, value: int) -> tuple[str, str]:
    if value == MILLION:
        return ("speaks the newcomer's first language",) * 2
    return "another language in common, or none said: counted as half" if value else "no language in common", ""


def _format_words(n: Side, m: Side, value: int) -> tuple[str, str]:
    if value == MILLION:
        return ("talks in the way that the newcomer likes best",) * 2
    return (
        "another way of talking in common, or none said: counted as half" if value else "no way of talking in common",
        "",
    )


def _place_words(n: Side, m: Side, value: int) -> tuple[str, str]:
    if not both_state_places(n, m)[0]:
        return "place not said: counted as half", ""
    within = next((km for km, worth in NEAR if worth == value), None)
    if within is None:
        return f"lives more than {NEAR[-1][0]} km away", ""
    return f"lives within {within} km", "lives near enough to meet"


def _spread_words(n: Side, m: Side, value: int) -> tuple[str, str]:
    had = int(m.matches_had[0])
    if not had:
        return "would give support for the first time", "is ready for a first newcomer"
    return f"has supported {_counted(had, 'newcomer')} before", ""


_WORDS: dict[str, Callable[[Side, Side, int], tuple[str, str]]] = {
    "experience": _experience_words,
    "distance": _distance_words,
    "strategies": _strategies_words,
    "hours": _hours_words,
    "language": _language_words,
    "format": _format_words,
    "place": _place_words,
    "spread": _spread_words,
}

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def _number(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def _counted(number: int, noun: str) -> str:
    return f"{_number(number)} {noun}{'' if number == 1 else 's'}"
