"""Somebody new, as one form that becomes ordinary events: who they are, and what they offer if they want to mentor."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dashboard import words
from dashboard.frame import COORDINATORS, EVERYWHERE, Account, Action, Ask, Decided, FormErrors
from dashboard.recording import choice
from dashboard.tell import event
from matcher.errors import Refused
from matcher.ids import OpaqueId
from matcher.messages.vocabulary import ExperienceCode, Format, Gender, State, Theme
from matcher.people.experience import taxonomy
from matcher.program import Program

PATH: Final = "/enter"
PARTS: Final = {"morning": (8, 12), "afternoon": (12, 17), "evening": (17, 21)}
DAYS: Final = {"0": "Mon", "1": "Tue", "2": "Wed", "3": "Thu", "4": "Fri", "5": "Sat", "6": "Sun"}
ROWS: Final = 4
"""Experiences that can be entered at once; more can be told later."""

_CODES: Final = words.SUBSTANCE_CODES | words.OTHER_CODES
Words = Annotated[str, StringConstraints(max_length=100)]
Part = Literal["morning", "afternoon", "evening"]


class Entered(BaseModel):
    """Somebody new. What is left empty was not said, and is held against nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    program: OpaqueId = Field(title="Program", description="A short name: letters, digits, hyphens.")
    person: OpaqueId = Field(title="Id", description="Opaque: no name, no initials, no date of birth.")
    role: Literal["newcomer", "mentor"] = choice(
        "They", {"newcomer": "seek a mentor", "mentor": "want to be a mentor"}, "newcomer"
    )
    lived_1: ExperienceCode | None = choice("Has lived through", _CODES, None)
    state_1: State | None = choice("How is it now", words.STATES, None)
    since_1: date | None = Field(None, title="Since")
    lived_2: ExperienceCode | None = choice("And", _CODES, None)
    state_2: State | None = choice("How is it now", words.STATES, None)
    since_2: date | None = Field(None, title="Since")
    lived_3: ExperienceCode | None = choice("And", _CODES, None)
    state_3: State | None = choice("How is it now", words.STATES, None)
    since_3: date | None = Field(None, title="Since")
    lived_4: ExperienceCode | None = Field(None, title="And any other code", description="ICD-10-CM, such as F43.10.")
    state_4: State | None = choice("How is it now", words.STATES, None)
    since_4: date | None = Field(None, title="Since")
    themes: list[Theme] = choice(
        "Needs help with, or knows ways for", {each: words.theme(each) for each in get_args(Theme)}, []
    )
    languages: Words | None = Field(None, title="Languages", description="The preferred one first: en, es.")
    formats: list[Format] = choice("Ways of talking", words.FORMATS, [])
    days: list[Literal["0", "1", "2", "3", "4", "5", "6"]] = choice("Days", DAYS, [])
    parts: list[Part] = choice("Parts of the day", {each: each for each in PARTS}, [])
    zone: Words | None = Field(None, title="Time zone", description="Such as America/Denver; empty: UTC.")
    gender: Gender | None = choice("Gender", words.GENDERS, None)
    birth_year: int | None = Field(None, ge=1900, le=2100, title="Year of birth")
    wish: Literal["any", "woman", "man", "nonbinary", "other"] | None = choice(
        "Wished gender of the mentor",
        {"any": "asked, and it does not matter", **words.GENDERS},
        None,
        "Empty: not asked.",
    )
    capacity: int | None = Field(None, ge=0, le=50, title="Takes so many newcomers", description="Empty: the usual.")
    trained: date | None = Field(None, title="Trained on")
    supervised: date | None = Field(None, title="Last supervised on")


OF_MENTORS: Final = ("capacity", "trained", "supervised")


def entered(ask: Ask, form: Entered) -> Decided:
    """Take somebody in. Raises FormErrors for an id that is taken, or for what goes not together."""
    program = _program(ask, form)
    profile = _profile(form)
    seeks = form.role == "newcomer"
    profile |= {"seeks_mentor": seeks or None, "needs": list(form.themes) or None if seeks else None}
    told = [event(ask, program, "member.joined", form.person, **profile)]
    if program.id not in ask.everywhere:  # as with an import: nobody is paired before all are in
        told.insert(0, event(ask, program, "program.stopped", program.id, by=ask.account.id))
    if not seeks:
        offer = {name: _day(getattr(form, name)) for name in OF_MENTORS} | {"strategies": list(form.themes) or None}
        told.append(event(ask, program, "mentor.volunteered", form.person, **offer))
    done = f"{form.person} is here." if seeks else f"{form.person} is here. Screening clears them to take people on."
    if program.id not in ask.everywhere:
        done += f" The program {program.id} has begun; it proposes nobody until you start pairing, on Today."
    then = f"/people/{program.id}/{form.person}"
    return Decided(told, then, done, about=form.person, program=program.id, whole=True)


def named(account: Account) -> list[str]:
    """The programs that the account may coordinate; ``EVERYWHERE`` where it may name any."""
    return sorted({program for program, role in account.grants if role in COORDINATORS})


def _program(ask: Ask, form: Entered) -> Program:
    program = ask.everywhere.get(form.program)
    if program is None:
        if ask.everywhere or not {form.program, EVERYWHERE}.intersection(named(ask.account)):
            raise FormErrors(program="Choose one of your programs.")
        return Program(form.program)  # the very first; where there are some, a slip of the pen must not begin another
    member = program.state.members.get(form.person)
    if ask.is_own(form.person):
        raise FormErrors(person="This is you: a colleague enters you.")
    if member is not None and member.present:
        raise FormErrors(person="Somebody of this id is here already.")
    return program


def _profile(form: Entered) -> dict[str, Any]:
    wishes = None if form.wish is None else {"mentor_gender": "any" if form.wish == "any" else [form.wish]}
    return {
        "experiences": _experiences(form),
        "languages": (form.languages or "").replace(",", " ").split() or None,
        "formats": list(form.formats) or None,
        "hours": _hours(form) or None,
        "zone": form.zone,
        "gender": form.gender,
        "birth_year": form.birth_year,
        "wishes": wishes,
    }


def _experiences(form: Entered) -> list[dict[str, Any]]:
    found = []
    for row in range(1, ROWS + 1):
        code, state = getattr(form, f"lived_{row}"), getattr(form, f"state_{row}")
        if code is None:
            continue
        try:
            taxonomy().check(code)
        except Refused as refused:
            raise FormErrors(**{f"lived_{row}": words.sentence(refused.message.partition(" ")[2])}) from None
        since = _day(getattr(form, f"since_{row}"))
        found.append({"code": code, "state": state or "active"} | ({"since": since} if since else {}))
    if not found:
        raise FormErrors(lived_1="One experience at least is needed: without it nobody can be found.")
    return found


def _hours(form: Entered) -> list[int]:
    return sorted(int(day) * 24 + hour for day in form.days for part in form.parts for hour in range(*PARTS[part]))


def _day(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


ENTERED = Action(PATH, COORDINATORS, Entered, entered, PATH, "recorded")
