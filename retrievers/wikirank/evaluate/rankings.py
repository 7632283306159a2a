"""Rank the queries of a data set with the first stages, each reranker, and an oracle."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal, TypeAlias

import numpy as np

from wikirank.evaluate.candidates import FIRST_STAGES, Candidates, FirstStage, OnStep
from wikirank.evaluate.datasets import RetrievalDataset
from wikirank.evaluate.near_duplicates import credit_near_duplicates
from wikirank.evaluate.strata import same_article_ids
from wikirank.rank import CrossEncoder
from wikirank.rank.protocol import Cascade
from wikirank.search.rerank import rerank_candidates, sort_by_logit
from wikirank.types import RankedPassage, SearchType

BY_LOGIT = ", logit alone"
"""Suffix for the name of a ranking without the model's combination."""

CASCADE_BEST = 10
"""`top_n` in the ranking of a cascade."""
BY_CASCADE = f", the {CASCADE_BEST} best by cascade"
"""Suffix for the name of the ranking of a cascade."""

RankingKind: TypeAlias = Literal["first stage", "reranker", "cascade", "oracle"]


@dataclass(slots=True)
class Ranking:
    """The results of one ranking method for all queries.

    Attributes:
        name: Name of the method.
        kind: Kind of the method.
        ids: Query id to passage ids, best first.
        relevance: Query id to relevance scores in the same order; only for a reranker.
        stages_ms: Milliseconds by stage and `total`, summed over the queries; empty for the
            oracle.
        same_article: Query id to passage ids from `same_article_ids`; only for a first stage.
    """

    name: str
    kind: RankingKind
    ids: dict[str, list[str]] = field(default_factory=dict)
    relevance: dict[str, list[float]] = field(default_factory=dict)
    stages_ms: dict[str, float] = field(default_factory=dict)
    same_article: dict[str, list[str]] = field(default_factory=dict)

    def add(self, query: str, ranked: list[RankedPassage], stages_ms: Mapping[str, float]) -> None:
        """Add the ranking of one query.

        Args:
            query: Id of the query.
            ranked: Passages, best first.
            stages_ms: Milliseconds by stage, and `total`.
        """
        self.ids[query] = [hit.passage.id for hit in ranked]
        if self.kind == "reranker":
            scores = (hit.relevance_score for hit in ranked)
            self.relevance[query] = [score for score in scores if score is not None]
        for stage, milliseconds in stages_ms.items():
            self.stages_ms[stage] = self.stages_ms.get(stage, 0.0) + milliseconds

    def mean_ms(self) -> dict[str, float]:
        """Return mean milliseconds per query, by stage and `total`."""
        return {stage: total / len(self.ids) for stage, total in self.stages_ms.items()}

    def within(self, candidates: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
        """Return the rankings of some queries, restricted to the passages listed for each."""
        allowed = {query: frozenset(ids) for query, ids in candidates.items()}
        return {
            query: [id_ for id_ in self.ids[query] if id_ in ids] for query, ids in allowed.items()
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
    """Rank the candidates of every query with every method.

    All rerankers order the candidates of the same first stage. A model that has learned to combine
    its logit with first-stage scores is ranked both with the combination, as in `WikiRetriever`,
    and by its logit alone. A cascade also ranks its ten best. A relevant passage that is not a
    candidate stays missed, unless a near duplicate of it is (see `credit_near_duplicates`). The
    time of a reranker includes its first stage. First stages run one after the other, so later ones
    find warm caches.

    Args:
        candidates: Candidates for the data set's queries.
        dataset: A data set whose relevant passages are not near duplicates of one another.
        models: Rerankers by name.
        depth: Candidates per query.
        search_type: The first stage whose candidates are reranked.
        on_step: Called with `Asking`, the number of finished queries, and their total.

    Returns:
        The first stages, the rerankers in the order of `models`, and the oracle, which puts
        relevant candidates first.
    """
    stage_name = FIRST_STAGES[search_type]
    stages = {key: Ranking(name, "first stage") for key, name in FIRST_STAGES.items()}
    rerankers = {
        name + suffix: Ranking(f"{stage_name} + {name}{suffix}", kind)
        for name, model in models.items()
        for suffix, kind in _methods(model, search_type)
    }
    oracle = Ranking(f"{stage_name} + oracle", "oracle")
    _warm_up(candidates, dataset, models, depth)
    for done, id_ in enumerate(dataset.queries, start=1):
        by_type = candidates.find(id_, depth)
        for key, stage in by_type.items():
            credited = credit_near_duplicates(stage.candidates, dataset, id_)
            by_type[key] = FirstStage(credited, stage.stages_ms)
            stages[key].add(id_, credited, stage.stages_ms)
            passages = [candidate.passage for candidate in credited]
            stages[key].same_article[id_] = same_article_ids(dataset, id_, passages)
        _rerank(dataset.queries[id_], id_, by_type[search_type], models, rerankers)
        oracle.add(id_, _relevant_first(by_type[search_type].candidates, dataset.relevant[id_]), {})
        if on_step:
            on_step("Asking", done, len(dataset.queries))
    return [*stages.values(), *rerankers.values(), oracle]


def _methods(model: CrossEncoder, search_type: SearchType) -> Iterator[tuple[str, RankingKind]]:
    """Yield the suffix and the kind of each ranking of a model."""
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
    """Rerank one query's candidates with each model and add the results to the rankings."""
    for name, model in models.items():
        ranked, stages_ms = _timed(question, before, model)
        rankings[name].add(query, ranked, stages_ms)
        if name + BY_CASCADE in rankings:
            best = _timed(question, before, model, top_n=CASCADE_BEST)
            rankings[name + BY_CASCADE].add(query, *best)
        if name + BY_LOGIT in rankings:
            by_id = {hit.passage.id: hit.rerank_logit for hit in ranked}
            logits = [by_id[candidate.passage.id] for candidate in before.candidates]
            by_logit = sort_by_logit(before.candidates, np.array(logits), model)
            rankings[name + BY_LOGIT].add(query, by_logit, stages_ms)


def _timed(
    question: str, before: FirstStage, model: CrossEncoder, *, top_n: int | None = None
) -> tuple[list[RankedPassage], dict[str, float]]:
    """Rerank candidates; return them with the milliseconds of all stages."""
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
    """Rank one query, so that no model's first run is timed."""
    id_, question = next(iter(dataset.queries.items()))
    for stage in candidates.find(id_, depth).values():
        for model in models.values():
            rerank_candidates(question, stage.candidates[:2], model)


def _relevant_first(
    candidates: list[RankedPassage], relevant: Collection[str]
) -> list[RankedPassage]:
    return sorted(candidates, key=lambda candidate: candidate.passage.id not in relevant)
