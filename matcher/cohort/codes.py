"""What a record says about lived experience, as ICD-10-CM codes with their states."""

from __future__ import annotations

from functools import cache
from typing import Literal

from matcher.cohort.dice import Dice, Weighted
from matcher.cohort.records import Record
from matcher.instants import DAY, format_instant

Role = Literal["newcomer", "mentor"]
YEAR_DAYS = 365

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
HOMELESS_CODES = Weighted({"Z59.01": 60, "Z59.02": 40}.items())  # sheltered, unsheltered (a guess)
RELEASED_PERCENT = 11  # of justice referrals: prison 2.7 % (TEDS-A 2021) and a fifth of probation or parole (a guess)
BEREAVED_PERCENT = 5  # a guess

DISORDER_STATES: dict[Role, Weighted[str]] = {  # guesses
    "newcomer": Weighted({"active": 75, "early": 25}.items()),
    "mentor": Weighted({"sustained": 80, "early": 10, "past": 10}.items()),
}


def substances(record: Record) -> tuple[str, ...]:
    """Primary, secondary and tertiary substance, each family once."""
    told = (record.primary, record.secondary, record.tertiary)
    return tuple(dict.fromkeys(SUBSTANCE_CODES[substance] for substance in told if substance != "-"))


@cache
def _disorder_weights(gender: str) -> Weighted[str]:
    return Weighted(DISORDERS[gender].items())


def disorders(record: Record, gender: str | None, dice: Dice) -> tuple[str, ...]:
    """Which disorder it is that the record says is there; none when it says no or is silent."""
    if record.disorder != "yes":
        return ()
    first = dice.draw(_disorder_weights("woman" if gender == "woman" else "man"))
    trauma = ("F43.10",) if dice.percent(TRAUMA_TOO_PERCENT) else ()
    return tuple(dict.fromkeys((first, *trauma)))


def circumstances(record: Record, dice: Dice) -> tuple[str, ...]:
    """Housing, work, law, service and loss."""
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


def substance_use(code: str, joined: int, clean_days: int | None) -> dict[str, str]:
    """The experience with a substance of somebody whose last use was so many days before joining (None: goes on)."""
    if clean_days is None:
        return {"code": code, "state": "active"}
    state = "early" if clean_days < YEAR_DAYS else "sustained"
    return {"code": code, "state": state, "since": date(joined - clean_days * DAY)}


def disorder(code: str, joined: int, clean_days: int | None, role: Role, dice: Dice) -> dict[str, str]:
    """The experience with a mental disorder; it heals with the recovery from use, or a little later."""
    state = dice.draw(DISORDER_STATES[role])
    if state == "active":
        return {"code": code, "state": state}
    days = dice.between(20, 300) if state == "early" else max(YEAR_DAYS, (clean_days or 0) - dice.below(200))
    return {"code": code, "state": state, "since": date(joined - days * DAY)}


def circumstance(code: str, role: Role) -> dict[str, str]:
    """The experience with a circumstance: where a newcomer stands, and what a mentor has left behind."""
    return {"code": code, "state": "past"} if role == "mentor" else {"code": code}


def date(at: int) -> str:
    """The day of a moment, in UTC."""
    return format_instant(at)[:10]
