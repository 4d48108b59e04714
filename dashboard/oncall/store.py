"""The rota and the calls as the database has them."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from dashboard.access.tables import ACCOUNTS, GRANTS
from dashboard.database import upsert
from dashboard.frame import Account, Ask, Role
from dashboard.memo import by_ask
from dashboard.oncall.rota import Leave, Person, Rota
from dashboard.oncall.tables import CALLS, DEPUTIES, LEAVES, MAILS, VERSIONS, WEEKS


def rota(db: Connection, channels: Collection[str]) -> Rota:
    """Who is on call, as it is written down now. Cost: six queries, linear in accounts."""
    mails = mails_of(db)
    return Rota(
        people={id_: Person(account, _channels(id_ in mails, channels)) for id_, account in _accounts(db).items()},
        weeks={(row.program, row.week): row.account for row in db.execute(select(WEEKS))},
        deputies={row.program: row.account for row in db.execute(select(DEPUTIES))},
        leaves=tuple(Leave(row.account, row.since, row.until) for row in db.execute(select(LEAVES))),
    )


@by_ask
def rota_of(ask: Ask) -> Rota:
    """The rota as it is written down now."""
    return rota(ask.db, ask.channels)


def mails_of(db: Connection) -> dict[str, str]:
    """The mail address of each account that has one."""
    return {row.account: row.mail for row in db.execute(select(MAILS))}


def calls(db: Connection, programs: Collection[str] | None = None) -> Sequence[Row[Any]]:
    """All calls, of these programs, the oldest first."""
    query = select(CALLS).order_by(CALLS.c.due_at, CALLS.c.step, CALLS.c.account, CALLS.c.channel)
    return db.execute(query if programs is None else query.where(CALLS.c.program.in_(programs))).all()


def versions(db: Connection) -> dict[str, int]:
    """How often the weeks and the deputy of each program were written down."""
    return {row.program: row.version for row in db.execute(select(VERSIONS))}


def begin_after(db: Connection, program: str, version: int) -> bool:
    """Begin to write the weeks and the deputy that come after this version; False when somebody else has."""
    if version == 0:
        first = upsert(db)(VERSIONS).values(program=program, version=1).on_conflict_do_nothing()
        return db.execute(first).rowcount == 1
    same = (VERSIONS.c.program == program) & (VERSIONS.c.version == version)
    return db.execute(update(VERSIONS).where(same).values(version=version + 1)).rowcount == 1


def set_week(db: Connection, program: str, week: int, account: str | None) -> None:
    """Give a week to somebody, or to nobody."""
    db.execute(delete(WEEKS).where(WEEKS.c.program == program, WEEKS.c.week == week))
    if account is not None:
        db.execute(insert(WEEKS).values(program=program, week=week, account=account))


def set_deputy(db: Connection, program: str, account: str | None) -> None:
    """Say who stands in, or that nobody does."""
    db.execute(delete(DEPUTIES).where(DEPUTIES.c.program == program))
    if account is not None:
        db.execute(insert(DEPUTIES).values(program=program, account=account))


def add_leave(db: Connection, leave: Leave) -> None:
    """Note that somebody is away."""
    db.execute(insert(LEAVES).values(id=f"l-{secrets.token_hex(8)}", **leave._asdict()))


def end_leave(db: Connection, id_: str) -> None:
    """Take a leave away."""
    db.execute(delete(LEAVES).where(LEAVES.c.id == id_))


def leaves(db: Connection) -> Sequence[Row[Any]]:
    """All leaves, the earliest first."""
    return db.execute(select(LEAVES).order_by(LEAVES.c.since, LEAVES.c.account)).all()


def set_mail(db: Connection, account: str, mail: str | None) -> None:
    """Keep somebody's mail address, or none."""
    if mail is None:
        db.execute(delete(MAILS).where(MAILS.c.account == account))
        return
    put = upsert(db)(MAILS).values(account=account, mail=mail)
    db.execute(put.on_conflict_do_update(index_elements=["account"], set_={"mail": mail}))


def _accounts(db: Connection) -> dict[str, Account]:
    grants = defaultdict[str, set[tuple[str, Role]]](set)
    for row in db.execute(select(GRANTS)):
        grants[row.account].add((row.program, row.role))
    rows = db.execute(select(ACCOUNTS).where(ACCOUNTS.c.active)).all()
    return {row.id: Account(row.id, row.name, frozenset(grants[row.id]), row.member) for row in rows}


def _channels(has_mail: bool, channels: Collection[str]) -> tuple[str, ...]:
    return tuple(channel for channel in sorted(channels) if channel != "mail" or has_mail)
