"""How far below the best a candidate may be in the prefilter, and what dropping then costs."""

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
"""How many passages are wanted where a margin is chosen and measured."""
# How much of nDCG may be lost on the lists that a margin is chosen on, and how many more than are
# wanted go on: where nothing but the texts is known it must be quick, in hybrid search few go on.
_LOSS_ALONE, _SPARE_ALONE = 0.005, 0.2
_LOSS_HYBRID, _SPARE_HYBRID = 0.003, 0.4
_MARGINS = range(21)  # What is between whole numbers is noise.


class CascadeScores(NamedTuple):
    """What a cascade makes of the candidates of one list.

    Attributes:
        first: (n,), what the prefilter goes by: its logits, the first stage's scores added or not.
        final: (n,), what the final order goes by: logits of the cross-encoder, or combined scores.
    """

    first: NDArray[np.float64]
    final: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CascadeQuality:
    """What a prefilter costs, measured on candidate lists.

    Attributes:
        top_n: How many passages were wanted of each list.
        candidates: Mean number of candidates of a list.
        survivors: Mean number of them that the cross-encoder scored.
        ndcg: nDCG at `top_n` of the final order, the cross-encoder scoring all.
        cascade_ndcg: The same with the prefilter.
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
    """When to drop candidates, by what that costs on candidate lists.

    What the first stage's scores are worth beside the prefilter's logit is fitted as for the final
    order, see `fit_combination`. Margins go by the questions that people asked, where there are
    any: made queries are easier.

    Args:
        lists: Held-out candidate lists of hybrid search.
        scores: Of each, by the logits alone.
        combination: Of the cross-encoder; None if it has none.

    Returns:
        The rules, each with the margin that `choose_margin` gives.
    """
    from_pairs = [
        index for index, candidate_list in enumerate(lists) if candidate_list.is_of_a_pair
    ] or range(len(lists))
    own, own_scores = (
        [lists[index] for index in from_pairs],
        [scores[index] for index in from_pairs],
    )
    alone = choose_margin(own, own_scores, DropRule(0.0, _SPARE_ALONE), loss=_LOSS_ALONE)
    if combination is None:
        return DropRules(alone)
    fitted = fit_combination(lists, [one.first for one in scores])
    dense, lexical = fitted.dense / fitted.logit, fitted.lexical / fitted.logit
    rule = DropRule(0.0, _SPARE_HYBRID, dense, lexical)
    hybrid = in_hybrid(own, own_scores, rule, combination)
    return DropRules(alone, choose_margin(own, hybrid, rule, loss=_LOSS_HYBRID))


def in_hybrid(
    lists: Sequence[CandidateList],
    scores: Sequence[CascadeScores],
    rule: DropRule,
    combination: ScoreInterpolation,
) -> list[CascadeScores]:
    """What a cascade makes of candidates whose first-stage scores are known.

    Args:
        lists: Candidate lists.
        scores: Of each, by the logits alone.
        rule: What the prefilter adds to its logits.
        combination: What the final order goes by.

    Returns:
        The scores of each.
    """
    return [
        CascadeScores(
            with_first_stage(
                one.first, FirstStageScores(candidate_list.dense, candidate_list.lexical), rule
            ),
            combination.scores(one.final, candidate_list.dense, candidate_list.lexical),
        )
        for candidate_list, one in zip(lists, scores, strict=True)
    ]


def choose_margin(
    lists: Sequence[CandidateList], scores: Sequence[CascadeScores], rule: DropRule, *, loss: float
) -> DropRule:
    """The least margin at which dropping loses at most so much of nDCG@5 and of nDCG@10.

    What is lost is what the positives that were dropped would have given. That others move up where
    a wrong one before them is dropped is not set off against it: that is luck.

    Args:
        lists: Held-out candidate lists.
        scores: Of each.
        rule: All else of the rule.
        loss: What may be lost, see `lost_ndcg`.

    Returns:
        The rule with this margin, a whole number up to 20.
    """
    for margin in _MARGINS:
        rule = replace(rule, margin=float(margin))
        if all(lost_ndcg(lists, scores, rule, top_n=k) <= loss for k in MEASURED_AT):
            break
    return rule


def lost_ndcg(
    lists: Sequence[CandidateList], scores: Sequence[CascadeScores], rule: DropRule, *, top_n: int
) -> float:
    """What the positives that a prefilter drops would have given.

    Args:
        lists: Candidate lists.
        scores: Of each.
        rule: See `survivors`.
        top_n: How many passages are wanted.

    Returns:
        Mean of nDCG at `top_n` of the order where all are scored, 0 for a list whose positive goes
        on. The larger the margin, the less it is.
    """
    lost: list[list[int]] = []
    for candidate_list, one in zip(lists, scores, strict=True):
        dropped = candidate_list.positive_rank not in survivors(one.first, top_n, rule)
        lost.append(best_first(one.final) if dropped else [])
    return order_metrics(lists, lost, top_n)[f"ndcg@{top_n}"]


def cascade_quality(
    lists: Sequence[CandidateList], scores: Sequence[CascadeScores], rule: DropRule, *, top_n: int
) -> CascadeQuality:
    """Measure a cascade.

    Args:
        lists: Held-out candidate lists.
        scores: Of each.
        rule: See `survivors`.
        top_n: How many passages are wanted.

    Returns:
        What it costs.
    """
    left = [survivors(one.first, top_n, rule) for one in scores]
    cascade = [_by_logit(one, positions) for one, positions in zip(scores, left, strict=True)]
    whole = [best_first(one.final) for one in scores]
    return CascadeQuality(
        top_n,
        candidates=float(np.mean([len(one.final) for one in scores])),
        survivors=float(np.mean([len(positions) for positions in left])),
        ndcg=order_metrics(lists, whole, top_n)[f"ndcg@{top_n}"],
        cascade_ndcg=order_metrics(lists, cascade, top_n)[f"ndcg@{top_n}"],
    )


def _by_logit(scores: CascadeScores, positions: Sequence[int]) -> list[int]:
    """Of a list those candidates alone that went on, best first."""
    kept = sorted(positions)
    return [kept[index] for index in best_first(scores.final[kept])]
