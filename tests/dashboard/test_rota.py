"""Who is called and who after that: what must hold whatever the rota looks like, beside a slow second answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboard.frame import Account
from dashboard.oncall.gaps import NO_CHANNEL, gaps
from dashboard.oncall.rota import Call, Leave, Person, Rota, Told, due, start_of, week_of
from dashboard.views.alarms import Alarm

WEEK = 7 * 86_400
NOW = start_of(2_900) + 3 * 86_400
WAIT = 900
IDS = ("a-1", "a-2", "a-3", "a-4")


def person(id_: str, *roles: str, program: str = "river", member: str | None = None, channels=("mail",)) -> Person:
    return Person(Account(id_, id_, frozenset((program, role) for role in roles), member), channels)


def alarm(kind: str = "distress_high", person: str = "n-1", id_: str = "a-x") -> Alarm:
    return Alarm(id_, "river", person, kind, "now", NOW - 60, NOW, "")


def rota(**parts) -> Rota:
    people = {"a-1": person("a-1", "coordinator"), "a-2": person("a-2", "coordinator"), "a-3": person("a-3", "lead")}
    return Rota(**{"people": people, "weeks": {("river", week_of(NOW)): "a-1"}, "deputies": {"river": "a-2"}, **parts})


def test_the_week_then_the_deputy_then_the_leads() -> None:
    assert rota().line("river", NOW) == ["a-1", "a-2", "a-3"]
    assert rota().stands_in("river", NOW) == ["a-1", "a-2"]
    assert rota().stands_in("river", NOW + WEEK) == ["a-2"]


def test_on_leave_the_deputy_is_first_to_the_second() -> None:
    away = rota(leaves=(Leave("a-1", NOW, NOW + 100),))
    assert away.line("river", NOW)[0] == "a-2"
    assert away.line("river", NOW - 1)[0] == "a-1"
    assert away.line("river", NOW + 100)[0] == "a-1"


def test_coming_weeks_come_before_those_who_only_lead() -> None:
    people = {**rota().people, "a-4": person("a-4", "coordinator")}
    later = rota(people=people, weeks={("river", week_of(NOW) + 2): "a-4"}, deputies={})
    assert later.line("river", NOW) == ["a-4", "a-3"]
    assert later.stands_in("river", NOW) == []


def test_a_closed_account_and_one_without_the_program_are_not_called() -> None:
    people = {"a-2": person("a-2", "coordinator", program="hill"), "a-3": person("a-3", "lead")}
    assert rota(people=people).line("river", NOW) == ["a-3"]


def test_one_after_the_other_and_nobody_twice() -> None:
    told: list[Told] = []
    for minute, expected in ((0, "a-1"), (14, None), (15, "a-2"), (29, None), (30, "a-3"), (45, None), (600, None)):
        calls = due(rota(), [alarm()], told, NOW + minute * 60, WAIT)
        assert [call.account for call in calls] == ([expected] if expected else []), minute
        told += [Told(call.program, call.alert, call.account, NOW + minute * 60, call.matter) for call in calls]


def test_reports_go_to_leads_and_nobody_hears_of_themselves() -> None:
    assert due(rota(), [alarm("report")], [], NOW, WAIT)[0].account == "a-3"
    own = {**rota().people, "a-1": person("a-1", "coordinator", member="n-1")}
    assert due(rota(people=own), [alarm()], [], NOW, WAIT)[0].account == "a-2"


def test_a_report_reaches_a_lead_on_leave_before_nobody_and_anybody_before_no_one() -> None:
    leave = (Leave("a-3", NOW - 1, NOW + 1),)
    assert rota(leaves=leave).whom(alarm("report"), NOW) == ["a-3"]
    assert rota(leaves=leave).whom(alarm(), NOW) == ["a-1", "a-2"]
    unled = {id_: each for id_, each in rota().people.items() if id_ != "a-3"}
    assert rota(people=unled).whom(alarm("report"), NOW) == ["a-1", "a-2"]
    own = {**unled, "a-3": person("a-3", "lead", member="n-1")}
    assert rota(people=own).whom(alarm("report"), NOW) == ["a-1", "a-2"]


def test_that_no_lead_can_be_called_is_a_gap() -> None:
    said = "No lead can be called in river, and only leads see safety reports."
    unled = {id_: each for id_, each in rota().people.items() if id_ != "a-3"}
    silent = {**unled, "a-3": person("a-3", "lead", channels=())}
    for parts in ({"people": unled}, {"people": silent}, {"leaves": (Leave("a-3", NOW - 1, NOW + 1),)}):
        assert gaps(rota(**parts), ["river"], NOW, ["mail"]) == [said]


def test_who_cannot_be_reached_does_not_hold_up_the_others() -> None:
    silent = {**rota().people, "a-1": person("a-1", "coordinator", channels=())}
    assert due(rota(people=silent), [alarm()], [], NOW, WAIT) == [Call("river", "a-x", "a-2", 1, alarm().matter)]


def test_gaps_are_said_in_words() -> None:
    assert gaps(rota(), ["river"], NOW, ["mail"]) == []
    assert gaps(rota(), ["river"], NOW, []) == [NO_CHANNEL]
    assert gaps(rota(), ["hill", "lake"], NOW, ["mail"]) == [
        "Nobody is on call in hill and lake.",
        "No lead can be called in hill and lake, and only leads see safety reports.",
    ]
    silent = {id_: each._replace(channels=()) for id_, each in rota().people.items()}
    assert gaps(rota(people=silent), ["river"], NOW, ["mail"]) == [
        "Nobody on call in river can be reached: no mail address.",
        "No lead can be called in river, and only leads see safety reports.",
    ]
    assert gaps(Rota(), [], NOW, []) == []


roles = st.sets(st.sampled_from(("viewer", "coordinator", "lead", "admin")), max_size=2)
some_people = st.dictionaries(
    st.sampled_from(IDS),
    st.builds(
        lambda granted, member, channels: (tuple(granted), member, channels),
        roles,
        st.sampled_from((None, "n-1")),
        st.sampled_from(((), ("mail",), ("mail", "webhook"))),
    ),
)
rotas = st.builds(
    lambda people, weeks, deputy, leaves: Rota(
        people={
            id_: person(id_, *granted, member=member, channels=ch) for id_, (granted, member, ch) in people.items()
        },
        weeks={("river", week_of(NOW) + ahead): id_ for ahead, id_ in weeks.items()},
        deputies={} if deputy is None else {"river": deputy},
        leaves=tuple(Leave(id_, NOW + since, NOW + since + lasts) for id_, since, lasts in leaves),
    ),
    some_people,
    st.dictionaries(st.integers(-1, 5), st.sampled_from(IDS)),
    st.none() | st.sampled_from(IDS),
    st.lists(st.tuples(st.sampled_from(IDS), st.integers(-WEEK, WEEK), st.integers(1, WEEK)), max_size=4),
)
instants = st.integers(NOW - WEEK, NOW + WEEK)


def is_there(rota: Rota, id_: str | None, at: int) -> bool:
    """The same question asked the slow way."""
    who = rota.people.get(id_ or "")
    if who is None or not any(role in ("coordinator", "lead") for _, role in who.account.grants):
        return False
    return all(leave.account != id_ or at not in range(leave.since, leave.until) for leave in rota.leaves)


@given(rotas, instants)
def test_somebody_is_called_whenever_somebody_is_on_call(rota: Rota, at: int) -> None:
    asked = (rota.weeks.get(("river", week_of(at))), rota.deputies.get("river"))
    there = [id_ for id_ in asked if is_there(rota, id_, at)]
    assert rota.stands_in("river", at) == list(dict.fromkeys(there))
    assert rota.line("river", at)[: len(set(there))] == list(dict.fromkeys(there))
    is_led = any(
        ("river", "lead") in who.account.grants and who.channels and is_there(rota, id_, at)
        for id_, who in rota.people.items()
    )
    is_reached = any(rota.people[id_].channels for id_ in there)
    assert bool(gaps(rota, ["river"], at, ["mail"])) == (not is_reached or not is_led)


@given(rotas, instants, st.sampled_from(("distress_high", "report")))
def test_until_somebody_takes_it_everybody_who_may_know_is_called_once(rota: Rota, at: int, kind: str) -> None:
    told: list[Told] = []
    for step in range(len(IDS) + 2):
        calls = due(rota, [alarm(kind)], told, at, 0)
        told += [Told(call.program, call.alert, call.account, at, call.matter) for call in calls]
        assert len(calls) <= 1
        assert [call.step for call in calls] in ([], [step + 1])
    called = [one.account for one in told]
    assert len(called) == len(set(called))
    able = {id_ for id_, who in rota.people.items() if who.channels and who.account.member != "n-1"}
    there = [id_ for id_ in rota.line("river", at) if id_ in able]
    leads = {id_ for id_ in able if ("river", "lead") in rota.people[id_].account.grants}
    if kind == "report" and leads:
        assert set(called) == leads
        assert called[: len(leads & set(there))] == [id_ for id_ in there if id_ in leads]
    else:
        assert called == there
    assert all(is_there(rota, id_, at) for id_ in called if kind != "report")


@given(rotas, instants, st.integers(1, 3_600), st.integers(0, 3_600))
def test_nobody_is_called_before_the_one_before_had_their_time(rota: Rota, at: int, wait: int, passed: int) -> None:
    first = due(rota, [alarm()], [], at, wait)
    told = [Told(call.program, call.alert, call.account, at, call.matter) for call in first]
    later = due(rota, [alarm()], told, at + passed, wait)
    assert not first or passed >= wait or later == []
