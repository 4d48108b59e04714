"""What platforms tell us: one frozen model for the data of every inbound event type.

Readers are tolerant: a field that a later minor version adds is left unread. What is read is checked closely, and
what is absent means that nothing was said about it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from matcher.ids import OpaqueId
from matcher.instants import DAY, format_instant, parse_day, parse_instant, read_instant
from matcher.messages.vocabulary import ExperienceCode, Format, Gender, Language, PauseKind, Reason, State, Theme


def _instant(value: object) -> int:
    if isinstance(value, str):
        return parse_instant(value)
    raise ValueError("a time is a string such as 2026-03-02T09:14:00Z")


def _moment(value: object) -> int:
    if isinstance(value, str):
        return read_instant(value)
    return value if isinstance(value, int) else _instant(value)


def _end_of_day(value: object) -> int:
    if isinstance(value, str):
        return parse_day(value)
    raise ValueError("a date is a string such as 2026-03-02")


def _start_of_day(value: object) -> int:
    if isinstance(value, str):
        return parse_instant(value) if "T" in value else parse_day(value) - DAY
    raise ValueError("a date is a string such as 2026-03-02")


def _number(value: object) -> object:
    if isinstance(value, bool | str):  # pydantic would read both; the schema we publish has neither
        raise ValueError("a whole number, not in quotes and not true or false")
    return value


_AS_TEXT = PlainSerializer(format_instant, return_type=str, when_used="json")
Instant = Annotated[int, BeforeValidator(_instant, json_schema_input_type=str), _AS_TEXT]
"""RFC 3339 with offset outside, epoch seconds inside."""
Moment = Annotated[int, BeforeValidator(_moment, json_schema_input_type=str), _AS_TEXT]
"""An instant of what we say ourselves: made from epoch seconds, read back from RFC 3339."""
Until = Annotated[int, BeforeValidator(_end_of_day, json_schema_input_type=str), _AS_TEXT]
"""A date (which ends at 24:00 UTC) or an RFC 3339 time, from which on something no longer holds."""
Since = Annotated[int, BeforeValidator(_start_of_day, json_schema_input_type=str), _AS_TEXT]
"""A date (from 00:00 UTC) or an RFC 3339 time, from which on something holds."""

_WHOLE = BeforeValidator(_number)  # after the bounds: before them it would hide them from the schema
Decimal = Annotated[float, Field(strict=True)]
YesNo = Annotated[bool, Field(strict=True)]


class Data(BaseModel):
    """Base of all event data: frozen, tolerant of fields it does not know, strict about those it does."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_max_length=200, allow_inf_nan=False)


class Nothing(Data):
    """An event whose type says it all."""


class Experience(Data):
    """A lived condition or circumstance."""

    code: ExperienceCode
    state: State = "active"
    since: Since | None = Field(None, description="When this state began; absent: not known.")


class Place(Data):
    """Where somebody can meet in person, as precisely as they wish to say."""

    lat: Decimal = Field(ge=-90, le=90)
    lon: Decimal = Field(ge=-180, le=180)


class Wishes(Data):
    """What a newcomer asks of a mentor. An absent wish was not asked for; ``any`` was asked and does not matter."""

    mentor_gender: list[Gender] | Literal["any"] | None = None
    languages: list[Language] | None = Field(None, max_length=20)
    formats: list[Format] | None = None
    max_km: Decimal | None = Field(None, gt=0, le=20_000)
    min_shared: Annotated[int, Field(ge=0, le=20), _WHOLE] | None = Field(
        None, description="Least number of shared experience families."
    )


class NewcomerWishes(Data):
    """What a mentor asks of a newcomer; as hard as a newcomer's wish."""

    gender: list[Gender] | Literal["any"] | None = None
    languages: list[Language] | None = Field(None, max_length=20)


HourOfWeek = Annotated[int, Field(ge=0, le=167), _WHOLE]


class MemberUpdated(Data):
    """Any part of a profile; what is absent stays as it was."""

    experiences: list[Experience] | None = Field(None, min_length=1, max_length=40)
    needs: list[Theme] | None = None
    languages: list[Language] | None = Field(None, max_length=20)
    hours: list[HourOfWeek] | None = Field(None, max_length=168, description="0 = Monday 00-01, local to `zone`.")
    zone: str | None = Field(None, max_length=64, pattern=r"^[A-Za-z0-9_+\-/]+$", description="IANA name; absent: UTC.")
    formats: list[Format] | None = None
    gender: Gender | None = None
    birth_year: Annotated[int, Field(ge=1900, le=2100), _WHOLE] | None = None
    place: Place | None = None
    wishes: Wishes | None = None
    seeks_mentor: YesNo | None = None


class MemberJoined(MemberUpdated):
    """Somebody joined. Of a present member it replaces the profile; after leaving it is a return."""

    experiences: list[Experience] = Field(min_length=1, max_length=40)


class MemberLeft(Data):
    """Somebody left; ``died`` is a reason with rules of its own."""

    reason: Reason | None = None


class MemberPaused(Data):
    """Somebody is away for a while; nobody new is proposed to them until then."""

    until: Until | None = None
    kind: PauseKind = "away"


class MemberReferred(Data):
    """Who sent them here."""

    by: OpaqueId | None = None


class MemberContacted(Data):
    """A member of staff reached out. Who was reached has been heard of: a silence counts from then."""

    by: OpaqueId | None = None
    outcome: Reason | None = Field(
        None,
        description="`reached`, or absent: they were spoken with. `message_left`, `not_reached`, any other: a try.",
    )


class MentorUpdated(Data):
    """Any part of a mentor's offer; what is absent stays as it was."""

    capacity: Annotated[int, Field(ge=0, le=50), _WHOLE] | None = None
    strategies: list[Theme] | None = None
    trained: Since | None = None
    supervised: Since | None = None
    backup: YesNo | None = None
    newcomer_wishes: NewcomerWishes | None = None


class MentorVolunteered(MentorUpdated):
    """A member offers to give support."""


class MentorScreened(Data):
    """A coordinator's decision on a volunteer."""

    outcome: Literal["cleared", "declined"]
    by: OpaqueId | None = None
    until: Until | None = None


class MentorSupervised(Data):
    """A supervision contact took place."""

    by: OpaqueId | None = None
    at: Since | None = Field(None, description="When it took place; absent: the event's time.")


class MentorPaused(Data):
    """A mentor takes no new people for a while."""

    until: Until | None = None
    reason: Reason | None = None


class CheckedIn(Data):
    """How somebody is, on two scales of 0-10."""

    mood: Annotated[int, Field(ge=0, le=10), _WHOLE] | None = None
    craving: Annotated[int, Field(ge=0, le=10), _WHOLE] | None = None


class Milestone(Data):
    """Something was reached."""

    kind: Literal["days", "step", "program", "work", "housing"]
    days: Annotated[int, Field(ge=0, le=36_525), _WHOLE] | None = None


class Setback(Data):
    """Somebody slipped. The date that counts is the slip's, also when it was told late.

    Of a mentor, told by others than themselves or a coordinator, it is something to check and changes nothing else.
    """

    code: ExperienceCode | None = None
    severity: Literal["lapse", "relapse"]
    by: Literal["self", "mentor", "coordinator", "clinician"] = "self"


class Assessed(Data):
    """The total (and, where given, the items) of a standard instrument."""

    instrument: Literal["BARC-10", "PHQ-9", "GAD-7"]
    total: Annotated[int, Field(ge=0, le=60), _WHOLE]
    items: list[Annotated[int, Field(ge=0, le=6), _WHOLE]] | None = Field(None, max_length=10)

    @model_validator(mode="after")
    def _possible(self) -> Assessed:
        low, high, count, item_low, item_high = _SCALES[self.instrument]
        if not low <= self.total <= high:
            raise ValueError("the total lies outside the range of its instrument")
        if self.items is not None:
            fits = len(self.items) == count and all(item_low <= item <= item_high for item in self.items)
            if not fits or sum(self.items) != self.total:
                raise ValueError("the items are not those of the instrument, or do not add up to the total")
        return self


_SCALES = {"BARC-10": (10, 60, 10, 1, 6), "PHQ-9": (0, 27, 9, 0, 3), "GAD-7": (0, 21, 7, 0, 3)}


class Distress(Data):
    """Somebody needs attention."""

    level: Literal["elevated", "high"]


class Discharged(Data):
    """Somebody left a treatment setting: tolerance is lost, the first weeks are the most dangerous."""

    setting: Reason | None = None


class MatchRecorded(Data):
    """A pair that people made; the subject is the newcomer."""

    mentor: OpaqueId
    since: Since | None = None
    by: OpaqueId | None = None


class MatchReviewed(Data):
    """A coordinator's decision on a proposal; `mentor` names the other mentor of a reassignment."""

    decision: Literal["approve", "hold", "reject", "reassign"]
    by: OpaqueId | None = None
    reason: Reason | None = None
    mentor: OpaqueId | None = None

    @model_validator(mode="after")
    def _names_a_mentor(self) -> MatchReviewed:
        if self.decision == "reassign" and self.mentor is None:
            raise ValueError("a reassignment names the mentor")
        return self


class MatchOpened(Data):
    """A coordinator opened the card of a proposal; the plan leaves it as it is for `review.pin_minutes`."""

    by: OpaqueId | None = None


class MatchAnswered(Data):
    """One of the two says yes or no, and has been heard of; a no needs no reason."""

    by: OpaqueId
    answer: Literal["accept", "decline"]
    reason: Reason | None = None


class MatchRecalled(Data):
    """A coordinator takes a pairing back."""

    by: OpaqueId | None = None
    reason: Reason | None = None


class MatchContacted(Data):
    """The two were in touch; both have been heard of."""

    by: OpaqueId
    channel: Format | None = None


class MatchPulsed(Data):
    """How it is going, asked of one of the two, who has been heard of."""

    by: OpaqueId
    going: Annotated[int, Field(ge=1, le=5), _WHOLE] | None = None
    wish: Literal["continue", "change", "end"] | None = None
    helped: list[Theme] | None = None


class MatchClosed(Data):
    """The support ended."""

    by: OpaqueId | None = None
    reason: Reason | None = None


class Acknowledged(Data):
    """Somebody has taken an alert into their hands."""

    by: OpaqueId


class Resolved(Data):
    """An alert or a safety report is settled."""

    by: OpaqueId | None = None
    outcome: Reason | None = None


class CircleEvent(Data):
    """Something happened in a circle of similar people."""

    by: OpaqueId | None = None
    members: list[OpaqueId] | None = Field(None, max_length=50)


class Reported(Data):
    """A safety report about the subject, told by a member."""

    by: OpaqueId | None = None
    severity: Literal["minor", "serious"] = "serious"


class Exclusion(Data):
    """The subject and `other` must not be paired, either way round."""

    other: OpaqueId
    kind: Literal["never_again", "family", "staff", "conflict"] = "conflict"


class Consent(Data):
    """What somebody allows, to whom and until when.

    Of a clinician, `to` is the id of their account in the dashboard; absent: any of the program and, taken back, all.
    """

    scope: Literal["matching", "clinician", "share_progress"]
    to: OpaqueId | None = None
    purpose: Reason | None = None
    until: Until | None = None
    recipient_kind: Reason | None = None


class Waiver(Data):
    """A coordinator lifts a rule for the subject, with a reason and an end; absent `until` ends a revoked one."""

    rule: Reason
    reason: Reason | None = None
    until: Until | None = None
    by: OpaqueId | None = None


class WaiverGranted(Waiver):
    """A waiver that comes into force: it needs a reason and an end."""

    reason: Reason
    until: Until


class SwitchedBy(Data):
    """Who told the program to start or to stop pairing."""

    by: OpaqueId | None = None


EVENTS: dict[str, type[Data]] = {
    "member.joined": MemberJoined,
    "member.updated": MemberUpdated,
    "member.left": MemberLeft,
    "member.paused": MemberPaused,
    "member.resumed": Nothing,
    "member.referred": MemberReferred,
    "member.contacted": MemberContacted,
    "member.erased": Nothing,
    "mentor.volunteered": MentorVolunteered,
    "mentor.screened": MentorScreened,
    "mentor.supervised": MentorSupervised,
    "mentor.updated": MentorUpdated,
    "mentor.paused": MentorPaused,
    "mentor.resumed": Nothing,
    "mentor.withdrawn": Nothing,
    "progress.checked_in": CheckedIn,
    "progress.milestone": Milestone,
    "progress.setback": Setback,
    "progress.assessed": Assessed,
    "progress.distress": Distress,
    "treatment.discharged": Discharged,
    "match.recorded": MatchRecorded,
    "match.reviewed": MatchReviewed,
    "match.opened": MatchOpened,
    "match.answered": MatchAnswered,
    "match.recalled": MatchRecalled,
    "match.contacted": MatchContacted,
    "match.pulsed": MatchPulsed,
    "match.closed": MatchClosed,
    "alert.acknowledged": Acknowledged,
    "alert.resolved": Resolved,
    "circle.confirmed": CircleEvent,
    "circle.dissolved": CircleEvent,
    "circle.joined": CircleEvent,
    "circle.left": CircleEvent,
    "circle.met": CircleEvent,
    "safety.reported": Reported,
    "safety.resolved": Resolved,
    "exclusion.added": Exclusion,
    "exclusion.removed": Exclusion,
    "consent.granted": Consent,
    "consent.revoked": Consent,
    "waiver.granted": WaiverGranted,
    "waiver.revoked": Waiver,
    "program.started": SwitchedBy,
    "program.stopped": SwitchedBy,
}
"""Every inbound type, by its short name: ``member.joined`` is ``kindred.member.joined.v1`` on the wire."""
