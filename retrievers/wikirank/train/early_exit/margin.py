"""How far below the best a candidate may be at the early exit, and what the exit then costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wikirank.rank import best_first
from wikirank.rank.early_exit import going_on
from wikirank.train.wiki.heldout import CandidateList
from wikirank.train.wiki.measure import order_metrics

# By how much nDCG may fall on the lists that the margin is chosen on: a tenth of a point.
_LOSS = 0.001
_CHOSEN_FOR = 5  # As many as `WikiReranker` and `wikirank search` return by default.
_MARGINS = np.arange(0.0, 20.5, 0.5)


class ExitScores(NamedTuple):
    """What a model makes of the candidates of one list.

    Attributes:
        exit_logits: (n,), of its first layers.
        logits: (n,), of all its layers.
    """

    exit_logits: NDArray[np.float64]
    logits: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ExitQuality:
    """What an early exit costs, measured on candidate lists.

    Attributes:
        best: How many passages were wanted of each list.
        candidates: Mean number of candidates of a list.
        going_on: Mean number of them that went through all layers.
        ndcg: nDCG at `best`, all candidates scored by all layers.
        early_ndcg: The same with the early exit.
    """

    best: int
    candidates: float
    going_on: float
    ndcg: float
    early_ndcg: float


def choose_margin(lists: Sequence[CandidateList], scores: Sequence[ExitScores]) -> float:
    """The least margin by which nDCG@5 is at most 0.001 below that without the exit.

    Args:
        lists: Held-out candidate lists.
        scores: Of each.

    Returns:
        A multiple of a half up to 20.
    """
    for margin in _MARGINS:
        quality = exit_quality(lists, scores, margin=float(margin), best=_CHOSEN_FOR)
        if quality.early_ndcg >= quality.ndcg - _LOSS:
            break
    return float(margin)


def exit_quality(
    lists: Sequence[CandidateList], scores: Sequence[ExitScores], *, margin: float, best: int
) -> ExitQuality:
    """Measure an early exit.

    Args:
        lists: Held-out candidate lists.
        scores: Of each.
        margin: See `going_on`.
        best: How many passages are wanted.

    Returns:
        What it costs.
    """
    left = [going_on(one.exit_logits, best, margin) for one in scores]
    early = [_by_logit(one, positions) for one, positions in zip(scores, left, strict=True)]
    whole = [best_first(one.logits) for one in scores]
    return ExitQuality(
        best,
        candidates=float(np.mean([len(one.logits) for one in scores])),
        going_on=float(np.mean([len(positions) for positions in left])),
        ndcg=order_metrics(lists, whole, best)[f"ndcg@{best}"],
        early_ndcg=order_metrics(lists, early, best)[f"ndcg@{best}"],
    )


def _by_logit(scores: ExitScores, positions: Sequence[int]) -> list[int]:
    """Of a list those candidates alone that went on, best first."""
    kept = sorted(positions)
    return [kept[at] for at in best_first(scores.logits[kept])]
