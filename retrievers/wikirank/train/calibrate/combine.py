"""Learning how much the final order is to trust each stage."""

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
_LEAST = (1e-3, 0.0, 0.0)
"""Lower bounds of the weights: no order goes against the logit."""

_LEXICAL = 2
"""The column of BM25 in what `combination_features` gives."""

Features = list[NDArray[np.float64]]


def fit_combination(
    lists: Sequence[CandidateList], logits: Sequence[NDArray[np.float64]]
) -> ScoreInterpolation:
    """Fit the weights of `ScoreInterpolation` on candidate lists that were not trained on.

    The weights maximise the likelihood of each list's positive under a softmax over the list
    (conditional logit, McFadden 1974), so they are learned from the order within lists; scale and
    shift are then fitted by Platt over all candidates, so that the relevance score is a
    probability.

    Args:
        lists: Of hybrid search; those whose positive was missed only count for scale and shift.
        logits: Of each list's candidates, by the model as shipped.

    Returns:
        The combination.

    Raises:
        InvalidArgumentError: If no list holds its positive, or the scores tell nothing.
    """
    return _fit(_features(lists, logits), lists)


def fit_dense_combination(
    lists: Sequence[CandidateList], logits: Sequence[NDArray[np.float64]]
) -> ScoreInterpolation:
    """The same of logit and dense similarity alone, for texts of which BM25 is not known.

    Args:
        lists: As of `fit_combination`.
        logits: Likewise.

    Returns:
        The combination, in which BM25 has no weight.

    Raises:
        InvalidArgumentError: If no list holds its positive, or the scores tell nothing.
    """
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
    """Combined scores of each list by weights that were fitted without it.

    Args:
        lists: As of `fit_combination`.
        logits: Likewise.
        folds: How many parts the lists are cut in; list n is in part n modulo `folds`.

    Returns:
        Scores of each list's candidates; only their order within a list has a meaning.
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
        combination_features(scores, one.dense, one.lexical)
        for one, scores in zip(lists, logits, strict=True)
    ]


def _weights(features: Features, lists: Sequence[CandidateList]) -> NDArray[np.float64]:
    rows_and_ranks = [
        (rows, one.positive_rank)
        for rows, one in zip(features, lists, strict=True)
        if one.positive_rank != MISSED
    ]
    return fit_conditional_logit(rows_and_ranks, least=_LEAST)
