"""Measure a model on held-out candidate lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wikirank.metrics.ranking import mean_metrics
from wikirank.rank import CrossEncoder, best_first, score_passages
from wikirank.train.data.candidate_lists import CandidateList

AT_K = 10


def score_lists(model: CrossEncoder, lists: Sequence[CandidateList]) -> list[NDArray[np.float64]]:
    """Return the logits of each list's candidates, in the order of the candidates."""
    return [
        score_passages(model, candidate_list.query, candidate_list.candidates)
        for candidate_list in lists
    ]


def labels(lists: Sequence[CandidateList]) -> NDArray[np.bool_]:
    """Tell for each candidate, list after list, whether it is the positive of its list."""
    return np.concatenate(
        [
            np.arange(len(candidate_list.candidates)) == candidate_list.positive_rank
            for candidate_list in lists
        ],
        dtype=np.bool_,
    )


def rank_metrics(
    lists: Sequence[CandidateList],
    logits: Sequence[NDArray[np.float64]],
    combined: Sequence[NDArray[np.float64]],
) -> dict[str, dict[str, float]]:
    """Compute MRR@10 and nDCG@10 of first-stage, cross-encoder and final rankings.

    A positive that the first stage missed counts as 0 in all rankings.

    Args:
        lists: Held-out candidate lists.
        logits: Logits of each list's candidates.
        combined: Combined scores of each list's candidates.

    Returns:
        `mrr@10` and `ndcg@10` of the rankings `BM25`, `dense`, `hybrid`, `cross-encoder` and
        `final order`.
    """
    orders: dict[str, list[Sequence[int]]] = {
        "BM25": [_order(candidate_list.lexical) for candidate_list in lists],
        "dense": [_order(candidate_list.dense) for candidate_list in lists],
        "hybrid": [range(len(candidate_list.candidates)) for candidate_list in lists],
        "cross-encoder": [best_first(scores) for scores in logits],
        "final order": [best_first(scores) for scores in combined],
    }
    results = {}
    for name, order in orders.items():
        metrics = order_metrics(lists, order, AT_K)
        results[name] = {key: round(metrics[key], 4) for key in (f"mrr@{AT_K}", f"ndcg@{AT_K}")}
    return results


def order_metrics(
    lists: Sequence[CandidateList], orders: Sequence[Sequence[int]], k: int
) -> dict[str, float]:
    """Compute `mean_metrics` at k of the lists, each ranked by its positions in `orders`.

    A positive that the first stage missed counts as 0.
    """
    # No order holds the position of a missed positive, -1.
    relevant = {
        str(number): {str(candidate_list.positive_rank)}
        for number, candidate_list in enumerate(lists)
    }
    rankings = {str(number): [str(index) for index in ranks] for number, ranks in enumerate(orders)}
    return mean_metrics(rankings, relevant, k)


def _order(scores: Sequence[float | None]) -> list[int]:
    """Return the positions of the candidates that a retriever found, best first."""
    scored = [(index, score) for index, score in enumerate(scores) if score is not None]
    return [index for index, _ in sorted(scored, key=lambda pair: -pair[1])]
