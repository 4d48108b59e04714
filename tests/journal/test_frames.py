"""The format of entries: nothing is lost on the way, and no changed byte goes unseen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.frames import CHECKSUM, Batch, Chunk, Claim, Frame, Link, Record, Source, decode, encode
from journal.port import Entry
from matcher.errors import SafeHalt
from tests.journal.homes import AT

numbers = st.integers(-1, 2**62)
lines = st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b" ")), max_size=5).map(tuple)
digests = st.binary(min_size=16, max_size=16)
sources = st.none() | st.builds(Source, st.text(), st.text(), numbers, numbers)
links = st.builds(Link, numbers, numbers, digests, numbers, numbers)
batches = st.builds(
    Batch, st.text(), lines, lines, st.lists(st.tuples(digests, digests), max_size=3).map(tuple), sources
)
chunks = st.builds(Chunk, links, numbers, numbers, numbers, numbers, sources, st.binary(max_size=100))
frames = st.builds(Claim, numbers, st.text(), numbers) | st.builds(Record, links, batches) | chunks

LINK = Link(3, 17, bytes(range(16)), 40, 12)
EXAMPLES: list[Frame] = [
    Claim(3, "n-1", 12),
    Record(
        LINK,
        Batch(AT, (b'{"n":1}', b'{"n":2}'), (b'{"code":"KND-x"}',), ((b"i" * 16, b"c" * 16),), Source("t", "u", 0, 9)),
    ),
    Chunk(LINK, 0, 2, 1, 40, None, b"any bytes\n\0\xff"),
]


@given(frames)
def test_what_is_encoded_is_decoded(frame: Frame) -> None:
    assert decode(Entry(0, encode(frame))) == frame


@pytest.mark.parametrize("frame", EXAMPLES)
def test_no_changed_byte_and_no_cut_goes_unseen(frame: Frame) -> None:
    whole = encode(frame)
    changed = [
        whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1 :] for at in range(len(whole)) for bits in (1, 32, 255)
    ]
    cut = [whole[:at] for at in range(len(whole))]
    for body in [*changed, *cut, whole + b"\n", whole + whole]:
        with pytest.raises(SafeHalt) as halt:
            decode(Entry(7, body))
        assert halt.value.code == CHECKSUM
        assert "position 7" in halt.value.message


def test_an_entry_can_be_read_by_eye() -> None:
    head, header, *body = encode(EXAMPLES[1]).decode().split("\n")
    assert head.startswith("kindred-journal/1 ")
    assert header == (
        '{"kind":"record","epoch":3,"seq":17,"prev":"000102030405060708090a0b0c0d0e0f","announced":40,"base":12,'
        '"source":["t", "u", 0, 9],"at":"2026-03-02T09:14:00Z","facts":2,"refused":1,"taken":1}'
    )
    assert body == ['{"n":1}', '{"n":2}', '{"code":"KND-x"}', (b"i" * 16 + b"c" * 16).hex()]


@pytest.mark.parametrize(
    "batch", [Batch(AT, [b"two\nlines"]), Batch(AT, [], [b"two\nlines"]), Batch(AT, taken=[(bytes(15), bytes(17))])]
)
def test_a_batch_that_cannot_be_read_back_is_not_written(batch: Batch) -> None:
    with pytest.raises(ValueError, match=r"one line|16 bytes"):
        encode(Record(LINK, batch))
