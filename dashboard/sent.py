"""What a browser or a program sent, as texts that a database can hold: checked once, before anything reads it.

PostgreSQL takes no NUL, and no encoding a lone surrogate; no person types either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from fastapi import Request
from starlette.datastructures import FormData, QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.trouble import BAD_FORM, Trouble, not_found

FIELDS_MAX: Final = 2_000  # "approve all" has twenty pairs, a group supervision some hundred names
PART_BYTES_MAX: Final = 1024 * 1024  # of a field that is not a file
_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")


class Legible:
    """Refuses an address that holds what no text does, before any route sees it: an ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on. Raises Trouble."""
        if scope["type"] == "http":
            if not _is_text(scope["path"]):
                raise not_found()
            check(part for pair in QueryParams(scope["query_string"]).multi_items() for part in pair)
        await self._app(scope, receive, send)


async def form_of(request: Request) -> FormData:
    """The form of a request. Raises Trouble."""
    form = await request.form(max_fields=FIELDS_MAX, max_part_size=PART_BYTES_MAX)
    check(part for pair in form.multi_items() for part in pair)
    return form


def check(values: Iterable[Any]) -> None:
    """Refuse what holds such a character, also deep in lists and objects. Raises Trouble."""
    left = list(values)
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        elif isinstance(value, str) and not _is_text(value):
            raise Trouble(400, BAD_FORM, "a text holds a character that nothing can be written with (NUL, surrogates)")


def _is_text(value: str) -> bool:
    return _NO_TEXT.search(value) is None
