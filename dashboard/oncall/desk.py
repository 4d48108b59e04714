"""What is to be sent now: calls are planned and claimed in one transaction, before anything is sent.

A call is a row before it is a message. Each try is counted, and the next one dated, before it is made: whoever dies in
between leaves a row that is tried again after that date, so nothing is lost and a crash repeats at most one message.
A lease keeps several dashboards on one database from planning at the same time.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, delete, tuple_, update

from dashboard.database import upsert
from dashboard.oncall import store
from dashboard.oncall.rota import Call, Rota, Told, due
from dashboard.oncall.tables import CALLS, LEASES
from dashboard.views.alarms import Alarm

LEASE: Final = "on call"
LEASE_SECONDS: Final = 120
BACKOFF_SECONDS: Final = (60, 120, 240, 480, 900)
"""From one try to the next; the first is longer than a try takes."""

KEPT_SECONDS: Final = 86_400  # after its alarm went; until then a failed delivery can be looked at
SEEN_SECONDS: Final = 3_600  # how exactly it is known when an alarm last stood

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Delivery:
    """One message to one person, for all that waits for them."""

    account: str
    channel: str
    message: str
    keys: Sequence[Key]


class Stand(NamedTuple):
    """What stands, as a look finds it."""

    opened: Sequence[Alarm]
    """What cannot wait and nobody has taken."""

    standing: Collection[tuple[str, str]]
    """All alarms, by program and id."""

    settled: Collection[tuple[str, str]] = frozenset()
    """What somebody has dealt with, by program and id of alarm or matter."""


def is_idle(db: Connection, rota: Rota, stand: Stand, now: int, wait_seconds: int) -> bool:
    """Whether there is nothing to write: most looks end here, without a lock."""
    rows = store.calls(db)
    fresh = due(rota, stand.opened, _told(rows), now, wait_seconds)
    return (
        not fresh
        and not _settled(rows, stand)
        and not _waiting(rows, rota, stand.opened, now)
        and all(now - row.standing_at < SEEN_SECONDS for row in rows)
    )


def take(
    db: Connection,
    holder: str,
    channels: Collection[str],
    stand: Stand,
    now: int,
    wait_seconds: int,
) -> list[Delivery]:
    """Plan what is due, and claim what is to be sent now; empty when another dashboard holds the lease."""
    if not _lease(db, holder, now):
        return []
    rota = store.rota(db, channels)
    for row in _settled(store.calls(db), stand):
        db.execute(update(CALLS).where(_these([_key(row)])).values(matter=row.alert))
    _note(db, rota, due(rota, stand.opened, _told(store.calls(db)), now, wait_seconds), now)
    _forget(db, stand.standing, now)
    return _claim(db, _waiting(store.calls(db), rota, stand.opened, now), now)


def record(db: Connection, delivery: Delivery, now: int, code: str | None) -> None:
    """Write down that a message was handed over, or why it was not."""
    values: Mapping[str, Any] = {"sent_at": now, "code": None} if code is None else {"code": code}
    db.execute(update(CALLS).where(_these(delivery.keys)).values(**values))


def _told(rows: Sequence[Row[Any]]) -> list[Told]:
    return [Told(row.program, row.alert, row.account, row.due_at, row.matter) for row in rows]


def _settled(rows: Sequence[Row[Any]], stand: Stand) -> list[Row[Any]]:
    """Calls that no later telling goes on with, and that are not yet marked so."""
    return [
        row
        for row in rows
        if row.matter != row.alert
        and ((row.program, row.alert) in stand.settled or (row.program, row.matter) in stand.settled)
    ]


def _waiting(rows: Sequence[Row[Any]], rota: Rota, opened: Sequence[Alarm], now: int) -> list[Row[Any]]:
    """Calls that were not handed over yet, to who may still know, about alarms that nobody has taken meanwhile."""
    wanted = {(alarm.program, key): alarm for alarm in opened for key in (alarm.id, alarm.matter)}
    return [
        row
        for row in rows
        if row.sent_at is None
        and row.next_try_at <= now
        and (alarm := wanted.get((row.program, row.alert)) or wanted.get((row.program, row.matter))) is not None
        and rota.holds(row.account, row.channel, alarm)
    ]


def _lease(db: Connection, holder: str, now: int) -> bool:
    row = {"name": LEASE, "holder": holder, "until": now + LEASE_SECONDS}
    if db.execute(upsert(db)(LEASES).values(**row).on_conflict_do_nothing()).rowcount == 1:
        return True
    free = (LEASES.c.holder == holder) | (LEASES.c.until <= now)
    return db.execute(update(LEASES).where(LEASES.c.name == LEASE, free).values(**row)).rowcount == 1


def _note(db: Connection, rota: Rota, planned: Sequence[Call], now: int) -> None:
    rows = [
        {
            "program": call.program,
            "alert": call.alert,
            "account": call.account,
            "channel": channel,
            "step": call.step,
            "message": f"msg_{secrets.token_hex(12)}",
            "due_at": now,
            "tries": 0,
            "next_try_at": now,
            "standing_at": now,
            "matter": call.matter,
        }
        for call in planned
        for channel in rota.people[call.account].channels
    ]
    if rows:
        db.execute(upsert(db)(CALLS).on_conflict_do_nothing(), rows)


def _claim(db: Connection, rows: Sequence[Row[Any]], now: int) -> list[Delivery]:
    """Count a try of each, and put them together by person and channel."""
    together = defaultdict[tuple[str, str], list[Row[Any]]](list)
    for row in rows:
        later = now + BACKOFF_SECONDS[min(row.tries, len(BACKOFF_SECONDS) - 1)]
        db.execute(update(CALLS).where(_these([_key(row)])).values(tries=row.tries + 1, next_try_at=later))
        together[row.account, row.channel].append(row)
    return [
        Delivery(account, channel, min(row.message for row in group), [_key(row) for row in group])
        for (account, channel), group in together.items()
    ]


def _forget(db: Connection, standing: Collection[tuple[str, str]], now: int) -> None:
    """Let go of calls about alarms that have gone."""
    for row in store.calls(db):
        if (row.program, row.alert) in standing and now - row.standing_at >= SEEN_SECONDS:
            db.execute(update(CALLS).where(_these([_key(row)])).values(standing_at=now))
        elif now - row.standing_at >= KEPT_SECONDS:
            db.execute(delete(CALLS).where(_these([_key(row)])))


def _key(row: Row[Any]) -> Key:
    return row.program, row.alert, row.account, row.channel


def _these(keys: Sequence[Key]) -> Any:
    return tuple_(CALLS.c.program, CALLS.c.alert, CALLS.c.account, CALLS.c.channel).in_(keys)
