"""The stream of what is new: only of one's own programs, without anybody in it, and gone when the process stops."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine

from dashboard import hub
from dashboard.access import sessions
from dashboard.frame import Role
from matcher.messages.events import MemberLeft
from matcher.messages.facts import Fact, Told
from tests.dashboard.house import House, served

pytestmark = pytest.mark.slow


def fact(program: str, type_: str) -> Fact:
    return Fact(program, 1, 0, type_, Told("m-17", 0, MemberLeft(reason="moved")))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(engine=create_engine(f"sqlite:///{tmp_path / 'dashboard.db'}"))


@pytest.mark.parametrize(("role", "new"), [("coordinator", 3), ("lead", 4)])
def test_a_stream_tells_of_its_own_programs_and_ends_with_the_process(house: House, role: Role, new: int) -> None:
    stopping = list[bool]()
    object.__setattr__(house.parts, "closing", lambda: bool(stopping))
    cookies = dict(house.signed_in(("hill", role)).client.cookies)
    with served(house) as address, httpx.stream("GET", f"{address}/live", cookies=cookies, timeout=20) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("retry: ")
        house.parts.hub.tell([fact("river", "match.proposed"), fact("hill", "progress.checked_in")])
        house.parts.hub.tell([fact("hill", "safety.reported")] * (role == "coordinator"))
        news = ("match.proposed", "newcomer.waiting", "progress.distress", "safety.reported")
        house.parts.hub.tell([fact("hill", type_) for type_ in (*news, "match.opened", "match.pinned")])
        told = [next(line for line in lines if line) for _ in range(2)]
        stopping.append(True)
        assert not [line for line in lines if line and not line.startswith(":")]
    assert told == ["event: news", f'data: {{"program": "hill", "new": {new}}}']


def test_a_stream_is_for_those_who_see_people(house: House) -> None:
    assert house.signed_in(("river", "viewer")).get("/live").status_code == 403
    assert house.client().get("/live").status_code == 303


def test_more_streams_than_are_served_are_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "STREAMS_MAX", 0)
    refused = house.signed_in(("river", "lead")).get("/live")
    assert (refused.status_code, "KND-live-crowded" in refused.text) == (503, True)


def test_an_open_page_that_nobody_uses_does_not_keep_its_session_alive(house: House) -> None:
    object.__setattr__(house.parts, "closing", lambda: True)  # each stream ends at once
    browser = house.signed_in(("river", "coordinator"))
    for _ in range(3):
        house.now += sessions.IDLE_SECONDS // 3 - 1
        assert browser.get("/live").status_code == 200
    house.now += 3
    assert browser.get("/live").status_code == 303
    assert browser.get("/account").status_code == 303
