"""Answers to people: why this mentor, why not that one, what would unblock; and words that say nothing private."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from matcher.errors import ConfigurationError, Refused
from matcher.messages.facts import MatchMade, NewcomerWaiting
from matcher.messages.notices import notices
from matcher.pairing.blockers import BLOCKERS
from matcher.people.experience import taxonomy
from tests.matcher.people import DAY, HOUR, T0, River, day, join, mentor, tell, veteran, weights
from tests.matcher.stories import Chance

LATER = T0 + HOUR
STAGED = {"mode": "staged"}
DIAGNOSES = re.compile(r"\b[FZ][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?\b")


def town(seed: int = 1, **tables: dict[str, Any]) -> River:
    """Three mentors with four seats and seven newcomers who differ."""
    chance, river = Chance(seed), River(review=STAGED, **tables)
    for number, capacity in enumerate((1, 2, 1)):
        river.take(
            mentor(f"m-{number}", capacity=capacity, strategies=chance.words("work", "sleep", "grief", "cravings"))
        )
    for number in range(7):
        needs = chance.words("work", "sleep", "grief", "cravings")
        codes = [{"code": code, "state": "past"} for code in chance.sample(["F43.10", "F32.1", "Z59.01", "Z65.1"], 2)]
        river.take(join(f"n-{number}", LATER + number, needs=needs, experiences=[{"code": "F11.20"}, *codes]))
    return river


def solved(found: dict[tuple[str, str], tuple[int, int]], slots: dict[str, int]) -> int:
    """The best plan's value by scipy, with a column for every seat."""
    newcomers = sorted({newcomer for newcomer, _ in found})
    seats = [mentor for mentor, count in slots.items() for _ in range(count)]
    if not newcomers or not seats:
        return 0
    table = np.array([[found.get((who, seat), (0, 0))[0] for seat in seats] for who in newcomers])
    return int(table[linear_sum_assignment(table, maximize=True)].sum())


# Why, and why not


def test_the_terms_add_up_to_the_fit_of_the_match() -> None:
    river = River(mentor("m-1"), join("n-1", LATER), review=STAGED)
    answer = river.program.why("n-1")
    made = next(fact.data for fact in river.facts if isinstance(fact.data, MatchMade))
    assert answer["match"] == {"id": made.match, "stage": "proposed", "mentor": "m-1"}
    assert round(answer["fit"] * 1_000_000) == made.fit == sum(round(t["contribution"] * 1e6) for t in answer["terms"])
    assert sum(term["weight"] for term in answer["terms"]) == pytest.approx(1.0)
    assert all(term["contribution"] <= term["value"] * term["weight"] + 1e-9 for term in answer["terms"])
    assert all(term["because"] for term in answer["terms"])
    assert answer["instead"] is None


def test_why_not_names_every_blocker_in_words() -> None:
    river = River(mentor("m-1", profile={"languages": ["so"]}), mentor("m-2"), join("n-1", LATER))
    river.take(tell("safety.reported", "m-1", LATER, by="n-9"))
    answer = river.program.why("n-1", "m-1")
    assert [(hit["code"], hit["class"]) for hit in answer["blockers"]] == [
        ("open_report", "SAFETY"), ("no_common_language", "CONSENT"),
    ]  # fmt: skip
    assert all(hit["reason"] and hit["unblocks"] for hit in answer["blockers"])
    assert answer["instead"] == {"mentor": "m-2", "taken_by": [], "loss": None}
    assert answer["price"] is None


@pytest.mark.parametrize("seed", range(5))
def test_why_not_says_who_has_the_seat_and_what_the_plan_would_lose(seed: int) -> None:
    river = town(seed)
    market = weights(river.program)
    best = solved(market["weights"], market["slots"])
    assert best == river.program.market()["value"]
    for newcomer in market["newcomers"]:
        for who in market["slots"]:
            answer = river.program.why(newcomer, who)
            if market["plan"].get(newcomer) == who:
                assert answer["instead"] is None
                continue
            assert answer["instead"]["taken_by"] == sorted(n for n, m in market["plan"].items() if m == who)
            assert answer["instead"]["mentor"] == market["plan"].get(newcomer)
            forced = market["weights"].get((newcomer, who))
            if forced is None:
                assert answer["instead"]["loss"] is None
                continue
            rest = {pair: weight for pair, weight in market["weights"].items() if pair[0] != newcomer}
            without = solved(rest, {**market["slots"], who: market["slots"][who] - 1})
            assert round(answer["instead"]["loss"] * 1e6) == best - forced[0] - without


def test_an_active_pair_counts_as_taking_the_seat() -> None:
    river = River(mentor("m-1", capacity=1), join("n-1", LATER), join("n-2", LATER))
    answer = river.program.why("n-2", "m-1")
    assert answer["instead"] == {"mentor": None, "taken_by": ["n-1"], "loss": None}
    assert [hit["code"] for hit in answer["blockers"]] == ["no_slot"]
    (near,) = river.program.why("n-2")["nearest"]
    assert (near["mentor"], near["barred_by"], near["taken_by"]) == ("m-1", ("no_slot",), ["n-1"])


def test_who_waits_for_an_open_mentor_is_told_whom_the_plan_gives_them() -> None:
    river = River(mentor("m-1", capacity=1), join("n-1", LATER), join("n-2", LATER), review=STAGED)
    waits = "n-2" if river.mentor_of("n-1") else "n-1"
    (has,) = {"n-1", "n-2"} - {waits}
    answer = river.program.why(waits)
    (near,) = answer["nearest"]
    assert (near["barred_by"], near["taken_by"]) == ((), [has])
    assert answer["would_help_most"]["code"] == "no_slot"


def test_a_program_without_mentors_says_that_one_would_help() -> None:
    river = River(join("n-1"))
    answer = river.program.why("n-1")
    assert (answer["nearest"], answer["would_help_most"]["code"]) == ([], "no_slot")
    waits = river.facts[-1].data
    assert isinstance(waits, NewcomerWaiting)
    assert waits.barred_by == ("no_slot",)
    assert "another mentor joins" in waits.unblocks[0]


def test_before_a_program_starts_no_seat_would_help() -> None:
    river = River(mentor("m-1", capacity=1), join("n-1"), join("n-2"), program={"start": "when_told"})
    given, left = sorted((river.program.why(who) for who in ("n-1", "n-2")), key=lambda answer: not answer["mentor"])
    assert (given["mentor"], given["match"], given["started"]) == ("m-1", None, False)
    assert (left["mentor"], left["started"], left["would_help_most"]) == (None, False, None)


def test_of_two_rules_of_ones_own_none_alone_would_help() -> None:
    river = River(mentor("m-1"), join("n-1", LATER, birth_year=2012), tell("member.paused", "n-1", LATER))
    answer = river.program.why("n-1")
    assert [each["code"] for each in answer["blockers"]] == ["paused", "minor"]
    assert answer["would_help_most"] is None


def test_who_is_closed_to_everybody_is_told_of_their_own_rule_first() -> None:
    river = River(mentor("m-1"), join("n-1", LATER, birth_year=2012))
    answer = river.program.why("n-1")
    assert [each["code"] for each in answer["blockers"]] == ["minor"]
    assert answer["would_help_most"]["code"] == "minor"


# Who waits


def test_who_waits_is_shown_the_nearest_and_the_one_rule_that_would_help_most() -> None:
    river = River(review=STAGED)
    for number in (1, 2, 3):
        river.take(mentor(f"m-{number}", profile={"gender": "man"}))
    river.take(mentor("m-4", profile={"languages": ["so"]}), tell("mentor.paused", "m-3", LATER))
    river.take(join("n-1", LATER, wishes={"mentor_gender": ["woman"]}))
    answer = river.program.why("n-1")
    assert answer["mentor"] is None
    assert answer["would_help_most"]["code"] == "gender_wish"  # two mentors; the language only one
    near = [(each["mentor"], each["barred_by"]) for each in answer["nearest"]]
    assert sorted(near) == [
        ("m-1", ("gender_wish",)),
        ("m-2", ("gender_wish",)),
        ("m-3", ("paused", "gender_wish")),
        ("m-4", ("no_common_language",)),
    ]
    assert near[-1][0] == "m-3"
    waits = river.facts[-1].data
    assert isinstance(waits, NewcomerWaiting)
    assert waits.barred_by[0] == "gender_wish"


def test_who_is_barred_themselves_is_told_so() -> None:
    river = River(mentor("m-1"), join("n-1", LATER, birth_year=2010))
    answer = river.program.why("n-1")
    assert [hit["code"] for hit in answer["blockers"]] == ["minor"]


def test_full_mentors_and_no_mentors_are_the_same_lack_of_a_slot() -> None:
    for mentors in ([], mentor("m-1", capacity=0)):
        river = River(mentors, join("n-1", LATER))
        waits = river.facts[-1].data
        assert isinstance(waits, NewcomerWaiting)
        assert waits.barred_by == ("no_slot",)


def test_unknown_people_are_an_error_of_usage() -> None:
    river = River(mentor("m-1"), join("n-1", LATER), tell("member.left", "n-1", LATER))
    for pair in (("n-9", None), ("n-9", "m-1"), ("n-1", None), ("m-1", "n-9")):
        with pytest.raises(ConfigurationError) as refused:
            river.program.why(*pair)
        assert refused.value.code == "KND-unknown-id"
        assert refused.value.exit_code == 2


# Words


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def test_what_is_told_outside_names_no_diagnosis() -> None:
    river = town(3)
    river.take(mentor("m-9", profile={"experiences": [{"code": "F20.0", "state": "past"}, _sober()]}), veteran("v-1"))
    river.take(tell("progress.setback", "m-0", LATER, severity="relapse", code="F11.20"))
    river.take(*(tell("match.reviewed", m.id, T0 + DAY, decision="approve") for m in _proposed(river)))
    river.take(*(tell("match.closed", m.id, T0 + 2 * DAY) for m in list(river.program.state.matches.open.values())[:2]))
    described = set(_descriptions())
    assert len(described) > 800
    told = [notice for fact in river.facts for notice in notices(fact)]
    assert {notice["type"].split(".")[1] for notice in told} == {"match", "newcomer", "mentor"}
    for text in (text for notice in told for text in _texts(notice)):
        assert not DIAGNOSES.search(text)
        assert not any(words in text.lower() for words in described)


@pytest.mark.parametrize(
    "told",
    [
        tell("safety.reported", "m-1", by="n-9"),
        tell("progress.distress", "m-1", level="high"),
        tell("mentor.paused", "m-1"),
        tell("progress.setback", "m-1", severity="lapse", code="F11.20"),
        tell("exclusion.added", "m-1", other="n-1", kind="never_again"),
    ],
)
def test_to_the_outside_every_pause_reads_alike(told: Any) -> None:
    river = River(mentor("m-1"), told, join("n-1", LATER))
    (waits,) = (fact.data for fact in river.facts if isinstance(fact.data, NewcomerWaiting))
    assert waits.barred_by == ("paused",)
    assert waits.unblocks == ("The pause ends, or the person comes back earlier.",)


@pytest.mark.parametrize("stage", ["proposed", "active"])
def test_no_notice_says_who_wanted_an_ending_or_why(stage: str) -> None:
    reasons = set()
    for told in (
        ("exclusion.added", "m-1", {"other": "n-1", "kind": "never_again"}),
        ("match.answered", "", {"by": "n-1", "answer": "decline"}),
        ("member.left", "n-1", {"reason": "died"}),
        ("member.left", "m-1", {"reason": "prison"}),
        ("match.reviewed", "", {"decision": "reject", "reason": "relapse_of_mentor"})
        if stage == "proposed"
        else ("match.closed", "", {"reason": "relapse_of_mentor"}),
    ):
        river = River(mentor("m-1"), join("n-1", LATER), review=STAGED if stage == "proposed" else {})
        assert river.match("n-1").stage == stage
        subject = told[1] or river.match("n-1").id
        found = river.take(tell(told[0], subject, LATER, **told[2]))
        notice = next(each for fact in found for each in notices(fact) if each["type"].startswith("kindred.match"))
        reasons.update(notice["data"]["because"])
    assert reasons == {"plan_changed" if stage == "proposed" else "ended"}


def test_words_of_all_blockers_name_no_condition() -> None:
    for blocker in BLOCKERS:
        assert not re.search(r"[FZ][0-9]{2}|disorder|dependence|relapse|illness", blocker.reason + blocker.unblocks)


def _descriptions() -> Iterable[str]:
    """What the taxonomy calls its categories and the codes right below them."""
    for chapter, number, below in product("FZ", range(100), ("", *(f".{digit}" for digit in range(10)))):
        code = f"{chapter}{number:02d}{below}"
        with suppress(Refused):
            taxonomy().check(code)
            yield taxonomy().describe(code).lower()


def _proposed(river: River) -> list[Any]:
    return [match for match in river.program.state.matches.open.values() if match.stage == "proposed"]


def _sober() -> dict[str, str]:
    return {"code": "F11.20", "state": "sustained", "since": day(T0 - 900 * DAY)}
