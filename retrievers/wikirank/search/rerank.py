"""Candidates in the order of the cross-encoder, together with that of the first stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wikirank.passages.aliases import text_with_named_alias
from wikirank.rank import CrossEncoder, best_first, score_passages
from wikirank.rank.protocol import PRUNED
from wikirank.runtime.combination import FirstStageScores
from wikirank.types import OnTruncation, Passage, RankedPassage


def rerank_candidates(
    query: str,
    candidates: Sequence[RankedPassage],
    cross_encoder: CrossEncoder,
    on_truncation: OnTruncation = "window",
    *,
    top_n: int | None = None,
    interpolate: bool = True,
) -> list[RankedPassage]:
    """Order candidates by the cross-encoder, together with the first stage where it learned how.

    Args:
        query: The query.
        candidates: In the first stage's order, which decides between equal scores.
        cross_encoder: The model.
        on_truncation: What to do with texts over its length.
        top_n: See `score_passages`.
        interpolate: False orders by the cross-encoder alone, as the weights of the first stage's
            scores were fitted with another embedder: cosines of two models are not comparable.

    Returns:
        The candidates that were not dropped, best first, with logit, relevance score and new rank:
        all of them, or at least `top_n`.
    """
    texts = [reranker_text(one.passage, cross_encoder, query) for one in candidates]
    logits = score_passages(
        cross_encoder,
        query,
        texts,
        on_truncation=on_truncation,
        top_n=top_n,
        first_stage=_first_stage(candidates) if interpolate else None,
    )
    ranked = sort_by_score(candidates, logits, cross_encoder, combine=interpolate)
    return ranked[: int((logits > PRUNED).sum())]


def sort_by_score(
    candidates: Sequence[RankedPassage],
    logits: NDArray[np.float64],
    cross_encoder: CrossEncoder,
    *,
    combine: bool = True,
) -> list[RankedPassage]:
    """Order candidates whose logits are known.

    Candidates of hybrid search are ordered by the model's `combination` of logit, dense similarity
    and BM25; all others, and with a model that has none, by the logit.

    Args:
        candidates: In the first stage's order, which decides between equal scores.
        logits: (n,), the cross-encoder's; those that were dropped come last.
        cross_encoder: The model.
        combine: False orders by the logit in any case.

    Returns:
        All candidates, best first, with logit, relevance score and new rank.
    """
    first_stage = _first_stage(candidates)
    combination = cross_encoder.combination if combine else None
    if combination is None or first_stage is None:
        scores, relevance = logits, cross_encoder.calibration.relevance(logits)
    else:
        scores = combination.scores(logits, *first_stage)
        relevance = combination.relevance(scores)
    return [
        replace(
            candidates[index],
            rank=rank,
            rerank_logit=float(logits[index]),
            relevance_score=float(relevance[index]),
        )
        for rank, index in enumerate(best_first(scores), start=1)
    ]


def _first_stage(candidates: Sequence[RankedPassage]) -> FirstStageScores | None:
    """What hybrid search knows of candidates; None if they are not its."""
    if any(candidate.fusion_score is None for candidate in candidates):
        return None
    return FirstStageScores(
        [candidate.dense_score for candidate in candidates],
        [candidate.lexical_score for candidate in candidates],
    )


def reranker_text(passage: Passage, cross_encoder: CrossEncoder, query: str = "") -> str:
    """The passage as the model was trained to read it: with its heading, or without.

    An alias of the article that the query names stands after the title.
    """
    if not cross_encoder.prepend_heading:
        return passage.text
    return text_with_named_alias(passage, query)
