"""Every ranking of a data set: the first stages, each reranker, and the best that can be had."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal, TypeAlias

import numpy as np

from wikirank.evaluate.candidates import FIRST_STAGES, Candidates, FirstStage, OnStep
from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.evaluate.near_duplicates import credit_near_duplicates
from wikirank.evaluate.strata import of_same_article
from wikirank.rank import CrossEncoder
from wikirank.rank.protocol import Cascade
from wikirank.search.rerank import rerank_candidates, sort_by_logit
from wikirank.types import RankedPassage, SearchType

BY_LOGIT = ", logit alone"
"""Ends the name of a ranking that leaves a model's combination out."""

CASCADE_BEST = 10
"""How many passages a cascade is asked for, in a ranking of its own."""
BY_CASCADE = f", the {CASCADE_BEST} best by cascade"
"""Ends the name of that ranking."""

RankingKind: TypeAlias = Literal["first stage", "reranker", "cascade", "oracle"]


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
        same_article: Query id to the passage ids that `of_same_article` gives; empty unless a
            first stage.
    """

    name: str
    kind: RankingKind
    ids: dict[str, list[str]] = field(default_factory=dict)
    relevance: dict[str, list[float]] = field(default_factory=dict)
    stages_ms: dict[str, float] = field(default_factory=dict)
    same_article: dict[str, list[str]] = field(default_factory=dict)

    def add(self, query: str, ranked: list[RankedPassage], stages_ms: Mapping[str, float]) -> None:
        """Take up the ranking of one more query.

        Args:
            query: Its id.
            ranked: Best first.
            stages_ms: Milliseconds that it took.
        """
        self.ids[query] = [one.passage.id for one in ranked]
        scores = [one.relevance_score for one in ranked if one.relevance_score is not None]
        if self.kind == "reranker":
            self.relevance[query] = scores
        for stage, milliseconds in stages_ms.items():
            self.stages_ms[stage] = self.stages_ms.get(stage, 0.0) + milliseconds

    def mean_ms(self) -> dict[str, float]:
        """Mean milliseconds a query, by stage and in `total`."""
        return {stage: summed / len(self.ids) for stage, summed in self.stages_ms.items()}

    def within(self, candidates: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
        """The rankings of some queries, by id, with only the passages given for each."""
        kept = {query: frozenset(ids) for query, ids in candidates.items()}
        return {
            query: [id_ for id_ in self.ids[query] if id_ in ids] for query, ids in kept.items()
        }


def rank_all(
    candidates: Candidates,
    dataset: RetrievalDataset,
    models: Mapping[str, CrossEncoder],
    *,
    depth: int,
    search_type: SearchType,
    on_step: OnStep | None = None,
) -> list[Ranking]:
    """Rank the candidates of every query in every way.

    Each reranker orders the same candidates, those of one first stage. A model that has learned to
    combine its logit with hybrid search's scores is ranked so, as `WikiRetriever` does, and by its
    logit alone. A cascade is also asked for its ten best. A relevant passage that
    is not among them stays missed, unless a near duplicate of it is, which then stands for it
    (`credit_near_duplicates`). The time of a reranker includes that of its first stage. The first
    stages are asked in turn, so the later ones find caches warm.

    Args:
        candidates: Of the data set's queries.
        dataset: Whose relevant passages are no near duplicates of one another.
        models: Rerankers by name.
        depth: Candidates a query.
        search_type: The first stage whose candidates are reranked.
        on_step: Told `Asking`, queries done, and queries in all.

    Returns:
        The first stages, the rerankers in the order given, and the oracle, which puts the
        relevant candidates first.
    """
    stage_name = FIRST_STAGES[search_type]
    stages = {key: Ranking(name, "first stage") for key, name in FIRST_STAGES.items()}
    rerankers = {
        name + suffix: Ranking(f"{stage_name} + {name}{suffix}", kind)
        for name, model in models.items()
        for suffix, kind in _ways(model, search_type)
    }
    oracle = Ranking(f"{stage_name} + oracle", "oracle")
    _warm_up(candidates, dataset, models, depth)
    for done, id_ in enumerate(dataset.queries, start=1):
        by_type = candidates.find(id_, depth)
        for key, stage in by_type.items():
            named = credit_near_duplicates(stage.candidates, dataset, id_)
            by_type[key] = FirstStage(named, stage.stages_ms)
            stages[key].add(id_, named, stage.stages_ms)
            passages = [one.passage for one in named]
            stages[key].same_article[id_] = of_same_article(dataset, id_, passages)
        _rerank(dataset.queries[id_], id_, by_type[search_type], models, rerankers)
        oracle.add(id_, _relevant_first(by_type[search_type].candidates, dataset.relevant[id_]), {})
        if on_step:
            on_step("Asking", done, len(dataset.queries))
    return [*stages.values(), *rerankers.values(), oracle]


def _ways(model: CrossEncoder, search_type: SearchType) -> Iterator[tuple[str, RankingKind]]:
    """The rankings of a model: what their names end in, and what they are."""
    yield "", "reranker"
    if model.combination and search_type == "hybrid":
        yield BY_LOGIT, "reranker"
    if isinstance(model, Cascade):
        yield BY_CASCADE, "cascade"


def _rerank(
    question: str,
    query: str,
    before: FirstStage,
    models: Mapping[str, CrossEncoder],
    rankings: Mapping[str, Ranking],
) -> None:
    """Add what each model makes of one query's candidates to its ranking."""
    for name, model in models.items():
        ranked, stages_ms = _timed(question, before, model)
        rankings[name].add(query, ranked, stages_ms)
        if name + BY_CASCADE in rankings:
            best = _timed(question, before, model, top_n=CASCADE_BEST)
            rankings[name + BY_CASCADE].add(query, *best)
        if name + BY_LOGIT in rankings:
            by_candidate = {one.passage.id: one.rerank_logit for one in ranked}
            logits = [by_candidate[one.passage.id] for one in before.candidates]
            alone = sort_by_logit(before.candidates, np.array(logits), model)
            rankings[name + BY_LOGIT].add(query, alone, stages_ms)


def _timed(
    question: str, before: FirstStage, model: CrossEncoder, *, top_n: int | None = None
) -> tuple[list[RankedPassage], dict[str, float]]:
    """A reranking, and the milliseconds of all stages so far."""
    started = perf_counter()
    ranked = rerank_candidates(question, before.candidates, model, top_n=top_n)
    milliseconds = (perf_counter() - started) * 1000
    total = before.stages_ms.get("total", 0.0) + milliseconds
    return ranked, {**before.stages_ms, "rerank": milliseconds, "total": total}


def _warm_up(
    candidates: Candidates,
    dataset: RetrievalDataset,
    models: Mapping[str, CrossEncoder],
    depth: int,
) -> None:
    """Rank for one query, so that no model's first run is timed."""
    id_, question = next(iter(dataset.queries.items()))
    for stage in candidates.find(id_, depth).values():
        for model in models.values():
            rerank_candidates(question, stage.candidates[:2], model)


def _relevant_first(
    candidates: list[RankedPassage], relevant: Collection[str]
) -> list[RankedPassage]:
    return sorted(candidates, key=lambda one: one.passage.id not in relevant)
