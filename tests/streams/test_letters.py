"""Dead letters on Kafka: kept byte for byte, told once, and sent again under an id of their own."""

from __future__ import annotations

import json
import threading
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.errors import ConfigurationError, Refused
from streams.again import again_document, next_id
from streams.binary import Record, binary, read_record, structured
from streams.connection import Connection
from streams.letters import Letter, Origin, again, from_journal, letter_record, opened, read_letters
from tests.streams.brokers import new_topic, put
from tests.streams.cases import event, line
from tests.streams.grounds import until
from tests.streams.test_binary import BAD_RECORDS
from tools.kafka import Kafka

ORIGIN = Origin("kindred.events", 4, 17)
ORIGINALS = [record for record, _ in BAD_RECORDS.values()] + [structured(event()), binary(event())]


def test_the_headers_are_those_of_kip_1034_and_our_own() -> None:
    record = binary(event("e-1", "progress.checked_in"))
    kept = letter_record(record, ORIGIN, "KND-unknown-member", "nobody of this id has joined")
    assert (kept.key, kept.value) == (record.key, record.value)
    assert list(kept.headers) == [
        *record.headers,
        ("__streams.errors.exception", b"matcher.errors.Refused"),
        ("__streams.errors.message", b"nobody of this id has joined"),
        ("__streams.errors.topic", b"kindred.events"),
        ("__streams.errors.partition", b"4"),
        ("__streams.errors.offset", b"17"),
        ("__kindred.errors.code", b"KND-unknown-member"),
        ("__kindred.errors.program", b"river"),
    ]


PARTS = st.one_of(st.none(), st.binary(max_size=20))
NAMES = st.one_of(
    st.text(max_size=5), st.sampled_from(["ce_id", "__streams.errors.exception", "__kindred.errors.code"])
)


@given(PARTS, PARTS, st.lists(st.tuples(NAMES, st.binary(max_size=9)), max_size=6))
def test_what_came_is_kept_byte_for_byte(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    kept = opened(letter_record(Record(key, value, headers), ORIGIN, "KND-malformed", "not JSON"), "0:1", 5)
    sendable = b"" if key is None and value is None else value  # Kafka's clients send no null beside a null
    assert kept.original == Record(key, sendable, headers)
    assert (kept.origin, kept.code, kept.reason, kept.position, kept.at) == (
        ORIGIN,
        "KND-malformed",
        "not JSON",
        "0:1",
        5,
    )


def test_a_letter_of_a_letter_keeps_both_reasons() -> None:
    once = letter_record(binary(event()), ORIGIN, "KND-unknown-member", "first")
    twice = opened(letter_record(once, Origin("kindred.events", 4, 99), "KND-has-left", "second"), "0:2", 0)
    assert (twice.code, twice.reason) == ("KND-has-left", "second")
    assert opened(twice.original, "0:1", 0).reason == "first"


def test_any_record_can_be_opened() -> None:
    for record in ORIGINALS:
        letter = opened(record, "0:0", 0)
        assert (letter.original, letter.code, letter.origin) == (record, "", None)


def test_what_the_journal_kept_stands_in_for_what_is_gone() -> None:
    reason = {"code": "KND-unknown-member", "reason": "nobody", "offset": 7}
    in_text = from_journal({**reason, "original": line().decode()}, None, "kindred.events", 3)
    in_bytes = from_journal({**reason, "original_base64": b64encode(b"\xff").decode()}, None, "kindred.events", 3)
    assert opened(in_text, "0:0", 0).origin == Origin("kindred.events", 3, 7)
    assert read_record(opened(in_text, "0:0", 0).original).id == "e-1"
    assert opened(in_bytes, "0:0", 0).original.value == b"\xff"
    whole = from_journal({**reason, "original": "{}"}, binary(event()), "kindred.events", 3)
    assert opened(whole, "0:0", 0).original == binary(event())


@pytest.mark.parametrize("form", [binary, structured])
def test_sent_again_is_the_same_under_the_next_id(form: object) -> None:
    original = form(event("e-7", traceparent="00-1-1-00"))  # type: ignore[operator]
    first = again(original)
    second = again(first)
    assert [read_record(each).id for each in (original, first, second)] == ["e-7", "e-7~again-1", "e-7~again-2"]
    assert read_record(first).content == read_record(original).content
    assert read_record(first).key != read_record(original).key
    assert again(original) == first
    assert first.key == original.key
    if form is binary:
        assert first.value == original.value
        assert [pair for pair in first.headers if pair[0] != "ce_id"] == [
            p for p in original.headers if p[0] != "ce_id"
        ]


@pytest.mark.parametrize(("id_", "expected"), [("a", "a~again-1"), ("a~again-9", "a~again-10"), ("~", "~~again-1")])
def test_the_next_id(id_: str, expected: str) -> None:
    assert next_id(id_) == expected


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b'{"id": 7}', b"\xff"])
def test_what_has_no_id_cannot_be_sent_again(raw: bytes) -> None:
    for attempt in (lambda: again_document(raw), lambda: again(Record(b"river", raw, []))):
        with pytest.raises(Refused) as caught:
            attempt()
        assert caught.value.code == "KND-letter-no-id"


@pytest.mark.slow
def test_letters_are_read_once_each_oldest_first(kafka_broker: Kafka) -> None:
    topic = new_topic(kafka_broker.address, partitions=3, max_message_bytes="2097176")
    kept = [
        letter_record(record, Origin("kindred.events", 0, number), "KND-malformed", "why")
        for number, record in enumerate(ORIGINALS)
    ]
    for record in [*kept, *kept[-3:]]:  # the last three are announced again, after a crash
        put(kafka_broker.address, topic, [record])
    letters = read_letters(Connection(kafka_broker.address), topic=topic)
    assert [each.origin for each in letters if each.origin] == [
        Origin("kindred.events", 0, number) for number in range(len(ORIGINALS))
    ]
    for letter, record in zip(letters, ORIGINALS, strict=True):
        assert letter.original.headers == [tuple(pair) for pair in record.headers]
        assert (letter.original.key, letter.original.value or b"") == (record.key, record.value or b"")

    def known(letter: Letter) -> bool:
        return letter.program == "river"

    chosen = read_letters(Connection(kafka_broker.address), known, topic=topic)
    assert 0 < len(chosen) < len(letters)
    assert {json.loads(json.dumps(each.program)) for each in chosen} == {"river"}


@pytest.mark.slow
def test_a_topic_that_is_not_there_leaves_no_client_behind(kafka_broker: Kafka) -> None:
    before = set(threading.enumerate())
    with pytest.raises(ConfigurationError) as caught:
        read_letters(Connection(kafka_broker.address), topic="kindred.none")
    assert caught.value.code == "KND-kafka-no-topic"
    until(lambda: set(threading.enumerate()) <= before)
