"""Who decided on which version of a proposal: the first one does, and the second is told who and when.

A claim is taken in the transaction of the decision, before its event is sent; so two coordinators on one card never
both send, nor does one twice. It has no person's id, and lasts as long as a decision may take to be seen; one whose
event was not taken is given back.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, String, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from dashboard.access.tables import ACCOUNTS
from dashboard.tables import METADATA

LASTS_SECONDS: Final = 60  # where the proposal still stands unchanged after this, the decision never arrived
KEPT_SECONDS: Final = 30 * 86_400  # to say who decided on a card that somebody left open

CLAIMS: Final = Table(
    "decision_claim",
    METADATA,
    Column("program", String(64), primary_key=True),
    Column("match", String(64), primary_key=True),
    Column("version", String(16), primary_key=True),
    Column("account", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("decision", String(16), nullable=False),
)


class Claim(NamedTuple):
    """A decision, by whom (an account's name) and when."""

    account: str
    name: str
    at: int
    decision: str


def take(db: Connection, program: str, match: str, version: str, account: str, decision: str, now: int) -> Claim | None:
    """Take this version for a decision; the claim that stands already, where one does, also one's own."""
    _forget(db, program, match, version, now)
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    row = {"program": program, "match": match, "version": version, "account": account, "at": now, "decision": decision}
    if db.execute(insert(CLAIMS).values(**row).on_conflict_do_nothing()).rowcount:
        return None
    return newest(db, program, match, version)


def drop(db: Connection, program: str, match: str, version: str, account: str, at: int) -> None:
    """Give back a claim that ``take`` took at this time and that came to nothing."""
    mine = (CLAIMS.c.account == account) & (CLAIMS.c.at == at)  # not one that others took when this was too old
    db.execute(delete(CLAIMS).where(_of(program, match, version) & mine))


def newest(db: Connection, program: str, match: str, version: str | None = None) -> Claim | None:
    """The newest decision on a proposal, or on one version of it."""
    query = (
        select(CLAIMS.c.account, ACCOUNTS.c.name, CLAIMS.c.at, CLAIMS.c.decision)
        .join_from(CLAIMS, ACCOUNTS, CLAIMS.c.account == ACCOUNTS.c.id, isouter=True)
        .where(CLAIMS.c.program == program, CLAIMS.c.match == match)
        .order_by(CLAIMS.c.at.desc())
        .limit(1)
    )
    if version is not None:
        query = query.where(CLAIMS.c.version == version)
    row = db.execute(query).first()
    return None if row is None else Claim(row.account, row.name or "somebody", row.at, row.decision)


def _forget(db: Connection, program: str, match: str, version: str, now: int) -> None:
    """Drop what is old, and a claim on this very version whose decision never arrived."""
    db.execute(delete(CLAIMS).where(CLAIMS.c.at < now - KEPT_SECONDS))
    db.execute(delete(CLAIMS).where(_of(program, match, version) & (CLAIMS.c.at < now - LASTS_SECONDS)))


def _of(program: str, match: str, version: str) -> ColumnElement[bool]:
    return (CLAIMS.c.program == program) & (CLAIMS.c.match == match) & (CLAIMS.c.version == version)
