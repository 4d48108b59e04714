"""Who comes: people drawn from real records of starting treatment, and the profile each would give at intake.

Substances, co-occurring disorder, housing, work, referral, age, gender, veteran status and self-help attendance of a
person come from one record, so what goes together in life goes together here. Everything that the records do not
hold (wishes, hours, place, which disorder) is added with the shares below, each with its source or marked a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matcher.cohort import codes
from matcher.cohort.codes import YEAR_DAYS, Role
from matcher.cohort.dice import Dice, Weighted
from matcher.cohort.records import Record, mentor_records, newcomer_records
from matcher.instants import year_of

EARLY_PERCENT = 65  # of newcomers who used in the month before treatment: have stopped by the day they join (a guess)
MENTOR_DAYS = Weighted({(365, 730): 30, (730, 1825): 40, (1825, 3650): 20, (3650, 7300): 7, (240, 364): 3}.items())
"""Days since a mentor's last use. A guess; the last row are those who volunteer too early."""

OLDEST_YEARS = 79  # of the age group 65+ (a guess)

ZONES = Weighted(  # zone, its hours from UTC in winter; a program around Denver with a few far away (a guess)
    {
        ("America/Denver", -7): 78,
        ("America/Chicago", -6): 8,
        ("America/Los_Angeles", -8): 7,
        ("America/New_York", -5): 5,
        ("America/Mexico_City", -6): 2,
    }.items()
)
HOME_ZONE = "America/Denver"
HOME_PLACE = (39.74, -104.99)
PLACE_SPREAD_DEGREES = 0.25  # half width; about 28 km north to south
PLACE_TOLD_PERCENT = 85  # a guess

SPANISH_PERCENT = {"yes": 60, "no": 3, "-": 5}  # by Hispanic origin; a guess below what is spoken at home
SPANISH_ONLY_PERCENT = 20  # of newcomers who speak it; a guess
FORMATS = Weighted(  # a guess
    {
        ("phone", "video"): 35,
        ("in_person", "phone", "video"): 30,
        ("in_person", "phone"): 15,
        ("phone",): 10,
        ("video",): 6,
        ("in_person",): 4,
    }.items()
)
REMOTE = ("phone", "video")  # for those in another zone
NONBINARY_PERCENT = 1  # a guess; the records know two sexes
WISHES_PERCENT = {  # wants a mentor of the same gender, does not mind; the rest were not asked. Guesses: at least
    # half of 55 women in AA had met 7 of 13 predatory behaviours (Bogart & Pearce 2003)
    "woman": (40, 25),
    "man": (12, 40),
    "nonbinary": (30, 40),
}

NEEDS = (  # word, per cent of everybody, per cent of those for whom it is told by the record; guesses
    ("cravings", 35, 75),
    ("sleep", 25, 45),
    ("anxiety", 20, 70),
    ("trauma", 6, 70),
    ("grief", 5, 80),
    ("loneliness", 25, 45),
    ("housing", 8, 85),
    ("work", 12, 50),
    ("legal", 6, 60),
    ("medication", 8, 55),
    ("family", 28, 28),
    ("parenting", 10, 10),
    ("money", 15, 40),
    ("health", 10, 20),
    ("anger", 8, 15),
    ("faith", 8, 20),
    ("boundaries", 8, 8),
    ("education", 4, 25),
)
WINDOWS: dict[Role, tuple[int, int]] = {"newcomer": (2, 5), "mentor": (4, 8)}  # of 2-3 hours a week (a guess)
PARTS_OF_WEEK = {  # days, first and last hour of starting
    "evening": (range(5), 17, 20),
    "weekend": (range(5, 7), 9, 18),
    "day": (range(5), 8, 15),
}
# Which part of the week suits those who work, and those who do not (guesses).
WORKING = Weighted({"evening": 60, "weekend": 36, "day": 4}.items())
AT_HOME = Weighted({"evening": 40, "weekend": 22, "day": 38}.items())


class Person(NamedTuple):
    """A member of the cohort: the record behind it, the codes it got, and the clock on its wall."""

    role: Role
    record: Record
    joined: int  # seconds since 1970, UTC
    clean_days: int | None  # days since the last use at joining; None: still using
    substances: tuple[str, ...]
    disorders: tuple[str, ...]
    utc_hours: int
    profile: dict[str, object]


def newcomer(joined: int, dice: Dice) -> Person:
    """Somebody who starts and seeks a mentor."""
    record = dice.draw(newcomer_records())
    return _person("newcomer", record, joined, _clean_days(record, dice), dice)


def mentor(joined: int, dice: Dice) -> Person:
    """Somebody who has been through it, and comes to help."""
    return _person("mentor", dice.draw(mentor_records()), joined, dice.between(*dice.draw(MENTOR_DAYS)), dice)


def _clean_days(record: Record, dice: Dice) -> int | None:
    if record.use == "none":  # in the month before admission
        return dice.between(30, 240)
    return dice.between(1, 29) if dice.percent(EARLY_PERCENT) else None


def _person(role: Role, record: Record, joined: int, clean_days: int | None, dice: Dice) -> Person:
    gender = _gender(record, dice)
    substances = codes.substances(record)
    disorders = codes.disorders(record, gender, dice)
    circumstances = codes.circumstances(record, dice)
    zone, utc_hours = dice.draw(ZONES)
    experiences = [
        *(codes.substance_use(code, joined, clean_days) for code in substances),
        *(codes.disorder(code, joined, clean_days, role, dice) for code in disorders),
        *(codes.circumstance(code, role) for code in circumstances),
    ]
    profile: dict[str, object] = {
        "experiences": experiences,
        "needs": needs((*disorders, *circumstances), record, dice) if role == "newcomer" else [],
        "languages": _languages(record, role, dice),
        "hours": _hours(record, dice.between(*WINDOWS[role]), dice),
        "zone": zone,
        "formats": _formats(zone, dice),
        "gender": gender,
        "birth_year": _birth_year(record, role, joined, clean_days, dice),
        "place": _place(dice) if zone == HOME_ZONE and dice.percent(PLACE_TOLD_PERCENT) else None,
        "wishes": _wishes(gender, dice) if role == "newcomer" else None,
        "seeks_mentor": role == "newcomer",
    }
    told = {part: value for part, value in profile.items() if value is not None}
    return Person(role, record, joined, clean_days, substances, disorders, utc_hours, told)


def _gender(record: Record, dice: Dice) -> str | None:
    if dice.percent(NONBINARY_PERCENT):
        return "nonbinary"
    return None if record.gender == "-" else record.gender


def needs(told: Sequence[str], record: Record, dice: Dice) -> list[str]:
    """What a person asks help with (and what a mentor knows a way with), by disorders and circumstances."""
    likely = _likely(told, record)
    return [word for word, everybody, those in NEEDS if dice.percent(those if word in likely else everybody)]


def _likely(told: Sequence[str], record: Record) -> frozenset[str]:
    """The needs that a record itself suggests; only ever asked for membership."""
    disorders = [code for code in told if code.startswith("F")]
    return frozenset(
        word
        for word, yes in (
            ("cravings", record.use != "none"),
            ("sleep", bool(disorders) or record.use == "daily"),
            ("anxiety", any(code.startswith(("F41", "F43")) for code in disorders)),
            ("trauma", "F43.10" in disorders),
            ("grief", "Z63.4" in told),
            ("loneliness", bool(disorders) or record.living == "homeless"),
            ("housing", record.living in ("homeless", "dependent")),
            ("work", record.work == "unemployed"),
            ("legal", record.referral == "justice"),
            ("medication", record.medication == "yes" or bool(disorders)),
            ("money", record.work == "unemployed" or record.living == "homeless"),
            ("health", record.age in ("50-54", "55-64", "65+")),
            ("anger", record.gender == "man"),
            ("faith", record.self_help == "yes"),
            ("education", record.age in ("12-14", "15-17", "18-20", "21-24")),
        )
        if yes
    )


def _languages(record: Record, role: Role, dice: Dice) -> list[str]:
    if not dice.percent(SPANISH_PERCENT[record.hispanic]):
        return ["en"]
    return ["es"] if role == "newcomer" and dice.percent(SPANISH_ONLY_PERCENT) else ["en", "es"]


def _hours(record: Record, windows: int, dice: Dice) -> list[int]:
    parts = WORKING if record.work in ("full_time", "part_time") else AT_HOME
    hours: list[int] = []
    for _ in range(windows):
        days, first, last = PARTS_OF_WEEK[dice.draw(parts)]
        start = dice.pick(days) * 24 + dice.between(first, last)
        hours += range(start, start + dice.between(2, 3))
    return sorted(dict.fromkeys(hours))


def _formats(zone: str, dice: Dice) -> list[str]:
    formats = dice.draw(FORMATS)
    return [*formats] if zone == HOME_ZONE else [*REMOTE]


def _birth_year(record: Record, role: Role, joined: int, clean_days: int | None, dice: Dice) -> int:
    youngest, _, oldest = record.age.removesuffix("+").partition("-")
    age = dice.between(int(youngest), int(oldest or OLDEST_YEARS))
    since = (clean_days or 0) // YEAR_DAYS if role == "mentor" else 0  # a mentor's record is from before recovery
    return year_of(joined) - age - since


def _place(dice: Dice) -> dict[str, float]:
    def near(middle: float) -> float:
        return round(middle + PLACE_SPREAD_DEGREES * (dice.below(101) + dice.below(101) - 100) / 100, 2)

    return {"lat": near(HOME_PLACE[0]), "lon": near(HOME_PLACE[1])}


def _wishes(gender: str | None, dice: Dice) -> dict[str, object] | None:
    if gender is None:
        return None
    same, indifferent = WISHES_PERCENT[gender]
    throw = dice.below(100)
    if throw < same:
        return {"mentor_gender": [gender]}
    return {"mentor_gender": "any"} if throw < same + indifferent else None
