"""Opaque tokens: 256 random bits for whoever holds them, and only their hash for us."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

BYTES: Final = 32


def new() -> str:
    """A token that nobody guesses, in letters that an address may hold."""
    return secrets.token_urlsafe(BYTES)


def hashed(token: str) -> str:
    """What is kept of a token; 64 hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(token: str) -> str:
    """What a form carries to show that it came from a page of this session; it cannot be turned back."""
    return hmac.new(token.encode(), b"kindred form", hashlib.sha256).hexdigest()


def same(given: str, right: str) -> bool:
    """Whether two texts are the same, taking as long when they are not."""
    return hmac.compare_digest(given.encode(), right.encode())
