"""One evaluation, from the queries to what was found."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

import wikirank
from wikirank.evaluate.abstention import Abstention, abstention
from wikirank.evaluate.calibration import expected_calibration_error, reliability_bins
from wikirank.evaluate.candidates import FIRST_STAGES, OnStep
from wikirank.evaluate.changes import change_counts, rank_changes, telling_changes
from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.evaluate.metrics import METRICS, mean_metrics
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
    StratumResult,
)
from wikirank.evaluate.significance import bootstrap_interval, permutation_p_value
from wikirank.evaluate.strata import DEPTHS, overlap_strata
from wikirank.index import WikiIndex
from wikirank.rank import CrossEncoder

Relevant = Mapping[str, Collection[str]]


def evaluate(
    index: WikiIndex,
    dataset: RetrievalDataset,
    models: Mapping[str, CrossEncoder],
    settings: EvaluationSettings | None = None,
    *,
    name: str = "data set",
    on_step: OnStep | None = None,
) -> Evaluation:
    """Compare first stages and rerankers on the same queries and candidates.

    Args:
        index: Of the data set's passages, as `build_index` makes it.
        dataset: At least one query.
        models: Rerankers by name.
        settings: How; None takes the defaults.
        name: Of the data set, for the report.
        on_step: Told what is done, how much of it, and of how much.

    Returns:
        What was found.
    """
    settings = settings or EvaluationSettings()
    rankings = rank_all(
        index,
        dataset,
        models,
        depth=settings.depth,
        search_type=settings.search_type,
        on_step=on_step,
    )
    before = next(r for r in rankings if r.name == FIRST_STAGES[settings.search_type])
    results = ranking_results(rankings, dataset.relevant, settings)
    passages = index.store.count()
    own = len(index.store.get(list(dataset.passages)))
    return Evaluation(
        dataset=name,
        queries=len(dataset.queries),
        passages=passages,
        distractors=passages - own,
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
        rankings: Of the same queries, at least one of them a first stage.
        relevant: Query id to the ids of its relevant passages.
        settings: Depth, resamples and seed.

    Returns:
        One result a ranking.
    """
    rng = np.random.default_rng(settings.seed)
    scores = [{name: _per_query(r, relevant, name) for name in (MRR, NDCG)} for r in rankings]
    stages = [at for at, ranking in enumerate(rankings) if ranking.kind == "first stage"]
    best = max(stages, key=lambda at: float(scores[at][NDCG].mean()))
    results = []
    for at, ranking in enumerate(rankings):
        tested = at != best and ranking.kind != "oracle"
        results.append(
            RankingResult(
                name=ranking.name,
                kind=ranking.kind,
                metrics=_metrics(ranking, relevant, settings.depth),
                intervals={
                    name: bootstrap_interval(values, rng, resamples=settings.resamples)
                    for name, values in scores[at].items()
                },
                p_value=permutation_p_value(
                    scores[at][NDCG], scores[best][NDCG], rng, resamples=settings.flips
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


def strata_results(
    rankings: list[Ranking], before: Ranking, dataset: RetrievalDataset, depth: int
) -> list[StratumResult]:
    """Measure rankings on queries of low and high word overlap, and at smaller depths.

    Args:
        rankings: Of all queries.
        before: The one whose candidates were reranked. At depth n its first n are kept of each
            reranker's and the oracle's ranking; of a first stage's, its own first n.
        dataset: Queries and what is relevant.
        depth: Candidates a query; of `DEPTHS`, those up to it are measured.

    Returns:
        One result a stratum that has a query.
    """
    parts = [(name, ids, depth) for name, ids in overlap_strata(dataset).items() if ids]
    parts += [(f"depth {cut}", list(dataset.queries), cut) for cut in DEPTHS if cut <= depth]
    return [_stratum(name, ids, cut, rankings, before, dataset) for name, ids, cut in parts]


def _stratum(
    name: str,
    queries: list[str],
    depth: int,
    rankings: list[Ranking],
    before: Ranking,
    dataset: RetrievalDataset,
) -> StratumResult:
    relevant = {query: dataset.relevant[query] for query in queries}
    candidates = {query: before.ids[query][:depth] for query in queries}
    metrics: dict[str, dict[str, float]] = {}
    for ranking in rankings:
        if ranking.kind == "first stage":
            ids = {query: ranking.ids[query][:depth] for query in queries}
        else:
            ids = ranking.within(candidates)
        at_k, deep = mean_metrics(ids, relevant, AT_K), mean_metrics(ids, relevant, depth)
        recall = f"recall@{depth}"
        metrics[ranking.name] = {MRR: at_k[MRR], NDCG: at_k[NDCG], recall: deep[recall]}
    return StratumResult(name, len(queries), metrics)


def _reranker_result(
    ranking: Ranking, before: Ranking, dataset: RetrievalDataset
) -> RerankerResult:
    scores = [score for held in ranking.relevance.values() for score in held]
    labels = [id_ in dataset.relevant[query] for query, ids in ranking.ids.items() for id_ in ids]
    changes = rank_changes(dataset, before.ids, ranking.ids)
    return RerankerResult(
        name=ranking.name,
        expected_calibration_error=expected_calibration_error(scores, labels) if scores else None,
        reliability=reliability_bins(scores, labels) if scores else [],
        abstention=ranking_abstention(ranking, dataset.relevant),
        rank_changes=change_counts(changes),
        examples=telling_changes(changes),
    )


def ranking_abstention(ranking: Ranking, relevant: Relevant) -> Abstention | None:
    """Measure abstaining by a reranker's scores, each query asked with and without an answer.

    Args:
        ranking: A reranker's.
        relevant: Query id to the ids of its relevant passages.

    Returns:
        The measures; None if no relevant passage was a candidate.
    """
    answerable, wrong, unanswerable = [], [], []
    for query, ids in ranking.ids.items():
        scores = ranking.relevance[query]
        found = [id_ in relevant[query] for id_ in ids]
        others = [score for score, is_found in zip(scores, found, strict=True) if not is_found]
        # Without a candidate there is nothing to answer with.
        unanswerable.append(max(others, default=0.0))
        if any(found):
            answerable.append(scores[0])
            wrong.append(not found[0])
    return abstention(answerable, wrong, unanswerable) if answerable else None


def _machine() -> dict[str, str | int]:
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        "wikirank": wikirank.__version__,
    }
