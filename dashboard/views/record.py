"""Record: what can be written down of somebody now, as forms."""

from __future__ import annotations

from pydantic import BaseModel

from dashboard import recording, words
from dashboard.blanks import Blank, blanks
from dashboard.frame import COORDINATORS, Ask, Page
from dashboard.recording import Kind, Subject
from dashboard.views import people


class Form(BaseModel):
    """One form."""

    name: str
    title: str
    hint: str
    blanks: list[Blank]
    wrong: bool
    """Whether this is the one that was sent and refused."""


class Group(BaseModel):
    """Forms that belong together."""

    title: str
    forms: list[Form]


class Record(BaseModel):
    """What can be recorded of somebody."""

    program: str
    person: str
    standing: str
    mentor: str | None
    groups: list[Group]


def view(ask: Ask) -> Record:
    """The forms for the person of the path. Raises NotFound."""
    about = recording.subject(ask)
    found = recording.offered(about)
    titles = list(dict.fromkeys(kind.group for kind in found))
    groups = [Group(title=title, forms=[_form(about, k) for k in found if k.group == title]) for title in titles]
    return Record(
        program=about.program.id,
        person=about.member.id,
        standing=_standing(about),
        mentor=about.pair.mentor if about.pair and not ask.is_own(about.pair.mentor) else None,
        groups=groups,
    )


def _form(about: Subject, kind: Kind) -> Form:
    ask, fields = about.ask, blanks(kind.form, kind.choices(about))
    names = {blank.name for blank in fields} - {"on"}
    sent = set(ask.given) - {"on"}
    wrong = bool(ask.errors) and sent <= names and (names & (set(ask.errors) | sent) != set())
    return Form(name=kind.name, title=kind.title, hint=kind.hint, blanks=fields, wrong=wrong)


def _standing(about: Subject) -> str:
    return words.STANDINGS[people.standing(about.program, about.member, about.ask.now)]


PAGE = Page(recording.PATH, "Record", COORDINATORS, view, "record.html", person="person")
