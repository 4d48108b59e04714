"""Calls to whoever is on call, by real mail and a real web server, on SQLite and PostgreSQL: nothing lost, no flood."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, select, update
from structlog.testing import capture_logs

from dashboard.access import accounts
from dashboard.frame import Role
from dashboard.oncall import channels, desk, store, unseen
from dashboard.oncall.caller import Caller, Calling
from dashboard.oncall.channels import Channel, Mail, Message, Webhook
from dashboard.oncall.rota import Leave, week_of
from dashboard.oncall.tables import CALLS
from dashboard.silence import Silence
from dashboard.tables import ALERTS, PROGRAMS
from dashboard.views import alarms
from matcher.errors import ConfigurationError, Unreachable
from tests.dashboard.house import StillReplica
from tests.dashboard.rivers import HOUR, T0, cohort, river
from tests.dashboard.sinks import Letters, Posts, certificate, mail_server, web_server
from tests.matcher.people import join, tell

pytestmark = pytest.mark.slow

LINK = "https://kindred.example.org/alerts"
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
MINUTE = 60
WAIT = 15 * MINUTE
START = T0 + 2 * HOUR


class Desk:
    """A program in which one thing cannot wait, three people to call, and a clock that the test turns."""

    def __init__(self, engine: Engine, *ways: Channel) -> None:
        self.engine, self.ways, self.now = engine, ways, START
        self.program = river(tell("progress.distress", "n-1", T0 + HOUR, level="high")).program
        self.replica = StillReplica({"river": self.program})
        with engine.begin() as db:
            self.people = [self._person(db, name, role) for name, role in PEOPLE]
            store.set_week(db, "river", week_of(START), self.people[0])
            store.set_deputy(db, "river", self.people[1])

    def caller(self, *ways: Channel, **parts) -> Caller:
        calling = Calling(ways or self.ways, LINK, WAIT)
        return Caller(self.engine, self.replica, calling, clock=lambda: self.now, **parts)

    def after(self, seconds: int) -> int:
        """Let time pass, as a dashboard lives on through it."""
        self.now += seconds
        return self.same.look()

    @property
    def same(self) -> Caller:
        self._same = getattr(self, "_same", None) or self.caller()
        return self._same

    @property
    def alarm(self) -> alarms.Alarm:
        return alarms.of_program(self.program, self.now)[0]

    def handled(self, **what: object) -> None:
        row = {"program": "river", "alert": self.alarm.id, **what}
        with self.engine.begin() as db:
            db.execute(delete(ALERTS))
            db.execute(insert(ALERTS).values(**row))

    def rows(self) -> list:
        with self.engine.connect() as db:
            return list(store.calls(db))

    def _person(self, db, name: str, role: Role) -> str:
        id_ = accounts.make(db, name, [("river", role)], START)
        store.set_mail(db, id_, f"{name}@clinic.example")
        return id_


PEOPLE: tuple[tuple[str, Role], ...] = (("robin", "coordinator"), ("sam", "coordinator"), ("lou", "lead"))
ROBIN, SAM, LOU = (f"{name}@clinic.example" for name, _ in PEOPLE)


@pytest.fixture
def letters() -> Iterator[Letters]:
    with mail_server() as made:
        yield made


@pytest.fixture
def posts() -> Iterator[Posts]:
    with web_server() as made:
        yield made


@pytest.fixture
def database(new_database: Callable[[], Engine]) -> Engine:
    return new_database()


def mail(letters: Letters) -> Mail:
    return Mail("127.0.0.1", "kindred@clinic.example", letters.port, "none")


def test_one_after_the_other_until_somebody_takes_it(database: Engine, letters: Letters) -> None:
    house = Desk(database, mail(letters))
    assert house.after(0) == 1
    assert house.after(5) == 0
    assert letters.to == [ROBIN]
    assert house.after(WAIT - 6) == 0
    assert house.after(1) == 1
    assert letters.to == [ROBIN, SAM]
    house.handled(acknowledged_at=house.now, acknowledged_by=house.people[1])
    assert house.after(10 * WAIT) == 0
    assert letters.to == [ROBIN, SAM]


def test_whoever_is_away_is_not_called(database: Engine, letters: Letters) -> None:
    house = Desk(database, mail(letters))
    with database.begin() as db:
        store.add_leave(db, Leave(house.people[0], START - 1, START + HOUR))
    house.after(0)
    assert letters.to == [SAM]


@pytest.mark.parametrize("lost", ["the account", "the role", "the mail"])
def test_a_call_is_not_tried_again_to_who_may_not_know_any_more(database: Engine, letters: Letters, lost: str) -> None:
    house = Desk(database, Mail("127.0.0.1", "kindred@clinic.example", 1, "none"))  # nobody listens there
    assert house.after(0) == 0
    with database.begin() as db:
        if lost == "the account":
            accounts.set_active(db, house.people[0], False)
        elif lost == "the role":
            accounts.set_grants(db, house.people[0], [("hill", "coordinator")])
        else:
            store.set_mail(db, house.people[0], None)
    again = house.caller(mail(letters))
    house.now += desk.BACKOFF_SECONDS[0] + desk.LEASE_SECONDS
    assert again.look() == 0
    assert house.rows()[0].tries == 1
    house.now += WAIT
    assert again.look() == 1
    assert letters.to == [SAM]


def test_what_waits_for_one_person_is_one_message(database: Engine, letters: Letters) -> None:
    house = Desk(database, mail(letters))
    more = river(
        join("n-7", T0),
        tell("progress.distress", "n-1", T0 + HOUR, level="high"),
        tell("progress.distress", "n-7", T0 + HOUR, level="high"),
    )
    house.replica.programs["river"] = house.program = more.program
    assert house.after(0) == 1
    assert letters.to == [ROBIN]
    assert len(house.rows()) == 2


def test_a_delivery_that_fails_is_shown_and_tried_again_ever_later(database: Engine, letters: Letters) -> None:
    house = Desk(database, mail(letters))
    letters.refuse = "451 not now, robin@clinic.example"
    with capture_logs() as logs:
        assert house.after(0) == 0
    assert [(row.tries, row.code, row.sent_at) for row in house.rows()] == [(1, "KND-call-mail", None)]
    assert "robin" not in str(logs)
    passed = []
    for _ in range(40):
        before = house.rows()[0].tries
        house.after(30)
        if house.rows()[0].tries > before:
            passed.append(house.now - START)
    assert passed == [60, 180, 420, 900]
    letters.refuse = None
    house.after(900)
    assert sorted(letters.to) == [LOU, ROBIN, SAM]
    assert all(row.sent_at is not None and row.code is None for row in house.rows())


def test_a_crash_on_either_side_of_sending_loses_nothing_and_repeats_one_message(
    database: Engine, letters: Letters
) -> None:
    class Dies(BaseException):
        pass

    class Dying:
        name = "mail"

        def __init__(self, sends: bool) -> None:
            self.sends = sends

        def send(self, message: Message, to: str | None) -> None:
            if self.sends:
                mail(letters).send(message, to)
            raise Dies

    house = Desk(database, mail(letters))
    for sends, expected in ((False, []), (True, [ROBIN])):
        with pytest.raises(Dies):
            house.caller(Dying(sends)).look()
        assert letters.to == expected
        again = house.caller()
        assert again.look() == 0  # another process: the dead one's lease, and the claim's date, still hold
        house.now += desk.LEASE_SECONDS
    assert house.caller().look() == 1
    house.now += desk.LEASE_SECONDS
    assert house.caller().look() == 0
    assert letters.to == [ROBIN, ROBIN]
    assert letters.taken[0][1].partition("Message-ID")[2] == letters.taken[1][1].partition("Message-ID")[2]


def test_of_several_dashboards_one_sends(database: Engine, letters: Letters) -> None:
    house = Desk(database, mail(letters))
    start, sent = Barrier(4), list[int]()

    def look() -> None:
        caller = house.caller()
        start.wait(10)
        sent.append(caller.look())

    threads = [Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(sent) == [0, 0, 0, 1]
    assert letters.to == [ROBIN]


def test_whoever_holds_the_lease_goes_on_and_another_waits_until_it_ends(database: Engine, letters: Letters) -> None:
    house = Desk(database, mail(letters))
    letters.refuse = "451 not now"
    house.after(0)
    letters.refuse = None
    house.now += desk.LEASE_SECONDS - 1
    assert house.caller().look() == 0
    house.now += 1
    assert house.caller().look() == 1


def test_both_channels_and_a_signature_that_a_receiver_can_check(
    database: Engine, letters: Letters, posts: Posts
) -> None:
    house = Desk(database, mail(letters), Webhook(posts.url, SECRET))
    assert house.after(0) == 2
    headers, body = posts.taken[0]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(b"k" * 32, content, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert int(headers["webhook-timestamp"]) == house.now
    told = {"text": "Something urgent waits", "link": LINK, "to": ROBIN, "account": house.people[0]}
    assert json.loads(body)["data"] == told
    assert house.after(WAIT) == 2
    assert [row.step for row in house.rows()] == [1, 1, 2, 2]


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_webhook_that_does_not_take_it_has_failed_and_keeps_its_id(
    database: Engine, posts: Posts, status: int
) -> None:
    house = Desk(database, Webhook(posts.url, SECRET))
    posts.status = status
    house.after(0)
    assert [row.code for row in house.rows()] == ["KND-call-webhook"]
    assert len(posts.taken) == 1
    posts.status = 204
    assert house.after(60) == 1
    assert len({headers["webhook-id"] for headers, _ in posts.taken}) == 1


def test_a_webhook_is_told_whom_a_message_is_for_also_where_nobody_has_a_mail_address(
    database: Engine, posts: Posts
) -> None:
    house = Desk(database, Webhook(posts.url, SECRET))
    with database.begin() as db:
        for account in house.people:
            store.set_mail(db, account, None)
    house.after(0)
    house.after(WAIT)
    told = [json.loads(body)["data"] for _, body in posts.taken]
    assert [(each["account"], each["to"]) for each in told] == [(house.people[0], None), (house.people[1], None)]


def test_nothing_is_sent_before_the_journals_were_read(database: Engine, letters: Letters) -> None:
    house = Desk(database, mail(letters))
    assert house.caller(ready=lambda: False).look() == 0
    assert house.rows() == []


@pytest.mark.parametrize("is_ready", [True, False])
def test_whoever_is_on_call_is_told_when_nothing_new_is_seen(
    database: Engine, letters: Letters, is_ready: bool
) -> None:
    house = Desk(database, mail(letters))
    house.program = house.replica.programs["river"] = river().program  # nothing else cannot wait
    with database.begin() as db:
        db.execute(insert(PROGRAMS).values(program="river", home="0", n=1, at=START, unknown_to=0))
    stopped = [Silence("0", START, ("river",) if is_ready else (), "KND-journal-checksum")]
    caller = house.caller(ready=lambda: is_ready, silences=lambda: stopped)
    house.now += unseen.PATIENCE_SECONDS - 1
    assert caller.look() == 0
    house.now += 1
    assert caller.look() == 1
    house.now += WAIT
    assert caller.look() == 1
    assert letters.to == [ROBIN, SAM]
    again = house.caller(ready=lambda: is_ready, silences=lambda: [stopped[0]._replace(since=START + 60)])
    assert again.look() == 0  # a process that was started again


def test_calls_are_forgotten_a_day_after_their_alarm(database: Engine, letters: Letters) -> None:
    house = Desk(database, mail(letters))
    house.after(0)
    house.replica.programs.clear()
    house.after(HOUR)
    assert len(house.rows()) == 1
    house.after(desk.KEPT_SECONDS)
    assert house.rows() == []


def test_an_alarm_that_lasts_keeps_its_calls(database: Engine, letters: Letters) -> None:
    house = Desk(database, mail(letters))
    for _ in range(30):
        house.after(HOUR)
    assert letters.to == [ROBIN, SAM, LOU]


def test_most_looks_write_nothing(database: Engine, letters: Letters) -> None:
    house = Desk(database, mail(letters))
    house.after(0)
    with database.begin() as db:
        db.execute(update(CALLS).values(message="untouched"))
        before = db.execute(select(CALLS)).all()
        lease = db.exec_driver_sql("select * from lease").all()
    house.after(30)
    with database.connect() as db:
        assert db.execute(select(CALLS)).all() == before
        assert db.exec_driver_sql("select * from lease").all() == lease


def test_the_thread_looks_by_itself_and_ends(tmp_path: Path) -> None:
    arrived = Event()

    class Bell:
        name = "webhook"

        def send(self, message: Message, to: str | None) -> None:
            arrived.set()

    from dashboard.database import open_database

    engine = open_database(f"sqlite:///{tmp_path / 'dashboard.db'}")
    caller = Desk(engine, Bell()).caller()
    caller.start()
    assert arrived.wait(20)
    caller.stop()
    engine.dispose()


words = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=3, max_size=12).map(lambda text: f"{text}-z9")


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words, st.sampled_from(("distress", "assessed", "reported")), st.sampled_from(("F11.20", "F43.1")))
def test_nothing_that_is_sent_names_anybody_or_anything(
    tmp_path_factory: pytest.TempPathFactory, person: str, kind: str, code: str
) -> None:
    from dashboard.database import open_database

    told = {
        "distress": tell("progress.distress", person, T0 + HOUR, level="high"),
        "assessed": tell("progress.assessed", person, T0 + HOUR, instrument="PHQ-9", total=19, items=[2] * 8 + [3]),
        "reported": tell("safety.reported", person, T0 + HOUR, severity="serious", by="m-1"),
    }[kind]
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('calls') / 'dashboard.db'}")
    sent = list[bytes]()
    with mail_server() as letters, web_server() as posts:
        house = Desk(engine, mail(letters), Webhook(posts.url, SECRET))
        told_of = river(join(person, T0, experiences=[{"code": code, "state": "early"}]), told)
        house.replica.programs["river"] = house.program = told_of.program
        house.after(0)
        sent += [f"{to} {text}".encode() for to, text in letters.taken]
        sent += [json.dumps(headers).encode() + body for headers, body in posts.taken]
    said = b"".join(sent).decode().lower()
    assert len(sent) >= 2
    forbidden = (person, code.lower(), "river", house.alarm.id, house.alarm.kind, "report", "distress", "harm", "phq")
    assert not [word for word in forbidden if word in said]
    engine.dispose()


def test_nobody_of_a_whole_cohort_is_in_what_is_sent(database: Engine, letters: Letters) -> None:
    from matcher.program import Program

    house = Desk(database, mail(letters))
    program = Program.fold(cohort())
    house.replica.programs["river"] = house.program = program
    house.now = program.at or 0
    with database.begin() as db:
        store.set_week(db, "river", week_of(house.now), house.people[0])
    for _ in range(3):
        house.after(WAIT)
    said = " ".join(text for _, text in letters.taken)
    assert not [member.id for member in program.state.members if member.id in said]


def test_mail_goes_encrypted_and_only_to_the_server_whose_certificate_is_known(tmp_path: Path) -> None:
    file, context = certificate(tmp_path)
    message = Message("msg_1", START, LINK, "a-1")
    with mail_server(context) as letters:
        way = Mail("127.0.0.1", "kindred@clinic.example", letters.port, "starttls", ca_file=file)
        way.send(message, ROBIN)
        assert letters.to == [ROBIN]
        with pytest.raises(Unreachable) as caught:
            Mail("127.0.0.1", "kindred@clinic.example", letters.port, "starttls").send(message, ROBIN)
        assert caught.value.code == channels.MAIL
        with pytest.raises(Unreachable):
            Mail("127.0.0.1", "kindred@clinic.example", letters.port, "none").send(message, ROBIN)
        assert letters.to == [ROBIN]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Mail("mail.example", "kindred@clinic.example", security="none"),
        lambda: Mail("mail.example", "kindred"),
        lambda: Webhook("http://hooks.example", SECRET),
        lambda: Webhook("https://hooks.example", "a plain word"),
        lambda: Webhook("https://hooks.example", "whsec_" + base64.b64encode(b"short").decode()),
        lambda: Webhook("https://hooks.example", "whsec_not base64"),
    ],
)
def test_what_is_not_safe_is_refused_at_the_start(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert caught.value.code == channels.SETTINGS
    assert "short" not in str(caught.value)


def test_no_secret_is_in_what_a_log_would_write_of_a_channel() -> None:
    way = Mail("mail.example", "kindred@clinic.example", password="quiet words")
    assert "quiet" not in repr((way, Webhook("https://hooks.example", SECRET)))
    assert SECRET not in repr(Webhook("https://hooks.example", SECRET))
