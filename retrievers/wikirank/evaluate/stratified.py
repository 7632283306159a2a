"""Measure rankings on subsets of the queries and of the candidates."""

from __future__ import annotations

from dataclasses import dataclass

from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.evaluate.rankings import Ranking
from wikirank.evaluate.results import AT_K, MRR, NDCG, StratumKind, StratumResult
from wikirank.evaluate.strata import SAME_ARTICLE, kinds_of_query, overlap_strata
from wikirank.metrics.ranking import mean_metrics

DEPTHS = (20, 50, 100)


@dataclass(frozen=True, slots=True)
class _Part:
    """A stratum to measure; `within_article` keeps only candidates of the relevant article."""

    name: str
    queries: list[str]
    depth: int
    by: StratumKind = "stratum"
    within_article: bool = False


def strata_results(
    rankings: list[Ranking], before: Ranking, dataset: RetrievalDataset, depth: int
) -> list[StratumResult]:
    """Measure rankings on subsets of the queries, and at smaller depths.

    - Low and high word overlap: see `overlap_strata`.
    - Same-article distractors: queries for which the reranked first stage has irrelevant candidates
      from a relevant passage's article. Only candidates from that article are ranked, which shows
      whether a ranking distinguishes the passage from its neighbours. Passages with the same title
      are from the same article.
    - Depth n: all queries, with the first n candidates of each.
    - Kinds of query, if the data set has several.

    Args:
        rankings: Rankings of all queries.
        before: The first stage whose candidates were reranked. Its candidates decide which ones a
            stratum leaves out of the rerankers' and the oracle's rankings; every first stage
            decides for itself.
        dataset: The data set.
        depth: Candidates per query; only depths in `DEPTHS` up to this are measured.

    Returns:
        One result per stratum that has queries.
    """
    parts = [_Part(name, ids, depth) for name, ids in overlap_strata(dataset).items()]
    crowded = [query for query in dataset.queries if _has_neighbour(before, dataset, query)]
    parts.append(_Part(SAME_ARTICLE, crowded, depth, within_article=True))
    all_queries = list(dataset.queries)
    parts += [_Part(f"depth {cut}", all_queries, cut) for cut in DEPTHS if cut <= depth]
    kinds = kinds_of_query(dataset).items()
    parts += [_Part(kind, ids, depth, by="kind of query") for kind, ids in kinds]
    return [_measure(part, rankings, before, dataset) for part in parts if part.queries]


def _has_neighbour(before: Ranking, dataset: RetrievalDataset, query: str) -> bool:
    return not dataset.relevant[query].issuperset(before.same_article.get(query, ()))


def _measure(
    part: _Part, rankings: list[Ranking], before: Ranking, dataset: RetrievalDataset
) -> StratumResult:
    relevant = {query: dataset.relevant[query] for query in part.queries}
    recall = f"recall@{part.depth}"
    metrics: dict[str, dict[str, float]] = {}
    for ranking in rankings:
        stage = ranking if ranking.kind == "first stage" else before
        ids = ranking.within(_candidates(part, stage))
        at_k, deep = mean_metrics(ids, relevant, AT_K), mean_metrics(ids, relevant, part.depth)
        metrics[ranking.name] = {MRR: at_k[MRR], NDCG: at_k[NDCG], recall: deep[recall]}
    return StratumResult(part.name, part.by, len(part.queries), metrics)


def _candidates(part: _Part, stage: Ranking) -> dict[str, list[str]]:
    """Return the candidates of a first stage in a stratum, by query."""
    if part.within_article:
        return {query: stage.same_article[query] for query in part.queries}
    return {query: stage.ids[query][: part.depth] for query in part.queries}
