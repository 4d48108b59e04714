"""What was told of somebody that another person should look into: the newest telling of each kind, and each report.

A concern bears the number of the fact that told it, so that two tellings are never taken for one: what is done about
the first says nothing of the second, also when both tell of the same second. Of distress, self-harm and setbacks, news
of something that happened a day or more before what is known already changes nothing: whoever looked into the later
looked into the person. Within a day it is news, for what is known by its date alone has no hour. A report is new
whenever it speaks of.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from matcher.instants import DAY
from matcher.messages import events as told
from matcher.people.experience import family

if TYPE_CHECKING:
    from matcher.people.member import Member

DISTRESS: Final = "distress"
DISTRESS_HIGH: Final = "distress_high"
SELF_HARM: Final = "self_harm"
SELF_HARM_OFTEN: Final = "self_harm_often"
REPORT: Final = "report"
REPORT_MINOR: Final = "report_minor"
REPORTS: Final = (REPORT, REPORT_MINOR)
"""Each report by itself (``report 57``, by the number of its fact), for whoever looked into one knows only that one."""
SLIP: Final = "slip"
"""Of each family of codes by itself (``slip F11``; ``slip`` where it was not said), for some kill and others do not."""
HEARSAY: Final = "hearsay"
"""A setback of a mentor that others told, of each family by itself: something to check, which changes nothing else."""

SAME_SETBACK: Final = 14 * DAY
"""How long before what others told of a setback may lie that is the same one: hardly two tell the same day."""

SELF_HARM_ITEM: Final = 8
"""PHQ-9 item 9, counted from zero."""

DIED: Final = "died"
"""The reason of leaving after which nobody is called for somebody."""

NOT_KEPT: Final = 0
"""Number of the fact of a concern that a snapshot of format 1 told: it kept no numbers."""


class Concern(NamedTuple):
    """The number of the fact that told it, and when it happened."""

    n: int
    at: int


def self_harm(assessment: told.Assessed) -> int:
    """How often somebody thought of being better off dead, or of hurting themselves: 0-3; 0 also where nobody asked."""
    items = assessment.items
    return items[SELF_HARM_ITEM] if assessment.instrument == "PHQ-9" and items is not None else 0


def kind_of(key: str) -> str:
    """The first word of a key; what follows says which of the kind."""
    return key.partition(" ")[0]


def slip_of(code: str | None, kind: str = SLIP) -> str:
    """The key of a setback's concern."""
    return f"{kind} {family(code)}" if code else kind


def _distress_of(level: str | None) -> str:
    return DISTRESS_HIGH if level == "high" else DISTRESS


def _self_harm_of(often: int) -> str:
    return SELF_HARM_OFTEN if often > 1 else SELF_HARM


def _heard(member: Member, key: str, n: int, time: int) -> None:
    known = member.concerns.get(key)
    left_with = known is not None and not member.present and known.n < member.left_n  # it stands, and is not hidden
    if known is None or (time > known.at - DAY and not left_with):
        member.concerns[key] = Concern(n, time if known is None else max(time, known.at))


def _distress(member: Member, what: told.Distress, n: int, time: int) -> None:
    _heard(member, _distress_of(what.level), n, time)


def _assessed(member: Member, what: told.Assessed, n: int, time: int) -> None:
    if often := self_harm(what):
        _heard(member, _self_harm_of(often), n, time)


def _setback(member: Member, what: told.Setback, n: int, time: int) -> None:
    if not member.believes(what.by):
        _heard(member, slip_of(what.code, HEARSAY), n, time)
        return
    _heard(member, slip_of(what.code), n, time)
    for key, known in list(member.concerns.items()):
        if kind_of(key) == HEARSAY and known.at <= time + SAME_SETBACK:  # who knows has said so
            del member.concerns[key]


def _reported(member: Member, what: told.Reported, n: int, time: int) -> None:
    kind = REPORT_MINOR if what.severity == "minor" else REPORT
    member.concerns[f"{kind} {n}"] = Concern(n, time)


def _report_resolved(member: Member, what: told.Resolved, n: int, time: int) -> None:
    """The word does not say which report, so all stand while one is open."""
    if not member.open_reports:
        for key in [key for key in member.concerns if kind_of(key) in REPORTS]:
            del member.concerns[key]


def _left(member: Member, what: told.MemberLeft, n: int, time: int) -> None:
    member.left_n = 0 if what.reason == DIED else n


HEARD: Final[dict[str, Callable[[Member, Any, int, int], None]]] = {
    "progress.distress": _distress,
    "progress.assessed": _assessed,
    "progress.setback": _setback,
    "safety.reported": _reported,
    "safety.resolved": _report_resolved,
    "member.left": _left,
}
"""By type of event: what it changes, given the number of its fact and when it happened, after all else it changes."""


def of_format_1(member: Member) -> dict[str, Concern]:
    """What a snapshot of format 1 says of concerns, beside the facts before it: the newest of each by time."""
    found = dict[str, int]()
    recovery = member.recovery
    if recovery.last_distress is not None:
        found[_distress_of(recovery.last_distress.what)] = recovery.last_distress.at
    for result in recovery.latest:
        often = result.items[SELF_HARM_ITEM] if result.key == "PHQ-9" and len(result.items) > SELF_HARM_ITEM else 0
        if often:
            found[_self_harm_of(often)] = result.at
    for slip in sorted(recovery.setbacks, key=attrgetter("at")):
        found[slip_of(slip.code)] = slip.at
    if member.open_reports:
        found[REPORT] = member.joined_at
    return {key: Concern(NOT_KEPT, at) for key, at in found.items()}
