"""What people share: the table, the closure, and SimGIC beside an oracle on sets and fractions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from importlib.resources import files
from itertools import chain, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.errors import Refused
from matcher.pairing.judge import NOBODY, Judge
from matcher.pairing.setting import TERMS
from matcher.people.experience import (
    DUAL,
    MILLION,
    Taxonomy,
    family,
    is_circumstance,
    is_disorder,
    is_substance,
    taxonomy,
)
from matcher.people.member import Member
from matcher.people.profile import Profile
from matcher.people.record import Rows
from matcher.people.recovery import Recovery, Stated
from matcher.people.roster import Roster
from matcher.policy import Policy


def table_rows() -> Iterator[list[str]]:
    table = files("matcher").joinpath("data", "icd10cm.tsv").read_text(encoding="utf-8")
    return (line.split("\t") for line in table.splitlines() if not line.startswith(("#", "code\t")))


ROWS = {code: (parent, ic, words) for code, parent, ic, words in table_rows()}
CODES = sorted(code for code in ROWS if code != DUAL and "-" not in code)
EXPERIENCES = st.lists(st.sampled_from(CODES), max_size=8)
EVERYDAY = st.lists(st.sampled_from(["F10.20", "F10.21", "F11.20", "F14.20", "F17.210", "F32.9", "F43.10", "Z59.0"]))


def similarity(a: str, b: str) -> int:
    known = taxonomy()
    return known.similarity(known.closure(a.split()), known.closure(b.split()))


def oracle(a: list[str], b: list[str]) -> Fraction:
    """SimGIC by its definition, on codes read from the table, sharing nothing with the taxonomy."""
    shared, union = nodes(a) & nodes(b), nodes(a) | nodes(b)
    weigh = sum(int(ROWS[code][1]) for code in union)
    return Fraction(sum(int(ROWS[code][1]) for code in shared), weigh) if weigh else Fraction(0)


def nodes(codes: list[str]) -> set[str]:
    found = set(chain.from_iterable(walk_up(code) for code in codes))
    addicted = any("F10" <= code[:3] <= "F19" and code[:3] != "F17" for code in codes)
    ill = any(code[:3] < "F10" or "F20" <= code[:3] <= "F99" for code in codes if code[0] == "F")
    return found | ({DUAL} if addicted and ill else set())


def walk_up(code: str) -> Iterator[str]:
    while code:
        parent, ic, _ = ROWS[code]
        if ic != "=":
            yield code
        code = parent


@given(EXPERIENCES | EVERYDAY, EXPERIENCES | EVERYDAY)
def test_similarity_is_simgic_rounded_down(a: list[str], b: list[str]) -> None:
    assert similarity(" ".join(a), " ".join(b)) == oracle(a, b) * MILLION // 1


@pytest.mark.slow
@given(st.lists(EXPERIENCES | EVERYDAY, min_size=1, max_size=12), EXPERIENCES | EVERYDAY)
@settings(deadline=None)
def test_people_are_as_similar_in_a_roster_as_one_by_one(others: list[list[str]], codes: list[str]) -> None:
    _agrees([codes, *others])


def test_a_roster_grows_with_people_who_have_lived_through_ever_more() -> None:
    _agrees([CODES[::7][:count] for count in range(80)])


def _agrees(lived: list[list[str]]) -> None:
    known, roster, policy = taxonomy(), Roster(), Policy()
    for number, codes in enumerate(lived):
        profile = Profile(tuple(Stated(code, "past", None) for code in codes))
        roster.write(Member(f"m-{number}", 0, profile, Recovery()), 0, policy)
    judge = Judge(roster, Nobody(), policy)
    at_once = [judge.terms(0, other)[TERMS.index("experience")] for other in range(len(lived))]
    assert at_once == [known.similarity(known.closure(lived[0]), known.closure(codes)) for codes in lived]


class Nobody:
    """Nobody has anything to do with anybody."""

    def excluded(self, member: int) -> Rows:
        return NOBODY

    lineage = lineage_of_mentor = declined = excluded


@given(EXPERIENCES, EXPERIENCES)
def test_similarity_is_even_handed_and_full_only_for_the_same_experiences(a: list[str], b: list[str]) -> None:
    known = taxonomy()
    one, other = known.closure(a), known.closure(b)
    assert known.similarity(one, other) == known.similarity(other, one) <= MILLION
    assert (known.similarity(one, other) == MILLION) == (one == other != ())


@pytest.mark.parametrize(
    ("person", "nearer", "farther", "reason"),
    [
        ("F11.20", "F11.21", "F11.10", "in remission from the same dependence is the same experience, abuse is milder"),
        ("F11.20", "F11.10", "F14.20", "the same substance in a milder form is nearer than another substance"),
        ("F11.20", "F14.20", "F32.9", "another addiction is nearer than depression alone"),
        ("F32.9", "F33.1", "F41.1", "depression is nearer to recurrent depression than to anxiety"),
        ("F43.12", "F43.10", "F43.20", "PTSD is nearer to PTSD than to an adjustment disorder"),
        ("F43.10", "F43.20", "F40.10", "two answers to stress are nearer than stress and a phobia"),
        ("F20.9", "F25.9", "F32.9", "two psychotic disorders are nearer than psychosis and depression"),
        ("F10.20 F20.9 F32.9", "F20.9", "F32.9", "a rare shared disorder tells more than a common one"),
        ("F10.20 F16.20", "F16.20", "F10.20", "a rare shared substance tells more than a common one"),
        ("F10.20 F14.20 F32.9", "F10.20 F32.9", "F10.20 F14.20", "both sides of dual recovery beat two substances"),
        ("F10.20 F32.9 F40.10", "F10.20 F32.9", "F32.9 F40.10", "both sides of dual recovery beat two disorders"),
        ("F10.20 F43.10", "F10.20 F32.9", "F10.20", "dual recovery with another disorder beats no disorder"),
        ("F11.20 Z59.0", "F11.20 Z59.01", "F11.20 Z56.0", "both without a home, however sheltered, beats no work"),
        ("F11.20 Z65.2", "F11.20 Z65.2", "F11.20 F17.210", "prison behind both tells more than nothing in common"),
        ("F10.20 Z91.82", "F10.20 Z91.82", "F10.20 Z63.5", "two who were at war share more than one who parted"),
        ("F11.20", "F11.20 F17.210", "F11.20 F20.9", "that a mentor also smokes matters less than another illness"),
        ("F11.20", "F11.23", "F10.23", "withdrawal from the same substance is nearer than from another"),
        ("F50.00", "F50.20", "F41.1", "two eating disorders are nearer than eating and anxiety"),
    ],
)
def test_pairs_come_in_the_order_a_clinician_would_give(person: str, nearer: str, farther: str, reason: str) -> None:
    assert similarity(person, nearer) > similarity(person, farther), reason


def common(kind: str) -> list[str]:
    """Everyday codes that are about as rare as each other: within a factor of three in share of people."""
    return {"substance": ["F10.20", "F11.20", "F12.20", "F15.20"], "disorder": ["F32.9", "F33.9", "F41.9", "F43.10"]}[
        kind
    ]


@pytest.mark.parametrize(("one", "other"), [("substance", "disorder"), ("disorder", "substance")])
def test_a_shared_substance_and_disorder_count_more_than_two_of_one_kind(one: str, other: str) -> None:
    for first, second in permutations(common(one), 2):
        for counterpart in common(other):
            person = f"{first} {second} {counterpart}"
            assert similarity(person, f"{first} {counterpart}") > similarity(person, f"{first} {second}"), person


def test_dual_recovery_counts_beyond_its_two_halves() -> None:
    known = taxonomy()
    a, b = known.closure(["F10.20", "F32.9", "Z59.0"]), known.closure(["F10.20", "F32.9"])
    dual = set(a) - set(known.closure(["F10.20", "Z59.0"])) - set(known.closure(["F32.9"]))
    without = [tuple(sorted(set(closure) - dual)) for closure in (a, b)]
    assert [known.shared((node,), (node,)) for node in dual] == [(DUAL,)]
    assert known.similarity(a, b) > known.similarity(*without)


def test_smoking_makes_nobody_dual() -> None:
    known = taxonomy()
    assert set(known.closure(["F17.210", "F32.9"])) == {*known.closure(["F17.210"]), *known.closure(["F32.9"])}


def test_a_special_experience_never_tells_less_than_the_general_one() -> None:
    for code, (parent, ic, _) in ROWS.items():
        if parent and ic != "=":
            while ROWS[parent][1] == "=":
                parent = ROWS[parent][0]
            assert int(ic) >= int(ROWS[parent][1]), code


def test_every_code_has_words_and_one_kind() -> None:
    known = taxonomy()
    for code in CODES:
        assert known.describe(code)
        kinds = is_substance(code) + is_disorder(code) + is_circumstance(code)
        assert kinds == (0 if family(code) == "F17" else 1), code
    assert known.describe("F11.20") == "Opioid dependence, uncomplicated"
    assert known.describe(DUAL).startswith("dual recovery")


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("f11.21", "with its dot"),
        ("F1121", "with its dot"),
        ("F11.27", "a code above it is"),
        ("F43.1X", "a code above it is"),
        ("F10-F19", "group of codes"),
        (DUAL, "group of codes"),
        ("E11.9", "of chapter F or Z"),
        ("Maria Lopez", "of chapter F or Z"),
        ("", "write one such as F11.20"),
    ],
)
def test_an_unknown_code_is_refused_with_the_way_out_and_not_repeated(code: str, hint: str) -> None:
    with pytest.raises(Refused, match=hint) as refusal:
        taxonomy().closure(["F11.20", code])
    assert refusal.value.code == "KND-unknown-code"
    assert not code or code not in refusal.value.message


@given(EXPERIENCES | EVERYDAY, EXPERIENCES | EVERYDAY)
def test_what_is_told_as_shared_is_shared_and_covers_all_of_it(a: list[str], b: list[str]) -> None:
    known = taxonomy()
    told = known.shared(known.closure(a), known.closure(b))
    assert set(chain.from_iterable(walk_up(code) for code in told)) == nodes(a) & nodes(b)
    for code in told:
        assert not any(code in list(walk_up(other))[1:] for other in told)
    assert DUAL not in told[:-1]
    rarity = [int(ROWS[code][1]) for code in told if code != DUAL]
    assert rarity == sorted(rarity, reverse=True)


def test_two_people_are_told_what_they_share_in_words() -> None:
    known = taxonomy()
    told = known.shared(known.closure(["F11.20", "F43.12", "Z59.0"]), known.closure(["F11.21", "F43.10"]))
    assert [known.describe(code) for code in told] == [
        "Post-traumatic stress disorder (PTSD)",
        "Opioid dependence",
        "dual recovery, from a substance and from a mental disorder",
    ]


def test_a_table_that_would_overflow_is_not_taken() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        Taxonomy(f"F10\t\t{2**63 // MILLION + 1}\tAlcohol related disorders")


def test_the_table_is_read_at_the_first_use_only() -> None:
    watch = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda name, args: opened.append(str(args[0])) if name == 'open' else None)\n"
        "from matcher.people import experience\n"
        "assert not any('icd10cm' in path for path in opened), opened\n"
        "experience.taxonomy(); experience.taxonomy()\n"
        "assert sum('icd10cm' in path for path in opened) == 1, opened\n"
    )
    subprocess.run([sys.executable, "-c", watch], check=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the package's own, when it is loaded
def test_the_committed_table_is_what_the_package_and_the_shares_give() -> None:
    from tools.build_experience_table import table

    assert files("matcher").joinpath("data", "icd10cm.tsv").read_text(encoding="utf-8") == table()
