"""How far below the best a candidate may be in the first pass, and what dropping then costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wikirank.rank import best_first
from wikirank.rank.cascade import going_on, with_first_stage
from wikirank.rank.combination import Combination, FirstStageScores
from wikirank.runtime.model_description import DropRule, DropRules
from wikirank.train.wiki.combine import fit_combination
from wikirank.train.wiki.heldout import CandidateList
from wikirank.train.wiki.measure import order_metrics

# By how much nDCG may fall on the lists that the margin is chosen on: a tenth of a point.
_LOSS = 0.001
_CHOSEN_FOR = 5  # As many as `WikiReranker` and `wikirank search` return by default.
_MARGINS = np.arange(0.0, 20.5, 0.5)


class CascadeScores(NamedTuple):
    """What a cascade makes of the candidates of one list.

    Attributes:
        first: (n,), what the first pass goes by: its logits, the first stage's scores added or not.
        final: (n,), what the final order goes by: logits of the cross-encoder, or combined scores.
    """

    first: NDArray[np.float64]
    final: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CascadeQuality:
    """What a first pass costs, measured on candidate lists.

    Attributes:
        best: How many passages were wanted of each list.
        candidates: Mean number of candidates of a list.
        going_on: Mean number of them that the cross-encoder scored.
        ndcg: nDCG at `best` of the final order, the cross-encoder scoring all.
        cascade_ndcg: The same with the first pass.
    """

    best: int
    candidates: float
    going_on: float
    ndcg: float
    cascade_ndcg: float


def choose_rules(
    lists: Sequence[CandidateList],
    scores: Sequence[CascadeScores],
    combination: Combination | None,
) -> DropRules:
    """When to drop candidates, by what that costs on candidate lists.

    What the first stage's scores are worth beside the first pass's logit is fitted as for the final
    order, see `fit_combination`.

    Args:
        lists: Held-out candidate lists of hybrid search.
        scores: Of each, by the logits alone.
        combination: Of the cross-encoder; None if it has none.

    Returns:
        The rules, each with the margin that `choose_margin` gives.
    """
    alone = DropRule(choose_margin(lists, scores))
    if combination is None:
        return DropRules(alone)
    fitted = fit_combination(lists, [one.first for one in scores])
    rule = DropRule(0.0, fitted.dense / fitted.logit, fitted.lexical / fitted.logit)
    margin = choose_margin(lists, in_hybrid(lists, scores, rule, combination))
    return DropRules(alone, replace(rule, margin=margin))


def in_hybrid(
    lists: Sequence[CandidateList],
    scores: Sequence[CascadeScores],
    rule: DropRule,
    combination: Combination,
) -> list[CascadeScores]:
    """What a cascade makes of candidates whose first-stage scores are known.

    Args:
        lists: Candidate lists.
        scores: Of each, by the logits alone.
        rule: What the first pass adds to its logits.
        combination: What the final order goes by.

    Returns:
        The scores of each.
    """
    return [
        CascadeScores(
            with_first_stage(one.first, FirstStageScores(held.dense, held.lexical), rule),
            combination.scores(one.final, held.dense, held.lexical),
        )
        for held, one in zip(lists, scores, strict=True)
    ]


def choose_margin(lists: Sequence[CandidateList], scores: Sequence[CascadeScores]) -> float:
    """The least margin from which on nDCG@5 is at most 0.001 below that of scoring all.

    From it on: a smaller one where it happens to be so too would be one by luck.

    Args:
        lists: Held-out candidate lists.
        scores: Of each.

    Returns:
        A multiple of a half up to 20.
    """
    least = _MARGINS[-1]
    for margin in reversed(_MARGINS):
        quality = cascade_quality(lists, scores, margin=float(margin), best=_CHOSEN_FOR)
        if quality.cascade_ndcg < quality.ndcg - _LOSS:
            break
        least = margin
    return float(least)


def cascade_quality(
    lists: Sequence[CandidateList], scores: Sequence[CascadeScores], *, margin: float, best: int
) -> CascadeQuality:
    """Measure a cascade.

    Args:
        lists: Held-out candidate lists.
        scores: Of each.
        margin: See `going_on`.
        best: How many passages are wanted.

    Returns:
        What it costs.
    """
    left = [going_on(one.first, best, margin) for one in scores]
    cascade = [_by_logit(one, positions) for one, positions in zip(scores, left, strict=True)]
    whole = [best_first(one.final) for one in scores]
    return CascadeQuality(
        best,
        candidates=float(np.mean([len(one.final) for one in scores])),
        going_on=float(np.mean([len(positions) for positions in left])),
        ndcg=order_metrics(lists, whole, best)[f"ndcg@{best}"],
        cascade_ndcg=order_metrics(lists, cascade, best)[f"ndcg@{best}"],
    )


def _by_logit(scores: CascadeScores, positions: Sequence[int]) -> list[int]:
    """Of a list those candidates alone that went on, best first."""
    kept = sorted(positions)
    return [kept[at] for at in best_first(scores.final[kept])]
