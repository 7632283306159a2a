"""Fit weights of scores to the positives of candidate lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

_RIDGE = 1e-3


def fit_conditional_logit(
    lists: Sequence[tuple[NDArray[np.float64], int]], *, least: Sequence[float]
) -> NDArray[np.float64]:
    """Fit the weights that make each list's positive most likely under a softmax over the list.

    This is the conditional logit of McFadden, "Conditional logit analysis of qualitative choice
    behavior", 1974. It only depends on differences within lists. A small ridge penalty keeps the
    weights finite. It is applied to features divided by their spread, so units do not matter.

    Args:
        lists: For each list the features, (passages, features), and the positive's rank from 0.
        least: Lower bound of each feature's weight.

    Returns:
        (features,), the weights.
    """
    if not lists:
        return np.array(least, dtype=np.float64)
    spread = spread_within([rows for rows, _ in lists])
    spread[spread == 0] = 1.0
    scaled = [(rows / spread, positive_rank) for rows, positive_rank in lists]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = _RIDGE * float(weights @ weights), 2 * _RIDGE * weights
        for rows, positive_rank in scaled:
            scores = rows @ weights
            scores -= scores.max()
            shares = np.exp(scores) / np.exp(scores).sum()
            value -= float(np.log(shares[positive_rank])) / len(scaled)
            gradient = gradient + (shares @ rows - rows[positive_rank]) / len(scaled)
        return value, gradient

    start = np.zeros(len(least))
    start[0] = spread[0]
    bounds = [(bound * unit, None) for bound, unit in zip(least, spread, strict=True)]
    fitted = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weights: NDArray[np.float64] = fitted.x / spread
    return weights


def spread_within(lists: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the standard deviation of each feature within lists: (features,).

    Each list is (passages, features). At least one list must have passages.
    """
    centred = np.concatenate([rows - rows.mean(axis=0) for rows in lists if len(rows)])
    spread: NDArray[np.float64] = np.sqrt((centred**2).mean(axis=0))
    return spread
