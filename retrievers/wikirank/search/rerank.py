"""Candidates in the order of the cross-encoder, together with that of the first stage."""

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
    """Order candidates by the cross-encoder, together with the first stage where it learned how.

    Candidates of hybrid search are ordered by the model's `combination` of logit, dense similarity
    and BM25, those of dense search by its `dense_combination`; all others, and with a model that
    learned neither, by the logit.

    Args:
        query: The query.
        candidates: In the first stage's order, which decides between equal scores.
        cross_encoder: The model.
        on_truncation: What to do with texts over its length.
        top_n: See `score_passages`.
        recompute_cosines: Whether their dense scores are of another embedder than the bundled one,
            with which the weights were fitted. It reads what no prefilter dropped, and the
            `dense_combination` orders.

    Returns:
        The candidates that were not dropped, best first, with logit, relevance score and new rank:
        all of them, or at least `top_n`.
    """
    texts = [reranker_text(one.passage, cross_encoder, query) for one in candidates]
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
        return _in_order(candidates, ranked)
    logits = score_passages(
        cross_encoder,
        query,
        texts,
        on_truncation=on_truncation,
        top_n=top_n,
        first_stage=first_stage,
    )
    return _in_order(candidates, RankedTexts.by_combination(combination, logits, first_stage))


def sort_by_logit(
    candidates: Sequence[RankedPassage], logits: NDArray[np.float64], cross_encoder: CrossEncoder
) -> list[RankedPassage]:
    """Order candidates by logits that are known, and by nothing else.

    Args:
        candidates: In the first stage's order, which decides between equal logits.
        logits: (n,), the cross-encoder's.
        cross_encoder: The model.

    Returns:
        All candidates, best first, with logit, relevance score and new rank.
    """
    return _in_order(candidates, RankedTexts.by_logit(cross_encoder, logits))


def _in_order(candidates: Sequence[RankedPassage], ranked: RankedTexts) -> list[RankedPassage]:
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
    """What a dense search knows of candidates; None if they are not its."""
    cosines = [one.dense_score for one in candidates if one.dense_score is not None]
    return cosines if len(cosines) == len(candidates) else None


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
