"""Accounts and what they are granted. No page of this room shows people of a program."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dashboard.access import accounts, identities, invites
from dashboard.access.accounts import ROLES
from dashboard.frame import (
    ADMINS,
    EVERYWHERE,
    Action,
    Ask,
    Decided,
    FormErrors,
    NotFound,
    Nothing,
    Page,
    Role,
)

WORDS: dict[Role, str] = {
    "viewer": "sees counts and insights only",
    "coordinator": "sees and decides about the people of the program, but no reports",
    "lead": "all that a coordinator does; reports, waivers, policy, erasure",
    "clinician": "sees how people are who consented to it; with whom they are paired, reports and notes stay hidden",
    "admin": "keeps accounts, looks after health and dead letters; sees no people",
}
ID = r"^[A-Za-z0-9._:-]{1,64}$"


class Grant(BaseModel):
    """One role in one program."""

    program: str
    role: Role


class Row(BaseModel):
    """One account as the others see it."""

    id: str
    name: str
    active: bool
    has_password: bool
    has_identity: bool
    """Whether they come by the provider."""

    is_bound: bool
    seen_at: int | None
    grants: list[Grant]
    kept: bool
    """Whether who asks keeps the accounts of all that it is granted, and so may change the account itself."""


class Accounts(BaseModel):
    """All accounts, and in which programs who asks may grant something."""

    accounts: list[Row]
    programs: list[str]
    everywhere: bool
    """Whether in all programs, also those to come."""

    roles: dict[Role, str]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewAccount(_Form):
    """An account for a colleague; a link lets them choose a password."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    program: str = Field(EVERYWHERE, pattern=rf"{ID}|^\*$")
    role: Role
    member: str | None = Field(None, pattern=ID)


class GrantForm(_Form):
    """One role in one program, to be granted or taken away."""

    program: str = Field(pattern=rf"{ID}|^\*$")
    role: Role


class Binding(_Form):
    """Which member this person is; empty for none."""

    member: str | None = Field(None, pattern=ID)


def view(ask: Ask) -> Accounts:
    """All accounts by name."""
    by_provider = identities.bound(ask.db)
    rows = []
    for row in accounts.every(ask.db):
        granted = accounts.grants(ask.db, row["id"])
        one = Row(
            id=row["id"],
            name=row["name"],
            active=row["active"],
            has_password=row["password"] is not None,
            has_identity=row["id"] in by_provider,
            is_bound=row["member"] is not None,
            seen_at=row["seen_at"],
            grants=grant_lines(granted),
            kept=all(_keeps(ask, program) for program, _ in granted),
        )
        rows.append(one)
    return Accounts(accounts=rows, programs=sorted(ask.everywhere), everywhere=_keeps(ask, EVERYWHERE), roles=WORDS)


def make(ask: Ask, form: NewAccount) -> Decided:
    """A new account with one grant, and the link with which its owner comes in."""
    _check_keeps(ask, form.program)
    id_ = accounts.make(ask.db, form.name, [(form.program, form.role)], ask.wall, member=form.member)
    said = "The account is made. With this link its owner chooses how to come in, within three days:"
    return replace(_link(ask, id_, said), what=f"made a {form.role}")


def invite(ask: Ask, form: Nothing) -> Decided:
    """A link that sets a new way in; the old one holds until then."""
    id_ = _kept_account(ask)
    return _link(ask, id_, "With this link the owner of the account chooses a new way in, within three days:")


def grant(ask: Ask, form: GrantForm) -> Decided:
    """One grant more."""
    _check_keeps(ask, form.program)
    id_ = _account(ask)
    accounts.set_grants(ask.db, id_, accounts.grants(ask.db, id_) | {(form.program, form.role)})
    said = "Granted. The account is signed out, and has it when it signs in again."
    return replace(_done(ask, id_, said), what=f"granted {form.role}", program=form.program)


def revoke(ask: Ask, form: GrantForm) -> Decided:
    """One grant less. Raises Conflict for the last lead."""
    _check_keeps(ask, form.program)
    id_ = _account(ask)
    accounts.set_grants(ask.db, id_, accounts.grants(ask.db, id_) - {(form.program, form.role)})
    said = "Taken away. The account is signed out everywhere."
    return replace(_done(ask, id_, said), what=f"took away {form.role}", program=form.program)


def bind(ask: Ask, form: Binding) -> Decided:
    """Say which member the owner is. Of oneself only once: who could undo it would see their own record."""
    id_ = _kept_account(ask)
    if id_ == ask.account.id and ask.account.member is not None:
        raise FormErrors(form="A colleague who keeps accounts can change which member you are.")
    accounts.bind(ask.db, id_, form.member, ask.wall)
    no_one = "Noted. The account is bound to no member: it sees and decides about all whom it is granted."
    return _done(ask, id_, "Noted. The account neither sees nor decides about this member." if form.member else no_one)


def close(ask: Ask, form: Nothing) -> Decided:
    """Close an account; what it did stays on record. Raises Conflict for the last lead."""
    id_ = _kept_account(ask)
    accounts.set_active(ask.db, id_, False)
    return _done(ask, id_, "The account is closed and signed out everywhere.")


def reopen(ask: Ask, form: Nothing) -> Decided:
    """Open a closed account again."""
    id_ = _kept_account(ask)
    accounts.set_active(ask.db, id_, True)
    return _done(ask, id_, "The account is open again.")


def grant_lines(granted: frozenset[tuple[str, Role]]) -> list[Grant]:
    """What is granted, by program, the least first."""
    order = sorted(granted, key=lambda grant: (grant[0], ROLES.index(grant[1])))
    return [Grant(program=program, role=role) for program, role in order]


def _account(ask: Ask) -> str:
    id_ = ask.path["account"]
    if accounts.find_row(ask.db, id_) is None:
        raise NotFound
    return id_


def _kept_account(ask: Ask) -> str:
    """The account of the path. Raises FormErrors where it is granted something in a program that others keep."""
    id_ = _account(ask)
    if not all(_keeps(ask, program) for program, _ in accounts.grants(ask.db, id_)):
        raise FormErrors(form="It is granted something in programs whose accounts you do not keep: ask who does.")
    return id_


def _keeps(ask: Ask, program: str) -> bool:
    """Whether who asks keeps the accounts of this program, or of all."""
    return bool(ask.roles(program) & ADMINS)


def _check_keeps(ask: Ask, program: str) -> None:
    if not _keeps(ask, program):
        where = "all programs" if program == EVERYWHERE else program
        raise FormErrors(program=f"You do not keep the accounts of {where}: ask who does.")


def _link(ask: Ask, account: str, notice: str) -> Decided:
    secret = f"/welcome/{invites.invite(ask.db, account, ask.wall)}"
    return replace(_done(ask, account, notice), secret=secret)


def _done(ask: Ask, account: str, notice: str) -> Decided:
    """What was done to an account: a line of the program that it is granted something in, of none if in several."""
    programs = {program for program, _ in accounts.grants(ask.db, account)}
    return Decided([], PAGE.path, notice, about=account, program=programs.pop() if len(programs) == 1 else None)


PAGE = Page("/accounts", "Accounts", ADMINS, view, "accounts.html", nav="more", order=90)
ACTIONS = (
    Action("/accounts", ADMINS, NewAccount, make, PAGE.path, what="made an account"),
    Action("/accounts/{account}/invite", ADMINS, Nothing, invite, PAGE.path, what="made a link"),
    Action("/accounts/{account}/grant", ADMINS, GrantForm, grant, PAGE.path, what="granted"),
    Action("/accounts/{account}/revoke", ADMINS, GrantForm, revoke, PAGE.path, what="took away"),
    Action("/accounts/{account}/member", ADMINS, Binding, bind, PAGE.path, what="bound"),
    Action("/accounts/{account}/close", ADMINS, Nothing, close, PAGE.path, what="closed an account"),
    Action("/accounts/{account}/open", ADMINS, Nothing, reopen, PAGE.path, what="opened an account"),
)
