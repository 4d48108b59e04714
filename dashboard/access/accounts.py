"""Accounts and what they are granted. Whoever is granted less, or something else, is signed out everywhere."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from dashboard.access import passwords
from dashboard.access.tables import ACCOUNTS, GRANTS, IDENTITIES, INVITES, SESSIONS
from dashboard.frame import EVERYWHERE, Account, Conflict, Role
from dashboard.tables import PEOPLE
from matcher.errors import code

LAST_LEAD = code(
    "KND-last-lead",
    "Nobody else leads the program, or nobody else keeps accounts. Grant it to another account first.",
)
LOGIN_TAKEN = code("KND-login-taken", "Another account has this name. Choose another one.")

KEPT_ROLES: Final = ("lead", "admin")
"""Roles of which somebody must hold each, in every place where somebody does."""

ROLES: Final[tuple[Role, ...]] = ("viewer", "coordinator", "lead", "clinician", "admin")
SEEN_SECONDS: Final = 60  # how exactly it is known when somebody was last here

Grant = tuple[str, Role]


def make(
    db: Connection, name: str, grants: Iterable[Grant], now: int, *, login: str | None = None, member: str | None = None
) -> str:
    """A new account without a password, and its id. Raises Conflict (KND-login-taken)."""
    login = login or login_of(name)
    if db.execute(select(ACCOUNTS.c.id).where(ACCOUNTS.c.login == login)).first():
        raise Conflict("another account has this name: choose another one", LOGIN_TAKEN)
    id_ = f"a-{secrets.token_hex(8)}"
    row = {"id": id_, "name": name.strip(), "login": login, "member": member, "active": True, "hotkeys": False}
    db.execute(insert(ACCOUNTS).values(**row, made_at=now, bound_at=None if member is None else now))
    _write_grants(db, id_, set(grants))
    return id_


def login_of(name: str) -> str:
    """The name as it is looked up: no difference of case, width or space around it."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def find(db: Connection, id_: str, seen_before: int | None = None) -> Account | None:
    """The account, if it is active."""
    row = db.execute(select(ACCOUNTS).where(ACCOUNTS.c.id == id_, ACCOUNTS.c.active)).mappings().first()
    return None if row is None else _account(row, grants(db, id_), seen_before)


def find_login(db: Connection, login: str) -> RowMapping | None:
    """The row of an active account by name."""
    return db.execute(select(ACCOUNTS).where(ACCOUNTS.c.login == login, ACCOUNTS.c.active)).mappings().first()


def find_row(db: Connection, id_: str) -> RowMapping | None:
    """The row of an account, also of one that is closed."""
    return db.execute(select(ACCOUNTS).where(ACCOUNTS.c.id == id_)).mappings().first()


def every(db: Connection) -> list[RowMapping]:
    """All accounts by name, also those that are closed."""
    return list(db.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.name, ACCOUNTS.c.id)).mappings())


def holders(db: Connection, program: str, role: Role) -> dict[str, str]:
    """The active accounts that hold a role in a program: names by id, in the order of names."""
    held = select(GRANTS.c.account).where(GRANTS.c.program.in_((program, EVERYWHERE)), GRANTS.c.role == role)
    query = select(ACCOUNTS.c.id, ACCOUNTS.c.name).where(ACCOUNTS.c.active, ACCOUNTS.c.id.in_(held))
    return {row.id: row.name for row in db.execute(query.order_by(ACCOUNTS.c.name, ACCOUNTS.c.id))}


def grants(db: Connection, id_: str) -> frozenset[Grant]:
    """What an account is granted."""
    rows = db.execute(select(GRANTS.c.program, GRANTS.c.role).where(GRANTS.c.account == id_))
    return frozenset((program, role) for program, role in rows)


def is_empty(db: Connection) -> bool:
    """Whether there is no account yet."""
    return db.execute(select(func.count()).select_from(ACCOUNTS)).scalar_one() == 0


def set_grants(db: Connection, id_: str, wanted: Iterable[Grant]) -> None:
    """Grant exactly this, and sign the account out. Raises Conflict (KND-last-lead)."""
    kept = set(wanted)
    _keep_somebody(db, id_, kept)
    db.execute(delete(GRANTS).where(GRANTS.c.account == id_))
    _write_grants(db, id_, kept)
    sign_out_everywhere(db, id_)


def bind(db: Connection, id_: str, member: str | None, now: int) -> None:
    """Say which member this person is, and sign the account out."""
    bound_at = None if member is None else now
    db.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == id_).values(member=member, bound_at=bound_at))
    sign_out_everywhere(db, id_)


def forget_member(db: Connection, program: str, member: str, at: int) -> None:
    """Unbind accounts of a program from a member who was erased there at that instant.

    Whoever was bound since then is bound to somebody else of the same id; and who is a member of this id in another of
    the account's programs keeps what hides their record there.
    """
    others = set(db.scalars(select(PEOPLE.c.program).where(PEOPLE.c.person == member, PEOPLE.c.program != program)))
    bound = select(ACCOUNTS.c.id).where(ACCOUNTS.c.member == member, ACCOUNTS.c.bound_at <= at)
    for id_ in db.scalars(bound).all():
        places = {place for place, _ in grants(db, id_)}
        if {program, EVERYWHERE} & places and not (others if EVERYWHERE in places else others & places):
            db.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == id_).values(member=None, bound_at=None))


def set_active(db: Connection, id_: str, active: bool) -> None:
    """Close an account, or open it again. Raises Conflict (KND-last-lead)."""
    if not active:
        _keep_somebody(db, id_, set())
    db.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == id_).values(active=active))
    sign_out_everywhere(db, id_)


def set_password(db: Connection, id_: str, password: str) -> None:
    """Keep the password's hash, let the account in by nothing else, and sign it out."""
    db.execute(delete(IDENTITIES).where(IDENTITIES.c.account == id_))
    db.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == id_).values(password=passwords.hashed(password)))
    sign_out_everywhere(db, id_)


def set_hotkeys(db: Connection, id_: str, on: bool) -> None:
    """Switch single-key shortcuts on or off."""
    db.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == id_).values(hotkeys=on))


def seen(db: Connection, id_: str, now: int) -> None:
    """Note that the account is here, to the minute."""
    stale = (ACCOUNTS.c.seen_at.is_(None)) | (ACCOUNTS.c.seen_at < now - SEEN_SECONDS)
    db.execute(update(ACCOUNTS).where(ACCOUNTS.c.id == id_, stale).values(seen_at=now))


def sign_out_everywhere(db: Connection, id_: str) -> None:
    """End every session and every unused link of an account."""
    db.execute(delete(SESSIONS).where(SESSIONS.c.account == id_))
    db.execute(delete(INVITES).where(INVITES.c.account == id_))


def _account(row: RowMapping, granted: frozenset[Grant], seen_before: int | None) -> Account:
    return Account(row["id"], row["name"], granted, row["member"], seen_before, row["hotkeys"])


def _write_grants(db: Connection, id_: str, granted: set[Grant]) -> None:
    rows = [{"account": id_, "program": program, "role": role} for program, role in sorted(granted)]
    if rows:
        db.execute(insert(GRANTS), rows)


def _keep_somebody(db: Connection, id_: str, kept: set[Grant]) -> None:
    """Refuse a change after which a program, or the accounts, would have nobody who may repair it."""
    lost = {grant for grant in grants(db, id_) - kept if grant[1] in KEPT_ROLES}
    held = select(GRANTS.c.program, GRANTS.c.role).join(ACCOUNTS).where(ACCOUNTS.c.active, GRANTS.c.account != id_)
    others = {(program, role) for program, role in db.execute(held)} | kept
    for program, role in sorted(lost):
        if not {(program, role), (EVERYWHERE, role)} & others:
            where = "all programs" if program == EVERYWHERE else f"the program {program}"
            raise Conflict(f"nobody else is {role} of {where}: grant it to another account first", LAST_LEAD)
