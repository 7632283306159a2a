"""How sure a mean over queries is, and whether two rankings differ by more than chance.

After Efron and Tibshirani, "An introduction to the bootstrap" (1993), and Smucker, Allan and
Carterette, "A comparison of statistical significance tests for information retrieval
evaluation", CIKM 2007.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wikirank.errors import InvalidArgumentError

# Random numbers drawn at once: bounds the memory, whatever the number of queries.
_DRAWN_AT_ONCE = 2_000_000


class Interval(NamedTuple):
    """A confidence interval, both ends included."""

    low: float
    high: float


def bootstrap_interval(
    values: ArrayLike,
    rng: np.random.Generator,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> Interval:
    """Percentile bootstrap interval of a mean over queries.

    Args:
        values: The metric of each query, shape (n,), n at least 1.
        rng: Draws the resamples; the same state gives the same interval.
        confidence: Share of the resampled means inside the interval, between 0 and 1.
        resamples: How many samples of n queries to draw, with replacement, 1 or more.

    Returns:
        The interval.

    Raises:
        InvalidArgumentError: There is no value, one is not finite, or an argument is out of range.
    """
    sample = _checked(values, "values")
    _check_resamples(resamples)
    if not 0 < confidence < 1:
        msg = f"confidence lies between 0 and 1, got {confidence}."
        raise InvalidArgumentError(msg)
    means = np.concatenate(
        [
            sample[rng.integers(sample.size, size=(rows, sample.size))].mean(axis=1)
            for rows in _row_counts(resamples, sample.size)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(low), float(high))


def permutation_p_value(
    first: ArrayLike,
    second: ArrayLike,
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
) -> float:
    """Paired two-sided randomisation test of a difference of means.

    Under the null hypothesis the two rankings of a query could change places, so the sign of each
    difference is a fair coin. The p-value is the share of sign flips whose mean difference is at
    least as far from 0 as the one observed. All flips are tried where `resamples` allows it; else
    random ones, of which the observed one counts as one more, so that the value is never 0.

    Args:
        first: The metric of each query under one ranking, shape (n,), n at least 1.
        second: The same under the other, in the same order.
        rng: Draws the flips.
        resamples: How many flips to try, 1 or more.

    Returns:
        The p-value, over 0 and at most 1.

    Raises:
        InvalidArgumentError: If the shapes differ, there is no value, one is not finite, or
            `resamples` is below 1.
    """
    pair = _checked(first, "first"), _checked(second, "second")
    _check_resamples(resamples)
    if pair[0].shape != pair[1].shape:
        msg = f"A paired test needs as many values of each, got {pair[0].size} and {pair[1].size}."
        raise InvalidArgumentError(msg)
    differences = pair[0] - pair[1]
    differences = differences[differences != 0]  # A zero has no sign to flip.
    # The same sums in another order differ in the last digits; they must count as equal.
    observed = abs(differences.sum()) * (1 - 1e-9)
    if differences.size < resamples.bit_length():  # 2 ** size <= resamples, without the power.
        patterns = np.arange(2**differences.size)[:, None] >> np.arange(differences.size) & 1
        return float(np.mean(_flipped_sums(patterns, differences) >= observed))
    extreme = sum(
        int(
            np.sum(
                _flipped_sums(rng.integers(2, size=(rows, differences.size)), differences)
                >= observed
            )
        )
        for rows in _row_counts(resamples, differences.size)
    )
    return (extreme + 1) / (resamples + 1)


def _flipped_sums(
    patterns: NDArray[np.int64], differences: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance from 0 of the sum under each row of signs, where 1 keeps a sign and 0 flips it."""
    return np.abs((2.0 * patterns - 1.0) @ differences)


def _row_counts(rows: int, width: int) -> list[int]:
    """Cut `rows` rows into blocks that hold at most `_DRAWN_AT_ONCE` numbers, if one row does."""
    block = max(1, _DRAWN_AT_ONCE // width)
    return [min(block, rows - index) for index in range(0, rows, block)]


def _checked(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        msg = f"{name} must be one list of finite numbers, at least one, got shape {array.shape}."
        raise InvalidArgumentError(msg)
    return array


def _check_resamples(resamples: int) -> None:
    if resamples < 1:
        msg = f"resamples must be 1 or more, got {resamples}."
        raise InvalidArgumentError(msg)
