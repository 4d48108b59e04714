"""The table of local cards: a row a person, sealed. No rebuild touches it; an erasure takes the row with it."""

from __future__ import annotations

from secrets import randbelow
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    select,
    update,
)

from dashboard.contact.vault import Vault
from dashboard.database import upsert
from dashboard.tables import METADATA

FIRST_MAX: Final = 1 << 30  # of an Integer of 31 bits; the other half is for changes

CARDS: Final = Table(
    "local_card",
    METADATA,
    Column("program", String(64), primary_key=True),
    Column("person", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),  # rises with each change: two people who change it at once are told
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", String(32), nullable=False),  # an account
)


class Kept(NamedTuple):
    """A row."""

    sealed: bytes
    version: int
    changed_at: int
    changed_by: str


def find(db: Connection, program: str, person: str) -> Kept | None:
    """The card of a person, sealed."""
    row = db.execute(
        select(CARDS.c.sealed, CARDS.c.version, CARDS.c.changed_at, CARDS.c.changed_by).where(_is_of(program, person))
    ).first()
    return None if row is None else Kept(*row)


def keep(db: Connection, program: str, person: str, sealed: bytes, version: int, now: int, account: str) -> bool:
    """Put a card in the place of that version of it (0: there is none); False when there is another version.

    The first version of a card is any number: a card that was emptied and begun anew has none of its old versions.
    """
    row = {"sealed": sealed, "version": version + 1, "changed_at": now, "changed_by": account}
    if version == 0:
        row["version"] = 1 + randbelow(FIRST_MAX)
        first = upsert(db)(CARDS).values(program=program, person=person, **row).on_conflict_do_nothing()
        return bool(db.execute(first).rowcount)
    same = update(CARDS).where(_is_of(program, person) & (CARDS.c.version == version))
    return db.execute(same.values(**row)).rowcount == 1


def empty(db: Connection, program: str, person: str, version: int) -> bool:
    """Take that version of a card away; False when there is another version, or none."""
    same = delete(CARDS).where(_is_of(program, person) & (CARDS.c.version == version))
    return db.execute(same).rowcount == 1


def forget(db: Connection, program: str, person: str) -> None:
    """Take a person's card away, whatever its version."""
    db.execute(delete(CARDS).where(_is_of(program, person)))


def any_kept(db: Connection) -> bool:
    """Whether there is any card."""
    return db.execute(select(CARDS.c.version).limit(1)).first() is not None


def reseal(db: Connection, vault: Vault) -> int:
    """Seal every card with the newest key, in one transaction, as it is by then; how many. Raises Locked.

    Cards may be changed meanwhile.
    """
    whose = db.execute(select(CARDS.c.program, CARDS.c.person)).all()
    return sum(_reseal(db, vault, program, person) for program, person in whose)


def _reseal(db: Connection, vault: Vault, program: str, person: str) -> bool:
    while kept := find(db, program, person):
        same = update(CARDS).where(_is_of(program, person) & (CARDS.c.version == kept.version))
        if db.execute(same.values(sealed=vault.reseal(kept.sealed))).rowcount:
            return True
    return False


def _is_of(program: str, person: str) -> ColumnElement[bool]:
    return (CARDS.c.program == program) & (CARDS.c.person == person)
