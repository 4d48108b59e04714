"""Policy: every number that holds, with its unit, its reason and where it comes from."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from pydantic import BaseModel

from dashboard.frame import Ask, Page, Role
from matcher.policy import PolicyRow, policy_rows
from matcher.program import Program

READERS: Final = frozenset[Role]({"coordinator", "lead", "admin"})
TITLES: Final = {
    "program": "The program",
    "review": "Who decides on a pair",
    "risk": "Risk points of a pair",
    "mentor": "Who may mentor",
    "fit": "How the fit is made up",
    "quality": "How much two people must have in common",
    "waiting": "What waiting is worth",
    "consent": "Consent",
    "waiver": "Waivers",
    "alert": "When somebody should look after a person",
    "clock": "Which times are believed",
}


class Number(BaseModel):
    """One number of the policy."""

    key: str
    value: str
    default: str
    unit: str
    reason: str
    source: str
    is_guess: bool


class Table(BaseModel):
    """Numbers that belong together."""

    name: str
    title: str
    numbers: list[Number]


class Adopted(BaseModel):
    """The policy of a program."""

    program: str
    digest: str
    changed: int
    """How many numbers differ from the defaults."""

    tables: list[Table]


class Policies(BaseModel):
    """The policies in force."""

    programs: list[Adopted]


def view(ask: Ask) -> Policies:
    """The policies of the account's programs, as their journals have them."""
    return Policies(programs=[_adopted(program) for program in ask.programs.values()])


def _adopted(program: Program) -> Adopted:
    rows = list(policy_rows(program.policy))
    tables = [
        Table(name=name, title=TITLES.get(name, name), numbers=[_number(row) for row in found])
        for name, found in groupby(rows, key=lambda row: row.key.partition(".")[0])
    ]
    return Adopted(
        program=program.id,
        digest=program.policy.digest()[:12],
        changed=sum(row.value != row.default for row in rows),
        tables=tables,
    )


def _number(row: PolicyRow) -> Number:
    return Number(
        key=row.key,
        value=row.value,
        default=row.default,
        unit=row.unit,
        reason=row.reason,
        source=row.source,
        is_guess=row.source.startswith("a guess"),
    )


PAGE = Page("/policy", "Policy", READERS, view, "policy.html", nav="more", order=40)
