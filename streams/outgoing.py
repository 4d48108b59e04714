"""Events on their way out: from whatever form a platform has them in to a record, checked as Kindred will read it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import from_json

from matcher.errors import Refused
from matcher.messages.catalog import MALFORMED, Event, parse
from streams.binary import Record, binary, document_of, read_record, structured
from streams.intake import EVENT_BYTES_MAX, TOO_LARGE, Input, read_input

Publishable = Event | Mapping[str, object] | bytes | str | Input | Record
"""An event as an object, as a CloudEvents document, as its JSON text, as read from a file, or as a record whole."""


def prepared(event: Publishable) -> tuple[Event, Record]:
    """The event, and the record that carries it, in binary mode unless one is given.

    Raises Refused when Kindred could not read it.
    """
    if isinstance(event, Record):
        return _event(read_record(event)), event
    document = _document(event)
    parsed = parse(document)
    try:
        record = binary(document)
    except (TypeError, ValueError, RecursionError):
        raise Refused(MALFORMED, "the document has something that JSON in UTF-8 cannot hold") from None
    if (size := len(structured(document).value or b"")) > EVENT_BYTES_MAX:
        raise Refused(TOO_LARGE, f"an event has at most {EVENT_BYTES_MAX} bytes, this one has {size}")
    return parsed, record


def _event(item: Input) -> Event:
    if item.event is None:
        raise item.refusal or AssertionError("an input is an event or a refusal")
    return item.event


def _document(event: Event | Mapping[str, object] | bytes | str | Input) -> Mapping[str, object]:
    match event:
        case Event():
            return document_of(event)
        case Mapping():
            return event
        case Input():
            item = event
        case _:
            item = _read(event)
    _event(item)
    document: dict[str, object] = from_json(item.raw)
    return document


def readable_id(event: Publishable) -> str:
    """The id of a refused event, as far as it can be read."""
    match event:
        case Event() | Input():
            return event.id
        case Mapping():
            id_ = event.get("id")
            return id_ if isinstance(id_, str) else ""
        case _:
            return read_record(event).id if isinstance(event, Record) else _read(event).id


def _read(text: bytes | str) -> Input:
    return read_input(text.encode(errors="surrogatepass") if isinstance(text, str) else bytes(text))
