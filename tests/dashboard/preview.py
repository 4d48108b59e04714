"""``python -m tests.dashboard.preview DIR [PORT] [ROLE]``: the pages over a data folder, signed in, as they are made.

Decisions change the programs in memory and nothing else.

The address that is printed signs in: its link sets the session's cookie.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import cast

import uvicorn
from fastapi import Response
from sqlalchemy import create_engine

from dashboard.access import sessions
from dashboard.contact.vault import Vault
from dashboard.frame import Role, Sent
from streams.folder import read_state
from tests.dashboard.house import House
from tests.dashboard.rivers import decide, decide_whole
from tests.dashboard.told import follow, reading


def main(folder: str, port: str = "8790", role: str = "lead") -> None:
    """Serve until Ctrl-C."""
    database = Path(mkdtemp(prefix="kindred-preview-")) / "dashboard.db"  # in memory, requests would share a connection
    vault = Vault.at(database.with_name("card-keys"), fresh=True)
    house = House(programs=(), engine=create_engine(f"sqlite:///{database}"), vault=vault)
    house.replica.programs.update(read_state(Path(folder)).programs)
    with reading(Path(folder)) as home:
        follow(house.engine, home)
    house.now = max(program.at or 0 for program in house.replica.programs.values()) or int(time.time())
    object.__setattr__(house.parts, "send", lambda events: Sent(1, decide(house.replica.programs, events)))
    object.__setattr__(house.parts, "send_whole", lambda events: _whole(house, events))
    account = house.account(("*", cast("Role", role)), ("*", "admin"), name="Preview")

    def enter() -> Response:
        with house.engine.begin() as db:
            token = sessions.start(db, account, house.now)
        answer = Response(status_code=303, headers={"Location": "/"})
        answer.set_cookie("kindred_session", token, httponly=True, samesite="lax")
        return answer

    house.app.add_api_route("/come-in", enter, methods=["GET"])
    sys.stdout.write(f"http://127.0.0.1:{port}/come-in\n")
    uvicorn.run(house.app, host="127.0.0.1", port=int(port), log_level="warning")


def _whole(house: House, events: Sequence[dict[str, object]]) -> Sent:
    refused = decide_whole(house.replica.programs, events)
    house.sent.extend(() if refused else events)
    return Sent(1, refused)


if __name__ == "__main__":
    main(*sys.argv[1:])
