"""The way in behind every door: a limit on failures, a new session in place of an old one, and the draft kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from dashboard import fields, render
from dashboard.access import attempts, audit, gate, sessions, tokens
from dashboard.access.gate import BEFORE_COOKIE, COOKIE
from dashboard.parts import Parts
from dashboard.render import Frame

DRAFT: Final = "draft."
"""Before the names of a form's fields that wait until their sender has signed in again."""

DRAFT_PATH: Final = "draft_path"
DRAFT_OF: Final = "draft_of"
"""Holds the account whose session ended: nobody else is shown what was filled in."""

Draft = Sequence[tuple[str, str]]
"""Names and values in their order: a name may come again."""


def come_in(parts: Parts, request: Request, account: str, then: str, draft: Draft = (), login: str = "") -> Response:
    """Start a session of this account, in place of any that the browser had."""
    now, old = parts.now(), request.cookies.get(gate.cookie_name(request, COOKIE))
    with parts.engine.begin() as db:
        attempts.succeeded(db, login, address_of(request))
        if old:
            sessions.end(db, old)
        token = sessions.start(db, account, now)
        audit.note(db, now, account, "signed in", "/sign-in")
    about = dict(draft)
    path = about.get(DRAFT_PATH) if about.get(DRAFT_OF) == account else None
    answer = _draft_page(token, now, path, draft) if path else see_other(then)
    gate.keep(request, answer, COOKIE, token)
    gate.forget(request, answer, BEFORE_COOKIE)
    return answer


def not_too_often(parts: Parts, login: str, request: Request) -> None:
    """Refuse a try after too many that failed. Raises Trouble (KND-too-many-tries)."""
    with parts.engine.connect() as db:
        attempts.check(db, login, address_of(request), parts.now())


def failed(parts: Parts, login: str, request: Request, account: str | None) -> None:
    """Count a try that failed, and write it down."""
    now = parts.now()
    with parts.engine.begin() as db:
        attempts.failed(db, login, address_of(request), now)
        audit.note(db, now, account, "failed to sign in", "/sign-in")


def draft_of(form: FormData) -> Draft:
    """What waits in a form of signing in."""
    given = fields.plain(form).multi_items()
    return [(name, value) for name, value in given if name in (DRAFT_PATH, DRAFT_OF) or name.startswith(DRAFT)]


def address_of(request: Request) -> str:
    """Where the request comes from."""
    return request.client.host if request.client else ""


def see_other(then: str) -> Response:
    """Go there with GET; only to a page of ours."""
    return Response(status_code=303, headers={"Location": gate.local(then)})


def _draft_page(token: str, now: int, path: str, draft: Draft) -> Response:
    """What had been filled in when the session ended, to be looked at and sent again."""
    kept = [(name.removeprefix(DRAFT), value) for name, value in draft if name.startswith(DRAFT)]
    frame = Frame("Your draft", tokens.form_token(token), now)
    return HTMLResponse(render.html("draft.html", frame, path=gate.local(path), draft=kept))
