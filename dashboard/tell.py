"""Events as the dashboard tells them: ordinary CloudEvents, from an account that is an opaque id."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from dashboard.frame import Ask
from matcher.instants import format_instant
from matcher.messages.envelope import long_type
from matcher.program import Program

SOURCE: Final = "/dashboard"


def event(
    ask: Ask, program: Program, type_: str, subject: str, /, *, at: int | None = None, **data: Any
) -> dict[str, object]:
    """One event; data that is None was not said. ``at`` is when it happened: now, if nobody says otherwise.

    Where a program's clock is ahead of the wall's (a demo on made-up time), now is the program's.
    """
    now = max(ask.now, program.at or ask.now)
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": SOURCE,
        "type": long_type(type_),
        "subject": subject,
        "partitionkey": program.id,
        "time": format_instant(now if at is None else at),
        "datacontenttype": "application/json",
        "data": {name: value for name, value in data.items() if value is not None},
    }
