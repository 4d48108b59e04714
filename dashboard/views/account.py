"""One's own account: what it is granted, its password, its shortcuts."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from dashboard.access import accounts, attempts, passwords
from dashboard.frame import EVERYBODY, Action, Ask, Decided, FormErrors, Page, Role
from dashboard.oncall import store
from dashboard.views.accounts import WORDS, Grant, grant_lines


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


class Password(_Form):
    """One's new password, after the old one."""

    old: SecretStr = Field(max_length=1_000)
    password: SecretStr = Field(max_length=1_000)
    again: SecretStr = Field(max_length=1_000)


class Hotkeys(_Form):
    """Single-key shortcuts."""

    hotkeys: Literal["on", "off"]


def view(ask: Ask) -> Own:
    """The account that asks."""
    account = ask.account
    row = accounts.find_row(ask.db, account.id)
    return Own(
        name=account.name,
        grants=grant_lines(account.grants),
        roles=WORDS,
        hotkeys=account.hotkeys,
        is_bound=account.member is not None,
        has_password=row is not None and row["password"] is not None,
        mail=store.mails_of(ask.db).get(account.id),
    )


def change_password(ask: Ask, form: Password) -> Decided:
    """One's own password; all sessions of the account end. Raises Trouble after too many wrong ones."""
    engine, account, now, tries = ask.db.engine, ask.account, ask.wall, f"password|{ask.account.id}"
    attempts.check(ask.db, tries, account.id, now)
    row = accounts.find_row(ask.db, account.id)
    kept = None if row is None else row["password"]
    old, password, again = (field.get_secret_value() for field in (form.old, form.password, form.again))

    def later() -> Decided:  # a password takes its time, and nobody else's page waits for it
        if not passwords.matches(kept, old):
            with engine.begin() as db:
                attempts.failed(db, tries, account.id, now)
            raise FormErrors(old="This is not your password.")
        if fault := passwords.fault(password, account.name):
            raise FormErrors(password=fault)
        if again != password:
            raise FormErrors(again="The two are not the same.")
        with engine.begin() as db:
            accounts.set_password(db, account.id, password)
            attempts.succeeded(db, tries, account.id)
        return Decided([], "/sign-in", "Your password is changed. Sign in with the new one.")

    return Decided([], PAGE.path, "", later=later)


def switch_hotkeys(ask: Ask, form: Hotkeys) -> Decided:
    """Single-key shortcuts on or off."""
    accounts.set_hotkeys(ask.db, ask.account.id, form.hotkeys == "on")
    return Decided([], PAGE.path, f"Single-key shortcuts are {form.hotkeys}.")


PAGE = Page("/account", "Your account", EVERYBODY, view, "account.html", nav="more", order=99)
ACTIONS = (
    Action("/account/password", EVERYBODY, Password, change_password, PAGE.path, what="changed the password"),
    Action("/account/hotkeys", EVERYBODY, Hotkeys, switch_hotkeys, PAGE.path, what="switched shortcuts"),
)
