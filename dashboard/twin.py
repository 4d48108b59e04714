"""The JSON twin: the same pages and actions under ``/api/v1``, with ETag and an OpenAPI document.

A program signs in like a browser does, keeps the session's cookie, and sends the token of ``/api/v1/me`` in the
header ``X-Form-Token`` with every change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, get_type_hints

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from dashboard import routes
from dashboard.access import gate
from dashboard.frame import Action, Conflict, FormErrors, Page, Role
from dashboard.parts import Parts
from dashboard.sent import check
from dashboard.trouble import BAD_FORM, Trouble

ROOT: Final = "/api/v1"
FIRST: Final = "/today"
BODY_BYTES_MAX: Final = 1024 * 1024
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": about, "content": {"application/problem+json": {}}}
    for status, about in ((401, "Not signed in"), (403, "Not granted"), (404, "Not there"), (422, "Not as it must be"))
}
_CHANGED: Final[dict[int | str, dict[str, Any]]] = {
    409: {"description": "What it was about has changed", "content": {"application/problem+json": {}}},
    503: {"description": "The service does not take events now", "content": {"application/problem+json": {}}},
}


class Me(BaseModel):
    """The account that is signed in."""

    account: str
    grants: list[tuple[str, Role]]
    member: str | None
    form_token: str


class Answer(BaseModel):
    """What became of an action."""

    notice: str
    then: str
    position: int | None
    seen: bool
    decided: bool
    """Whether it is known what became of it; else it is on its way."""

    secret: str | None
    shown: dict[str, Any] | None = None


def address(path: str) -> str:
    """Where the twin of a page or an action is; that of the first page has a name."""
    return ROOT + (FIRST if path == "/" else path)


def add_page(app: FastAPI, parts: Parts, page: Page) -> None:
    """The page's model at its twin address."""

    async def get(request: Request) -> Response:
        opened = await run_in_threadpool(routes.open_page, parts, page, request)
        return _tagged(request, opened.model)

    model = get_type_hints(page.view).get("return", BaseModel)
    extra = {"parameters": [*_braces(page.path), *_query(page)]}
    app.add_api_route(
        address(page.path),
        get,
        methods=["GET"],
        name=page.title,
        response_model=None,
        responses={200: {"model": model}, 304: {"description": "Not changed"}, **PROBLEMS},
        openapi_extra=extra,
        operation_id=_operation("get", page.path),
    )
    app.add_route(address(page.path), get, ["HEAD"])


def add_action(app: FastAPI, parts: Parts, action: Action) -> None:
    """The action with its form as a JSON object."""

    async def post(request: Request) -> Response:
        given = await _body(request)
        return await run_in_threadpool(_do, parts, action, request, given)

    schema = {name: part for name, part in _schema(action.form).items() if name != "$defs"}
    extra = {
        "parameters": [*_braces(action.path), {"name": "X-Form-Token", "in": "header", "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
    }
    app.add_api_route(
        address(action.path),
        post,
        methods=["POST"],
        name=action.what,
        response_model=None,
        responses={200: {"model": Answer}, **PROBLEMS, **_CHANGED},
        openapi_extra=extra,
        operation_id=_operation("post", action.path),
    )


def add_own(app: FastAPI, parts: Parts) -> None:
    """The account that asks, and the OpenAPI document."""

    async def me(request: Request) -> Response:
        session = await run_in_threadpool(gate.signed_in, parts, request)
        account = session.account
        answer = Me(
            account=account.id, grants=sorted(account.grants), member=account.member, form_token=session.form_token
        )
        return JSONResponse(answer.model_dump())

    async def openapi(request: Request) -> Response:
        await run_in_threadpool(gate.signed_in, parts, request)
        return JSONResponse(app.openapi())

    answers: dict[int | str, dict[str, Any]] = {200: {"model": Me}, 401: PROBLEMS[401]}
    app.add_api_route(ROOT + "/me", me, methods=["GET"], response_model=None, responses=answers)
    app.add_api_route(ROOT + "/openapi.json", openapi, methods=["GET"], include_in_schema=False)


def _do(parts: Parts, action: Action, request: Request, given: Mapping[str, Any]) -> Response:
    try:
        done = routes.do_action(parts, action, request, given)
        if done.sent.refused:
            raise routes.refusal(done)
    except (FormErrors, Conflict) as error:
        raise routes.as_trouble(error) from None
    decided = done.decided
    answer = Answer(
        notice=decided.notice if done.sent.decided else routes.UNDECIDED,
        then=gate.local(decided.then),
        position=done.sent.position,
        seen=done.seen,
        decided=done.sent.decided,
        secret=decided.secret,
        shown=decided.shown.model.model_dump(mode="json") if decided.shown else None,
    )
    return JSONResponse(answer.model_dump())


def _tagged(request: Request, model: BaseModel) -> Response:
    """The model with a tag of its content; 304 to whoever has it already."""
    body = model.model_dump_json().encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    held = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if tag in held or "*" in held:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises Trouble."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # what a page of another site can send without asking is of other types
        raise Trouble(415, BAD_FORM, "send the fields as one JSON object, content type application/json")
    body = await request.body()
    if len(body) > BODY_BYTES_MAX:
        raise Trouble(413, BAD_FORM, f"a form has at most {BODY_BYTES_MAX} bytes")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Trouble(422, BAD_FORM, "send the fields as one JSON object")
    check([document])
    return document


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a form or a query; not to be changed."""
    return model.model_json_schema(ref_template="#/components/schemas/{model}")


def _braces(path: str) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query(page: Page) -> list[dict[str, Any]]:
    schema = _schema(page.query)
    needed = schema.get("required", ())
    own = [
        {"name": name, "in": "query", "required": name in needed, "schema": about}
        for name, about in schema.get("properties", {}).items()
        if name not in page.search
    ]
    if all(parameter["name"] != routes.SWITCH for parameter in own):
        own.append({"name": routes.SWITCH, "in": "query", "required": False, "schema": {"type": "string"}})
    return own


def _operation(method: str, path: str) -> str:
    return "_".join([method, *(part.strip("{}") for part in address(path).removeprefix(ROOT).split("/") if part)])
