"""From an event to a mail: the service as somebody starts it, and a mail server that keeps what it is given."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from dashboard.oncall.rota import week_of
from matcher.instants import format_instant
from tests.dashboard.sinks import mail_server
from tests.kindred.test_cli import free_port
from tests.kindred.test_dashboard import come_in, running, until

pytestmark = pytest.mark.slow


def event(type_: str, subject: str, **data: object) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": f"{type_}-{subject}",
        "source": "/tests",
        "type": f"kindred.{type_}.v1",
        "subject": subject,
        "partitionkey": "river",
        "time": format_instant(int(time.time()) - 5),
        "data": data,
    }


def test_somebody_in_great_distress_is_a_mail_to_whoever_is_on_call(tmp_path: Path) -> None:
    port = free_port()
    with mail_server() as letters:
        settings = {
            "KINDRED_PUBLIC_ADDRESS": f"http://127.0.0.1:{port}",
            "KINDRED_SMTP_HOST": "127.0.0.1",
            "KINDRED_SMTP_PORT": str(letters.port),
            "KINDRED_SMTP_SECURITY": "none",
            "KINDRED_SMTP_FROM": "kindred@clinic.example",
        }
        arguments = ("serve", "--data", "river", "--port", str(port))
        with running(*arguments, at=tmp_path, name="serve", **settings) as said, closing(come_in(said)) as client:
            joined = event("member.joined", "n-1", experiences=[{"code": "F11.20", "state": "early"}])
            assert client.post("/v1/events", json=joined).status_code == 202
            until(lambda: client.get("/api/v1/on-call").json()["programs"], "the program on the pages")
            account = client.get("/api/v1/me").json()["account"]
            assert client.post("/api/v1/account/mail", json={"mail": "robin@clinic.example"}).status_code == 200
            weeks = {"first": week_of(int(time.time())), "accounts": [account, account], "version": 0}
            assert client.post("/api/v1/on-call/river/weeks", json=weeks).status_code == 200
            distress = event("progress.distress", "n-1", level="high")
            assert client.post("/v1/events", json=distress).status_code == 202
            until(lambda: letters.taken, "the mail")
        with running(*arguments, at=tmp_path, name="again", **settings) as said:
            until(lambda: "the dashboard is at" in said(), "the second start")
    to, text = letters.taken[0]
    assert to == "robin@clinic.example"
    assert f"http://127.0.0.1:{port}/alerts" in text
    assert "n-1" not in text
    assert len(letters.taken) == 1
    assert "robin" not in (tmp_path / "serve.log").read_text()
