"""Confidence intervals of means over queries, and significance tests of their differences.

See Efron and Tibshirani, "An introduction to the bootstrap" (1993), and Smucker, Allan and
Carterette, "A comparison of statistical significance tests for information retrieval evaluation",
CIKM 2007.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wikirank.errors import InvalidArgumentError

# Maximum number of random numbers to draw at once, to bound memory.
_MAX_DRAWN = 2_000_000


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
    """Return the percentile bootstrap interval of a mean over queries.

    Args:
        values: The metric of each query, shape (n,), n at least 1.
        rng: Draws the resamples; the same state gives the same interval.
        confidence: Share of the resampled means inside the interval, between 0 and 1.
        resamples: Number of samples of n queries to draw, with replacement, 1 or more.

    Returns:
        The interval.

    Raises:
        InvalidArgumentError: If there is no value, one is not finite, or an argument is out of
            range.
    """
    sample = _checked(values, "values")
    _check_resamples(resamples)
    if not 0 < confidence < 1:
        msg = f"Expected confidence between 0 and 1, got {confidence}. Correct it."
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
    """Return the p-value of a paired two-sided randomisation test of a difference of means.

    Under the null hypothesis the two rankings of a query are interchangeable, so the sign of each
    difference is random. The p-value is the share of sign patterns whose mean difference is at
    least as far from 0 as the observed one. If `resamples` allows it, all patterns are tried.
    Otherwise random ones are drawn, and the observed one is added, so the p-value is never 0.

    Args:
        first: The metric of each query with one ranking, shape (n,), n at least 1.
        second: The metric of each query with the other ranking, in the same order.
        rng: Draws the sign patterns.
        resamples: Number of sign patterns to try, 1 or more.

    Returns:
        The p-value, over 0 and at most 1.

    Raises:
        InvalidArgumentError: If the shapes differ, there is no value, one is not finite, or
            `resamples` is below 1.
    """
    pair = _checked(first, "first"), _checked(second, "second")
    _check_resamples(resamples)
    if pair[0].shape != pair[1].shape:
        msg = (
            f"Expected as many values in first as in second, got {pair[0].size} and "
            f"{pair[1].size}. Pair them by query."
        )
        raise InvalidArgumentError(msg)
    differences = pair[0] - pair[1]
    differences = differences[differences != 0]  # A zero has no sign to flip.
    # A tolerance, because sums in another order differ in the last digits.
    observed = abs(differences.sum()) * (1 - 1e-9)
    if differences.size < resamples.bit_length():  # The same as 2 ** size <= resamples.
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
    """Return the absolute sum for each row of signs; 1 keeps a sign and 0 flips it."""
    return np.abs((2.0 * patterns - 1.0) @ differences)


def _row_counts(rows: int, width: int) -> list[int]:
    """Split rows into blocks of at most `_MAX_DRAWN` numbers, or of one row."""
    block = max(1, _MAX_DRAWN // width)
    return [min(block, rows - index) for index in range(0, rows, block)]


def _checked(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        msg = (
            f"Expected {name} to be a list of one or more finite numbers, got shape {array.shape}. "
            "Correct it."
        )
        raise InvalidArgumentError(msg)
    return array


def _check_resamples(resamples: int) -> None:
    if resamples < 1:
        msg = f"Expected resamples to be 1 or more, got {resamples}. Raise it."
        raise InvalidArgumentError(msg)
