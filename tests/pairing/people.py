"""People for the tests of pairing: two who fit, and anybody at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as some

from bench.plain import Ties
from matcher.instants import DAY, parse_instant
from matcher.messages.events import NewcomerWishes
from matcher.people.member import FOREVER, Member, Mentorship
from matcher.people.profile import MentorWishes, Profile, theme_mask
from matcher.people.record import Rows
from matcher.people.recovery import Recovery, Stated
from matcher.people.roster import Roster

AT = parse_instant("2026-03-02T09:00:00Z")


def newcomer(name: str = "ada", **changes: object) -> Member:
    """Somebody in early recovery who joined yesterday; profile parts are replaced by name."""
    profile = Profile(
        experiences=(Stated("F11.20", "early", AT - 30 * DAY), Stated("F43.10", "sustained", AT - 500 * DAY)),
        needs=theme_mask(["cravings", "housing"]),
        languages=("en", "es"),
        hours=1 << 18 | 1 << 42,
        formats=("phone", "video"),
        gender="woman",
        birth_year=1991,
        place=(39.7, -105.0),
    )
    return _member(name, AT - DAY, replace(profile, **changes), seeks_since=AT - DAY)


def mentor(name: str = "ben", **changes: object) -> Member:
    """An admitted mentor, five years in recovery, who has had nobody yet."""
    profile = Profile(
        experiences=(Stated("F11.20", "sustained", AT - 1_800 * DAY), Stated("F43.10", "past", AT - 900 * DAY)),
        languages=("en",),
        hours=1 << 18 | 1 << 42 | 1 << 90,
        formats=("phone", "in_person"),
        gender="man",
        birth_year=1980,
        place=(39.8, -105.1),
    )
    offer = Mentorship(
        AT - 20 * DAY,
        strategies=theme_mask(["cravings", "sleep"]),
        trained_at=AT - 400 * DAY,
        supervised_at=AT - 5 * DAY,
        cleared_until=FOREVER,
    )
    return replace(_member(name, AT - 900 * DAY, replace(profile, **changes)), mentorship=offer)


def _member(name: str, joined_at: int, profile: Profile, seeks_since: int | None = None) -> Member:
    recovery = Recovery()
    recovery.declare(profile.experiences, joined_at)
    return Member(name, joined_at, profile, recovery, seeks_since=seeks_since)


@dataclass
class Related:
    """Relations by rows, from ties by ids."""

    roster: Roster
    ties: Ties

    def excluded(self, member: int) -> Rows:
        return self._others(self.ties.excluded, member)

    def declined(self, member: int) -> Rows:
        return self._others(self.ties.declined, member)

    def lineage(self, newcomer: int) -> Rows:
        return self._rows(m for n, m in self.ties.supports if n == self.roster.ids[newcomer])

    def lineage_of_mentor(self, mentor: int) -> Rows:
        return self._rows(n for n, m in self.ties.supports if m == self.roster.ids[mentor])

    def _others(self, pairs: frozenset[frozenset[str]], member: int) -> Rows:
        name = self.roster.ids[member]
        return self._rows(other for pair in pairs if name in pair for other in pair - {name})

    def _rows(self, names: Iterable[str]) -> Rows:
        return np.array(sorted(self.roster.index[name] for name in names), dtype=np.int64)


_DAYS = some.integers(-40, 2_000).map(lambda days: AT - days * DAY + 7)
_SOON = some.sampled_from([0, AT - DAY, AT, AT + 1, AT + 9 * DAY, FOREVER])
_GENDERS = some.sampled_from(["woman", "man", "nonbinary", None])
_WISHED = some.none() | some.just("any") | some.lists(some.sampled_from(["woman", "man"]), min_size=1).map(tuple)
_TONGUES = some.lists(some.sampled_from(["en", "en-GB", "es", "so", "pt-BR", "pt"]), max_size=3).map(tuple)
_FORMATS = some.lists(some.sampled_from(["phone", "video", "in_person"]), max_size=3).map(tuple)
_CODES = some.sampled_from(["F10.20", "F10.10", "F11.20", "F17.210", "F32.1", "F43.10", "Z59.01", "Z65.1"])
_STATES = some.sampled_from(["active", "early", "sustained", "sustained", "past"])
_PLACES = some.none() | some.tuples(some.sampled_from([39.7, 39.75, 40.3, -33.9]), some.sampled_from([-105.0, 151.2]))
_RULES = some.sampled_from(["recovery_time", "training_lapsed", "supervision_lapsed"])
_THEMES = some.lists(some.sampled_from(["sleep", "work", "family", "grief"]), max_size=3).map(theme_mask)


@some.composite
def _profiles(draw: some.DrawFn) -> Profile:
    return Profile(
        experiences=tuple(draw(some.lists(some.builds(Stated, _CODES, _STATES, some.none() | _DAYS), min_size=1))[:4]),
        needs=draw(_THEMES),
        languages=draw(_TONGUES),
        hours=draw(some.sampled_from([0, 1, 1 << 167, 0xFF00, (1 << 168) - 1])),
        zone=draw(some.sampled_from([None, "America/Denver", "Asia/Kathmandu", "Asia/Kolkata", "Pacific/Kiritimati"])),
        formats=draw(_FORMATS),
        gender=draw(_GENDERS),
        birth_year=draw(some.sampled_from([None, 1960, 1990, 2007, 2008, 2010])),
        place=draw(_PLACES),
        wishes=MentorWishes(
            draw(_WISHED), draw(_TONGUES), draw(_FORMATS), draw(some.sampled_from([None, None, 5.5, 90.0])),
            draw(some.sampled_from([0, 0, 1, 2])),
        ),
    )  # fmt: skip


@some.composite
def _offers(draw: some.DrawFn) -> Mentorship:
    wished = draw(_WISHED)
    return Mentorship(
        volunteered_at=AT - draw(some.integers(0, 60)) * DAY,
        strategies=draw(_THEMES),
        trained_at=draw(some.sampled_from([None, AT - DAY, AT - DAY, AT + DAY])),
        supervised_at=draw(some.none() | some.integers(0, 40).map(lambda days: AT - days * DAY - 11)),
        newcomer_wishes=draw(
            some.none()
            | some.builds(
                NewcomerWishes,
                gender=some.just(wished if wished in (None, "any") else list(wished)),
                languages=_TONGUES.map(list),
            )
        ),
        cleared_until=draw(some.sampled_from([0, AT, FOREVER, FOREVER, FOREVER])),
        declined=draw(some.integers(0, 9)) == 0,
        paused_until=draw(_SOON) if draw(some.integers(0, 3)) == 0 else 0,
        matches_had=draw(some.integers(0, 5)),
    )


@some.composite
def anybody(draw: some.DrawFn, name: str) -> Member:
    """Any member: what bars everybody is rarer than what bars a pair, so that many pairs are open."""
    rare = some.integers(0, 5).map(lambda die: die == 0)
    member = _member(name, AT - draw(some.integers(1, 400)) * DAY, draw(_profiles()), draw(some.none() | _DAYS))
    if draw(rare):
        member.recovery.setback(
            draw(some.none() | _CODES), draw(some.sampled_from(["lapse", "relapse"])), "self", draw(_DAYS)
        )
    member.paused_until = draw(_SOON) if draw(rare) else 0
    member.distress_until = draw(_SOON) if draw(rare) else 0
    member.open_reports = int(draw(rare))
    member.consent_until = draw(_SOON) if draw(rare) else None
    member.present = not draw(rare)
    member.waivers = draw(some.dictionaries(_RULES, _SOON, max_size=2))
    member.mentorship = draw(_offers()) if draw(some.integers(0, 4)) else None
    return member


@some.composite
def ties(draw: some.DrawFn, names: list[str]) -> Ties:
    """Any ties between these people."""
    pair = some.tuples(some.sampled_from(names), some.sampled_from(names)).filter(lambda two: two[0] != two[1])
    sets = some.lists(pair, max_size=3).map(lambda pairs: frozenset(map(frozenset, pairs)))
    return Ties(excluded=draw(sets), declined=draw(sets), supports=draw(some.lists(pair, max_size=3).map(frozenset)))
