"""Words for coordinators: what is asked is answered, line by line within 80 columns."""

from __future__ import annotations

from typing import Any

import pytest

from kindred.report import WIDTH, Course, program_report, reasons
from matcher.messages import events as told
from matcher.messages.facts import Fact, MatchActivated, Told
from matcher.program import Program

FULL = {"code": "no_slot", "class": "SAFETY", "reason": "The mentor has no open slot.", "unblocks": "A match ends."}
TERM = {"name": "hours", "value": 0.5, "weight": 0.1, "contribution": 0.05, "because": "three hours in common"}
PAIR = {
    "newcomer": "n-1", "mentor": "m-1", "match": None, "blockers": [], "fit": 0.05, "terms": [TERM], "price": None,
    "instead": None, "started": True, "nearest": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (PAIR, ["n-1 and m-1: not paired, fit 0.05", "hours: three hours in common"]),
        ({**PAIR, "match": {"id": "x-9", "stage": "active", "mentor": "m-1"}}, ["n-1 and m-1: active as x-9"]),
        ({**PAIR, "blockers": [FULL]}, ["Barred by no_slot (SAFETY): The mentor has no open slot. A match ends."]),
        (
            {**PAIR, "instead": {"mentor": "m-2", "taken_by": ["n-3", "n-4"], "loss": 0.25}},
            ["The seats of m-1 are for n-3, n-4.", "would lose 0.250", "n-1 has m-2 instead."],
        ),
        (
            {
                **PAIR, "mentor": None, "fit": None, "terms": [], "would_help_most": FULL,
                "nearest": [
                    {"mentor": "m-1", "fit": 0.5, "barred_by": ["no_slot"], "taken_by": ["n-3", "n-4"]},
                    {"mentor": "m-2", "fit": 0.4, "barred_by": [], "taken_by": []},
                ],
            },
            [
                "n-1 has no mentor.", "m-1, fit 0.50: no_slot; seats for n-3, n-4\n", "m-2, fit 0.40: open\n",
                "What would help most: no_slot. A match ends.",
            ],
        ),
        (
            {
                **PAIR, "mentor": None, "fit": None, "terms": [], "would_help_most": None, "started": False,
                "nearest": [{"mentor": "m-1", "fit": 0.5, "barred_by": ["paused"], "taken_by": ["n-3"]}],
            },
            ["The program has not been told to start pairing.", "m-1, fit 0.50: paused"],
        ),
        (
            {**PAIR, "mentor": None, "fit": None, "terms": [], "would_help_most": FULL, "nearest": []},
            ["n-1 has no mentor.", "The program has no mentor yet.", "What would help most: no_slot."],
        ),
    ],
)  # fmt: skip
def test_reasons_say_what_the_document_says(document: dict[str, Any], words: list[str]) -> None:
    said = reasons(document)
    assert [part for part in words if part not in said] == []


def test_long_reasons_fold_under_their_own_text() -> None:
    lines = reasons({**PAIR, "terms": [{**TERM, "because": "a word " * 40}]}).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert {len(line) - len(line.lstrip()) for line in lines[2:]} == {len("  0.050 of 0.100  ")}


def test_the_course_counts_who_was_paired_how_soon() -> None:
    course = Course()
    joined = told.MemberJoined.model_validate({"experiences": [{"code": "F10.20"}], "seeks_mentor": True})
    for n, who in enumerate(("n-1", "n-2", "n-3"), 1):
        course.take(Fact("river", n, 1_000, "member.joined", Told(who, 1_000, joined)))
    for n, (who, at) in enumerate([("n-1", 1_000), ("n-2", 1_060)], 4):
        made = MatchActivated(match=f"x-{n}", newcomer=who, mentor="m-1", fit=1, because=(), how="plan")
        course.take(Fact("river", n, at, "match.activated", made))
    assert (len(course.arrived), course.within(0), course.within(60)) == (3, 1, 2)


def test_a_program_without_anybody_has_a_report() -> None:
    sections = dict(program_report(Program("river"), Course(), "d"))
    assert sections["Waiting: 0"] == []
    assert sections["Whom to recruit"] == ["Nobody: everybody has somebody."]
    assert sections["Three pairs, and why"] == ["There are none yet."]
