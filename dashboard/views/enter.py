"""Enter: somebody new, by one form."""

from __future__ import annotations

from hashlib import blake2b

from pydantic import BaseModel

from dashboard.blanks import Blank, blanks
from dashboard.entering import PATH, Entered
from dashboard.frame import COORDINATORS, Ask, Page


class Enter(BaseModel):
    """The form of somebody new."""

    programs: list[str]
    suggested: str
    """An id that says nothing and is free."""

    blanks: dict[str, Blank]


def view(ask: Ask) -> Enter:
    """The form, with the account's programs."""
    programs = list(ask.programs) or list(ask.everywhere)
    return Enter(
        programs=programs,
        suggested=_free_id(ask),
        blanks={blank.name: blank for blank in blanks(Entered) if blank.name != "program"},
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
