"""What was decided: the journal's lines. A fact is what was told (an accepted event) or what the program made of it.

On a line of ``facts.jsonl`` and in the journal a fact is ``{"program", "n", "at", "type", "data"}``: ``n`` counts the
facts of a program from 1 without a gap, ``at`` is the program's clock. The types of told facts are the short names
of the events; the types of decisions are the keys of ``DECISIONS``. Facts are closed: a field that this version does
not know is damage or a newer version, never something to skip.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from matcher.errors import SafeHalt, code
from matcher.ids import OpaqueId
from matcher.instants import format_instant, parse_instant
from matcher.messages.events import EVENTS, Data, Moment

FACT_UNREADABLE = code(
    "KND-fact-unreadable",
    "A fact of the journal cannot be read: written by a newer version (upgrade), or damaged (restore a backup).",
)


OFTEN_BYTES = 40  # as much as a check-in says; what is longer is mostly one person's alone


class Decision(BaseModel):
    """Base of what the program decides: frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(NamedTuple):
    """An accepted event: about whom or what, when it happened, and what was said."""

    subject: str
    time: int
    what: Data

    def write(self, what: bytes) -> bytes:
        """The JSON of it, around that of ``what``."""
        return b'{"subject":"%b","time":"%b","what":%b}' % (
            self.subject.encode(),
            format_instant(self.time).encode(),
            what,
        )


class PolicyAdopted(Decision):
    """The numbers that hold from here on: the whole text, so that every reader takes them from the journal."""

    text: str
    digest: str


class ClockAdvanced(Decision):
    """The clock was set by hand (``replay --until``); the fact's own ``at`` says to when."""


class MentorAdmitted(Decision):
    """A volunteer was cleared and may be given newcomers as far as the other rules allow."""

    mentor: OpaqueId


class MentorRefused(Decision):
    """A volunteer was not cleared; the rules say why."""

    mentor: OpaqueId
    rules: tuple[str, ...]


class MentorInvited(Decision):
    """A member meets the rules of a mentor and has not been asked yet."""

    member: OpaqueId
    rules: tuple[str, ...]


class IntakePaused(Decision):
    """A mentor takes no new people until then; why is not said, so that a slip reads like any other pause."""

    mentor: OpaqueId
    until: Moment | None = None


class NewcomerWaiting(Decision):
    """Somebody seeks a mentor and nobody can be given to them now: what bars them, and what would unblock."""

    newcomer: OpaqueId
    since: Moment
    barred_by: tuple[str, ...]
    unblocks: tuple[str, ...]


class MatchMade(Decision):
    """Base of the facts that put two people together; `fit` in millionths."""

    match: OpaqueId
    newcomer: OpaqueId
    mentor: OpaqueId
    fit: int
    because: tuple[str, ...]


class MatchProposed(MatchMade):
    """The plan gives the two to each other and a person decides; `risks` says why a person."""

    risks: tuple[str, ...] = ()


How = Literal["plan", "approved", "reassigned", "recorded"]


class MatchActivated(MatchMade):
    """The two are paired. `how` says by whom; `warnings` are rules that a hand-made pair does not meet."""

    how: How
    warnings: tuple[str, ...] = ()


class MatchWithdrawn(Decision):
    """A proposal no longer stands."""

    match: OpaqueId
    newcomer: OpaqueId
    mentor: OpaqueId
    reason: str
    barred: bool = False
    """Whether the two are kept from being proposed to each other again."""


class MatchHeld(Decision):
    """A proposal is pinned for a while: its row and its seat are out of the market."""

    match: OpaqueId
    until: Moment


class MatchPinned(Decision):
    """A coordinator has the proposal's card open: until then it stays as it is, its row and its seat out of the market.

    It is a proposal all the same. Ends by ``match.released``, as a hold does.
    """

    match: OpaqueId
    until: Moment


class MatchReleased(Decision):
    """A hold, or the pin of an opened card, is over; the proposal is the plan's again."""

    match: OpaqueId


class MatchEnded(Decision):
    """An active match is over, and the seat is free again."""

    match: OpaqueId
    newcomer: OpaqueId
    mentor: OpaqueId
    reason: str
    barred: bool
    """Whether the two are kept from being paired again by the plan."""


DECISIONS: dict[str, type[Decision]] = {
    "policy.adopted": PolicyAdopted,
    "clock.advanced": ClockAdvanced,
    "mentor.admitted": MentorAdmitted,
    "mentor.refused": MentorRefused,
    "mentor.invited": MentorInvited,
    "intake.paused": IntakePaused,
    "newcomer.waiting": NewcomerWaiting,
    "match.proposed": MatchProposed,
    "match.activated": MatchActivated,
    "match.withdrawn": MatchWithdrawn,
    "match.held": MatchHeld,
    "match.pinned": MatchPinned,
    "match.released": MatchReleased,
    "match.ended": MatchEnded,
}
DECISION_TYPES: dict[type[Decision], str] = {model: name for name, model in DECISIONS.items()}


class Fact(NamedTuple):
    """One line of the journal."""

    program: str
    n: int
    at: int
    type: str
    data: Told | Decision

    def line(self, rest: bytes | None = None) -> bytes:
        """The fact as one line of compact JSON, without the line break. The same fact has the same bytes.

        ``rest`` is what follows the number if this is an event that is decided at its own instant, as most are, and
        ``rest_of`` wrote it already.
        """
        program, n, at, type_, data = self
        if not isinstance(data, Told):
            rest = rest_of(at, type_, data.__pydantic_serializer__.to_json(data))
        elif rest is None or at != data.time:
            rest = rest_of(at, type_, data.write(write(data.what)))
        return b'{"program":"%b","n":%d,%b' % (program.encode(), n, rest)


def rest_of(at: int, type_: str, data: bytes) -> bytes:
    """What follows the number in the line of a fact."""
    return b'"at":"%b","type":"%b","data":%b}' % (format_instant(at).encode(), type_.encode(), data)


def write(what: Data) -> bytes:
    """What an event said, as compact JSON: without what was not said."""
    # Not model_dump_json: to pass its arguments along takes as long as to write what most events say.
    return what.__pydantic_serializer__.to_json(what, exclude_unset=True)


def read(type_: str, said: bytes) -> Data:
    """What ``write`` wrote of an event of this type."""
    return _said_often(type_, said) if len(said) <= OFTEN_BYTES else EVENTS[type_].model_validate_json(said)


@lru_cache(maxsize=4_096)
def _said_often(type_: str, said: bytes) -> Data:
    """One object for everybody who said the same: nothing changes it."""
    return EVENTS[type_].model_validate_json(said)


def read_fact(line: bytes) -> Fact:
    """The fact of a journal line. Raises SafeHalt when the line is not one that this version can have written."""
    try:
        raw = from_json(line)
        return Fact(raw["program"], raw["n"], parse_instant(raw["at"]), raw["type"], _data(raw["type"], raw["data"]))
    except (ValueError, KeyError, TypeError, ValidationError) as trouble:
        what = trouble.errors(include_input=False)[0]["msg"] if isinstance(trouble, ValidationError) else trouble
        raise SafeHalt(
            FACT_UNREADABLE, f"a fact cannot be read ({what}): upgrade Kindred, or restore a backup"
        ) from None


def _data(type_: str, raw: dict[str, object]) -> Told | Decision:
    if type_ in EVENTS:
        return Told(str(raw["subject"]), parse_instant(str(raw["time"])), EVENTS[type_].model_validate(raw["what"]))
    return DECISIONS[type_].model_validate(raw)
