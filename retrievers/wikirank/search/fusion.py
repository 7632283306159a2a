"""Reciprocal rank fusion of several rankings into one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)

RRF_K = 60


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[Item]], *, k: int = RRF_K
) -> list[tuple[Item, float]]:
    """Fuse rankings by the sum of `1 / (k + rank)`, ranks counted from 1.

    See Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual
    rank learning methods", SIGIR 2009. Ties are ordered by the better rank, then by the order of
    the rankings.

    Args:
        rankings: Rankings, each best first and without repeated items.
        k: A larger `k` gives the first ranks less weight; 60 in the paper.

    Returns:
        Pairs of item and score, best first.
    """
    scores: dict[Item, float] = {}
    for position in range(max(map(len, rankings), default=0)):
        for ranking in rankings:
            if position < len(ranking):
                item = ranking[position]
                scores[item] = scores.get(item, 0.0) + 1.0 / (k + position + 1)
    return sorted(scores.items(), key=lambda pair: -pair[1])
