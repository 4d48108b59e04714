"""Passwords: argon2id, with a memory that a crowd of wrong guesses cannot exhaust."""

from __future__ import annotations

from functools import cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST_LETTERS: Final = 12  # NIST SP 800-63B-4: 15 where a password stands alone, 8 beside a limit on guesses
MOST_LETTERS: Final = 256  # more is not a password but work for the hash
AT_ONCE: Final = 2  # each takes 64 MiB and a core for some 50 ms

_AT_WORK: Final = BoundedSemaphore(AT_ONCE)


def fault(password: str, name: str) -> str | None:
    """Why a password cannot be taken; None when it can."""
    if len(password) < LEAST_LETTERS:
        return f"Take at least {LEAST_LETTERS} letters: three or four words do well."
    if len(password) > MOST_LETTERS:
        return f"Take at most {MOST_LETTERS} letters."
    if len(set(password)) < 5 or password.casefold() in (name.casefold() * 3):  # one letter again and again; the name
        return "That is too easy to guess: take three or four words that do not belong together."
    return None


def hashed(password: str) -> str:
    """What is kept of a password."""
    with _AT_WORK:
        return _hasher().hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password; takes as long when there is none to compare with."""
    with _AT_WORK:
        try:
            return _hasher().verify(kept or _nobodys(), password[: MOST_LETTERS + 1]) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")
