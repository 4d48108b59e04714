"""What happens to somebody's traces outside the read model when they are erased, in the transaction that erases them.

A rebuild comes by old erasures again, so whatever is done here may be done again, also to somebody who has joined anew
under the same id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from dashboard.access import accounts, audit
from dashboard.contact import cards

Forget = Callable[[Connection, str, str, int], None]
"""Given the connection, the program, the person, and the program's clock when they were erased."""


def _in_the_audit(connection: Connection, program: str, person: str, at: int) -> None:
    audit.erase(connection, person, program)


def _their_card(connection: Connection, program: str, person: str, at: int) -> None:
    cards.forget(connection, program, person)


FORGETS: Final[tuple[Forget, ...]] = (_in_the_audit, _their_card, accounts.forget_member)
"""All that must forget. A table of the dashboard's own that holds a member id has its function here."""
