"""How a question flows: candidates → fusion → duplicates → cross-encoder → threshold → top k."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from wikirank.embed import is_bundled_embedder, load_embedder
from wikirank.errors import InvalidArgumentError
from wikirank.index import WikiIndex
from wikirank.index.filters import normalise_filter
from wikirank.passages.duplicates import without_duplicates
from wikirank.rank import CrossEncoder, load_cross_encoder, score_passages
from wikirank.search.fusion import reciprocal_rank_fusion
from wikirank.search.options import (
    Retrieved,
    SearchOptions,
    SearchResult,
    UnreadLanguage,
    unread_language,
)
from wikirank.search.rerank import rerank_candidates
from wikirank.search.steps import Observer, SearchStep, StageClock, run_steps
from wikirank.types import RankedPassage

Hits = list[tuple[str, float]]

# A search takes milliseconds, the batches that a writer writes are seconds apart.
_TRIES = 5
_WITH_NEAR_WORD = 5  # passages that show how the wiki spells a word
# Passages that pass a filter of which all are compared with the query, rather than searched.
_FEW = 2000
_RETRIEVERS = {"dense": "vectors", "lexical": "BM25", "hybrid": "vectors and BM25"}


class CandidateReranker(ABC):
    """What every search does with its candidates, wherever they come from.

    Args:
        cross_encoder: The model that reranks; None loads the bundled one at first use.
    """

    # Whether dense scores are of another embedder than the one that the model's weights hold for.
    _recomputes_cosines = False

    def __init__(self, cross_encoder: CrossEncoder | None = None) -> None:
        self._cross_encoder = cross_encoder

    @property
    def cross_encoder(self) -> CrossEncoder:
        """The model that reranks."""
        if self._cross_encoder is None:
            self._cross_encoder = self._default_cross_encoder()
        return self._cross_encoder

    def _default_cross_encoder(self) -> CrossEncoder:
        return load_cross_encoder()

    def search(
        self, query: str, options: SearchOptions | None = None, observer: Observer | None = None
    ) -> SearchResult:
        """Find the passages that answer a query.

        Args:
            query: A question or keywords.
            options: How to search; None takes the defaults.
            observer: Listens to the steps.

        Returns:
            At most `k` passages, best first, and how they were found.

        Raises:
            InvalidArgumentError: If the query is empty or the filter names an unknown key.
        """
        return run_steps(self.steps(query, options or SearchOptions()), observer)

    def steps(self, query: str, options: SearchOptions) -> Iterator[SearchStep]:
        """The steps of `search`, each to be run before the next is asked for."""
        first = SearchStep("retrieve", query, options, partial(self.retrieve, query, options))
        yield first
        yield SearchStep(
            "rerank" if options.rerank else "cut",
            query,
            options,
            partial(self.rerank, first.outcome, options),
            retrieved=first.outcome,
            model=self.cross_encoder.model_id if options.rerank else "",
        )

    def warm_up(self) -> None:
        """Load what the first question would wait for; no wiki is asked what nobody wants."""
        score_passages(self.cross_encoder, "warm", ["up"])

    @abstractmethod
    def retrieve(self, query: str, options: SearchOptions) -> Retrieved:
        """Find candidates: the first step of `search`.

        Args:
            query: A question or keywords.
            options: How to search.

        Returns:
            The candidates, the time each stage took, and what was left out.

        Raises:
            CorpusError: If a wiki that is not indexed cannot be read.
            InvalidArgumentError: If the query is empty, the filter names an unknown key, or
                something is asked for that needs an index where there is none.
        """

    @property
    @abstractmethod
    def place(self) -> str:
        """What is searched, in a word: an index's folder, a wiki's host, a file."""

    @abstractmethod
    def origin(self, options: SearchOptions) -> str:
        """Where the candidates of a search come from, for people."""

    @abstractmethod
    def matching_words(self, query: str, candidates: Sequence[RankedPassage]) -> set[str]:
        """Words of candidates that share a stem with a telling word of a query."""

    @abstractmethod
    def with_neighbours(self, ranked: Sequence[RankedPassage], count: int) -> list[RankedPassage]:
        """Join the neighbouring passages to each one's text."""

    def rerank(self, retrieved: Retrieved, options: SearchOptions) -> SearchResult:
        """Rerank, apply the threshold, cut, join neighbours: the second step of `search`.

        Args:
            retrieved: What `retrieve` returned for the same options.
            options: How to search.

        Returns:
            The passages, and the times of both steps.
        """
        options = options.for_unread(retrieved.unread)
        clock = StageClock(retrieved.timings)
        with clock.stage("rerank" if options.rerank else "cut"):
            passing = self._passing(retrieved, options)
            ranked = passing[: options.k]
        if options.neighbours:
            with clock.stage("neighbours"):
                ranked = self.with_neighbours(ranked, options.neighbours)
        return retrieved.result(ranked, clock.timings(), len(passing))

    def _passing(self, retrieved: Retrieved, options: SearchOptions) -> list[RankedPassage]:
        if not options.rerank:
            return retrieved.candidates
        scored = rerank_candidates(
            retrieved.read_as or retrieved.query,
            retrieved.candidates,
            self.cross_encoder,
            options.on_truncation,
            top_n=options.k if options.cascade else None,
            recompute_cosines=self._recomputes_cosines,
        )
        threshold = options.score_threshold or 0.0
        return [ranked for ranked in scored if (ranked.relevance_score or 0.0) >= threshold]


class Searcher(CandidateReranker):
    """Asks an index and reranks what it finds. Safe to share between threads.

    Args:
        index: The index.
        cross_encoder: The model that reranks; None loads what the index recorded, or else the
            bundled one, at first use.
    """

    def __init__(self, index: WikiIndex, cross_encoder: CrossEncoder | None = None) -> None:
        super().__init__(cross_encoder)
        self.index = index
        self._recomputes_cosines = not is_bundled_embedder(index.embedder.model_id)

    @override
    def retrieve(self, query: str, options: SearchOptions) -> Retrieved:
        if not query.strip():
            msg = "The query is empty. Ask a question or give keywords."
            raise InvalidArgumentError(msg)
        clock = StageClock()
        self.index.sync()
        unread = self._unread(query, options)
        retrieval = options.for_unread(unread)
        read_as = query if unread else self._respelt(query, options)
        candidates, duplicates = self._consistent_candidates(query, read_as, retrieval, clock)
        if not candidates and retrieval.search_type != options.search_type:
            # No word in common: what the embedder guesses is better than nothing.
            guess = retrieval.with_changes(search_type="dense")
            candidates, duplicates = self._consistent_candidates(query, query, guess, clock)
        told = (f"Read as: {read_as}",) if read_as != query else ()
        return Retrieved(query, candidates, clock.timings(), duplicates, unread, told, read_as)

    @override
    def warm_up(self) -> None:
        self.search("warm up", SearchOptions(k=1, fetch_k=1))

    @property
    def place(self) -> str:
        """Name of the index's folder."""
        return self.index.path.name

    def origin(self, options: SearchOptions) -> str:
        """Which of the index's retrievers the candidates come from."""
        return f"{_RETRIEVERS[options.search_type]} of the index {self.place}"

    def matching_words(self, query: str, candidates: Sequence[RankedPassage]) -> set[str]:
        """Words of candidates that match, as the index's language has them."""
        from wikirank.search.words import words_of  # Only the server's page marks them.

        return self.index.lexical.matching_words(query, words_of(candidates))

    @override
    def _default_cross_encoder(self) -> CrossEncoder:
        recorded = self.index.reranker
        if recorded is None:
            return super()._default_cross_encoder()
        return load_cross_encoder(str(recorded["model"]), revision=recorded["revision"])

    def with_neighbours(self, ranked: Sequence[RankedPassage], count: int) -> list[RankedPassage]:
        """Join the neighbouring passages to each one's text, from the index."""
        from wikirank.search.neighbours import with_neighbours  # Few searches want them.

        return with_neighbours(self.index.store, ranked, count)

    def _unread(self, query: str, options: SearchOptions) -> UnreadLanguage | None:
        """What the models that have a part in a search do not read of the question."""
        dense, rerank = options.search_type != "lexical", options.rerank
        return unread_language(
            query,
            getattr(self.index.embedder, "languages", None) if dense else None,
            getattr(self.cross_encoder, "languages", None) if rerank else None,
        )

    def _respelt(self, query: str, options: SearchOptions) -> str:
        """The query as the models read it: misspelt words as the wiki spells them."""
        by_words_alone = options.search_type == "lexical" and not options.rerank
        if by_words_alone or not is_bundled_embedder(self.index.embedder.model_id):
            return query  # The bundled embedder's vocabulary tells what is a word.
        from wikirank.search.spelling import respelt  # Not needed to import the search.

        return respelt(query, self._texts_near, lambda word: load_embedder().is_known_word(word))

    def _texts_near(self, word: str) -> list[str]:
        """A few passages with words a letter or two from one that the index lacks."""
        lexical, store = self.index.lexical, self.index.store
        lexical.refresh(store.last_write())
        passages = store.get(lexical.ids_with_similar_word(word, _WITH_NEAR_WORD))
        return [passage.headed_text for passage in passages.values()]

    def _consistent_candidates(
        self, query: str, read_as: str, options: SearchOptions, clock: StageClock
    ) -> tuple[list[RankedPassage], int]:
        """Look again where an article was replaced meanwhile: old ids found, new passages read."""
        for _ in range(_TRIES):
            before = self.index.store.last_write()
            candidates = self._candidates(query, read_as, options, clock)
            if self.index.store.last_write() == before:
                break
        return candidates

    def _candidates(
        self, query: str, read_as: str, options: SearchOptions, clock: StageClock
    ) -> tuple[list[RankedPassage], int]:
        """Candidates in the order of first-stage retrieval, and how many duplicates it dropped."""
        known_keys = self.index.store.known_keys() if options.filter else frozenset[str]()
        where = normalise_filter(options.filter, known_keys)
        wanted = max(options.k, options.fetch_k)
        dense: Hits = []
        lexical: Hits = []
        vector: NDArray[np.float32] | None = None
        if options.search_type != "lexical":
            with clock.stage("embed"):
                vector = self.index.embedder.embed_query(read_as)
            with clock.stage("dense"):
                dense = self._dense(vector, wanted, where)
        if options.search_type != "dense":
            with clock.stage("lexical"):
                lexical = self._lexical(query, wanted, where)
        with clock.stage("fuse"):
            fused = self._fuse(dense, lexical, hybrid=options.search_type == "hybrid")
            distinct, dropped = (
                distinct_candidates(fused) if options.drop_duplicates else (fused, 0)
            )
        if vector is not None and options.search_type == "hybrid":
            with clock.stage("features"):
                distinct = self._with_both_scores(distinct[:wanted], query, vector)
        return distinct[:wanted], dropped

    def _dense(
        self, vector: NDArray[np.float32], wanted: int, where: Mapping[str, Any] | None
    ) -> Hits:
        """What the vectors find; asked again where they lag behind what another process wrote."""
        if where and self.index.store.uses_list_keys(where):
            return self._dense_of_lists(vector, wanted, where)
        hits = self.index.dense.search(vector, wanted, where)
        ids = [id_ for id_, _ in hits]
        if len(self.index.store.matching(ids, None)) < len(ids) and self.index.dense.refresh():
            hits = self.index.dense.search(vector, wanted, where)
        return hits

    def _dense_of_lists(
        self, vector: NDArray[np.float32], wanted: int, where: Mapping[str, Any]
    ) -> Hits:
        """The same under a filter on lists, which the index's database looks into."""
        ids = self.index.store.ids_where(where, _FEW + 1)
        if len(ids) <= _FEW:
            similar = self.index.dense.similarities(vector, ids)
            return sorted(similar.items(), key=lambda hit: -hit[1])[:wanted]
        depth = wanted
        while True:
            depth *= 4
            hits = self.index.dense.search(vector, depth)
            passing = self.index.store.matching([id_ for id_, _ in hits], where)
            kept = [hit for hit in hits if hit[0] in passing]
            if len(kept) >= wanted or len(hits) < depth:
                return kept[:wanted]

    def _lexical(self, query: str, wanted: int, where: Mapping[str, Any] | None) -> Hits:
        def accept(ids: Sequence[str]) -> set[str]:
            return self.index.store.matching(ids, where)

        self.index.lexical.refresh(self.index.store.last_write())
        return self.index.lexical.search(query, wanted, accept=accept)

    def _fuse(self, dense: Hits, lexical: Hits, *, hybrid: bool) -> list[RankedPassage]:
        fused = reciprocal_rank_fusion([[id_ for id_, _ in dense], [id_ for id_, _ in lexical]])
        passages = self.index.store.get([id_ for id_, _ in fused])
        # An id without a passage is outdated: its article is being replaced just now.
        hits = [(passages[id_], score) for id_, score in fused if id_ in passages]
        dense_scores, lexical_scores = dict(dense), dict(lexical)
        return [
            RankedPassage(
                passage=passage,
                rank=rank,
                rank_before=rank,
                dense_score=dense_scores.get(passage.id),
                lexical_score=lexical_scores.get(passage.id),
                fusion_score=score if hybrid else None,
            )
            for rank, (passage, score) in enumerate(hits, start=1)
        ]

    def _with_both_scores(
        self, candidates: Sequence[RankedPassage], query: str, vector: NDArray[np.float32]
    ) -> list[RankedPassage]:
        """Candidates with the score of the index that did not find them looked up.

        So a relevance score depends on the query and the passage alone, not on which other
        candidates there were, nor on how many were fetched.
        """
        no_dense = [c.passage.id for c in candidates if c.dense_score is None]
        no_lexical = [c.passage.id for c in candidates if c.lexical_score is None]
        dense = self.index.dense.similarities(vector, no_dense) if no_dense else {}
        lexical = self.index.lexical.scores(query, no_lexical) if no_lexical else {}
        return [
            replace(
                candidate,
                dense_score=dense.get(candidate.passage.id, candidate.dense_score),
                lexical_score=lexical.get(candidate.passage.id, candidate.lexical_score),
            )
            for candidate in candidates
        ]


def distinct_candidates(
    candidates: Sequence[RankedPassage], most: int | None = None
) -> tuple[list[RankedPassage], int]:
    """Candidates without those that say the same as a better one, ranked again.

    Args:
        candidates: The candidates, best first.
        most: How many to keep at most; those after them are not looked at.

    Returns:
        The candidates, and how many were dropped before the last of them.
    """
    kept = without_duplicates(
        [candidate.passage.text for candidate in candidates],
        titles=[candidate.passage.title for candidate in candidates],
        limit=most,
    )
    looked_at = kept[-1] + 1 if len(kept) == most else len(candidates)
    distinct = [
        replace(candidates[position], rank=rank, rank_before=rank)
        for rank, position in enumerate(kept, start=1)
    ]
    return distinct, looked_at - len(kept)
