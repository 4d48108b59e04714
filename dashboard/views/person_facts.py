"""One person as lists and cards show them: an id, what they live with, what they need and wish, in plain words."""

from __future__ import annotations

from pydantic import BaseModel

from dashboard import words
from matcher.instants import DAY
from matcher.people.member import FOREVER, Member
from matcher.people.profile import themes_of
from matcher.program import Program


class Experience(BaseModel):
    """A lived experience in words, and exactly."""

    words: str
    exact: str


class PersonFacts(BaseModel):
    """What a coordinator sees of somebody beside a decision. Nothing here is a name."""

    id: str
    program: str
    experiences: list[Experience]
    needs: list[str]
    ways: list[str]
    languages: list[str]
    formats: list[str]
    gender: str
    age: str
    wish: str
    recovery: str
    away: str | None


def of(program: Program, member: Member, at: int) -> PersonFacts:
    """The facts of one member."""
    profile, offer = member.profile, member.mentorship
    return PersonFacts(
        id=member.id,
        program=program.id,
        experiences=experiences(member, at),
        needs=[words.theme(need) for need in themes_of(profile.needs)],
        ways=[words.theme(way) for way in themes_of(offer.strategies)] if offer else [],
        languages=[words.language(tag) for tag in profile.languages],
        formats=[words.FORMATS.get(format_, format_) for format_ in profile.formats],
        gender=words.gender(profile.gender),
        age=_age(member, at),
        wish=wish(member),
        recovery=recovery(member, at),
        away=away(member, at),
    )


def experiences(member: Member, at: int) -> list[Experience]:
    """What somebody has lived through, each thing once."""
    exact: dict[str, list[str]] = {}
    stated = {each.code: each.state for each in member.profile.experiences}
    for code, state in stated.items():
        exact.setdefault(words.lived_by(member, code, state, at), []).append(words.exact(code))
    return [Experience(words=each, exact="; ".join(exact[each])) for each in words.experiences(member, at)]


def recovery(member: Member, at: int) -> str:
    """How long the unbroken recovery lasts, and of a setback since it began why it still does."""
    since = member.recovery.in_recovery_since()
    if since is None:
        return "not in recovery yet, as far as was told"
    return f"in recovery for {words.lasting(max(0, at - since))}{_setback(member, since, at)}"


def _setback(member: Member, since: int, at: int) -> str:
    last = member.recovery.last_setback()
    if last is None or last.at <= since:
        return ""
    kind, end = ("relapse", "is counted apart") if last.severity == "relapse" else ("slip", "did not end it")
    code = f" with {words.experience(last.code)}" if last.code else ""
    return f"; a {kind}{code} {words.lasting(max(0, at - last.at))} ago {end}"


def wish(member: Member) -> str:
    """What a newcomer asks of a mentor."""
    wishes, said = member.profile.wishes, []
    if wishes.mentor_gender is None:
        said.append("nobody asked about the mentor's gender")
    elif wishes.mentor_gender != "any":
        said.append("wishes " + words.listed([words.gender(each) for each in wishes.mentor_gender], "or"))
    if wishes.languages:
        said.append("speaking " + words.listed([words.language(tag) for tag in wishes.languages], "or"))
    if wishes.formats:
        said.append("by " + words.listed([words.FORMATS.get(each, each) for each in wishes.formats], "or"))
    if wishes.max_km is not None:
        said.append(f"within {wishes.max_km:g} km")
    return "; ".join(said) or "no wish about the mentor"


def away(member: Member, at: int) -> str | None:
    """Until when somebody is on a pause; None when they are not."""
    return pause(away_until(member), at)


def pause(until: int, at: int) -> str | None:
    """How long a pause still lasts that ends then; None when it is over."""
    if until <= at:
        return None
    return "on a pause without an end" if until >= FOREVER else f"on a pause for {words.lasting(until - at)} more"


def away_until(member: Member) -> int:
    """The end of somebody's pause, as a member or as a mentor."""
    return max(member.paused_until, member.mentorship.paused_until if member.mentorship else 0)


def is_away(member: Member, at: int) -> bool:
    """Whether nobody is looked for until somebody is back; a report reads like any other pause: only leads see it."""
    return member.paused_until > at or (member.seeks_since is not None and member.is_reported)


def _age(member: Member, at: int) -> str:
    born = member.profile.birth_year
    if born is None:
        return "year of birth not known"
    return f"about {1970 + at // (365 * DAY + DAY // 4) - born} years old"
