"""CloudEvents on Kafka: a record is the same input as the same event in a file, and nothing raises."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.messages.catalog import parse
from streams.binary import (
    Place,
    Record,
    binary,
    document_of,
    joined,
    partition_of,
    program_of,
    read_record,
    structured,
    structured_form,
)
from streams.intake import NO_PROGRAM, read_input
from tests.streams.cases import BAD_INPUTS, cohort_lines, event, line

SAMPLES = json.loads((Path(__file__).parent.parent / "samples" / "v1" / "inbound.json").read_text())
EVENTS: list[dict[str, Any]] = [json.loads(text) for text in cohort_lines()[:60]] + [
    sample for samples in SAMPLES.values() for sample in samples
]


@pytest.mark.parametrize("mode", [binary, structured])
def test_a_record_is_the_input_of_its_event_in_a_file(mode: Any) -> None:
    for document in EVENTS:
        in_file, on_kafka = read_input(json.dumps(document).encode()), read_record(mode(document))
        assert on_kafka.event == in_file.event is not None
        assert on_kafka[1:] == in_file[1:]
        assert json.loads(on_kafka.raw).get("data", {}) == document.get("data", {})


def test_the_headers_are_those_of_the_binding() -> None:
    record = binary(event(traceparent="00-1-1-00", sampled=True, hops=3, odd=[1]))
    assert record.key == b"river"
    assert record.value == b'{"experiences":[{"code":"F11.20"}]}'
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"e-1",
        "ce_source": b"/intake",
        "ce_type": b"kindred.member.joined.v1",
        "ce_subject": b"m-1",
        "ce_partitionkey": b"river",
        "ce_time": b"2026-03-02T09:00:00Z",
        "ce_traceparent": b"00-1-1-00",
        "ce_sampled": b"true",
        "ce_hops": b"3",
        "content-type": b"application/json",
    }


def test_an_event_becomes_its_document_again() -> None:
    for document in EVENTS:
        parsed = parse(document)
        assert parse(document_of(parsed)) == parsed
        assert read_record(binary(document_of(parsed))).event == parsed


@pytest.mark.parametrize(("raw", "code"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_what_is_bad_in_a_file_is_bad_in_structured_mode(raw: bytes, code: str) -> None:
    item = read_record(Record(b"river", raw, [("content-type", b"application/cloudevents+json; charset=utf-8")]))
    assert item.refusal is not None
    assert (item.event, item.refusal.code) == (None, code)


GOOD = binary(event())


def changed(**headers: bytes | None) -> Record:
    """The good record with these headers replaced (`content_type` for content-type), or left out when None."""
    named = {name.replace("content_type", "content-type"): value for name, value in headers.items()}
    found = {**dict(GOOD.headers), **named}
    return GOOD._replace(headers=[(name, value) for name, value in found.items() if value is not None])


BAD_RECORDS: dict[str, tuple[Record, str]] = {
    "no key": (GOOD._replace(key=None), "KND-wrong-key"),
    "another program's key": (GOOD._replace(key=b"lake"), "KND-wrong-key"),
    "key not UTF-8": (GOOD._replace(key=b"\xff"), "KND-wrong-key"),
    "empty": (Record(None, None, []), "KND-malformed"),
    "no value": (GOOD._replace(value=None), "KND-bad-data"),
    "empty value": (GOOD._replace(value=b""), "KND-bad-data"),
    "no headers": (GOOD._replace(headers=[]), "KND-malformed"),
    "value not UTF-8": (GOOD._replace(value=b'{"a": "\xff"}'), "KND-malformed"),
    "two values": (GOOD._replace(value=b"{} {}"), "KND-malformed"),
    "value that adds attributes": (GOOD._replace(value=b'{},"subject":"m-2"'), "KND-malformed"),
    "value of brackets": (GOOD._replace(value=b"[" * 100_000), "KND-malformed"),
    "value of 900 KB": (GOOD._replace(value=b'{"pad":"%b"}' % (b"x" * 900_000)), "KND-too-large"),
    "value at the limit, too large with its headers": (
        GOOD._replace(value=b'"%b"' % (b"x" * 262_000)),
        "KND-too-large",
    ),
    "a header twice": (GOOD._replace(headers=[*GOOD.headers, ("ce_id", b"e-2")]), "KND-malformed"),
    "header not UTF-8": (changed(ce_subject=b"\xff"), "KND-malformed"),
    "no id": (changed(ce_id=None), "KND-malformed"),
    "empty id": (changed(ce_id=b""), "KND-malformed"),
    "another version": (changed(ce_specversion=b"0.3"), "KND-malformed"),
    "another content": (changed(content_type=b"application/avro"), "KND-malformed"),
    "unknown type": (changed(ce_type=b"kindred.member.flew.v1"), "KND-unknown-type"),
    "data that does not fit": (GOOD._replace(value=b'{"experiences":"F11.20"}'), "KND-bad-data"),
}


@pytest.mark.parametrize(("record", "code"), BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_a_bad_record_is_a_refusal_that_repeats_nothing(record: Record, code: str) -> None:
    item = read_record(record)
    assert item.event is None
    assert item.refusal is not None
    assert item.refusal.code == code
    assert not any(word in item.refusal.message for word in ("m-1", "F11.20", "lake", "flew"))


def test_bad_records_are_told_apart_by_all_of_their_bytes() -> None:
    unreadable = [read_record(record) for record, _ in BAD_RECORDS.values()]
    without_id = [item for item in unreadable if not item.id]
    assert len({item.key for item in without_id}) == len(without_id) > 10
    assert {item.content[:4] for item in without_id} == {NO_PROGRAM}


def test_an_event_under_the_wrong_key_does_not_stand_in_the_way_of_the_right_one() -> None:
    wrong, right = read_record(GOOD._replace(key=b"lake")), read_record(GOOD)
    assert right.event is not None
    assert wrong.key != right.key


def test_a_record_in_a_partition_that_is_not_its_keys_is_refused() -> None:
    home = partition_of(b"river", 12)
    for partition in range(12):
        item = read_record(GOOD, Place(partition, 12))
        assert (item.event is not None) == (partition == home)
        assert item.refusal is None or item.refusal.code == "KND-wrong-key"


def test_the_program_is_known_when_key_and_event_agree() -> None:
    other = binary(event(partitionkey="lake"))._replace(key=b"river")
    unknown_type = changed(ce_type=b"kindred.member.flew.v1")
    known = [program_of(record, read_record(record)) for record in (GOOD, unknown_type, other, GOOD._replace(key=None))]
    assert known == ["river", "river", None, None]


PARTS = st.one_of(st.none(), st.binary(max_size=60), st.just(line()), st.sampled_from([b"{}", b"river"]))
NAMES = st.one_of(st.text(max_size=8), st.sampled_from([name for name, _ in GOOD.headers]))
VALUES = st.one_of(st.binary(max_size=30), st.sampled_from([value for _, value in GOOD.headers]))


@given(PARTS, PARTS, st.lists(st.tuples(NAMES, VALUES), max_size=12))
def test_any_record_is_an_input(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    item = read_record(Record(key, value, headers), Place(0, 3))
    assert (item.event is None) == (item.refusal is not None)
    assert len(item.key) == len(item.content) == 16


def test_http_and_kafka_read_binary_mode_alike() -> None:
    attributes = {name[3:]: value.decode() for name, value in GOOD.headers if name.startswith("ce_")}
    assert joined(attributes, "application/json", GOOD.value or b"")[0] == structured_form(GOOD)
