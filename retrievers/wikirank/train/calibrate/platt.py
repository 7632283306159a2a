"""Platt scaling of logits to probabilities, and the threshold for a wanted precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wikirank.errors import InvalidArgumentError
from wikirank.runtime.calibration import Calibration

_STEPS = 100
_SMALLEST_SCALE = 1e-6
_RIDGE = 1e-12


def fit_calibration(logits: ArrayLike, relevant: ArrayLike) -> Calibration:
    """Fit `sigmoid(scale * logit + shift)` to labels by maximum likelihood.

    After Platt, "Probabilistic Outputs for Support Vector Machines", 1999: the targets are
    `(n₊ + 1) / (n₊ + 2)` and `1 / (n₋ + 2)` instead of 1 and 0, so that separable scores do not
    drive the scale to infinity. Newton's method with a line search, as in Lin, Lin and Weng, "A
    Note on Platt's Probabilistic Outputs for Support Vector Machines", 2007.

    Args:
        logits: Logits of held-out pairs by the model as shipped (int8), shape (n,).
        relevant: Whether each pair's passage answers its query, shape (n,).

    Returns:
        Scale and shift.

    Raises:
        InvalidArgumentError: If the shapes differ, a logit is not finite, one of the two classes is
            missing, or the relevant pairs do not score higher than the others.
    """
    scores, labels = _checked(logits, relevant)
    positives = labels.sum()
    negatives = len(labels) - positives
    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    # Centred and scaled, so that Newton's method converges for any range of logits.
    centre, spread = scores.mean(), scores.std() or 1.0
    features = np.stack([(scores - centre) / spread, np.ones_like(scores)])
    slope, intercept = _newton(features, targets)
    scale = slope / spread
    if scale < _SMALLEST_SCALE:
        msg = (
            "Expected relevant pairs to have higher logits than the others, got a scale of "
            f"{scale:.3g}, with which the model cannot be calibrated. Check the model and the "
            "labels."
        )
        raise InvalidArgumentError(msg)
    return Calibration(scale=float(scale), shift=float(intercept - scale * centre))


def threshold_for_precision(
    relevance: ArrayLike, relevant: ArrayLike, precision: float
) -> float | None:
    """Find the lowest threshold of the relevance score that reaches a precision.

    Args:
        relevance: Relevance scores, shape (n,).
        relevant: Whether each passage is relevant, shape (n,).
        precision: Wanted share of relevant passages at and above the threshold, in (0, 1].

    Returns:
        The threshold, to use with `>=`; None if no threshold reaches the precision.

    Raises:
        InvalidArgumentError: If the shapes differ, or the precision is out of range.
    """
    if not 0 < precision <= 1:
        msg = f"Expected a precision over 0 and up to 1, got {precision}."
        raise InvalidArgumentError(msg)
    scores, labels = _checked(relevance, relevant)
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(labels[order])
    # Equal scores pass a threshold together, so only the last of them can be one.
    last = np.append(ranked[1:] < ranked[:-1], True)
    reached = last & (hits / np.arange(1, len(ranked) + 1) >= precision)
    return float(ranked[np.flatnonzero(reached)[-1]]) if reached.any() else None


def _newton(features: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.zeros(2)
    loss = _log_loss(weights, features, targets)
    for _ in range(_STEPS):
        probabilities = 1 / (1 + np.exp(-(weights @ features)))
        gradient = features @ (probabilities - targets)
        curvature = (features * (probabilities * (1 - probabilities))) @ features.T
        step = np.linalg.solve(curvature + _RIDGE * np.eye(2), gradient)
        size = 1.0
        while (
            shorter := _log_loss(weights - size * step, features, targets)
        ) > loss and size > 1e-10:
            size /= 2
        weights, improvement, loss = weights - size * step, loss - shorter, shorter
        if improvement < 1e-12 * len(targets):
            break
    return weights


def _log_loss(
    weights: NDArray[np.float64], features: NDArray[np.float64], targets: NDArray[np.float64]
) -> float:
    logits = weights @ features
    return float(np.sum(np.logaddexp(0, logits) - targets * logits))


def _checked(
    scores: ArrayLike, relevant: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values, labels = np.asarray(scores, dtype=np.float64), np.asarray(relevant, dtype=np.bool_)
    if values.ndim != 1 or values.shape != labels.shape or not np.isfinite(values).all():
        msg = (
            "Expected as many finite scores as labels, in one dimension each, got shapes "
            f"{values.shape} and {labels.shape}."
        )
        raise InvalidArgumentError(msg)
    if labels.all() or not labels.any():
        msg = f"Expected both relevant and other pairs, got {labels.sum()} of {len(labels)}."
        raise InvalidArgumentError(msg)
    return values, labels
