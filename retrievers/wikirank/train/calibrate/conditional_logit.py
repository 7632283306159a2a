"""Weights of scores, learned from which passage of each list is right."""

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

    The conditional logit of McFadden, "Conditional logit analysis of qualitative choice behavior",
    1974. It learns from the order within lists, whatever their level.

    Args:
        lists: Features of each list's passages, (passages, features), and the positive's rank,
            from 0.
        least: Lower bound of each feature's weight.

    Returns:
        (features,), the weights.
    """

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = _RIDGE * float(weights @ weights), 2 * _RIDGE * weights
        for rows, positive_rank in lists:
            scores = rows @ weights
            scores -= scores.max()
            shares = np.exp(scores) / np.exp(scores).sum()
            value -= float(np.log(shares[positive_rank])) / len(lists)
            gradient = gradient + (shares @ rows - rows[positive_rank]) / len(lists)
        return value, gradient

    start = np.zeros(len(least))
    start[0] = 1.0
    bounds = [(bound, None) for bound in least]
    fitted = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    weights: NDArray[np.float64] = fitted.x
    return weights
