"""What cannot be said: each refusal by its code, with the state left as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matcher.errors import Refused
from matcher.messages.catalog import Event
from matcher.pairing import review
from matcher.people import membership
from tests.matcher.people import DAY, HOUR, T0, River, day, join, mentor, tell, veteran

NEXT = T0 + HOUR
TOMORROW = day(T0 + DAY)
THE_PAIR = "the-pair"


def town() -> River:
    """n-1 is with m-1 (x-8), n-2 waits, n-3 has left; m-1 has a seat that the plan proposes to nobody."""
    river = River(mentor("m-1", capacity=1), veteran("v-1"), join("n-1"))
    river.take(join("n-2"), join("n-3"), tell("member.left", "n-3"))
    assert river.mentor_of("n-1") == ("m-1", "active")
    return river


def about_the_pair(type_: str, **data: object) -> Event:
    return tell(type_, THE_PAIR, NEXT, **data)


def told(event: Event, river: River) -> None:
    """Tell it of the match that the town really has."""
    river.take(replace(event, subject=river.match("n-1").id) if event.subject == THE_PAIR else event)


REFUSED: list[tuple[str, Event]] = [
    # Whom it is about
    ("KND-unknown-outcome", tell("safety.resolved", "n-1", outcome="substantiated")),
    ("KND-unknown-outcome", tell("safety.resolved", "n-1")),
    ("KND-unknown-member", tell("member.left", "n-9")),
    ("KND-unknown-member", tell("progress.checked_in", "n-9", mood=3)),
    ("KND-unknown-member", tell("member.erased", "n-9")),
    ("KND-unknown-member", tell("match.recorded", "n-9", mentor="m-1")),
    ("KND-unknown-member", tell("exclusion.added", "n-9", other="n-1")),
    ("KND-one-person", tell("exclusion.added", "n-1", other="n-1")),
    ("KND-one-person", tell("exclusion.removed", "n-1", other="n-1")),
    ("KND-unknown-member", tell("waiver.granted", "n-9", rule="recovery_time", reason="steady", until=TOMORROW)),
    ("KND-has-left", tell("member.left", "n-3")),
    ("KND-has-left", tell("member.updated", "n-3", needs=["work"])),
    ("KND-has-left", tell("mentor.volunteered", "n-3")),
    ("KND-has-left", tell("match.recorded", "n-3", mentor="m-1")),
    ("KND-has-left", tell("waiver.granted", "n-3", rule="recovery_time", reason="steady", until=TOMORROW)),
    ("KND-not-a-mentor", tell("mentor.screened", "v-1", outcome="cleared")),
    ("KND-not-a-mentor", tell("mentor.supervised", "v-1")),
    ("KND-not-a-mentor", tell("mentor.updated", "v-1", capacity=1)),
    ("KND-not-a-mentor", tell("mentor.paused", "v-1")),
    ("KND-not-a-mentor", tell("mentor.resumed", "v-1")),
    ("KND-not-a-mentor", tell("mentor.withdrawn", "v-1")),
    # Dates and codes
    ("KND-impossible-time", join("n-4", experiences=[{"code": "F11.20", "since": TOMORROW}])),
    ("KND-impossible-time", join("n-4", birth_year=2027)),
    ("KND-impossible-time", tell("member.updated", "n-1", birth_year=2027)),
    ("KND-impossible-time", tell("mentor.volunteered", "v-1", trained=TOMORROW)),
    ("KND-impossible-time", tell("mentor.updated", "m-1", supervised=TOMORROW)),
    ("KND-impossible-time", tell("mentor.supervised", "m-1", T0, at=TOMORROW)),
    ("KND-impossible-time", tell("match.recorded", "n-2", mentor="m-1", since=TOMORROW)),
    ("KND-unknown-code", join("n-4", experiences=[{"code": "F99.99"}])),
    ("KND-unknown-code", tell("progress.setback", "n-1", severity="lapse", code="F99.99")),
    ("KND-unknown-zone", tell("member.updated", "n-1", zone="Mars/Olympus")),
    # Waivers
    ("KND-waiver-refused", tell("waiver.granted", "m-1", rule="minor", reason="steady", until=TOMORROW)),
    ("KND-waiver-refused", tell("waiver.granted", "m-1", rule="no_such_rule", reason="steady", until=TOMORROW)),
    ("KND-waiver-refused", tell("waiver.granted", "m-1", rule="supervision_lapsed", reason="steady", until=TOMORROW)),
    (
        "KND-waiver-refused",
        tell("waiver.granted", "m-1", rule="recovery_time", reason="steady", until=day(T0 + 181 * DAY)),
    ),
    # Matches
    ("KND-unknown-match", tell("match.closed", "x-999")),
    ("KND-unknown-match", tell("match.recalled", "x-999")),
    ("KND-unknown-match", tell("match.reviewed", "x-999", decision="approve")),
    ("KND-unknown-match", tell("match.answered", "x-999", by="n-1", answer="accept")),
    ("KND-unknown-match", tell("match.contacted", "n-1", by="n-1")),
    ("KND-not-in-pair", about_the_pair("match.answered", by="n-2", answer="accept")),
    ("KND-not-in-pair", about_the_pair("match.answered", by="s-1", answer="decline")),
    ("KND-not-in-pair", about_the_pair("match.contacted", by="n-2")),
    ("KND-not-in-pair", about_the_pair("match.pulsed", by="n-2", going=3)),
    ("KND-stale", about_the_pair("match.reviewed", decision="approve")),
    ("KND-stale", about_the_pair("match.reviewed", decision="hold")),
    ("KND-stale", about_the_pair("match.reviewed", decision="reject")),
    ("KND-barred", about_the_pair("match.reviewed", decision="reassign", mentor="m-1")),
    ("KND-barred", about_the_pair("match.reviewed", decision="reassign", mentor="n-1")),
    ("KND-barred", about_the_pair("match.reviewed", decision="reassign", mentor="m-9")),
    ("KND-barred", about_the_pair("match.reviewed", decision="reassign", mentor="n-3")),
    ("KND-barred", tell("match.recorded", "n-2", mentor="m-9")),
    ("KND-barred", tell("match.recorded", "n-2", mentor="n-3")),
    ("KND-barred", tell("match.recorded", "n-2", mentor="v-1")),
    ("KND-already-matched", tell("match.recorded", "n-1", NEXT, mentor="m-1")),
]


@pytest.mark.parametrize(("code", "event"), REFUSED, ids=[f"{code}-{event.type}" for code, event in REFUSED])
def test_the_impossible_is_refused_and_leaves_everything_as_it_was(code: str, event: Event) -> None:
    river = town()
    before = river.program.state_hash()
    with pytest.raises(Refused) as refused:
        told(event, river)
    assert refused.value.code == code
    assert river.program.state_hash() == before
    river.sound()
    assert river.program.due(T0) == []


def test_a_match_that_is_not_active_can_be_neither_closed_nor_recalled() -> None:
    river = River(mentor("m-1"), join("n-1", birth_year=None))
    proposal = river.match("n-1").id
    for type_ in ("match.closed", "match.recalled"):
        with pytest.raises(Refused) as refused:
            river.take(tell(type_, proposal, NEXT))
        assert refused.value.code == "KND-not-active"
    river.take(tell("match.reviewed", proposal, NEXT, decision="approve"), tell("match.closed", proposal, NEXT))
    with pytest.raises(Refused) as refused:
        river.take(tell("match.closed", proposal, NEXT))
    assert refused.value.code == "KND-not-active"


def test_every_code_of_these_rooms_is_in_the_table() -> None:
    codes = {
        value
        for room in (membership, review)
        for name, value in vars(room).items()
        if name.isupper() and isinstance(value, str) and value.startswith("KND-")
    }
    assert codes - {code for code, _ in REFUSED} == {"KND-not-active"}


def test_a_new_program_whose_first_event_is_refused_has_decided_nothing() -> None:
    river = River()
    with pytest.raises(Refused):
        river.take(tell("member.left", "n-1"))
    assert [fact.type for fact in river.facts] == ["policy.adopted"]
    assert river.program.state.members.members == {}


def test_a_refused_event_lets_no_time_pass() -> None:
    """An invitation would fall due on the way to an event that is a slip of the calendar, and is refused then."""
    river = River(veteran("v-1", experiences=[{"code": "F11.20", "state": "early", "since": day(T0 - 300 * DAY)}]))
    before, facts = river.program.state_hash(), river.program.n
    for late in (
        tell("match.recorded", "v-1", T0 + 90 * DAY, mentor="m-9"),
        tell("match.reviewed", "x-99", T0 + 90 * DAY, decision="approve"),
    ):
        with pytest.raises(Refused):
            river.program.handle(late, late.time)
        assert (river.program.state_hash(), river.program.n, river.program.at) == (before, facts, T0)
    assert river.program.due(T0 + 64 * DAY) == []
    assert [fact.type for fact in river.program.due(T0 + 66 * DAY)] == ["mentor.invited"]


def test_a_program_takes_its_own_events_and_never_goes_back() -> None:
    river = River(join("n-1"))
    elsewhere = replace(tell("member.left", "n-1", T0 + 1), program="lake")
    for event, at in ((elsewhere, T0 + 1), (tell("member.left", "n-1", T0 + 1), T0 - 1)):
        with pytest.raises(ValueError, match="own program"):
            river.program.handle(event, at)


def test_words_of_refusals_carry_no_personal_facts() -> None:
    for _, event in REFUSED:
        with pytest.raises(Refused) as refused:
            told(event, town())
        said = refused.value.message
        assert not any(word in said for word in ("F11", "2027", "1991", "work"))
