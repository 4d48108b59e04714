"""Who of the clinicians may see a record: what was told last, what was taken back, and what comes late."""

from __future__ import annotations

import json

import pytest

from matcher.people import consents
from matcher.people.consents import Consents
from matcher.people.member import FOREVER
from matcher.program import Program
from tests.matcher.people import DAY, HOUR, T0, River, day, join, tell

ANN, BEN = "a-ann", "a-ben"


def river(*told: tuple[str, int, dict[str, str]]) -> River:
    """n-1, and what was told of consents to clinicians: (granted or revoked, hours after joining, data)."""
    made = River(join("n-1"))
    for word, hours, data in told:
        made.take(tell(f"consent.{word}", "n-1", T0 + hours * HOUR, scope="clinician", **data), at=T0 + 9 * HOUR)
    return made


def known(made: River) -> Consents:
    return made.program.state.members["n-1"].clinicians


def may(made: River, account: str, at: int = T0 + 9 * HOUR) -> bool:
    return consents.in_force(known(made), account, at) is not None


TO_ANN = {"to": ANN}


@pytest.mark.parametrize(
    ("told", "ann", "ben"),
    [
        ([], False, False),
        ([("granted", 1, {})], True, True),
        ([("granted", 1, TO_ANN)], True, False),
        ([("granted", 1, {}), ("revoked", 2, {})], False, False),
        ([("granted", 1, TO_ANN), ("revoked", 2, {})], False, False),
        ([("granted", 1, {}), ("revoked", 2, TO_ANN)], False, True),
        ([("revoked", 1, TO_ANN), ("granted", 2, {})], False, True),  # no word to any lifts what was said of one
        ([("revoked", 1, TO_ANN), ("granted", 2, TO_ANN)], True, False),
        ([("revoked", 1, {}), ("granted", 2, TO_ANN)], True, False),
        ([("revoked", 1, TO_ANN), ("granted", 2, {}), ("revoked", 3, {}), ("granted", 4, {})], False, True),
        ([("revoked", 1, TO_ANN), ("revoked", 2, {}), ("granted", 3, TO_ANN)], True, False),
        ([("revoked", 1, TO_ANN), ("revoked", 3, {}), ("granted", 2, TO_ANN)], False, False),
        ([("granted", 1, TO_ANN), ("granted", 2, {}), ("revoked", 3, {"to": BEN})], True, False),
        ([("revoked", 2, {}), ("granted", 1, {})], False, False),  # told late
        ([("revoked", 2, {}), ("granted", 1, TO_ANN)], False, False),
        ([("revoked", 2, TO_ANN), ("granted", 1, TO_ANN)], False, False),
        ([("granted", 2, {}), ("revoked", 1, {})], False, False),  # in doubt, closed
        ([("revoked", 3, TO_ANN), ("revoked", 1, TO_ANN), ("granted", 2, TO_ANN)], False, False),
        ([("revoked", 3, {}), ("revoked", 1, {}), ("granted", 2, TO_ANN)], False, False),
    ],
)
def test_what_was_said_of_an_account_counts(told: list[tuple[str, int, dict[str, str]]], ann: bool, ben: bool) -> None:
    made = river(*told)
    assert (may(made, ANN), may(made, BEN)) == (ann, ben)
    made.sound()


def test_a_consent_ends_with_its_last_day() -> None:
    made = river(("granted", 1, {"until": day(T0), "purpose": "treatment"}))
    midnight = T0 // DAY * DAY + DAY
    held = consents.in_force(known(made), ANN, midnight - 1)
    assert held is not None
    assert (held.since, held.until, held.purpose) == (T0 + HOUR, midnight, "treatment")
    assert not may(made, ANN, midnight)


def test_one_that_is_over_does_not_stand_against_one_to_any() -> None:
    made = river(("granted", 1, {"to": ANN, "until": day(T0 - DAY)}), ("granted", 2, {}))
    assert may(made, ANN)


def test_other_consents_open_nothing() -> None:
    made = River(join("n-1"))
    for scope in ("matching", "share_progress"):
        made.take(tell("consent.granted", "n-1", T0, scope=scope))
    assert not known(made)
    assert b"clinicians" not in made.program.dump(), "old snapshots and new ones say the same of who has none"


@pytest.mark.parametrize(
    ("told", "stands"),
    [
        ([("granted", 1), ("revoked", 2)], False),
        ([("revoked", 2), ("granted", 1)], False),  # told late
        ([("revoked", 1), ("granted", 2)], True),
        ([("granted", 2), ("revoked", 1)], False),  # in doubt, closed
        ([("granted", 2), ("revoked", 1), ("granted", 1)], False),
        ([("revoked", 3), ("revoked", 1), ("granted", 2)], False),
        ([("revoked", 1), ("granted", 1)], True),
    ],
)
def test_a_consent_to_be_matched_opens_nothing_when_a_later_word_is_known(
    told: list[tuple[str, int]], stands: bool
) -> None:
    made = River(join("n-1"))
    for word, hours in told:
        made.take(tell(f"consent.{word}", "n-1", T0 + hours * HOUR, scope="matching"), at=T0 + 9 * HOUR)
    assert (made.program.state.members["n-1"].consent_until == FOREVER) == stands
    again = Program.load(made.program.dump())
    assert again.dump() == made.program.dump() == Program.fold(made.facts).dump()


def test_of_two_consents_to_be_matched_the_later_says_until_when() -> None:
    made = River(join("n-1"))
    for hours, until in ((2, day(T0 + 30 * DAY)), (1, day(T0 + 90 * DAY))):
        made.take(tell("consent.granted", "n-1", T0 + hours * HOUR, scope="matching", until=until), at=T0 + 9 * HOUR)
    assert made.program.state.members["n-1"].consent_until == T0 // DAY * DAY + 31 * DAY


def test_a_snapshot_of_before_says_what_stands_and_not_since_when() -> None:
    made = River(join("n-1"))
    made.take(tell("consent.revoked", "n-1", T0 + HOUR, scope="matching"))
    before = {**json.loads(made.program.dump()), "format": 2}
    for member in before["members"]:
        del member["consent_said"]
    old = Program.load(json.dumps(before).encode()).state
    assert (old.members["n-1"].consent_until, old.members["n-1"].consent_said, old.hears_all) == (0, None, False)


def test_leaving_ends_it_and_coming_back_does_not_revive_it() -> None:
    made = river(("granted", 1, {}), ("granted", 1, TO_ANN))
    made.take(tell("member.left", "n-1", T0 + 2 * HOUR), join("n-1", T0 + 3 * HOUR))
    assert not may(made, ANN)
    made.take(tell("consent.granted", "n-1", T0 + 4 * HOUR, scope="clinician"))
    assert may(made, ANN)


def test_who_was_refused_before_somebody_left_is_refused_when_they_are_back() -> None:
    made = river(("revoked", 1, TO_ANN), ("granted", 1, {}))
    made.take(tell("member.left", "n-1", T0 + 2 * HOUR), join("n-1", T0 + 3 * HOUR))
    made.take(tell("consent.granted", "n-1", T0 + 4 * HOUR, scope="clinician"))
    assert (may(made, ANN), may(made, BEN)) == (False, True)


def test_it_is_in_snapshots_and_goes_with_the_person() -> None:
    made = river(("granted", 1, {"to": ANN, "purpose": "treatment"}), ("revoked", 2, {"to": BEN}))
    again = Program.load(made.program.dump())
    assert again.state.members["n-1"].clinicians == known(made)
    assert again.dump() == made.program.dump() == Program.fold(made.facts).dump()
    made.take(tell("member.erased", "n-1", T0 + 9 * HOUR))
    assert ANN.encode() not in made.program.dump()


def test_a_snapshot_of_before_is_read_as_one_without() -> None:
    made = river(("granted", 1, {}))
    before = json.loads(made.program.dump())
    for member in before["members"]:
        del member["clinicians"]
    old = Program.load(json.dumps(before).encode())
    assert old.state.members["n-1"].clinicians == ()
