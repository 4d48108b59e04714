"""The application: every page and action of the registry as a route, behind the shield, with errors in plain words.

``application`` has no work at import, and nothing global but one limit of Starlette's: what it needs is in ``Parts``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from traceback import extract_tb
from typing import Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser

from dashboard import database, fields, live, render, routes, twin
from dashboard.access import doors, entrance, gate
from dashboard.access.sessions import Session
from dashboard.frame import Action, Conflict, File, FormErrors, NotFound, Page
from dashboard.pages import ACTIONS, PAGES
from dashboard.parts import Parts
from dashboard.render import Frame
from dashboard.routes import Done, Opened
from dashboard.sent import Legible, form_of
from dashboard.shield import Lid, Shield, TooLarge
from dashboard.trouble import FAILED, NOT_YOURS, SIGN_IN, TOO_LARGE, Trouble, not_found, problem, wants_json

READING: Final = ["GET", "HEAD"]

_KINDS: Final = {"css": "text/css", "csv": "text/csv", "js": "text/javascript", "svg": "image/svg+xml"}

log = structlog.get_logger("kindred.dashboard")

Endpoint = Callable[[Request], Awaitable[Response]]


def application(parts: Parts, pages: Iterable[Page] = PAGES, actions: Iterable[Action] = ACTIONS) -> FastAPI:
    """The dashboard over these parts. Raises ValueError when two pages have one path."""
    app = FastAPI(title="Kindred dashboard", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    app.router.redirect_slashes = False
    MultiPartParser.spool_max_size = 0  # no file that is brought lies on a disk; the shield bounds its size
    face = _Face(parts, list(pages), {action.path: action for action in actions})
    for page in face.pages:
        app.add_route(page.path, face.page(page), READING)
        if page.search:
            app.add_route(page.path, face.search(page), ["POST"])
        twin.add_page(app, parts, page)
    for action in face.actions.values():
        app.add_route(action.path, face.action(action), ["POST"])
        twin.add_action(app, parts, action)
    twin.add_own(app, parts)
    app.state.pages = face.pages
    doors.add(app, parts)
    live.add(app, parts)
    app.add_api_route("/static/{name}", _static, methods=READING, include_in_schema=False)
    for kind in (Trouble, NotFound, HTTPException, TooLarge):
        app.add_exception_handler(kind, face.trouble)
    app.add_middleware(Legible)
    app.add_middleware(Lid, trouble=face.trouble)
    app.add_middleware(Shield)
    _no_path_twice(app)
    return app


class _Face:
    """The HTML side of pages and actions."""

    def __init__(self, parts: Parts, pages: Sequence[Page], actions: dict[str, Action]) -> None:
        self.parts = parts
        self.pages = pages
        self.actions = actions
        self._by_path = {page.path: page for page in pages}

    def page(self, page: Page) -> Endpoint:
        async def get(request: Request) -> Response:
            return await run_in_threadpool(self._show, page, request, None)

        return get

    def search(self, page: Page) -> Endpoint:
        async def post(request: Request) -> Response:
            form = await form_of(request)
            return await run_in_threadpool(self._show, page, request, form)

        return post

    def action(self, action: Action) -> Endpoint:
        async def post(request: Request) -> Response:
            try:
                form = await fields.with_files(await form_of(request))
            finally:
                await request.close()
            return await run_in_threadpool(self._do, action, request, form)

        return post

    async def trouble(self, request: Request, error: Exception) -> Response:
        trouble = _trouble_of(error)
        if wants_json(request):
            return problem(trouble)
        if trouble.code == SIGN_IN and request.method in READING:
            return entrance.see_other(gate.sign_in_path(doors.whence(request)))
        return await run_in_threadpool(self._show_trouble, request, trouble)

    def _show(self, page: Page, request: Request, form: FormData | None) -> Response:
        try:
            opened = routes.open_page(self.parts, page, request, form)
        except Trouble as trouble:
            if trouble.code == NOT_YOURS and page.path == gate.HOME:  # an admin's first page is another one
                return doors.go_home(self.pages, gate.signed_in(self.parts, request).account)
            raise
        return self._rendered(page, request, opened)

    def _do(self, action: Action, request: Request, form: FormData) -> Response:
        try:
            done = routes.do_action(self.parts, action, request, form)
            if done.sent.refused:
                raise routes.refusal(done)
        except (FormErrors, Conflict) as error:
            return self._again(action, request, form, error)
        except Trouble as trouble:
            if trouble.code == SIGN_IN:
                return doors.with_draft(self.parts, request, action, form)
            raise
        if done.decided.secret is not None:
            return self._once(request, done)
        if done.decided.shown is not None and done.shown is not None:
            answer = done.decided.shown
            page = replace(self._by_path[action.page], template=answer.template, title=answer.title)
            return self._rendered(page, request, done.shown)
        late = "" if done.seen else " It is written; this page may show it a moment later."
        notice = done.decided.notice + late if done.sent.decided else routes.UNDECIDED
        routes.note_notice(self.parts, done.session, notice)
        return entrance.see_other(done.decided.then)

    def _once(self, request: Request, done: Done) -> Response:
        urgent, gaps = routes.around(self.parts, done.session)
        now, account = self.parts.now(), done.session.account
        frame = Frame("Keep this now", done.session.form_token, now, account, urgent=urgent, gaps=gaps)
        return HTMLResponse(render.html("once.html", frame, decided=done.decided, origin=str(request.base_url)))

    def _again(self, action: Action, request: Request, form: FormData, error: FormErrors | Conflict) -> Response:
        """The page of the form once more, with what is wrong and what was filled in."""
        page, status = self._by_path[action.page], 409 if isinstance(error, Conflict) else 422
        kept = FormData([(name, value) for name, value in form.multi_items() if isinstance(value, str)])
        shown = routes.open_again(self.parts, page, request, kept, routes.with_conflict(error))
        return self._rendered(page, request, shown, status)

    def _rendered(self, page: Page, request: Request, opened: Opened, status: int = 200) -> Response:
        if page.file is not None and isinstance(opened.model, File):
            return _saved(page.file, opened.model)
        notice = opened.session.notice
        if notice is not None:
            routes.note_notice(self.parts, opened.session, None)
        frame = self._frame(page, request, opened, notice)
        text = render.html(page.template, frame, page=page, ask=opened.ask, model=opened.model)
        return HTMLResponse(text, status)

    def _frame(self, page: Page, request: Request, opened: Opened, notice: str | None) -> Frame:
        account, ask = opened.session.account, opened.ask
        return Frame(
            page.title,
            opened.session.form_token,
            ask.now,
            account,
            render.links(self.pages, account, "bar", page.path),
            render.links(self.pages, account, "more", page.path),
            urgent=opened.urgent,
            gaps=opened.gaps,
            programs=list(ask.everywhere),
            program=next(iter(ask.programs), None) if len(ask.programs) < len(ask.everywhere) else None,
            notice=notice,
            ends_in=opened.session.ends_at - ask.wall,
            path=doors.whence(request) if request.method in READING else page.path,
        )

    def _show_trouble(self, request: Request, trouble: Trouble) -> Response:
        session = self._session_of(request)
        account = None if session is None else session.account
        frame = Frame("Not here" if trouble.status == 404 else "Not done", "", self.parts.now(), account)
        if account is not None and session is not None:
            bar = render.links(self.pages, account, "bar", ""), render.links(self.pages, account, "more", "")
            urgent, gaps = routes.around(self.parts, session)
            frame = Frame(frame.title, session.form_token, frame.now, account, *bar, urgent, gaps)
        return HTMLResponse(render.html("trouble.html", frame, trouble=trouble), trouble.status, trouble.headers)

    def _session_of(self, request: Request) -> Session | None:
        try:
            return gate.session_of(self.parts, request)
        except SQLAlchemyError:  # most likely it is the trouble itself
            return None


def _trouble_of(error: Exception) -> Trouble:
    """What to say of an error. Of a defect only its place goes into the log: its text may hold personal facts."""
    match error:
        case Trouble():
            return error
        case NotFound():
            return not_found()
        case HTTPException(status_code=status) if status in (404, 405):
            return not_found()
        case HTTPException(status_code=status, detail=detail):
            return Trouble(status, TOO_LARGE if status == 413 else FAILED, f"the request cannot be read: {detail}")
        case TooLarge():
            return Trouble(413, TOO_LARGE, "the form is too large: send smaller files")
        case OperationalError() | InterfaceError() | PoolTimeout():
            away = database.away(error)
            log.error("the database is away", code=away.code, kind=type(error).__name__)
            return Trouble(503, away.code, away.message, headers={"Retry-After": "2"})
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)][-12:]
    log.error("a page failed", code=FAILED, kind=type(error).__name__, places=places)
    return Trouble(500, FAILED, f"the dashboard failed at this page ({type(error).__name__}): please report it")


def _saved(name: str, file: File) -> Response:
    """A file to be saved, never shown in the browser."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(file.text, media_type="text/csv; charset=utf-8", headers=headers)


async def _static(name: str, request: Request) -> Response:
    content = render.read_static(name)
    if content is None:
        raise not_found()
    kind = _KINDS.get(name.rpartition(".")[2])
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):  # nothing secret is in it, unlike in a page
        headers["Content-Encoding"], content = "gzip", render.read_packed(name)
    return Response(content, media_type=kind, headers=headers)


def _no_path_twice(app: FastAPI) -> None:
    taken = set[tuple[str, str]]()
    for route in app.routes:
        for method in getattr(route, "methods", None) or ():
            key = (str(getattr(route, "path", "")), method)
            if key in taken:
                raise ValueError(f"{method} {key[0]} has two routes")
            taken.add(key)
