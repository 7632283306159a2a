"""Abstention from unanswerable questions, by relevance score: risk against coverage.

Each question is asked twice: unchanged, and made unanswerable by removing its relevant passages
from the candidates. The best relevance score is the confidence. A search abstains if the confidence
is below its threshold. An answer is wrong if the first passage is not relevant, so at full coverage
at least the unanswerable questions are wrong. See El-Yaniv and Wiener, "On the foundations of
noise-free selective classification", JMLR 2010, and Geifman and El-Yaniv, "Selective classification
for deep neural networks", NIPS 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wikirank.errors import InvalidArgumentError

_MIN_ANSWERED = 0.95


@dataclass(frozen=True, slots=True)
class Abstention:
    """How well relevance scores separate answerable from unanswerable questions.

    Attributes:
        answerable: Number of questions with a relevant passage among the candidates.
        unanswerable: Number of questions whose relevant passages were removed.
        risk: Share of wrong answers when every question is answered.
        area_under_risk_coverage: Mean share of wrong answers over all coverages, most confident
            questions first; lower is better.
        threshold: Highest threshold that still answers 95 % of the answerable questions.
        answerable_kept: Share of answerable questions answered at the threshold, at least 0.95.
        unanswerable_abstained: Share of unanswerable questions not answered at the threshold.
    """

    answerable: int
    unanswerable: int
    risk: float
    area_under_risk_coverage: float
    threshold: float
    answerable_kept: float
    unanswerable_abstained: float


def risk_coverage(confidence: ArrayLike, wrong: ArrayLike) -> NDArray[np.float64]:
    """Return the share of wrong answers among the i most confident, for each i.

    Args:
        confidence: One number per question, shape (n,), n at least 1.
        wrong: Whether each answer is wrong, shape (n,).

    Returns:
        (n,), the risk at coverage 1/n, 2/n, … 1. Questions of equal confidence each count with
        their mean.

    Raises:
        InvalidArgumentError: If the shapes differ or there is no question.
    """
    confidences = np.asarray(confidence, dtype=np.float64)
    errors = np.asarray(wrong, dtype=np.float64)
    if confidences.ndim != 1 or confidences.size == 0 or confidences.shape != errors.shape:
        msg = (
            "Expected confidence and wrong to be lists of equal length, not empty, got shapes "
            f"{confidences.shape} and {errors.shape}. Correct them."
        )
        raise InvalidArgumentError(msg)
    _, tied, counts = np.unique(-confidences, return_inverse=True, return_counts=True)
    means = np.bincount(tied, weights=errors) / counts
    cumulated = np.cumsum(np.repeat(means, counts))
    return np.asarray(cumulated / np.arange(1, confidences.size + 1), dtype=np.float64)


def abstention(answerable: ArrayLike, wrong: ArrayLike, unanswerable: ArrayLike) -> Abstention:
    """Measure how well abstention by relevance score works.

    Args:
        answerable: Best relevance score of each answerable question, shape (n,), n at least 1.
        wrong: Whether the first passage of each answerable question is irrelevant, shape (n,).
        unanswerable: Best relevance score of each unanswerable question, shape (m,), m at least 1.

    Returns:
        The measures.

    Raises:
        InvalidArgumentError: If the shapes differ or a list is empty.
    """
    with_answer = np.asarray(answerable, dtype=np.float64)
    without_answer = np.asarray(unanswerable, dtype=np.float64)
    errors = np.asarray(wrong, dtype=np.bool_)
    if with_answer.size == 0 or without_answer.size == 0:
        msg = (
            f"Expected questions of both kinds, got {with_answer.size} answerable and "
            f"{without_answer.size} unanswerable. Add some."
        )
        raise InvalidArgumentError(msg)
    risks = risk_coverage(
        np.concatenate([with_answer, without_answer]),
        np.concatenate([errors, np.ones(without_answer.size, dtype=np.bool_)]),
    )
    # Rounded, because 0.95 * 20 is a little over 19 in floating point.
    count = math.ceil(round(_MIN_ANSWERED * with_answer.size, 9))
    threshold = np.sort(with_answer)[::-1][count - 1]
    return Abstention(
        answerable=with_answer.size,
        unanswerable=without_answer.size,
        risk=float(risks[-1]),
        area_under_risk_coverage=float(risks.mean()),
        threshold=float(threshold),
        answerable_kept=float(np.mean(with_answer >= threshold)),
        unanswerable_abstained=float(np.mean(without_answer < threshold)),
    )
