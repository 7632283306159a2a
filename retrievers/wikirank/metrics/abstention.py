"""Saying nothing where nothing answers: risk against coverage, by relevance score.

Each question is asked twice: as it is, and unanswerable, its relevant passages removed from the
candidates. The best relevance score is the confidence; a search that demands more of it than a
question reaches abstains. Answering is wrong if the first passage is not relevant, so at full
coverage at least the unanswerable ones are wrong. After El-Yaniv and Wiener, "On the foundations
of noise-free selective classification", JMLR 2010, and Geifman and El-Yaniv, "Selective
classification for deep neural networks", NIPS 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wikirank.errors import InvalidArgumentError

KEPT = 0.95


@dataclass(frozen=True, slots=True)
class Abstention:
    """How well relevance scores tell answerable questions from unanswerable ones.

    Attributes:
        answerable: Questions with a relevant passage among the candidates.
        unanswerable: Questions whose relevant passages were removed.
        risk: Share of wrong answers when every question is answered.
        area_under_risk_coverage: Mean share of wrong answers over all coverages, the most
            confident questions first; lower is better.
        threshold: Highest relevance score that still answers 95 % of the answerable questions.
        answerable_kept: Share of them that it answers, at least 0.95.
        unanswerable_abstained: Share of the unanswerable ones on which it abstains.
    """

    answerable: int
    unanswerable: int
    risk: float
    area_under_risk_coverage: float
    threshold: float
    answerable_kept: float
    unanswerable_abstained: float


def risk_coverage(confidence: ArrayLike, wrong: ArrayLike) -> NDArray[np.float64]:
    """Share of wrong answers among the i most confident, for each i.

    Args:
        confidence: One a question, shape (n,), n at least 1.
        wrong: Whether the answer is wrong, shape (n,).

    Returns:
        (n,), the risk at coverage 1/n, 2/n, … 1. Equally confident questions are taken in no
        order: each counts with the mean of them.

    Raises:
        InvalidArgumentError: If the shapes differ or there is no question.
    """
    sure = np.asarray(confidence, dtype=np.float64)
    errors = np.asarray(wrong, dtype=np.float64)
    if sure.ndim != 1 or sure.size == 0 or sure.shape != errors.shape:
        msg = (
            "risk_coverage needs one answer a confidence, at least one, got shapes "
            f"{sure.shape} and {errors.shape}."
        )
        raise InvalidArgumentError(msg)
    _, tied, counts = np.unique(-sure, return_inverse=True, return_counts=True)
    means = np.bincount(tied, weights=errors) / counts
    cumulated = np.cumsum(np.repeat(means, counts))
    return np.asarray(cumulated / np.arange(1, sure.size + 1), dtype=np.float64)


def abstention(answerable: ArrayLike, wrong: ArrayLike, unanswerable: ArrayLike) -> Abstention:
    """Measure abstaining by relevance score.

    Args:
        answerable: Best relevance score of each answerable question, shape (n,), n at least 1.
        wrong: Whether its first passage is not relevant, shape (n,).
        unanswerable: Best relevance score of each unanswerable question, shape (m,), m at least 1.

    Returns:
        The measures.

    Raises:
        InvalidArgumentError: If the shapes differ or a list is empty.
    """
    known = np.asarray(answerable, dtype=np.float64)
    unknown = np.asarray(unanswerable, dtype=np.float64)
    errors = np.asarray(wrong, dtype=np.bool_)
    if known.size == 0 or unknown.size == 0:
        msg = f"Expected questions of both kinds, got {known.size} and {unknown.size}."
        raise InvalidArgumentError(msg)
    risks = risk_coverage(
        np.concatenate([known, unknown]),
        np.concatenate([errors, np.ones(unknown.size, dtype=np.bool_)]),
    )
    # Rounded first: 0.95 * 20 is a little over 19 in floating point.
    threshold = np.sort(known)[::-1][math.ceil(round(KEPT * known.size, 9)) - 1]
    return Abstention(
        answerable=known.size,
        unanswerable=unknown.size,
        risk=float(risks[-1]),
        area_under_risk_coverage=float(risks.mean()),
        threshold=float(threshold),
        answerable_kept=float(np.mean(known >= threshold)),
        unanswerable_abstained=float(np.mean(unknown < threshold)),
    )
