"""No alarm is hidden by what was done about an older one, and none comes back by itself: each kind, page and call."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import update
from sqlalchemy.event import listen

from dashboard.access import accounts
from dashboard.access.tables import GRANTS
from dashboard.frame import Sent
from dashboard.oncall import store
from dashboard.oncall.caller import Caller, Calling
from dashboard.oncall.channels import Message
from dashboard.oncall.rota import week_of
from dashboard.projection import Place, Projection
from dashboard.views import alarms
from matcher.instants import DAY
from matcher.messages.catalog import Event, parse
from matcher.program import Program
from tests.dashboard.house import Browser
from tests.dashboard.rivers import HOUR, T0, Living, river
from tests.matcher.people import join, tell

pytestmark = pytest.mark.slow  # a house and a sign-in each

Telling = Callable[[int], Event]

TOLD: dict[str, Telling] = {
    "distress_high": lambda at: tell("progress.distress", "n-1", at, level="high"),
    "distress": lambda at: tell("progress.distress", "n-1", at, level="elevated"),
    "self_harm_often": lambda at: tell(
        "progress.assessed", "n-1", at, instrument="PHQ-9", total=2, items=[0] * 8 + [2]
    ),
    "self_harm": lambda at: tell("progress.assessed", "n-1", at, instrument="PHQ-9", total=1, items=[0] * 8 + [1]),
    "slip": lambda at: tell("progress.setback", "n-1", at, code="F11.20", severity="lapse"),
    "hearsay": lambda at: tell("progress.setback", "m-1", at, code="F11.20", severity="relapse", by="mentor"),
    "report": lambda at: tell("safety.reported", "n-1", at, by="m-1"),
    "report_minor": lambda at: tell("safety.reported", "n-1", at, by="m-1", severity="minor"),
}
FELT = [kind for kind in TOLD if not kind.startswith("report")]
CALLED = [kind for kind in TOLD if kind in ("distress_high", "self_harm_often", "report")]


TO_CHECK = "Somebody said that this mentor had a setback. Check it; nothing changes until they or you say so."


class Bell:
    """A way to call somebody; it counts."""

    name = "mail"

    def __init__(self) -> None:
        self.rung = 0

    def send(self, message: Message, to: str | None) -> None:
        self.rung += 1


class Lived(Living):
    """A house in which every fact is in the read model as well, with a lead who is on call."""

    def __init__(self, *events: Event, **tables: object) -> None:
        self.river = river(**tables)
        super().__init__(self.river.program)
        self._projection = Projection(self.engine, "0")
        self._projection.resume()
        self._behind = Program("river")
        self._keep(self.river.facts)
        self.bell = Bell()
        self._lead = self.account(("river", "lead"))
        with self.engine.begin() as db:
            store.set_mail(db, self._lead, "lead@clinic.example")
            for ahead in range(9):
                store.set_week(db, "river", week_of(self.now) + ahead, self._lead)
        self._caller = Caller(
            self.engine, self.replica, Calling((self.bell,), "http://localhost", 900), clock=lambda: self.now
        )
        self.hear(*events)

    @property
    def lead(self) -> Browser:
        """The lead, who signs in whenever they look: sessions end before alarms do."""
        return self.browser(self._lead)

    def hear(self, *events: Event) -> None:
        self._keep(self.river.take(*events))
        self.now = max(self.now, self.river.program.at or 0)

    def stand(self, show: str = "open") -> list[dict]:
        groups = self.lead.get(f"/api/v1/alerts?show={show}").json()["groups"]
        return [line for group in groups for line in group["lines"]]

    def resolve(self) -> None:
        for line in self.stand():
            answer = self.lead.post(f"/alerts/river/{line['alert']}/resolve", {"outcome": "safe"})
            assert answer.status_code == 303, answer.text
        assert self.stand() == []

    def calls(self) -> int:
        """How many calls a look makes."""
        before = self.bell.rung
        self._caller.look()
        return self.bell.rung - before

    def _send(self, events) -> Sent:
        self.hear(*map(parse, events))
        return Sent(len(self.sent))

    def _keep(self, facts) -> None:
        draft = self._projection.draft()
        for fact in facts:
            draft.take(self._behind, fact)
        draft.finish({"river": self._behind})
        self._projection.write(draft, Place(self._projection.place.position + 1, b"test"))


def words(house: Lived) -> list[str]:
    return [line["words"] for line in house.stand()]


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("later", [0, 1, HOUR])
def test_what_is_told_again_after_it_was_resolved_stands_again(kind: str, later: int) -> None:
    house = Lived(TOLD[kind](T0 + HOUR))
    [first] = house.stand()
    house.resolve()
    house.hear(TOLD[kind](T0 + HOUR + later))
    [again] = house.stand()
    assert again["alert"] != first["alert"]
    assert (first["since"], again["since"]) == (T0 + HOUR, T0 + HOUR + later)


@pytest.mark.parametrize("kind", CALLED)
def test_what_cannot_wait_calls_again_when_it_is_told_again(kind: str) -> None:
    house = Lived(TOLD[kind](T0 + HOUR))
    assert house.calls() == 1
    house.resolve()
    assert house.calls() == 0
    house.hear(TOLD[kind](T0 + HOUR))
    assert house.calls() == 1
    assert house.calls() == 0


@pytest.mark.parametrize("kind", FELT)
def test_an_earlier_happening_that_is_told_late_brings_nothing_back(kind: str) -> None:
    house = Lived(TOLD[kind](T0 + HOUR + DAY))
    house.resolve()
    house.hear(TOLD[kind](T0 + HOUR))
    assert house.stand() == []


@pytest.mark.parametrize("kind", FELT)
def test_what_is_told_of_the_same_day_is_news_for_a_date_has_no_hour(kind: str) -> None:
    house = Lived(TOLD[kind](T0 + HOUR + DAY))
    house.resolve()
    house.hear(TOLD[kind](T0 + HOUR + 1))
    [line] = house.stand()
    assert line["since"] == T0 + HOUR + DAY, "what is known to have lasted until then did"


def test_a_report_is_new_whenever_it_speaks_of() -> None:
    house = Lived(TOLD["report"](T0 + 2 * HOUR))
    house.resolve()
    house.hear(TOLD["report"](T0 + HOUR))
    assert words(house) == ["A safety report is open."]


def test_a_second_report_after_a_settled_one_stands_and_calls() -> None:
    house = Lived(TOLD["report"](T0 + HOUR))
    assert house.calls() == 1
    house.resolve()
    house.hear(tell("safety.resolved", "n-1", T0 + 2 * HOUR, outcome="unfounded"))
    assert house.stand("resolved") == []
    house.hear(TOLD["report"](T0 + DAY))
    [line] = house.stand()
    assert (line["since"], house.calls()) == (T0 + DAY, 1)


def test_of_two_open_reports_one_that_is_settled_brings_the_other_not_back() -> None:
    house = Lived(TOLD["report"](T0 + HOUR), TOLD["report"](T0 + 2 * HOUR))
    house.resolve()
    house.hear(tell("safety.resolved", "n-1", T0 + 3 * HOUR, outcome="unfounded"))
    assert house.stand() == []


def test_a_report_about_somebody_who_has_left_stands() -> None:
    house = Lived(tell("member.left", "n-1", T0 + HOUR), TOLD["report"](T0 + 2 * HOUR), TOLD["slip"](T0 + 2 * HOUR))
    assert words(house) == ["A safety report is open."]


@pytest.mark.parametrize(
    ("graver", "milder"),
    [
        (TOLD["distress_high"], TOLD["distress"]),
        (TOLD["self_harm_often"], TOLD["self_harm"]),
        (
            TOLD["self_harm_often"],
            lambda at: tell("progress.assessed", "n-1", at, instrument="PHQ-9", total=0, items=[0] * 9),
        ),
        (TOLD["slip"], lambda at: tell("progress.setback", "n-1", at, code="F17.2", severity="lapse")),
    ],
)
def test_what_is_milder_and_comes_later_hides_nothing(graver: Telling, milder: Telling) -> None:
    house = Lived(graver(T0 + HOUR))
    [first] = house.stand()
    house.hear(milder(T0 + 2 * HOUR))
    assert first["alert"] in [line["alert"] for line in house.stand()]


def test_an_opioid_slip_told_after_another_was_resolved_stands_whenever_it_was() -> None:
    house = Lived(tell("progress.setback", "n-1", T0 + 2 * HOUR, code="F10.20", severity="lapse"))
    house.resolve()
    house.hear(TOLD["slip"](T0 + HOUR))
    [line] = house.stand()
    assert line["due"] == T0 + 5 * HOUR


def test_a_silence_that_goes_on_stands_again_after_as_long_again() -> None:
    house = Lived()
    house.now = T0 + 14 * DAY
    assert "Has not been heard of for 14 days." in words(house)
    house.resolve()
    house.now = T0 + 28 * DAY - 1
    assert house.stand() == []
    house.now = T0 + 28 * DAY
    assert words(house) == ["Has not been heard of for 28 days."]
    house.hear(tell("progress.checked_in", "n-1", T0 + 28 * DAY, mood=5))
    assert house.stand() == []
    house.now = T0 + 42 * DAY
    assert words(house) == ["Has not been heard of for 14 days."]


@pytest.mark.parametrize("said", [{"outcome": "reached"}, {"outcome": "invited_to_mentor"}, {}])
def test_whoever_was_reached_is_silent_no_more_and_a_new_silence_is_a_new_alarm(said: dict[str, str]) -> None:
    house = Lived()
    house.now = T0 + 14 * DAY
    [first] = [line for line in house.stand() if "heard of" in line["words"]]
    house.hear(tell("member.contacted", "n-1", T0 + 15 * DAY, by="s-1", **said))
    assert house.stand() == house.stand("resolved") == []
    house.now = T0 + 29 * DAY - 1
    assert house.stand() == []
    house.now = T0 + 29 * DAY
    [again] = house.stand()
    assert again["words"] == "Has not been heard of for 14 days."
    assert again["alert"] != first["alert"]


@pytest.mark.parametrize("outcome", ["not_reached", "message_left", "line_was_busy"])
def test_a_try_to_reach_somebody_ends_no_silence(outcome: str) -> None:
    house = Lived(tell("member.contacted", "n-1", T0 + 7 * DAY, by="s-1", outcome=outcome))
    house.now = T0 + 14 * DAY
    assert words(house) == ["Has not been heard of for 14 days."]
    [before] = house.stand()
    house.hear(tell("member.contacted", "n-1", T0 + 14 * DAY, by="s-1", outcome=outcome))
    [after] = house.stand()
    assert after["alert"] == before["alert"]


def test_a_newcomer_who_was_in_touch_with_the_mentor_is_not_silent_also_after_the_pair() -> None:
    house = Lived(review={"mode": "automatic"})
    match = house.river.match("n-1")
    house.hear(tell("match.contacted", match.id, T0 + 13 * DAY, by=match.mentor, channel="phone"))
    house.now = T0 + 14 * DAY
    assert house.stand() == []
    house.hear(tell("match.closed", match.id, T0 + 15 * DAY, by="s-1", reason="other"))
    house.now = T0 + 27 * DAY - 1
    assert [word for word in words(house) if "heard of" in word] == []
    house.now = T0 + 27 * DAY
    assert "Has not been heard of for 14 days." in words(house)


@pytest.mark.parametrize(("by", "is_silent"), [("newcomer", False), ("mentor", True)])
def test_who_answers_how_it_goes_has_been_heard_of_and_nobody_else(by: str, is_silent: bool) -> None:
    house = Lived(review={"mode": "automatic"})
    match = house.river.match("n-1")
    house.hear(tell("match.pulsed", match.id, T0 + 13 * DAY, by=getattr(match, by), going=2))
    house.now = T0 + 14 * DAY
    assert ("Has not been heard of for 14 days." in words(house)) is is_silent


# A setback of a mentor that others tell


@pytest.mark.parametrize("by", ["mentor", "clinician"])
def test_a_setback_of_a_mentor_that_others_tell_is_a_task_and_changes_nothing_else(by: str) -> None:
    house = Lived()
    before = house.lead.get("/api/v1/mentors").json()
    facts = len(house.river.facts)
    house.hear(tell("progress.setback", "m-1", T0 + HOUR, code="F11.20", severity="relapse", by=by))
    assert [fact.type for fact in house.river.facts[facts:]] == ["progress.setback"]
    assert house.lead.get("/api/v1/mentors").json() == before
    [line] = house.stand()
    assert (line["person"], line["level"], line["due"]) == ("m-1", "same_day", T0 + HOUR + DAY)
    assert line["words"] == TO_CHECK
    person = house.lead.get("/api/v1/people/river/m-1").json()
    assert [alarm["words"] for alarm in person["alarms"]] == [TO_CHECK]
    assert person["events"][0]["words"] == f"A {by} said that they relapsed with opioids."
    house.resolve()


@pytest.mark.parametrize("by", ["self", "coordinator"])
def test_who_knows_answers_what_others_told(by: str) -> None:
    house = Lived(TOLD["hearsay"](T0 + 2 * HOUR), tell("progress.setback", "m-1", T0 + HOUR, severity="lapse", by=by))
    assert words(house) == ["Had a setback."]


def test_an_old_setback_answers_nothing_of_a_new_one() -> None:
    old = tell("progress.setback", "m-1", T0 + HOUR, severity="lapse", by="self")
    house = Lived(tell("progress.checked_in", "m-1", T0 + 30 * DAY, mood=5), TOLD["hearsay"](T0 + 30 * DAY))
    house.hear(old)
    assert TO_CHECK in words(house)


def test_each_pair_without_contact_stands_by_itself() -> None:
    house = Lived(review={"mode": "automatic"})
    house.now = T0 + 3 * DAY
    assert [word for word in words(house) if "no contact" in word]
    house.resolve()
    house.hear(tell("match.closed", house.river.match("n-1").id, T0 + 3 * DAY, by="s-1", reason="other"))
    house.now = T0 + 6 * DAY
    assert [word for word in words(house) if "no contact" in word]


def test_when_somebody_should_look_is_the_policy_of_the_program() -> None:
    numbers = {"silence_days": 3, "no_contact_hours": 5, "slip_days": 2, "deadly_slip_hours": 1, "tolerance_days": 0}
    house = Lived(TOLD["slip"](T0 + HOUR), review={"mode": "automatic"}, alert=numbers)
    [slip] = house.stand()
    assert slip["due"] == T0 + 2 * HOUR
    house.now = T0 + 5 * HOUR
    assert words(house) == ["Had a setback.", "Paired for 5 hours and more, and no contact is on record."]
    house.now = T0 + 4 * DAY
    assert words(house) == [
        "Paired for 5 hours and more, and no contact is on record.",
        "Has not been heard of for 3 days.",
    ]


def test_what_somebody_has_taken_is_called_for_again_only_when_it_is_told_again() -> None:
    house = Lived(TOLD["distress_high"](T0 + HOUR))
    [line] = house.stand()
    assert house.lead.post(f"/alerts/river/{line['alert']}/acknowledge").status_code == 303
    house.hear(tell("progress.checked_in", "n-1", T0 + 2 * HOUR, mood=2))
    assert (house.calls(), house.stand()) == (0, [])
    house.hear(TOLD["distress_high"](T0 + 3 * HOUR))
    assert house.calls() == 1


def test_a_report_in_a_program_without_a_lead_is_told_to_somebody_and_every_page_says_why() -> None:
    house = Lived()
    house.account(("river", "coordinator"))
    with house.engine.begin() as db:
        db.execute(update(GRANTS).where(GRANTS.c.account == house._lead).values(role="coordinator"))
    object.__setattr__(house.parts, "channels", frozenset({"mail"}))
    house.hear(TOLD["report"](T0 + HOUR))
    assert house.calls() == 1
    assert house.stand() == []
    assert "No lead can be called in river" in house.lead.get("/today").text


def test_who_joins_again_after_an_erasure_has_alarms_of_their_own() -> None:
    house = Lived(TOLD["distress_high"](T0 + HOUR))
    house.resolve()
    again = join("n-1", T0 + HOUR)
    house.hear(tell("member.erased", "n-1", T0 + HOUR), again, TOLD["distress_high"](T0 + HOUR))
    assert words(house) == ["In great distress."]


def test_alarms_of_a_snapshot_of_format_1_stand_under_their_old_names() -> None:
    program = river(*[telling(T0 + HOUR) for telling in TOLD.values()]).program
    raw = json.loads(program.dump())
    assert raw.pop("hears_all")
    raw["format"] = 1
    for member in raw["members"]:
        del member["concerns"]
    old = Program.load(json.dumps(raw).encode())
    found = {alarm.kind: alarm for alarm in alarms.of_program(old, T0 + 2 * HOUR)}
    assert {kind: alarm.since for kind, alarm in found.items()} == {
        "report": T0,
        "distress": T0 + HOUR,
        "self_harm": T0 + HOUR,
        "slip": T0 + HOUR,
    }
    assert found["distress"].id == "a-0d888bc6becc0901"
    assert Program.load(old.dump()).state_hash() == old.state_hash() != program.state_hash()


def test_a_snapshot_of_format_2_has_the_alarms_that_it_had() -> None:
    program = river(*[telling(T0 + HOUR) for telling in TOLD.values()]).program
    raw = json.loads(program.dump())
    raw["format"] = 2
    for member in raw["members"]:
        del member["reached_at"], member["left_n"]
        reports = [key for key in member["concerns"] if key.startswith("report")]
        member["concerns"] |= {key.partition(" ")[0]: member["concerns"].pop(key) for key in reports}
    old = Program.load(json.dumps(raw).encode())
    at = T0 + 15 * DAY - 1
    assert alarms.of_program(old, at) == alarms.of_program(program, at) != []
    assert Program.load(old.dump()).state_hash() == old.state_hash() != program.state_hash()


def test_an_erasure_unbinds_the_account_of_the_erased_member_and_of_nobody_else() -> None:
    house = Lived()
    mine, other, elsewhere = (
        house.account((program, "coordinator"), member=member)
        for program, member in (("river", "n-1"), ("river", "m-1"), ("hill", "n-1"))
    )
    house.hear(tell("member.erased", "n-1", T0 + HOUR))
    with house.engine.begin() as db:
        assert [accounts.find(db, id_).member for id_ in (mine, other, elsewhere)] == [None, "m-1", "n-1"]
        accounts.bind(db, mine, "n-1", T0 + 2 * HOUR)  # who has come anew under the id
    house.hear(join("n-1", T0 + 2 * HOUR))
    with house.engine.begin() as db:
        accounts.forget_member(db, "river", "n-1", T0 + HOUR)  # a rebuild comes by the erasure again
        assert accounts.find(db, mine).member == "n-1"


@pytest.mark.parametrize("path", ["/today", "/alerts", "/on-call", "/health-and-letters"])
def test_nothing_is_asked_of_the_database_twice_for_a_page(path: str) -> None:
    house = Lived(*[telling(T0 + HOUR) for telling in TOLD.values()])
    object.__setattr__(house.parts, "channels", frozenset({"mail"}))
    lead, asked = house.lead, list[str]()

    def note(connection, cursor, statement, parameters, context, executemany) -> None:
        asked.append(f"{statement} {parameters}")

    listen(house.engine, "before_cursor_execute", note)
    assert lead.get(path).status_code == 200
    assert len(asked) > 5
    assert [statement for statement in set(asked) if asked.count(statement) > 1] == []


# The line on top of every page


def test_what_cannot_wait_elsewhere_is_told_on_every_page_and_under_every_switch() -> None:
    program = river(tell("progress.distress", "n-1", T0 + HOUR, level="high")).program
    house = Living(program, Program("hill"))
    browser = house.signed_in(("river", "coordinator"), ("hill", "lead"))
    assert browser.post("/switch", {"program": "hill", "then": "/today"}).status_code == 303
    for path in ("/today", "/alerts", "/on-call", "/policy"):
        page = browser.get(path).text
        assert "1 thing cannot wait" in page, path
        assert "Nothing urgent" not in page, path
