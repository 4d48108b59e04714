"""Who decides on a pair in the three modes: the plan at once, or a coordinator."""

from __future__ import annotations

from typing import Any

import pytest

from matcher.errors import Refused
from matcher.messages.catalog import Event
from matcher.messages.facts import MatchActivated, MatchProposed
from matcher.pairing.risks import WORDS
from matcher.policy import RiskTable
from tests.matcher.people import DAY, HOUR, T0, River, day, join, mentor, tell, types, veteran, volunteer

STAGED = {"mode": "staged"}
LATER = T0 + HOUR


def review(match: str, decision: str, at: int, **data: Any) -> Event:
    return tell("match.reviewed", match, at, decision=decision, by="s-1", **data)


_SHORT = {
    "experiences": [
        {"code": "F10.20", "state": "early", "since": day(T0 - 300 * DAY)},
        {"code": "F43.10", "state": "sustained", "since": day(T0 - 900 * DAY)},
    ]
}
_WAIVED = tell("waiver.granted", "m-1", rule="recovery_time", reason="steady", until=day(T0 + 90 * DAY))
RISKY: dict[str, dict[str, Any]] = {
    "first_time_mentor": {"tables": {"risk": {"first_time_mentor": 2}}},
    "age_unknown": {"newcomer": {"birth_year": None}},
    "gender_not_asked": {"newcomer": {"wishes": None, "gender": "man"}},
    "waiver": {"mentor": _SHORT, "told": [_WAIVED]},
    "recent_slip": {
        "tables": {"risk": {"recent_slip": 2}},
        "told": [tell("progress.setback", "n-1", T0 - 20 * DAY, code="F17.210", severity="lapse")],
    },
    "distress": {"told": [tell("progress.distress", "n-1", level="high")]},
    "low_fit": {"tables": {"review": {"automatic_fit_min": 990_000}}},
}
"""What makes each risk stand between m-1 and n-1."""


def risky(risk: str, /, **tables: dict[str, Any]) -> River:
    """A program in which the plan gives m-1 to n-1, and this risk stands between them."""
    case = RISKY[risk]
    river = River(**{"risk": {"first_time_mentor": 0}, **case.get("tables", {}), **tables})
    river.take(
        join("n-1", **{**case.get("newcomer", {}), "seeks_mentor": None}), mentor("m-1", profile=case.get("mentor"))
    )
    river.take(*case.get("told", []), tell("member.updated", "n-1", LATER, seeks_mentor=True))
    return river


def test_every_risk_of_the_policy_has_words() -> None:
    assert list(RiskTable.model_fields) == list(WORDS) == list(RISKY)


def test_a_pair_of_low_risk_is_made_at_once() -> None:
    river = River(mentor("m-1"))
    *_, made = river.take(join("n-1", LATER))
    assert isinstance(made.data, MatchActivated)
    assert (made.data.newcomer, made.data.mentor, made.data.how) == ("n-1", "m-1", "plan")
    assert made.data.because
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


@pytest.mark.parametrize("risk", RISKY)
def test_each_risk_alone_is_for_a_coordinator(risk: str) -> None:
    river = risky(risk)
    proposed = [fact.data for fact in river.facts if isinstance(fact.data, MatchProposed)]
    assert [set(made.risks) - {"first_time_mentor"} for made in proposed] == [{risk} - {"first_time_mentor"}]
    assert river.sound().mentor_of("n-1") == ("m-1", "proposed")


@pytest.mark.parametrize("risk", RISKY)
def test_only_some_risks_are_for_a_coordinator_whatever_the_mode_and_the_points(risk: str) -> None:
    nothing = {"risk": dict.fromkeys(RiskTable.model_fields, 0)}
    tiered = risky(risk, **nothing, review=_review(risk, "tiered"))
    automatic = risky(risk, review=_review(risk, "automatic"))
    stage = "proposed" if risk in {"age_unknown", "gender_not_asked"} else "active"
    assert tiered.mentor_of("n-1") == automatic.mentor_of("n-1") == ("m-1", stage)


def _review(risk: str, mode: str) -> dict[str, Any]:
    return {**RISKY[risk].get("tables", {}).get("review", {}), "mode": mode}


def test_points_add_up() -> None:
    river = River(mentor("m-1"), join("n-1", LATER, seeks_mentor=None), review={"automatic_points_max": 1})
    river.take(tell("progress.setback", "n-1", LATER, code="F17.210", severity="lapse"))
    river.take(tell("member.updated", "n-1", LATER, seeks_mentor=True))
    *_, made = river.facts
    assert isinstance(made.data, MatchProposed)
    assert made.data.risks == ("first_time_mentor", "recent_slip")


def test_nothing_is_active_before_approval_in_staged_mode() -> None:
    river = River(mentor("m-1"), join("n-1", LATER), review=STAGED)
    assert river.mentor_of("n-1") == ("m-1", "proposed")
    proposal = river.match("n-1").id
    *_, made = river.take(review(proposal, "approve", LATER))
    assert isinstance(made.data, MatchActivated)
    assert (made.data.match, made.data.how) == (proposal, "approved")
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_a_proposal_keeps_its_id_while_its_pair_stays_in_the_plan() -> None:
    river = River(mentor("m-1"), join("n-1", LATER), review=STAGED)
    before = river.match("n-1").id
    river.take(
        join("n-2", LATER + 1), mentor("m-2", LATER + 2), tell("member.updated", "n-1", LATER + 3, needs=["work"])
    )
    river.until(T0 + 10 * DAY)
    assert river.sound().match("n-1").id == before


def test_proposals_follow_the_optimum() -> None:
    river = River(mentor("m-1", capacity=1), join("n-1", LATER, needs=["work"]), review=STAGED)
    before = river.match("n-1").id
    found = river.take(mentor("m-2", LATER + 1, capacity=1, strategies=["work"]))
    assert types(found)[-2:] == ["match.withdrawn", "match.proposed"]
    assert river.sound().mentor_of("n-1") == ("m-2", "proposed")
    assert river.match("n-1").id != before


def test_the_seat_of_a_proposal_is_not_open_to_others_in_tiered_mode() -> None:
    river = River(mentor("m-1", capacity=1), join("n-1", LATER, birth_year=None))
    assert river.mentor_of("n-1") == ("m-1", "proposed")
    *_, waits = river.take(join("n-2", LATER + 1, needs=["work"]))
    assert waits.type == "newcomer.waiting"
    assert river.sound().mentor_of("n-1") == ("m-1", "proposed")


def test_a_hold_takes_row_and_seat_out_of_the_market_and_ends_at_its_instant() -> None:
    river = River(mentor("m-1", capacity=1), join("n-1", LATER), review={**STAGED, "hold_hours": 5})
    held = river.match("n-1").id
    river.take(review(held, "hold", LATER), mentor("m-2", LATER + 1, strategies=["cravings", "work"]))
    assert river.sound().in_market() == ([], {"m-2": 2})
    assert river.until(LATER + 5 * HOUR - 1) == []
    assert river.mentor_of("n-1") == ("m-1", "held")
    released, *_ = river.until(LATER + 5 * HOUR)
    assert (released.type, released.at) == ("match.released", LATER + 5 * HOUR)
    assert river.sound().in_market() == (["n-1"], {"m-1": 1, "m-2": 2})


def test_a_held_pair_is_approved_as_it_stands_and_stays_when_the_hold_would_have_ended() -> None:
    river = River(mentor("m-1", capacity=1), join("n-1", LATER), review=STAGED)
    held = river.match("n-1").id
    river.take(review(held, "hold", LATER), review(held, "approve", LATER + HOUR))
    assert river.until(LATER + 60 * HOUR) == []
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_a_second_hold_counts_from_its_own_instant() -> None:
    river = River(mentor("m-1"), join("n-1", LATER), review={**STAGED, "hold_hours": 5})
    river.take(*(review(river.match("n-1").id, "hold", at) for at in (LATER, LATER + 3 * HOUR)))
    assert types(river.until(LATER + 6 * HOUR)) == []
    assert types(river.until(LATER + 8 * HOUR))[0] == "match.released"


def test_a_rejected_pair_is_not_proposed_again() -> None:
    river = River(mentor("m-1"), join("n-1", LATER), review=STAGED)
    found = river.take(review(river.match("n-1").id, "reject", LATER, reason="too_close"))
    assert types(found) == ["match.reviewed", "match.withdrawn", "newcomer.waiting"]
    river.until(T0 + 40 * DAY)
    river.take(mentor("m-2", T0 + 41 * DAY))
    assert river.sound().mentor_of("n-1") == ("m-2", "proposed")


def test_a_coordinator_gives_the_newcomer_another_mentor() -> None:
    river = River(mentor("m-1"), mentor("m-2", strategies=["work"]), join("n-1", LATER), review=STAGED)
    assert river.mentor_of("n-1") == ("m-1", "proposed")
    found = river.take(review(river.match("n-1").id, "reassign", LATER, mentor="m-2"))
    assert types(found) == ["match.reviewed", "match.withdrawn", "match.activated"]
    assert river.sound().mentor_of("n-1") == ("m-2", "active")


def test_a_reassignment_ends_an_active_pair_without_a_grudge() -> None:
    river = River(mentor("m-1"), join("n-1", LATER), mentor("m-2", LATER))
    first = river.match("n-1").id
    river.take(review(first, "reassign", LATER, mentor="m-2"))
    assert river.sound().mentor_of("n-1") == ("m-2", "active")
    river.take(review(river.match("n-1").id, "reassign", LATER, mentor="m-1"))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_a_coordinator_may_choose_a_pair_that_was_declined() -> None:
    river = River(mentor("m-1"), mentor("m-2", strategies=["work"]), join("n-1", LATER), review=STAGED)
    river.take(review(river.match("n-1").id, "reject", LATER))
    river.take(review(river.match("n-1").id, "reassign", LATER, mentor="m-1"))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


# Proposals that no longer stand


def withdrawn() -> tuple[River, str]:
    """A program in which the proposal of m-1 to n-1 gave way to that of m-2."""
    river = River(mentor("m-1", capacity=1), join("n-1", LATER, needs=["work"]), review=STAGED)
    old = river.match("n-1").id
    river.take(mentor("m-2", LATER, capacity=1, strategies=["work"]))
    assert river.mentor_of("n-1") == ("m-2", "proposed")
    return river, old


def test_a_withdrawn_proposal_is_honoured_while_the_two_are_open_to_each_other() -> None:
    river, old = withdrawn()
    found = river.take(review(old, "approve", LATER))
    assert types(found) == ["match.reviewed", "match.withdrawn", "match.activated"]
    assert river.sound().match("n-1").id == old


@pytest.mark.parametrize("decision", ["approve", "hold", "reject"])
def test_else_the_answer_names_the_current_one(decision: str) -> None:
    river, old = withdrawn()
    river.take(tell("mentor.paused", "m-1", LATER))
    with pytest.raises(Refused, match=river.match("n-1").id) as refused:
        river.take(review(old, decision, LATER))
    assert refused.value.code == "KND-stale"


def test_a_withdrawn_proposal_is_stale_when_the_newcomer_has_somebody() -> None:
    river, old = withdrawn()
    river.take(review(river.match("n-1").id, "approve", LATER))
    for again in (review(old, "approve", LATER), review(old, "reassign", LATER, mentor="m-1")):
        with pytest.raises(Refused, match=river.match("n-1").id) as refused:
            river.take(again)
        assert refused.value.code == "KND-stale"


def test_a_withdrawn_proposal_is_stale_when_nobody_is_sought_or_somebody_left() -> None:
    for gone in (
        tell("member.updated", "n-1", LATER, seeks_mentor=False),
        tell("member.left", "n-1", LATER),
        tell("member.left", "m-1", LATER),
        tell("mentor.withdrawn", "m-1", LATER),
    ):
        river, old = withdrawn()
        river.take(gone)
        with pytest.raises(Refused) as refused:
            river.take(review(old, "approve", LATER))
        assert refused.value.code == "KND-stale"
        river.sound()


def test_a_match_that_is_over_does_not_begin_again_under_its_id() -> None:
    river = River(mentor("m-1"), mentor("m-2", strategies=["work"]), join("n-1", LATER), review=STAGED)
    over = river.match("n-1").id
    river.take(review(over, "approve", LATER), review(over, "reassign", LATER, mentor="m-2"))
    river.take(tell("match.closed", river.match("n-1").id, LATER))
    assert river.mentor_of("n-1") == ("m-1", "proposed")
    with pytest.raises(Refused, match=river.match("n-1").id) as refused:
        river.take(review(over, "approve", LATER))
    assert refused.value.code == "KND-stale"


def test_reviews_look_at_things_as_they_are_at_their_own_instant() -> None:
    river, old = withdrawn()
    river.take(tell("mentor.paused", "m-1", LATER, until=day(T0 + 2 * DAY)))
    river.take(review(old, "approve", T0 + 4 * DAY))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")


def test_offers_of_volunteers_wait_for_a_coordinator() -> None:
    river = River(veteran("m-1"), volunteer("m-1"), join("n-1", LATER))
    assert river.mentor_of("n-1") is None
    river.take(tell("mentor.screened", "m-1", LATER, outcome="cleared"))
    assert river.sound().mentor_of("n-1") == ("m-1", "active")
