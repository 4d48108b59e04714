"""Sending a refused event again: as another event, under an id made of the old one.

Kindred remembers what it refused, as it remembers what it took, so the same event under its old id would do nothing
(docs/adr/0004). The new id follows from the old one, so an event that is sent again twice is taken once.
"""

from __future__ import annotations

import re
from typing import Final

from pydantic_core import from_json, to_json

from matcher.errors import Refused, code

NO_ID = code(
    "KND-letter-no-id",
    "The dead letter has no id that can be read, so it cannot be sent again under another. Publish the event anew.",
)

AGAIN: Final = re.compile(r"(?P<id>.*)~again-(?P<times>[1-9]\d{0,5})", re.DOTALL)


def next_id(id_: str) -> str:
    """The id under which an event is sent again: ``e-7`` → ``e-7~again-1`` → ``e-7~again-2``."""
    before = AGAIN.fullmatch(id_)
    return f"{before['id']}~again-{int(before['times']) + 1}" if before else f"{id_}~again-1"


def again_document(raw: bytes) -> bytes:
    """The event of a document under its next id. Raises Refused (KND-letter-no-id)."""
    try:
        document = from_json(raw, allow_inf_nan=False)
    except ValueError:
        raise no_id() from None
    if not isinstance(document, dict) or not isinstance(document.get("id"), str):
        raise no_id()
    return to_json(document | {"id": next_id(document["id"])})


def no_id() -> Refused:
    """The refusal to send again what has no id."""
    return Refused(NO_ID, "it has no id that can be read: publish the event anew")
