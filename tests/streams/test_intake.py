"""Any bytes become an input: an event, or the reason why it is none, with the bytes kept."""

import json
import re
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake import EVENT_BYTES_MAX, KEPT_BYTES, NO_PROGRAM, dead_letter, program_digest, read_input
from tests.streams.cases import BAD_INPUTS, event, line

SAMPLES = Path(__file__).parent.parent / "samples" / "v1" / "inbound.json"


def _kept(raw: bytes) -> bytes:
    item = read_input(raw)
    assert item.refusal is not None
    text = dead_letter(item, item.refusal, 7)
    assert b"\n" not in text
    letter = json.loads(text)
    assert letter["position"] == 7
    return b64decode(letter["original_base64"]) if "original_base64" in letter else letter["original"].encode()


@pytest.mark.parametrize(("raw", "code"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_bad_input_is_refused_and_kept(raw: bytes, code: str) -> None:
    item = read_input(raw)
    assert item.event is None
    assert item.refusal is not None
    assert item.refusal.code == code
    assert _kept(raw) == (raw if code != "KND-too-large" else raw[:KEPT_BYTES])


@given(st.binary(max_size=200))
def test_any_bytes_are_kept(raw: bytes) -> None:
    assert _kept(raw) == raw


@given(st.binary(max_size=40), st.sampled_from(["id", "source", "type", "time", "data", "subject"]))
def test_any_value_in_the_place_of_an_attribute_is_an_input(value: bytes, name: str) -> None:
    raw = line().replace(b'"%b"' % name.encode(), b'"%b": %b, "x"' % (name.encode(), value))
    item = read_input(raw)
    assert (item.event is None) == (item.refusal is not None)
    assert len(item.key) == len(item.content) == 16


def test_reasons_never_say_what_was_in_the_event() -> None:
    secret = "sertraline"
    for raw, _ in BAD_INPUTS.values():
        refusal = read_input(raw.replace(b"/intake", secret.encode()).replace(b'"x"', b'"sertraline"')).refusal
        assert refusal is None or secret not in refusal.message


def test_a_time_that_is_none_is_not_repeated() -> None:
    said = 0
    for documents in json.loads(SAMPLES.read_text()).values():
        for text in map(json.dumps, documents):
            for time in set(re.findall(r'"(20\d\d-[^"]*)"', text)):
                refusal = read_input(text.replace(f'"{time}"', '"sertraline"').encode()).refusal
                assert refusal is not None
                assert "sertraline" not in refusal.message
                said += 1
    assert said > 50


def test_control_characters_that_json_would_blow_up_are_kept_in_base64() -> None:
    raw = b"\x01" * (EVENT_BYTES_MAX - 1)
    item = read_input(raw)
    assert item.refusal is not None
    text = dead_letter(item, item.refusal, 1)
    assert len(text) < 600_000
    assert b64decode(json.loads(text)["original_base64"]) == raw


def test_of_a_line_that_is_too_large_size_and_digest_are_kept() -> None:
    raw = line(pad="x" * EVENT_BYTES_MAX)
    item = read_input(raw)
    assert item.refusal is not None
    letter = json.loads(dead_letter(item, item.refusal, 1))
    assert letter["original_bytes"] == len(raw)
    assert letter["original_sha256"] == sha256(raw).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        json.dumps(event(), indent=1).encode(),
        json.dumps(dict(reversed(event().items()))).encode(),
        line(traceparent="00-1-1-00"),
        line(datacontenttype="application/json"),
    ],
    ids=["spacing", "order", "trace id", "content type said"],
)
def test_the_same_event_however_it_is_written(other: bytes) -> None:
    first, second = read_input(line()), read_input(other)
    assert (first.key, first.content) == (second.key, second.content)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "m-2"},
        {"time": "2026-03-02T09:00:01Z"},
        {"partitionkey": "lake"},
        {"type": "kindred.member.left.v1"},
        {"data": {"experiences": [{"code": "F11.20"}], "a_later_field": 1}},
    ],
)
def test_other_content_under_the_same_id(changes: dict[str, object]) -> None:
    first, second = read_input(line()), read_input(line(**changes))
    assert first.key == second.key
    assert first.content != second.content


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b'{"b": [{"d": 1, "c": 2}], "a": 3}', b'{"a": 3, "b": [{"c": 2, "d": 1}]}', True),
        (b'"\\u00e9\\n"', '"é\\u000a"'.encode(), True),
        (b"1.0", b"10e-1", True),
        (b"1.0", b"1", False),
        (b"1180591620717411303424", b"1180591620717411303425", False),
        (b'{"b": 1180591620717411303424, "a": 1}', b'{"a": 1, "b": 1180591620717411303424}', True),
    ],
    ids=["order within", "escapes", "numbers", "whole and not", "large numbers", "order beside a large number"],
)
def test_data_that_this_version_does_not_read_is_content(one: bytes, other: bytes, same: bool) -> None:
    raw = line(data={"experiences": [{"code": "F11.20"}], "a_later_field": "HERE"})
    first, second = (read_input(raw.replace(b'"HERE"', value)) for value in (one, other))
    assert first.event is not None
    assert (first.content == second.content) == same


def test_source_and_id_do_not_run_together() -> None:
    assert read_input(line(source="ab", id="c")).key != read_input(line(source="a", id="bc")).key


def test_the_content_names_the_program() -> None:
    assert read_input(line()).content[:4] == program_digest("river")
    assert read_input(b"{}").content[:4] == NO_PROGRAM


def test_without_an_id_the_bytes_tell() -> None:
    assert read_input(b"{} ").key != read_input(b"{}").key
    assert read_input(b"{}").key == sha256(b"{}").digest()[:16]
