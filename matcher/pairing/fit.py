"""The soft score of a pair in words: a weighted mean of named terms, each from 0 to 1, in integer millionths.

``fit = Σ weight · term // 1000``, weights per mille from the policy. Each contribution is rounded down by itself: a
term that is the same for all pairs of a mentor (``spread``) shifts all of them by one constant. What was not said is no
reproach: a term that lacks a statement counts as half. The terms themselves are in ``_rules``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from matcher.instants import DAY
from matcher.pairing.blockers import BY_CODE, Blocker
from matcher.pairing.judge import Judge
from matcher.pairing.setting import NEAR, TERMS
from matcher.people.experience import MILLION, Closure, taxonomy
from matcher.people.member import FOREVER
from matcher.people.profile import themes_of
from matcher.people.roster import Roster

RARE = 3_000_000
"""Millionths of a nat: what fewer than one in twenty people in treatment have lived through."""
REASONS_MAX = 3


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


class _Pair:
    """What the words of a term look at."""

    def __init__(self, roster: Roster, newcomer: int, mentor: int) -> None:
        self.roster, self.newcomer, self.mentor = roster, newcomer, mentor
        self.n, self.m = roster.person(newcomer), roster.person(mentor)

    @property
    def lived(self) -> tuple[Closure, Closure]:
        return self.roster.closures[self.newcomer], self.roster.closures[self.mentor]


def breakdown(judge: Judge, newcomer: int, mentor: int) -> list[Term]:
    """The terms of one pair, blockers left aside; their contributions add up to its fit."""
    pair, terms = _Pair(judge.roster, newcomer, mentor), []
    for name, value, weight in zip(TERMS, judge.terms(newcomer, mentor), judge.weights, strict=True):
        because_, told = _WORDS[name](pair, value)
        terms.append(Term(name, value, weight, value * weight // 1_000, because_, told))
    return terms


def because(judge: Judge, newcomer: int, mentor: int) -> tuple[int, tuple[str, ...]]:
    """The fit of one pair, and its three strongest reasons in words that name no condition."""
    pair, values = _Pair(judge.roster, newcomer, mentor), judge.terms(newcomer, mentor)
    worth = [value * weight // 1_000 for value, weight in zip(values, judge.weights, strict=True)]
    reasons = list[str]()
    for at in sorted(range(len(TERMS)), key=worth.__getitem__, reverse=True):
        if told := _told(TERMS[at], pair, values[at]):
            reasons.append(told)
            if len(reasons) == REASONS_MAX:
                break
    return sum(worth), tuple(reasons)


def barred(judge: Judge, newcomer: int, mentor: int, at: int) -> list[Blocker]:
    """Everything that bars a pair, an open slot left aside, in the order of ``BLOCKERS``."""
    found = judge.bars(newcomer, np.array([mentor]), at)
    bits = judge.newcomer_alone(newcomer, at) | int(found.of_mentor[0]) | int(found.of_the_two[0])
    return [BY_CODE[code] for code in judge.codes(bits)]


def _told(term: str, pair: _Pair, value: int) -> str:
    """What is told of a term; every pair that is made needs it, so conditions are not put into words for it."""
    return _experience_told(pair) if term == "experience" else _WORDS[term](pair, value)[1]


def _experience_words(pair: _Pair, value: int) -> tuple[str, str]:
    known = taxonomy()
    shared = known.shared(*pair.lived)
    if not shared:
        return "no lived experience in common", ""
    named = "; ".join(known.describe(code) for code in shared)
    return f"shares {named}", _experience_told(pair)


def _experience_told(pair: _Pair) -> str:
    mine, theirs = pair.lived
    count, rarest = taxonomy().in_common(mine, theirs)
    if not count:
        return ""
    told = f"shares {_counted(count, 'lived experience')}"
    if rarest >= RARE:
        told += ", a rare one" if count == 1 else ", a rare one among them"
    return told


def _distance_words(pair: _Pair, value: int) -> tuple[str, str]:
    if pair.m.recovers_since == FOREVER:
        return "the beginning of the mentor's recovery is not known: counted as half", ""
    years, days = divmod((pair.n.starts_at - pair.m.recovers_since) // DAY, 365)
    if years < 0:
        return "is not further in recovery", ""
    ahead = _counted(years, "year") if years else _counted(days // 30, "month")
    return f"is {ahead} further in recovery", f"is {ahead} further on the way"


def _strategies_words(pair: _Pair, value: int) -> tuple[str, str]:
    needs, ways = pair.n.needs, pair.m.strategies
    if not needs or not ways:
        return "needs or strategies not said: counted as half", ""
    served = themes_of(needs & ways)
    if not served:
        return "knows ways for none of the needs", ""
    told = f"knows ways for {_number(len(served))} of {_counted(needs.bit_count(), 'need')}"
    return f"knows ways for {', '.join(served)}", told


def _hours_words(pair: _Pair, value: int) -> tuple[str, str]:
    if not pair.n.states_hours & pair.m.states_hours:
        return "hours not said: counted as half", ""
    common = pair.roster.common_half_hours(pair.newcomer, pair.mentor) // 2
    words = f"{_counted(common, 'hour')} a week in common"
    return words, words if common else ""


def _language_words(pair: _Pair, value: int) -> tuple[str, str]:
    if value == MILLION:
        return ("speaks the newcomer's first language",) * 2
    return "another language in common, or none said: counted as half" if value else "no language in common", ""


def _format_words(pair: _Pair, value: int) -> tuple[str, str]:
    if value == MILLION:
        return ("talks in the way that the newcomer likes best",) * 2
    return (
        "another way of talking in common, or none said: counted as half" if value else "no way of talking in common",
        "",
    )


def _place_words(pair: _Pair, value: int) -> tuple[str, str]:
    if not pair.n.states_place & pair.m.states_place:
        return "place not said: counted as half", ""
    within = next((km for km, worth in NEAR if worth == value), None)
    if within is None:
        return f"lives more than {NEAR[-1][0]} km away", ""
    return f"lives within {within} km", "lives near enough to meet"


def _spread_words(pair: _Pair, value: int) -> tuple[str, str]:
    had = pair.m.matches_had
    if not had:
        return "would give support for the first time", "is ready for a first newcomer"
    return f"has supported {_counted(had, 'newcomer')} before", ""


_WORDS: dict[str, Callable[[_Pair, int], tuple[str, str]]] = {
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
