"""Each page as HTML and as JSON, each action from a form and from JSON: the same checks, the same view, the same model.

Views run on worker threads. A page reads the replica under its read lock and lets go of it before it is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.datastructures import FormData, QueryParams

from dashboard import fields
from dashboard.access import audit, gate, sessions
from dashboard.access.sessions import Session
from dashboard.frame import (
    COORDINATORS,
    EVERYBODY,
    Action,
    Ask,
    Conflict,
    Decided,
    FormErrors,
    NotFound,
    Page,
    Role,
    Sent,
)
from dashboard.oncall.gaps import gaps_of
from dashboard.parts import WAIT_SECONDS, Parts
from dashboard.trouble import BAD_FORM, Trouble, not_found
from dashboard.views.standing import Urgent
from matcher.errors import CODES, KindredError
from matcher.program import Program

REFUSED = "refused"
"""In the audit, behind a line of what was to be done: it was not."""

NOT_CONFIRMED = "not confirmed"
"""The same where nobody answered: most likely it was not done; where it was, the journal has it."""

UNDECIDED = "It was sent, and nobody has decided on it yet: look whether it was done before you go on."
SWITCH = "program"
"""The parameter that narrows any page to one program."""


@dataclass(frozen=True)
class Opened:
    """A page that may be shown: its model, and what it was asked with."""

    session: Session
    ask: Ask
    model: BaseModel
    urgent: Urgent
    gaps: Sequence[str]
    """Why nobody would be called if something could not wait; empty when somebody would."""


@dataclass(frozen=True)
class Done:
    """An action that was done."""

    session: Session
    decided: Decided
    sent: Sent
    seen: bool
    """Whether pages already show its effect."""

    shown: Opened | None = None
    """What is its answer, where that is no page to go to."""


def open_page(parts: Parts, page: Page, request: Request, searched: FormData | None = None) -> Opened:
    """Let the account see a page; ``searched`` are parameters that came by POST. Raises Trouble."""
    session = gate.signed_in(parts, request)
    if searched is not None:
        gate.check_change(request, session.token, _text(searched, gate.FORM_FIELD))
    if searched is None and page.search.intersection(request.query_params):
        raise Trouble(422, BAD_FORM, "words to look for are not taken from an address: send them by the form")
    asked, program = _parameters(page, request.query_params if searched is None else searched)
    if page.opened is not None and request.method != "HEAD":  # a program that only looks whether the page is there
        _tell_opened(parts, page.opened, page.roles, request, session)
    return _audited(parts, page, _viewed(parts, page, request, session, program, query=asked))


def around(parts: Parts, session: Session) -> tuple[Urgent | None, Sequence[str]]:
    """What stands above a page that is no view's: how much cannot wait, and the gaps; None where nobody can say."""
    try:
        with parts.engine.connect() as db, parts.replica.reading() as programs:
            ask = _ask(parts, session, EVERYBODY, programs, db, None, {})
            return parts.urgent(ask), gaps_of(ask)
    except Exception:  # it stands above errors, and what failed there may fail here
        return None, ()


def open_again(parts: Parts, page: Page, request: Request, sent: FormData, error: FormErrors) -> Opened:
    """The page of a form that was refused, with the errors and what was filled in. Raises Trouble."""
    session = gate.signed_in(parts, request)
    asked, given = fields.read(page.query, {}), fields.plain(sent)
    opened = _viewed(parts, page, request, session, None, query=asked, errors=error.errors, given=given)
    return _audited(parts, page, opened)


def do_action(parts: Parts, action: Action, request: Request, given: FormData | Mapping[str, Any]) -> Done:
    """Let the account decide. Raises Trouble, FormErrors, and what the action raises."""
    session = gate.signed_in(parts, request)
    gate.check_change(request, session.token, _text(given, gate.FORM_FIELD))
    path = _path(request)
    _admit(session, action.roles, path.get(action.person or ""))
    form = fields.read(action.form, given)
    with parts.engine.begin() as db:
        with parts.replica.reading() as programs:
            ask = _ask(parts, session, action.roles, programs, db, None, path)
            try:
                decided = action.act(ask, form)
                shown = None if decided.shown is None else _opened(parts, session, ask, decided.shown.model)
            except NotFound:
                raise not_found() from None
        _note(parts, db, session, action, decided)
    try:
        done = _carried_out(parts, session, decided, shown)
    except Exception as error:
        _undo(parts, session, action, decided, REFUSED if isinstance(error, FormErrors | Conflict) else NOT_CONFIRMED)
        raise
    if done.sent.refused:
        _undo(parts, session, action, decided, REFUSED)
    return done


def refusal(done: Done) -> FormErrors:
    """The events of an action that the program refused, as an error of its form."""
    code = done.sent.refused[0][1]
    why = f"{CODES.get(code, 'The program refused it.')} ({code})"
    if done.sent.in_part:
        refused, all_ = len(done.sent.refused), len(done.decided.events)
        why = f"{refused} of {all_} were refused, and the rest is done: look before you go on. {why}"
        return FormErrors(**{fields.WHOLE_FORM: why})
    if done.decided.whole:
        why = f"Nothing was taken: a part was refused. {why}"
    return FormErrors(**{fields.WHOLE_FORM: why})


def as_trouble(error: FormErrors | Conflict) -> Trouble:
    """What a program is told of a form that was refused."""
    if isinstance(error, FormErrors):
        return Trouble(422, BAD_FORM, "fields are not as they must be; see errors", errors=error.errors)
    return Trouble(409, error.code, error.message)


def with_conflict(error: FormErrors | Conflict) -> FormErrors:
    """What the page of a form shows above it."""
    return error if isinstance(error, FormErrors) else FormErrors(**{fields.WHOLE_FORM: error.message + "."})


def note_notice(parts: Parts, session: Session, notice: str | None) -> None:
    """Leave a sentence for the next page, or take it away."""
    with parts.engine.begin() as db:
        sessions.say(db, session, notice)


def _carried_out(parts: Parts, session: Session, decided: Decided, shown: Opened | None) -> Done:
    if decided.later is not None:
        decided = decided.later()
    sent, seen = _send(parts, decided.events, whole=decided.whole)
    return Done(session, decided, sent, seen, shown)


def _undo(parts: Parts, session: Session, action: Action, decided: Decided, what: str) -> None:
    """Take back what was written for events that were not taken, and say so behind the line that announced them."""
    with parts.engine.begin() as db:
        decided.undo(db)
        _note(parts, db, session, action, decided, what)


def _note(
    parts: Parts, db: Connection, session: Session, action: Action, decided: Decided, what: str | None = None
) -> None:
    at, account, said = parts.now(), session.account.id, what or decided.what or action.what
    audit.note(db, at, account, said, action.path, program=decided.program, about=decided.about)


def _send(parts: Parts, events: Sequence[dict[str, object]], *, whole: bool = False) -> tuple[Sent, bool]:
    if not events:
        return Sent(None), True
    send = parts.send_whole if whole and parts.send_whole is not None else parts.send
    try:
        sent = send(events)
    except KindredError as trouble:
        raise Trouble(503, trouble.code, trouble.message, headers={"Retry-After": "2"}) from None
    return sent, sent.decided and (sent.position is None or parts.replica.wait(sent.position, WAIT_SECONDS))


def _tell_opened(
    parts: Parts,
    opened: Callable[[Ask], Sequence[dict[str, object]]],
    roles: frozenset[Role],
    request: Request,
    session: Session,
) -> None:
    """Tell that a page is opened. The page is shown all the same when nobody takes that: a decision looks again."""
    gate.may(session.account, roles)
    with parts.engine.connect() as db, parts.replica.reading() as programs:
        events = opened(_ask(parts, session, roles, programs, db, None, _path(request)))
    with suppress(Trouble):
        _send(parts, events)


def _viewed(parts: Parts, page: Page, request: Request, session: Session, program: str | None, **asked: Any) -> Opened:
    path = _path(request)
    _admit(session, page.roles, path.get(page.person or ""))
    with parts.engine.connect() as db, parts.replica.reading() as programs:
        ask = replace(_ask(parts, session, page.roles, programs, db, program, path), **asked)
        try:
            return _opened(parts, session, ask, page.view(ask))
        except NotFound:
            raise not_found() from None


def _audited(parts: Parts, page: Page, opened: Opened) -> Opened:
    """Note that the page is shown, where that is to be noted; also a form that was refused shows it."""
    if page.person is not None or page.audited:
        path, account = opened.ask.path, opened.session.account.id
        about = path.get(page.person or "match")
        with parts.engine.begin() as db:
            audit.note(db, opened.ask.wall, account, page.what, page.path, program=path.get(SWITCH), about=about)
    return opened


def _opened(parts: Parts, session: Session, ask: Ask, model: BaseModel) -> Opened:
    """A model with what stands around it."""
    return Opened(session, ask, model, parts.urgent(ask), gaps_of(ask))


def _admit(session: Session, roles: frozenset[Role], person: str | None) -> None:
    gate.may(session.account, roles)
    gate.not_own(session.account, person)


def _parameters(page: Page, given: QueryParams | FormData) -> tuple[BaseModel, str | None]:
    """The page's own parameters, and the program that the address narrows it to."""
    pairs = [
        (name, value) for name, value in given.multi_items() if name != SWITCH or SWITCH in page.query.model_fields
    ]
    program = given.get(SWITCH)
    try:
        asked = fields.read(page.query, FormData(pairs))
    except FormErrors as error:
        raise as_trouble(error) from None
    return asked, program if isinstance(program, str) else None


def _ask(
    parts: Parts,
    session: Session,
    roles: frozenset[Role],
    programs: Mapping[str, Program],
    db: Connection,
    program: str | None,
    path: Mapping[str, str],
) -> Ask:
    account = session.account
    mine = {id_: programs[id_] for id_ in sorted(programs) if account.roles(id_) & roles}
    if program is not None and program not in mine:
        raise not_found()
    if SWITCH in path and path[SWITCH] not in mine:
        raise not_found()
    chosen = program or (session.program if session.program in mine else None)
    narrowed = mine if chosen is None else {chosen: mine[chosen]}
    now = wall = parts.now()
    if parts.paced:
        now = max((it.at for it in programs.values() if it.at is not None), default=wall)
    return Ask(
        account,
        narrowed,
        db,
        now,
        path=path,
        wall=wall,
        everywhere=mine,
        watched={id_: programs[id_] for id_ in sorted(programs) if account.roles(id_) & COORDINATORS},
        channels=parts.channels,
        silences=parts.silences(),
        means=parts.means,
    )


def _path(request: Request) -> dict[str, str]:
    return {name: str(value) for name, value in request.path_params.items()}


def _text(given: FormData | Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    return value if isinstance(value, str) else None
