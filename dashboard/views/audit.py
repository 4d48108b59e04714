"""Who did what and when: for leads with whom it was about, for admins with the account it was about."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from dashboard.access import accounts, audit
from dashboard.frame import EVERYWHERE, NUMBER_MAX, Ask, Page, Role

READERS: frozenset[Role] = frozenset({"lead", "admin"})


class Query(BaseModel):
    """Which lines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: int | None = Field(None, ge=1, le=NUMBER_MAX, description="The cursor of the page before.")
    limit: int = Field(25, ge=1, le=100)


class Line(BaseModel):
    """One thing that was done."""

    n: int
    at: int
    account: str | None
    name: str | None
    what: str
    where: str
    program: str | None
    about: str | None
    """The member or match, for leads; the account, where it was about one."""

    about_name: str | None
    """The name of that account."""


class Audit(BaseModel):
    """Lines, the newest first."""

    lines: list[Line]
    next: int | None


def view(ask: Ask) -> Audit:
    """Lines of the account's programs; all others only for whoever keeps the accounts of all programs."""
    assert isinstance(ask.query, Query)
    is_admin = "admin" in ask.roles(EVERYWHERE)
    rows = audit.newest(
        ask.db, before=ask.query.after, programs=list(ask.programs), others=is_admin, limit=ask.query.limit + 1
    )
    shown = rows[: ask.query.limit]
    names = {row["id"]: row["name"] for row in accounts.every(ask.db)}
    lines = [
        Line(
            n=row["n"],
            at=row["at"],
            account=row["account"],
            name=names.get(row["account"]),
            what=row["what"],
            where=row["where_"],
            program=row["program"],
            about=row["about"] if row["about"] in names or _may_know(ask, row["program"], row["about"]) else None,
            about_name=names.get(row["about"]),
        )
        for row in shown
    ]
    return Audit(lines=lines, next=shown[-1]["n"] if len(rows) > len(shown) else None)


def _may_know(ask: Ask, program: str | None, about: str | None) -> bool:
    return program is not None and program in ask.programs and "lead" in ask.roles(program) and not ask.is_own(about)


PAGE = Page("/audit", "Audit", READERS, view, "audit.html", query=Query, nav="more", order=80, audited=True)
