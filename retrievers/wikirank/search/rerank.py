"""Rerank candidates with the cross-encoder and the first-stage scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wikirank.passages.aliases import text_with_named_alias
from wikirank.rank import CrossEncoder, RankedTexts, rank_texts, score_passages
from wikirank.runtime.combination import FirstStageScores
from wikirank.types import OnTruncation, Passage, RankedPassage


def rerank_candidates(
    query: str,
    candidates: Sequence[RankedPassage],
    cross_encoder: CrossEncoder,
    on_truncation: OnTruncation = "window",
    *,
    top_n: int | None = None,
    recompute_cosines: bool = False,
) -> list[RankedPassage]:
    """Rerank candidates with the cross-encoder and, if it has learned how, first-stage scores.

    Candidates of hybrid search are ordered by the model's `combination` of logit, dense similarity
    and BM25; those of dense search by its `dense_combination`. All others are ordered by the logit,
    and so are all candidates if the model has neither.

    Args:
        query: The query.
        candidates: Candidates in first-stage order, which breaks ties.
        cross_encoder: The model.
        on_truncation: See `score_passages`.
        top_n: See `score_passages`.
        recompute_cosines: Whether the dense scores are from another embedder than the bundled one,
            which the weights were fitted with. If so, the bundled embedder embeds the candidates
            that the prefilter did not drop, and `dense_combination` orders them.

    Returns:
        The candidates that were not dropped (all, or at least `top_n`), best first, with logit,
        relevance score and new rank.
    """
    texts = [reranker_text(candidate.passage, cross_encoder, query) for candidate in candidates]
    first_stage = None if recompute_cosines else _first_stage(candidates)
    combination = cross_encoder.combination
    if first_stage is None or combination is None:
        cosines = None if recompute_cosines else _cosines(candidates)
        ranked = rank_texts(
            cross_encoder,
            query,
            texts,
            on_truncation=on_truncation,
            top_n=top_n,
            interpolate=recompute_cosines or cosines is not None,
            cosines=cosines,
        )
        return _apply(ranked, candidates)
    logits = score_passages(
        cross_encoder,
        query,
        texts,
        on_truncation=on_truncation,
        top_n=top_n,
        first_stage=first_stage,
    )
    return _apply(RankedTexts.by_combination(combination, logits, first_stage), candidates)


def sort_by_logit(
    candidates: Sequence[RankedPassage], logits: NDArray[np.float64], cross_encoder: CrossEncoder
) -> list[RankedPassage]:
    """Order candidates by known logits alone.

    Args:
        candidates: Candidates in first-stage order, which breaks ties.
        logits: (n,), the cross-encoder's logits of the candidates.
        cross_encoder: The model.

    Returns:
        All candidates, best first, with logit, relevance score and new rank.
    """
    return _apply(RankedTexts.by_logit(cross_encoder, logits), candidates)


def _apply(ranked: RankedTexts, candidates: Sequence[RankedPassage]) -> list[RankedPassage]:
    return [
        replace(
            candidates[index],
            rank=rank,
            rerank_logit=float(ranked.logits[index]),
            relevance_score=float(ranked.relevance_scores[index]),
        )
        for rank, index in enumerate(ranked.order, start=1)
    ]


def _cosines(candidates: Sequence[RankedPassage]) -> list[float] | None:
    """Return the candidates' dense scores; None if one has none."""
    cosines = [c.dense_score for c in candidates if c.dense_score is not None]
    return cosines if len(cosines) == len(candidates) else None


def _first_stage(candidates: Sequence[RankedPassage]) -> FirstStageScores | None:
    """Return the candidates' first-stage scores; None unless they are from hybrid search."""
    if any(candidate.fusion_score is None for candidate in candidates):
        return None
    return FirstStageScores(
        [candidate.dense_score for candidate in candidates],
        [candidate.lexical_score for candidate in candidates],
    )


def reranker_text(passage: Passage, cross_encoder: CrossEncoder, query: str = "") -> str:
    """Return the passage as the model was trained to read it: with its heading, or without.

    If the query names an alias of the article, the heading includes it after the title.
    """
    if not cross_encoder.prepend_heading:
        return passage.text
    return text_with_named_alias(passage, query)
