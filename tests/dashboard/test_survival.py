"""How long pairs last, beside scipy's estimate of the same."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.cells import CELL_MIN
from dashboard.survival import Lasted, Looks, column, curve, looks

days = st.floats(0, 900)
pairs = st.lists(
    st.builds(lambda followed, share: Lasted(followed, None if share > 1 else followed * share), days, st.floats(0, 2)),
    max_size=120,
)


def counted(all_pairs: list[Lasted], at: Looks) -> list[int]:
    places = [column(pair, at) for pair in all_pairs]
    return [places.count(place) for place in range(len(at.days) + len(at.followed))]


@given(pairs)
def test_every_pair_counts_once_and_no_count_is_small(some: list[Lasted]) -> None:
    at = looks(some)
    if at is not None:
        counts = counted(some, at)
        assert sum(counts) == len(some)
        assert min(counts) >= CELL_MIN
        assert list(at.days) == sorted(set(at.days))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")
@given(pairs)
@settings(deadline=None)
def test_the_curve_is_that_of_scipy_on_the_same_counts(some: list[Lasted]) -> None:
    from scipy.stats import CensoredData, ecdf  # over a second, which collecting the other tests need not pay

    at = looks(some)
    if at is None:
        return
    counts = counted(some, at)
    ended = [day for day, count in zip(at.days, counts, strict=False) for _ in range(count)]
    going = [
        float(at.days[look - 1]) if look else 0.0
        for look, count in zip(at.counted, counts[len(at.days) :], strict=True)
        for _ in range(count)
    ]
    found = ecdf(CensoredData(uncensored=ended, right=going)).sf
    band = found.confidence_interval(method="log-log")
    for point in curve(counts, at):
        assert point.share == pytest.approx(float(found.evaluate(point.day)))
        if 0 < point.share < 1:
            assert point.low == pytest.approx(float(band.low.evaluate(point.day)))
            assert point.high == pytest.approx(float(band.high.evaluate(point.day)))


def test_it_is_without_bias_where_most_pairs_are_young() -> None:
    """Half-lives of 120 days, seen for 0 to 300 days: what ended counts no sooner than what goes on."""
    dice = random.Random(7)
    some = []
    for _ in range(20_000):
        followed, life = dice.uniform(0, 300), dice.expovariate(0.693 / 120)
        some.append(Lasted(followed, life if life <= followed else None))
    at = looks(some)
    assert at is not None
    for point in curve(counted(some, at), at):
        assert point.share == pytest.approx(0.5 ** (point.day / 120), abs=0.02)
        assert point.low < 0.5 ** (point.day / 120) + 0.01
        assert point.high > 0.5 ** (point.day / 120) - 0.01


def test_nothing_is_drawn_of_few_endings_or_when_all_have_ended() -> None:
    young = [Lasted(100.0, None)] * 50
    assert looks([*young, *[Lasted(100.0, 20.0)] * 4]) is None
    assert looks([Lasted(100.0, 20.0)] * 50) is None
    assert looks([*young, *[Lasted(100.0, 20.0)] * 5]) == Looks((30,), (range(2),), (1,))


def test_the_curve_ends_where_too_few_are_left() -> None:
    some = [*[Lasted(40.0, None)] * 60, *[Lasted(100.0, None)] * 2, *[Lasted(40.0, 20.0)] * 20]
    some += [Lasted(100.0, 80.0)] * 5
    assert looks(some) == Looks((30,), (range(2),), (1,))
    assert looks([*some, *[Lasted(100.0, None)] * 3]) == Looks((30, 90), (range(2), range(2, 3)), (1, 2))
