"""What happened, in a sentence: one for every type of fact, with its reason, for a person's timeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from dashboard import words
from dashboard.history import Happened
from matcher.people.experience import MILLION

Said = Mapping[str, Any]


def sentence(one: Happened, page: str | None = None) -> str:
    """The fact in words, as the timeline of ``page`` tells it: that of whom the fact is about, if nobody is named.

    Where somebody else's page tells it, the sentence says whom it is about. A type that has none is told by its name.
    """
    if page not in (None, one.subject) and one.type in _OF_THE_OTHER:
        return words.sentence(_OF_THE_OTHER[one.type](one.subject, one.said))
    tell = _TELL.get(one.type)
    return words.sentence(tell(one.said) if tell else one.type.replace(".", " ").replace("_", " "))


def details(one: Happened) -> list[str]:
    """What else the fact says: reasons and rules."""
    if one.type == "mentor.invited":  # who is invited meets every rule
        return []
    said = one.said
    lines = [words.sentence(each) for each in said.get("because", ())]
    lines += [words.RISKS.get(risk, risk) for risk in said.get("risks", ())]
    lines += [f"Not as the rules have it: {bar}." for bar in words.bars(said.get("warnings", ()))]
    lines += [words.sentence(bar) for bar in words.bars(said.get("barred_by", said.get("rules", ())))]
    lines += [f"What would help: {each}" for each in said.get("unblocks", ())]
    return lines


def _by(said: Said) -> str:
    return f", by {said['by']}" if said.get("by") else ""


def _because(said: Said) -> str:
    return f": {words.within(words.reason(said['reason']))}" if said.get("reason") else ""


def _until(said: Said) -> str:
    return f" until {str(said['until'])[:10]}" if said.get("until") else ""


def _fit(said: Said) -> str:
    return f"fit {said['fit'] / MILLION:.2f}"


def _lived(said: Said) -> str:
    told = said.get("experiences") or ()
    return "; ".join(dict.fromkeys(words.lived(each["code"], each.get("state", "active")) for each in told))


def _joined(said: Said) -> str:
    seeks = " and seeks a mentor" if said.get("seeks_mentor") else ""
    lived = _lived(said)
    return f"joined{seeks}{': ' + lived if lived else ''}"


def _updated(said: Said) -> str:
    if said.get("experiences"):
        return f"said anew what they have lived through: {_lived(said)}"
    changed = words.listed([name.replace("_", " ") for name in said])
    return f"changed what they had said{': ' + changed if changed else ''}"


def _checked_in(said: Said) -> str:
    parts = [f"{name} {said[name]} of 10" for name in ("mood", "craving") if said.get(name) is not None]
    return f"checked in{': ' + ', '.join(parts) if parts else ''}"


def _milestone(said: Said) -> str:
    if said.get("kind") == "days" and said.get("days") is not None:
        return f"reached {words.in_recovery(said['days'])} in recovery"
    return f"reached a milestone: {words.MILESTONES.get(said.get('kind', ''), said.get('kind', ''))}"


def _setback(said: Said) -> str:
    what = f" with {words.experience(said['code'])}" if said.get("code") else ""
    kind = "relapsed" if said.get("severity") == "relapse" else "slipped"
    by = said.get("by", "self")
    if by in ("mentor", "clinician"):  # of a mentor, this is what somebody says and no more
        return f"a {by} said that they {kind}{what}"
    return f"{kind}{what}, told by {'themselves' if by == 'self' else 'a ' + str(by)}"


def _paused(said: Said) -> str:
    return f"is on a pause, {words.PAUSES.get(said.get('kind', 'away'), 'away')}{_until(said)}"


def _screened(said: Said) -> str:
    done = "cleared to take people on" if said.get("outcome") == "cleared" else "not cleared to take people on"
    return f"was {done}{_until(said)}{_by(said)}"


def _reviewed(said: Said) -> str:
    other = said.get("mentor", "another mentor")
    past = {"approve": "approved", "hold": "put on hold", "reject": "rejected", "reassign": f"reassigned to {other}"}
    return f"the proposal was {past.get(str(said.get('decision')), 'reviewed')}{_by(said)}{_because(said)}"


def _pulsed(said: Said) -> str:
    going = f"it goes {said['going']} of 5" if said.get("going") is not None else "no number"
    helped = words.listed([words.theme(each) for each in said.get("helped") or ()])
    wish = f", wishes to {said['wish']}" if said.get("wish") else ""
    return f"{said['by']} said how it is going: {going}{wish}{'; helped with ' + helped if helped else ''}"


def _activated(said: Said) -> str:
    how = {"plan": "by the plan", "approved": "after approval", "reassigned": "chosen by hand", "recorded": "as before"}
    return f"{said['newcomer']} and {said['mentor']} were paired {how.get(said.get('how', ''), '')}, {_fit(said)}"


def _left(said: Said) -> str:
    return "died" if said.get("reason") == "died" else f"left{_because(said)}"


_TELL: Final[dict[str, Callable[[Said], str]]] = {
    "member.joined": _joined,
    "member.updated": _updated,
    "member.left": _left,
    "member.paused": _paused,
    "member.resumed": lambda said: "came back from a pause",
    "member.referred": lambda said: f"was referred{_by(said)}",
    "member.contacted": lambda said: f"somebody reached out{_by(said)}{_outcome(said)}",
    "member.erased": lambda said: "was erased",
    "mentor.volunteered": lambda said: "offered to mentor",
    "mentor.screened": _screened,
    "mentor.supervised": lambda said: f"had a supervision{_on(said)}{_by(said)}",
    "mentor.updated": lambda said: f"changed the offer: {words.listed([name.replace('_', ' ') for name in said])}",
    "mentor.paused": lambda said: f"takes nobody new{_until(said)}",
    "mentor.resumed": lambda said: "takes people on again",
    "mentor.withdrawn": lambda said: "stopped mentoring",
    "progress.checked_in": _checked_in,
    "progress.milestone": _milestone,
    "progress.setback": _setback,
    "progress.assessed": lambda said: f"{said['instrument']}: {said['total']}",
    "progress.distress": lambda said: "was in great distress" if said.get("level") == "high" else "was in distress",
    "treatment.discharged": lambda said: "left a treatment",
    "match.recorded": lambda said: f"a pair made by people was recorded, with {said['mentor']}{_by(said)}",
    "match.reviewed": _reviewed,
    "match.opened": lambda said: f"the proposal was looked at{_by(said)}",
    "match.answered": lambda said: f"{said['by']} said {'yes' if said.get('answer') == 'accept' else 'no'}",
    "match.recalled": lambda said: f"the pair was taken back{_by(said)}{_because(said)}",
    "match.contacted": lambda said: f"{said['by']} was in touch{_channel(said)}",
    "match.pulsed": _pulsed,
    "match.closed": lambda said: f"the pair was ended{_by(said)}{_because(said)}",
    "safety.reported": lambda said: f"a {_severity(said)} safety report about them",
    "safety.resolved": lambda said: f"the safety report was settled{_outcome(said)}{_by(said)}",
    "exclusion.added": lambda said: f"must not be paired with {said['other']}: {_kind(said)}",
    "exclusion.removed": lambda said: f"may be paired with {said['other']} again",
    "consent.granted": lambda said: f"consented to {_scope(said)}{_until(said)}",
    "consent.revoked": lambda said: f"took back the consent to {_scope(said)}",
    "waiver.granted": lambda said: f"a waiver of “{words.bar(said['rule'])}”{_until(said)}{_by(said)}{_because(said)}",
    "waiver.revoked": lambda said: f"the waiver of “{words.bar(said['rule'])}” ended",
    "mentor.admitted": lambda said: "may be given newcomers",
    "mentor.refused": lambda said: "was cleared, and the rules still stand against it",
    "mentor.invited": lambda said: "has become eligible to help others, and was invited",
    "intake.paused": lambda said: f"takes nobody new{_until(said)}",
    "newcomer.waiting": lambda said: "nobody can be given to them now",
    "match.proposed": lambda said: f"{said['newcomer']} with {said['mentor']} was proposed, {_fit(said)}",
    "match.activated": _activated,
    "match.withdrawn": lambda said: f"{said['newcomer']} with {said['mentor']} no longer stands{_because(said)}",
    "match.held": lambda said: f"the proposal is on hold{_until(said)}",
    "match.pinned": lambda said: "the proposal stays as it is for a while, since somebody looks at it",
    "match.released": lambda said: "the plan may change the proposal again",
    "match.ended": lambda said: f"{said['newcomer']} and {said['mentor']} are no longer paired{_because(said)}",
}

_OF_THE_OTHER: Final[dict[str, Callable[[str, Said], str]]] = {
    "match.recorded": lambda subject, said: f"a pair made by people was recorded, with {subject}{_by(said)}",
    "safety.reported": lambda subject, said: f"reported {subject}, in a {_severity(said)} safety report",
    "exclusion.added": lambda subject, said: f"{subject} must not be paired with them: {_kind(said)}",
    "exclusion.removed": lambda subject, said: f"{subject} may be paired with them again",
}
"""Of one person, and of another whose page tells it too: by whom it is about."""


def _severity(said: Said) -> str:
    return str(said.get("severity", "serious"))


def _kind(said: Said) -> str:
    return str(said.get("kind", "conflict")).replace("_", " ")


def _outcome(said: Said) -> str:
    return f": {words.within(words.reason(said['outcome']))}" if said.get("outcome") else ""


def _on(said: Said) -> str:
    return f" on {str(said['at'])[:10]}" if said.get("at") else ""


def _channel(said: Said) -> str:
    return f", by {words.FORMATS.get(said['channel'], said['channel'])}" if said.get("channel") else ""


def _scope(said: Said) -> str:
    return {"matching": "being matched", "clinician": "a clinician seeing their record"}.get(
        said.get("scope", ""), "sharing their progress"
    )


KNOWN: Final = frozenset(_TELL)
"""Types that have a sentence of their own."""
