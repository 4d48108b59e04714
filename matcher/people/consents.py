"""Who of the clinicians may see a member's record, until when and for what.

A consent names an account, or nobody: then it is for any clinician of the program. It is kept with the member as a few
values, empty for most. Being taken back is remembered too: a consent that is told late, of before that, opens nothing.

The rules
    *Granted.* The newest consent to an account counts, and the newest one to any.
    *Taken back.* From one account, or from everybody at once. It holds whatever the order in which things are told. A
    refusal of one account outlasts one of everybody, and leaving: only a consent to this account lifts it.
    *In force.* A consent to the account, or one to any, that is not over; never against a refusal of this account.
"""

from __future__ import annotations

from sys import intern
from typing import Any, NamedTuple

REFUSED = 0
"""The end of a consent that was taken back."""


class Consent(NamedTuple):
    """One consent, or its refusal: to whom (None: any clinician), since and until when, and for what."""

    to: str | None
    since: int
    until: int
    purpose: str | None = None

    @property
    def is_refusal(self) -> bool:
        """Whether it was taken back."""
        return self.until == REFUSED


Consents = tuple[Consent, ...]
"""At most one for each account, and one for any."""


def granted(known: Consents, to: str | None, since: int, until: int, purpose: str | None) -> Consents:
    """The consents after a new one; the same when something newer is known."""
    settles = [each for each in known if each.to == to or (each.to is None and each.is_refusal)]
    if any(each.since > since for each in settles):
        return known
    return (*_without(known, to), Consent(_kept(to), since, until, _kept(purpose)))


def revoked(known: Consents, to: str | None, since: int) -> Consents:
    """The consents after one was taken back: from an account or, without one, from everybody."""
    left = (
        tuple(each for each in known if each.to is not None and each.is_refusal) if to is None else _without(known, to)
    )
    newest = max([since, *(each.since for each in known if each.is_refusal and each not in left)])
    return (*left, Consent(_kept(to), newest, REFUSED))


def in_force(known: Consents, account: str, at: int) -> Consent | None:
    """What allows this account to see the record now: of several, what lasts longest; None: nothing does."""
    about = [each for each in known if each.to in (None, account)]
    if any(each.is_refusal and each.to == account for each in about):
        return None
    return max((each for each in about if each.until > at), key=lambda each: each.until, default=None)


def from_json(plain: list[list[Any]]) -> Consents:
    """The consents as a snapshot has them."""
    return tuple(Consent(_kept(to), since, until, _kept(purpose)) for to, since, until, purpose in plain)


def _without(known: Consents, to: str | None) -> Consents:
    return tuple(each for each in known if each.to != to)


def _kept(word: str | None) -> str | None:
    return None if word is None else intern(word)
