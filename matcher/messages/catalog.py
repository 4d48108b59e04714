"""The catalog: from a type name to its model, and from an incoming document to an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from matcher.errors import Refused, code
from matcher.messages.envelope import Envelope, long_type
from matcher.messages.events import EVENTS, Data

MALFORMED = code(
    "KND-malformed",
    "The document is not a CloudEvent 1.0 in JSON: not UTF-8, not JSON, nested too deeply, or an attribute is missing "
    "or of the wrong form. Mend the field that the reason names and send it again.",
)
UNKNOWN_TYPE = code(
    "KND-unknown-type", "The event's type is not one of the inbound v1 types. `kindred schema` lists them."
)
BAD_DATA = code(
    "KND-bad-data",
    "The event's data does not have the shape of its type. The reason names the field; `kindred schema` has the shape.",
)

_BY_TYPE: dict[str, tuple[str, type[Data]]] = {long_type(name): (name, model) for name, model in EVENTS.items()}


@dataclass(frozen=True, slots=True)
class Event:
    """An inbound event: `type` is its short name, `time` (epoch seconds) says when it happened."""

    id: str
    source: str
    type: str
    subject: str
    program: str
    time: int
    data: Data


def parse(document: Mapping[str, object] | bytes | str) -> Event:
    """The event of a CloudEvents document (a mapping, or its JSON text).

    Raises Refused with KND-malformed, KND-unknown-type or KND-bad-data. The reason names the field and what is wrong
    with it, never the value: that may be a personal fact.
    """
    try:
        if isinstance(document, (bytes, str)):
            envelope = Envelope.model_validate_json(document)
        else:
            envelope = Envelope.model_validate(document)
    except ValidationError as trouble:
        raise Refused(MALFORMED, _reason("not a CloudEvent 1.0", trouble)) from None
    return _event(envelope)


def _event(envelope: Envelope) -> Event:
    known = _BY_TYPE.get(envelope.type)
    if known is None:
        raise Refused(UNKNOWN_TYPE, "the type is not an inbound v1 type: run `kindred schema` for the list of them")
    name, model = known
    try:
        data = model.model_validate(envelope.data)
    except ValidationError as trouble:
        raise Refused(BAD_DATA, _reason(f"the data of this {name} does not fit", trouble)) from None
    return Event(envelope.id, envelope.source, name, envelope.subject, envelope.partitionkey, envelope.time, data)


def _reason(what: str, trouble: ValidationError) -> str:
    first = trouble.errors(include_url=False, include_context=False, include_input=False)[0]
    # A dictionary key is part of a path; only names of our own fields and positions may be shown.
    where = ".".join(str(step) for step in first["loc"] if isinstance(step, int) or step.isidentifier())[:80]
    return f"{what}: {where or 'document'}: {first['msg'].removeprefix('Value error, ')}"
