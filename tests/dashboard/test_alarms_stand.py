"""What somebody told stands until somebody has dealt with it: told again, taken, left alone, or after they went."""

from __future__ import annotations

import re
from html import unescape

import pytest

from dashboard.access import accounts
from dashboard.frame import Sent
from dashboard.oncall import store
from dashboard.oncall.caller import Caller, Calling
from dashboard.oncall.channels import MAIL, Message
from matcher.errors import Unreachable
from matcher.instants import DAY
from matcher.messages.catalog import Event
from matcher.program import Program
from tests.dashboard.rivers import HOUR, T0
from tests.dashboard.test_alarms import FELT, TOLD, Lived, words
from tests.matcher.people import join, tell

pytestmark = pytest.mark.slow  # a house and a sign-in each

MINUTE = 60
DEPUTY = "deputy@clinic.example"
LEAD = "lead@clinic.example"


def high(at: int) -> Event:
    return tell("progress.distress", "n-1", at, level="high")


class OnCall:
    """A way to call somebody, which keeps whom; the lead of the house comes first, and then a deputy."""

    name = "mail"

    def __init__(self, house: Lived) -> None:
        self.house, self.to, self.is_away = house, list[str | None](), False
        self.deputy = house.account(("river", "coordinator"))
        with house.engine.begin() as db:
            store.set_mail(db, self.deputy, DEPUTY)
            store.set_deputy(db, "river", self.deputy)
        calling = Calling((self,), "http://localhost", 900)
        self._caller = Caller(house.engine, house.replica, calling, clock=lambda: house.now)

    def send(self, message: Message, to: str | None) -> None:
        if self.is_away:
            raise Unreachable(MAIL, "away")
        self.to.append(to)

    def at(self, minute: int) -> list[str | None]:
        """Who is called at this minute."""
        before, self.house.now = len(self.to), T0 + HOUR + minute * MINUTE
        self._caller.look()
        return self.to[before:]


def take(house: Lived) -> dict:
    [line] = house.stand()
    assert house.lead.post(f"/alerts/river/{line['alert']}/acknowledge").status_code == 303
    return line


# Told again


def test_who_tells_again_and_again_reaches_the_next_person_on_call() -> None:
    house = Lived(high(T0 + HOUR))
    on_call = OnCall(house)
    for minute in range(61):
        if minute and minute % 14 == 0:
            house.hear(high(T0 + HOUR + minute * MINUTE))
        on_call.at(minute)
    assert on_call.to == [LEAD, DEPUTY, LEAD, DEPUTY, LEAD]


def test_a_newer_telling_asks_everybody_once_more_and_then_nobody() -> None:
    house = Lived(high(T0 + HOUR))
    on_call = OnCall(house)
    assert [on_call.at(minute) for minute in (0, 15, 30, 45)] == [[LEAD], [DEPUTY], [], []]
    house.hear(high(T0 + 3 * HOUR))
    assert [on_call.at(minute) for minute in (120, 135, 150, 165)] == [[LEAD], [DEPUTY], [], []]


@pytest.mark.parametrize("tellings", [1, 2])
def test_what_is_told_after_somebody_took_it_begins_with_the_first(tellings: int) -> None:
    house = Lived(high(T0 + HOUR))
    on_call = OnCall(house)
    assert on_call.at(0) == [LEAD]
    for minute in range(1, tellings):
        house.hear(high(T0 + HOUR + minute * MINUTE))
    take(house)
    assert on_call.at(2) == []
    house.hear(high(T0 + HOUR + 3 * MINUTE))
    assert on_call.at(3) == [LEAD]


def test_a_call_that_was_not_delivered_is_tried_again_though_it_was_told_again() -> None:
    house = Lived(high(T0 + HOUR))
    on_call = OnCall(house)
    on_call.is_away = True
    assert on_call.at(0) == []
    on_call.is_away = False
    house.hear(high(T0 + HOUR + MINUTE))
    assert on_call.at(2) == [LEAD]


def test_a_slip_with_a_substance_that_is_not_told_apart_is_due_in_four_hours() -> None:
    [line] = Lived(tell("progress.setback", "n-1", T0 + HOUR, code="F19.20", severity="relapse")).stand()
    assert line["due"] == T0 + 5 * HOUR


# Left alone


@pytest.mark.parametrize("kind", ["distress_high", "self_harm_often"])
def test_what_cannot_wait_does_not_go_until_somebody_resolves_it(kind: str) -> None:
    house = Lived(TOLD[kind](T0 + HOUR), alert={"distress_days": 1, "silence_days": 366})
    house.now = T0 + 300 * DAY
    [line] = house.stand()
    house.lead.post(f"/alerts/river/{line['alert']}/acknowledge")
    assert house.stand() == []
    assert [each["alert"] for each in house.stand("acknowledged")] == [line["alert"]]
    house.lead.post(f"/alerts/river/{line['alert']}/resolve", {"outcome": "safe"})
    assert [house.stand(show) for show in ("open", "acknowledged", "resolved")] == [[], [], []]


@pytest.mark.parametrize("kind", ["distress", "self_harm"])
def test_how_long_somebody_looks_after_distress_is_not_how_long_a_mentor_rests(kind: str) -> None:
    house = Lived(TOLD[kind](T0 + HOUR), mentor={"distress_days": 1}, alert={"distress_days": 3})
    house.now = T0 + HOUR + 3 * DAY - 1
    assert len(house.stand()) == 1
    house.now += 1
    assert house.stand() == []


# After they went

ONCE_PRESENT = [kind for kind in FELT if TOLD[kind](T0).subject == "n-1"]


def left(reason: str, at: int = T0 + 2 * HOUR) -> Event:
    return tell("member.left", "n-1", at, reason=reason)


@pytest.mark.parametrize("kind", ONCE_PRESENT)
def test_who_leaves_is_still_somebody_to_look_after(kind: str) -> None:
    house = Lived(TOLD[kind](T0 + HOUR))
    before = house.stand()
    house.hear(left("other"), TOLD[kind](T0 + 3 * HOUR))
    assert house.stand() == before == house.stand()
    house.resolve()


def test_who_leaves_in_great_distress_is_called_for() -> None:
    assert Lived(high(T0 + HOUR), left("other")).calls() == 1


@pytest.mark.parametrize("gone", [left("died"), tell("member.erased", "n-1", T0 + 2 * HOUR)])
def test_nobody_is_called_for_who_has_died_or_is_erased(gone: Event) -> None:
    house = Lived(*[TOLD[kind](T0 + HOUR) for kind in ONCE_PRESENT], gone)
    assert (house.stand(), house.calls()) == ([], 0)


def test_a_report_stands_though_they_have_died() -> None:
    assert words(Lived(TOLD["report"](T0 + HOUR), left("died"))) == ["A safety report is open."]


def test_who_comes_back_has_what_was_told_meanwhile() -> None:
    house = Lived(left("other", T0 + HOUR), high(T0 + 2 * HOUR))
    assert house.stand() == []
    house.hear(join("n-1", T0 + 3 * HOUR))
    assert words(house) == ["In great distress."]


# Reports


def test_of_two_reports_each_is_an_alarm_and_is_resolved_by_itself() -> None:
    house = Lived(TOLD["report"](T0 + HOUR), TOLD["report"](T0 + 2 * HOUR))
    first, second = house.stand()
    assert house.lead.post(f"/alerts/river/{first['alert']}/resolve", {"outcome": "safe"}).status_code == 303
    assert house.stand() == [second]
    house.hear(tell("safety.resolved", "n-1", T0 + 3 * HOUR, outcome="unfounded"))
    assert house.stand() == [second]
    house.hear(tell("safety.resolved", "n-1", T0 + 3 * HOUR, outcome="unfounded"))
    assert house.stand() == []


def test_reports_of_both_kinds_go_together() -> None:
    house = Lived(TOLD["report"](T0 + HOUR), TOLD["report_minor"](T0 + HOUR))
    assert len(house.stand()) == 2
    for _ in range(2):
        house.hear(tell("safety.resolved", "n-1", T0 + 3 * HOUR, outcome="unfounded"))
    assert house.stand() == []


# Taken, and told again


def test_who_took_an_alarm_that_is_told_again_is_led_to_the_newer_one() -> None:
    house = Lived(high(T0 + HOUR))
    older = take(house)
    house.now += 10 * MINUTE
    house.hear(high(T0 + 2 * HOUR))
    [newer] = house.stand()
    assert (newer["earlier_by"], newer["earlier_at"]) == ("account 0", T0 + HOUR)
    for what, form in (("resolve", {"outcome": "safe"}), ("acknowledge", {})):
        answer = house.lead.post(f"/alerts/river/{older['alert']}/{what}", form)
        assert answer.status_code == 409
        assert "told again" in answer.text
        assert f'href="#{newer["alert"]}"' in answer.text
        assert f'id="{newer["alert"]}"' in answer.text
    assert "account 0 took an earlier one" in house.lead.get("/alerts").text
    assert house.lead.post("/alerts/river/a-unknown/resolve", {"outcome": "safe"}).status_code == 404
    house.lead.post(f"/alerts/river/{newer['alert']}/acknowledge")
    assert "account 0 has it" in house.lead.post(f"/alerts/river/{older['alert']}/resolve", {"outcome": "safe"}).text


def test_of_an_earlier_one_that_was_resolved_nothing_is_said() -> None:
    house = Lived(high(T0 + HOUR))
    house.resolve()
    house.hear(high(T0 + 2 * HOUR))
    [newer] = house.stand()
    assert newer["earlier_by"] == ""


def test_an_older_one_of_another_program_is_not_found() -> None:
    house = Lived(high(T0 + HOUR))
    older = take(house)
    house.hear(high(T0 + 2 * HOUR))
    coordinator = house.signed_in(("hill", "coordinator"))
    assert coordinator.post(f"/alerts/river/{older['alert']}/resolve", {"outcome": "safe"}).status_code == 404


# What other pages say of it


def test_the_page_of_a_person_says_who_has_an_alarm_in_their_hands_and_leaves_out_what_is_over() -> None:
    house = Lived(high(T0 + HOUR))
    path = "/api/v1/people/river/n-1"
    [alarm] = house.lead.get(path).json()["alarms"]
    assert (alarm["by"], alarm["at"]) == ("", None)
    take(house)
    [alarm] = house.lead.get(path).json()["alarms"]
    assert (alarm["by"], alarm["at"]) == ("account 0", T0 + HOUR)
    assert "in the hands of account 0" in house.lead.get("/people/river/n-1").text
    [line] = house.stand("acknowledged")
    house.lead.post(f"/alerts/river/{line['alert']}/resolve", {"outcome": "safe"})
    assert house.lead.get(path).json()["alarms"] == []


def test_a_proposal_does_not_warn_of_what_is_over() -> None:
    house = Lived(high(T0 + HOUR))
    path = f"/api/v1/review/river/{house.river.match('n-1').id}"
    said = [line["words"] for line in house.lead.get(path).json()["detail"]["clock"]]
    assert "In great distress." in said
    house.resolve()
    assert "In great distress." not in [line["words"] for line in house.lead.get(path).json()["detail"]["clock"]]


def test_what_was_taken_and_is_not_over_is_not_nothing_urgent() -> None:
    house = Lived(high(T0 + HOUR))
    take(house)
    page = house.lead.get("/today").text
    assert "Nothing urgent is known" not in page
    assert '<a href="/alerts?show=acknowledged">1 thing that could not wait is in somebody’s hands</a>' in page
    house.hear(TOLD["self_harm_often"](T0 + HOUR))
    assert "1 thing cannot wait" in house.lead.get("/today").text
    house.resolve()
    [line] = house.stand("acknowledged")
    house.lead.post(f"/alerts/river/{line['alert']}/resolve", {"outcome": "safe"})
    assert "Nothing urgent is known" in house.lead.get("/today").text


@pytest.mark.parametrize(("what", "form"), [("acknowledge", {}), ("resolve", {"outcome": "safe"})])
def test_what_could_not_be_sent_is_in_nobodys_hands(what: str, form: dict[str, str]) -> None:
    house = Lived(high(T0 + HOUR))
    [line] = house.stand()
    path, send = f"/alerts/river/{line['alert']}/{what}", house.parts.send

    def away(events) -> Sent:
        raise Unreachable(MAIL, "away")

    object.__setattr__(house.parts, "send", away)
    assert house.lead.post(path, form).status_code == 503
    object.__setattr__(house.parts, "send", send)
    house.now += 30
    assert house.signed_in(("river", "coordinator")).post(path, form).status_code == 303


# A report that no lead may see

HIDDEN = "There is a report in river that no lead here may see"


def bind(house: Lived, account: str, member: str) -> None:
    with house.engine.begin() as db:
        accounts.bind(db, account, member, house.now)


def test_a_report_about_the_only_lead_is_told_to_coordinators_and_not_to_the_lead() -> None:
    house = Lived()
    on_call = OnCall(house)
    bind(house, house._lead, "m-2")
    house.hear(tell("safety.reported", "m-2", T0 + HOUR, by="n-1"))
    assert on_call.at(0) == [DEPUTY]
    page = house.browser(on_call.deputy).get("/today").text
    assert HIDDEN in page
    assert "1 thing cannot wait" in unescape(re.sub("<[^>]+>", "", page))
    assert "m-2" not in page.partition("<main")[0]
    for account in (house._lead, house.account(("hill", "coordinator")), house.account(("river", "viewer"))):
        assert HIDDEN not in house.browser(account).get("/insights").text
    house.account(("*", "lead"))
    assert HIDDEN not in house.browser(on_call.deputy).get("/today").text


def test_a_lead_of_all_programs_is_called_about_a_report_that_the_only_other_lead_may_not_see() -> None:
    house = Lived()
    on_call = OnCall(house)
    bind(house, house._lead, "m-2")
    everywhere = house.account(("*", "lead"))
    with house.engine.begin() as db:
        store.set_mail(db, everywhere, "everywhere@clinic.example")
    house.hear(tell("safety.reported", "m-2", T0 + HOUR, by="n-1"))
    assert on_call.at(0) == ["everywhere@clinic.example"]


def test_of_a_hidden_report_that_is_settled_nothing_is_said() -> None:
    house = Lived()
    on_call = OnCall(house)
    bind(house, house._lead, "m-2")
    house.hear(tell("safety.reported", "m-2", T0 + HOUR, by="n-1"))
    house.hear(tell("safety.resolved", "m-2", T0 + HOUR, outcome="unfounded"))
    assert HIDDEN not in house.browser(on_call.deputy).get("/today").text


# One's way through the list


def test_who_takes_an_alarm_lands_at_it() -> None:
    house = Lived(high(T0 + HOUR))
    [line] = house.stand()
    answer = house.lead.post(f"/alerts/river/{line['alert']}/acknowledge")
    assert answer.headers["location"] == f"/alerts?show=acknowledged#{line['alert']}"
    assert f'id="{line["alert"]}"' in house.lead.get("/alerts?show=acknowledged").text


def test_an_alarm_that_the_switch_hides_can_be_taken_and_leads_to_the_newer_one() -> None:
    house = Lived(high(T0 + HOUR))
    house.replica.programs["hill"] = Program("hill")
    [line] = house.stand()
    browser = house.signed_in(("river", "coordinator"), ("hill", "coordinator"))
    assert browser.post("/switch", {"program": "hill", "then": "/today"}).status_code == 303
    path = f"/alerts/river/{line['alert']}"
    assert browser.post(f"{path}/acknowledge").status_code == 303
    house.hear(high(T0 + HOUR + MINUTE))
    assert browser.post(f"{path}/resolve", {"outcome": "safe"}).status_code == 409


def test_a_long_list_has_pages_and_who_takes_an_alarm_lands_on_the_right_one() -> None:
    people = [f"n-{n}" for n in range(10, 40)]
    house = Lived(*[join(who, T0) for who in people])
    house.hear(*[tell("progress.distress", who, T0 + HOUR, level="high") for who in people])
    first = house.lead.get("/api/v1/alerts").json()
    seen = [line["alert"] for group in first["groups"] for line in group["lines"]]
    assert (len(seen), first["more"]) == (25, 5)
    assert "5 more" in house.lead.get("/alerts").text
    second = house.lead.get("/api/v1/alerts", params={"after": first["next"]}).json()
    seen += [line["alert"] for group in second["groups"] for line in group["lines"]]
    assert (len(set(seen)), second["next"]) == (30, None)
    assert house.lead.get("/api/v1/alerts", params={"after": "nonsense"}).json()["more"] == 5
    *others, last = seen
    for alert in others:
        house.lead.post(f"/alerts/river/{alert}/acknowledge")
    where = house.lead.post(f"/alerts/river/{last}/acknowledge").headers["location"]
    assert f'id="{last}"' in house.lead.get(where.partition("#")[0]).text
    assert "after=" in where
