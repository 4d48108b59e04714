"""What happens to somebody's traces outside the read model when they are erased, in the transaction that erases them.

A rebuild comes by old erasures again, so whatever is done here may be done again, also to somebody who has joined anew
under the same id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from dashboard.access import audit
from dashboard.contact import cards

Forget = Callable[[Connection, str, str], None]
"""Given the connection, the program and the person."""


def _in_the_audit(connection: Connection, program: str, person: str) -> None:
    audit.erase(connection, person, program)


FORGETS: Final[tuple[Forget, ...]] = (_in_the_audit, cards.forget)
"""All that must forget. A table of the dashboard's own that holds a member id has its function here."""
