"""To the provider and back: the browser leaves with a form of ours, and returns with the provider's answer.

Nobody gets an account by signing in there: an account is made by whoever keeps them, and its one-time link binds it to
the person who comes back. After that, issuer and subject are enough.
"""

from __future__ import annotations

import hashlib

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from dashboard import fields, render
from dashboard.access import accounts, audit, departures, entrance, gate, identities, invites, tokens
from dashboard.access.departures import Errand
from dashboard.access.gate import BEFORE_COOKIE, FORM_FIELD
from dashboard.access.provider import AWAY, CALLBACK, Provider
from dashboard.frame import EVERYWHERE, Conflict, Role
from dashboard.parts import Parts
from dashboard.render import Frame
from dashboard.sent import form_of
from dashboard.trouble import Trouble, not_found
from matcher.errors import code

EXPIRED = code(
    "KND-oidc-expired",
    "The sign-in at the provider took too long, was used already, or began in another browser. Begin it again here.",
)
NOBODY = code(
    "KND-oidc-nobody",
    "No account here belongs to this person of the provider. Whoever keeps the accounts makes one and sends its link; "
    "opened and signed in with the provider, it binds the two together.",
)

FIRST_GRANTS: tuple[tuple[str, Role], ...] = ((EVERYWHERE, "lead"), (EVERYWHERE, "admin"))


def add(app: FastAPI, parts: Parts) -> None:
    """Put the two doors into the application; without a provider there is nothing at their addresses."""

    async def away(request: Request) -> Response:
        form = await form_of(request)
        return await run_in_threadpool(_away, parts, request, form)

    def back(request: Request) -> Response:
        return _back(parts, request)

    app.add_api_route("/sign-in/provider", away, methods=["POST"], include_in_schema=False)
    app.add_api_route(CALLBACK, back, methods=["GET"], include_in_schema=False)


def leave(parts: Parts, request: Request, errand: Errand) -> Response:
    """The page that leads to the provider. Raises Trouble."""
    provider, before = _provider(parts), gate.before_token(request)
    entrance.not_too_often(parts, _login(before), request)
    with parts.engine.begin() as db:
        keys = departures.leave(db, before, entrance.address_of(request), errand, parts.now())
    where = provider.address(keys)
    frame = Frame("Signing in", tokens.form_token(before), parts.now())
    # No redirect: a form may only lead to our own addresses (form-action 'self'), and browsers hold redirects to that.
    answer = HTMLResponse(render.html("leaving.html", frame, provider=provider.name, where=where))
    gate.keep(request, answer, BEFORE_COOKIE, before)
    return answer


def _away(parts: Parts, request: Request, form: FormData) -> Response:
    _provider(parts)
    gate.check_change(request, gate.before_token(request), str(form.get(FORM_FIELD, "")))
    then = gate.local(fields.plain(form).get("then"))
    return leave(parts, request, Errand(then=then, draft=entrance.draft_of(form)))


def _back(parts: Parts, request: Request) -> Response:
    provider, before = _provider(parts), gate.before_token(request)
    login = _login(before)
    entrance.not_too_often(parts, login, request)
    try:
        return _entered(parts, request, provider, before)
    except Trouble as trouble:
        if trouble.code == AWAY:  # nobody here did anything wrong
            with parts.engine.begin() as db:
                audit.note(db, parts.now(), None, "failed to sign in", CALLBACK)
        else:
            entrance.failed(parts, login, request, None)
        raise


def _entered(parts: Parts, request: Request, provider: Provider, before: str) -> Response:
    answer, now = dict(request.query_params), parts.now()
    with parts.engine.begin() as db:
        found = departures.come_back(db, before, answer.get("state", ""), now)
    if found is None:
        raise Trouble(400, EXPIRED, "this sign-in took too long, or was used before: begin it again")
    errand, keys = found
    subject = provider.subject(answer, keys, now)
    account = _account(parts, provider.registered.issuer, subject, errand)
    return entrance.come_in(parts, request, account, errand.then, errand.draft, _login(before))


def _account(parts: Parts, issuer: str, subject: str, errand: Errand) -> str:
    """The account of this person; bound to them now if they came with a link. Raises Trouble."""
    if errand.invite is not None:
        return _bound(parts, issuer, subject, errand.invite, errand.name)
    with parts.engine.connect() as db:
        account = identities.find(db, issuer, subject)
    if account is None:
        raise Trouble(403, NOBODY, "no account here is yours yet: ask whoever keeps the accounts for a link")
    return account


def _bound(parts: Parts, issuer: str, subject: str, invite: str, name: str) -> str:
    now = parts.now()
    try:
        with parts.engine.begin() as db:
            holds, account = invites.look(db, invite, now)
            if not holds or not invites.take(db, invite):
                raise Trouble(403, NOBODY, "the link no longer holds: ask whoever keeps the accounts for a new one")
            id_ = account or accounts.make(db, name, FIRST_GRANTS, now)
            identities.bind(db, id_, issuer, subject)
            audit.note(db, now, id_, "bound to the provider", "/welcome/{token}")
    except Conflict as conflict:
        raise Trouble(409, conflict.code, conflict.message) from None
    return id_


def _provider(parts: Parts) -> Provider:
    if parts.provider is None:
        raise not_found()
    return parts.provider


def _login(before: str) -> str:
    """Under what failures are counted: by browser and address, for there is no name to count by."""
    return "provider|" + hashlib.sha256(before.encode()).hexdigest()
