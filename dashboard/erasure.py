"""What happens to somebody's traces outside the read model when they are erased, in the transaction that erases them.

A rebuild comes by old erasures again, and whoever has joined anew under the same id since then is another person: so it
is written down, outside of the read model, which records of the journal were carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, LargeBinary, Table, insert, select

from dashboard.access import accounts, audit
from dashboard.contact import cards
from dashboard.tables import METADATA

CARRIED_OUT: Final = Table(
    "erasure_carried_out",
    METADATA,
    Column("record", LargeBinary(16), primary_key=True),  # digest of the journal up to there: it names nobody
)


class Erasure(NamedTuple):
    """A record that erases somebody: the program's clock, and the digest of the journal up to there."""

    at: int
    record: bytes


Forget = Callable[[Connection, str, str, int], None]
"""Given the connection, the program, the person, and the program's clock when they were erased."""


def _in_the_audit(connection: Connection, program: str, person: str, at: int) -> None:
    audit.erase(connection, person, program)


def _their_card(connection: Connection, program: str, person: str, at: int) -> None:
    cards.forget(connection, program, person)


FORGETS: Final[tuple[Forget, ...]] = (_in_the_audit, _their_card, accounts.forget_member)
"""All that must forget. A table of the dashboard's own that holds a member id has its function here."""


def carry_out(connection: Connection, program: str, person: str, erasures: Iterable[Erasure]) -> None:
    """Forget a person whom these records erase, unless all of it was carried out before."""
    new = [each.at for each in erasures if not _is_carried_out(connection, each.record)]
    if not new:
        return
    for forget in FORGETS:
        forget(connection, program, person, max(new))


def note(connection: Connection, records: Iterable[bytes]) -> None:
    """Write down that what these records erase was carried out."""
    new = [{"record": record} for record in dict.fromkeys(records) if not _is_carried_out(connection, record)]
    if new:
        connection.execute(insert(CARRIED_OUT), new)


def _is_carried_out(connection: Connection, record: bytes) -> bool:
    return connection.execute(select(CARRIED_OUT).where(CARRIED_OUT.c.record == record)).first() is not None
