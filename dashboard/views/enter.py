"""Enter: somebody new, by one form."""

from __future__ import annotations

from hashlib import blake2b

from pydantic import BaseModel

from dashboard.blanks import Blank, blanks
from dashboard.entering import PATH, Entered, named
from dashboard.frame import COORDINATORS, EVERYWHERE, Ask, Page


class Enter(BaseModel):
    """The form of somebody new."""

    programs: list[str]
    may_name: bool
    """Whether there is no program yet, and the account may name the first."""

    suggested: str
    """An id that says nothing and is free."""

    blanks: dict[str, Blank]


def view(ask: Ask) -> Enter:
    """The form, with the account's programs."""
    mine = named(ask.account)
    programs = list(ask.programs) or list(ask.everywhere) or [program for program in mine if program != EVERYWHERE]
    return Enter(
        programs=programs,
        may_name=not ask.everywhere and EVERYWHERE in mine,
        suggested=_free_id(ask),
        blanks={blank.name: blank for blank in blanks(Entered)},
    )


def _free_id(ask: Ask) -> str:
    """The next id of a series that says nothing, not taken in any of the programs."""
    taken = {member.id for program in ask.everywhere.values() for member in program.state.members}
    for number in range(len(taken) + 1):
        digest = blake2b(f"{sorted(ask.everywhere)}/{len(taken)}/{number}".encode(), digest_size=3).hexdigest()
        if f"p-{digest}" not in taken:
            return f"p-{digest}"
    raise AssertionError("there are more ids than people")


PAGE = Page(PATH, "Enter somebody", COORDINATORS, view, "enter.html", nav="more", order=10)
