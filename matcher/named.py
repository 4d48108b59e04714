"""Whom a fact names: the members whose page, columns or alarms it may change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel

from matcher.messages import events, facts
from matcher.messages.events import EVENTS
from matcher.messages.facts import Fact, Told
from matcher.state import State

OF_MATCHES: Final = "match."
ABOUT_NOBODY: Final = ("alert.", "circle.", "program.")
"""Prefixes of told facts whose subject is not a member."""

SAYS_WHO: Final = ("match.answered", "match.contacted", "match.pulsed", "safety.reported", "circle.")
"""Prefixes of told facts whose ``by`` is a member; elsewhere it is an opaque id of staff."""


def named(state: State, one: Fact) -> list[str]:
    """The members whom a fact names, each once. The state is as it was before the fact."""
    data = one.data
    found = list[str | None]()
    if not isinstance(data, Told):
        if isinstance(data, facts.MatchHeld | facts.MatchPinned | facts.MatchReleased):
            found += state.matches.members_of(data.match) or ()
        found += [getattr(data, name) for name in _NAMED_IN[type(data)]]
    else:
        found += _subjects(state, one.type, data.subject, data.what)
        found += [getattr(data.what, name) for name in _NAMED_IN.get(type(data.what), ())]
        if one.type.startswith(SAYS_WHO):
            found.append(getattr(data.what, "by", None))
        if isinstance(data.what, events.CircleEvent):
            found += data.what.members or ()
    return [who for who in dict.fromkeys(found) if who is not None]


def _subjects(state: State, type_: str, about: str, what: events.Data) -> Sequence[str]:
    """The members that the subject of an event stands for."""
    if type_.startswith(OF_MATCHES) and not isinstance(what, events.MatchRecorded):
        return state.matches.members_of(about) or ()
    return () if type_.startswith(ABOUT_NOBODY) else (about,)


_PEOPLE: Final = ("newcomer", "mentor", "member", "other")
_MODELS: Final[tuple[type[BaseModel], ...]] = (*facts.DECISIONS.values(), *EVENTS.values())
_NAMED_IN: Final = {model: [name for name in _PEOPLE if name in model.model_fields] for model in _MODELS}
"""The fields that hold member ids, by model: a model is slow to say that it has no such field."""
