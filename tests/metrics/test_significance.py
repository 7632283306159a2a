"""Intervals and tests against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikirank.errors import InvalidArgumentError
from wikirank.metrics.significance import bootstrap_interval, permutation_p_value

VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_interval_of_two_values_spans_both() -> None:
    # Resamples of (0, 1) have the means 0, 1/2 and 1 with probabilities 1/4, 1/2 and 1/4, so the
    # 2.5 % quantile is 0 and the 97.5 % quantile is 1; the middle half of them is all that a
    # confidence of 40 % keeps.
    assert bootstrap_interval([0, 1], rng()) == (0, 1)
    assert bootstrap_interval([0, 1], rng(), confidence=0.4) == (0.5, 0.5)


def test_interval_of_many_coin_tosses_is_the_normal_one() -> None:
    # 400 tosses, half of them heads: standard error sqrt(0.25 / 400) = 0.025, times 1.96.
    low, high = bootstrap_interval([0, 1] * 200, rng(), resamples=5000)
    assert low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.004)
    assert high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.004)


def test_interval_is_the_same_when_drawn_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.linspace(0, 1, 50)
    whole = bootstrap_interval(values, rng())
    monkeypatch.setattr("wikirank.metrics.significance._MAX_DRAWN", 70)
    assert bootstrap_interval(values, rng()) == pytest.approx(whole)


@given(VALUES, st.integers(0, 9))
def test_interval_lies_within_the_values_and_repeats(values: list[float], seed: int) -> None:
    low, high = bootstrap_interval(values, rng(seed), resamples=200)
    assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12
    assert bootstrap_interval(values, rng(seed), resamples=200) == (low, high)


@given(st.floats(-5, 5), st.integers(1, 20))
def test_interval_of_equal_values_is_that_value(value: float, count: int) -> None:
    assert bootstrap_interval([value] * count, rng(), resamples=50) == pytest.approx((value, value))


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([1], 1),  # Both signs give a sum of distance 1.
        ([1, 1, 1], 2 / 8),  # +++ and ---
        ([1, 2], 2 / 4),  # Sums 3, -1, 1, -3: two are 3 from 0.
        ([1, 2, -3], 1),  # The sum is 0, so every flip is at least as far.
        ([0, 0, 1, 1], 2 / 4),  # Zeros have no sign to flip.
        ([0, 0], 1),
        ([0.1, 0.2, 0.3], 2 / 8),  # 0.1 + 0.2 + 0.3 is not 0.6 in floating point.
    ],
)
def test_all_flips_by_hand(differences: list[float], expected: float) -> None:
    zeros = [0.0] * len(differences)
    assert permutation_p_value(differences, zeros, rng()) == pytest.approx(expected)


def test_random_flips_agree_with_the_binomial_distribution() -> None:
    # 12 wins and 4 losses of size 1: sums of 8 or more from 0 are 12 or more heads of 16, or 4 or
    # fewer: 2 * (1820 + 560 + 120 + 16 + 1) / 65536 = 0.0768.
    wins = [1] * 12 + [0] * 4
    losses = [0] * 12 + [1] * 4
    assert permutation_p_value(wins, losses, rng(), resamples=20_000) == pytest.approx(
        0.0768, abs=0.006
    )


def test_random_flips_never_give_zero() -> None:
    assert permutation_p_value([1] * 60, [0] * 60, rng(), resamples=999) == 1 / 1000


@pytest.mark.parametrize(("count", "resamples"), [(2000, 100), (3, 7), (3, 8)])
def test_as_many_queries_as_there_are(count: int, resamples: int) -> None:
    value = permutation_p_value([1] * count, [0] * count, rng(), resamples=resamples)
    # All 8 flips of 3 differences are tried as soon as 8 are allowed.
    assert (value == 2 / 8) == (resamples == 8)


def test_a_true_null_hypothesis_is_seldom_rejected() -> None:
    noise = rng(1)
    values = [
        permutation_p_value(noise.normal(size=40), noise.normal(size=40), noise, resamples=500)
        for _ in range(200)
    ]
    assert np.mean(np.array(values) < 0.05) < 0.1
    assert np.mean(values) == pytest.approx(0.5, abs=0.08)


@given(VALUES.flatmap(lambda first: st.tuples(st.just(first), st.permutations(first))))
def test_the_test_is_symmetric_and_in_range(pair: tuple[list[float], list[float]]) -> None:
    first, second = pair
    value = permutation_p_value(first, second, rng(), resamples=300)
    assert 0 < value <= 1
    assert permutation_p_value(second, first, rng(), resamples=300) == pytest.approx(value)


@pytest.mark.parametrize("values", [[], [[1.0]], [float("nan")], [float("inf")]])
def test_values_that_have_no_mean_are_refused(values: list[float]) -> None:
    with pytest.raises(InvalidArgumentError, match="finite numbers"):
        bootstrap_interval(values, rng())
    with pytest.raises(InvalidArgumentError, match="finite numbers"):
        permutation_p_value(values, values, rng())


def test_arguments_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="as many values"):
        permutation_p_value([1, 2], [1], rng())
    with pytest.raises(InvalidArgumentError, match="resamples"):
        permutation_p_value([1], [1], rng(), resamples=0)
    with pytest.raises(InvalidArgumentError, match="resamples"):
        bootstrap_interval([1], rng(), resamples=0)
    with pytest.raises(InvalidArgumentError, match="confidence"):
        bootstrap_interval([1], rng(), confidence=1)
