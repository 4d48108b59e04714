"""Typed ids. Every id is opaque: 1-64 characters of ``A-Z a-z 0-9 . _ : -`` that say nothing about the person.

Derived ids come from a program's fact numbers, never from a clock or a random source: a replay makes them again.
"""

from __future__ import annotations

from typing import Annotated, NewType

from pydantic import StringConstraints

ID_PATTERN = r"^[A-Za-z0-9._:\-]{1,64}$"

ProgramId = NewType("ProgramId", str)
MemberId = NewType("MemberId", str)
MatchId = NewType("MatchId", str)
StaffId = NewType("StaffId", str)

OpaqueId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""An id as it comes in with an event: its form is checked, its existence is not."""


def match_id(fact_number: int) -> MatchId:
    """The id of the match first proposed, recorded or activated by fact ``fact_number`` of its program."""
    return MatchId(f"x-{fact_number}")


def notice_id(program: ProgramId, fact_number: int, part: int) -> str:
    """The id of the ``part``-th notice that follows from a fact; the same whenever it is sent again."""
    return f"{program}/{fact_number}/{part}"
