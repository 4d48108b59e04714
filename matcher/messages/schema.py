"""JSON Schemas of every message and fact, and the AsyncAPI 3.0 document that names the channels they travel on.

Each schema stands alone in a file of its own (JSON Schema 2020-12): ``inbound/member.joined.v1.json`` checks a whole
event as a platform sends it, ``outbound/…`` a whole notice, ``facts/…`` a line of ``facts.jsonl``. The AsyncAPI
document refers to these files, so that each shape is said once.
"""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel

from matcher.ids import ID_PATTERN
from matcher.messages import vocabulary
from matcher.messages.envelope import Envelope, long_type
from matcher.messages.events import EVENTS
from matcher.messages.facts import DECISIONS
from matcher.messages.notices import NOTICES

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ASYNCAPI = "asyncapi.json"
VOCABULARY = "vocabulary.json"
ALERT_TYPES = frozenset({"alert.raised", "alert.cleared"})
INSTANT: Schema = {"type": "string", "description": "RFC 3339 with an offset."}
OPAQUE: Schema = {"type": "string", "pattern": ID_PATTERN}


def documents(version: str) -> dict[str, Schema]:
    """Every document of ``kindred schema``, by its file name; `version` is that of the software."""
    return {**schemas(), VOCABULARY: words(), ASYNCAPI: asyncapi(version)}


def schemas() -> dict[str, Schema]:
    """The JSON Schema of every v1 event, notice and fact, by file name."""
    return {
        **{inbound_file(name): _event(name, model) for name, model in EVENTS.items()},
        **{outbound_file(name): _notice(name, model) for name, model in NOTICES.items()},
        **{fact_file(name): _told(name, model) for name, model in EVENTS.items()},
        **{fact_file(name): _decided(name, model) for name, model in DECISIONS.items()},
    }


def inbound_file(name: str) -> str:
    """Where the schema of an inbound type lies."""
    return f"inbound/{name}.v1.json"


def outbound_file(name: str) -> str:
    """Where the schema of an outbound type lies."""
    return f"outbound/{name}.v1.json"


def fact_file(name: str) -> str:
    """Where the schema of a fact lies."""
    return f"facts/{name}.v1.json"


def words() -> dict[str, Any]:
    """The closed word lists, for those who build forms."""
    lists = {
        "themes": vocabulary.Theme,
        "states": vocabulary.State,
        "genders": vocabulary.Gender,
        "formats": vocabulary.Format,
        "pause_kinds": vocabulary.PauseKind,
    }
    return {name: list(get_args(words_)) for name, words_ in lists.items()}


def asyncapi(version: str) -> Schema:
    """The AsyncAPI 3.0 document: three channels on Kafka, and the operations as Kindred performs them."""
    channels = {
        "events": ("kindred.events", "What platforms tell Kindred.", {n: inbound_file(n) for n in EVENTS}),
        "matches": (
            "kindred.matches",
            "What Kindred tells platforms about pairs, waiting and mentors.",
            {n: outbound_file(n) for n in NOTICES if n not in ALERT_TYPES},
        ),
        "alerts": (
            "kindred.alerts",
            "What needs a person.",
            {n: outbound_file(n) for n in NOTICES if n in ALERT_TYPES},
        ),
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kindred",
            "version": version,
            "description": "Every message is a CloudEvent 1.0. On Kafka its attributes may also stand in `ce_` headers "
            "(binary mode); the key is the program. Over HTTP events come in at POST /v1/events and notices are read "
            "from GET /v1/notices.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {name: _channel(*about) for name, about in channels.items()},
        "operations": {
            "takeEvents": _operation("receive", "events", "An event is taken once, however often it is delivered."),
            "tellMatches": _operation("send", "matches", "The same notice has the same id whenever it is repeated."),
            "tellAlerts": _operation("send", "alerts", "The same notice has the same id whenever it is repeated."),
        },
    }


def _event(name: str, model: type[BaseModel]) -> Schema:
    data = model.model_json_schema()
    frame = Envelope.model_json_schema()
    needed = [*frame["required"], *(["data"] if data.get("required") else [])]
    return _envelope(name, frame["properties"], needed, data)


def _notice(name: str, model: type[BaseModel]) -> Schema:
    frame = Envelope.model_json_schema()
    everything = list(frame["properties"])
    return _envelope(name, frame["properties"], everything, model.model_json_schema(mode="serialization"))


def _envelope(name: str, properties: Schema, required: list[str], data: Schema) -> Schema:
    own = {"type": {"const": long_type(name)}, "data": data}
    return _standalone(long_type(name), {**properties, **own}, required, data)


def _told(name: str, model: type[BaseModel]) -> Schema:
    what = model.model_json_schema()
    data = _closed({"subject": OPAQUE, "time": INSTANT, "what": what})
    return _fact(name, data, what)


def _decided(name: str, model: type[BaseModel]) -> Schema:
    data = model.model_json_schema()
    return _fact(name, data, data)


def _fact(name: str, data: Schema, described: Schema) -> Schema:
    line = _closed({"program": OPAQUE, "n": {"type": "integer", "minimum": 1}, "at": INSTANT, "type": {"const": name}})
    required = [*line["required"], "data"]
    schema = _standalone(f"fact {name}", {**line["properties"], "data": data}, required, described)
    return {**schema, "additionalProperties": False}


def _standalone(title: str, properties: Schema, required: list[str], described: Schema) -> Schema:
    """A schema for a file of its own; the definitions of `described` move to its root, where references look."""
    schema = {
        "$schema": DIALECT,
        "title": title,
        "description": described.get("description", ""),
        "type": "object",
        "properties": properties,
        "required": required,
    }
    definitions = described.pop("$defs", None)
    return {**schema, "$defs": definitions} if definitions else schema


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _channel(address: str, about: str, files: dict[str, str]) -> Schema:
    return {
        "address": address,
        "description": about,
        "messages": {name: _message(name, file) for name, file in files.items()},
        "bindings": {"kafka": {"topic": address}},
    }


def _message(name: str, file: str) -> Schema:
    return {
        "name": long_type(name),
        "contentType": "application/cloudevents+json",
        "payload": {"$ref": f"./{file}"},
        "bindings": {"kafka": {"key": {**OPAQUE, "description": "The program."}}},
    }


def _operation(action: str, channel: str, summary: str) -> Schema:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}
