"""The search pipeline: retrieve → fuse → drop duplicates → rerank → threshold → top k."""

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

# Enough: a search takes milliseconds, and a writer's batches are seconds apart.
_MAX_TRIES = 5
_SPELLING_PASSAGES = 5  # Passages to read for the wiki's spelling of a word.
# If at most this many passages pass a filter on lists, all are compared with the query.
_MAX_COMPARED = 2000
_RETRIEVERS = {"dense": "vectors", "lexical": "BM25", "hybrid": "vectors and BM25"}


class CandidateReranker(ABC):
    """Base of all searchers: retrieves candidates, reranks them, applies threshold and top k.

    Args:
        cross_encoder: The model that reranks; None loads the bundled one on first use.
    """

    # Whether dense scores are from another embedder than the one that the weights were fitted with.
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
            options: How to search; None for the defaults.
            observer: Called with each step, see `Observer`.

        Returns:
            At most `k` passages, best first, and details of the search.

        Raises:
            InvalidArgumentError: If the query is empty or the filter names an unknown key.
        """
        return run_steps(self.steps(query, options or SearchOptions()), observer)

    def steps(self, query: str, options: SearchOptions) -> Iterator[SearchStep]:
        """Yield the steps of `search`. Run each before you request the next."""
        retrieve = SearchStep("retrieve", query, options, partial(self.retrieve, query, options))
        yield retrieve
        yield SearchStep(
            "rerank" if options.rerank else "cut",
            query,
            options,
            partial(self.rerank, retrieve.outcome, options),
            retrieved=retrieve.outcome,
            model=self.cross_encoder.model_id if options.rerank else "",
        )

    def warm_up(self) -> None:
        """Load the models, so the first query does not wait. Sends no request to a live wiki."""
        score_passages(self.cross_encoder, "warm", ["up"])

    @abstractmethod
    def retrieve(self, query: str, options: SearchOptions) -> Retrieved:
        """Find candidates: the first step of `search`.

        Args:
            query: A question or keywords.
            options: How to search.

        Returns:
            The candidates, with timings and notes.

        Raises:
            CorpusError: If a live wiki cannot be read.
            InvalidArgumentError: If the query is empty, the filter names an unknown key, or an
                option needs an index and there is none.
        """

    @property
    @abstractmethod
    def place(self) -> str:
        """Short name of what is searched: an index's folder, a wiki's host, a file."""

    @abstractmethod
    def origin(self, options: SearchOptions) -> str:
        """Describe for people where the candidates of a search come from."""

    @abstractmethod
    def matching_words(self, query: str, candidates: Sequence[RankedPassage]) -> set[str]:
        """Return the candidates' words that share a stem with a query word."""

    @abstractmethod
    def with_neighbours(self, ranked: Sequence[RankedPassage], count: int) -> list[RankedPassage]:
        """Join each passage with `count` passages before and after it."""

    def rerank(self, retrieved: Retrieved, options: SearchOptions) -> SearchResult:
        """Rerank, apply the threshold, cut to `k`, join neighbours: the second step of `search`.

        Args:
            retrieved: The result of `retrieve` for the same options.
            options: How to search.

        Returns:
            The passages, with the timings of both steps.
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
    """Searches an index and reranks the candidates. Threads may share it.

    Args:
        index: The index.
        cross_encoder: The model that reranks; None loads the one that the index recorded, or the
            bundled one, on first use.
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
        read_as = query if unread else self._correct_spelling(query, options)
        candidates, duplicates = self._consistent_candidates(query, read_as, retrieval, clock)
        if not candidates and retrieval.search_type != options.search_type:
            # No word in common: the embedder's guess is better than nothing.
            fallback = retrieval.with_changes(search_type="dense")
            candidates, duplicates = self._consistent_candidates(query, query, fallback, clock)
        notes = (f"Read as: {read_as}",) if read_as != query else ()
        return Retrieved(query, candidates, clock.timings(), duplicates, unread, notes, read_as)

    @override
    def warm_up(self) -> None:
        self.search("warm up", SearchOptions(k=1, fetch_k=1))

    @property
    def place(self) -> str:
        """Name of the index's folder."""
        return self.index.path.name

    def origin(self, options: SearchOptions) -> str:
        """Name the index's retrievers that the candidates come from."""
        return f"{_RETRIEVERS[options.search_type]} of the index {self.place}"

    def matching_words(self, query: str, candidates: Sequence[RankedPassage]) -> set[str]:
        """Return the candidates' words that share a stem with a query word."""
        from wikirank.search.words import words_of  # Imported late: only the server uses it.

        return self.index.lexical.matching_words(query, words_of(candidates))

    @override
    def _default_cross_encoder(self) -> CrossEncoder:
        recorded = self.index.reranker
        if recorded is None:
            return super()._default_cross_encoder()
        return load_cross_encoder(str(recorded["model"]), revision=recorded["revision"])

    def with_neighbours(self, ranked: Sequence[RankedPassage], count: int) -> list[RankedPassage]:
        """Join each passage with `count` passages before and after it, from the index."""
        from wikirank.search.neighbours import with_neighbours  # Imported late: few searches do.

        return with_neighbours(self.index.store, ranked, count)

    def _unread(self, query: str, options: SearchOptions) -> UnreadLanguage | None:
        dense, rerank = options.search_type != "lexical", options.rerank
        return unread_language(
            query,
            getattr(self.index.embedder, "languages", None) if dense else None,
            getattr(self.cross_encoder, "languages", None) if rerank else None,
        )

    def _correct_spelling(self, query: str, options: SearchOptions) -> str:
        """Replace misspelt words by the wiki's spelling, for the models."""
        uses_models = options.search_type != "lexical" or options.rerank
        # Only the bundled embedder's vocabulary shows which words are misspelt.
        if not (uses_models and is_bundled_embedder(self.index.embedder.model_id)):
            return query
        from wikirank.search.spelling import correct_spelling  # Imported late to start faster.

        similar = self._texts_with_similar_word
        return correct_spelling(query, similar, lambda w: load_embedder().is_known_word(w))

    def _texts_with_similar_word(self, word: str) -> list[str]:
        """Return a few passages with a word similar to one that the index lacks."""
        lexical, store = self.index.lexical, self.index.store
        lexical.refresh(store.last_write())
        passages = store.get(lexical.ids_with_similar_word(word, _SPELLING_PASSAGES))
        return [passage.headed_text for passage in passages.values()]

    def _consistent_candidates(
        self, query: str, read_as: str, options: SearchOptions, clock: StageClock
    ) -> tuple[list[RankedPassage], int]:
        """Retrieve again if a writer changed the index meanwhile: ids and passages must agree."""
        for _ in range(_MAX_TRIES):
            before = self.index.store.last_write()
            candidates = self._candidates(query, read_as, options, clock)
            if self.index.store.last_write() == before:
                break
        return candidates

    def _candidates(
        self, query: str, read_as: str, options: SearchOptions, clock: StageClock
    ) -> tuple[list[RankedPassage], int]:
        """Return candidates in first-stage order, and the number of dropped duplicates."""
        known_keys = self.index.store.known_keys() if options.filter else frozenset[str]()
        where = normalise_filter(options.filter, known_keys)
        fetch_k = max(options.k, options.fetch_k)
        dense: Hits = []
        lexical: Hits = []
        vector: NDArray[np.float32] | None = None
        if options.search_type != "lexical":
            with clock.stage("embed"):
                vector = self.index.embedder.embed_query(read_as)
            with clock.stage("dense"):
                dense = self._dense(vector, fetch_k, where)
        if options.search_type != "dense":
            with clock.stage("lexical"):
                lexical = self._lexical(query, fetch_k, where)
        with clock.stage("fuse"):
            fused = self._fuse(dense, lexical, hybrid=options.search_type == "hybrid")
            candidates, duplicates = (
                distinct_candidates(fused) if options.drop_duplicates else (fused, 0)
            )
        if vector is not None and options.search_type == "hybrid":
            with clock.stage("features"):
                candidates = self._with_both_scores(candidates[:fetch_k], query, vector)
        return candidates[:fetch_k], duplicates

    def _dense(
        self, vector: NDArray[np.float32], count: int, where: Mapping[str, Any] | None
    ) -> Hits:
        """Search the vectors; reload them and retry if another process wrote to the index."""
        if where and self.index.store.uses_list_keys(where):
            return self._dense_with_list_filter(vector, count, where)
        hits = self.index.dense.search(vector, count, where)
        ids = [id_ for id_, _ in hits]
        if len(self.index.store.matching(ids, None)) < len(ids) and self.index.dense.refresh():
            hits = self.index.dense.search(vector, count, where)
        return hits

    def _dense_with_list_filter(
        self, vector: NDArray[np.float32], count: int, where: Mapping[str, Any]
    ) -> Hits:
        """Search the vectors, with a filter on lists that only the index's database can apply."""
        ids = self.index.store.ids_where(where, _MAX_COMPARED + 1)
        if len(ids) <= _MAX_COMPARED:
            similar = self.index.dense.similarities(vector, ids)
            return sorted(similar.items(), key=lambda hit: -hit[1])[:count]
        depth = count
        while True:
            depth *= 4
            hits = self.index.dense.search(vector, depth)
            passing = self.index.store.matching([id_ for id_, _ in hits], where)
            kept = [hit for hit in hits if hit[0] in passing]
            if len(kept) >= count or len(hits) < depth:
                return kept[:count]

    def _lexical(self, query: str, count: int, where: Mapping[str, Any] | None) -> Hits:
        def accept(ids: Sequence[str]) -> set[str]:
            return self.index.store.matching(ids, where)

        self.index.lexical.refresh(self.index.store.last_write())
        return self.index.lexical.search(query, count, accept=accept)

    def _fuse(self, dense: Hits, lexical: Hits, *, hybrid: bool) -> list[RankedPassage]:
        fused = reciprocal_rank_fusion([[id_ for id_, _ in dense], [id_ for id_, _ in lexical]])
        passages = self.index.store.get([id_ for id_, _ in fused])
        # An id without a passage is outdated: its article is being replaced.
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
        """Look up missing scores of candidates that only one of the two indexes found.

        This way a relevance score depends only on the query and the passage, not on the other
        candidates nor on how many were fetched.
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
    candidates: Sequence[RankedPassage], limit: int | None = None
) -> tuple[list[RankedPassage], int]:
    """Drop candidates that duplicate a better one, and rank the rest again.

    Args:
        candidates: The candidates, best first.
        limit: Maximum number of candidates to keep; later ones are not examined. None keeps all.

    Returns:
        The kept candidates, and the number of duplicates before the last of them.
    """
    kept = without_duplicates(
        [candidate.passage.text for candidate in candidates],
        titles=[candidate.passage.title for candidate in candidates],
        limit=limit,
    )
    examined = kept[-1] + 1 if len(kept) == limit else len(candidates)
    distinct = [
        replace(candidates[position], rank=rank, rank_before=rank)
        for rank, position in enumerate(kept, start=1)
    ]
    return distinct, examined - len(kept)
