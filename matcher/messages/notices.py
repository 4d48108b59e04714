"""What we tell platforms. A notice is a pure function of one fact, so a repeat is the same notice with the same id.

To newcomers, mentors and platforms a pause for a slip, a report, distress or "never again" reads like any other
pause: notices carry no diagnosis, no name and no free text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from matcher.ids import OpaqueId, ProgramId, notice_id
from matcher.instants import format_instant
from matcher.messages import facts
from matcher.messages.events import Moment


class Notice(BaseModel):
    """Base of the data of every outbound type: frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MatchNotice(Notice):
    """Two people and why; `fit` in [0, 1], in steps of a millionth. The subject is the match."""

    newcomer: OpaqueId
    mentor: OpaqueId
    fit: float
    because: tuple[str, ...]


class MatchEnd(Notice):
    """Two people who are no longer proposed to, or paired with, each other."""

    newcomer: OpaqueId
    mentor: OpaqueId
    fit: float | None = None
    because: tuple[str, ...]


class BackupNamed(Notice):
    """Who steps in for a mentor, and until when."""

    newcomer: OpaqueId
    mentor: OpaqueId
    backup: OpaqueId
    until: Moment | None = None


class Waiting(Notice):
    """Somebody waits: since when, the rules that bar them, and what would unblock."""

    since: Moment
    barred_by: tuple[str, ...]
    unblocks: tuple[str, ...]


class Invited(Notice):
    """A member has become eligible to help others; the rules they meet."""

    rules: tuple[str, ...]


class Paused(Notice):
    """A mentor takes no new people for now. No end is told: how long a slip closes intake would tell it from a wish."""


class PulseDue(Notice):
    """It is time to ask the two how it is going."""

    newcomer: OpaqueId
    mentor: OpaqueId
    due: Moment


class Alert(Notice):
    """Something needs a person; `about` is the member or match."""

    kind: str
    level: str
    about: OpaqueId
    due: Moment | None = None


class CircleSuggested(Notice):
    """A self-help group of similar people."""

    members: tuple[OpaqueId, ...]
    because: tuple[str, ...]


NOTICES: dict[str, type[Notice]] = {
    "match.proposed": MatchNotice,
    "match.activated": MatchNotice,
    "match.withdrawn": MatchEnd,
    "match.closed": MatchEnd,
    "backup.named": BackupNamed,
    "newcomer.waiting": Waiting,
    "mentor.invited": Invited,
    "mentor.intake_paused": Paused,
    "pulse.due": PulseDue,
    "alert.raised": Alert,
    "alert.cleared": Alert,
    "circle.suggested": CircleSuggested,
}
"""Every outbound type, by its short name: ``match.activated`` is ``kindred.match.activated.v1`` on the wire."""


def notices(fact: facts.Fact) -> list[dict[str, Any]]:
    """The CloudEvents that follow from a fact, in order; none for most facts."""
    build = _BUILDERS.get(type(fact.data))
    if build is None:
        return []
    name, subject, data = build(fact.data)
    return [
        {
            "specversion": "1.0",
            "id": notice_id(ProgramId(fact.program), fact.n, 1),
            "source": f"/kindred/{fact.program}",
            "type": f"kindred.{name}.v1",
            "subject": subject,
            "partitionkey": fact.program,
            "time": format_instant(fact.at),
            "datacontenttype": "application/json",
            "data": data.model_dump(mode="json", exclude_none=True),
        }
    ]


Built = tuple[str, str, Notice]
TOLD = frozenset(
    {"plan_changed", "reassigned", "recalled", "completed", "mentor_withdrew", "left", "no_longer_sought", "ended"}
)
"""The reasons of an ending that are told. All others read alike: that somebody said no, or "never again", that somebody
died or is in prison, and whatever words a coordinator uses are nobody else's business."""


def _made(name: str) -> Callable[[Any], Built]:
    def build(fact: facts.MatchMade) -> Built:
        data = MatchNotice(newcomer=fact.newcomer, mentor=fact.mentor, fit=fact.fit / 1_000_000, because=fact.because)
        return name, fact.match, data

    return build


def _over(name: str, otherwise: str) -> Callable[[Any], Built]:
    def build(fact: facts.MatchWithdrawn | facts.MatchEnded) -> Built:
        reason = fact.reason if fact.reason in TOLD else otherwise
        return name, fact.match, MatchEnd(newcomer=fact.newcomer, mentor=fact.mentor, because=(reason,))

    return build


def _waiting(fact: facts.NewcomerWaiting) -> Built:
    data = Waiting(since=fact.since, barred_by=fact.barred_by, unblocks=fact.unblocks)
    return "newcomer.waiting", fact.newcomer, data


def _invited(fact: facts.MentorInvited) -> Built:
    return "mentor.invited", fact.member, Invited(rules=fact.rules)


def _paused(fact: facts.IntakePaused) -> Built:
    return "mentor.intake_paused", fact.mentor, Paused()


_BUILDERS: dict[type, Callable[[Any], Built]] = {
    facts.MatchProposed: _made("match.proposed"),
    facts.MatchActivated: _made("match.activated"),
    facts.MatchWithdrawn: _over("match.withdrawn", "plan_changed"),
    facts.MatchEnded: _over("match.closed", "ended"),
    facts.NewcomerWaiting: _waiting,
    facts.MentorInvited: _invited,
    facts.IntakePaused: _paused,
}
