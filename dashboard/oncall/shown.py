"""Calls as pages show them: whom, when, how, and what went wrong; never about whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Row

from dashboard.access import accounts
from dashboard.frame import Ask
from dashboard.memo import by_ask
from dashboard.oncall import store
from dashboard.views.alarms import Alarm
from matcher.errors import CODES


class Shown(BaseModel):
    """One message to one person."""

    program: str
    name: str
    channel: str
    step: int
    at: int
    """When it was handed over; until then when it was first tried."""

    is_sent: bool
    tries: int
    code: str | None
    meaning: str


@by_ask
def names(ask: Ask) -> dict[str, str]:
    """The names of all accounts by id, also of those that are closed."""
    return {row["id"]: str(row["name"]) for row in accounts.every(ask.db)}


def of_matters(ask: Ask) -> dict[tuple[str, str], list[Shown]]:
    """The calls of the programs asked about, by program and matter, the first one first."""
    people = names(ask)
    found = defaultdict[tuple[str, str], list[Shown]](list)
    for row in store.calls(ask.db, list(ask.everywhere or ask.programs)):
        found[row.program, row.matter].append(_shown(row, people))
    return dict(found)


def about(alarm: Alarm, calls: Mapping[tuple[str, str], list[Shown]]) -> list[Shown]:
    """The calls about an alarm, and about earlier tellings that it took the place of."""
    keys = dict.fromkeys((alarm.matter, alarm.id))
    return [call for key in keys for call in calls.get((alarm.program, key), [])]


def failures(calls: Iterable[Shown]) -> list[Shown]:
    """What was tried and not handed over: one line a person and channel, for one message tells of all that waits."""
    found: dict[tuple[str, str, str], Shown] = {}
    for call in calls:
        if not call.is_sent and call.code is not None:
            key = (call.program, call.name, call.channel)
            first = found.setdefault(key, call)
            found[key] = first.model_copy(update={"tries": max(first.tries, call.tries), "at": min(first.at, call.at)})
    return list(found.values())


def _shown(row: Row[Any], names: dict[str, str]) -> Shown:
    return Shown(
        program=row.program,
        name=names.get(row.account, "somebody"),
        channel=row.channel,
        step=row.step,
        at=row.due_at if row.sent_at is None else row.sent_at,
        is_sent=row.sent_at is not None,
        tries=row.tries,
        code=row.code,
        meaning="" if row.code is None else CODES.get(row.code, "A code of another version."),
    )
