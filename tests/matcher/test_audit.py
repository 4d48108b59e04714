"""The books: a sound history passes, and every broken promise is found and named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matcher.audit import Audit
from matcher.instants import DAY, HOUR
from matcher.messages import events as told
from matcher.messages import facts
from matcher.messages.facts import DECISION_TYPES, Decision, Fact, Told
from matcher.policy import Policy

START = 1_772_442_840
JOINED = told.MemberJoined.model_validate({"experiences": [{"code": "F10.20"}]})
POLICY = facts.PolicyAdopted(text=Policy().text(), digest=Policy().digest())

Step = tuple[str, str, told.Data] | Decision


def pair(match: str, newcomer: str, mentor: str) -> dict[str, object]:
    return {"match": match, "newcomer": newcomer, "mentor": mentor, "fit": 500_000, "because": ()}


def active(match: str, newcomer: str, mentor: str, how: str = "plan") -> facts.MatchActivated:
    return facts.MatchActivated.model_validate({**pair(match, newcomer, mentor), "how": how})


def proposed(match: str, newcomer: str, mentor: str) -> facts.MatchProposed:
    return facts.MatchProposed.model_validate(pair(match, newcomer, mentor))


def ended(match: str, newcomer: str, mentor: str) -> facts.MatchEnded:
    return facts.MatchEnded(match=match, newcomer=newcomer, mentor=mentor, reason="ended", barred=False)


def says(type_: str, who: str, **data: object) -> Step:
    return type_, who, told_model(type_).model_validate(data)


def told_model(type_: str) -> type[told.Data]:
    return told.EVENTS[type_]


def mentor(who: str, **offer: object) -> list[Step]:
    return [
        ("member.joined", who, JOINED),
        says("mentor.volunteered", who, **offer),
        says("mentor.screened", who, outcome="cleared"),
        facts.MentorAdmitted(mentor=who),
    ]


OPENING: list[Step] = [
    POLICY,
    *mentor("m-1", capacity=1),
    *mentor("m-2"),
    *[("member.joined", f"n-{number}", JOINED) for number in (1, 2, 3, 4)],
]
AFTER = len(OPENING)


def history(*steps: Step) -> list[Fact]:
    """Facts of a program, an hour apart."""
    return [
        Fact("river", n, START + n * HOUR, step[0], Told(step[1], START + n * HOUR, step[2]))
        if isinstance(step, tuple)
        else Fact("river", n, START + n * HOUR, DECISION_TYPES[type(step)], step)
        for n, step in enumerate((*OPENING, *steps), 1)
    ]


def troubles(past: list[Fact]) -> list[str]:
    audit = Audit("river")
    return [trouble for fact in past for trouble in audit.take(fact)] + list(audit.rest())


def x(step: int) -> str:
    """The id of a match that the step-th fact after the opening makes."""
    return f"x-{AFTER + step}"


def test_a_sound_history_has_nothing_wrong() -> None:
    held = facts.MatchHeld.model_validate({"match": x(2), "until": "2027-01-01T00:00:00Z"})
    assert not troubles(
        history(
            active(x(1), "n-1", "m-1"),
            proposed(x(2), "n-2", "m-2"),
            held,
            facts.MatchReleased(match=x(2)),
            active(x(2), "n-2", "m-2", "approved"),
            ended(x(1), "n-1", "m-1"),
            active(x(7), "n-3", "m-1"),
            active(x(8), "n-1", "m-1", "recorded"),
            says("member.left", "n-4"),
        )
    )


def test_a_withdrawn_proposal_may_still_be_approved() -> None:
    withdrawn = facts.MatchWithdrawn(match=x(1), newcomer="n-1", mentor="m-1", reason="plan_changed")
    assert not troubles(history(proposed(x(1), "n-1", "m-1"), withdrawn, active(x(1), "n-1", "m-1", "approved")))


@pytest.mark.parametrize(
    "before",
    [
        says("consent.revoked", "m-1", scope="matching"),
        says("mentor.screened", "m-1", outcome="cleared"),  # and not admitted since, for a reason that only warns
        active(x(1), "n-2", "m-1"),
    ],
)
def test_a_pair_that_people_made_may_break_what_is_no_safety_rule(before: Step) -> None:
    assert not troubles(history(before, active(x(2), "n-1", "m-1", "recorded")))


TAMPERED: list[tuple[str, list[Step]]] = [
    ("m-1 has 1 newcomers and takes 1", [active(x(1), "n-1", "m-1"), active(x(2), "n-2", "m-1")]),
    ("n-1 has the active match", [active(x(1), "n-1", "m-1"), active(x(2), "n-1", "m-2")]),
    ("a new match has the id", [active("x-99", "n-1", "m-1")]),
    ("was proposed to other people", [proposed(x(1), "n-1", "m-1"), active(x(1), "n-1", "m-2", "approved")]),
    ("is active already", [active(x(1), "n-1", "m-1"), active(x(1), "n-1", "m-1", "approved")]),
    ("there is no match x-99", [ended("x-99", "n-1", "m-1")]),
    ("is proposed, not active", [proposed(x(1), "n-1", "m-1"), ended(x(1), "n-1", "m-1")]),
    ("is between other people", [active(x(1), "n-1", "m-1"), ended(x(1), "n-1", "m-2")]),
    ("n-1 is no mentor", [active(x(1), "n-2", "n-1")]),
    ("m-2 is paired with themselves", [active(x(1), "m-2", "m-2")]),
    ("m-1 is not here", [says("member.left", "m-1"), active(x(2), "n-1", "m-1")]),
    ("n-1 is away", [says("member.paused", "n-1"), active(x(2), "n-1", "m-1")]),
    ("m-1 is no mentor", [says("mentor.withdrawn", "m-1"), active(x(2), "n-1", "m-1")]),
    ("m-1 takes nobody new", [says("mentor.paused", "m-1"), active(x(2), "n-1", "m-1")]),
    ("m-1 is not admitted", [says("mentor.screened", "m-1", outcome="declined"), active(x(2), "n-1", "m-1")]),
    ("m-1 is not admitted", [says("mentor.screened", "m-1", outcome="cleared"), active(x(2), "n-1", "m-1")]),
    ("m-1 has an open report", [says("safety.reported", "m-1"), active(x(2), "n-1", "m-1")]),
    ("n-1 does not consent", [says("consent.revoked", "n-1", scope="matching"), active(x(2), "n-1", "m-1")]),
    ("excluded from each other", [says("exclusion.added", "m-1", other="n-1"), active(x(2), "n-1", "m-1")]),
    (
        "excluded from each other",
        [
            says("exclusion.added", "n-1", other="m-1", kind="never_again"),
            says("exclusion.removed", "n-1", other="m-1"),
            active(x(3), "n-1", "m-1"),
        ],
    ),
    ("in the line of mentors above m-2", [active(x(1), "m-2", "m-1"), active(x(2), "m-1", "m-2")]),
    ("although n-1 is gone", [active(x(1), "n-1", "m-1"), says("member.left", "n-1")]),
    ("n-9 never joined", [says("member.paused", "n-9")]),
    ("admitted but not cleared", [facts.MentorAdmitted(mentor="n-1")]),
    ("not what its digest says", [facts.PolicyAdopted(text="{}", digest="0")]),
    ("not what its digest says", [facts.PolicyAdopted(text="no", digest=POLICY.digest)]),
]


@pytest.mark.parametrize(("words", "steps"), TAMPERED, ids=[words for words, _ in TAMPERED])
def test_a_broken_promise_is_named(words: str, steps: list[Step]) -> None:
    assert any(words in trouble for trouble in troubles(history(*steps)))


@pytest.mark.parametrize(
    "steps",
    [
        [says("member.paused", "n-1", until="2026-03-03"), active(x(2), "n-1", "m-1")],
        [says("safety.reported", "m-1"), says("safety.resolved", "m-1"), active(x(3), "n-1", "m-1")],
        [
            says("exclusion.added", "n-1", other="m-1"),
            says("exclusion.removed", "n-1", other="m-1"),
            active(x(3), "n-1", "m-1"),
        ],
        [says("mentor.updated", "m-1", capacity=2), active(x(2), "n-1", "m-1"), active(x(3), "n-2", "m-1")],
        [says("member.erased", "n-4"), ("member.joined", "n-4", JOINED), active(x(3), "n-4", "m-1")],
    ],
)
def test_what_is_over_bars_nobody(steps: list[Step]) -> None:
    late = [Fact(f.program, f.n, f.at + 30 * DAY if f.n > AFTER + 1 else f.at, f.type, f.data) for f in history(*steps)]
    assert not troubles(late)


@pytest.mark.parametrize(
    ("words", "tamper"),
    [
        ("does not follow fact 3", lambda past: past[:3] + past[4:]),
        ("does not follow fact 4", lambda past: past[:4] + past[3:]),
        ("the clock goes back", lambda past: [*past[:-1], Fact("river", past[-1].n, 0, past[-1].type, past[-1].data)]),
        ("belongs to the program brook", lambda past: [Fact("brook", 1, START, past[0].type, past[0].data)]),
        ("begins with the policy", lambda past: [Fact("river", 1, START, past[1].type, past[1].data)]),
    ],
)
def test_an_order_that_is_broken_is_named(words: str, tamper: Callable[[list[Fact]], list[Fact]]) -> None:
    assert any(words in trouble for trouble in troubles(tamper(history())))
