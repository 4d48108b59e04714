"""Who is asking, and whether a change comes from one of our own pages."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

from fastapi import Request, Response

from dashboard.access import sessions, tokens
from dashboard.access.sessions import Session
from dashboard.frame import Account, Role
from dashboard.parts import Parts
from dashboard.trouble import FORGED, NOT_YOURS, OWN_RECORD, SIGN_IN, Trouble

COOKIE: Final = "kindred_session"
BEFORE_COOKIE: Final = "kindred_before"
"""Holds the token behind the forms of somebody who has not signed in yet."""

FORM_FIELD: Final = "form_token"
FORM_HEADER: Final = "x-form-token"
HOME: Final = "/"

_LOCAL: Final = re.compile(
    r"/(?![/\\])[A-Za-z0-9._~:@!$&'()*+,;=%/-]*(\?[A-Za-z0-9._~:@!$&'()*+,;=%/?-]*)?(#[A-Za-z0-9._-]*)?"
)


def session_of(parts: Parts, request: Request, *, is_use: bool = True) -> Session | None:
    """The session of the request's cookie, noted as used if somebody does something with it."""
    token = request.cookies.get(cookie_name(request, COOKIE))
    if not token or len(token) > 100:
        return None
    now = parts.now()
    with parts.engine.connect() as db:
        session = sessions.find(db, token, now, parts.idle_seconds)
    if is_use and session is not None and now - session.used_at >= sessions.USED_SECONDS:
        with parts.engine.begin() as db:
            sessions.use(db, session, now)
    return session


def signed_in(parts: Parts, request: Request, *, is_use: bool = True) -> Session:
    """The session. Raises Trouble (KND-sign-in)."""
    session = session_of(parts, request, is_use=is_use)
    if session is None:
        raise Trouble(401, SIGN_IN, "sign in first; a session ends when nothing is asked for a while")
    return session


def ended_of(parts: Parts, request: Request) -> str | None:
    """The account whose session the browser had; None when nobody knows."""
    token = request.cookies.get(cookie_name(request, COOKIE))
    if not token:
        return None
    with parts.engine.connect() as db:
        return sessions.owner(db, token)


def may(account: Account, roles: frozenset[Role]) -> None:
    """Refuse an account that holds none of the roles anywhere. Raises Trouble (KND-not-yours)."""
    if not account.holds(roles):
        raise Trouble(403, NOT_YOURS, "your account is not granted this: ask somebody who keeps accounts")


def not_own(account: Account, person: str | None) -> None:
    """Refuse one's own record. Raises Trouble (KND-own-record)."""
    if person is not None and person == account.member:
        raise Trouble(403, OWN_RECORD, "this is your own record: a colleague can look at it and decide")


def check_change(request: Request, token: str, given: str | None) -> None:
    """Refuse a change that no page of this session sent. Raises Trouble (KND-form-token)."""
    check_origin(request)
    if not tokens.same(given or request.headers.get(FORM_HEADER, ""), tokens.form_token(token)):
        raise Trouble(403, FORGED, "the form is not from this session: open the page again and send it from there")


def check_origin(request: Request) -> None:
    """Refuse what another site's page sends. Raises Trouble (KND-form-token)."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
    foreign = urlsplit(origin).netloc != request.headers.get("host") if origin else site not in ("same-origin", "none")
    if foreign:
        raise Trouble(403, FORGED, "the form came from another site: open the page here and send it from there")


def local(path: str | None) -> str:
    """The path if it leads to a page of ours, else the first page: no link sends anybody elsewhere."""
    return path if path and len(path) < 1_000 and _LOCAL.fullmatch(path) and "%5c" not in path.lower() else HOME


def sign_in_path(then: str) -> str:
    """Where to sign in, and come back from."""
    return "/sign-in" if then == HOME else f"/sign-in?then={quote(then, safe='/')}"


def before_token(request: Request) -> str:
    """The token behind the forms of somebody who is not signed in; a new one at their first."""
    return request.cookies.get(cookie_name(request, BEFORE_COOKIE)) or tokens.new()


def keep(request: Request, response: Response, name: str, token: str) -> None:
    """Set a cookie that scripts cannot read, other sites do not send, and the browser forgets when it is closed."""
    secure = is_secure(request)
    response.set_cookie(cookie_name(request, name), token, httponly=True, samesite="lax", secure=secure, path="/")


def forget(request: Request, response: Response, name: str) -> None:
    """Take a cookie away."""
    secure = is_secure(request)
    response.delete_cookie(cookie_name(request, name), httponly=True, samesite="lax", secure=secure, path="/")


def cookie_name(request: Request, name: str) -> str:
    """Behind TLS the name binds the cookie to this very host (RFC 6265bis, __Host-)."""
    return f"__Host-{name}" if is_secure(request) else name


def is_secure(request: Request) -> bool:
    """Whether the browser speaks TLS, with us or with a proxy on this machine that says so."""
    return request.url.scheme == "https"
