"""What the read model says, beyond the state of the programs, of what may still change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Table

from dashboard import rows
from dashboard.rows import Row
from dashboard.tables import MATCHES

Key = tuple[str, str]
LookUp = Callable[[Table, Key], Row | None]
"""The row of a match or an alert, by its program and id; None for none."""


@dataclass
class Memory:
    """Rows by their keys, ahead of the database by the draft that is being filled."""

    look_up: LookUp
    programs: dict[str, Row] = field(default_factory=dict)
    """Up to where the facts of each are unknown."""

    matches: dict[Key, Row] = field(default_factory=dict)
    waits: dict[Key, Row] = field(default_factory=dict)
    """The open ones, by program and newcomer."""

    def match(self, key: Key) -> Row | None:
        """The row of a match."""
        return self.matches.get(key) or self.look_up(MATCHES, key)

    def settle(self) -> None:
        """Forget what is over, after it was written."""
        self.matches = {key: row for key, row in self.matches.items() if row["stage"] in rows.OPEN}
