"""The rota, how to reach people, and each call with what became of it. No rebuild touches them.

A call names an alarm by its id, which says nothing of a person; it goes a day after its alarm does.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table

from dashboard.access.tables import ACCOUNTS
from dashboard.tables import METADATA

assert ACCOUNTS is not None  # whom all of these name

WEEKS: Final = Table(
    "on_call_week",
    METADATA,
    Column("program", String(64), primary_key=True),
    Column("week", Integer, primary_key=True, autoincrement=False),  # rota.week_of
    Column("account", ForeignKey("account.id"), nullable=False),
)

DEPUTIES: Final = Table(
    "on_call_deputy",
    METADATA,
    Column("program", String(64), primary_key=True),
    Column("account", ForeignKey("account.id"), nullable=False),
)

VERSIONS: Final = Table(
    "on_call_version",
    METADATA,
    Column("program", String(64), primary_key=True),
    Column("version", Integer, nullable=False),  # counts changes of weeks and deputy: two leads at once are told
)

LEAVES: Final = Table(
    "on_call_leave",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("account", ForeignKey("account.id"), nullable=False, index=True),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
)

MAILS: Final = Table(
    "account_mail",
    METADATA,
    Column("account", ForeignKey("account.id"), primary_key=True),
    Column("mail", String(254), nullable=False),  # characters of an address at most (RFC 5321)
)

CALLS: Final = Table(
    "on_call_call",
    METADATA,
    Column("program", String(64), primary_key=True),
    Column("alert", String(64), primary_key=True),
    Column("account", String(32), primary_key=True),
    Column("channel", String(16), primary_key=True),  # mail, webhook
    Column("step", Integer, nullable=False),
    Column("message", String(64), nullable=False),  # the same at each try, so that a receiver knows a repeat
    Column("due_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),  # counted before each: a crash in between repeats one, and loses none
    Column("next_try_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("code", String(64)),  # why the last try failed
    Column("standing_at", BigInteger, nullable=False),  # when its alarm was last seen to stand
    Column("matter", String(64), nullable=False, server_default=""),  # Alarm.matter; the alert's own id once dealt with
)

LEASES: Final = Table(
    "lease",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Which of several dashboards does what only one should."""
