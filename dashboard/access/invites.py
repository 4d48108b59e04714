"""One-time links: the first account of all, and the password of every later one."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, insert, select

from dashboard.access import accounts, tokens
from dashboard.access.tables import INVITES

FIRST_SECONDS: Final = 24 * 3_600  # a start prints a new one
INVITE_SECONDS: Final = 72 * 3_600  # somebody invited on Friday opens it on Monday


def first(db: Connection, now: int) -> str | None:
    """A link's token for the first account, taking the place of an earlier one; None when there is an account."""
    if not accounts.is_empty(db):
        return None
    db.execute(delete(INVITES).where(INVITES.c.account.is_(None)))
    return _make(db, None, now + FIRST_SECONDS)


def invite(db: Connection, account: str, now: int) -> str:
    """A token with which the account's owner sets a password; earlier ones end."""
    db.execute(delete(INVITES).where(INVITES.c.account == account))
    return _make(db, account, now + INVITE_SECONDS)


def look(db: Connection, token: str, now: int) -> tuple[bool, str | None]:
    """Whether the link holds, and for which account (None: the first)."""
    row = db.execute(select(INVITES).where(INVITES.c.hash == tokens.hashed(token), INVITES.c.ends_at > now)).first()
    if row is None or (row.account is None and not accounts.is_empty(db)):
        return False, None
    return True, row.account


def take(db: Connection, token: str) -> bool:
    """Use it up; False when somebody else just did."""
    return db.execute(delete(INVITES).where(INVITES.c.hash == tokens.hashed(token))).rowcount == 1


def _make(db: Connection, account: str | None, ends_at: int) -> str:
    token = tokens.new()
    db.execute(insert(INVITES).values(hash=tokens.hashed(token), account=account, ends_at=ends_at))
    return token
