"""What time alone changes, at the instant at which it does: the plan is never a step behind, nor a step ahead."""

from __future__ import annotations

import pytest

from matcher.instants import parse_day
from matcher.messages.facts import MatchEnded, MatchMade, MentorInvited
from matcher.policy import Policy
from matcher.program import Program
from tests.matcher.people import DAY, HOUR, T0, River, day, join, mentor, tell, types, veteran, weights

MIDNIGHT = T0 - 9 * HOUR
STAGED = {"mode": "staged"}


def followed(river: River, until: int) -> River:
    """Let the clock run from alarm to alarm, and hold the plan to one that is built anew after each."""
    while (due := river.program.next_due()) is not None and due <= until:
        river.until(due - 1)
        river.sound()
        river.until(due)
        river.sound()
    return river


def test_the_plan_is_exact_at_every_instant_of_a_month() -> None:
    river = River(mentor("m-1", capacity=1), mentor("m-2", capacity=1, supervised=day(T0 - 20 * DAY)), review=STAGED)
    river.take(join("n-1", T0 + 7, hours=[2, 3], zone="America/Denver"), join("n-2", T0 + HOUR, birth_year=2007))
    river.take(tell("mentor.updated", "m-1", T0 + HOUR, newcomer_wishes={"gender": ["woman"]}))
    river.take(tell("member.paused", "n-2", T0 + HOUR, until=day(T0 + 4 * DAY)))
    river.take(tell("progress.setback", "n-1", T0 + HOUR, severity="lapse", code="F11.20"))
    river.take(tell("consent.granted", "n-1", T0 + HOUR, scope="matching", until=day(T0 + 16 * DAY)))
    followed(river, T0 + 40 * DAY)


def test_a_column_and_a_step_of_waiting_at_one_instant() -> None:
    river = River(mentor("m-1", MIDNIGHT), mentor("m-2", MIDNIGHT), review=STAGED)
    river.take(join("n-1", MIDNIGHT), tell("mentor.paused", "m-1", MIDNIGHT, until=day(MIDNIGHT)))
    river.until(MIDNIGHT + DAY)
    river.sound()


@pytest.mark.parametrize(
    ("type_", "data"), [("match.contacted", {"by": "n-1"}), ("match.closed", {}), ("match.recalled", {"by": "s-1"})]
)
def test_word_of_a_match_that_only_time_has_made_is_taken(type_: str, data: dict[str, str]) -> None:
    """The pause ends before the event and nothing came between: the match is made on the way to its own event."""
    river = River(mentor("m-1"), tell("mentor.paused", "m-1", until=day(T0)), join("n-1", T0 + HOUR))
    coming = river.program.n + 1
    found = river.take(tell(type_, f"x-{coming}", T0 + 2 * DAY, **data))
    assert types(found)[:2] == ["match.activated", type_]


def test_waiting_is_worth_more_at_each_step_of_the_policy() -> None:
    river = River(mentor("m-1"), join("n-1", T0), review=STAGED, waiting={"step_hours": (1, 5)})
    before = _weight(river)
    for at, worth in ((T0 + HOUR - 1, 0), (T0 + HOUR, 100_000), (T0 + 5 * HOUR - 1, 100_000), (T0 + 5 * HOUR, 200_000)):
        river.until(at)
        assert _weight(river) == before + worth
    river.sound()


def test_each_step_of_waiting_is_due() -> None:
    river = River(join("n-1", T0))
    assert river.program.next_due() == T0 + 12 * HOUR
    river.until(T0 + 12 * HOUR)
    assert river.program.next_due() == T0 + 24 * HOUR


def test_least_fit_widens_while_somebody_waits() -> None:
    river = River(
        mentor("m-1", profile={"experiences": [{"code": "F10.20", "state": "past"}]}), quality={"fit_min": 600_000}
    )
    river.take(join("n-1", T0))
    assert river.mentor_of("n-1") is None
    river.take(tell("mentor.supervised", "m-1", T0 + 2 * DAY - 1))
    (made,) = river.until(T0 + 2 * DAY)
    assert (made.type, made.at) == ("match.activated", T0 + 2 * DAY)


def test_nobody_is_given_to_a_mentor_who_closes_at_that_very_instant() -> None:
    """At midnight a-1 comes back and needs the seat of n-2, for whom m-1 would be next, who closes at midnight."""
    closes = parse_day(day(T0))
    river = River(mentor("k-1", capacity=1), mentor("m-1", capacity=1), review=STAGED)
    river.take(tell("mentor.screened", "m-1", outcome="cleared", until=day(T0)))
    river.take(join("a-1", T0 + 1, seeks_mentor=None), tell("member.paused", "a-1", T0 + 1, until=day(T0)))
    river.take(tell("member.updated", "a-1", T0 + 1, seeks_mentor=True), join("n-2", T0 + 2))
    river.take(tell("mentor.paused", "m-1", T0 + 3), tell("mentor.resumed", "m-1", T0 + 4))
    assert river.mentor_of("n-2") is not None
    found = river.until(closes)
    assert {fact.at for fact in found} <= {closes}
    assert "m-1" not in [fact.data.mentor for fact in found if isinstance(fact.data, MatchMade)]
    river.sound()


def test_alarms_ring_in_the_order_of_instant_and_id_however_far_the_clock_jumps() -> None:
    def told() -> River:
        river = River(mentor("m-1", capacity=2), review=STAGED)
        river.take(*(join(f"n-{number}", T0 + number) for number in (3, 1, 2)))
        river.take(tell("mentor.paused", "m-1", T0 + HOUR, until=day(T0 + 9 * DAY)))
        return river

    at_once, step_by_step = told(), told()
    at_once.until(T0 + 30 * DAY)
    while (due := step_by_step.program.next_due()) is not None and due <= T0 + 30 * DAY:
        step_by_step.facts += step_by_step.program.due(due)
    step_by_step.facts += step_by_step.program.advance(T0 + 30 * DAY)
    assert [fact.line() for fact in at_once.facts] == [fact.line() for fact in step_by_step.facts]
    assert sorted(fact.at for fact in at_once.facts) == [fact.at for fact in at_once.facts]


def test_nothing_is_due_twice_nor_before_its_time() -> None:
    river = River(mentor("m-1"), join("n-1", T0, birth_year=None))
    due = river.program.next_due()
    assert due is not None
    assert river.program.due(due - 1) == []
    river.facts += river.program.due(due)
    assert (river.program.next_due() or due + 1) > due
    assert river.program.due(due) == []


def test_an_empty_program_has_nothing_due() -> None:
    program = Program("river")
    assert (program.due(T0), program.next_due(), program.at, program.n) == ([], None, None, 0)
    assert types(program.advance(T0)) == ["clock.advanced"]
    assert program.at == T0


def test_programs_do_not_hear_of_each_other() -> None:
    events = [*mentor("m-1"), join("n-1", T0 + HOUR), tell("member.left", "n-1", T0 + DAY)]
    alone, first, second = River(), River(), River()
    for event in events:
        alone.take(event)
    for event, other in zip(events, reversed(events), strict=True):
        first.take(event)
        if other.type == "member.joined":
            second.take(other)
    assert [fact.line() for fact in alone.facts] == [fact.line() for fact in first.facts]


def test_late_and_unordered_news_lead_to_the_same_recovery() -> None:
    slips = [tell("progress.setback", "n-1", T0 - days * DAY, severity="relapse", code="F11.20") for days in (9, 4, 6)]
    told = [
        River(join("n-1", T0 - 20 * DAY), *order, tell("member.referred", "n-1", T0)) for order in (slips, slips[::-1])
    ]
    assert told[0].program.state.members["n-1"].recovery == told[1].program.state.members["n-1"].recovery


def test_what_fell_due_before_a_new_policy_is_not_lost() -> None:
    river = River(veteran("v-1", experiences=[{"code": "F11.20", "state": "early", "since": day(T0 - 300 * DAY)}]))
    facts = river.program.adopt(Policy.model_validate({"mentor": {"capacity_max": 1}}), T0 + 100 * DAY)
    assert types(facts) == ["mentor.invited", "policy.adopted"]
    assert isinstance(facts[0].data, MentorInvited)
    assert not any(isinstance(fact.data, MatchEnded) for fact in facts)


def _weight(river: River) -> int:
    ((weight, _),) = weights(river.program)["weights"].values()
    return int(weight)
