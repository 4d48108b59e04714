"""What every page and every decision of the dashboard is: data that the application turns into routes.

A page is data and one pure function: ``view(ask)`` returns a pydantic model. The application renders the model with
the page's template at ``path``, and returns the same model as JSON at ``/api/v1<path>``. An action turns a form into
ordinary events. Who may open or do it stands beside it, so that no route exists without an answer to that.

::

    PAGE = Page("/people/{program}/{person}", "Person", COORDINATORS, view, "person.html", person="person")
    MET = Action("/people/{program}/{person}/met", COORDINATORS, Met, met, page=PAGE.path, person="person")

A member id is one of its program, so both stand in the path. The application knows the braces ``program`` and
``person``: another account's program is "not found" before a view runs. ``dashboard/pages.py`` gathers all in ``PAGES``
and ``ACTIONS``; the application takes nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from matcher.errors import KindredError, code
from matcher.program import Program

if TYPE_CHECKING:
    from dashboard.means import Means

Role = Literal["viewer", "coordinator", "lead", "clinician", "admin"]
Place = Literal["bar", "more", "none"]

EVERYWHERE: Final = "*"
"""In a grant: all programs, also those to come."""

VIEWERS: Final = frozenset[Role]({"viewer", "coordinator", "lead"})
COORDINATORS: Final = frozenset[Role]({"coordinator", "lead"})
LEADS: Final = frozenset[Role]({"lead"})
CLINICIANS: Final = frozenset[Role]({"clinician", "lead"})
ADMINS: Final = frozenset[Role]({"admin"})
EVERYBODY: Final = frozenset[Role]({"viewer", "coordinator", "lead", "clinician", "admin"})

NOT_FOUND = code("KND-page-not-found", "There is nothing at this address, or nothing that this account may know of.")
OUTDATED = code("KND-outdated", "What the form was about has changed since it was opened. Look at it again and decide.")


class Nothing(BaseModel):
    """Parameters of a page that has none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class File(BaseModel):
    """What the view of a page that is a file returns: its text."""

    text: str


class NotFound(KindredError):
    """What a view raises for an id that is unknown, or belongs to a program that the account does not see."""

    def __init__(self, message: str = "there is nothing here") -> None:
        super().__init__(NOT_FOUND, message)


class Conflict(KindredError):
    """What an action raises when its form is about something that has changed; the page is shown again, with why."""

    def __init__(self, message: str, code: str = OUTDATED) -> None:
        super().__init__(code, message)


class FormErrors(Exception):
    """What an action raises when fields do not go together: field name → a sentence for who filled it in."""

    def __init__(self, **errors: str) -> None:
        super().__init__("the form has errors")
        self.errors = errors


@dataclass(frozen=True)
class Account:
    """Who asks: an opaque id, the name they chose, and what they were granted."""

    id: str
    name: str
    grants: frozenset[tuple[str, Role]]
    member: str | None = None
    """The member id of this person, when they are one: their own record is not theirs to see or decide."""

    seen_before: int | None = None
    """When they were last here before this session; None at the first."""

    hotkeys: bool = False
    """Whether they switched single-key shortcuts on."""

    def roles(self, program: str) -> frozenset[Role]:
        """The roles in one program."""
        return frozenset(role for where, role in self.grants if where in (program, EVERYWHERE))

    def holds(self, roles: frozenset[Role]) -> bool:
        """Whether one of the roles is held anywhere."""
        return any(role in roles for _, role in self.grants)


@dataclass(frozen=True)
class Ask:
    """What a view or an action is given. Its programs are only those in which the account may do this."""

    account: Account
    programs: Mapping[str, Program]
    """By id, sorted, under a read lock until the view returns; narrowed by the program switch."""

    db: Connection
    now: int
    """Epoch seconds: the wall's, or the programs' own where the clock is that of their events (a demo)."""

    query: BaseModel = field(default_factory=Nothing)
    path: Mapping[str, str] = field(default_factory=dict)
    """The values of the braces in the page's path."""

    errors: Mapping[str, str] = field(default_factory=dict)
    """Of the form that was sent and refused, by field."""

    given: Mapping[str, str] = field(default_factory=dict)
    """What that form held, so that nobody types it twice."""

    wall: int = 0
    """Epoch seconds by the wall's clock: of accounts and the audit."""

    everywhere: Mapping[str, Program] = field(default_factory=dict)
    """The same programs without the switch."""

    watched: Mapping[str, Program] = field(default_factory=dict)
    """Those whose people the account works with, whatever the page and the switch: what cannot wait is told of them."""

    channels: frozenset[str] = frozenset()
    """How this installation can call somebody: ``mail``, ``webhook``."""

    means: Means | None = None
    """What else the house has; every page of the application is given it."""

    known: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was asked of the database for this page and may be needed again (``dashboard.memo.by_ask``)."""

    def roles(self, program: str) -> frozenset[Role]:
        """What the account is in this program."""
        return self.account.roles(program)

    def is_own(self, member: str | None) -> bool:
        """Whether this is the account's own record: lists leave it out, pages refuse it."""
        return member is not None and member == self.account.member

    def veiled(self, said: str) -> str:
        """A sentence in which the account's own person is nobody in particular."""
        own = self.account.member
        return said if own is None else re.sub(rf"(?<![\w.:-]){re.escape(own)}(?![\w:-])", "somebody", said)

    def program(self, program: str) -> Program:
        """The program of this id. Raises NotFound, also when it exists and is not the account's to see."""
        try:
            return self.everywhere[program] if program in self.everywhere else self.programs[program]
        except KeyError:
            raise NotFound from None


View = Callable[[Ask], BaseModel]


@dataclass(frozen=True)
class Page:
    """One page and its JSON twin. ``title`` is shown in the browser's tab; it holds no id."""

    path: str
    title: str
    roles: frozenset[Role]
    view: View
    template: str
    query: type[BaseModel] = Nothing
    """Its parameters: closed models, ``extra="forbid"``. Search words come by POST, so that no address holds them."""

    nav: Place = "none"
    order: int = 0
    aside: frozenset[Role] = frozenset()
    """Whose bar is full without this page: for them it stands under More."""

    person: str | None = None
    """The name of the brace that holds a member id: the own record is refused, and each opening is audited."""

    audited: bool = False
    """Whether opening it is audited though it is about nobody in particular (exports, prints)."""

    what: str = "opened"
    """The word in the audit: exported, printed."""

    opened: Callable[[Ask], Sequence[dict[str, object]]] | None = None
    """What is told when it is opened, before it is shown: that somebody looks at a proposal."""

    search: bool = False
    """Whether its parameters also come by POST."""

    file: str | None = None
    """The name under which it is saved: its view returns a ``File``, and nothing is around it."""


@dataclass(frozen=True)
class Shown:
    """A page that has no address: it is the answer to a form, and is gone when another is opened."""

    template: str
    title: str
    model: BaseModel


@dataclass(frozen=True)
class Decided:
    """What an action wants: events to send, where to go then, and one sentence that says what was done."""

    events: Sequence[dict[str, object]]
    then: str
    notice: str
    about: str | None = None
    """The member or match that it was about, for the audit."""

    program: str | None = None
    secret: str | None = None
    """Shown once, on the answer itself, and kept nowhere: a one-time link."""

    shown: Shown | None = None
    """What the answer itself shows, in place of going somewhere."""

    whole: bool = False
    """Whether the events are taken all or none."""

    later: Callable[[], Decided] | None = None
    """What takes long: called when programs and database are let go of; what it decides is done instead.

    It raises what an action raises.
    """


@dataclass(frozen=True)
class Action:
    """A form that is sent. ``page`` is the path of the page that is shown again when the form has errors."""

    path: str
    roles: frozenset[Role]
    form: type[BaseModel]
    act: Callable[[Ask, Any], Decided]
    """Given the form's model, valid by itself; raises FormErrors, Conflict or NotFound."""

    page: str
    what: str = "decided"
    """The word in the audit."""

    person: str | None = None
    """The name of the brace that holds a member id: nobody decides about themselves."""


class Sent(NamedTuple):
    """What became of events: the journal position after which their effect is visible, and which were refused."""

    position: int | None
    refused: Sequence[tuple[str, str]] = ()
    """(event id, error code)."""


Send = Callable[[Sequence[dict[str, object]]], Sent]
"""Hands events to the service. Raises Unreachable when it cannot take them."""
