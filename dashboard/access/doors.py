"""Signing in and out, the first account, and the program switch: the few routes that are not pages of the registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from dashboard import fields, render
from dashboard.access import abroad, accounts, audit, entrance, gate, invites, passwords, sessions, tokens
from dashboard.access.abroad import FIRST_GRANTS
from dashboard.access.departures import Errand
from dashboard.access.entrance import DRAFT, DRAFT_PATH
from dashboard.access.gate import BEFORE_COOKIE, COOKIE, FORM_FIELD
from dashboard.frame import Account, Action, Conflict, Page, Place
from dashboard.parts import Parts
from dashboard.render import Frame
from dashboard.trouble import not_found

READING: Final = ["GET", "HEAD"]
FIELDS_MAX: Final = 2_000
WRONG: Final = "This name and this password do not belong together."


def add(app: FastAPI, parts: Parts) -> None:
    """Put the doors into the application."""
    doors = _Doors(parts)
    if all(page.path != gate.HOME for page in app.state.pages):
        app.add_api_route(gate.HOME, doors.home, methods=READING, include_in_schema=False, response_model=None)
    for path, endpoint, methods in (
        ("/sign-in", doors.sign_in_form, READING),
        ("/sign-in", doors.sign_in, ["POST"]),
        ("/sign-out", doors.sign_out, ["POST"]),
        ("/switch", doors.switch, ["POST"]),
        ("/welcome/{token}", doors.welcome_form, READING),
        ("/welcome/{token}", doors.welcome, ["POST"]),
    ):
        app.add_api_route(path, endpoint, methods=methods, include_in_schema=False, response_model=None)
    abroad.add(app, parts)


def whence(request: Request) -> str:
    """The address that was asked for, to come back to."""
    query = request.url.query
    return gate.local(request.scope["path"] + (f"?{query}" if query else ""))


def with_draft(parts: Parts, request: Request, action: Action, form: FormData) -> Response:
    """Ask somebody whose session ended to sign in, and keep what they had filled in."""
    gate.check_origin(request)
    draft = {DRAFT + name: value for name, value in fields.plain(form).items()}
    return _sign_in_page(parts, request, 401, then=action.page, draft={DRAFT_PATH: request.scope["path"], **draft})


def go_home(pages: Sequence[Page], account: Account) -> Response:
    """To the first page of the navigation that the account may open. Raises Trouble when there is none."""
    places: tuple[Place, ...] = ("bar", "more")
    links = [link for place in places for link in render.links(pages, account, place, "")]
    if not links:
        raise not_found()
    return entrance.see_other(links[0].path)


class _Doors:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def home(self, request: Request) -> Response:
        return go_home(request.app.state.pages, gate.signed_in(self._parts, request).account)

    def sign_in_form(self, request: Request, then: str = gate.HOME) -> Response:
        if gate.session_of(self._parts, request) is not None:
            return entrance.see_other(then)
        return _sign_in_page(self._parts, request, 200, then=gate.local(then))

    async def sign_in(self, request: Request) -> Response:
        form = await request.form(max_fields=FIELDS_MAX)
        return await run_in_threadpool(self._sign_in, request, form)

    async def sign_out(self, request: Request) -> Response:
        form = await request.form(max_fields=FIELDS_MAX)
        return await run_in_threadpool(self._sign_out, request, form)

    async def switch(self, request: Request) -> Response:
        form = await request.form(max_fields=FIELDS_MAX)
        return await run_in_threadpool(self._switch, request, form)

    def welcome_form(self, request: Request, token: str) -> Response:
        return self._welcome_page(request, token, 200, {}, "")

    async def welcome(self, request: Request, token: str) -> Response:
        form = await request.form(max_fields=FIELDS_MAX)
        return await run_in_threadpool(self._welcome, request, token, form)

    def _sign_in(self, request: Request, form: FormData) -> Response:
        _check_before(request, form)
        then, login = gate.local(_text(form, "then")), accounts.login_of(_text(form, "name"))
        entrance.not_too_often(self._parts, login, request)
        with self._parts.engine.connect() as db:
            row = accounts.find_login(db, login)
        if not passwords.matches(None if row is None else row["password"], _text(form, "password")) or row is None:
            entrance.failed(self._parts, login, request, None if row is None else row["id"])
            draft = {name: value for name, value in fields.plain(form).items() if name.startswith("draft")}
            return _sign_in_page(
                self._parts, request, 422, then=then, draft=draft, name=_text(form, "name"), error=WRONG
            )
        return entrance.come_in(self._parts, request, row["id"], then, fields.plain(form), login)

    def _sign_out(self, request: Request, form: FormData) -> Response:
        session = gate.signed_in(self._parts, request)
        gate.check_change(request, session.token, _text(form, FORM_FIELD))
        with self._parts.engine.begin() as db:
            sessions.end(db, session.token)
            audit.note(db, self._parts.now(), session.account.id, "signed out", "/sign-out")
        answer = entrance.see_other("/sign-in")
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        gate.forget(request, answer, COOKIE)
        return answer

    def _switch(self, request: Request, form: FormData) -> Response:
        session = gate.signed_in(self._parts, request)
        gate.check_change(request, session.token, _text(form, FORM_FIELD))
        program = _text(form, "program")
        if program and not session.account.roles(program):
            raise not_found()
        with self._parts.engine.begin() as db:
            sessions.choose_program(db, session, program or None)
        return entrance.see_other(_text(form, "then"))

    def _welcome(self, request: Request, token: str, form: FormData) -> Response:
        _check_before(request, form)
        entrance.not_too_often(self._parts, "", request)
        name, by_provider = _text(form, "name").strip(), _text(form, "by") == "provider"
        holds, account = self._invited(token)
        if not holds:
            entrance.failed(self._parts, "", request, None)
            return self._welcome_page(request, token, 422, {}, name)
        errors = {} if account or name else {"name": "Say how you are called here."}
        errors |= {"name": "Take a shorter name."} if len(name) > 100 else {}
        errors |= {} if by_provider else _password_errors(form, name)
        if errors:
            return self._welcome_page(request, token, 422, errors, name)
        if by_provider:
            return abroad.leave(self._parts, request, Errand(invite=token, name=name))
        return self._take_invite(request, token, account, name, _text(form, "password"))

    def _take_invite(self, request: Request, token: str, account: str | None, name: str, password: str) -> Response:
        now = self._parts.now()
        try:
            with self._parts.engine.begin() as db:
                if not invites.take(db, token):
                    raise not_found()
                id_ = account or accounts.make(db, name, FIRST_GRANTS, now)
                accounts.set_password(db, id_, password)
                audit.note(db, now, id_, "set a password", "/welcome/{token}")
        except Conflict as taken:
            return self._welcome_page(request, token, 422, {"name": taken.message + "."}, name)
        return entrance.come_in(self._parts, request, id_, gate.HOME, {})

    def _welcome_page(self, request: Request, token: str, status: int, errors: dict[str, str], name: str) -> Response:
        holds, account = self._invited(token)
        before = gate.before_token(request)
        frame = Frame("Welcome", tokens.form_token(before), self._parts.now())
        values = {"holds": holds, "is_first": account is None, "errors": errors, "name": name, "token": token}
        values["provider"] = _provider(self._parts)
        answer = HTMLResponse(render.html("welcome.html", frame, **values), status if holds else 404)
        gate.keep(request, answer, BEFORE_COOKIE, before)
        return answer

    def _invited(self, token: str) -> tuple[bool, str | None]:
        with self._parts.engine.connect() as db:
            return invites.look(db, token, self._parts.now())


def _sign_in_page(
    parts: Parts,
    request: Request,
    status: int,
    *,
    then: str,
    draft: dict[str, str] | None = None,
    name: str = "",
    error: str | None = None,
) -> Response:
    before = gate.before_token(request)
    frame = Frame("Sign in", tokens.form_token(before), parts.now())
    values = {"then": then, "draft": draft or {}, "name": name, "error": error, "provider": _provider(parts)}
    answer = HTMLResponse(render.html("sign_in.html", frame, **values), status)
    gate.keep(request, answer, BEFORE_COOKIE, before)
    return answer


def _password_errors(form: FormData, name: str) -> dict[str, str]:
    password = _text(form, "password")
    if fault := passwords.fault(password, name):
        return {"password": fault}
    return {} if _text(form, "again") == password else {"again": "The two are not the same."}


def _check_before(request: Request, form: FormData) -> None:
    """Refuse a form that no page of ours in this browser sent. Raises Trouble."""
    gate.check_change(request, gate.before_token(request), _text(form, FORM_FIELD))


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _provider(parts: Parts) -> str | None:
    return None if parts.provider is None else parts.provider.name
