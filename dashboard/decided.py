"""Who decided what about a match, as the rows of matches have it."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from matcher.messages import events
from matcher.messages.facts import Told
from matcher.named import OF_MATCHES

_DECISIONS: Final = {
    "match.recorded": "record",
    "match.answered": "decline",
    "match.recalled": "recall",
    "match.closed": "close",
}


class Decided(NamedTuple):
    """Who decided what, and when it happened."""

    decision: str | None = None
    decided_by: str | None = None
    decided_at: int | None = None


NOTHING: Final = Decided()


def decision(type_: str, told: Told) -> Decided:
    """What a told fact decides about a match, or would."""
    if not type_.startswith(OF_MATCHES):
        return NOTHING
    what: Any = told.what
    if isinstance(what, events.MatchReviewed):
        return Decided(what.decision, what.by, told.time)
    if isinstance(what, events.MatchAnswered) and what.answer == "accept":
        return NOTHING
    word = _DECISIONS.get(type_)
    return NOTHING if word is None else Decided(word, what.by, told.time)
