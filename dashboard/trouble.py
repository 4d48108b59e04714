"""Answers that are not what was asked for: a page in plain words, or problem+json (RFC 9457) under ``/api/``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from dashboard.frame import NOT_FOUND
from matcher.errors import KindredError, code

SIGN_IN = code("KND-sign-in", "The page needs an account: sign in at /sign-in and send its session cookie.")
NOT_YOURS = code("KND-not-yours", "The account may not open or do this; somebody who keeps accounts can grant it.")
OWN_RECORD = code("KND-own-record", "Nobody sees or decides their own record. A colleague can.")
FORGED = code(
    "KND-form-token",
    "The form did not come from a page of this session: open the page again. Scripts send the token of the session, "
    "from /api/v1/me, in the header X-Form-Token.",
)
BAD_FORM = code("KND-form", "Fields of the form, or parameters of the address, are not as they must be.")
TOO_MANY = code("KND-too-many-tries", "Too many tries with a wrong password or link. Wait as long as Retry-After says.")
FAILED = code("KND-dashboard", "The dashboard failed at this page. The log has the place in the program.")
TOO_LARGE = code("KND-form-too-large", "The form is larger than the dashboard takes.")

API: Final = "/api/"


class Trouble(KindredError):
    """An answer with a status that is not success."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.errors = errors or {}
        self.headers = dict(headers or {})


def not_found() -> Trouble:
    """The same for what does not exist and for what the account may not know of."""
    return Trouble(404, NOT_FOUND, "there is nothing at this address, or nothing that you may see")


def wants_json(request: Request) -> bool:
    """Whether a program asks."""
    return request.url.path.startswith(API)


def problem(trouble: Trouble) -> Response:
    """The problem document."""
    body: dict[str, object] = {"title": trouble.code, "status": trouble.status, "code": trouble.code}
    body["detail"] = trouble.message
    if trouble.errors:
        body["errors"] = [{"field": field, "detail": why} for field, why in trouble.errors.items()]
    return JSONResponse(body, trouble.status, trouble.headers, media_type="application/problem+json")
