"""Fit the calibration of any reranker on questions with known answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wikirank.errors import InvalidArgumentError
from wikirank.evaluate.candidates import Candidates, OnStep
from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.metrics.calibration import expected_calibration_error
from wikirank.rank import CrossEncoder, score_passages
from wikirank.runtime.calibration import Calibration
from wikirank.search.rerank import reranker_text
from wikirank.train.calibrate.platt import fit_calibration
from wikirank.types import SearchType

_MIN_RELEVANT = 10


@dataclass(frozen=True)
class PlattFit:
    """A fitted calibration and its data.

    Attributes:
        calibration: Maps logits to relevance scores.
        pairs: Number of scored candidates.
        relevant: Number of candidates that answer their question.
        error_before: Expected calibration error on these pairs with the model's old calibration.
        error_after: Expected calibration error with the new calibration; a little too low, because
            it was fitted on the same pairs.
    """

    calibration: Calibration
    pairs: int
    relevant: int
    error_before: float
    error_after: float

    def as_dict(self) -> dict[str, Any]:
        """Return the fit as plain values for JSON."""
        return asdict(self)


def fit_platt(
    cross_encoder: CrossEncoder,
    dataset: RetrievalDataset,
    candidates: Candidates,
    *,
    depth: int = 20,
    search_type: SearchType = "hybrid",
    on_step: OnStep | None = None,
) -> PlattFit:
    """Fit Platt scaling on the candidates that a search passes to the cross-encoder.

    Args:
        cross_encoder: The model, with the settings that it will be used with.
        dataset: Questions and the passages that answer them.
        candidates: Candidates from first-stage retrieval.
        depth: Candidates per question.
        search_type: The first stage whose candidates are scored.
        on_step: Called with `Scoring`, the number of scored questions, and their total.

    Returns:
        The calibration and its data.

    Raises:
        InvalidArgumentError: If too few candidates answer their question, or if these score no
            higher than the others.
    """
    logits: list[float] = []
    relevant: list[bool] = []
    for number, (query, question) in enumerate(dataset.queries.items(), start=1):
        first_stage = candidates.find(query, depth)[search_type].candidates
        texts = [reranker_text(c.passage, cross_encoder, question) for c in first_stage]
        logits.extend(score_passages(cross_encoder, question, texts).tolist())
        relevant.extend(c.passage.id in dataset.relevant[query] for c in first_stage)
        if on_step:
            on_step("Scoring", number, len(dataset.queries))
    if sum(relevant) < _MIN_RELEVANT:
        msg = (
            f"Expected at least {_MIN_RELEVANT} candidates that answer, got {sum(relevant)} "
            f"among {len(relevant)}. Give more questions."
        )
        raise InvalidArgumentError(msg)
    fitted = fit_calibration(logits, relevant)
    before, after = (
        expected_calibration_error(scale.relevance(np.array(logits)), relevant)
        for scale in (cross_encoder.calibration, fitted)
    )
    return PlattFit(fitted, len(logits), sum(relevant), before, after)
