"""Who comes: people drawn from real records of starting treatment, and the profile each would give at intake.

Substances, co-occurring disorder, housing, work, referral, age, gender, veteran status and self-help attendance of a
person come from one record, so what goes together in life goes together here. Everything that the records do not
hold (wishes, hours, place, which disorder) is added with the shares below, each with its source or marked a guess.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from matcher.cohort.dice import Dice, Weighted

DAY = 86_400
YEAR_DAYS = 365


class Record(NamedTuple):
    """One line of ``matcher/data/teds_people.tsv``; ``-`` is unknown. ``weight`` is per million."""

    weight: str
    age: str
    gender: str
    primary: str
    secondary: str
    tertiary: str
    use: str
    disorder: str
    living: str
    work: str
    referral: str
    veteran: str
    prior: str
    self_help: str
    medication: str
    hispanic: str
    service: str
    outcome: str


SUBSTANCE_CODES = {
    "alcohol": "F10.20",
    "heroin": "F11.20",
    "opioid": "F11.20",
    "cannabis": "F12.20",
    "sedative": "F13.20",
    "cocaine": "F14.20",
    "methamphetamine": "F15.20",
    "stimulant": "F15.20",
    "hallucinogen": "F16.20",
    "inhalant": "F18.20",
    "other": "F19.20",
}
"""ICD-10-CM dependence, uncomplicated. PCP is a hallucinogen there (F16)."""

DISORDERS = {
    # Depressive 25 % and psychotic 25 % of men, depressive 33 % of women with co-occurring disorders in public mental
    # health services (SAMHSA MH-CLD 2015, 720,987 people); bipolar 20 % (Double Trouble in Recovery, PMC2923916).
    # The rest is shared out by guess.
    "man": {"F33.1": 15, "F32.9": 10, "F20.9": 20, "F25.9": 5, "F31.9": 20}
    | {"F43.10": 10, "F41.1": 8, "F41.0": 3, "F90.9": 3, "F60.3": 1},
    "woman": {"F33.1": 20, "F32.9": 13, "F20.9": 9, "F25.9": 3, "F31.9": 20}
    | {"F43.10": 15, "F41.1": 11, "F41.0": 4, "F90.9": 2, "F60.3": 3},
}
TRAUMA_TOO_PERCENT = 25  # of people with a disorder; low end of 25-49 % current PTSD in treatment (PMC3415609)
HOMELESS_CODES = Weighted(
    {"Z59.01": 60, "Z59.02": 40}.items()
)  # sheltered, unsheltered: HUD point-in-time counts, rounded
RELEASED_PERCENT = 11  # of justice referrals: prison 2.7 % (TEDS-A 2021) and a fifth of probation or parole (a guess)
BEREAVED_PERCENT = 5  # a guess

EARLY_PERCENT = 65  # of newcomers who used in the month before treatment: have stopped by the day they join (a guess)
DISORDER_STATES = {  # guesses
    "newcomer": Weighted({"active": 75, "early": 25}.items()),
    "mentor": Weighted({"sustained": 80, "early": 10, "past": 10}.items()),
}
MENTOR_DAYS = Weighted({(365, 730): 30, (730, 1825): 40, (1825, 3650): 20, (3650, 7300): 7, (240, 364): 3}.items())
"""Days since a mentor's last use. A guess; the last row are those who volunteer too early."""

AGE_YEARS = {"65+": (65, 79)}
MENTOR_AGES = ("21-24", "25-29", "30-34", "35-39", "40-44", "45-49", "50-54", "55-64")

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
PARTS_OF_WEEK = {  # days, first hour, last start; by whether the person works
    "evening": (range(5), 17, 20),
    "weekend": (range(5, 7), 9, 18),
    "day": (range(5), 8, 15),
}
WORKING = Weighted({"evening": 60, "weekend": 36, "day": 4}.items())
AT_HOME = Weighted({"evening": 40, "weekend": 22, "day": 38}.items())


class Person(NamedTuple):
    """A member of the cohort: the record behind it, the codes it got, and where its clock stands."""

    id: str
    record: Record
    joined: int  # seconds since 1970, UTC
    clean_days: int | None  # days since the last use at joining; None: still using
    substances: tuple[str, ...]
    disorders: tuple[str, ...]
    utc_hours: int
    profile: dict[str, object]

    @property
    def depressed(self) -> bool:
        """Whether PHQ-9 is asked more often."""
        return any(code.startswith(("F31", "F32", "F33")) for code in self.disorders)


@cache
def records() -> tuple[Record, ...]:
    """The distilled records; read once, at first use."""
    text = files("matcher").joinpath("data", "teds_people.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return tuple(Record(*fields) for fields in lines[1:])


@cache
def newcomer_records() -> Weighted[Record]:
    """Records as likely as among all who start treatment."""
    return Weighted((record, int(record.weight)) for record in records())


@cache
def mentor_records() -> Weighted[Record]:
    """Those who stay: adults whose episode ended as planned, as likely as they are."""
    stayed = (r for r in records() if r.outcome == "completed" and r.age in MENTOR_AGES)
    return Weighted((record, int(record.weight)) for record in stayed)


def newcomer(id: str, joined: int, dice: Dice) -> Person:  # noqa: A002 - the field's word
    """Somebody who starts and seeks a mentor."""
    record = dice.draw(newcomer_records())
    return _person(id, joined, record, _clean_days(record, dice), dice, mentor=False)


def mentor(id: str, joined: int, dice: Dice) -> Person:  # noqa: A002 - the field's word
    """Somebody who has been through it, and comes to help."""
    record = dice.draw(mentor_records())
    return _person(id, joined, record, dice.between(*dice.draw(MENTOR_DAYS)), dice, mentor=True)


def date(at: int, days_before: int = 0) -> str:
    """The day of a moment, or one so many days before it, as ISO 8601."""
    return (datetime.fromtimestamp(at, UTC) - timedelta(days=days_before)).date().isoformat()


def _clean_days(record: Record, dice: Dice) -> int | None:
    if record.use == "none":  # no use in the month before admission
        return dice.between(30, 240)
    return dice.between(1, 29) if dice.percent(EARLY_PERCENT) else None


def _person(id: str, joined: int, record: Record, clean_days: int | None, dice: Dice, *, mentor: bool) -> Person:  # noqa: A002
    gender = _gender(record, dice)
    substances = _substances(record)
    disorders = _disorders(record, gender, dice)
    circumstances = _circumstances(record, dice)
    zone, utc_hours = dice.draw(ZONES)
    experiences = [
        *(_substance(code, joined, clean_days) for code in substances),
        *(_disorder(code, joined, clean_days, dice, mentor=mentor) for code in disorders),
        *({"code": code, "state": "past"} if mentor else {"code": code} for code in circumstances),
    ]
    profile: dict[str, object] = {
        "experiences": experiences,
        "needs": [] if mentor else needs((*substances, *disorders, *circumstances), record, dice),
        "languages": _languages(record, dice, mentor=mentor),
        "hours": _hours(record, dice, windows=dice.between(4, 8) if mentor else dice.between(2, 5)),
        "zone": zone,
        "formats": _formats(zone, dice),
    }
    if gender:
        profile["gender"] = gender
    profile["birth_year"] = _birth_year(record, joined, clean_days if mentor else 0, dice)
    if zone == HOME_ZONE and dice.percent(PLACE_TOLD_PERCENT):
        profile["place"] = _place(dice)
    if not mentor and (wish := _gender_wish(gender, dice)):
        profile["wishes"] = {"mentor_gender": wish}
    profile["seeks_mentor"] = not mentor
    return Person(id, record, joined, clean_days, substances, disorders, utc_hours, profile)


def _gender(record: Record, dice: Dice) -> str | None:
    if dice.percent(NONBINARY_PERCENT):
        return "nonbinary"
    return None if record.gender == "-" else record.gender


def _substances(record: Record) -> tuple[str, ...]:
    told = (record.primary, record.secondary, record.tertiary)
    return tuple(dict.fromkeys(SUBSTANCE_CODES[substance] for substance in told if substance != "-"))


@cache
def _disorder_weights(gender: str) -> Weighted[str]:
    return Weighted(DISORDERS[gender].items())


def _disorders(record: Record, gender: str | None, dice: Dice) -> tuple[str, ...]:
    if record.disorder != "yes":
        return ()
    first = dice.draw(_disorder_weights("woman" if gender == "woman" else "man"))
    trauma = ("F43.10",) if dice.percent(TRAUMA_TOO_PERCENT) else ()
    return tuple(dict.fromkeys((first, *trauma)))


def _circumstances(record: Record, dice: Dice) -> tuple[str, ...]:
    told = []
    if record.living == "homeless":
        told.append(dice.draw(HOMELESS_CODES))
    if record.living == "dependent":
        told.append("Z59.3")
    if record.work == "unemployed":
        told.append("Z56.0")
    if record.referral == "justice":
        told.append("Z65.2" if dice.percent(RELEASED_PERCENT) else "Z65.3")
    if record.veteran == "yes":
        told.append("Z91.82")
    if dice.percent(BEREAVED_PERCENT):
        told.append("Z63.4")
    return tuple(told)


def _substance(code: str, joined: int, clean_days: int | None) -> dict[str, str]:
    if clean_days is None:
        return {"code": code, "state": "active"}
    state = "early" if clean_days < YEAR_DAYS else "sustained"
    return {"code": code, "state": state, "since": date(joined, clean_days)}


def _disorder(code: str, joined: int, clean_days: int | None, dice: Dice, *, mentor: bool) -> dict[str, str]:
    state = dice.draw(DISORDER_STATES["mentor" if mentor else "newcomer"])
    if state == "active":
        return {"code": code, "state": state}
    if state == "early":
        return {"code": code, "state": state, "since": date(joined, dice.between(20, 300))}
    return {"code": code, "state": state, "since": date(joined, max(YEAR_DAYS, (clean_days or 0) - dice.below(200)))}


def needs(codes: tuple[str, ...], record: Record, dice: Dice) -> list[str]:
    """What a person asks help with (or, for a mentor, has learned to live with), in the order of the vocabulary."""
    told = _told(codes, record)
    return [word for word, everybody, those in NEEDS if dice.percent(those if word in told else everybody)]


def _told(codes: tuple[str, ...], record: Record) -> frozenset[str]:
    """The needs that a record itself suggests; only ever asked for membership."""
    disorders = [code for code in codes if "F20" <= code < "G"]
    return frozenset(
        word
        for word, yes in (
            ("cravings", record.use != "none"),
            ("sleep", bool(disorders) or record.use == "daily"),
            ("anxiety", any(code.startswith(("F41", "F43")) for code in disorders)),
            ("trauma", "F43.10" in disorders),
            ("grief", "Z63.4" in codes),
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


def _languages(record: Record, dice: Dice, *, mentor: bool) -> list[str]:
    if not dice.percent(SPANISH_PERCENT[record.hispanic]):
        return ["en"]
    return ["es"] if not mentor and dice.percent(SPANISH_ONLY_PERCENT) else ["en", "es"]


def _hours(record: Record, dice: Dice, windows: int) -> list[int]:
    parts = WORKING if record.work in ("full_time", "part_time") else AT_HOME
    hours: list[int] = []
    for _ in range(windows):
        days, first, last = PARTS_OF_WEEK[dice.draw(parts)]
        start = dice.pick(days) * 24 + dice.between(first, last)
        hours += range(start, start + dice.between(2, 3))
    return sorted(dict.fromkeys(hours))


def _formats(zone: str, dice: Dice) -> list[str]:
    chosen = dice.draw(FORMATS)
    return list(chosen) if zone == HOME_ZONE else ["phone", "video"]


def _birth_year(record: Record, joined: int, recovery_days: int | None, dice: Dice) -> int:
    if record.age in AGE_YEARS:
        youngest, oldest = AGE_YEARS[record.age]
    else:
        youngest, oldest = map(int, record.age.split("-"))
    age = dice.between(youngest, oldest) + (recovery_days or 0) // YEAR_DAYS
    return datetime.fromtimestamp(joined, UTC).year - age


def _place(dice: Dice) -> dict[str, float]:
    def near(middle: float) -> float:
        return round(middle + PLACE_SPREAD_DEGREES * (dice.below(101) + dice.below(101) - 100) / 100, 2)

    return {"lat": near(HOME_PLACE[0]), "lon": near(HOME_PLACE[1])}


def _gender_wish(gender: str | None, dice: Dice) -> list[str] | str | None:
    if gender is None:
        return None
    same, any_gender = WISHES_PERCENT[gender]
    throw = dice.below(100)
    if throw < same:
        return [gender]
    return "any" if throw < same + any_gender else None
