"""Retrieval metrics for rankings of ids, with binary relevance.

A ranking is a sequence of distinct ids, best first. `relevant` holds the relevant ids; a relevant
id that is missing from the ranking lowers recall, average precision and nDCG. Every metric uses
only the first `k` ids and lies in [0, 1]. Without a relevant id it is undefined and raises
`InvalidArgumentError`.

- Reciprocal rank: 1 / rank of the first relevant id, 0 if none is in the first k.
- nDCG: DCG / ideal DCG, where DCG sums 1 / log2(rank + 1) over the relevant ids in the first k,
  and the ideal ranking has all relevant ids first.
- Average precision: the precision at the rank of each relevant id in the first k, summed and
  divided by min(k, number of relevant ids).
- Recall: relevant ids in the first k / relevant ids.
- Accuracy: 1 if any relevant id is in the first k, else 0; also called success or hit rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wikirank.errors import InvalidArgumentError

Metric: TypeAlias = Callable[[Sequence[str], Collection[str], int], float]


def reciprocal_rank(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """1 / rank of the first relevant id among the first k; 0 if there is none."""
    _check(ranking, relevant, k)
    ranks = _relevant_ranks(ranking, relevant, k)
    return 1.0 / ranks[0] if ranks else 0.0


def ndcg(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Normalised discounted cumulative gain of the first k, binary gains, log2 discount."""
    _check(ranking, relevant, k)
    gain = _discounted_gain(_relevant_ranks(ranking, relevant, k))
    return gain / _discounted_gain(range(1, min(k, len(set(relevant))) + 1))


def average_precision(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Mean precision at the ranks of the relevant ids; ids outside the first k count as 0."""
    _check(ranking, relevant, k)
    ranks = _relevant_ranks(ranking, relevant, k)
    precisions = sum(hits / rank for hits, rank in enumerate(ranks, start=1))
    return precisions / min(k, len(set(relevant)))


def recall(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Share of the relevant ids that are among the first k."""
    _check(ranking, relevant, k)
    return len(_relevant_ranks(ranking, relevant, k)) / len(set(relevant))


def accuracy(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """1 if a relevant id is among the first k, else 0."""
    _check(ranking, relevant, k)
    return float(bool(_relevant_ranks(ranking, relevant, k)))


METRICS: Mapping[str, Metric] = {
    "mrr": reciprocal_rank,
    "ndcg": ndcg,
    "map": average_precision,
    "recall": recall,
    "accuracy": accuracy,
}


def mean_metrics(
    rankings: Mapping[str, Sequence[str]],
    relevant: Mapping[str, Collection[str]],
    k: int,
) -> dict[str, float]:
    """Return the mean of each metric at k over the queries.

    Args:
        rankings: Query id to ranking. A query without a ranking counts as 0.
        relevant: Query id to relevant ids. The mean is over these queries.
        k: Number of ids of each ranking to use, 1 or more.

    Returns:
        `{"mrr@k": ..., "ndcg@k": ..., "map@k": ..., "recall@k": ..., "accuracy@k": ...}`, each in
        [0, 1].

    Raises:
        InvalidArgumentError: If k is below 1, there is no query, a query has no relevant id, a
            ranking repeats an id, or a ranking belongs to an unknown query.
    """
    if not relevant:
        msg = "Expected at least one query with relevant ids, got none. Add one to `relevant`."
        raise InvalidArgumentError(msg)
    unknown = rankings.keys() - relevant.keys()
    if unknown:
        msg = (
            "Expected relevant ids for each query with a ranking, got none for "
            f"{sorted(unknown)[:5]}. Add them to `relevant`."
        )
        raise InvalidArgumentError(msg)
    return {
        f"{name}@{k}": math.fsum(metric(rankings.get(q, ()), ids, k) for q, ids in relevant.items())
        / len(relevant)
        for name, metric in METRICS.items()
    }


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Return the Spearman rank correlation of two score lists; ties share their mean rank.

    Args:
        first: n scores, n at least 2, not all equal.
        second: n scores of the same items, not all equal.

    Returns:
        Pearson correlation of the ranks, in [-1, 1].

    Raises:
        InvalidArgumentError: If the lengths differ, are below 2, or all scores of a list are equal.
    """
    ranks = [_mean_ranks(np.asarray(scores, dtype=np.float64)) for scores in (first, second)]
    if ranks[0].shape != ranks[1].shape or ranks[0].size < 2:
        sizes = [rank.size for rank in ranks]
        msg = f"Expected two lists of equal length, 2 or more, got {sizes} scores. Correct them."
        raise InvalidArgumentError(msg)
    if any(np.ptp(rank) == 0 for rank in ranks):
        msg = "Expected different scores in each list, got only equal ones. Correct the lists."
        raise InvalidArgumentError(msg)
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _check(ranking: Sequence[str], relevant: Collection[str], k: int) -> None:
    if k < 1:
        msg = f"Expected k to be 1 or more, got {k}. Raise it."
        raise InvalidArgumentError(msg)
    if not relevant:
        msg = "Expected at least one relevant id, got none. Leave out queries without one."
        raise InvalidArgumentError(msg)
    if len(set(ranking)) != len(ranking):
        msg = "Expected distinct ids in a ranking, got a repeated one. Drop duplicates first."
        raise InvalidArgumentError(msg)


def _relevant_ranks(ranking: Sequence[str], relevant: Collection[str], k: int) -> list[int]:
    """Return the ranks, from 1, of the relevant ids among the first k."""
    ids = set(relevant)
    return [rank for rank, id_ in enumerate(ranking[:k], start=1) if id_ in ids]


def _discounted_gain(ranks: Sequence[int]) -> float:
    return math.fsum(1.0 / math.log2(rank + 1) for rank in ranks)


def _mean_ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank scores in ascending order, from 1; ties get the mean of their ranks."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)
