"""Run an evaluation."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from wikirank._version import __version__
from wikirank.evaluate.candidates import FIRST_STAGES, Candidates, OnStep
from wikirank.evaluate.changes import change_counts, rank_changes, top_changes
from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.evaluate.near_duplicates import with_distinct_relevant
from wikirank.evaluate.rankings import Ranking, rank_all
from wikirank.evaluate.results import (
    ACCURACY,
    AT_K,
    MRR,
    NDCG,
    Evaluation,
    EvaluationSettings,
    RankingResult,
    RerankerResult,
)
from wikirank.evaluate.stratified import strata_results
from wikirank.metrics.abstention import Abstention, abstention
from wikirank.metrics.calibration import expected_calibration_error, reliability_bins
from wikirank.metrics.ranking import METRICS, mean_metrics
from wikirank.metrics.significance import bootstrap_interval, permutation_p_value
from wikirank.rank import CrossEncoder

Relevant = Mapping[str, Collection[str]]


def evaluate(
    candidates: Candidates,
    dataset: RetrievalDataset,
    models: Mapping[str, CrossEncoder],
    settings: EvaluationSettings | None = None,
    *,
    name: str = "data set",
    on_step: OnStep | None = None,
) -> Evaluation:
    """Compare first stages and rerankers on the same queries and candidates.

    Search returns only one of several near duplicates, so each of them counts for all: relevant
    passages that are near duplicates count as one, and a candidate that is a near duplicate of a
    relevant passage counts as that passage. See `wikirank.passages.duplicates`.

    Args:
        candidates: Candidates for the data set's queries, searched or recorded.
        dataset: A data set with at least one query.
        models: Rerankers by name.
        settings: How to evaluate; None for the defaults.
        name: Name of the data set, for the report.
        on_step: Called with the name of the current work, the amount done, and the total.

    Returns:
        The results.
    """
    settings = settings or EvaluationSettings()
    dataset = with_distinct_relevant(dataset)
    rankings = rank_all(
        candidates,
        dataset,
        models,
        depth=settings.depth,
        search_type=settings.search_type,
        on_step=on_step,
    )
    before = next(r for r in rankings if r.name == FIRST_STAGES[settings.search_type])
    results = ranking_results(rankings, dataset.relevant, settings)
    return Evaluation(
        dataset=name,
        queries=len(dataset.queries),
        passages=candidates.passages,
        distractors=candidates.distractors,
        settings=settings,
        machine=_machine(),
        reference=_best_first_stage(results),
        rankings=results,
        strata=strata_results(rankings, before, dataset, settings.depth),
        rerankers=[
            _reranker_result(ranking, before, dataset)
            for ranking in rankings
            if ranking.kind == "reranker"
        ],
    )


def ranking_results(
    rankings: list[Ranking], relevant: Relevant, settings: EvaluationSettings
) -> list[RankingResult]:
    """Measure rankings and compare them with the best first stage among them.

    Args:
        rankings: Rankings of the same queries; at least one is a first stage.
        relevant: Query id to the ids of its relevant passages.
        settings: Depth, resamples, permutations and seed.

    Returns:
        One result per ranking.
    """
    rng = np.random.default_rng(settings.seed)
    scores = [{name: _per_query(r, relevant, name) for name in (MRR, NDCG)} for r in rankings]
    stages = [index for index, ranking in enumerate(rankings) if ranking.kind == "first stage"]
    best = max(stages, key=lambda index: float(scores[index][NDCG].mean()))
    results = []
    for index, ranking in enumerate(rankings):
        tested = index != best and ranking.kind != "oracle"
        results.append(
            RankingResult(
                name=ranking.name,
                kind=ranking.kind,
                metrics=_metrics(ranking, relevant, settings.depth),
                intervals={
                    name: bootstrap_interval(values, rng, resamples=settings.resamples)
                    for name, values in scores[index].items()
                },
                p_value=permutation_p_value(
                    scores[index][NDCG], scores[best][NDCG], rng, resamples=settings.permutations
                )
                if tested
                else None,
                stages_ms=ranking.mean_ms(),
            )
        )
    return results


def _per_query(ranking: Ranking, relevant: Relevant, name: str) -> NDArray[np.float64]:
    metric, _, k = name.partition("@")
    values = [METRICS[metric](ranking.ids[query], ids, int(k)) for query, ids in relevant.items()]
    return np.array(values)


def _metrics(ranking: Ranking, relevant: Relevant, depth: int) -> dict[str, float]:
    measured = {
        **mean_metrics(ranking.ids, relevant, depth),
        **mean_metrics(ranking.ids, relevant, AT_K),
        **mean_metrics(ranking.ids, relevant, 1),
    }
    shown = (MRR, NDCG, f"map@{depth}", f"recall@{depth}", ACCURACY)
    return {name: measured[name] for name in shown}


def _best_first_stage(results: list[RankingResult]) -> str:
    stages = [result for result in results if result.kind == "first stage"]
    return max(stages, key=lambda result: result.metrics[NDCG]).name


def _reranker_result(
    ranking: Ranking, before: Ranking, dataset: RetrievalDataset
) -> RerankerResult:
    scores = [score for values in ranking.relevance.values() for score in values]
    labels = [id_ in dataset.relevant[query] for query, ids in ranking.ids.items() for id_ in ids]
    changes = rank_changes(dataset, before.ids, ranking.ids)
    return RerankerResult(
        name=ranking.name,
        expected_calibration_error=expected_calibration_error(scores, labels) if scores else None,
        reliability=reliability_bins(scores, labels) if scores else [],
        abstention=ranking_abstention(ranking, dataset.relevant),
        rank_changes=change_counts(changes),
        examples=top_changes(changes),
    )


def ranking_abstention(ranking: Ranking, relevant: Relevant) -> Abstention | None:
    """Measure abstention by a reranker's scores, with and without each query's answers.

    Args:
        ranking: The ranking of a reranker.
        relevant: Query id to the ids of its relevant passages.

    Returns:
        The measures; None if no relevant passage was a candidate.
    """
    answerable, wrong, unanswerable = [], [], []
    for query, ids in ranking.ids.items():
        scores = ranking.relevance[query]
        is_relevant = [id_ in relevant[query] for id_ in ids]
        others = [score for score, hit in zip(scores, is_relevant, strict=True) if not hit]
        # A search without candidates abstains.
        unanswerable.append(max(others, default=0.0))
        if any(is_relevant):
            answerable.append(scores[0])
            wrong.append(not is_relevant[0])
    return abstention(answerable, wrong, unanswerable) if answerable else None


def _machine() -> dict[str, str | int]:
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "wikirank": __version__,
    }
