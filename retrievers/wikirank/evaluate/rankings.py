"""Every ranking of a data set: the first stages, each reranker, and the best that can be had."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal, TypeAlias

from wikirank.evaluate.candidates import FIRST_STAGES, OnStep, first_stages
from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.index import WikiIndex
from wikirank.rank import CrossEncoder
from wikirank.search import Searcher, rerank
from wikirank.types import RankedPassage, SearchType

RankingKind: TypeAlias = Literal["first stage", "reranker", "oracle"]


@dataclass(slots=True)
class Ranking:
    """What one way of ranking makes of each query.

    Attributes:
        name: What to call it.
        kind: What it is.
        ids: Query id to passage ids, best first.
        relevance: Query id to relevance scores in the same order; empty unless a reranker.
        stages_ms: Milliseconds by stage and in `total`, summed over the queries; none of an
            oracle.
    """

    name: str
    kind: RankingKind
    ids: dict[str, list[str]] = field(default_factory=dict)
    relevance: dict[str, list[float]] = field(default_factory=dict)
    stages_ms: dict[str, float] = field(default_factory=dict)

    def add(self, query: str, ranked: list[RankedPassage], stages_ms: Mapping[str, float]) -> None:
        """Take up the ranking of one more query.

        Args:
            query: Its id.
            ranked: Best first.
            stages_ms: Milliseconds that it took.
        """
        self.ids[query] = [held.passage.id for held in ranked]
        scores = [held.relevance_score for held in ranked if held.relevance_score is not None]
        if self.kind == "reranker":
            self.relevance[query] = scores
        for stage, milliseconds in stages_ms.items():
            self.stages_ms[stage] = self.stages_ms.get(stage, 0.0) + milliseconds

    def mean_ms(self) -> dict[str, float]:
        """Mean milliseconds a query, by stage and in `total`."""
        return {stage: summed / len(self.ids) for stage, summed in self.stages_ms.items()}

    def within(self, candidates: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
        """The rankings of some queries, with some of their candidates only.

        Args:
            candidates: Query id to the passage ids that stay.

        Returns:
            Query id to passage ids, best first.
        """
        kept = {query: frozenset(ids) for query, ids in candidates.items()}
        return {
            query: [id_ for id_ in self.ids[query] if id_ in ids] for query, ids in kept.items()
        }


def rank_all(
    index: WikiIndex,
    dataset: RetrievalDataset,
    models: Mapping[str, CrossEncoder],
    *,
    depth: int,
    search_type: SearchType,
    on_step: OnStep | None = None,
) -> list[Ranking]:
    """Rank the passages for every query in every way.

    Each reranker orders the same candidates, those of one first stage; a relevant passage that
    is not among them stays missed. The time of a reranker includes that of its first stage. The
    first stages are asked in turn, so the later ones find caches warm.

    Args:
        index: Of the data set's passages.
        dataset: Its queries are asked.
        models: Rerankers by name.
        depth: Candidates a query.
        search_type: The first stage whose candidates are reranked.
        on_step: Told `Asking`, queries done, and queries in all.

    Returns:
        The first stages, the rerankers in the order given, and the oracle, which puts the
        relevant candidates first.
    """
    searcher = Searcher(index)
    stage_name = FIRST_STAGES[search_type]
    stages = {key: Ranking(name, "first stage") for key, name in FIRST_STAGES.items()}
    rerankers = {name: Ranking(f"{stage_name} + {name}", "reranker") for name in models}
    oracle = Ranking(f"{stage_name} + oracle", "oracle")
    _warm_up(searcher, dataset, models, depth)
    for done, (id_, query) in enumerate(dataset.queries.items(), start=1):
        found = first_stages(searcher, query, depth)
        for key, stage in found.items():
            stages[key].add(id_, stage.candidates, stage.stages_ms)
        candidates, before_ms = found[search_type].candidates, found[search_type].stages_ms
        for name, model in models.items():
            started = perf_counter()
            ranked = rerank(query, candidates, model)
            milliseconds = (perf_counter() - started) * 1000
            total = before_ms["total"] + milliseconds
            rerankers[name].add(id_, ranked, {**before_ms, "rerank": milliseconds, "total": total})
        oracle.add(id_, _relevant_first(candidates, dataset.relevant[id_]), {})
        if on_step:
            on_step("Asking", done, len(dataset.queries))
    return [*stages.values(), *rerankers.values(), oracle]


def _warm_up(
    searcher: Searcher, dataset: RetrievalDataset, models: Mapping[str, CrossEncoder], depth: int
) -> None:
    """Rank for one query, so that no model's first run is timed."""
    query = next(iter(dataset.queries.values()))
    for stage in first_stages(searcher, query, depth).values():
        for model in models.values():
            rerank(query, stage.candidates[:2], model)


def _relevant_first(
    candidates: list[RankedPassage], relevant: Collection[str]
) -> list[RankedPassage]:
    return sorted(candidates, key=lambda held: held.passage.id not in relevant)
