"""The soft score of a pair: a weighted mean of named terms, each from 0 to 1, in integer millionths.

``fit = Σ weight · term // 1000``, weights per mille from the policy. Each contribution is rounded down by itself: a
term that is the same for all pairs of a mentor (``spread``) shifts all of them by one constant.

What was not said is no reproach: a term that lacks a statement counts as half. The numbers of the terms' curves are
guesses, as care.md has no source for them; the weights are the policy's.

``row`` and ``column`` are one function with the sides swapped, equal bit for bit; the breakdown asks the same terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice, pairwise

import numpy as np

from matcher.instants import DAY
from matcher.pairing.blockers import BLOCKERS, Blocker, pair_blockers, unbarred
from matcher.pairing.pairs import Pairs, meets
from matcher.pairing.setting import UNRELATED, Millionths, Relations, Setting, Values
from matcher.people.columns import Mask, Rows
from matcher.people.experience import MILLION, taxonomy
from matcher.people.member import FOREVER
from matcher.people.places import squared_chord
from matcher.people.profile import themes_of
from matcher.people.roster import Roster
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
MATCHES_MAX = 64
"""More matches than these are not told apart by ``spread``."""
REASONS_MAX = 3
BLOCK = 5_120
"""Pairs that are judged at a time. The largest array in hand stays under 256 KiB: larger ones are given back to the
system and asked for anew at every call (with 10,000 mentors: 0.8 ms a row against 1.0)."""


def experience(pairs: Pairs) -> Millionths:
    """How much of what they have lived through the two share: SimGIC of their codes."""
    return pairs.similarity()


def distance(pairs: Pairs) -> Millionths:
    """How far the mentor is ahead in recovery, along ``DAYS_AHEAD``. Time does not move it.

    Half for a mentor without a beginning, who can only be here by a waiver.
    """
    since, worth = pairs.m.recovers_since, _worth_by_days_ahead()
    ahead = np.minimum(np.maximum((pairs.n.starts_at - since) // DAY, 0), len(worth) - 1)
    return np.where(since < FOREVER, worth.take(ahead), HALF)


def strategies(pairs: Pairs) -> Millionths:
    """Share of the newcomer's needs for which the mentor has ways; half when either said nothing."""
    needs, ways = pairs.n.needs, pairs.m.strategies
    served = np.bitwise_count(needs & ways).astype(np.int32)
    share = served * MILLION // np.maximum(np.bitwise_count(needs), 1)
    return np.where((needs != 0) & (ways != 0), share, HALF)


def hours(pairs: Pairs) -> Millionths:
    """Hours of the week in common, full from six on; half when either said nothing."""
    common = np.minimum(pairs.common_half_hours, ENOUGH_HALF_HOURS).astype(np.int32)
    return np.where(pairs.both_state_hours(), common * MILLION // ENOUGH_HALF_HOURS, HALF)


def language(pairs: Pairs) -> Millionths:
    """Whole for the newcomer's first language, half for another in common; half when either said nothing."""
    n, m = pairs.n, pairs.m
    return _halves(meets(n.own_languages, m.languages), meets(n.first_language, m.languages))


def format_(pairs: Pairs) -> Millionths:
    """Whole for the newcomer's first way of talking, half for another in common; half when either said nothing."""
    n, m = pairs.n, pairs.m
    return _halves(n.own_formats & m.formats != 0, n.first_format & m.formats != 0)


def place(pairs: Pairs) -> Millionths:
    """How near the two live, in the steps of ``NEAR``; half when either said nothing."""
    chords, worth = _worth_by_chord()
    return np.where(pairs.both_state_places(), worth.take(np.searchsorted(chords, pairs.squared_chords)), HALF)


def spread(pairs: Pairs) -> Millionths:
    """Whole for a mentor who has had nobody yet, half after one, a third after two … up to ``MATCHES_MAX``."""
    return _worth_by_matches_had().take(pairs.m.matches_had, mode="clip")


def _halves(one: Mask, other: Mask) -> Millionths:
    """A half for each of the two that holds."""
    return np.add(one, other, dtype=np.int32) * HALF


@cache
def _worth_by_matches_had() -> Millionths:
    return MILLION // np.arange(1, MATCHES_MAX + 1, dtype=np.int32)


@cache
def _worth_by_days_ahead() -> Millionths:
    """``DAYS_AHEAD`` as a table with an entry a day."""
    table = [
        low + (day - begin) * (high - low) // (end - begin)
        for (begin, low), (end, high) in pairwise(DAYS_AHEAD)
        for day in range(begin, end)
    ]
    return np.array([*table, DAYS_AHEAD[-1][1]], dtype=np.int32)


@cache
def _worth_by_chord() -> tuple[Values, Millionths]:
    """Squared chords of ``NEAR``, and what each band and the space beyond is worth."""
    chords = np.array([squared_chord(km * 1_000) for km, _ in NEAR], dtype=np.int64)
    return chords, np.array([*(worth for _, worth in NEAR), 0], dtype=np.int32)


TERMS: dict[str, Callable[[Pairs], Millionths]] = {
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


def score(pairs: Pairs) -> Values:
    """The fit of each pair, blockers left aside."""
    total = np.zeros(len(pairs), dtype=np.int32)
    for name, term in TERMS.items():
        if weight := getattr(pairs.setting.policy.fit, name):
            total += term(pairs) * weight // 1_000
    return total.astype(np.int64)


def row(
    roster: Roster,
    newcomer: int,
    mentors: Rows,
    relations: Relations,
    at: int,
    policy: Policy,
    *,
    admitted: bool = False,
) -> Values:
    """The fits of one newcomer with these mentors in millionths; ``BARRED`` where a blocker but ``no_slot`` bars.

    With ``admitted``, whom a rule on one person alone bars is known not to be among them.
    """
    return _fits(Pairs(roster.side(newcomer), roster.side(mentors), Setting(at, policy, relations)), admitted)


def column(
    roster: Roster,
    mentor: int,
    newcomers: Rows,
    relations: Relations,
    at: int,
    policy: Policy,
    *,
    admitted: bool = False,
) -> Values:
    """The fits of one mentor with these newcomers: ``row``, the other way round."""
    return _fits(Pairs(roster.side(newcomers), roster.side(mentor), Setting(at, policy, relations)), admitted)


def _fits(pairs: Pairs, admitted: bool) -> Values:
    if len(pairs) > BLOCK:
        starts = range(0, len(pairs), BLOCK)
        blocks = [pairs.at(np.arange(start, min(start + BLOCK, len(pairs)))) for start in starts]
        return np.concatenate([_fits(block, admitted) for block in blocks])
    fits = np.full(len(pairs), BARRED, dtype=np.int64)
    positions, pairs = unbarred(pairs, admitted=admitted)
    if len(positions):
        scores = score(pairs)
        fits[positions] = np.where(scores < _least(pairs), BARRED, scores)
    return fits


def _least(pairs: Pairs) -> Values:
    return pairs.setting.least_fits[pairs.steps]


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


def breakdown(roster: Roster, newcomer: int, mentor: int, relations: Relations, at: int, policy: Policy) -> list[Term]:
    """The terms of one pair, blockers left aside; their contributions add up to its fit."""
    pair = Pairs(roster.side(newcomer), roster.side(mentor), Setting(at, policy, relations))
    terms = []
    for name, value, weight, contribution in _values(pair):
        because_, told = _WORDS[name](pair, value)
        terms.append(Term(name, value, weight, contribution, because_, told))
    return terms


def because(roster: Roster, newcomer: int, mentor: int, at: int, policy: Policy) -> tuple[int, tuple[str, ...]]:
    """The fit of one pair, and its three strongest reasons in words that name no condition."""
    pair = Pairs(roster.side(newcomer), roster.side(mentor), Setting(at, policy, UNRELATED))
    terms = sorted(_values(pair), key=lambda term: -term[3])
    reasons = (told for name, value, _, _ in terms if (told := _WORDS[name](pair, value)[1]))
    return sum(term[3] for term in terms), tuple(islice(reasons, REASONS_MAX))


def _values(pair: Pairs) -> Iterator[tuple[str, int, int, int]]:
    """Name, value, weight and contribution of each term of one pair."""
    for name, term in TERMS.items():
        weight, value = getattr(pair.setting.policy.fit, name), int(term(pair)[0])
        yield name, value, weight, value * weight // 1_000


def barred(roster: Roster, newcomer: int, mentor: int, relations: Relations, at: int, policy: Policy) -> list[Blocker]:
    """Everything that bars a pair, an open slot left aside, in the order of ``BLOCKERS``."""
    pair = Pairs(roster.side(newcomer), roster.side(mentor), Setting(at, policy, relations))
    codes = {each.code for each in pair_blockers(pair)}
    if score(pair)[0] < _least(pair)[0]:
        codes.add("low_fit")
    return [each for each in BLOCKERS if each.code in codes]


def _experience_words(pair: Pairs, value: int) -> tuple[str, str]:
    mine, theirs = (side.roster.closures[side.rows[0]] for side in (pair.n, pair.m))
    known = taxonomy()
    shared = known.shared(mine, theirs)
    if not shared:
        return "no lived experience in common", ""
    named = "; ".join(known.describe(code) for code in shared)
    told = f"shares {_counted(len(shared), 'lived experience')}"
    if max(known.ic[list(set(mine).intersection(theirs))]) >= RARE:
        told += ", a rare one" if len(shared) == 1 else ", a rare one among them"
    return f"shares {named}", told


def _distance_words(pair: Pairs, value: int) -> tuple[str, str]:
    if pair.m.recovers_since[0] == FOREVER:
        return "the beginning of the mentor's recovery is not known: counted as half", ""
    years, days = divmod(int(pair.n.starts_at[0] - pair.m.recovers_since[0]) // DAY, 365)
    if years < 0:
        return "is not further in recovery", ""
    ahead = _counted(years, "year") if years else _counted(days // 30, "month")
    return f"is {ahead} further in recovery", f"is {ahead} further on the way"


def _strategies_words(pair: Pairs, value: int) -> tuple[str, str]:
    needs, ways = int(pair.n.needs[0]), int(pair.m.strategies[0])
    if not needs or not ways:
        return "needs or strategies not said: counted as half", ""
    served = themes_of(needs & ways)
    if not served:
        return "knows ways for none of the needs", ""
    told = f"knows ways for {_number(len(served))} of {_counted(needs.bit_count(), 'need')}"
    return f"knows ways for {', '.join(served)}", told


def _hours_words(pair: Pairs, value: int) -> tuple[str, str]:
    if not pair.both_state_hours()[0]:
        return "hours not said: counted as half", ""
    common = int(pair.common_half_hours[0]) // 2
    words = f"{_counted(common, 'hour')} a week in common"
    return words, words if common else ""


def _language_words(pair: Pairs, value: int) -> tuple[str, str]:
    if value == MILLION:
        return ("speaks the newcomer's first language",) * 2
    return "another language in common, or none said: counted as half" if value else "no language in common", ""


def _format_words(pair: Pairs, value: int) -> tuple[str, str]:
    if value == MILLION:
        return ("talks in the way that the newcomer likes best",) * 2
    return (
        "another way of talking in common, or none said: counted as half" if value else "no way of talking in common",
        "",
    )


def _place_words(pair: Pairs, value: int) -> tuple[str, str]:
    if not pair.both_state_places()[0]:
        return "place not said: counted as half", ""
    within = next((km for km, worth in NEAR if worth == value), None)
    if within is None:
        return f"lives more than {NEAR[-1][0]} km away", ""
    return f"lives within {within} km", "lives near enough to meet"


def _spread_words(pair: Pairs, value: int) -> tuple[str, str]:
    had = int(pair.m.matches_had[0])
    if not had:
        return "would give support for the first time", "is ready for a first newcomer"
    return f"has supported {_counted(had, 'newcomer')} before", ""


_WORDS: dict[str, Callable[[Pairs, int], tuple[str, str]]] = {
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
