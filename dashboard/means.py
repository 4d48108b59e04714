"""What pages may use beside the database and the programs. What a house lacks is None, and its pages say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dashboard.contact.vault import Vault
from dashboard.importing.draft import Known
from dashboard.importing.shelf import Shelf
from matcher.policy import Policy


@dataclass(frozen=True)
class Means:
    """Made once where the application is made."""

    shelf: Shelf = field(default_factory=Shelf)
    """Files that somebody brought and nobody has taken in yet."""

    known: Known = lambda events: ()
    """Of events, the ids of those that the service has taken before."""

    policy_of: Callable[[str], Policy] = lambda program: Policy()
    """The policy that a program gets when it begins."""

    vault: Vault | None = None
    """Seals and opens local cards; None where there are none: beside workers, or without their keys."""

    vault_trouble: str | None = None
    """Why the cards of this house stay closed, in words that name a file: for those who keep it."""

    links: Mapping[str, str] = field(default_factory=dict)
    """By program, where the platform's own system shows a person; ``{id}`` stands for them."""
