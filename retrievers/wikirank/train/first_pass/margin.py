"""Choose how far below the best a candidate may score in the prefilter, and measure the cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wikirank.rank import best_first
from wikirank.rank.cascade import survivors, with_first_stage
from wikirank.runtime.combination import DropRule, DropRules, FirstStageScores, ScoreInterpolation
from wikirank.train.calibrate.combine import fit_combination
from wikirank.train.calibrate.measure import order_metrics
from wikirank.train.data.candidate_lists import CandidateList

MEASURED_AT = (5, 10)
"""Numbers of wanted passages at which a margin is chosen and measured."""
# Loss of nDCG that is allowed when a margin is chosen, and number of candidates that survive in any
# case beyond those wanted, as a share of these. Texts alone must be ranked fast; in hybrid search
# few candidates survive.
_LOSS_ALONE, _SPARE_ALONE = 0.005, 0.2
_LOSS_HYBRID, _SPARE_HYBRID = 0.003, 0.4
_MARGINS = range(21)  # Differences between whole numbers are noise.


class CascadeScores(NamedTuple):
    """A cascade's scores of the candidates of one list.

    Attributes:
        first: (n,), scores to drop candidates by: the prefilter's logits, with or without the first
            stage's scores added.
        final: (n,), scores to rank candidates by: the cross-encoder's logits, or combined scores.
    """

    first: NDArray[np.float64]
    final: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CascadeQuality:
    """Quality of the final order with and without the prefilter, on candidate lists.

    Attributes:
        top_n: Number of wanted passages of each list.
        candidates: Mean number of candidates in a list.
        survivors: Mean number of candidates that the cross-encoder scores.
        ndcg: nDCG at `top_n` of the final order if the cross-encoder scores all candidates.
        cascade_ndcg: nDCG at `top_n` if it scores only the survivors.
    """

    top_n: int
    candidates: float
    survivors: float
    ndcg: float
    cascade_ndcg: float


def choose_rules(
    lists: Sequence[CandidateList],
    scores: Sequence[CascadeScores],
    combination: ScoreInterpolation | None,
) -> DropRules:
    """Choose which candidates to drop, by the loss of nDCG on candidate lists.

    The weights of the first stage's scores beside the prefilter's logit are fitted like those of
    the final order, see `fit_combination`. Margins are chosen on people's questions if there are
    any, because generated queries are easier.

    Args:
        lists: Held-out candidate lists of hybrid search.
        scores: Scores of each list by the logits alone.
        combination: The cross-encoder's combination; None if it has none.

    Returns:
        The rules, with the margins that `choose_margin` finds.
    """
    from_pairs = [
        (candidate_list, list_scores)
        for candidate_list, list_scores in zip(lists, scores, strict=True)
        if candidate_list.is_of_a_pair
    ]
    chosen = from_pairs or list(zip(lists, scores, strict=True))
    dev_lists, dev_scores = [pair[0] for pair in chosen], [pair[1] for pair in chosen]
    alone = choose_margin(dev_lists, dev_scores, DropRule(0.0, _SPARE_ALONE), loss=_LOSS_ALONE)
    if combination is None:
        return DropRules(alone)
    fitted = fit_combination(lists, [list_scores.first for list_scores in scores])
    dense, lexical = fitted.dense / fitted.logit, fitted.lexical / fitted.logit
    rule = DropRule(0.0, _SPARE_HYBRID, dense, lexical)
    hybrid = in_hybrid(dev_lists, dev_scores, rule, combination)
    return DropRules(alone, choose_margin(dev_lists, hybrid, rule, loss=_LOSS_HYBRID))


def in_hybrid(
    lists: Sequence[CandidateList],
    scores: Sequence[CascadeScores],
    rule: DropRule,
    combination: ScoreInterpolation,
) -> list[CascadeScores]:
    """Add the first stage's scores to a cascade's scores by the logits alone.

    Their weights are those of `rule` in the prefilter and of `combination` in the final order.
    """
    return [
        CascadeScores(
            with_first_stage(
                list_scores.first,
                FirstStageScores(candidate_list.dense, candidate_list.lexical),
                rule,
            ),
            combination.scores(list_scores.final, candidate_list.dense, candidate_list.lexical),
        )
        for candidate_list, list_scores in zip(lists, scores, strict=True)
    ]


def choose_margin(
    lists: Sequence[CandidateList], scores: Sequence[CascadeScores], rule: DropRule, *, loss: float
) -> DropRule:
    """Find the smallest margin that loses at most `loss` of nDCG@5 and of nDCG@10.

    Only dropped positives count as a loss. Positives that move up because a wrong candidate before
    them was dropped do not make up for it: that is luck. The result is `rule` with this margin, a
    whole number up to 20.
    """
    for margin in _MARGINS:
        rule = replace(rule, margin=float(margin))
        if all(lost_ndcg(lists, scores, rule, top_n=k) <= loss for k in MEASURED_AT):
            break
    return rule


def lost_ndcg(
    lists: Sequence[CandidateList], scores: Sequence[CascadeScores], rule: DropRule, *, top_n: int
) -> float:
    """Return the nDCG at `top_n` that the positives dropped by a prefilter would have had.

    This is the mean over all lists, counted as 0 for lists whose positive survives. A larger margin
    never gives more.
    """
    lost: list[list[int]] = []
    for candidate_list, list_scores in zip(lists, scores, strict=True):
        dropped = candidate_list.positive_rank not in survivors(list_scores.first, top_n, rule)
        lost.append(best_first(list_scores.final) if dropped else [])
    return order_metrics(lists, lost, top_n)[f"ndcg@{top_n}"]


def cascade_quality(
    lists: Sequence[CandidateList], scores: Sequence[CascadeScores], rule: DropRule, *, top_n: int
) -> CascadeQuality:
    """Measure the final order with and without the prefilter, and the number of survivors."""
    kept = [sorted(survivors(list_scores.first, top_n, rule)) for list_scores in scores]
    cascade = [
        [positions[index] for index in best_first(list_scores.final[positions])]
        for list_scores, positions in zip(scores, kept, strict=True)
    ]
    full = [best_first(list_scores.final) for list_scores in scores]
    return CascadeQuality(
        top_n,
        candidates=float(np.mean([len(list_scores.final) for list_scores in scores])),
        survivors=float(np.mean(list(map(len, kept)))),
        ndcg=order_metrics(lists, full, top_n)[f"ndcg@{top_n}"],
        cascade_ndcg=order_metrics(lists, cascade, top_n)[f"ndcg@{top_n}"],
    )
