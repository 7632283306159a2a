"""Calibrate and measure an exported model on held-out candidate lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wikirank.metrics.calibration import expected_calibration_error
from wikirank.rank import CrossEncoder
from wikirank.runtime.calibration import Calibration
from wikirank.runtime.combination import ScoreInterpolation
from wikirank.train.calibrate.combine import (
    cross_validated_scores,
    fit_combination,
    fit_dense_combination,
)
from wikirank.train.calibrate.measure import labels, rank_metrics, score_lists
from wikirank.train.calibrate.platt import fit_calibration, threshold_for_precision
from wikirank.train.data.candidate_lists import CandidateList
from wikirank.train.data.prepare import WikiData
from wikirank.train.wiki.record import CalibrationRecord, CombinationRecord

PRECISION = 0.9

Scores = Sequence[NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Calibration and combinations fitted on dev, and their quality on test.

    Attributes:
        calibration: Maps the logit to a relevance score.
        combination: Maps logit, dense similarity and BM25 to a relevance score.
        dense_combination: Maps logit and dense similarity to a relevance score.
        calibration_record: Quality of `calibration` on test.
        combination_record: Quality of `combination` on test.
        test: `rank_metrics` on all test lists.
        test_pairs: `rank_metrics` on the lists of the user's own questions; empty if there are
            none.
        test_logits: Logits of all candidates of the test lists, shape (n,).
        test_relevant: Whether each of these candidates is the positive of its list, shape (n,).
    """

    calibration: Calibration
    combination: ScoreInterpolation
    dense_combination: ScoreInterpolation
    calibration_record: CalibrationRecord
    combination_record: CombinationRecord
    test: dict[str, dict[str, float]]
    test_pairs: dict[str, dict[str, float]]
    test_logits: NDArray[np.float64]
    test_relevant: NDArray[np.bool_]


def calibrate(model: CrossEncoder, data: WikiData) -> Calibrated:
    """Fit calibration and combinations on dev lists, and measure them on test lists.

    Args:
        model: Model as shipped (int8). Its own calibration is not used.
        data: Data of the run, with its dev and test lists.

    Returns:
        The calibration and combinations, and their quality.

    Raises:
        InvalidArgumentError: If the model cannot be calibrated because positives do not score
            higher than other candidates.
    """
    dev, test = score_lists(model, data.dev), score_lists(model, data.test)
    calibration = fit_calibration(np.concatenate(dev), labels(data.dev))
    combination = fit_combination(data.dev, dev)
    combined = _combined(combination, data.test, test)
    from_pairs = [
        index for index, candidate_list in enumerate(data.test) if candidate_list.is_of_a_pair
    ]
    return Calibrated(
        calibration,
        combination,
        fit_dense_combination(data.dev, dev),
        _calibration_record(calibration, data, dev, test),
        _combination_record(combination, data, dev, combined),
        rank_metrics(data.test, test, combined),
        _metrics_of(from_pairs, data.test, test, combined) if from_pairs else {},
        np.concatenate(test),
        labels(data.test),
    )


def _metrics_of(
    kept: Sequence[int], lists: Sequence[CandidateList], logits: Scores, combined: Scores
) -> dict[str, dict[str, float]]:
    return rank_metrics(
        [lists[index] for index in kept],
        [logits[index] for index in kept],
        [combined[index] for index in kept],
    )


def _combined(
    combination: ScoreInterpolation, lists: Sequence[CandidateList], logits: Scores
) -> list[NDArray[np.float64]]:
    return [
        combination.scores(scores, candidate_list.dense, candidate_list.lexical)
        for candidate_list, scores in zip(lists, logits, strict=True)
    ]


def _calibration_record(
    fitted: Calibration, data: WikiData, dev: Scores, test: Scores
) -> CalibrationRecord:
    logits, relevant = np.concatenate(test), labels(data.test)
    scores = fitted.relevance(np.concatenate(dev))
    return CalibrationRecord(
        scale=fitted.scale,
        shift=fitted.shift,
        error_before=expected_calibration_error(Calibration().relevance(logits), relevant),
        error=expected_calibration_error(fitted.relevance(logits), relevant),
        threshold=threshold_for_precision(scores, labels(data.dev), PRECISION),
    )


def _combination_record(
    fitted: ScoreInterpolation, data: WikiData, dev: Scores, combined: Scores
) -> CombinationRecord:
    scores = np.concatenate(_combined(fitted, data.dev, dev))
    return CombinationRecord(
        logit=fitted.logit,
        dense=fitted.dense,
        lexical=fitted.lexical,
        shift=fitted.shift,
        cross_validated=rank_metrics(data.dev, dev, cross_validated_scores(data.dev, dev)),
        error=expected_calibration_error(
            fitted.relevance(np.concatenate(combined)), labels(data.test)
        ),
        threshold=threshold_for_precision(fitted.relevance(scores), labels(data.dev), PRECISION),
    )
