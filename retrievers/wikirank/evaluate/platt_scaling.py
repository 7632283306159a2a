"""Fitting the calibration of any reranker on questions whose answers are known."""

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

_FEWEST_RELEVANT = 10


@dataclass(frozen=True)
class PlattFit:
    """A calibration, and on what it was fitted.

    Attributes:
        calibration: From a logit to a relevance score.
        pairs: Candidates that were scored.
        relevant: How many of them answer their question.
        error_before: Expected calibration error of the model as it was, on these pairs.
        error_after: The same with the calibration: fitted on them, so it flatters a little.
    """

    calibration: Calibration
    pairs: int
    relevant: int
    error_before: float
    error_after: float

    def as_dict(self) -> dict[str, Any]:
        """The fit as plain values, for JSON."""
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
    """Fit Platt scaling on what a search gives the cross-encoder to score.

    Args:
        cross_encoder: The model, as it will run.
        dataset: Questions and the passages that answer them.
        candidates: What first-stage retrieval finds for them.
        depth: Candidates a question.
        search_type: Whose candidates.
        on_step: Told `Scoring`, questions scored, and questions in all.

    Returns:
        The calibration, and on what it was fitted.

    Raises:
        InvalidArgumentError: If too few candidates answer, or these score no higher than others.
    """
    logits: list[float] = []
    relevant: list[bool] = []
    for number, (query, question) in enumerate(dataset.queries.items(), start=1):
        first_stage = candidates.find(query, depth)[search_type].candidates
        texts = [reranker_text(one.passage, cross_encoder, question) for one in first_stage]
        logits.extend(score_passages(cross_encoder, question, texts).tolist())
        relevant.extend(one.passage.id in dataset.relevant[query] for one in first_stage)
        if on_step:
            on_step("Scoring", number, len(dataset.queries))
    if sum(relevant) < _FEWEST_RELEVANT:
        msg = (
            f"Expected at least {_FEWEST_RELEVANT} candidates that answer, got {sum(relevant)} "
            f"among {len(relevant)}. Give more questions."
        )
        raise InvalidArgumentError(msg)
    fitted = fit_calibration(logits, relevant)
    before, after = (
        expected_calibration_error(scale.relevance(np.array(logits)), relevant)
        for scale in (cross_encoder.calibration, fitted)
    )
    return PlattFit(fitted, len(logits), sum(relevant), before, after)
