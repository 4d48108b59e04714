"""Sign-ins that are under way at the provider: what a browser left with, and comes back for once.

The browser holds the token behind its forms in a cookie; what is sent to the provider follows from that token and a
random state. A row holds the state's hash, and the errand sealed with a key that the token gives: whoever reads the
database finds neither the keys nor what somebody had filled in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from pydantic import BaseModel
from sqlalchemy import Connection, delete, func, insert, select

from dashboard.access import tokens
from dashboard.access.provider import Keys
from dashboard.access.tables import DEPARTURES
from dashboard.trouble import TOO_LARGE, TOO_MANY, Trouble

AWAY_SECONDS: Final = 600  # somebody looks for their second factor
ADDRESS_MAX: Final = 200  # sign-ins under way from one address: an office in the morning, not a script
ERRAND_BYTES_MAX: Final = 256 * 1024


class Errand(BaseModel):
    """What is to be done when the browser is back."""

    then: str = "/"
    invite: str | None = None
    """The token of the one-time link that it began with."""

    name: str = ""
    """For the first account of all."""

    draft: list[tuple[str, str]] = []


def leave(db: Connection, before: str, address: str, errand: Errand, now: int) -> Keys:
    """Note that a browser leaves for the provider. Raises Trouble when too many have, or the draft is too large."""
    db.execute(delete(DEPARTURES).where(DEPARTURES.c.left_at <= now - AWAY_SECONDS))
    from_there = hashlib.sha256(f"away|{address}".encode()).hexdigest()
    count = db.execute(select(func.count()).where(DEPARTURES.c.address == from_there)).scalar_one()
    if count >= ADDRESS_MAX:
        headers = {"Retry-After": str(AWAY_SECONDS)}
        raise Trouble(429, TOO_MANY, "too many sign-ins are under way from here: wait ten minutes", headers=headers)
    body = errand.model_dump_json().encode()
    if len(body) > ERRAND_BYTES_MAX:
        raise Trouble(413, TOO_LARGE, "what you had filled in is too long to be kept meanwhile: sign in beside it")
    keys = _keys(before, tokens.new())
    sealed = _seal(before, keys.state).encrypt_at_time(body, now).decode()
    row = {"hash": tokens.hashed(keys.state), "address": from_there, "sealed": sealed, "left_at": now}
    db.execute(insert(DEPARTURES).values(**row))
    return keys


def come_back(db: Connection, before: str, state: str, now: int) -> tuple[Errand, Keys] | None:
    """The errand of a browser that is back, once; None for a state that is unknown, used, too old or of another."""
    ours = DEPARTURES.c.hash == tokens.hashed(state)
    row = db.execute(select(DEPARTURES).where(ours)).first()
    if row is None or row.left_at <= now - AWAY_SECONDS or db.execute(delete(DEPARTURES).where(ours)).rowcount != 1:
        return None
    try:
        errand = Errand.model_validate_json(_seal(before, state).decrypt(row.sealed.encode()))
    except (ValueError, InvalidToken):
        return None
    return errand, _keys(before, state)


def _keys(before: str, state: str) -> Keys:
    return Keys(state, _derived(before, state, "nonce"), _derived(before, state, "verifier"))


def _seal(before: str, state: str) -> Fernet:
    return Fernet(_derived(before, state, "seal") + "=")


def _derived(before: str, state: str, what: str) -> str:
    """43 letters that only this browser and state give (RFC 7636 asks for 43 to 128)."""
    digest = hmac.new(before.encode(), f"kindred {what} {state}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
