"""Fit the weights of first-stage and cross-encoder scores in the final order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wikirank.runtime.combination import ScoreInterpolation, combination_features
from wikirank.train.calibrate.conditional_logit import fit_conditional_logit
from wikirank.train.calibrate.measure import labels
from wikirank.train.calibrate.platt import fit_calibration
from wikirank.train.data.candidate_lists import MISSED, CandidateList

FOLDS = 5
_MIN_WEIGHTS = (1e-3, 0.0, 0.0)
"""Lower bounds of the weights: a higher logit never lowers the score."""

_LEXICAL = 2
"""Column of BM25 in the result of `combination_features`."""

Features = list[NDArray[np.float64]]


def fit_combination(
    lists: Sequence[CandidateList], logits: Sequence[NDArray[np.float64]]
) -> ScoreInterpolation:
    """Fit the weights of `ScoreInterpolation` on held-out candidate lists.

    The weights maximise the likelihood of each list's positive under a softmax over the list
    (conditional logit, McFadden 1974), so they are learned from the order within lists. Scale and
    shift are then fitted over all candidates (Platt), so that the relevance score is a probability.

    Args:
        lists: Lists of hybrid search. Lists whose positive was missed only count for scale and
            shift.
        logits: Logits of each list's candidates, by the model as shipped.

    Returns:
        The weights, with scale and shift applied.

    Raises:
        InvalidArgumentError: If no list holds its positive, or positives do not score higher than
            other candidates.
    """
    return _fit(_features(lists, logits), lists)


def fit_dense_combination(
    lists: Sequence[CandidateList], logits: Sequence[NDArray[np.float64]]
) -> ScoreInterpolation:
    """Fit the weights as `fit_combination` does, with weight 0 for BM25, for texts without it."""
    features = _features(lists, logits)
    for rows in features:
        rows[:, _LEXICAL] = 0.0
    return replace(_fit(features, lists), lexical=0.0)


def _fit(features: Features, lists: Sequence[CandidateList]) -> ScoreInterpolation:
    weights = _weights(features, lists)
    combined = np.concatenate([rows @ weights for rows in features])
    fitted = fit_calibration(combined, labels(lists))
    logit, dense, lexical = (float(fitted.scale * weight) for weight in weights)
    return ScoreInterpolation(logit, dense, lexical, fitted.shift)


def cross_validated_scores(
    lists: Sequence[CandidateList], logits: Sequence[NDArray[np.float64]], *, folds: int = FOLDS
) -> list[NDArray[np.float64]]:
    """Score each list with weights that were fitted on the other folds.

    List n is in fold n modulo `folds`. Only the order of the scores within a list is meaningful.
    """
    features = _features(lists, logits)
    scores: list[NDArray[np.float64]] = [np.empty(0)] * len(lists)
    for fold in range(folds):
        kept = [index for index in range(len(lists)) if index % folds != fold]
        weights = _weights([features[index] for index in kept], [lists[index] for index in kept])
        for index in range(fold, len(lists), folds):
            scores[index] = features[index] @ weights
    return scores


def _features(
    lists: Sequence[CandidateList], logits: Sequence[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    return [
        combination_features(scores, candidate_list.dense, candidate_list.lexical)
        for candidate_list, scores in zip(lists, logits, strict=True)
    ]


def _weights(features: Features, lists: Sequence[CandidateList]) -> NDArray[np.float64]:
    rows_and_ranks = [
        (rows, candidate_list.positive_rank)
        for rows, candidate_list in zip(features, lists, strict=True)
        if candidate_list.positive_rank != MISSED
    ]
    return fit_conditional_logit(rows_and_ranks, least=_MIN_WEIGHTS)
