"""The pages of a data folder beside its service: what becomes of a decision when the service does not answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine
from starlette.testclient import TestClient

from dashboard import database
from dashboard.access import accounts, sessions
from kindred import face
from kindred.settings import load
from streams.folder import DataFolder
from streams.service import Service
from tests.dashboard.house import ORIGIN, Browser
from tests.streams.cases import event, inputs

pytestmark = pytest.mark.slow


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """A coordinator at the pages of a service that takes events and decides nothing."""
    monkeypatch.chdir(tmp_path)
    folder, api = DataFolder.open(tmp_path, clock="event"), FastAPI()
    folder.take(inputs(event()))
    service = Service(folder)
    with face.Face(tmp_path, load().settings) as pages, closing(TestClient(api, base_url=ORIGIN)) as client:
        pages.mount(api, service)
        engine, now = create_engine(database.beside(tmp_path)), int(time.time())
        with engine.begin() as db:
            account = accounts.make(db, "Kim", [("river", "coordinator")], now)
            client.cookies.set("kindred_session", sessions.start(db, account, now))
        engine.dispose()
        yield Browser(client, account)
    folder.abandon()


def test_a_decision_that_is_not_answered_in_time_is_neither_done_nor_not_done(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face, "ANSWER_SECONDS", 0.02)
    newcomer = {"program": "river", "person": "x-1", "role": "newcomer", "lived_1": "F10.20"}
    answer = browser.api("/api/v1/enter", newcomer)
    assert (answer.status_code, answer.json()["code"]) == (503, "KND-decision-slow")
    assert "KND-decision-slow" in browser.post("/enter", newcomer).text
