"""What came in is known again, and another content under a known id is told from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.duplicates import Seen, Sight

digests = st.integers(0, 5).map(lambda number: bytes([number]) * 16)


def test_new_repeat_and_reused() -> None:
    seen, key, first, other = Seen(), b"k" * 16, b"1" * 16, b"2" * 16
    assert seen.look(key, first) == (Sight.NEW, key)
    assert seen.add(key, first)
    assert seen.look(key, first) == (Sight.REPEAT, key)
    sight, own = seen.look(key, other)
    assert sight is Sight.REUSED
    assert seen.add(own, other)
    assert seen.look(key, other) == (Sight.REPEAT, own)
    assert seen.look(key, first) == (Sight.REPEAT, key)
    assert len(seen) == 2


@given(st.lists(st.tuples(digests, digests)))
def test_every_input_is_new_or_reused_once_and_a_dump_remembers_all(pairs: list[tuple[bytes, bytes]]) -> None:
    seen, refused = Seen(), set[tuple[bytes, bytes]]()
    for number, (key, content) in enumerate(pairs):
        assert seen.was_refused(key, content) == ((key, content) in refused)
        sight, own = seen.look(key, content)
        assert (sight is Sight.REPEAT) == ((key, content) in pairs[:number])
        wrong = sight is Sight.REUSED or (sight is Sight.NEW and content[0] == 0)
        if wrong:
            refused.add((key, content))
        assert seen.add(own, content, refused=wrong) == (sight is not Sight.REPEAT)
    loaded = Seen.load(*seen.dump())
    assert loaded.dump() == seen.dump()
    assert all(loaded.look(key, content)[0] is Sight.REPEAT for key, content in pairs)
    assert {pair for pair in pairs if loaded.was_refused(*pair)} == refused
    assert len(loaded) == len(set(pairs))


@pytest.mark.parametrize("days", [(), ("1969-12-31",), ("1970-01-01",), ("1970-01-01", "2026-03-02"), ("2026-03-02",)])
def test_a_dump_remembers_the_days_on_which_things_came(days: tuple[str, ...]) -> None:
    seen = Seen()
    for number, day in enumerate(days or ("",)):
        pair = bytes([number]) * 16, b"c" * 16
        seen.meet(*pair)
        if day:
            seen.settle(f"{day}T00:00:00Z", [pair])
    loaded = Seen.load(*seen.dump(), forgotten=seen.forgotten)
    assert (loaded.dump(), len(loaded)) == (seen.dump(), len(seen))
    pair = b"n" * 16, b"c" * 16
    for each in (seen, loaded):  # the same is forgotten
        each.meet(*pair)
        each.settle("2026-03-15T00:00:00Z", [pair])
    if days:
        assert loaded.dump() == seen.dump()
