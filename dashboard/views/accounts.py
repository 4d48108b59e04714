"""Accounts and what they are granted (admin), and one's own account. No page of this room shows people of a program."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboard.access import accounts, identities, invites, passwords
from dashboard.access.accounts import ROLES
from dashboard.frame import (
    ADMINS,
    EVERYBODY,
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
from dashboard.oncall import store

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


class Accounts(BaseModel):
    """All accounts."""

    accounts: list[Row]
    programs: list[str]
    roles: dict[Role, str]


class Own(BaseModel):
    """One's own account."""

    name: str
    grants: list[Grant]
    roles: dict[Role, str]
    hotkeys: bool
    is_bound: bool
    has_password: bool
    mail: str | None
    """Where they are written to when something cannot wait."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewAccount(_Form):
    """An account for a colleague; a link lets them choose a password."""

    name: str = Field(min_length=1, max_length=100)
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


class Password(_Form):
    """One's new password, after the old one."""

    old: str = Field(max_length=1_000)
    password: str = Field(max_length=1_000)
    again: str = Field(max_length=1_000)


class Hotkeys(_Form):
    """Single-key shortcuts."""

    hotkeys: Literal["on", "off"]


def every(ask: Ask) -> Accounts:
    """All accounts by name."""
    by_provider = identities.bound(ask.db)
    rows = [
        Row(
            id=row["id"],
            name=row["name"],
            active=row["active"],
            has_password=row["password"] is not None,
            has_identity=row["id"] in by_provider,
            is_bound=row["member"] is not None,
            seen_at=row["seen_at"],
            grants=_grants(accounts.grants(ask.db, row["id"])),
        )
        for row in accounts.every(ask.db)
    ]
    return Accounts(accounts=rows, programs=sorted(ask.everywhere), roles=WORDS)


def own(ask: Ask) -> Own:
    """The account that asks."""
    account = ask.account
    row = accounts.find_row(ask.db, account.id)
    return Own(
        name=account.name,
        grants=_grants(account.grants),
        roles=WORDS,
        hotkeys=account.hotkeys,
        is_bound=account.member is not None,
        has_password=row is not None and row["password"] is not None,
        mail=store.mails_of(ask.db).get(account.id),
    )


def make(ask: Ask, form: NewAccount) -> Decided:
    """A new account with one grant, and the link with which its owner comes in."""
    id_ = accounts.make(ask.db, form.name, [(form.program, form.role)], ask.wall, member=form.member)
    return _link(ask, id_, "The account is made. With this link its owner chooses how to come in, within three days:")


def invite(ask: Ask, form: Nothing) -> Decided:
    """A link that sets a new way in; the old one holds until then."""
    id_ = _account(ask)
    return _link(ask, id_, "With this link the owner of the account chooses a new way in, within three days:")


def grant(ask: Ask, form: GrantForm) -> Decided:
    """One grant more."""
    id_ = _account(ask)
    accounts.set_grants(ask.db, id_, accounts.grants(ask.db, id_) | {(form.program, form.role)})
    return _done("Granted. The account is signed out, and has it when it signs in again.")


def revoke(ask: Ask, form: GrantForm) -> Decided:
    """One grant less. Raises Conflict for the last lead."""
    id_ = _account(ask)
    accounts.set_grants(ask.db, id_, accounts.grants(ask.db, id_) - {(form.program, form.role)})
    return _done("Taken away. The account is signed out everywhere.")


def bind(ask: Ask, form: Binding) -> Decided:
    """Say which member the owner is."""
    accounts.bind(ask.db, _account(ask), form.member, ask.wall)
    return _done("Noted. The account neither sees nor decides about this member.")


def close(ask: Ask, form: Nothing) -> Decided:
    """Close an account; what it did stays on record. Raises Conflict for the last lead."""
    accounts.set_active(ask.db, _account(ask), False)
    return _done("The account is closed and signed out everywhere.")


def reopen(ask: Ask, form: Nothing) -> Decided:
    """Open a closed account again."""
    accounts.set_active(ask.db, _account(ask), True)
    return _done("The account is open again.")


def change_password(ask: Ask, form: Password) -> Decided:
    """One's own password; all sessions of the account end."""
    row = accounts.find_row(ask.db, ask.account.id)
    if row is None or not passwords.matches(row["password"], form.old):
        raise FormErrors(old="This is not your password.")
    if fault := passwords.fault(form.password, ask.account.name):
        raise FormErrors(password=fault)
    if form.again != form.password:
        raise FormErrors(again="The two are not the same.")
    accounts.set_password(ask.db, ask.account.id, form.password)
    return Decided([], "/sign-in", "Your password is changed. Sign in with the new one.")


def switch_hotkeys(ask: Ask, form: Hotkeys) -> Decided:
    """Single-key shortcuts on or off."""
    accounts.set_hotkeys(ask.db, ask.account.id, form.hotkeys == "on")
    return Decided([], OWN.path, f"Single-key shortcuts are {form.hotkeys}.")


def _account(ask: Ask) -> str:
    id_ = ask.path["account"]
    if accounts.find_row(ask.db, id_) is None:
        raise NotFound
    return id_


def _grants(granted: frozenset[tuple[str, Role]]) -> list[Grant]:
    order = sorted(granted, key=lambda grant: (grant[0], ROLES.index(grant[1])))
    return [Grant(program=program, role=role) for program, role in order]


def _link(ask: Ask, account: str, notice: str) -> Decided:
    return Decided([], EVERY.path, notice, secret=f"/welcome/{invites.invite(ask.db, account, ask.wall)}")


def _done(notice: str) -> Decided:
    return Decided([], EVERY.path, notice)


EVERY = Page("/accounts", "Accounts", ADMINS, every, "accounts.html", nav="more", order=90)
OWN = Page("/account", "Your account", EVERYBODY, own, "account.html", nav="more", order=99)
PAGES = (EVERY, OWN)
ACTIONS = (
    Action("/accounts", ADMINS, NewAccount, make, EVERY.path, what="made an account"),
    Action("/accounts/{account}/invite", ADMINS, Nothing, invite, EVERY.path, what="made a link"),
    Action("/accounts/{account}/grant", ADMINS, GrantForm, grant, EVERY.path, what="granted"),
    Action("/accounts/{account}/revoke", ADMINS, GrantForm, revoke, EVERY.path, what="took away"),
    Action("/accounts/{account}/member", ADMINS, Binding, bind, EVERY.path, what="bound"),
    Action("/accounts/{account}/close", ADMINS, Nothing, close, EVERY.path, what="closed an account"),
    Action("/accounts/{account}/open", ADMINS, Nothing, reopen, EVERY.path, what="opened an account"),
    Action("/account/password", EVERYBODY, Password, change_password, OWN.path, what="changed the password"),
    Action("/account/hotkeys", EVERYBODY, Hotkeys, switch_hotkeys, OWN.path, what="switched shortcuts"),
)
