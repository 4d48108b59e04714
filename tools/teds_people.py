"""Distil ``matcher/data/teds_people.tsv`` from SAMHSA's Treatment Episode Data Set.

Run ``python tools/teds_people.py DISCHARGES.csv MARGINALS.csv > matcher/data/teds_people.tsv``.

DISCHARGES is a sample of labelled discharge episodes of 2023 (TEDS-D), MARGINALS the published counts of the
admissions of 2021 (TEDS-A: year, variable, code, count). Records keep their joint structure; their weights are
raked (iterative proportional fitting), so that the weighted shares of eleven variables equal those of 2021 among known
values. Minors are brought down to ``MINORS_PER_MILLE``: a program for adults meets them rarely, but does.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

MINORS_PER_MILLE = 5  # 2.1 % of the admissions of 2021; most of them go to programs of their own (a guess)
WEIGHT_TOTAL = 1_000_000
RAKING_ROUNDS = 200  # the margins stand still after about thirty

UNKNOWN = "-"
SUBSTANCES = {
    "Alcohol": "alcohol",
    "Heroin": "heroin",
    "Other opiates/synthetics": "opioid",
    "Non-Rx methadone": "opioid",
    "Marijuana/hashish": "cannabis",
    "Cocaine/crack": "cocaine",
    "Methamphetamine/speed": "methamphetamine",
    "Other amphetamines": "stimulant",
    "Other stimulants": "stimulant",
    "Benzodiazepines": "sedative",
    "Other sedatives/hypnotics": "sedative",
    "Hallucinogens": "hallucinogen",
    "PCP": "hallucinogen",
    "Inhalants": "inhalant",
    "OTC medications": "other",
    "Other drugs": "other",
}
YES_NO = {"Yes": "yes", "No": "no"}
SERVICES = {
    "Detox 24hr Residential": "detox",
    "Detox 24hr Hospital": "detox",
    "Outpatient Detox": "outpatient",
    "Rehab Short-term (≤30 days)": "residential",
    "Rehab Long-term (>30 days)": "residential",
    "Rehab Hospital": "residential",
    "Intensive Outpatient": "outpatient",
    "Non-intensive Outpatient": "outpatient",
}
COLUMNS: dict[str, tuple[str, Mapping[str, str]]] = {
    "age": ("age_group", {}),
    "gender": ("sex", {"Male": "man", "Female": "woman"}),
    "primary": ("primary_substance_admit", SUBSTANCES),
    "secondary": ("secondary_substance_admit", SUBSTANCES),
    "tertiary": ("tertiary_substance_admit", SUBSTANCES),
    "use": (
        "frequency_primary_admit",
        {"No use past month": "none", "Some use": "some", "Daily use": "daily"},
    ),
    "disorder": ("has_cooccurring_mental_health", YES_NO),
    "living": (
        "living_arrangement_admit",
        {"Homeless": "homeless", "Dependent living": "dependent", "Independent living": "independent"},
    ),
    "work": (
        "employment_admit",
        {"Full-time": "full_time", "Part-time": "part_time", "Unemployed": "unemployed", "Not in labor force": "none"},
    ),
    "referral": (
        "referral_source",
        {
            "Self/Individual": "self",
            "Alcohol/drug provider": "provider",
            "Other healthcare": "health",
            "School": "school",
            "Employer/EAP": "employer",
            "Other community": "community",
            "Criminal justice/DUI/DWI": "justice",
        },
    ),
    "veteran": ("veteran_status", YES_NO),
    "prior": ("prior_treatments", {"No prior": "no", "One prior": "yes"}),
    "self_help": (
        "self_help_attendance_admit",
        {
            "No attendance": "no",
            "1-3 times/month": "yes",
            "4-7 times/month": "yes",
            "8-30 times/month": "yes",
            "Some attendance, frequency unknown": "yes",
        },
    ),
    "medication": ("medication_assisted_therapy", YES_NO),
    "hispanic": (
        "ethnicity",
        {
            "Not Hispanic/Latino": "no",
            "Mexican": "yes",
            "Cuban/Other Hispanic": "yes",
            "Hispanic, unspecified": "yes",
            "Puerto Rican": "yes",
        },
    ),
    "service": ("service_type_admit", SERVICES),
    "outcome": (
        "discharge_reason",
        {
            "Treatment completed": "completed",
            "Dropped out": "dropped_out",
            "Transferred": "transferred",
            "Terminated by facility": "terminated",
            "Incarcerated": "custody",
            "Death": "died",
            "Other": "other",
        },
    ),
}
"""Column of the distilled file → column of the discharges and what its labels become (none: the label itself)."""

AGES = ("12-14", "15-17", "18-20", "21-24", "25-29", "30-34", "35-39", "40-44", "45-49", "50-54", "55-64", "65+")
MINORS = AGES[:2]
MARGINS: dict[str, tuple[str, Mapping[str, str]]] = {
    "age": ("AGE", {str(i): age for i, age in enumerate(AGES, 1)}),
    "gender": ("GENDER", {"1": "man", "2": "woman"}),
    "primary": (
        "SUB1",
        {"2": "alcohol", "3": "cocaine", "4": "cannabis", "5": "heroin", "6": "opioid", "7": "opioid"}
        | {"8": "hallucinogen", "9": "hallucinogen", "10": "methamphetamine", "11": "stimulant", "12": "stimulant"}
        | dict.fromkeys(("13", "14", "15", "16"), "sedative")
        | {"17": "inhalant", "18": "other", "19": "other"},
    ),
    "use": ("FREQ1", {"1": "none", "2": "some", "3": "daily"}),
    "disorder": ("PSYPROB", {"1": "yes", "2": "no"}),
    "living": ("LIVARAG", {"1": "homeless", "2": "dependent", "3": "independent"}),
    "work": ("EMPLOY", {"1": "full_time", "2": "part_time", "3": "unemployed", "4": "none"}),
    "veteran": ("VET", {"1": "yes", "2": "no"}),
    "prior": ("NOPRIOR", {"0": "no"} | dict.fromkeys("12345", "yes")),
    "self_help": ("FREQ_ATND_SELF_HELP", {"1": "no"} | dict.fromkeys("2345", "yes")),
    "second": ("SUB2", {"1": "no"} | dict.fromkeys(map(str, range(2, 20)), "yes")),
}
"""What is raked → variable of the marginals and what its codes become; other codes are unknown."""

Person = dict[str, str]


def people(path: Path) -> list[Person]:
    """Every discharge with a known primary substance, sorted, in the words of ``COLUMNS``."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    distilled = [
        {name: (words.get(row[column], UNKNOWN) if words else row[column]) for name, (column, words) in COLUMNS.items()}
        for row in rows
    ]
    return sorted((p for p in distilled if p["primary"] != UNKNOWN), key=lambda p: list(p.values()))


def targets(path: Path) -> dict[str, dict[str, float]]:
    """Column → value → its share of the known values among the admissions of 2021."""
    counts: dict[str, dict[str, float]] = {name: {} for name in MARGINS}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for name, (variable, words) in MARGINS.items():
                if row["year"] == "2021" and row["variable"] == variable and row["code"] in words:
                    value = words[row["code"]]
                    counts[name][value] = counts[name].get(value, 0.0) + float(row["count"])
    shares = {name: {v: n / sum(values.values()) for v, n in values.items()} for name, values in counts.items()}
    shares["age"] = _few_minors(shares["age"])
    return shares


def _few_minors(ages: Mapping[str, float]) -> dict[str, float]:
    young = sum(ages[age] for age in MINORS)
    kept = MINORS_PER_MILLE / 1000
    return {age: s * (kept / young if age in MINORS else (1 - kept) / (1 - young)) for age, s in ages.items()}


def _value(person: Person, variable: str) -> str:
    if variable == "second":  # whether there is a second substance at all
        return "no" if person["secondary"] == UNKNOWN else "yes"
    return person[variable]


def rake(persons: list[Person], shares: Mapping[str, Mapping[str, float]]) -> list[int]:
    """Weights that sum to about ``WEIGHT_TOTAL`` and give each variable its shares among the known values."""
    weights = [1.0] * len(persons)
    for _ in range(RAKING_ROUNDS):
        for name, wanted in shares.items():
            held: dict[str, float] = dict.fromkeys(wanted, 0.0)
            for person, weight in zip(persons, weights, strict=True):
                if _value(person, name) in held:
                    held[_value(person, name)] += weight
            known = sum(held.values())
            present = sum(share for value, share in wanted.items() if held[value])
            factor = {v: wanted[v] * known / present / held[v] for v in wanted if held[v]}
            weights = [w * factor.get(_value(p, name), 1.0) for p, w in zip(persons, weights, strict=True)]
    scale = WEIGHT_TOTAL / sum(weights)
    return [max(1, round(weight * scale)) for weight in weights]


def main() -> None:
    """Write the distilled file to standard output."""
    discharges, marginals = (Path(argument) for argument in sys.argv[1:3])
    persons = people(discharges)
    weights = rake(persons, targets(marginals))
    out = sys.stdout
    out.write("# People who start treatment: one discharge episode a line, raked to the admissions of 2021.\n")
    out.write("# Source: SAMHSA, Treatment Episode Data Set, TEDS-D 2023 (sample) and TEDS-A 2021. Public domain.\n")
    out.write("# For statistics only: never try to identify anybody. Made by tools/teds_people.py.\n")
    out.write("\t".join(["weight", *COLUMNS]) + "\n")
    for person, weight in zip(persons, weights, strict=True):
        out.write("\t".join([str(weight), *person.values()]) + "\n")


if __name__ == "__main__":
    main()
