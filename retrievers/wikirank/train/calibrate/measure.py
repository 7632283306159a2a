"""Measuring a model on held-out candidate lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wikirank.metrics.ranking import mean_metrics
from wikirank.rank import CrossEncoder, best_first, score_passages
from wikirank.train.data.candidate_lists import MISSED, CandidateList

AT_K = 10


def score_lists(model: CrossEncoder, lists: Sequence[CandidateList]) -> list[NDArray[np.float64]]:
    """The logits of each list's candidates, in their order."""
    return [score_passages(model, one.query, one.candidates) for one in lists]


def labels(lists: Sequence[CandidateList]) -> NDArray[np.bool_]:
    """Which of all candidates, list after list, is the positive of its list."""
    return np.concatenate(
        [np.arange(len(one.candidates)) == one.positive_rank for one in lists], dtype=np.bool_
    )


def rank_metrics(
    lists: Sequence[CandidateList],
    logits: Sequence[NDArray[np.float64]],
    combined: Sequence[NDArray[np.float64]],
) -> dict[str, dict[str, float]]:
    """MRR@10 and nDCG@10 of each first stage's order, of the cross-encoder's, and of the final one.

    Args:
        lists: Candidate lists; a positive that the first stage missed counts 0 in all.
        logits: Of each list's candidates.
        combined: Likewise, the scores of the combination.

    Returns:
        `BM25`, `dense`, `hybrid`, `cross-encoder` and `final order`, each with `mrr@10` and
        `ndcg@10`.
    """
    orders: dict[str, list[Sequence[int]]] = {
        "BM25": [_order(one.lexical) for one in lists],
        "dense": [_order(one.dense) for one in lists],
        "hybrid": [range(len(one.candidates)) for one in lists],
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
    """Mean metrics at k of one order of each list's candidates.

    Args:
        lists: Candidate lists; a positive that the first stage missed counts 0.
        orders: Of each list positions of candidates, best first.
        k: How many of them to look at.

    Returns:
        What `mean_metrics` gives.
    """
    relevant = {
        str(number): {str(one.positive_rank) if one.positive_rank != MISSED else "missed"}
        for number, one in enumerate(lists)
    }
    rankings = {str(number): [str(index) for index in ranks] for number, ranks in enumerate(orders)}
    return mean_metrics(rankings, relevant, k)


def _order(scores: Sequence[float | None]) -> list[int]:
    """The candidates that a first stage found, best first."""
    known = [(index, score) for index, score in enumerate(scores) if score is not None]
    return [index for index, _ in sorted(known, key=lambda pair: -pair[1])]
