"""The people of a cohort are those of the treatment data: in each share, and in what goes together."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from matcher.cohort import cohort
from matcher.cohort.codes import DISORDERS, HOMELESS_CODES, SUBSTANCE_CODES
from matcher.cohort.dice import Dice
from matcher.cohort.people import Person, newcomer
from matcher.cohort.records import Record, records
from matcher.instants import DAY, parse_instant

END = parse_instant("2026-01-01T00:00:00Z")
PEOPLE = 6_000
TOLERANCE = 0.02  # three standard errors of a share of one half among 6,000 people


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return [newcomer(END, Dice(f"calibration/{number}")) for number in range(PEOPLE)]


@pytest.fixture(scope="module")
def half_a_year() -> list[dict[str, Any]]:
    return list(cohort(members=2_000, mentors=0, days=180, seed=5))


@pytest.mark.parametrize(
    ("column", "values", "share"),
    [
        ("primary", ["alcohol"], 0.359),
        ("primary", ["heroin"], 0.208),
        ("primary", ["methamphetamine"], 0.139),
        ("primary", ["cannabis"], 0.106),
        ("primary", ["opioid"], 0.094),
        ("primary", ["cocaine"], 0.058),
        ("gender", ["man"], 0.654),
        ("disorder", ["yes"], 0.409),
        ("veteran", ["yes"], 0.030),
        ("living", ["homeless"], 0.171),
        ("living", ["dependent"], 0.171),
        ("living", ["independent"], 0.658),
        ("self_help", ["yes"], 0.215),
        ("prior", ["no"], 0.340),
        ("age", ["12-14", "15-17"], 0.005),
    ],
)
def test_shares_of_known_values_are_those_of_the_admissions_of_2021(
    people: list[Person], column: str, values: list[str], share: float
) -> None:
    known = [value for person in people if (value := getattr(person.record, column)) != "-"]
    assert abs(sum(value in values for value in known) / len(known) - share) < TOLERANCE


def test_a_second_substance_is_as_common_as_in_2021(people: list[Person]) -> None:
    assert abs(sum(person.record.secondary != "-" for person in people) / PEOPLE - 0.468) < TOLERANCE


Answer = Callable[[Record], bool | None]


def says(column: str, value: str) -> Answer:
    def answer(record: Record) -> bool | None:
        told = getattr(record, column)
        return None if told == "-" else told == value

    return answer


def log_odds_ratio(some: Iterable[Record], one: Answer, other: Answer) -> float:
    table: Counter[tuple[bool | None, bool | None]] = Counter((one(record), other(record)) for record in some)
    return math.log(table[True, True] * table[False, False] / (table[True, False] * table[False, True]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("primary", "heroin"), ("disorder", "yes")),
        (("primary", "methamphetamine"), ("living", "homeless")),
        (("primary", "heroin"), ("medication", "yes")),
        (("primary", "cannabis"), ("referral", "justice")),
        (("primary", "heroin"), ("prior", "yes")),
        (("gender", "woman"), ("disorder", "yes")),
    ],
)
def test_what_goes_together_in_the_records_goes_together_in_the_cohort(
    people: list[Person], one: tuple[str, str], other: tuple[str, str]
) -> None:
    in_records = log_odds_ratio(records(), says(*one), says(*other))
    in_cohort = log_odds_ratio((person.record for person in people), says(*one), says(*other))
    assert abs(in_cohort - in_records) < 0.3  # raking to the margins of another year moves them a little


def test_codes_follow_the_record(people: list[Person]) -> None:
    for person in people[:1_000]:
        record = person.record
        codes = [experience["code"] for experience in person.profile["experiences"]]  # type: ignore[attr-defined]
        assert codes[0] == SUBSTANCE_CODES[record.primary]
        assert any(code[:2] in ("F2", "F3", "F4", "F6", "F9") for code in codes) == (record.disorder == "yes")
        assert bool({"Z59.01", "Z59.02"} & set(codes)) == (record.living == "homeless")
        assert bool({"Z65.2", "Z65.3"} & set(codes)) == (record.referral == "justice")
        assert ("Z91.82" in codes) == (record.veteran == "yes")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside the package
def test_every_code_is_in_icd_10_cm() -> None:
    import simple_icd_10_cm as icd

    circumstances = [*HOMELESS_CODES.things, "Z59.3", "Z56.0", "Z65.2", "Z65.3", "Z91.82", "Z63.4"]
    for code in [*SUBSTANCE_CODES.values(), *DISORDERS["man"], *DISORDERS["woman"], "F43.10", *circumstances]:
        assert icd.is_valid_item(code), code
        assert icd.is_leaf(code), code


@pytest.mark.slow
def test_over_half_slip_within_three_months(half_a_year: list[dict[str, Any]]) -> None:
    joined: dict[str, int] = {}
    left: set[str] = set()
    first_slip: dict[str, int] = {}
    for event in half_a_year:
        who, at = event["subject"], parse_instant(event["time"])
        if event["type"] == "kindred.member.joined.v1":
            joined[who] = at
        elif event["type"] == "kindred.member.left.v1":
            left.add(who)
        elif event["type"] == "kindred.progress.setback.v1":
            first_slip.setdefault(who, at)
    followed = [who for who, at in joined.items() if at < END - 92 * DAY and who not in left]
    slipped = sum(first_slip.get(who, END) < joined[who] + 91 * DAY for who in followed)
    assert 0.5 < slipped / len(followed) < 0.65


@pytest.mark.slow
def test_alerts_now_stay_under_two_per_thousand_members_a_day(half_a_year: list[dict[str, Any]]) -> None:
    since: dict[str, int] = defaultdict(lambda: END)
    until: dict[str, int] = defaultdict(lambda: END)
    now = 0
    for event in half_a_year:
        what, data = event["type"], event["data"]
        if what == "kindred.member.joined.v1":
            since[event["subject"]] = parse_instant(event["time"])
        elif what == "kindred.member.left.v1":
            until[event["subject"]] = parse_instant(event["time"])
        now += data.get("level") == "high" or (data.get("instrument") == "PHQ-9" and data["items"][8] >= 2)
    days = sum(until[who] - since[who] for who in list(since)) / DAY
    assert 0.2 < 1_000 * now / days < 2
