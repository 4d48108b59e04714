"""What each side of a match may know of the other before both have said yes: to be read out, printed, or shown.

A view says only what both share, or what answers the viewer's own needs and wishes: no id, code or date, no age, no
place, and nothing of slips, distress, pauses and reports. While something bars the two it says nothing at all, and not
what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel

from dashboard import words
from dashboard.frame import COORDINATORS, Ask, NotFound, Page
from dashboard.views import look
from matcher.instants import DAY
from matcher.pairing import explain
from matcher.pairing.matches import Match
from matcher.people import zones
from matcher.people.experience import DUAL
from matcher.people.member import Member
from matcher.people.profile import themes_of
from matcher.people.record import HALF_HOURS
from matcher.people.recovery import YEAR
from matcher.people.rows import HALF_HOUR, half_hours
from matcher.program import Program

Side = Literal["newcomer", "mentor"]

FAR: Final = (
    (5 * YEAR, "more than five years in recovery"),
    (YEAR, "more than a year in recovery"),
    (90 * DAY, "some months into recovery"),
)
BEGINNING: Final = "at the beginning of recovery"
"""Also of somebody who is not in recovery yet: a slip is told by nobody but themselves."""

PARTS_OF_DAY: Final = ("nights", "mornings", "afternoons", "evenings")
HALF_HOURS_OF_PART: Final = 12
WORKDAYS: Final = 5


class Redacted(BaseModel):
    """The other one, in the eyes of the viewer. What is empty was not said, or is not shared."""

    program: str
    match: str
    viewer: Side
    withheld: bool
    """Whether nothing may be passed on at the moment; then nothing else is said."""

    shared: list[str] = []
    """What both have lived through, as wide as the chapters of ICD-10-CM."""

    recovery: str = ""
    themes: list[str] = []
    """Needs of the newcomer for which the mentor knows ways."""

    languages: list[str] = []
    formats: list[str] = []
    hours: list[str] = []
    """When both have time, in parts of the week where the viewer lives."""

    wish: str = ""
    """The viewer's own wish on gender, when the other one meets it."""


class _Pair(NamedTuple):
    """Two people, seen by one of them."""

    viewer: Member
    other: Member
    newcomer: Member
    mentor: Member


def as_newcomer(ask: Ask) -> Redacted:
    """What the newcomer may know of the mentor. Raises NotFound for a match that is not open."""
    return _view(ask, "newcomer")


def as_mentor(ask: Ask) -> Redacted:
    """What the mentor may know of the newcomer. Raises NotFound for a match that is not open."""
    return _view(ask, "mentor")


def _view(ask: Ask, viewer: Side) -> Redacted:
    program = ask.program(ask.path["program"])
    match = program.state.matches.open.get(ask.path["match"])
    if match is None or ask.is_own(match.newcomer) or ask.is_own(match.mentor):
        raise NotFound
    return of(program, match, viewer, ask.now)


def of(program: Program, match: Match, viewer: Side, at: int) -> Redacted:
    """The view of an open match by one of its two."""
    newcomer, mentor = (program.state.members[each] for each in (match.newcomer, match.mentor))
    sides = (newcomer, mentor) if viewer == "newcomer" else (mentor, newcomer)
    pair, seen = _Pair(*sides, newcomer, mentor), look.at(program, at)
    if _is_withheld(program, match, pair, at):
        return Redacted(program=program.id, match=match.id, viewer=viewer, withheld=True)
    codes = [code for code in seen.shared(newcomer.id, mentor.id) if code != DUAL]
    return Redacted(
        program=program.id,
        match=match.id,
        viewer=viewer,
        withheld=False,
        shared=_once(words.chapter(code) for code in codes),
        recovery=_recovery(pair.other, at),
        themes=_themes(pair),
        languages=_languages(pair),
        formats=_formats(pair),
        hours=_hours(pair, at),
        wish=_wish(pair),
    )


def _is_withheld(program: Program, match: Match, pair: _Pair, at: int) -> bool:
    """A report stops all that is passed on between two; a pair of people that stands is not undone by other rules."""
    if pair.newcomer.is_reported or pair.mentor.is_reported:
        return True
    if match.stage == "active":
        return False
    aside = frozenset({"no_slot"})
    seen = look.at(program, at)
    return bool(explain.barred(seen, match.newcomer, match.mentor, "SAFETY", "CONSENT", aside=aside))


def _recovery(member: Member, at: int) -> str:
    since = member.recovery.in_recovery_since()
    return next((said for least, said in FAR if since is not None and at - since >= least), BEGINNING)


def _themes(pair: _Pair) -> list[str]:
    offer = pair.mentor.mentorship
    met = 0 if offer is None else pair.newcomer.profile.needs & offer.strategies
    return [words.theme(each) for each in themes_of(met)]


def _languages(pair: _Pair) -> list[str]:
    """As the viewer says them: a region would tell where the other one is from."""
    theirs = {tag.partition("-")[0] for tag in pair.other.profile.languages}
    return _once(words.language(tag) for tag in pair.viewer.profile.languages if tag.partition("-")[0] in theirs)


def _formats(pair: _Pair) -> list[str]:
    theirs = pair.other.profile.formats
    return [words.FORMATS.get(each, each) for each in pair.viewer.profile.formats if each in theirs]


def _hours(pair: _Pair, at: int) -> list[str]:
    shift = _shift(pair.viewer, at)
    common = half_hours(pair.viewer.profile.hours, shift) & half_hours(pair.other.profile.hours, _shift(pair.other, at))
    found = {_part((half + shift // HALF_HOUR) % HALF_HOURS) for half in range(HALF_HOURS) if common >> half & 1}
    return [f"{days} {part}" for days in ("weekday", "weekend") for part in PARTS_OF_DAY if (days, part) in found]


def _shift(member: Member, at: int) -> int:
    return zones.offset(member.profile.zone, at) if member.profile.zone else 0


def _part(half: int) -> tuple[str, str]:
    """The part of the week in which a half hour of it lies."""
    day, of_day = divmod(half, HALF_HOURS // 7)
    return "weekday" if day < WORKDAYS else "weekend", PARTS_OF_DAY[of_day // HALF_HOURS_OF_PART]


def _wish(pair: _Pair) -> str:
    """In the words of the wish: which of several wished genders it is stays untold."""
    wished = _wished(pair)
    if wished is None or wished == "any" or pair.other.profile.gender not in wished:
        return ""
    return words.listed([words.gender(each) for each in wished], "or")


def _wished(pair: _Pair) -> Sequence[str] | None:
    if pair.viewer is pair.newcomer:
        return pair.newcomer.profile.wishes.mentor_gender
    offer = pair.mentor.mentorship
    return None if offer is None or offer.newcomer_wishes is None else offer.newcomer_wishes.gender


def _once(said: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(said))


AS_NEWCOMER: Final = Page(
    "/matches/{program}/{match}/as-newcomer", "What the newcomer would see", COORDINATORS, as_newcomer,
    "redacted.html", audited=True,
)  # fmt: skip
AS_MENTOR: Final = Page(
    "/matches/{program}/{match}/as-mentor", "What the mentor would see", COORDINATORS, as_mentor,
    "redacted.html", audited=True,
)  # fmt: skip
PAGES: Final = (AS_NEWCOMER, AS_MENTOR)
