"""Lives in the program: joining, the course of recovery, absence and leaving, and what mentors take on.

Every rate has its unit and source, or is marked a guess. Nobody here knows of matches: who is paired with whom is for
the program to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matcher.cohort.codes import date
from matcher.cohort.course import STAFF, Happening, Span, course, last_day, moment
from matcher.cohort.dice import Dice, Weighted
from matcher.cohort.people import Person, needs
from matcher.instants import DAY, HOUR

SETTING_DAYS = {"detox": (2, 8), "residential": (7, 60)}  # from joining to discharge (a guess)
LEAVING_PERCENT = 24  # of newcomers within 90 days: 238 of 1,000 discharges dropped out (TEDS-D 2023)
LEAVING_DAYS = (7, 90)
LEAVING_REASONS = Weighted({"dropped_out": 60, "transferred": 15, "completed": 15, "moved": 9, "died": 1}.items())
AWAY_PERCENT = 8  # of newcomers, once (a guess)
AWAY = Weighted(  # kind, least and most days (guesses)
    {("treatment", 10, 30): 45, ("hospital", 3, 12): 20, ("custody", 5, 40): 15, ("away", 5, 20): 20}.items()
)
LEFT_SETTINGS = {"treatment": "residential", "hospital": "hospital"}  # what somebody who comes back was discharged from
RETURN_TOLD_PERCENT = 75  # of absences: the return is told, before its date; the others end by their date (a guess)
EXCLUSION_PERCENT = {"never_again": 0.6, "family": 0.6}  # of newcomers, towards one mentor (guesses)
CONSENT_PERCENT = 60  # of newcomers (a guess)
REFERRING = ("justice", "provider", "health", "community")
UPDATE_PERCENT = 12  # of newcomers: other hours than at intake (a guess)
UPDATE_DAYS = (7, 60)

CAPACITY = Weighted({1: 15, 2: 70, 3: 15}.items())  # newcomers a mentor takes; two, at most three (a guess)
BACKUP_PERCENT = 35  # of mentors (a guess)
DECLINED_PERCENT = 4  # of volunteers (a guess)
WOMEN_ONLY_PERCENT = 30  # of women who mentor: wish to support women (a guess)
VOLUNTEERS_MINUTES = (5, 120)  # after joining
SCREENED_MINUTES = (60, 2_880)  # after volunteering
TRAINED_DAYS = (20, 700)  # before volunteering
SUPERVISED_DAYS = (0, 18)  # before volunteering
SUPERVISION_DAYS = (20, 29)  # from one contact to the next; more than 31 lapses
LAPSE_PERCENT = 5  # of contacts come late (a guess)
LAPSE_DAYS = (34, 60)
REST_PERCENT = 12  # of mentors, once (a guess)
REST_DAYS = (7, 30)
WITHDRAWN_PERCENT = 2  # of mentors (a guess)


class Mentor(NamedTuple):
    """What others need to know of a mentor: who, and since when."""

    id: str
    joined: int


def newcomer_life(person: Person, dice: Dice, span: Span, mentors: Sequence[Mentor]) -> list[Happening]:
    """All that happens to a newcomer up to the end of the span, joining first; nothing after leaving."""
    away, absence = _absence(person, dice, span)
    told = [
        *_unless_away(course(person, dice, span), away),
        *absence,
        *_discharge(person, dice),
        *_paperwork(person, dice),
        *_exclusions(person, dice, span, mentors),
    ]
    return _in_order(person, _until(_leaving(person, dice), told), span)


def mentor_life(person: Person, dice: Dice, span: Span) -> list[Happening]:
    """All that happens to a mentor up to the end of the span, joining first; no duties after withdrawing."""
    return _in_order(person, [*course(person, dice, span), *_duties(person, dice, span)], span)


def _in_order(person: Person, told: Sequence[Happening], span: Span) -> list[Happening]:
    later = (happening for happening in told if person.joined < happening.at <= span.end)
    joined = Happening(person.joined, "member.joined", person.profile)
    return [joined, *sorted(later, key=lambda happening: happening.at)]


def _until(last: Happening | None, told: Sequence[Happening]) -> Sequence[Happening]:
    """What comes before the last, and the last; all of it when there is no last."""
    return told if last is None else [*(happening for happening in told if happening.at < last.at), last]


def _unless_away(told: Iterator[Happening], away: Span) -> Iterator[Happening]:
    return (h for h in told if h.type != "progress.checked_in" or not away.start < h.at < away.end)


def _absence(person: Person, dice: Dice, span: Span) -> tuple[Span, list[Happening]]:
    """When a newcomer is away, and what is told of it."""
    if not dice.percent(AWAY_PERCENT) or last_day(person, span) < 4:
        return Span(0, 0), []
    kind, least, most = dice.draw(AWAY)
    start, days = dice.between(3, last_day(person, span)), dice.between(least, most)
    at = moment(person, dice, start)
    told = [Happening(at, "member.paused", {"until": date(at + days * DAY), "kind": kind})]
    if not dice.percent(RETURN_TOLD_PERCENT):
        return Span(at, at + days * DAY), told
    back = moment(person, dice, start + dice.between(1, days))
    if kind in LEFT_SETTINGS:
        told.append(Happening(back - HOUR, "treatment.discharged", {"setting": LEFT_SETTINGS[kind]}))
    return Span(at, back), [*told, Happening(back, "member.resumed", {})]


def _discharge(person: Person, dice: Dice) -> Iterator[Happening]:
    """Those whose record is of a residential service join before they leave it."""
    setting = person.record.service
    if setting in SETTING_DAYS:
        day = dice.between(*SETTING_DAYS[setting])
        yield Happening(moment(person, dice, day), "treatment.discharged", {"setting": setting})


def _paperwork(person: Person, dice: Dice) -> Iterator[Happening]:
    if dice.percent(CONSENT_PERCENT):
        yield Happening(moment(person, dice, 0), "consent.granted", {"scope": "matching", "purpose": "pairing"})
    if person.record.referral in REFERRING:
        yield Happening(moment(person, dice, 0), "member.referred", {"by": dice.pick(STAFF)})
    if dice.percent(UPDATE_PERCENT):
        evening = dice.below(7) * 24 + 18
        at = moment(person, dice, dice.between(*UPDATE_DAYS))
        yield Happening(at, "member.updated", {"hours": [evening, evening + 1, evening + 2]})


def _exclusions(person: Person, dice: Dice, span: Span, mentors: Sequence[Mentor]) -> Iterator[Happening]:
    for kind, percent in EXCLUSION_PERCENT.items():
        if mentors and dice.percent(percent):
            other = dice.pick(mentors)
            at = moment(person, dice, dice.between(0, last_day(person, span)))
            if other.joined < at:
                yield Happening(at, "exclusion.added", {"other": other.id, "kind": kind})


def _leaving(person: Person, dice: Dice) -> Happening | None:
    if not dice.percent(LEAVING_PERCENT):
        return None
    at = moment(person, dice, dice.between(*LEAVING_DAYS))
    return Happening(at, "member.left", {"reason": dice.draw(LEAVING_REASONS)})


def _duties(person: Person, dice: Dice, span: Span) -> Iterator[Happening]:
    """Volunteering, the coordinator's decision, and what those who are cleared take on."""
    supervised = dice.between(*SUPERVISED_DAYS)
    volunteered = person.joined + 60 * dice.between(*VOLUNTEERS_MINUTES)
    yield Happening(volunteered, "mentor.volunteered", _offer(person, dice, volunteered - supervised * DAY))
    screened = volunteered + 60 * dice.between(*SCREENED_MINUTES)
    outcome = "declined" if dice.percent(DECLINED_PERCENT) else "cleared"
    yield Happening(screened, "mentor.screened", {"outcome": outcome, "by": dice.pick(STAFF)})
    if outcome == "cleared":
        service = [*_wishes(person, dice, screened), *_supervision(person, dice, span, -supervised)]
        yield from _until(_withdrawal(person, dice, span), [*service, *_rest(person, dice, span)])


def _offer(person: Person, dice: Dice, supervised: int) -> dict[str, object]:
    return {
        "capacity": dice.draw(CAPACITY),
        "strategies": needs(person.disorders, person.record, dice),
        "trained": date(supervised - dice.between(*TRAINED_DAYS) * DAY),
        "supervised": date(supervised),
        "backup": dice.percent(BACKUP_PERCENT),
    }


def _wishes(person: Person, dice: Dice, screened: int) -> Iterator[Happening]:
    if person.profile.get("gender") == "woman" and dice.percent(WOMEN_ONLY_PERCENT):
        yield Happening(screened + HOUR, "mentor.updated", {"newcomer_wishes": {"gender": ["woman"]}})


def _supervision(person: Person, dice: Dice, span: Span, day: int) -> Iterator[Happening]:
    """A contact every three to four weeks, counted from the one before volunteering; now and then one comes late."""
    while day <= last_day(person, span):
        late = dice.percent(LAPSE_PERCENT)
        day = max(3, day + dice.between(*(LAPSE_DAYS if late else SUPERVISION_DAYS)))  # not before screening
        at = moment(person, dice, day)
        yield Happening(at, "mentor.supervised", {"by": dice.pick(STAFF), "at": date(at)})


def _rest(person: Person, dice: Dice, span: Span) -> Iterator[Happening]:
    if dice.percent(REST_PERCENT):
        start, days = dice.between(4, max(4, last_day(person, span))), dice.between(*REST_DAYS)
        at = moment(person, dice, start)
        reason = dice.pick(("rest", "family", "work"))
        yield Happening(at, "mentor.paused", {"until": date(at + days * DAY), "reason": reason})
        if dice.percent(RETURN_TOLD_PERCENT):
            yield Happening(moment(person, dice, start + dice.between(1, days)), "mentor.resumed", {})


def _withdrawal(person: Person, dice: Dice, span: Span) -> Happening | None:
    if not dice.percent(WITHDRAWN_PERCENT):
        return None
    return Happening(moment(person, dice, dice.between(10, max(10, last_day(person, span)))), "mentor.withdrawn", {})
