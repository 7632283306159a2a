"""Measure whether relevance scores are probabilities: reliability bins and calibration error.

See Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from wikirank.errors import InvalidArgumentError

BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Passages whose relevance score lies in one interval.

    Attributes:
        low: Start of the interval, included.
        high: End of the interval, included only in the last bin.
        count: Number of passages, 1 or more.
        mean_score: Mean relevance score of the passages, in [0, 1].
        share_relevant: Share of relevant passages, in [0, 1].
    """

    low: float
    high: float
    count: int
    mean_score: float
    share_relevant: float


def reliability_bins(
    scores: ArrayLike, relevant: ArrayLike, *, bins: int = BINS
) -> list[ReliabilityBin]:
    """Sort scored passages into bins of equal width.

    Args:
        scores: Relevance scores in [0, 1], shape (n,), n at least 1.
        relevant: Whether each passage is relevant, shape (n,).
        bins: Number of bins, 1 or more.

    Returns:
        The bins that are not empty, by ascending score.

    Raises:
        InvalidArgumentError: If the shapes differ, there is no score, or a value is out of range.
    """
    values = np.asarray(scores, dtype=np.float64)
    labels = np.asarray(relevant, dtype=np.bool_)
    if values.ndim != 1 or values.size == 0 or values.shape != labels.shape or bins < 1:
        msg = (
            "Expected one label per score, one score or more and one bin or more, got scores of "
            f"shape {values.shape}, labels of shape {labels.shape} and {bins} bins. Correct them."
        )
        raise InvalidArgumentError(msg)
    if not ((values >= 0) & (values <= 1)).all():
        msg = "Expected scores from 0 to 1, got others. Pass relevance scores, not logits."
        raise InvalidArgumentError(msg)
    position = np.minimum((values * bins).astype(np.int64), bins - 1)
    return [
        ReliabilityBin(
            low=index / bins,
            high=(index + 1) / bins,
            count=int(np.sum(position == index)),
            mean_score=float(values[position == index].mean()),
            share_relevant=float(labels[position == index].mean()),
        )
        for index in np.unique(position).tolist()
    ]


def expected_calibration_error(
    scores: ArrayLike, relevant: ArrayLike, *, bins: int = BINS
) -> float:
    """Return the mean difference between relevance score and share of relevant passages.

    Args:
        scores: See `reliability_bins`.
        relevant: See `reliability_bins`.
        bins: See `reliability_bins`.

    Returns:
        The mean over the bins, weighted by their counts, in [0, 1]; 0 is perfect.

    Raises:
        InvalidArgumentError: See `reliability_bins`.
    """
    filled = reliability_bins(scores, relevant, bins=bins)
    distances = [abs(bin_.mean_score - bin_.share_relevant) for bin_ in filled]
    return float(np.average(distances, weights=[bin_.count for bin_ in filled]))
