"""The records that people are drawn from: one episode of treatment each, with what was known about the person."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from matcher.cohort.dice import Weighted

MENTOR_AGES = ("21-24", "25-29", "30-34", "35-39", "40-44", "45-49", "50-54", "55-64")  # at treatment, years ago


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
