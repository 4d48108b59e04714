"""The limit on guesses: failed sign-ins by name, by address, and by both. Names and addresses are kept as hashes."""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select

from dashboard.access.tables import ATTEMPTS
from dashboard.trouble import TOO_MANY, Trouble

WINDOW_SECONDS: Final = 15 * 60
BOTH_MAX: Final = 5  # one person who mistypes
ADDRESS_MAX: Final = 50  # an office behind one address
NAME_MAX: Final = 30  # many addresses after one account; its owner waits a quarter of an hour, too


def wait_seconds(db: Connection, login: str, address: str, now: int) -> int:
    """How long to wait before the next try; 0 when it may be now."""
    for key, most in _keys(login, address).items():
        recent = (ATTEMPTS.c.key == key) & (ATTEMPTS.c.at > now - WINDOW_SECONDS)
        count, oldest = db.execute(select(func.count(), func.min(ATTEMPTS.c.at)).where(recent)).one()
        if count >= most:
            return max(1, int(oldest) + WINDOW_SECONDS - now)
    return 0


def check(db: Connection, login: str, address: str, now: int) -> None:
    """Refuse a try after too many that failed. Raises Trouble (KND-too-many-tries)."""
    if wait := wait_seconds(db, login, address, now):
        minutes = (wait + 59) // 60
        headers = {"Retry-After": str(wait)}
        raise Trouble(429, TOO_MANY, f"too many tries: wait {minutes} minutes, then try again", headers=headers)


def failed(db: Connection, login: str, address: str, now: int) -> None:
    """Count a failed try."""
    db.execute(delete(ATTEMPTS).where(ATTEMPTS.c.at <= now - WINDOW_SECONDS))
    db.execute(insert(ATTEMPTS), [{"key": key, "at": now} for key in _keys(login, address)])


def succeeded(db: Connection, login: str, address: str) -> None:
    """Forget the tries of this name from this address."""
    db.execute(delete(ATTEMPTS).where(ATTEMPTS.c.key == next(iter(_keys(login, address)))))


def _keys(login: str, address: str) -> dict[str, int]:
    parts = ((f"both|{address}|{login}", BOTH_MAX), (f"address|{address}", ADDRESS_MAX), (f"name|{login}", NAME_MAX))
    return {hashlib.sha256(part.encode()).hexdigest(): most for part, most in parts}
