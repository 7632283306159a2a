"""Rankings measured on parts of the queries, and on parts of the candidates."""

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
    """A stratum before it is measured; `within_article` keeps the candidates of one article."""

    name: str
    queries: list[str]
    depth: int
    by: StratumKind = "stratum"
    within_article: bool = False


def strata_results(
    rankings: list[Ranking], before: Ranking, dataset: RetrievalDataset, depth: int
) -> list[StratumResult]:
    """Measure rankings on parts of the queries, and at smaller depths.

    - Low and high word overlap: see `overlap_strata`.
    - Same-article distractors: the queries for which the reranked first stage has candidates of
      a relevant passage's article that are not relevant. Only the candidates of that article are
      ranked, so it shows whether a ranking tells the passage from its neighbours. Passages are of
      one article if they have one title.
    - Depth n: all queries, the first n candidates of each.
    - Kinds of query, where the data set has several.

    Args:
        rankings: Of all queries.
        before: The one whose candidates were reranked. Where a stratum leaves candidates out, the
            same ones are left out of each reranker's and the oracle's ranking; of a first stage's,
            such ones of its own.
        dataset: Queries and what is relevant.
        depth: Candidates a query; of `DEPTHS`, those up to it are measured.

    Returns:
        One result a stratum that has a query.
    """
    parts = [_Part(name, ids, depth) for name, ids in overlap_strata(dataset).items()]
    crowded = [query for query in dataset.queries if _has_neighbour(before, dataset, query)]
    parts.append(_Part(SAME_ARTICLE, crowded, depth, within_article=True))
    every = list(dataset.queries)
    parts += [_Part(f"depth {cut}", every, cut) for cut in DEPTHS if cut <= depth]
    kinds = kinds_of_query(dataset).items()
    parts += [_Part(kind, ids, depth, by="kind of query") for kind, ids in kinds]
    return [_measured(part, rankings, before, dataset) for part in parts if part.queries]


def _has_neighbour(before: Ranking, dataset: RetrievalDataset, query: str) -> bool:
    return not dataset.relevant[query].issuperset(before.same_article.get(query, ()))


def _measured(
    part: _Part, rankings: list[Ranking], before: Ranking, dataset: RetrievalDataset
) -> StratumResult:
    relevant = {query: dataset.relevant[query] for query in part.queries}
    recall = f"recall@{part.depth}"
    metrics: dict[str, dict[str, float]] = {}
    for ranking in rankings:
        ids = ranking.within(_kept(part, ranking if ranking.kind == "first stage" else before))
        at_k, deep = mean_metrics(ids, relevant, AT_K), mean_metrics(ids, relevant, part.depth)
        metrics[ranking.name] = {MRR: at_k[MRR], NDCG: at_k[NDCG], recall: deep[recall]}
    return StratumResult(part.name, part.by, len(part.queries), metrics)


def _kept(part: _Part, stage: Ranking) -> dict[str, list[str]]:
    """The candidates of a first stage that the part keeps, by query."""
    if part.within_article:
        return {query: stage.same_article[query] for query in part.queries}
    return {query: stage.ids[query][: part.depth] for query in part.queries}
