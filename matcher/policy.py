"""Every number that a program may change, with its unit, default, reason and source.

One TOML holds them: top-level tables are the default for all programs, ``[programs.<id>.<table>]`` overrides for one.
An unknown key or a number out of its bounds is refused. The policy in force is a fact of the program
(``policy.adopted``, with the whole text), so a reader of the journal needs no file.

Units come last in names. Where no source exists, the source says that the number is a guess.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from matcher.errors import PolicyError, SafeHalt, code
from matcher.ids import ID_PATTERN

POLICY_UNREADABLE = code("KND-policy-unreadable", "The policy file is not TOML. Mend the line that the message names.")
POLICY_WRONG = code(
    "KND-policy-wrong",
    "A key of the policy is not known, or its value is not allowed. `kindred policy show` lists every key.",
)

POLICY_OTHER = code(
    "KND-policy-other",
    "The journal holds a policy of another version of Kindred, not readable by this one. Upgrade; nothing is damaged.",
)

GUESS = "a guess: no source found"
UNIT_MAX = {
    "days": 36_525, "hours": 8_784, "minutes": 1_440, "years": 120, "newcomers": 50, "kilometres": 20_000,
    "per mille": 1_000, "per cent": 100, "points": 1_000, "millionths of fit": 1_500_000,
}  # fmt: skip
"""The largest number of each unit: above it is a slip of the keyboard, and instants would be no dates any more."""


def number(default: Any, reason: str, unit: str, source: str = GUESS, **bounds: Any) -> Any:
    """A field of the policy: default, why it is so, its unit and where it comes from."""
    if isinstance(default, int) and not isinstance(default, bool):
        bounds.setdefault("le", UNIT_MAX[unit])
    return Field(default, description=reason, json_schema_extra={"unit": unit, "source": source}, **bounds)


Days = Annotated[int, Field(ge=1, le=UNIT_MAX["days"])]
Hours = Annotated[int, Field(ge=1, le=UNIT_MAX["hours"])]


class Table(BaseModel):
    """Base of the policy's tables: frozen and closed, and `true` is no number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ProgramTable(Table):
    """What kind of program this is."""

    start: Literal["at_once", "when_told"] = number(
        "at_once", "`when_told`: existing pairs come in first; nothing is proposed until program.started.", "word"
    )
    minors: bool = number(
        False, "Newcomers under 18 need a program made for them, which cannot be had yet.", "yes/no", "care: safety"
    )

    @model_validator(mode="after")
    def _adults_only(self) -> ProgramTable:
        if self.minors:
            raise ValueError(
                "a program for minors needs mentors cleared for youth and a guardian's or their own lawful consent on "
                "record, which this version cannot hold"
            )
        return self


class ReviewTable(Table):
    """Who decides on a pair: the plan at once, or a coordinator."""

    mode: Literal["automatic", "tiered", "staged"] = number(
        "tiered", "Low risk is paired at once, the rest is proposed to a coordinator.", "word", "contract §6"
    )
    automatic_points_max: int = number(1, "A pair with more risk points than this goes to a person.", "points", ge=0)
    automatic_fit_min: int = number(
        350_000, "A pair with a lower fit goes to a person.", "millionths of fit", ge=0, le=1_000_000
    )
    hold_hours: int = number(24, "How long `hold` pins a pair.", "hours", ge=1, le=720)
    pin_minutes: int = number(
        15, "An opened card stays as it is for this long; 0: it may change at any time.", "minutes", ge=0, le=240
    )
    slip_days: int = number(30, "A setback is recent for this long.", "days", ge=0, le=366)
    recall_hours: int = number(
        24, "A pair can be taken back for this long without an ending: until the two are usually in touch.", "hours",
        ge=0, le=720,
    )  # fmt: skip


class RiskTable(Table):
    """Risk points of a pair, by reason; a pair with too many is proposed to a coordinator instead of made at once."""

    first_time_mentor: int = number(1, "The mentor has not had anyone yet: fine alone, not with more.", "points", ge=0)
    age_unknown: int = number(9, "The year of birth is not known: ask before pairing.", "points", "care: safety", ge=0)
    gender_not_asked: int = number(
        9,
        "Nobody asked for the wish on gender, and it differs or is unknown.",
        "points",
        "care: Bogart & Pearce 2003",
        ge=0,
    )
    waiver: int = number(9, "The mentor is eligible only by a waiver.", "points", ge=0)
    recent_slip: int = number(1, "One of the two slipped lately.", "points", ge=0)
    distress: int = number(9, "The newcomer is in distress: a person first.", "points", "care: safety", ge=0)
    low_fit: int = number(9, "The fit is under the automatic line.", "points", ge=0)


class MentorTable(Table):
    """Who may mentor."""

    recovery_days: int = number(
        365,
        "Time in sustained recovery; stable on medication counts.",
        "days",
        "AA sponsorship guide; Cancer Hope Network",
        ge=0,
    )
    ahead_days: int = number(180, "The role model must have come further than the newcomer.", "days", ge=0)
    training_required: bool = number(True, "Trained before new pairs.", "yes/no", "NAADAC; IC&RC")
    supervision_days: int = number(
        31, "Supervised within this time for new pairs; a lapse never ends a pair.", "days",
        "Prev Sci 2021;22:334: strongest predictor of matches that last", ge=1,
    )  # fmt: skip
    capacity_default: int = number(2, "Newcomers at the same time, when the mentor says nothing.", "newcomers", ge=0)
    capacity_max: int = number(3, "Most newcomers at the same time.", "newcomers", ge=1, le=50)
    age_min_years: int = number(18, "Mentors are adults.", "years", "care: safety", ge=18)
    lapse_pause_days: int = number(
        90, "Intake after a mentor's lapse; a relapse starts the recovery time anew.", "days", ge=0
    )
    distress_days: int = number(
        14, "No new pairs this long after distress, unless it is settled earlier.", "days", ge=1
    )


class FitTable(Table):
    """Weights of the fit's terms, per mille; they add up to 1000."""

    experience: int = number(
        400, "Shared lived experience carries the score.", "per mille", "Eby et al. 2013, N = 40,737: .38-.59", ge=0
    )
    distance: int = number(120, "A role model who is ahead, but not a lifetime.", "per mille", ge=0)
    strategies: int = number(160, "The mentor has ways for what the newcomer needs.", "per mille", ge=0)
    hours: int = number(100, "Time in common.", "per mille", ge=0)
    language: int = number(60, "The newcomer's first language, not only one in common.", "per mille", ge=0)
    format: int = number(40, "The newcomer's first way of talking.", "per mille", ge=0)
    place: int = number(40, "Near enough to meet.", "per mille", ge=0)
    spread: int = number(
        80,
        "First pairs go to stable mentors who have none: helpers relapse less.",
        "per mille",
        "Pagano 2004, PMC3008319",
        ge=0,
    )

    @model_validator(mode="after")
    def _whole(self) -> FitTable:
        if sum(getattr(self, name) for name in type(self).model_fields) != 1000:
            raise ValueError("the weights of [fit] add up to 1000")
        return self


class QualityTable(Table):
    """QUALITY blockers, and how they widen while somebody waits."""

    fit_min: int = number(150_000, "Least fit of a pair.", "millionths of fit", ge=0, le=1_000_000)
    hours_min: int = number(1, "Least hours of the week in common, where both stated theirs.", "hours", ge=0, le=168)
    distance_max_km: int = number(50, "Farthest, when in person is the only way.", "kilometres", ge=1)
    widen_after_days: tuple[Days, ...] = number(
        (2, 7, 14), "At each of these days of waiting the three numbers above widen by one step.", "days", max_length=6
    )
    widen_percent: int = number(
        50, "A step takes this share off least fit and hours, and adds it to the distance.", "per cent", ge=0, le=100
    )


class WaitingTable(Table):
    """What it is worth to pair somebody, above the fit; it grows in steps while they wait."""

    overdue_hours: int = number(
        24, "Who waits for longer is overdue, and comes first in the queue.", "hours",
        "care: most relapses fall into the first 30-90 days", ge=1,
    )  # fmt: skip
    worth_start: int = number(
        1_000_000, "Worth of pairing anybody at all: as much as a perfect fit.", "millionths of fit", ge=0, le=1_500_000
    )
    worth_step: int = number(100_000, "Added at each step of waiting.", "millionths of fit", ge=0, le=100_000)
    step_hours: tuple[Hours, ...] = number(
        (12, 24, 48, 72, 120, 168, 240, 336, 504, 720), "When the steps come, in hours of waiting; at most 12.",
        "hours",
        "most relapses fall into the first 30-90 days", max_length=12,
    )  # fmt: skip

    @model_validator(mode="after")
    def _rising(self) -> WaitingTable:
        if list(self.step_hours) != sorted(set(self.step_hours)):
            raise ValueError("waiting.step_hours rises")
        return self


class ConsentTable(Table):
    """What must be on record before somebody is paired."""

    recorded_required: bool = number(
        False,
        "Seeking a mentor is asking to be matched; true: a consent.granted for matching must be on record.",
        "yes/no",
    )


class WaiverTable(Table):
    """Which SAFETY rules a coordinator may lift, with a reason and an end."""

    allowed: tuple[Literal["recovery_time", "training_lapsed", "supervision_lapsed"], ...] = number(
        ("recovery_time",), "Fixed time alone is inflexible.", "rules", "Hazelden Betty Ford"
    )
    days_max: int = number(180, "A waiver ends after at most this long.", "days", ge=1, le=366)


class AlertTable(Table):
    """When somebody should look after a person.

    Fixed is how soon by level, and that a report, and what cannot wait, stands until somebody has dealt with it.
    """

    silence_days: int = number(
        14,
        "Nothing heard of a newcomer for this long, and again after as long.",
        "days",
        "care: quarterly check-ups shorten the way back (PMC2695999); 14 is a guess",
        ge=1,
    )
    no_contact_hours: int = number(
        72,
        "Paired for this long without any contact on record.",
        "hours",
        "care: what users of other programmes complain of (Coding-Coach #869, womenrising #49)",
        ge=1,
    )
    slip_days: int = number(
        14, "A setback is something to look after for this long; then it is history.", "days", ge=1, le=366
    )
    distress_days: int = number(
        14, "Distress that can wait is something to look after for this long; what cannot wait stands until resolved.",
        "days", ge=1, le=366,
    )  # fmt: skip
    deadly_slip_hours: int = number(
        4, "A person by then after a slip with an opioid, a sedative or something unnamed, or soon after treatment.",
        "hours", ge=0, le=24,
    )  # fmt: skip
    tolerance_days: int = number(
        14, "After a discharge any slip with a substance is as dangerous for this long: tolerance is lost.", "days",
        "care: overdose; 14 is a guess", ge=0, le=366,
    )  # fmt: skip


class ClockTable(Table):
    """Which times are believed."""

    jump_days_max: int = number(
        366, "An event further ahead of the program's clock is a mistake.", "days", ge=1, le=3_660
    )
    ahead_minutes_max: int = number(
        5, "With the wall clock, an event further ahead of its arrival is a mistake.", "minutes", ge=0
    )


class Policy(Table):
    """All numbers of one program."""

    program: ProgramTable = ProgramTable()
    review: ReviewTable = ReviewTable()
    risk: RiskTable = RiskTable()
    mentor: MentorTable = MentorTable()
    fit: FitTable = FitTable()
    quality: QualityTable = QualityTable()
    waiting: WaitingTable = WaitingTable()
    consent: ConsentTable = ConsentTable()
    waiver: WaiverTable = WaiverTable()
    alert: AlertTable = AlertTable()
    clock: ClockTable = ClockTable()

    def text(self) -> str:
        """The whole policy as canonical JSON: what ``policy.adopted`` carries."""
        return self.model_dump_json()

    def digest(self) -> str:
        """SHA-256 of the text, to tell whether two policies are the same."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    @staticmethod
    @lru_cache(maxsize=64)
    def from_text(text: str) -> Policy:
        """The policy that a ``policy.adopted`` fact carries. Raises SafeHalt for one that this version cannot read."""
        try:
            return Policy.model_validate_json(text)
        except ValidationError:
            raise SafeHalt(
                POLICY_OTHER, "an adopted policy has keys unknown to this version: upgrade Kindred"
            ) from None


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """The default policy and the programs that differ from it."""

    default: Policy
    programs: Mapping[str, Policy]

    def of(self, program: str) -> Policy:
        """The policy of a program."""
        return self.programs.get(program, self.default)


def read_policy(text: str, *, where: str = "the policy") -> PolicyBook:
    """The policies that a TOML text describes; `where` names its origin in errors. Raises PolicyError."""
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as trouble:  # the parser's own, a number too long, tables too deep
        raise PolicyError(POLICY_UNREADABLE, f"{where} is not TOML: {trouble}") from None
    overrides = tables.pop("programs", {})
    if not isinstance(overrides, dict) or not all(isinstance(tables_, dict) for tables_ in overrides.values()):
        raise PolicyError(POLICY_WRONG, f"{where}: programs: write overrides as [programs.<id>.<table>]")
    default = _policy(tables, where)
    if wrong := sorted(name for name in overrides if not re.match(ID_PATTERN, name)):
        raise PolicyError(POLICY_WRONG, f"{where}: programs: {wrong[0]!r} is not a program's id")
    return PolicyBook(
        default, {name: _policy(_merged(tables, own), f"{where}: programs.{name}") for name, own in overrides.items()}
    )


def _policy(tables: Mapping[str, object], where: str) -> Policy:
    try:
        return Policy.model_validate({name: _with_tuples(table) for name, table in tables.items()})
    except ValidationError as trouble:
        first = trouble.errors(include_url=False)[0]
        key = ".".join(str(step) for step in first["loc"])
        raise PolicyError(
            POLICY_WRONG, f"{where}: {key}: {first['msg']}; `kindred policy show` lists every key"
        ) from None


def _with_tuples(table: object) -> object:
    if not isinstance(table, dict):
        return table
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _merged(base: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    merged = dict(base)
    for name, table in own.items():
        under = merged.get(name)
        merged[name] = {**under, **table} if isinstance(under, dict) and isinstance(table, dict) else table
    return merged


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One number of the policy, for people to read."""

    key: str
    value: str
    default: str
    unit: str
    reason: str
    source: str


def policy_rows(policy: Policy) -> Iterator[PolicyRow]:
    """Every number of a policy with its default, unit, reason and source, in the order of the tables."""
    plain = Policy()
    for table_name in Policy.model_fields:
        table = getattr(policy, table_name)
        for name, field in type(table).model_fields.items():
            extra = field.json_schema_extra
            about = extra if isinstance(extra, dict) else {}
            default = getattr(getattr(plain, table_name), name)
            yield PolicyRow(
                f"{table_name}.{name}", _shown(getattr(table, name)), _shown(default),
                str(about.get("unit", "")), field.description or "", str(about.get("source", "")),
            )  # fmt: skip


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    return str(value)
