"""The review queue: what comes first, what a card says, what a decision does, and where the day ends."""

from __future__ import annotations

import re
from html import unescape

import pytest

from dashboard.follow import FOLLOWING
from dashboard.frame import Sent
from matcher.errors import Unreachable
from matcher.instants import DAY, HOUR
from matcher.program import Program
from tests.dashboard.filled import forms_of
from tests.dashboard.rivers import T0, Living, cohort, river
from tests.matcher.people import join, mentor, tell


@pytest.fixture
def house() -> Living:
    return Living(river().program)


def coordinator(house: Living, name: str = "Ana"):
    return house.browser(house.account(("river", "coordinator"), name=name))


def queue(browser) -> dict:
    answer = browser.get("/api/v1/today")
    assert answer.status_code == 200, answer.text
    return answer.json()


def decision(card: dict, word: str, **more: str) -> dict[str, str]:
    return {"decision": word, **{name: card[name] for name in ("newcomer", "mentor", "version")}, **more}


def decide(browser, card: dict, word: str, **more: str):
    return browser.post(f"/review/{card['program']}/{card['match']}/decide", decision(card, word, **more))


# The queue


def test_what_cannot_wait_comes_first_then_who_is_furthest_over_the_limit_then_the_id() -> None:
    program = river(
        mentor("m-3", capacity=3),
        join("n-2", T0 + HOUR),
        join("n-3", T0 + 30 * HOUR),
        join("n-4", T0 + 30 * HOUR),
        tell("progress.distress", "n-3", T0 + 31 * HOUR, level="high"),
    )
    house = Living(program.program)
    cards = queue(coordinator(house))["cards"]
    assert [card["newcomer"] for card in cards] == ["n-3", "n-1", "n-2", "n-4"]
    assert [card["level"] for card in cards] == ["now", "list", "list", "list"]
    assert [card["over_hours"] for card in cards][1:] == [7, 6, -23]


def test_pages_of_the_queue_are_the_queue_also_when_what_stood_at_the_cursor_is_decided() -> None:
    program = river(mentor("m-3", capacity=3), *[join(f"n-{number}", T0 + number) for number in range(2, 6)])
    house = Living(program.program)
    browser = coordinator(house)
    whole = [card["newcomer"] for card in queue(browser)["cards"]]
    first = browser.get("/api/v1/today?limit=2").json()
    decide(browser, first["cards"][1], "approve")
    second = browser.get("/api/v1/today", params={"limit": 9, "after": first["next"]}).json()
    assert [card["newcomer"] for card in second["cards"]] == whole[2:]
    assert browser.get("/today?after=nonsense").status_code == 200


def test_pages_of_the_queue_are_the_queue_also_when_time_goes_on_between_them() -> None:
    late = [join(f"n-{number}", T0 + number * HOUR // 6) for number in range(2, 7)]
    house = Living(river(mentor("m-3", capacity=5), *late, mentor={"capacity_max": 5}).program)
    browser = coordinator(house)
    whole = [card["newcomer"] for card in queue(browser)["cards"]]
    first = browser.get("/api/v1/today?limit=3").json()
    house.now += 45 * 60
    second = coordinator(house, "Ben").get("/api/v1/today", params={"limit": 9, "after": first["next"]}).json()
    assert [card["newcomer"] for card in [*first["cards"], *second["cards"]]] == whole
    assert len(whole) == 6


def test_a_card_says_one_sentence_three_reasons_and_one_caution(house: Living) -> None:
    page = coordinator(house).get("/today").text
    text = unescape(re.sub(r"<[^>]+>", " ", page))
    assert "n-1 could be paired with m-1." in text
    assert "Both know post-traumatic stress, opioids and dual recovery." in text
    assert "It would be this mentor's first newcomer." in text
    assert "F11" not in text
    assert "F43" not in text


def test_a_day_ends_and_says_what_is_next() -> None:
    house = Living(river(join("n-2", T0 + HOUR), join("n-3", T0 + 2 * HOUR)).program)
    browser = coordinator(house)
    for card in queue(browser)["cards"]:
        decide(browser, card, "approve")
    now = queue(browser)
    assert now["cards"] == []
    assert now["end"] == "Nothing needs you; next due on 3 March, 11:00 UTC."  # n-3 has waited a day then
    assert now["good"] == "2 newcomers found a mentor in the last seven days."


def test_the_day_does_not_end_while_an_alert_stands_or_somebody_has_waited_too_long() -> None:
    program = river(
        tell("progress.distress", "m-1", T0 + HOUR, level="high"),
        tell("progress.setback", "n-1", T0 + HOUR, code="F11.20", severity="lapse"),
    )
    house = Living(program.program)
    browser = coordinator(house)
    [card] = queue(browser)["cards"]
    assert queue(browser)["end"] == "After these, 2 alerts need a person; next due 14:00 UTC, in 4 hours."
    decide(browser, card, "approve")
    assert queue(browser)["end"] == "2 alerts need a person; next due 14:00 UTC, in 4 hours."
    distress = browser.get("/api/v1/alerts").json()["groups"][0]["lines"][0]["alert"]
    house.remember(*program.facts)
    told = tell("alert.acknowledged", distress, T0 + HOUR, by="Ana")
    house.remember(*program.take(told))
    assert queue(browser)["end"] == "1 alert needs a person; next due 14:00 UTC, in 4 hours."


def test_the_day_does_not_end_while_somebody_without_a_proposal_has_waited_too_long() -> None:
    house = Living(river(join("n-2", T0), join("n-3", T0)).program)
    browser = coordinator(house)
    for card in queue(browser)["cards"]:
        decide(browser, card, "approve")
    assert queue(browser)["end"] == "Nothing needs you; next due on 3 March, 09:00 UTC."
    house.now = T0 + 25 * HOUR
    browser = coordinator(house, "Ben")
    assert queue(browser)["end"] == "1 newcomer has waited too long."
    assert '<a href="/waiting">1 newcomer has waited too long</a>.</p>' in browser.get("/today").text


def test_the_day_ends_with_what_is_overdue_first_and_leads_there() -> None:
    slip = tell("progress.setback", "n-1", T0 + 24 * HOUR, code="F10.20", severity="lapse")
    house = Living(river(join("n-2", T0), join("n-3", T0), slip).program)
    house.now = T0 + 25 * HOUR
    browser = coordinator(house)
    due = "; next due on 4 March, 09:00 UTC."
    assert queue(browser)["end"] == f"After these, 1 newcomer has waited too long and 1 alert needs a person{due}"
    page = browser.get("/today").text
    assert '<a href="/waiting">1 newcomer has waited too long</a> and <a href="/alerts">1 alert needs' in page
    house.now = T0 + 48 * HOUR
    said = queue(coordinator(house, "Ben"))["end"]
    assert said == "After these, 1 alert needs a person and 1 newcomer has waited too long."


def test_a_far_day_is_not_named_while_something_is_overdue() -> None:
    late = [join("n-2", T0), join("n-3", T0), join("n-4", T0 + 30 * HOUR)]
    house = Living(river(*late, waiting={"overdue_hours": 48}).program)
    assert queue(coordinator(house))["end"].endswith("; next due on 4 March, 09:00 UTC.")
    house.now = T0 + 49 * HOUR
    assert queue(coordinator(house, "Ben"))["end"] == "After these, 1 newcomer has waited too long."


def test_who_is_on_a_pause_has_not_waited_too_long_until_it_is_over() -> None:
    pause = tell("member.paused", "n-3", T0, kind="hospital", until="2026-03-05")
    house = Living(river(join("n-2", T0), join("n-3", T0), pause).program)
    back = house.replica.programs["river"].state.members["n-3"].paused_until
    house.now = back - 1
    browser = coordinator(house)
    assert "waited too long" not in queue(browser)["end"]
    waiting = browser.get("/api/v1/waiting").json()
    assert (waiting["total"], waiting["overdue"], waiting["recruit"]) == (0, 0, [])
    assert [(each["id"], each["until"]) for each in waiting["away"]] == [("n-3", back)]
    assert "On a pause" in browser.get("/waiting").text
    house.now += 60
    browser = coordinator(house, "Ben")
    assert "1 newcomer has waited too long" in queue(browser)["end"]
    assert browser.get("/api/v1/waiting").json()["away"] == []


def test_a_milestone_is_no_good_news_any_more_when_a_setback_followed() -> None:
    program = river(tell("progress.milestone", "n-1", T0 + HOUR, kind="days", days=90))
    house = Living(program.program)
    assert queue(coordinator(house))["good"] == "n-1 reached 90 days in recovery."
    program.take(tell("progress.setback", "n-1", T0 + 2 * HOUR, code="F11.20", severity="relapse"))
    assert queue(coordinator(house, "Ben"))["good"] == ""


def test_an_empty_program_teaches() -> None:
    page = coordinator(Living(Program("river"))).get("/today")
    assert page.status_code == 200
    for way in ("/enter", "kindred demo"):
        assert way in page.text


def test_a_cohort_has_cards_that_can_all_be_unfolded() -> None:
    house = Living(Program.fold(cohort()))
    browser = coordinator(house)
    cards = queue(browser)["cards"]
    assert cards
    for card in cards:
        detail = browser.get(f"/api/v1/review/river/{card['match']}").json()["detail"]
        assert sum(bar["contribution"] for bar in detail["bars"]) == pytest.approx(card["fit"])
        assert detail["effects"]
        assert all(choice["mentor"] != card["mentor"] for choice in detail["choices"])
        assert browser.get(f"/review/river/{card['match']}").status_code == 200


def test_nobody_sees_or_decides_their_own_proposal(house: Living) -> None:
    own = house.browser(house.account(("river", "coordinator"), member="m-1"))
    assert queue(own)["cards"] == []
    card = queue(coordinator(house))["cards"][0]
    assert own.get(f"/review/river/{card['match']}").status_code == 404
    assert decide(own, card, "approve").status_code == 404
    assert house.sent == []


# Deciding


def test_approving_pairs_the_two_and_says_so(house: Living) -> None:
    browser = coordinator(house)
    answer = decide(browser, queue(browser)["cards"][0], "approve")
    assert (answer.status_code, answer.headers["location"]) == (303, "/today")
    [event] = house.sent
    assert event["type"] == "kindred.match.reviewed.v1"
    assert event["data"] == {"decision": "approve", "by": browser.account}
    assert "n-1 and m-1 are paired." in browser.get("/today").text


def test_holding_keeps_the_card_aside(house: Living) -> None:
    browser = coordinator(house)
    decide(browser, queue(browser)["cards"][0], "hold")
    now = queue(browser)
    assert (now["cards"], [card["newcomer"] for card in now["held"]]) == ([], ["n-1"])
    assert now["end"] == "Nothing needs you; next due on 3 March, 09:00 UTC."


def test_a_rejection_needs_a_reason_and_brings_the_next_mentor(house: Living) -> None:
    browser = coordinator(house)
    card = queue(browser)["cards"][0]
    refused = decide(browser, card, "reject")
    assert refused.status_code == 422
    assert "A rejection needs a reason" in refused.text
    decide(browser, card, "reject", reason="know_each_other")
    assert [card["mentor"] for card in queue(browser)["cards"]] == ["m-2"]


def test_another_mentor_can_be_chosen_but_not_one_whom_the_rules_bar() -> None:
    program = river(mentor("m-3", profile={"gender": "man"}), join("n-2", T0, wishes={"mentor_gender": ["woman"]}))
    house = Living(program.program)
    browser = coordinator(house)
    card = next(card for card in queue(browser)["cards"] if card["newcomer"] == "n-2")
    refused = decide(browser, card, "reassign", other="m-3")
    assert refused.status_code == 422
    assert "They may not be paired: wish on gender." in refused.text
    assert house.sent == []
    other = next(iter({"m-1", "m-2"} - {card["mentor"]}))
    assert decide(browser, card, "reassign", other=other).status_code == 303
    assert program.mentor_of("n-2") == (other, "active")


def test_a_decision_on_an_older_version_changes_nothing_and_shows_both() -> None:
    program = river()
    house = Living(program.program)
    browser = coordinator(house)
    card = queue(browser)["cards"][0]
    seen = unescape(re.search(r'name="seen" value="([^"]+)"', browser.get("/today").text)[1])
    program.take(tell("progress.setback", "n-1", T0 + HOUR, code="F11.20", severity="lapse"))
    answer = decide(browser, card, "approve", seen=seen)
    assert answer.status_code == 409
    text = unescape(re.sub(r"<[^>]+>", " ", answer.text))
    assert "Nothing was changed" in text
    assert "What you saw" in text
    assert "What is true now" in text
    assert "One of the two had a setback lately." in text
    assert house.sent == []


def test_of_two_coordinators_one_wins_and_the_other_is_told_who_and_when(house: Living) -> None:
    ana, ben = coordinator(house, "Ana"), coordinator(house, "Ben")
    card = queue(ana)["cards"][0]
    decide(ana, card, "approve")
    house.now += 120
    answer = decide(ben, card, "reject", reason="not_a_fit")
    assert answer.status_code == 409
    assert "Ana already approved it, 2 minutes ago" in answer.text
    assert len(house.sent) == 1


def test_the_second_is_told_also_before_the_first_decision_can_be_seen(house: Living) -> None:
    ana, ben = coordinator(house, "Ana"), coordinator(house, "Ben")
    card = queue(ana)["cards"][0]
    object.__setattr__(house.parts, "send", lambda events: house.sent.extend(events) or Sent(1))
    decide(ana, card, "approve")  # taken, and on its way
    answer = decide(ben, card, "hold")
    assert answer.status_code == 409
    assert "Ana already approved it" in answer.text
    house.now += 61  # it never arrived: the card still stands
    assert decide(ben, card, "hold").status_code == 303


def slow(house: Living) -> list[object]:
    """From now on, what is sent is on its way, and nobody decides on it."""
    sent = list[object]()
    object.__setattr__(house.parts, "send", lambda events: sent.extend(events) or Sent(1, decided=False))
    object.__setattr__(house.parts, "send_whole", house.parts.send)
    return sent


def test_one_decision_is_sent_once_and_another_of_the_same_person_is_told_what_was_sent(house: Living) -> None:
    ana = coordinator(house, "Ana")
    card, sent = queue(ana)["cards"][0], slow(house)
    decide(ana, card, "approve")
    assert decide(ana, card, "approve").status_code == 303
    said = f"{card['newcomer']} and {card['mentor']}: you already approved it, less than a minute ago"
    assert said in ana.get("/today").text
    answer = decide(ana, card, "reject", reason="known")
    assert answer.status_code == 409
    assert said in answer.text
    assert len(sent) == 1
    assert audited(house)[:2] == ["already sent", "reviewed"]


def test_to_choose_a_mentor_twice_is_to_be_told_of_the_first_time() -> None:
    house = Living(river(mentor("m-3", capacity=1), mentor("m-4", capacity=1)).program)
    ana = coordinator(house, "Ana")
    card, sent = queue(ana)["cards"][0], slow(house)
    others = sorted({"m-1", "m-2", "m-3", "m-4"} - {card["mentor"]})
    assert [decide(ana, card, "reassign", other=other).status_code for other in others] == [303, 409, 409]
    assert len(sent) == 1


def test_pairs_are_approved_together_once() -> None:
    house = Living(river(join("n-2", T0)).program)
    ana = coordinator(house, "Ana")
    chosen = [f"{card['match']}@{card['version']}" for card in ana.get("/api/v1/low-risk/river").json()["pairs"]]
    sent = slow(house)
    for pairs in (chosen[:1], chosen, chosen):
        assert ana.post("/low-risk/river", {"pairs": pairs}).status_code == 303
    assert [event["subject"] for event in sent] == [pair.partition("@")[0] for pair in chosen]
    assert "2 pairs approved before, not again." in ana.get("/today").text


def test_a_decision_that_fails_takes_back_no_claim_but_its_own(house: Living) -> None:
    ana, ben = coordinator(house, "Ana"), coordinator(house, "Ben")
    card, sent = queue(ana)["cards"][0], slow(house)
    decide(ana, card, "approve")

    def away(events) -> None:
        raise Unreachable(FOLLOWING, "nobody is there")

    object.__setattr__(house.parts, "send", away)
    for word in ("approve", "hold"):
        decide(ana, card, word)
    assert decide(ben, card, "hold").status_code == 409
    assert len(sent) == 1


def test_what_nobody_has_decided_on_yet_is_not_said_to_be_done(house: Living) -> None:
    browser = coordinator(house)
    object.__setattr__(house.parts, "send", lambda events: Sent(None, decided=False))
    assert decide(browser, queue(browser)["cards"][0], "approve").status_code == 303
    page = browser.get("/today").text
    assert "nobody has decided on it yet" in page
    assert "are paired" not in page


def test_what_was_refused_in_part_is_told_from_what_is_done(house: Living) -> None:
    browser = coordinator(house)
    object.__setattr__(house.parts, "send", lambda events: Sent(1, [("x", "KND-barred")], in_part=True))
    answer = decide(browser, queue(browser)["cards"][0], "approve")
    assert answer.status_code == 422
    assert "the rest is done" in answer.text


def test_what_a_form_says_that_was_seen_is_escaped(house: Living) -> None:
    browser = coordinator(house)
    card = queue(browser)["cards"][0] | {"version": "0" * 16}
    seen = '{"sentence": "<script>alert(1)</script>", "reasons": [], "cautions": ["<b>x</b>"]}'
    answer = decide(browser, card, "approve", seen=seen)
    assert answer.status_code == 409
    assert "<script>alert" not in answer.text
    assert "<b>x" not in answer.text
    assert decide(browser, card, "approve", seen="{nonsense").status_code == 409


def test_a_pair_can_be_taken_back_within_its_window_only() -> None:
    program = river()
    house = Living(program.program)
    browser = coordinator(house)
    decide(browser, queue(browser)["cards"][0], "approve")
    [pair] = queue(browser)["lately"]
    assert pair["told"] == "Their platform was told at once; neither has answered yet."
    path = f"/review/river/{pair['match']}/recall"
    assert browser.post(path).status_code == 422
    house.now += DAY
    assert coordinator(house, "Ben").post(path, {"reason": "mistake"}).status_code == 409
    house.now -= DAY
    assert coordinator(house, "Cleo").post(path, {"reason": "mistake"}).status_code == 303
    assert program.mentor_of("n-1") != ("m-1", "active")


def test_what_is_overdue_and_how_long_a_pair_can_be_taken_back_is_the_policy_of_the_program() -> None:
    program = river(review={"mode": "staged", "recall_hours": 1}, waiting={"overdue_hours": 3})
    house = Living(program.program)
    browser = coordinator(house)
    [card] = queue(browser)["cards"]
    assert card["over_hours"] == -3
    assert "for 1 hour." in decide_and_read(browser, card)
    [pair] = queue(browser)["lately"]
    assert pair["until"] - pair["since"] == HOUR
    house.now += HOUR
    assert queue(coordinator(house, "Ben"))["lately"] == []


def decide_and_read(browser, card: dict) -> str:
    assert decide(browser, card, "approve").status_code == 303
    return browser.get("/today").text


def test_a_pair_that_people_had_made_is_no_news_and_nobody_asks_where_its_first_contact_is() -> None:
    house = Living(river().program)
    browser = coordinator(house)
    told = browser.post("/record/river/n-1/pair", {"mentor": "m-1", "since": "2025-08-14"})
    assert told.status_code == 303
    now = queue(browser)
    assert now["lately"] == []
    assert now["good"] == "1 pair is together."
    house.now = T0 + 4 * DAY
    assert coordinator(house, "Ben").get("/api/v1/alerts").json()["groups"] == []


def test_the_queue_can_be_narrowed_to_what_i_opened_and_to_what_is_new() -> None:
    program = river(mentor("m-3", capacity=3), join("n-2", T0 + HOUR))
    house = Living(program.program)
    account = house.account(("river", "coordinator"))
    first = house.browser(account)
    assert set(queue(first)["shown"]) == {"all", "mine"}, "nobody was here before"
    card = queue(first)["cards"][1]
    first.get(f"/review/river/{card['match']}")
    house.now += 9 * HOUR
    program.take(join("n-3", house.now))
    again = house.browser(account)
    again.get("/today")
    now = queue(again)
    assert now["shown"] == {"all": 3, "mine": 1, "new": 1}
    for show, newcomer in (("mine", card["newcomer"]), ("new", "n-3")):
        assert [each["newcomer"] for each in again.get(f"/api/v1/today?show={show}").json()["cards"]] == [newcomer]
        assert f"with {'m-3' if show == 'new' else card['mentor']}" in again.get(f"/today?show={show}").text
    assert again.get("/today?show=theirs").status_code == 422


# An opened card


def test_an_opened_card_stays_as_it_is_for_a_quarter_of_an_hour_and_says_so() -> None:
    program = river(review={"mode": "staged"})
    house = Living(program.program)
    browser = coordinator(house)
    card = queue(browser)["cards"][0]
    for path in (f"/review/river/{card['match']}", f"/api/v1/review/river/{card['match']}"):
        assert browser.client.head(path).status_code == 200
    assert not house.sent, "a program that only looks whether the page is there changes nothing"
    page = browser.get(f"/review/river/{card['match']}")
    assert "Stays as it is, since somebody looks at it, until" in page.text
    [event] = house.sent
    assert (event["type"], event["data"]) == ("kindred.match.opened.v1", {"by": browser.account})
    program.take(mentor("m-0", T0 + 60, strategies=["cravings", "housing"]))  # the plan would change
    assert queue(browser)["cards"] == [card | {"held_until": house.now + 900}]
    assert decide(browser, card, "approve").status_code == 303, "what was seen before it was opened is what stands"


def audited(house: Living) -> list[str]:
    lead = house.browser(house.account(("river", "lead")))
    return [line["what"] for line in lead.get("/api/v1/audit").json()["lines"] if line["what"] != "opened"]


def test_a_decision_that_could_not_be_sent_is_nobodys(house: Living) -> None:
    ana, ben = coordinator(house, "Ana"), coordinator(house, "Ben")
    card = queue(ana)["cards"][0]
    send = house.parts.send

    def away(events) -> None:
        raise Unreachable(FOLLOWING, "nobody is there")

    object.__setattr__(house.parts, "send", away)
    assert decide(ana, card, "approve").status_code == 503
    assert audited(house)[:2] == ["not confirmed", "reviewed"]
    object.__setattr__(house.parts, "send", send)
    assert decide(ben, card, "approve").status_code == 303


def test_a_decision_that_was_refused_is_not_said_to_be_done(house: Living) -> None:
    ana, ben = coordinator(house, "Ana"), coordinator(house, "Ben")
    card = queue(ana)["cards"][0]
    house.meanwhile.append(tell("member.left", card["newcomer"], house.now, reason="moved"))
    assert decide(ana, card, "approve").status_code == 422
    assert audited(house)[:2] == ["refused", "reviewed"]
    second = decide(ben, card, "approve")
    assert (second.status_code, "Ana already" in second.text) == (409, False)


def test_pairs_that_could_not_be_approved_together_are_nobodys(house: Living) -> None:
    ana, ben = coordinator(house, "Ana"), coordinator(house, "Ben")
    chosen = [f"{card['match']}@{card['version']}" for card in ana.get("/api/v1/low-risk/river").json()["pairs"]]
    whole = house.parts.send_whole
    object.__setattr__(house.parts, "send_whole", lambda events: Sent(None, [(events[0]["id"], "KND-barred")]))
    assert ana.post("/low-risk/river", {"pairs": chosen}).status_code == 422
    object.__setattr__(house.parts, "send_whole", whole)
    assert ben.post("/low-risk/river", {"pairs": chosen}).status_code == 303


def test_a_card_is_told_to_be_open_once_and_again_when_half_of_its_time_is_over(house: Living) -> None:
    ana, ben = coordinator(house, "Ana"), coordinator(house, "Ben")
    path = f"/review/river/{queue(ana)['cards'][0]['match']}"
    for browser, later, times in ((ana, 0, 1), (ben, 60, 1), (ana, 500, 2)):
        house.now += later
        assert browser.get(path).status_code == 200
        assert len(house.sent) == times


def test_a_card_opens_also_when_nobody_can_be_told(house: Living) -> None:
    browser = coordinator(house)
    card = queue(browser)["cards"][0]

    def away(events) -> None:
        raise Unreachable(FOLLOWING, "nobody is there")

    object.__setattr__(house.parts, "send", away)
    page = browser.get(f"/review/river/{card['match']}")
    assert page.status_code == 200
    assert "Stays as it is" not in page.text


# Approving together


def test_low_risk_is_approved_together_only_in_staged_mode_and_leaves_out_who_needs_a_person() -> None:
    program = river(
        mentor("m-3", capacity=3),
        join("n-2", T0 + 1, wishes={}),
        join("n-3", T0 + 2),
        join("n-4", T0 + 3),
        tell("progress.distress", "n-4", T0 + HOUR, level="elevated"),
    )
    house = Living(program.program)
    browser = coordinator(house)
    listed = browser.get("/api/v1/low-risk/river").json()
    assert [card["newcomer"] for card in listed["pairs"]] == ["n-1", "n-3"]
    assert listed["others"] == 2
    assert browser.get("/api/v1/today").json()["low_risk"] == ["river"]
    chosen = [f"{card['match']}@{card['version']}" for card in listed["pairs"]]
    assert browser.post("/low-risk/river", {"pairs": chosen}).status_code == 303
    assert program.mentor_of("n-3")[1] == "active"
    assert browser.post("/low-risk/river", {"pairs": chosen}).status_code == 409
    assert len(house.sent) == 2
    assert browser.get("/api/v1/today").json()["low_risk"] == [], "nobody is led to an empty list"
    tiered = Living(river(review={"mode": "tiered"}).program)
    assert coordinator(tiered).get("/low-risk/river").status_code == 404


def test_pairs_are_approved_together_or_none_is() -> None:
    program = river(mentor("m-3", capacity=3), join("n-3", T0 + 2))
    house = Living(program.program)
    browser = coordinator(house)
    chosen = [f"{card['match']}@{card['version']}" for card in browser.get("/api/v1/low-risk/river").json()["pairs"]]
    assert len(chosen) == 2
    refused = browser.post("/low-risk/river", {"pairs": [chosen[0], "x@" + "0" * 16]})
    assert forms_of(refused.text)["/low-risk/river"]["pairs"] == [chosen[0]], "who was unticked stays so"
    house.meanwhile.append(tell("member.left", "n-3", house.now, reason="moved"))
    answer = browser.post("/low-risk/river", {"pairs": chosen})
    assert (answer.status_code, "This was not done" in answer.text) == (422, True)
    assert program.mentor_of("n-1")[1] == "proposed"


def test_what_speaks_against_a_pair_of_low_risk_is_listed_beside_it(house: Living) -> None:
    page = coordinator(house).get("/low-risk/river").text
    assert "It would be this mentor's first newcomer." in unescape(page)
