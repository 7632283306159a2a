"""Calibrating a trained model as shipped, and measuring it on held-out candidate lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wikirank.evaluate.metrics import mean_metrics
from wikirank.rank import CrossEncoder, best_first, score_passages
from wikirank.train.wiki.heldout import MISSED, CandidateList

AT_K = 10


def score_lists(model: CrossEncoder, lists: Sequence[CandidateList]) -> list[NDArray[np.float64]]:
    """The logits of each list's candidates, in their order."""
    return [score_passages(model, held.query, held.candidates) for held in lists]


def labels(lists: Sequence[CandidateList]) -> NDArray[np.bool_]:
    """Which of all candidates, list after list, is the positive of its list."""
    return np.concatenate(
        [np.arange(len(held.candidates)) == held.place for held in lists], dtype=np.bool_
    )


def rank_metrics(
    lists: Sequence[CandidateList], logits: Sequence[NDArray[np.float64]]
) -> dict[str, dict[str, float]]:
    """MRR@10 and nDCG@10 of the first stage's order and of the reranked one.

    Args:
        lists: Candidate lists; a positive that the first stage missed counts 0 in both.
        logits: Of each list's candidates.

    Returns:
        `first stage` and `reranked`, each with `mrr@10` and `ndcg@10`.
    """
    relevant = {
        str(number): {str(held.place) if held.place != MISSED else "missed"}
        for number, held in enumerate(lists)
    }
    orders: dict[str, list[Sequence[int]]] = {
        "first stage": [range(len(held.candidates)) for held in lists],
        "reranked": [best_first(scores) for scores in logits],
    }
    results = {}
    for name, order in orders.items():
        rankings = {str(number): [str(at) for at in ranks] for number, ranks in enumerate(order)}
        metrics = mean_metrics(rankings, relevant, AT_K)
        results[name] = {key: round(metrics[key], 4) for key in (f"mrr@{AT_K}", f"ndcg@{AT_K}")}
    return results
