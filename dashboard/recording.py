"""What a phone call brings, as forms that become ordinary events; each kind is a line in ``KINDS``.

A form says when it happened by its day; what is about a pair is about the person's active match.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from dashboard import words
from dashboard.access import accounts
from dashboard.frame import COORDINATORS, LEADS, Action, Ask, Decided, FormErrors, NotFound, Role
from dashboard.tell import event
from dashboard.when import instant_of
from matcher.ids import OpaqueId
from matcher.messages.vocabulary import ExperienceCode, Format, PauseKind, Reason, Theme
from matcher.pairing.matches import Match
from matcher.people.member import Member
from matcher.program import Program

PATH: Final = "/record/{program}/{person}"
Events = list[dict[str, object]]
Values = dict[str, list[str]]
Who = Literal["newcomer", "mentor"]
SIDES: Final = {"newcomer": "the newcomer", "mentor": "the mentor"}


class Form(BaseModel):
    """Base of the forms: closed."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Dated(Form):
    """Something that happened on a day."""

    on: date | None = Field(None, title="When", description="Empty: now.")


def choice(title: str, choices: dict[str, str], default: Any = ..., hint: str = "") -> Any:
    """A field that is one of some words."""
    return Field(default, title=title, description=hint, json_schema_extra={"choices": dict(choices)})


# People


class Contacted(Dated):
    """Somebody of the staff reached out."""

    outcome: Reason = choice("How did it end?", words.CALLS)


class Wish(Form):
    """What the newcomer asks of a mentor. It replaces what they asked before, which is filled in."""

    mentor_gender: list[Literal["any", "woman", "man", "nonbinary", "other"]] = choice(
        "The mentor's gender", {"any": "asked, and it does not matter", **words.GENDERS}
    )
    max_km: float | None = Field(None, gt=0, le=20_000, title="At most so many km away", description="Empty: no wish.")


class Consents(Dated):
    """What somebody allows, or takes back."""

    answer: Literal["granted", "revoked"] = choice("They", {"granted": "consent", "revoked": "take the consent back"})
    scope: Literal["matching", "clinician", "share_progress"] = choice("To", words.SCOPES)
    to: OpaqueId | None = choice("Which clinician", {}, None, "Empty: any of the program; taken back: all.")
    purpose: Reason | None = choice("What the clinician needs it for", words.PURPOSES, None)
    until: date | None = Field(None, title="Until", description="Empty: until they take it back.")


class Pause(Form):
    """Somebody is away for a while."""

    pause: PauseKind = choice("Why", words.PAUSES)
    until: date | None = Field(None, title="Until", description="Empty: without an end.")


class Nothing(Form):
    """The kind says it all."""


class CheckedIn(Dated):
    """How somebody is."""

    mood: int | None = Field(None, ge=0, le=10, title="Mood, 0 to 10")
    craving: int | None = Field(None, ge=0, le=10, title="Craving, 0 to 10")


class Setback(Dated):
    """Somebody slipped. The day that counts is the slip's."""

    severity: Literal["lapse", "relapse"] = choice("What was it?", {"lapse": "a slip", "relapse": "a relapse"})
    code: ExperienceCode | None = choice("With what?", words.SUBSTANCE_CODES, None, "Empty: not said.")
    by: Literal["self", "mentor", "coordinator", "clinician"] = choice("Who told it?", words.TELLERS, "self")


class Distress(Dated):
    """Somebody needs attention."""

    level: Literal["elevated", "high"] = choice(
        "How bad is it?", {"elevated": "in distress", "high": "in great distress"}
    )


class Report(Dated):
    """Somebody reports something about this person. New pairs are frozen at once."""

    severity: Literal["minor", "serious"] = choice("How serious is it?", {"serious": "serious", "minor": "minor"})
    by: OpaqueId | None = Field(None, title="The id of who told it", description="A member's id; empty: not a member.")


class ReportSettled(Form):
    """A report is settled."""

    outcome: Literal["upheld", "unfounded", "withdrawn", "settled"] = choice("How did it end?", words.REPORT_ENDS)


class NeverAgain(Form):
    """The two are never put together again. It needs no reason and is kept for ever."""

    other: OpaqueId = Field(title="The id of the other person")


class Left(Dated):
    """Somebody left the program."""

    reason: Reason = choice("Why", words.LEAVINGS)


class Waiver(Form):
    """A rule is lifted for a mentor, with a reason and an end."""

    rule: Literal["recovery_time", "training_lapsed", "supervision_lapsed"] = choice(
        "The rule", {rule: words.BARS[rule] for rule in ("recovery_time", "training_lapsed", "supervision_lapsed")}
    )
    reason: Reason = choice("Why", words.WAIVERS)
    until: date = Field(title="Until")


class Erasure(Form):
    """Everything about the person is erased. It cannot be taken back."""

    again: OpaqueId = Field(title="Type the id once more", description="So that nobody is erased by a slip.")


# Mentors


class Volunteered(Form):
    """Somebody wants to mentor."""

    capacity: int | None = Field(None, ge=0, le=50, title="Newcomers at the same time", description="Empty: the usual.")
    strategies: list[Theme] = choice("Knows ways for", {each: words.theme(each) for each in words.THEMES_ALL}, [])
    trained: date | None = Field(None, title="Trained on")
    supervised: date | None = Field(None, title="Last supervised on")
    backup: bool = Field(False, title="Would step in as a backup")


class Screened(Form):
    """A coordinator's decision on a volunteer."""

    outcome: Literal["cleared", "declined"] = choice("The decision", {"cleared": "cleared", "declined": "not cleared"})
    until: date | None = Field(None, title="Cleared until", description="Empty: without an end.")


class IntakePaused(Form):
    """A mentor takes nobody new for a while."""

    until: date | None = Field(None, title="Until", description="Empty: without an end.")


# Pairs


class InTouch(Dated):
    """The two were in touch."""

    by: Who = choice("Who told it?", SIDES)
    channel: Format | None = choice("How", words.FORMATS, None)


class Pulse(Dated):
    """How is it going? Asked of one of the two."""

    by: Who = choice("Asked of", SIDES)
    going: int | None = Field(None, ge=1, le=5, title="How is it going, 1 to 5")
    wish: Literal["continue", "change", "end"] | None = choice("They wish to", words.PULSE_WISHES, None)
    helped: list[Theme] = choice("What has helped", {each: words.theme(each) for each in words.THEMES_ALL}, [])


class Ended(Form):
    """The support ended."""

    reason: Reason = choice("Why", words.CLOSINGS)


class Recorded(Form):
    """A pair that people made already."""

    mentor: OpaqueId = Field(title="The mentor's id")
    since: date | None = Field(None, title="Together since")


# What becomes of them


@dataclass(frozen=True)
class Subject:
    """Who a form is about."""

    ask: Ask
    program: Program
    member: Member

    @property
    def pair(self) -> Match | None:
        """The person's active match as a newcomer."""
        match = self.program.state.matches.of_newcomer(self.member.id)
        return match if match is not None and match.stage == "active" else None

    @property
    def is_own_pair(self) -> bool:
        """Whether the person's mentor is who asks."""
        return self.pair is not None and self.ask.is_own(self.pair.mentor)

    @property
    def is_mentor(self) -> bool:
        """Whether the person offers support."""
        return self.member.mentorship is not None

    def tell(self, type_: str, day: date | None = None, /, **data: Any) -> Events:
        """One event about the person."""
        at = instant_of(self.ask, self.program, day, "on", self.member.profile.zone)
        return [event(self.ask, self.program, type_, self.member.id, at=at, **data)]

    def tell_of_pair(self, type_: str, day: date | None = None, /, **data: Any) -> Events:
        """One event about the person's active match. Raises FormErrors when there is none, or it is one's own."""
        match = self.pair
        if match is None:
            raise FormErrors(form="They have no mentor any more.")
        if self.is_own_pair:
            raise FormErrors(form="You are their mentor: a colleague can record how it goes.")
        at = instant_of(self.ask, self.program, day, "on", self.member.profile.zone)
        if "by" in data and data["by"] in SIDES:
            data["by"] = match.newcomer if data["by"] == "newcomer" else match.mentor
        return [event(self.ask, self.program, type_, match.id, at=at, **data)]

    @property
    def by(self) -> str:
        """The account that tells it."""
        return self.ask.account.id


def _wish(about: Subject, form: Wish) -> Events:
    before = about.member.profile.wishes
    kept: dict[str, Any] = {"languages": list(before.languages) or None, "formats": list(before.formats) or None}
    kept |= {"min_shared": before.min_shared or None, "max_km": form.max_km}
    if "any" in form.mentor_gender and len(form.mentor_gender) > 1:
        raise FormErrors(mentor_gender="Either it does not matter, or choose genders.")
    asked = "any" if "any" in form.mentor_gender else form.mentor_gender
    wishes = {"mentor_gender": asked, **{name: value for name, value in kept.items() if value is not None}}
    return about.tell("member.updated", wishes=wishes)


def _wished(member: Member) -> Values:
    wishes = member.profile.wishes
    genders: list[str] = ["any"] if wishes.mentor_gender == "any" else list(wishes.mentor_gender or ())
    return {"mentor_gender": genders, "max_km": [] if wishes.max_km is None else [f"{wishes.max_km:.12g}"]}


def _consent(about: Subject, form: Consents) -> Events:
    if form.scope != "clinician" and (form.to or form.purpose):
        raise FormErrors(scope="Who and what for is only asked of a consent to a clinician.")
    if form.answer == "granted" and form.to is not None and form.to not in _clinicians(about)["to"]:
        raise FormErrors(to="There is no such clinician in the program.")
    said = {"scope": form.scope, "to": form.to, "purpose": form.purpose, "until": _day(form.until)}
    return about.tell(f"consent.{form.answer}", form.on, **said)


def _clinicians(about: Subject) -> dict[str, dict[str, str]]:
    return {"to": accounts.holders(about.ask.db, about.program.id, "clinician")}


def _checked_in(about: Subject, form: CheckedIn) -> Events:
    if form.mood is None and form.craving is None:
        raise FormErrors(mood="Fill in one of the two.")
    return about.tell("progress.checked_in", form.on, mood=form.mood, craving=form.craving)


def _report(about: Subject, form: Report) -> Events:
    if form.by is not None and about.program.state.members.get(form.by) is None:
        raise FormErrors(by="There is nobody of this id.")
    return about.tell("safety.reported", form.on, severity=form.severity, by=form.by)


def _never_again(about: Subject, form: NeverAgain) -> Events:
    if form.other == about.member.id or about.program.state.members.get(form.other) is None:
        raise FormErrors(other="There is nobody else of this id.")
    if about.ask.is_own(form.other):
        raise FormErrors(other="This is you: a colleague can record it.")
    return about.tell("exclusion.added", other=form.other, kind="never_again")


def _erasure(about: Subject, form: Erasure) -> Events:
    if form.again != about.member.id:
        raise FormErrors(again="This is another id.")
    return about.tell("member.erased")


def _volunteered(about: Subject, form: Volunteered) -> Events:
    given = form.model_dump(mode="json", exclude_none=True)
    return about.tell("mentor.volunteered", **given)


def _waiver(about: Subject, form: Waiver) -> Events:
    return about.tell("waiver.granted", rule=form.rule, reason=form.reason, until=_day(form.until), by=about.by)


def _pulse(about: Subject, form: Pulse) -> Events:
    helped = list(form.helped) or None
    return about.tell_of_pair("match.pulsed", form.on, by=form.by, going=form.going, wish=form.wish, helped=helped)


def _recorded(about: Subject, form: Recorded) -> Events:
    if about.ask.is_own(form.mentor) or about.program.state.members.get(form.mentor) is None:
        raise FormErrors(mentor="There is no such mentor.")
    return about.tell("match.recorded", mentor=form.mentor, since=_day(form.since), by=about.by)


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


@dataclass(frozen=True)
class Kind:
    """One thing that can be recorded: its title, its form, for whom it is there, and the events that it becomes."""

    name: str
    title: str
    form: type[Form]
    events: Callable[[Subject, Any], Events]
    group: str = "The person"
    when: Callable[[Subject], bool] = lambda about: about.member.present
    roles: frozenset[Role] = COORDINATORS
    choices: Callable[[Subject], Mapping[str, Mapping[str, str]]] = lambda about: {}
    """What can be chosen in a field of the form, where that is not always the same."""

    done: str = "It is written down."
    now: Callable[[Member], Values] = lambda member: {}
    """What a form that replaces something begins with, by field: what it would replace."""

    @property
    def hint(self) -> str:
        """What it is, in a sentence."""
        return (self.form.__doc__ or "").strip() if self.form is not Nothing else ""


def _has_pair(about: Subject) -> bool:
    return about.pair is not None and not about.is_own_pair


def _is_mentor(about: Subject) -> bool:
    return about.member.present and about.is_mentor


def _is_no_mentor(about: Subject) -> bool:
    return about.member.present and not about.is_mentor


def _seeks_unpaired(about: Subject) -> bool:
    return about.member.present and about.pair is None


CALL, PAIR, MENTOR, CARE, END = "The person", "The pair", "As a mentor", "Safety", "Leaving"

KINDS: Final[tuple[Kind, ...]] = (
    Kind("contacted", "We reached out", Contacted,
         lambda a, f: a.tell("member.contacted", f.on, by=a.by, outcome=f.outcome)),
    Kind("check-in", "How they are", CheckedIn, _checked_in),
    Kind("setback", "A setback", Setback,
         lambda a, f: a.tell("progress.setback", f.on, code=f.code, severity=f.severity, by=f.by)),
    Kind("distress", "Distress", Distress, lambda a, f: a.tell("progress.distress", f.on, level=f.level)),
    Kind("wish", "A wish about the mentor", Wish, _wish, now=_wished),
    Kind("consent", "A consent", Consents, _consent, choices=_clinicians),
    Kind("pause", "A pause", Pause, lambda a, f: a.tell("member.paused", kind=f.pause, until=_day(f.until))),
    Kind("resume", "Back from a pause", Nothing, lambda a, f: a.tell("member.resumed"),
         when=lambda a: a.member.present and a.member.paused_until > a.ask.now),
    Kind("in-touch", "The two were in touch", InTouch,
         lambda a, f: a.tell_of_pair("match.contacted", f.on, by=f.by, channel=f.channel), PAIR, _has_pair),
    Kind("pulse", "How it is going", Pulse, _pulse, PAIR, _has_pair),
    Kind("close", "The support ended", Ended,
         lambda a, f: a.tell_of_pair("match.closed", by=a.by, reason=f.reason), PAIR, _has_pair),
    Kind("pair", "They have a mentor already", Recorded, _recorded, PAIR, _seeks_unpaired),
    Kind("volunteer", "Wants to mentor", Volunteered, _volunteered, MENTOR, _is_no_mentor),
    Kind("screen", "Screening", Screened,
         lambda a, f: a.tell("mentor.screened", outcome=f.outcome, by=a.by, until=_day(f.until)), MENTOR, _is_mentor),
    Kind("supervision", "A supervision", Dated, lambda a, f: a.tell("mentor.supervised", f.on, by=a.by),
         MENTOR, _is_mentor),
    Kind("intake-pause", "Takes nobody new", IntakePaused,
         lambda a, f: a.tell("mentor.paused", until=_day(f.until)), MENTOR, _is_mentor),
    Kind("intake-resume", "Takes people on again", Nothing, lambda a, f: a.tell("mentor.resumed"), MENTOR, _is_mentor),
    Kind("withdraw", "Stops mentoring", Nothing, lambda a, f: a.tell("mentor.withdrawn"), MENTOR, _is_mentor),
    Kind("waiver", "A waiver", Waiver, _waiver, MENTOR, _is_mentor, LEADS),
    Kind("report", "A safety report", Report, _report, CARE, done="It is written down, and new pairs are frozen."),
    Kind("report-settled", "A report is settled", ReportSettled,
         lambda a, f: a.tell("safety.resolved", by=a.by, outcome=f.outcome), CARE,
         lambda a: a.member.open_reports > 0, LEADS),
    Kind("never-again", "Never again with somebody", NeverAgain, _never_again, CARE),
    Kind("left", "Left the program", Left, lambda a, f: a.tell("member.left", f.on, reason=f.reason), END),
    Kind("erase", "Erase everything about them", Erasure, _erasure, END, lambda a: True, LEADS,
         done="They are erased."),
)  # fmt: skip
BY_NAME: Final = {kind.name: kind for kind in KINDS}


def subject(ask: Ask) -> Subject:
    """Whom the path is about. Raises NotFound."""
    program = ask.program(ask.path["program"])
    member = program.state.members.get(ask.path["person"])
    if member is None:
        raise NotFound
    return Subject(ask, program, member)


def offered(about: Subject) -> list[Kind]:
    """What can be recorded of somebody now, by this account."""
    roles = about.ask.roles(about.program.id)
    closed = {PAIR} if about.is_own_pair else set()
    return [kind for kind in KINDS if kind.roles & roles and kind.group not in closed and kind.when(about)]


def _act(kind: Kind) -> Callable[[Ask, Form], Decided]:
    def act(ask: Ask, form: Form) -> Decided:
        about = subject(ask)
        if not kind.when(about):
            raise FormErrors(form="This cannot be recorded of them any more. Look at the page again.")
        told = kind.events(about, form)
        gone = kind.name == "erase"
        then = "/people" if gone else f"/people/{about.program.id}/{about.member.id}"
        return Decided(told, then, kind.done, about=about.member.id, program=about.program.id)

    return act


ACTIONS: Final[Sequence[Action]] = [
    Action(f"{PATH}/{kind.name}", kind.roles, kind.form, _act(kind), PATH, "recorded", person="person")
    for kind in KINDS
]
