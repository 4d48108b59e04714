"""Sessions, kept on the server: a random token for the browser, its hash for us, and an end when nobody works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from dashboard.access import accounts, tokens
from dashboard.access.tables import ACCOUNTS, SESSIONS
from dashboard.frame import Account

IDLE_SECONDS: Final = 30 * 60  # OWASP: 15 to 30 minutes where somebody else may come to the desk
LONGEST_SECONDS: Final = 12 * 3_600  # a working day; after it everybody signs in again
KNOWN_SECONDS: Final = 24 * 3_600  # after its end: so long what was filled in meanwhile is given back to its sender
USED_SECONDS: Final = 15  # a session's last use is written this exactly, so that most requests write nothing


@dataclass(frozen=True)
class Session:
    """Who is here, since when, and what their pages remember."""

    token: str
    account: Account
    used_at: int
    ends_at: int
    """Epoch seconds at which it ends if nothing more is asked for."""

    program: str | None
    notice: str | None

    @property
    def form_token(self) -> str:
        """What this session's forms carry."""
        return tokens.form_token(self.token)


def start(db: Connection, account: str, now: int) -> str:
    """A new session; returns its token, which is not kept."""
    token = tokens.new()
    before = db.execute(select(ACCOUNTS.c.seen_at).where(ACCOUNTS.c.id == account)).scalar_one()
    row = {"hash": tokens.hashed(token), "account": account, "started_at": now, "used_at": now, "seen_before": before}
    db.execute(delete(SESSIONS).where(SESSIONS.c.started_at < now - LONGEST_SECONDS - KNOWN_SECONDS))
    db.execute(insert(SESSIONS).values(**row))
    accounts.seen(db, account, now)  # also of a visit that is over within a minute
    return token


def find(db: Connection, token: str, now: int, idle_seconds: int = IDLE_SECONDS) -> Session | None:
    """The session of a token, if it is still one. Cost: three indexed reads."""
    hash_ = tokens.hashed(token)
    row = db.execute(select(SESSIONS).where(SESSIONS.c.hash == hash_)).mappings().first()
    if row is None:
        return None
    ends = min(row["used_at"] + idle_seconds, row["started_at"] + LONGEST_SECONDS)
    account = accounts.find(db, row["account"], row["seen_before"])
    if now >= ends or account is None:
        return None
    fresh = min(now + idle_seconds, row["started_at"] + LONGEST_SECONDS)
    return Session(token, account, row["used_at"], fresh, row["program"], row["notice"])


def owner(db: Connection, token: str) -> str | None:
    """Whose session it is or was; None when it is unknown, also after signing out."""
    return db.execute(select(SESSIONS.c.account).where(SESSIONS.c.hash == tokens.hashed(token))).scalar()


def use(db: Connection, session: Session, now: int) -> None:
    """Note that the session is in use."""
    if now - session.used_at >= USED_SECONDS:
        _set(db, session, used_at=now)
        accounts.seen(db, session.account.id, now)


def choose_program(db: Connection, session: Session, program: str | None) -> None:
    """Turn the program switch."""
    _set(db, session, program=program)


def say(db: Connection, session: Session, notice: str | None) -> None:
    """Leave a sentence for the next page, or take it away."""
    _set(db, session, notice=notice)


def end(db: Connection, token: str) -> None:
    """Sign out."""
    db.execute(delete(SESSIONS).where(SESSIONS.c.hash == tokens.hashed(token)))


def _set(db: Connection, session: Session, **values: object) -> None:
    db.execute(update(SESSIONS).where(SESSIONS.c.hash == tokens.hashed(session.token)).values(**values))
