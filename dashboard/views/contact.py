"""The local card of a person: closed until somebody opens it, which is written down, and so is each change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from dashboard.access.tables import ACCOUNTS
from dashboard.contact import cards
from dashboard.contact.vault import KEYS, Locked, Vault
from dashboard.frame import COORDINATORS, Action, Ask, Conflict, Decided, FormErrors, NotFound, Page, Shown
from matcher.errors import ConfigurationError

PATH: Final = "/people/{program}/{person}/card"
CLOSED: Final = "the file with the keys of the cards cannot be used: tell who keeps it"


class Contact(BaseModel):
    """A closed card: whether there is one, and who changed it last. No word of what it holds."""

    program: str
    person: str
    is_kept: bool
    version: int
    changed_at: int | None
    changed_by: str | None
    closed: str
    """Why no card opens at the moment; empty when they do."""


class Opened(BaseModel):
    """An open card."""

    program: str
    person: str
    version: int
    changed_at: int | None
    card: dict[str, str]


class Opening(BaseModel):
    """Opening has no fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Card(BaseModel):
    """How to reach a person. All of it may be empty; then nothing is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    version: int = Field(ge=0, description="That of the card that was opened; 0 where there was none.")
    name: str | None = Field(None, max_length=200, title="Name to use")
    phone: str | None = Field(None, max_length=60, title="Telephone")
    mail: str | None = Field(None, max_length=200, title="Mail")
    message: Literal["yes", "no"] | None = Field(None, title="Safe to leave a message?")
    best_time: str | None = Field(None, max_length=200, title="Best time to call")
    notes: str | None = Field(None, max_length=4_000, title="Coordinators' notes")


def view(ask: Ask) -> Contact:
    """The closed card of the path. Raises NotFound where this house keeps none."""
    if not has(ask):
        raise NotFound
    return of(ask)


def of(ask: Ask) -> Contact:
    """The closed card of the path's person. Raises NotFound."""
    program, person = _who(ask)
    kept = cards.find(ask.db, program, person)
    return Contact(
        program=program,
        person=person,
        is_kept=kept is not None,
        version=kept.version if kept else 0,
        changed_at=kept.changed_at if kept else None,
        changed_by=_name(ask, kept.changed_by) if kept else None,
        closed=closed(ask),
    )


def has(ask: Ask) -> bool:
    """Whether this house keeps cards."""
    return ask.means is not None and (ask.means.vault is not None or ask.means.vault_trouble is not None)


def closed(ask: Ask) -> str:
    """Why no card opens at the moment, for everybody: where the keys are is not; empty when they do."""
    return CLOSED if ask.means is not None and ask.means.vault_trouble is not None else ""


def link(ask: Ask, program: str, person: str) -> str | None:
    """Where the platform's own system shows the person, if the program has such a link."""
    links = ask.means.links if ask.means is not None else {}
    template = links.get(program)
    return None if template is None else template.replace("{id}", quote(person, safe=""))


def open_(ask: Ask, form: Opening) -> Decided:
    """Open the card of the path: it is on the answer itself, and at no address."""
    vault = _vault(ask)
    program, person = _who(ask)
    kept = cards.find(ask.db, program, person)
    with _as_conflict():
        card = vault.open(program, person, kept.sealed) if kept else {}
    opened = Opened(
        program=program,
        person=person,
        version=kept.version if kept else 0,
        changed_at=kept.changed_at if kept else None,
        card=card,
    )
    shown = Shown("contact_open.html", "Contact card", opened)
    return Decided([], _page(ask), "", about=person, program=program, shown=shown)


def keep(ask: Ask, form: Card) -> Decided:
    """Keep the card as it was filled in. Raises Conflict when somebody changed it meanwhile."""
    vault = _vault(ask)
    program, person = _who(ask)
    card = form.model_dump(exclude={"version"}, exclude_none=True)
    if not card:
        _check_version(ask, program, person, form.version)
        cards.forget(ask.db, program, person)
        return Decided([], _page(ask), "The card is empty, and nothing is kept.", about=person, program=program)
    with _as_conflict():
        sealed = vault.seal(program, person, card)
    if not cards.keep(ask.db, program, person, sealed, form.version, ask.wall, ask.account.id):
        raise Conflict("somebody has changed the card since you opened it: open it again")
    return Decided([], _page(ask), "The card is kept.", about=person, program=program)


@contextmanager
def _as_conflict() -> Iterator[None]:
    """Say on the page that the keys are not there; where their file is, is not for everybody."""
    try:
        yield
    except Locked as locked:
        raise Conflict(locked.message, locked.code) from None
    except ConfigurationError as trouble:
        raise Conflict(CLOSED, trouble.code) from None


def _check_version(ask: Ask, program: str, person: str, version: int) -> None:
    kept = cards.find(ask.db, program, person)
    if kept is None and version == 0:
        raise FormErrors(form="Fill in one field at least.")
    if kept is None or kept.version != version:
        raise Conflict("somebody has changed the card since you opened it: open it again")


def _who(ask: Ask) -> tuple[str, str]:
    program, person = ask.program(ask.path["program"]), ask.path["person"]
    if program.state.members.get(person) is None:
        raise NotFound
    return program.id, person


def _vault(ask: Ask) -> Vault:
    if not has(ask) or ask.means is None:
        raise NotFound
    if ask.means.vault is None:
        raise Conflict(CLOSED, KEYS)
    return ask.means.vault


def _page(ask: Ask) -> str:
    return f"/people/{ask.path['program']}/{ask.path['person']}"


def _name(ask: Ask, account: str) -> str:
    return ask.db.execute(select(ACCOUNTS.c.name).where(ACCOUNTS.c.id == account)).scalar() or "somebody"


PAGE = Page(PATH, "Contact card", COORDINATORS, view, "contact.html", person="person")
ACTIONS = (
    Action(PATH, COORDINATORS, Opening, open_, PATH, "opened card", person="person"),
    Action(f"{PATH}/keep", COORDINATORS, Card, keep, PATH, "changed card", person="person"),
)
