"""The schemas say what the models do, and what v1 promised stays true."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from matcher.errors import Refused
from matcher.messages import schema as shapes
from matcher.messages.catalog import parse
from matcher.messages.events import EVENTS
from matcher.messages.facts import DECISIONS, Told, read_fact
from matcher.messages.notices import NOTICES
from matcher.messages.schema import ASYNCAPI, documents, fact_file, inbound_file, outbound_file
from matcher.policy import Policy
from tools.compatibility import SNAPSHOT, breaks

SAMPLES = Path(__file__).parent.parent / "samples" / "v1"
ASYNCAPI_SCHEMA = Path(__file__).parent.parent / "data" / "asyncapi-3.0.0.schema.json.gz"

Documents = dict[str, list[dict[str, Any]]]


@cache
def schemas() -> dict[str, dict[str, Any]]:
    return shapes.schemas()


def samples(which: str) -> Documents:
    kept: Documents = json.loads((SAMPLES / f"{which}.json").read_text())
    return kept


def test_every_type_has_samples() -> None:
    assert samples("inbound").keys() == EVENTS.keys()
    assert samples("outbound").keys() == NOTICES.keys()
    assert samples("facts").keys() == EVENTS.keys() | DECISIONS.keys()


@pytest.mark.parametrize("name", EVENTS)
def test_events_of_v1_parse_for_ever(name: str) -> None:
    schema = jsonschema.Draft202012Validator(schemas()[inbound_file(name)])
    for document in samples("inbound")[name]:
        assert parse(document).type == name
        schema.validate(document)


@pytest.mark.parametrize("name", [*EVENTS, *DECISIONS])
def test_facts_of_v1_parse_for_ever_and_keep_their_bytes(name: str) -> None:
    schema = jsonschema.Draft202012Validator(schemas()[fact_file(name)])
    for document in samples("facts")[name]:
        line = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        fact = read_fact(line)
        assert fact.type == name
        assert isinstance(fact.data, Told) == (name in EVENTS)
        assert json.loads(fact.line()) == document
        schema.validate(document)


@pytest.mark.parametrize("name", NOTICES)
def test_notices_of_v1_fit_their_schema(name: str) -> None:
    schema = jsonschema.Draft202012Validator(schemas()[outbound_file(name)])
    for document in samples("outbound")[name]:
        schema.validate(document)
        NOTICES[name].model_validate(document["data"])


def test_policies_adopted_under_v1_can_be_read_for_ever() -> None:
    for document in samples("facts")["policy.adopted"]:
        assert Policy.from_text(document["data"]["text"])


def test_a_schema_refuses_what_the_model_refuses() -> None:
    schema = jsonschema.Draft202012Validator(schemas()[inbound_file("progress.checked_in")])
    good = samples("inbound")["progress.checked_in"][0]
    for wrong in ({**good, "data": {"mood": 11}}, {**good, "subject": "no space"}, {**good, "specversion": "0.3"}):
        assert not schema.is_valid(wrong)


def _replaced(document: Any, value: object) -> Iterator[Any]:
    """The document with each of its values and lists in turn, however deep, replaced."""
    if isinstance(document, dict):
        yield from ({**document, key: part} for key, old in document.items() for part in _replaced(old, value))
    elif isinstance(document, list):
        yield from (
            [*document[:at], part, *document[at + 1 :]]
            for at, old in enumerate(document)
            for part in _replaced(old, value)
        )
    yield value


def _parses(document: dict[str, Any]) -> bool:
    try:
        return bool(parse(document))
    except Refused:
        return False


@pytest.mark.parametrize("value", [True, "yes", "5", 5, 5.0, 5.5, 10**9, [], {}, [5], None], ids=repr)
def test_the_models_refuse_what_the_schema_refuses(value: object) -> None:
    refused = 0
    for name, kept in samples("inbound").items():
        schema = jsonschema.Draft202012Validator(schemas()[inbound_file(name)])
        for good in kept:
            for data in _replaced(good.get("data", {}), value):
                document = {**good, "data": data}
                if not schema.is_valid(document):
                    refused += 1
                    assert not _parses(document), (name, data)
    assert refused > 10


@pytest.mark.slow
def test_every_schema_meets_its_meta_schema() -> None:
    for schema in schemas().values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.slow
def test_the_asyncapi_document_meets_the_published_schema() -> None:
    published = json.loads(gzip.decompress(ASYNCAPI_SCHEMA.read_bytes()))
    document = documents("0.1.0")[ASYNCAPI]
    validator = jsonschema.Draft7Validator(published)
    assert list(validator.iter_errors(document)) == []
    wrong = copy.deepcopy(document)
    wrong["operations"]["takeEvents"]["action"] = "shout"
    assert not validator.is_valid(wrong)


def test_the_asyncapi_document_refers_to_files_and_channels_that_exist() -> None:
    written = documents("0.1.0")
    document = written[ASYNCAPI]
    messages = [message for channel in document["channels"].values() for message in channel["messages"].values()]
    assert len(messages) == len(EVENTS) + len(NOTICES)
    assert {message["payload"]["$ref"].removeprefix("./") for message in messages} <= written.keys()
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]


def test_nothing_breaks_what_v1_promised() -> None:
    assert breaks(json.loads(SNAPSHOT.read_text()), schemas()) == [], (
        "this change breaks older messages: make it additive; when nothing was released yet, "
        "run `python -m tools.compatibility --accept`"
    )


def _changed(file: str, change: str) -> dict[str, dict[str, Any]]:
    new = copy.deepcopy(schemas())
    schema = new[file]
    data = schema["properties"]["data"]
    match change:
        case "gone":
            del new[file]
        case "required":
            data.setdefault("required", []).append("zone")
        case "optional":
            data["required"].remove("fit")
        case "enum":
            schema["$defs"]["Experience"]["properties"]["state"]["enum"].remove("past")
        case "type":
            data["properties"]["zone"] = {"type": "integer"}
        case "bound":
            data["properties"]["experiences"]["maxItems"] = 3
        case "removed":
            del data["properties"]["zone"]
        case "closed":
            data["additionalProperties"] = False
    return new


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        ("inbound/member.joined.v1.json", "gone", "the type is gone"),
        ("inbound/member.joined.v1.json", "required", "data.zone is newly required"),
        ("inbound/member.joined.v1.json", "enum", "data.experiences.[].state no longer takes past"),
        ("inbound/member.joined.v1.json", "type", "data.zone no longer takes string"),
        ("inbound/member.joined.v1.json", "bound", "data.experiences: maxItems fell to 3"),
        ("inbound/member.joined.v1.json", "removed", "data.zone is gone"),
        ("inbound/member.joined.v1.json", "closed", "data no longer takes fields it does not know"),
        ("outbound/match.proposed.v1.json", "optional", "data.fit is no longer always there"),
    ],
)
def test_a_breaking_change_is_found(file: str, change: str, says: str) -> None:
    assert f"{file}: {says}" in breaks(schemas(), _changed(file, change))


def test_an_addition_breaks_nothing() -> None:
    new = copy.deepcopy(schemas())
    new["inbound/member.greeted.v1.json"] = new["inbound/member.resumed.v1.json"]
    new["inbound/member.left.v1.json"]["properties"]["data"]["properties"]["note"] = {"type": "string"}
    assert breaks(schemas(), new) == []
