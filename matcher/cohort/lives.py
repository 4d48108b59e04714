"""What happens to people after they join: progress and slips, care and absence, and the duties of mentors.

A life is told as happenings in the order of time. Every rate is a constant with its unit and source, or is marked a
guess. Nobody here knows of matches: who is paired with whom is for the program to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from matcher.cohort.dice import Dice, Weighted
from matcher.cohort.people import DAY, YEAR_DAYS, Person, date, needs

STAFF = ("s-1", "s-2", "s-3", "s-4")

WAKING_HOURS = Weighted((hour, 10 if hour >= 17 else 5) for hour in range(8, 22))  # local; evenings busier (a guess)

CHECK_IN_DAYS = {"newcomer": (3, 11), "mentor": (6, 14)}  # between two check-ins; weekly and less often (a guess)
SILENCE_PERCENT = 4  # of newcomers' check-ins: then nothing for a while (a guess)
SILENCE_DAYS = (14, 40)

SLIP_PERCENT = {"no": 50, "yes": 58, "-": 55}  # by earlier treatment: newcomers who slip within 90 days. Over half do
# within three months of treatment (PMC7059216 and care literature); the difference between the two is a guess
SLIP_DAYS = Weighted(
    {(1, 30): 60, (31, 90): 40}.items()
)  # most relapses fall into the first 30-90 days; split by guess
LATE_SLIP_PERCENT = 12  # of the others, days 91-180 (a guess)
AGAIN_PERCENT = 45  # of slips: another follows (a guess; the most active third of one network slipped 4.4 times)
AGAIN_DAYS = (3, 45)
SLIPS_MAX = 5  # a bound; the sixth adds nothing to what rooms have to handle
RELAPSE_PERCENT = 40  # of slips; the others are lapses (a guess)
PRIMARY_PERCENT = 85  # of slips are with the primary substance (a guess)
SLIP_TOLD_BY = {  # guesses
    "newcomer": Weighted({"self": 62, "mentor": 14, "coordinator": 14, "clinician": 10}.items()),
    "mentor": Weighted({"self": 80, "coordinator": 20}.items()),
}
REACHED_PERCENT = 60  # of slips: a coordinator writes down having reached them (a guess)
MENTOR_SLIP_PERCENT_A_YEAR = 10  # a guess; published yearly return after three years lies above that of helpers

STREAK_DAYS = (30, 60, 90, 180)  # then every year
STEP_PERCENT = 12  # of check-ins of people who attend self-help groups (a guess)
LIFE_PERCENT = 18  # of people without housing or work: find it (a guess)
LIFE_DAYS = (20, 150)

BARC_DAYS = (0, 30, 90, 180)  # care.md: what to measure, and when
BARC_PERCENT = 80  # of due assessments that are done (a guess)
BARC_START = {"newcomer": (26, 48), "mentor": (46, 60)}  # total 10-60; 47 predicts sustained remission
BARC_GAIN = 4  # points from one to the next (a guess)
MOOD_SCALES = (("PHQ-9", 9), ("GAD-7", 7))
MOOD_SCALE_DAYS = (14, 75)
MOOD_SCALE_PERCENT = {True: 60, False: 12}  # by depression or bipolar disorder (a guess)
ITEM = Weighted({0: 35, 1: 35, 2: 20, 3: 10}.items())  # an ordinary item of PHQ-9 or GAD-7 (a guess)
ITEM_NINE = Weighted(
    {0: 78, 1: 16, 2: 4, 3: 2}.items()
)  # 30 % above 0 in one online sample (PMC8258235); lower for in person

HIGH_DISTRESS_PER_MILLE = 2  # of newcomers' check-ins; with item nine well below 2 alerts per 1,000 members a day
ELEVATED_DISTRESS_PER_MILLE = 5  # of newcomers' check-ins; mentors a third of either (guesses)

SETTING_DAYS = {"detox": (2, 8), "residential": (7, 60)}  # from joining to discharge (a guess)
LEAVING_PERCENT = 24  # of newcomers within 90 days: 238 of 1,000 discharges dropped out (TEDS-D 2023)
LEAVING_DAYS = (7, 90)
LEAVING_REASONS = Weighted({"dropped_out": 238, "transferred": 60, "moved": 40, "completed": 60, "died": 2}.items())
PAUSE_PERCENT = {"newcomer": 8, "mentor": 12}  # guesses
PAUSE_KINDS = Weighted(  # kind, least and most days (guesses)
    {("treatment", 10, 30): 45, ("hospital", 3, 12): 20, ("custody", 5, 40): 15, ("away", 5, 20): 20}.items()
)
RETURN_TOLD_PERCENT = 75  # of pauses: a resumed event comes before the end date (a guess)
EXCLUSION_PERCENT = {"never_again": 0.6, "family": 0.6}  # of newcomers, towards one mentor (guesses)
CONSENT_PERCENT = 60  # of newcomers (a guess)
UPDATE_PERCENT = 12  # of people: other hours than at intake (a guess)

CAPACITY = Weighted({1: 15, 2: 70, 3: 15}.items())  # care.md: 2, at most 3; a guess
BACKUP_PERCENT = 35  # of mentors (a guess)
DECLINED_PERCENT = 4  # of volunteers (a guess)
WOMEN_ONLY_PERCENT = 30  # of mentors who are women and wish to support women (a guess)
TRAINED_DAYS = (20, 700)  # before volunteering
SUPERVISED_DAYS_BEFORE = (0, 18)  # before volunteering
SUPERVISION_DAYS = (20, 29)  # between two contacts; 31 is the limit
LAPSE_PERCENT = 5  # of supervision contacts are late
LAPSE_DAYS = (34, 60)
WITHDRAWN_PERCENT = 2  # of mentors (a guess)


class Span(NamedTuple):
    """The time that is told, in seconds since 1970, UTC; both ends belong to it."""

    start: int
    end: int


class Happening(NamedTuple):
    """One thing that happened to a person: what it is called in ``kindred.<type>.v1``, and its data."""

    at: int
    type: str
    data: Mapping[str, object]


class Mentor(NamedTuple):
    """What others need to know of a mentor: who, and since when."""

    id: str
    joined: int


def newcomer_life(person: Person, dice: Dice, span: Span, mentors: Sequence[Mentor]) -> list[Happening]:
    """All that happens to a newcomer up to the end of the span, joining first; nothing after leaving."""
    slips = _slips(person, dice)
    told = [
        *_progress(person, dice, span, slips, "newcomer"),
        *_slip_events(person, dice, slips, "newcomer"),
        *_absence(person, dice, "member.paused", "member.resumed", PAUSE_PERCENT["newcomer"], span),
        *_discharge(person, dice),
        *_exclusions(person, dice, span, mentors),
        *_paperwork(person, dice),
    ]
    return _in_order(person, told, _leaving(person, dice), span)


def mentor_life(person: Person, dice: Dice, span: Span) -> list[Happening]:
    """All that happens to a mentor up to the end of the span, joining first."""
    slips = _mentor_slips(person, dice, span)
    told = [
        *_duties(person, dice, span),
        *_progress(person, dice, span, slips, "mentor"),
        *_slip_events(person, dice, slips, "mentor"),
        *_absence(person, dice, "mentor.paused", "mentor.resumed", PAUSE_PERCENT["mentor"], span),
    ]
    return _in_order(person, told, None, span)


def _in_order(person: Person, told: list[Happening], leaving: Happening | None, span: Span) -> list[Happening]:
    end = leaving.at if leaving else span.end + 1
    life = sorted((h for h in told if person.joined < h.at < end and h.at <= span.end), key=lambda h: h.at)
    last = [leaving] if leaving and leaving.at <= span.end else []
    return [Happening(person.joined, "member.joined", person.profile), *life, *last]


def _moment(person: Person, dice: Dice, days: int) -> int:
    """A waking moment of the person, so many local days after joining (or soon after joining, on the same day)."""
    local = person.joined + person.utc_hours * 3600 + days * DAY
    at = local - local % DAY + dice.draw(WAKING_HOURS) * 3600 + dice.below(3600) - person.utc_hours * 3600
    return max(at, person.joined + 60 * dice.between(1, 60))


def _days_left(person: Person, span: Span) -> int:
    return (span.end - person.joined) // DAY


def _progress(person: Person, dice: Dice, span: Span, slips: Sequence[int], role: str) -> Iterator[Happening]:
    yield from _check_ins(person, dice, span, role)
    yield from _streaks(person, dice, span, slips)
    yield from _assessments(person, dice, role)
    yield from _turns(person, dice)


def _check_ins(person: Person, dice: Dice, span: Span, role: str) -> Iterator[Happening]:
    least, most = CHECK_IN_DAYS[role]
    day = dice.between(0, most)
    mood = dice.between(5, 8) if role == "mentor" else dice.between(3, 6)
    craving = 1 if role == "mentor" else dice.between(3, 8)
    while day <= _days_left(person, span):
        at = _moment(person, dice, day)
        mood = min(10, max(0, mood + dice.between(-1, 1)))
        craving = min(10, max(0, craving + dice.between(-1, 1) - (craving > 2 and dice.percent(20))))
        yield Happening(at, "progress.checked_in", {"mood": mood, "craving": craving})
        yield from _distress(at, dice, role)
        if person.record.self_help == "yes" and dice.percent(STEP_PERCENT):
            yield Happening(at + 60, "progress.milestone", {"kind": "step", "days": day})
        silent = role == "newcomer" and dice.percent(SILENCE_PERCENT)
        day += dice.between(*SILENCE_DAYS) if silent else dice.between(least, most)


def _distress(at: int, dice: Dice, role: str) -> Iterator[Happening]:
    throw = dice.below(1000) * (3 if role == "mentor" else 1)
    if throw < HIGH_DISTRESS_PER_MILLE:
        yield Happening(at + 120, "progress.distress", {"level": "high"})
    elif throw < HIGH_DISTRESS_PER_MILLE + ELEVATED_DISTRESS_PER_MILLE:
        yield Happening(at + 120, "progress.distress", {"level": "elevated"})


def _streaks(person: Person, dice: Dice, span: Span, slips: Sequence[int]) -> Iterator[Happening]:
    """Days in a row, counted from the last use; a slip starts the count again."""
    last_day = _days_left(person, span)
    starts = [*([] if person.clean_days is None else [-person.clean_days]), *slips]
    for start, stop in pairwise([*starts, last_day + 1]):
        for days in _streak_days(stop - start):
            if 0 < start + days < stop:
                at = _moment(person, dice, start + days)
                yield Happening(at, "progress.milestone", {"kind": "days", "days": days})


def _streak_days(most: int) -> Iterator[int]:
    yield from (days for days in STREAK_DAYS if days <= most)
    yield from range(YEAR_DAYS, most + 1, YEAR_DAYS)


def _assessments(person: Person, dice: Dice, role: str) -> Iterator[Happening]:
    total = dice.between(*BARC_START[role])
    for day in BARC_DAYS:
        if dice.percent(BARC_PERCENT):
            yield _assessed(_moment(person, dice, day), "BARC-10", _spread(total, 10, 1, 6, dice))
        total = min(60, max(10, total + BARC_GAIN + dice.between(-4, 4)))
    for day in MOOD_SCALE_DAYS:
        for instrument, count in MOOD_SCALES:
            if role == "newcomer" and dice.percent(MOOD_SCALE_PERCENT[person.depressed]):
                items = [dice.draw(ITEM) for _ in range(count)]
                if instrument == "PHQ-9":
                    items[8] = dice.draw(ITEM_NINE)
                yield _assessed(_moment(person, dice, day + dice.below(14)), instrument, items)


def _assessed(at: int, instrument: str, items: list[int]) -> Happening:
    return Happening(at, "progress.assessed", {"instrument": instrument, "total": sum(items), "items": items})


def _spread(total: int, count: int, least: int, most: int, dice: Dice) -> list[int]:
    """Items between ``least`` and ``most`` that add up to the total; ends because the total lies within reach."""
    items = [least] * count
    missing = total - least * count
    while missing:
        place = dice.below(count)
        if items[place] < most:
            items[place] += 1
            missing -= 1
    return items


def _turns(person: Person, dice: Dice) -> Iterator[Happening]:
    """A home or work found by those who had none."""
    for missing, kind in (
        (person.record.living == "homeless", "housing"),
        (person.record.work == "unemployed", "work"),
    ):
        if missing and person.profile["seeks_mentor"] and dice.percent(LIFE_PERCENT):
            day = dice.between(*LIFE_DAYS)
            yield Happening(_moment(person, dice, day), "progress.milestone", {"kind": kind, "days": day})


def _slips(person: Person, dice: Dice) -> list[int]:
    """Days after joining on which a newcomer slips, in order."""
    if dice.percent(SLIP_PERCENT[person.record.prior]):
        days = [dice.between(*dice.draw(SLIP_DAYS))]
    elif dice.percent(LATE_SLIP_PERCENT):
        days = [dice.between(91, 180)]
    else:
        return []
    while len(days) < SLIPS_MAX and dice.percent(AGAIN_PERCENT):
        days.append(days[-1] + dice.between(*AGAIN_DAYS))
    return days


def _mentor_slips(person: Person, dice: Dice, span: Span) -> list[int]:
    days = max(1, _days_left(person, span))
    return [dice.between(1, days)] if dice.percent(MENTOR_SLIP_PERCENT_A_YEAR * days / YEAR_DAYS) else []


def _slip_events(person: Person, dice: Dice, slips: Sequence[int], role: str) -> Iterator[Happening]:
    for day in slips:
        primary = dice.percent(PRIMARY_PERCENT)
        code = person.substances[0] if primary else dice.pick(person.substances)
        severity = "relapse" if dice.percent(RELAPSE_PERCENT) else "lapse"
        at = _moment(person, dice, day)
        yield Happening(
            at, "progress.setback", {"code": code, "severity": severity, "by": dice.draw(SLIP_TOLD_BY[role])}
        )
        if dice.percent(REACHED_PERCENT):
            contact = {"by": dice.pick(STAFF), "outcome": "reached"}
            yield Happening(at + dice.between(1, 22) * 3600, "member.contacted", contact)


def _absence(person: Person, dice: Dice, paused: str, resumed: str, percent: int, span: Span) -> Iterator[Happening]:
    if not dice.percent(percent):
        return
    start = dice.between(3, max(4, _days_left(person, span)))
    kind, least, most = dice.draw(PAUSE_KINDS)
    days = dice.between(least, most)
    at = _moment(person, dice, start)
    why = {"kind": kind} if paused == "member.paused" else {"reason": dice.pick(("rest", "family", "work"))}
    yield Happening(at, paused, {"until": date(at, -days), **why})
    if dice.percent(RETURN_TOLD_PERCENT):
        yield Happening(_moment(person, dice, start + dice.between(1, days)), resumed, {})


def _discharge(person: Person, dice: Dice) -> Iterator[Happening]:
    if person.record.service in SETTING_DAYS:
        day = dice.between(*SETTING_DAYS[person.record.service])
        yield Happening(_moment(person, dice, day), "treatment.discharged", {"setting": person.record.service})


def _exclusions(person: Person, dice: Dice, span: Span, mentors: Sequence[Mentor]) -> Iterator[Happening]:
    for kind, percent in EXCLUSION_PERCENT.items():
        if mentors and dice.percent(percent):
            other = dice.pick(mentors)
            at = _moment(person, dice, dice.below(max(1, _days_left(person, span))))
            if other.joined < at:
                yield Happening(at, "exclusion.added", {"other": other.id, "kind": kind})


def _paperwork(person: Person, dice: Dice) -> Iterator[Happening]:
    if dice.percent(CONSENT_PERCENT):
        yield Happening(_moment(person, dice, 0), "consent.granted", {"scope": "matching", "purpose": "pairing"})
    if person.record.referral in ("justice", "provider", "health", "community"):
        yield Happening(_moment(person, dice, 0), "member.referred", {"by": dice.pick(STAFF)})
    if dice.percent(UPDATE_PERCENT):
        hours = person.profile["hours"]
        assert isinstance(hours, list)
        evening = dice.below(7) * 24 + 18
        other_hours = sorted(dict.fromkeys([*hours[2:], evening, evening + 1]))
        yield Happening(_moment(person, dice, dice.between(7, 60)), "member.updated", {"hours": other_hours})


def _leaving(person: Person, dice: Dice) -> Happening | None:
    if not dice.percent(LEAVING_PERCENT):
        return None
    day = dice.between(*LEAVING_DAYS)
    return Happening(_moment(person, dice, day), "member.left", {"reason": dice.draw(LEAVING_REASONS)})


def _duties(person: Person, dice: Dice, span: Span) -> Iterator[Happening]:
    at = person.joined + 60 * dice.between(5, 120)
    supervised = dice.between(*SUPERVISED_DAYS_BEFORE)
    yield Happening(at, "mentor.volunteered", _offer(person, dice, at, supervised))
    at += 60 * dice.between(60, 2880)
    outcome = "declined" if dice.percent(DECLINED_PERCENT) else "cleared"
    yield Happening(at, "mentor.screened", {"outcome": outcome, "by": dice.pick(STAFF)})
    if outcome == "declined":
        return
    if person.profile.get("gender") == "woman" and dice.percent(WOMEN_ONLY_PERCENT):
        yield Happening(at + 3600, "mentor.updated", {"newcomer_wishes": {"gender": ["woman"]}})
    yield from _supervision(person, dice, span, -supervised)
    if dice.percent(WITHDRAWN_PERCENT):
        day = dice.between(10, max(11, _days_left(person, span)))
        yield Happening(_moment(person, dice, day), "mentor.withdrawn", {})


def _offer(person: Person, dice: Dice, at: int, supervised: int) -> dict[str, object]:
    codes = (*person.substances, *person.disorders)
    strategies = needs(codes, person.record, dice)
    return {
        "capacity": dice.draw(CAPACITY),
        "strategies": strategies or ["cravings"],
        "trained": date(at, supervised + dice.between(*TRAINED_DAYS)),
        "supervised": date(at, supervised),
        "backup": dice.percent(BACKUP_PERCENT),
    }


def _supervision(person: Person, dice: Dice, span: Span, day: int) -> Iterator[Happening]:
    """A contact every three to four weeks, from the one before volunteering on; now and then one comes late."""
    while True:
        late = dice.percent(LAPSE_PERCENT)
        day = max(day + dice.between(*(LAPSE_DAYS if late else SUPERVISION_DAYS)), 3)
        if day > _days_left(person, span):
            return
        at = _moment(person, dice, day)
        yield Happening(at, "mentor.supervised", {"by": dice.pick(STAFF), "at": date(at)})
